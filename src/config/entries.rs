//! Settings as the settings window shows them: name, value, and where the value comes from.

use std::fmt;

use super::Settings;

/// A setting with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingEntry {
    /// Name, which is the option's long name and the key in the file.
    pub name: String,
    /// Heading under which it is listed.
    pub group: String,
    /// Description.
    pub help: String,
    /// Kind of its values.
    pub kind: SettingKind,
    /// Unit of its values, such as "s"; empty for none.
    pub unit: &'static str,
    /// Default, in words.
    pub default: String,
    /// Environment variable that sets it.
    pub variable: Option<String>,
    /// Values that are in use; empty for the default.
    pub values: Vec<String>,
    /// Place that the values come from.
    pub origin: Origin,
    /// Place whose values are not used because [`origin`](Self::origin) takes precedence, with these values.
    pub loses: Option<(Origin, Vec<String>)>,
    /// Line of the settings file whose value could not be used.
    pub wrong_line: Option<usize>,
}

impl SettingEntry {
    /// Returns the name as people read it: "Reconnect delay".
    pub fn title(&self) -> String {
        let words = self.name.replace('-', " ");
        match words.as_str() {
            "api" => "API".to_owned(),
            words => match words.strip_prefix("ca ") {
                Some(rest) => format!("CA {rest}"),
                None => {
                    let mut signs = words.chars();
                    let first = signs.next().into_iter().flat_map(char::to_uppercase);
                    first.chain(signs).collect()
                }
            },
        }
    }

    /// Returns the value as text; empty for the default.
    pub fn value(&self) -> String {
        self.values.join(", ")
    }

    /// True when a switch is on.
    pub fn is_on(&self) -> bool {
        match self.values.first() {
            Some(value) => is_yes(value).unwrap_or(false),
            None => self.default.starts_with("yes"),
        }
    }

    /// True when the settings file sets the value that is in use.
    pub fn is_in_file(&self) -> bool {
        matches!(self.origin, Origin::File { .. })
    }

    /// True when a change is only seen at the next start without this flag or variable.
    pub fn is_overridden(&self) -> bool {
        matches!(self.origin, Origin::Flag(_) | Origin::Environment(_))
    }

    /// True when a change takes effect at once; the others do at the next start.
    pub fn is_live(&self) -> bool {
        is_live(&self.name)
    }
}

/// True for settings that take effect while the display runs.
pub fn is_live(name: &str) -> bool {
    matches!(
        name,
        "backoff"
            | "connect-timeout"
            | "max-reconnect-attempts"
            | "probe-secs"
            | "reconnect-delay"
            | "reduced-motion"
            | "theme"
            | "time-zone"
    )
}

/// Returns the truth value of a text; `None` for other texts.
pub fn is_yes(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "on" | "t" | "true" | "y" | "yes" => Some(true),
        "" | "0" | "f" | "false" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Kind of a setting's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// On or off.
    Switch,
    /// One of these.
    Choice(Vec<String>),
    /// A number.
    Number,
    /// Any text that the option accepts.
    Text,
    /// Any number of texts.
    List,
}

/// Place that a value comes from, the strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line, by this option or argument.
    Flag(String),
    /// This environment variable.
    Environment(String),
    /// The settings file.
    File {
        /// Line, from 1.
        line: usize,
        /// Profile whose table sets it; `None` for the top level.
        profile: Option<String>,
    },
    /// Nothing sets it.
    Default,
}

impl Origin {
    /// Returns the kind in one word, as the pill shows it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Flag(_) => "flag",
            Self::Environment(_) => "environment",
            Self::File { .. } => "file",
            Self::Default => "default",
        }
    }
}

/// The place within its kind: an option, a variable, a line.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Environment(name) => f.write_str(name),
            Self::File { line, profile: None } => write!(f, "line {line}"),
            Self::File { line, profile: Some(profile) } => {
                write!(f, "line {line}, profile {profile}")
            }
            Self::Default => Ok(()),
        }
    }
}

/// A mistake in the settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Name of the file, without its folder.
    pub file: String,
    /// Line and column of the mistake, from 1; `None` for the file as a whole.
    pub at: Option<(usize, usize)>,
    /// Sentence that says what is wrong, and what was expected.
    pub words: String,
    /// Text of the line; secrets are left out.
    pub line: String,
    /// Sentence that says what is used in place of the value.
    pub used: String,
    /// Name of the setting, if it is one.
    pub name: Option<String>,
}

impl Complaint {
    /// Returns place and mistake in one line.
    pub fn title(&self) -> String {
        match self.at {
            Some((line, column)) => {
                format!("{}, line {line}, column {column}: {}", self.file, self.words)
            }
            None => format!("{}: {}", self.file, self.words),
        }
    }

    /// Returns the line with its number; `None` for the file as a whole.
    pub fn quoted(&self) -> Option<String> {
        self.at.map(|(line, _)| format!("{line} | {}", self.line))
    }
}

/// Three lines for a terminal: place and mistake, the line, and what is used instead.
impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title())?;
        if let Some(line) = self.quoted() {
            write!(f, "\n  {line}")?;
        }
        write!(f, "\n  {}", self.used)
    }
}

/// All settings with their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsTable {
    /// Settings, ordered by their groups.
    pub entries: Vec<SettingEntry>,
    /// Mistakes in the file.
    pub complaints: Vec<Complaint>,
    /// Name of the place where changes are saved; empty for none.
    pub place: String,
    /// Profile that is in use.
    pub profile: Option<String>,
    /// Profiles of the file.
    pub profiles: Vec<String>,
}

impl SettingsTable {
    /// Returns the setting of this name.
    pub fn entry(&self, name: &str) -> Option<&SettingEntry> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

/// The place where settings are saved, and what is known of them.
pub trait SettingsStore: Send + Sync {
    /// Returns all settings.
    fn table(&self) -> &SettingsTable;

    /// Returns the settings that follow from them.
    fn settings(&self) -> &Settings;

    /// Saves the values of a setting; `None` removes them, so that the default holds again.
    ///
    /// # Errors
    ///
    /// Says what was expected, or why the file cannot be changed.
    fn change(&mut self, name: &str, values: Option<&[String]>) -> Result<(), String>;

    /// Takes back the last change that was made here; returns the name of its setting, `None` if there is none.
    ///
    /// # Errors
    ///
    /// Says why the file cannot be changed.
    fn undo(&mut self) -> Result<Option<String>, String>;

    /// Reads everything again, because somebody else may have changed it.
    fn read_again(&mut self);

    /// Uses another profile, or none, until the program ends.
    fn choose_profile(&mut self, profile: Option<String>);
}
