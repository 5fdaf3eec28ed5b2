//! The settings of the window with their file: what holds now, and changes that are saved at once.

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, Parser};

use super::{Cli, FileOptions};
use crate::config::{
    Checks, Complaint, Layers, Origin, SettingEntry, Settings, SettingsFile, SettingsStore,
    SettingsTable, reason_of, settings_file,
};

/// Value of `--settings` that reads no file.
const NO_FILE: &str = "none";
/// Reason against a recording that ends the start after the next.
const RECORDS_ONCE: &str = "a second start cannot record into the same file: first set `rotate-size`, \
                            `rotate-after` or `overwrite`";
/// Number of changes that can be taken back.
const MOST_UNDONE: usize = 100;

/// A change that can be taken back.
#[derive(Clone, Debug)]
struct Change {
    name: String,
    before: String,
    after: String,
}

/// The settings of the window, kept in a file.
#[derive(Debug)]
pub struct FileStore {
    arguments: Vec<OsString>,
    file: SettingsFile,
    /// True when somebody named the file.
    is_chosen: bool,
    profile: Option<String>,
    layers: Layers,
    settings: Settings,
    changes: Vec<Change>,
}

impl FileStore {
    /// Reads the file that the options name, or else the user's. `arguments` begin with the program.
    pub(super) fn open(arguments: Vec<OsString>, options: &FileOptions) -> Self {
        let path = match &options.settings {
            Some(path) if path == Path::new(NO_FILE) => None,
            Some(path) => Some(path.clone()),
            None => settings_file(std::env::var_os),
        };
        let is_chosen = options.settings.is_some();
        let file = SettingsFile::read(path.as_deref(), is_chosen);
        let profile = options.profile.clone().filter(|profile| !profile.is_empty());
        Self::of(arguments, file, is_chosen, profile)
    }

    fn of(
        arguments: Vec<OsString>,
        file: SettingsFile,
        is_chosen: bool,
        profile: Option<String>,
    ) -> Self {
        let layers = layers_of(&file, &arguments, profile.as_deref());
        let changes = Vec::new();
        let mut store = Self {
            arguments,
            file,
            is_chosen,
            profile,
            layers,
            settings: Settings::default(),
            changes,
        };
        store.follow();
        store
    }

    /// Returns the command line with the values of the file; `None` where it cannot be parsed.
    pub(super) fn cli(&self) -> Option<Cli> {
        Cli::try_parse_from(&self.layers.arguments).ok()
    }

    /// Returns the mistakes in the file.
    pub fn complaints(&self) -> &[Complaint] {
        &self.layers.table.complaints
    }

    /// Says which line of the file names the recording; `None` where the file does not.
    pub fn recording_words(&self) -> Option<String> {
        let Origin::File { line, .. } = self.layers.table.entry("record")?.origin else {
            return None;
        };
        Some(format!("`record` is set in line {line} of {}", self.file.place_words()))
    }

    /// Takes what the layers say as the settings. A source that does not exist leaves them as they were.
    fn follow(&mut self) {
        if let Some(request) = self.cli().and_then(|cli| cli.window.request().ok()) {
            self.settings = request.settings;
        }
    }

    fn lay(&mut self) {
        self.layers = layers_of(&self.file, &self.arguments, self.profile.as_deref());
        self.follow();
    }

    fn read_file(&self) -> SettingsFile {
        SettingsFile::read(self.file.path(), self.is_chosen)
    }
}

/// True when the file names a recording that only one start can write.
fn records_once(layers: &Layers) -> bool {
    let is_in_file = layers.table.entry("record").is_some_and(SettingEntry::is_in_file);
    let cli = Cli::try_parse_from(&layers.arguments).ok().filter(|_| is_in_file);
    let record = cli.and_then(|cli| cli.window.record.settings());
    record.is_some_and(|it| !it.overwrite && it.rotate_size.is_none() && it.rotate_after.is_none())
}

fn layers_of(file: &SettingsFile, arguments: &[OsString], profile: Option<&str>) -> Layers {
    let parse =
        |given: &[OsString]| Cli::try_parse_from(given).map_err(|error| reason_of(&error, ""));
    let values = |given: &[OsString]| parse(given).map(drop);
    let whole = |given: &[OsString]| {
        let cli = parse(given)?;
        cli.check()?;
        cli.window.request().map(drop).map_err(|error| error.to_string())
    };
    let checks = Checks { values: &values, whole: &whole };
    Layers::new(file, &Cli::command(), arguments, profile, checks)
}

impl SettingsStore for FileStore {
    fn table(&self) -> &SettingsTable {
        &self.layers.table
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn change(&mut self, name: &str, values: Option<&[String]>) -> Result<(), String> {
        let Some(entry) = self.layers.table.entry(name) else {
            return Err(format!("there is no setting `{name}`"));
        };
        let kind = entry.kind.clone();
        // Somebody else may have changed the file.
        let file = self.read_file();
        let profile = self.profile.as_deref();
        let in_profile = profile.filter(|_| values.is_some() || file.has(name, profile));
        let new = file.changed(name, &kind, in_profile, values)?;
        let layers = layers_of(&new, &self.arguments, profile);
        // Other lines may be wrong already.
        let old = layers_of(&file, &self.arguments, profile);
        let is_known = |new: &Complaint| {
            let mut known = old.table.complaints.iter();
            known.any(|it| (&it.name, &it.words, &it.line) == (&new.name, &new.words, &new.line))
        };
        if let Some(complaint) = layers.table.complaints.iter().find(|it| !is_known(it)) {
            return Err(match &complaint.name {
                Some(other) if other != name => {
                    format!("`{other}` does not fit it then: {}", complaint.words)
                }
                _ => complaint.words.clone(),
            });
        }
        if records_once(&layers) && !records_once(&old) {
            return Err(RECORDS_ONCE.to_owned());
        }
        new.write()?;
        let (before, after) = (file.text().to_owned(), new.text().to_owned());
        if before != after {
            self.changes.push(Change { name: name.to_owned(), before, after });
        }
        if self.changes.len() > MOST_UNDONE {
            self.changes.remove(0);
        }
        (self.file, self.layers) = (new, layers);
        self.follow();
        Ok(())
    }

    fn undo(&mut self) -> Result<Option<String>, String> {
        let Some(change) = self.changes.last() else { return Ok(None) };
        let file = self.read_file();
        file.check_readable()?;
        if file.text() != change.after {
            return Err("the settings file was changed elsewhere since".to_owned());
        }
        let before = file.with_text(change.before.clone());
        before.write()?;
        self.file = before;
        self.lay();
        Ok(self.changes.pop().map(|change| change.name))
    }

    fn read_again(&mut self) {
        self.file = self.read_file();
        self.lay();
    }

    fn choose_profile(&mut self, profile: Option<String>) {
        self.profile = profile;
        self.read_again();
    }
}

impl From<FileStore> for Box<dyn SettingsStore> {
    fn from(store: FileStore) -> Self {
        Box::new(store)
    }
}

#[cfg(test)]
mod tests;
