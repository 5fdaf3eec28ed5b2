//! Command line, environment, profile and file laid over each other: which value is used, and where it comes
//! from.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::SettingsFile;
use super::document::{FileValue, PROFILE, place_of};
use crate::config::catalogue::{arguments_of, entries_of, name_of, option_of};
use crate::config::entries::{Complaint, Origin, SettingEntry, SettingsTable};
use crate::source::{is_secret, redact};
use crate::text::distance;

/// Name of the setting whose values can contain passwords.
const SOURCE: &str = "source";
/// Number of letters in which a mistyped name may differ.
const MOST_MISTYPED: usize = 3;

/// Checks of the arguments of a command line, which say why they cannot be used.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    /// Checks each value for itself.
    pub values: &'a dyn Fn(&[OsString]) -> Result<(), String>,
    /// Checks also values that depend on each other.
    pub whole: &'a dyn Fn(&[OsString]) -> Result<(), String>,
}

/// A command line together with the settings of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers {
    /// The command line, with the values of the file that nothing overrides.
    pub arguments: Vec<OsString>,
    /// All settings with their places, and the mistakes in the file.
    pub table: SettingsTable,
}

impl Layers {
    /// Lays a command line over a file. `arguments` begin with the program, and are known to be right.
    pub fn new(
        file: &SettingsFile,
        command: &Command,
        arguments: &[OsString],
        profile: Option<&str>,
        checks: Checks,
    ) -> Self {
        let mut layering = Layering {
            file,
            command,
            checks,
            program: arguments.first().cloned().unwrap_or_default(),
            table: SettingsTable {
                entries: entries_of(command),
                complaints: Vec::new(),
                place: file.place_words(),
                profile: profile.map(str::to_owned),
                profiles: file.document.profiles.clone(),
            },
            wrong: Vec::new(),
        };
        layering.tell_file_errors(profile);
        let of_file = layering.values(profile);
        if let Ok(matches) = command.clone().try_get_matches_from(arguments) {
            for entry in &mut layering.table.entries {
                if let Some(arg) = option_of(command, &entry.name) {
                    lay(entry, arg, &matches, &of_file, file);
                }
            }
        }
        let from_file = layering.arguments_of_file(arguments);
        let mut all = vec![layering.program.clone()];
        all.extend(from_file.into_iter().flat_map(|(_, given)| given));
        all.extend(arguments.iter().skip(1).cloned());
        layering.say_what_is_used();
        Self { arguments: all, table: layering.table }
    }
}

/// Lays one setting's values over each other.
fn lay(
    entry: &mut SettingEntry,
    arg: &Arg,
    matches: &ArgMatches,
    of_file: &[&FileValue],
    file: &SettingsFile,
) {
    let mut places: Vec<(Origin, Vec<String>)> = Vec::new();
    let told = |values: Vec<String>| -> Vec<String> {
        let shown = |value: String| if entry.name == SOURCE { shown_source(&value) } else { value };
        values.into_iter().map(shown).collect()
    };
    let id = arg.get_id().as_str();
    let raw = || {
        let raw = matches.get_raw(id).into_iter().flatten();
        told(raw.map(|value| value.to_string_lossy().into_owned()).collect())
    };
    let of_variable = |name: &String| std::env::var(name).ok().filter(|it| !it.is_empty());
    if entry.name == "panel" && matches.get_flag("no_panel") {
        places.push((Origin::Flag("--no-panel".to_owned()), vec!["no".to_owned()]));
    }
    match matches.value_source(id) {
        Some(ValueSource::CommandLine) => {
            let name = match arg.get_long() {
                Some(long) => format!("--{long}"),
                None => "on the command line".to_owned(),
            };
            places.push((Origin::Flag(name), raw()));
            if let Some(name) = &entry.variable
                && let Some(value) = of_variable(name)
            {
                places.push((Origin::Environment(name.clone()), told(vec![value])));
            }
        }
        Some(ValueSource::EnvVariable) => {
            let name = entry.variable.clone().unwrap_or_default();
            places.push((Origin::Environment(name), raw()));
        }
        _ => {}
    }
    for value in of_file.iter().filter(|value| value.name == entry.name) {
        let (line, _) = file.place_of(value.value.start);
        let origin = Origin::File { line, profile: value.profile.clone() };
        places.push((origin, value.values.clone().unwrap_or_default()));
    }
    let mut places = places.into_iter();
    if let Some((origin, values)) = places.next() {
        (entry.origin, entry.values) = (origin, values);
    }
    entry.loses = places.next();
}

struct Layering<'a> {
    file: &'a SettingsFile,
    command: &'a Command,
    checks: Checks<'a>,
    program: OsString,
    table: SettingsTable,
    /// Complaints for which it is not known yet what is used instead: their places among all complaints.
    wrong: Vec<usize>,
}

impl<'a> Layering<'a> {
    /// Returns the values of the file that can be used, those of the profile first. Complains about the others.
    fn values(&mut self, profile: Option<&str>) -> Vec<&'a FileValue> {
        let (file, mut found) = (self.file, Vec::new());
        let is_used =
            |value: &&FileValue| value.profile.is_none() || value.profile.as_deref() == profile;
        for value in file.document.values.iter().filter(is_used) {
            match self.checked(value) {
                Ok(()) => found.push(value),
                Err(words) => self.complain(value, words),
            }
        }
        found.sort_by_key(|value| value.profile.is_none());
        found
    }

    fn checked(&self, value: &FileValue) -> Result<(), String> {
        let name = value.name.as_str();
        let Some(arg) = option_of(self.command, name) else { return Err(self.unknown(name)) };
        let values = value.values.as_ref().map_err(|reason| (*reason).to_owned())?;
        if name == SOURCE && values.iter().any(|value| shown_source(value) != *value) {
            return Err(NO_SECRETS.to_owned());
        }
        self.check_values(arg, values)
    }

    fn check_values(&self, arg: &Arg, values: &[String]) -> Result<(), String> {
        let given = arguments_of(arg, values)?;
        let given = given.into_iter().map(OsString::from);
        (self.checks.values)(
            &std::iter::once(self.program.clone()).chain(given).collect::<Vec<_>>(),
        )
    }

    fn unknown(&self, name: &str) -> String {
        if is_secret(name) {
            return NO_SECRETS.to_owned();
        }
        if name == PROFILE {
            return "expected tables, such as [profile.wall-3]".to_owned();
        }
        let names = || self.command.get_arguments().filter_map(name_of);
        let plain = name.replace('_', "-");
        let nearest = names().map(|known| (distance(&plain, known), known)).min();
        let most = MOST_MISTYPED.min(name.len() / 3);
        match nearest {
            Some((by, known)) if by <= most => {
                format!("there is no setting `{name}`; did you mean `{known}`?")
            }
            _ => format!("there is no setting `{name}`"),
        }
    }

    /// Complains about the file as a whole, and about lines that are not TOML.
    fn tell_file_errors(&mut self, profile: Option<&str>) {
        if let Some(problem) = &self.file.problem {
            let used = match self.file.is_missing {
                true => "The defaults are used.",
                false => "The file is left as it is, and none of it is used.",
            };
            self.tell(None, problem.clone(), None, used.to_owned());
        }
        for error in &self.file.document.errors {
            let ignored = match error.is_header {
                true => "This line and those of its table, up to the next, are ignored",
                false => "The line is ignored",
            };
            let words = format!("this is not TOML: {}", error.words);
            self.tell(Some(error.at), words, None, format!("{ignored}; {REST}"));
        }
        let profiles = &self.file.document.profiles;
        if let Some(profile) = profile.filter(|name| !profiles.iter().any(|it| it == name)) {
            let known = match profiles.as_slice() {
                [] => "it has none".to_owned(),
                names => format!("it has {}", names.join(", ")),
            };
            let words = format!("there is no profile `{profile}`; {known}");
            self.tell(
                None,
                words,
                None,
                "Only the settings outside of profiles are used.".to_owned(),
            );
        }
    }

    fn complain(&mut self, value: &FileValue, words: String) {
        let is_known = option_of(self.command, &value.name).is_some();
        // A value that cannot be read points to itself, an unknown name to its key.
        let at = if is_known { value.value.start } else { value.key.start };
        self.wrong.push(self.table.complaints.len());
        self.tell(Some(at), words, Some(value), String::new());
    }

    fn tell(&mut self, at: Option<usize>, words: String, value: Option<&FileValue>, used: String) {
        let complaint = Complaint {
            file: self.file.name(),
            at: at.map(|at| self.file.place_of(at)),
            words: crate::text::one_line(&words).into_owned(),
            line: at.map_or_else(String::new, |at| self.shown_line(at, value)),
            used,
            name: value
                .map(|value| value.name.clone())
                .filter(|name| option_of(self.command, name).is_some()),
        };
        self.table.complaints.push(complaint);
    }

    /// Returns a line as it may be shown: the values of unknown names and of addresses can be secrets.
    fn shown_line(&self, at: usize, value: Option<&FileValue>) -> String {
        let line = self.file.line(at);
        let may_be_shown = match value {
            Some(value) => value.name != SOURCE && option_of(self.command, &value.name).is_some(),
            None => self.may_be_shown(line),
        };
        let shown = match line.split_once('=') {
            Some((name, _)) if !may_be_shown => format!("{}= …", name),
            None if !may_be_shown => "…".to_owned(),
            _ => line.to_owned(),
        };
        crate::text::one_line(shown.trim()).into_owned()
    }

    /// True for a line that is not TOML when it begins a table, or with a setting that is no secret.
    fn may_be_shown(&self, line: &str) -> bool {
        let is_end = |sign: char| sign == '=' || sign.is_whitespace();
        let line = line.trim();
        let (key, rest) = line.split_once(is_end).unwrap_or((line, ""));
        let is_header = key.starts_with('[') && (rest.is_empty() || rest.starts_with('#'));
        let is_setting = key != SOURCE && option_of(self.command, key).is_some();
        (is_header || is_setting) && !line.contains("://") && !is_secret(rest)
    }

    /// Returns the arguments for the values of the file that are used. Leaves out those that do not fit the
    /// others.
    fn arguments_of_file(&mut self, arguments: &[OsString]) -> Vec<(String, Vec<OsString>)> {
        let given_of = |entry: &SettingEntry| {
            let arg = option_of(self.command, &entry.name)?;
            let given = arguments_of(arg, &entry.values).ok()?;
            let given = given.into_iter().map(OsString::from).collect();
            Some((entry.name.clone(), given)).filter(|_| entry.is_in_file())
        };
        let all: Vec<(String, Vec<OsString>)> =
            self.table.entries.iter().filter_map(given_of).collect();
        let with = |parts: &[(String, Vec<OsString>)]| -> Vec<OsString> {
            let of_file = parts.iter().flat_map(|(_, given)| given.iter().cloned());
            let rest = arguments.iter().skip(1).cloned();
            std::iter::once(self.program.clone()).chain(of_file).chain(rest).collect()
        };
        if (self.checks.whole)(&with(&all)).is_ok() || (self.checks.whole)(&with(&[])).is_err() {
            return all;
        }
        let (mut kept, mut left_out) = (Vec::new(), Vec::new());
        for part in all {
            kept.push(part);
            if let Err(reason) = (self.checks.whole)(&with(&kept)) {
                left_out.extend(kept.pop().map(|(name, _)| (name, reason)));
            }
        }
        for (name, reason) in left_out {
            self.leave_out(&name, reason);
        }
        kept
    }

    /// Takes a value of the file out of use.
    fn leave_out(&mut self, name: &str, reason: String) {
        let file = self.file;
        let Some(entry) = self.table.entries.iter_mut().find(|entry| entry.name == name) else {
            return;
        };
        let Origin::File { profile, .. } = &entry.origin else { return };
        let value = file.document.value(name, profile.as_deref());
        (entry.origin, entry.values, entry.loses) = (Origin::Default, Vec::new(), None);
        if let Some(value) = value {
            self.complain(value, reason);
        }
    }

    /// Says for each value that was not understood what is used instead.
    fn say_what_is_used(&mut self) {
        for place in &self.wrong {
            let Some(complaint) = self.table.complaints.get_mut(*place) else { continue };
            let name = complaint.name.clone();
            let entry = name
                .and_then(|name| self.table.entries.iter_mut().find(|entry| entry.name == name));
            let Some(entry) = entry else {
                complaint.used = format!("The line is ignored; {REST}");
                continue;
            };
            entry.wrong_line = complaint.at.map(|(line, _)| line);
            let used = match (&entry.origin, entry.default.as_str()) {
                (Origin::Default, _) if entry.name == SOURCE => {
                    "The demo studio is shown".to_owned()
                }
                (Origin::Default, "") => "The default is used".to_owned(),
                (Origin::Default, default) => format!("The default of {default} is used"),
                (origin, _) => {
                    format!("{} of {} {origin} is used", entry.value(), origin.word())
                }
            };
            complaint.used = format!("{used}; {REST}");
        }
        self.table.complaints.sort_by_key(|complaint| complaint.at);
    }
}

const NO_SECRETS: &str = "a token or password does not belong in this file; use METERBRIDGE_TOKEN or the setting \
                          `token-file`";
const REST: &str = "all other lines are used. The file is left as it is.";

/// Returns a source without the secrets of an address. A file may have any name.
fn shown_source(value: &str) -> String {
    if value.contains("://") { redact(value) } else { value.to_owned() }
}

/// Says where a byte of the file stands.
impl SettingsFile {
    fn place_of(&self, at: usize) -> (usize, usize) {
        place_of(&self.text, at)
    }
}
