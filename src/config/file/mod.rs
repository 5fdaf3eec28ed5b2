//! The settings file: TOML whose keys are the long names of the options. `[profile.NAME]` has values that
//! `--profile NAME` lays over the others.

mod document;
mod edit;
mod layers;
mod place;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::{fs, io};

use self::document::Document;
pub use self::layers::{Checks, Layers};
pub use self::place::settings_file;
use super::entries::SettingKind;

/// Largest file that is read, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// A settings file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsFile {
    /// Path; `None` where there is no place for it.
    path: Option<PathBuf>,
    /// Content when it was last read.
    text: String,
    document: Document,
    /// Reason why it could not be read.
    problem: Option<String>,
    /// True when somebody named it, and it does not exist.
    is_missing: bool,
}

impl SettingsFile {
    /// Reads a file. `is_chosen` is true when somebody named it, so that it should exist.
    pub fn read(path: Option<&Path>, is_chosen: bool) -> Self {
        let mut file = Self { path: path.map(Path::to_owned), ..Self::default() };
        let Some(path) = path else { return file };
        match read(path) {
            Ok(text) => file.take(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_chosen => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                file.problem = Some(
                    "there is no such file; the first change of a setting makes it".to_owned(),
                );
                file.is_missing = true;
            }
            Err(error) => file.problem = Some(format!("cannot be read: {error}")),
        }
        file
    }

    /// Makes a file with this content that nothing is written to, for tests and measurements.
    pub fn of_text(text: &str) -> Self {
        let mut file = Self { path: Some("settings.toml".into()), ..Self::default() };
        file.take(text.to_owned());
        file
    }

    fn take(&mut self, text: String) {
        self.document = Document::read(&text);
        self.text = text;
    }

    /// True when the file sets a value in this profile.
    pub fn has(&self, name: &str, profile: Option<&str>) -> bool {
        self.document.value(name, profile).is_some()
    }

    /// Returns the content.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns this file with a value changed; `None` removes it.
    ///
    /// # Errors
    ///
    /// Says why the file has to be changed by hand.
    pub fn changed(
        &self,
        name: &str,
        kind: &SettingKind,
        profile: Option<&str>,
        values: Option<&[String]>,
    ) -> Result<Self, String> {
        if self.path.is_none() {
            return Err(
                "there is no place for a settings file; name one with --settings FILE".to_owned()
            );
        }
        self.check_readable()?;
        let is_typed = matches!(kind, SettingKind::Switch | SettingKind::Number);
        let text = edit::changed(&self.text, name, profile, values, is_typed)?;
        Ok(self.with_text(text))
    }

    /// Checks that a change would leave the content that the file has.
    ///
    /// # Errors
    ///
    /// Says why the file could not be read.
    pub fn check_readable(&self) -> Result<(), String> {
        match self.problem.as_ref().filter(|_| !self.is_missing) {
            Some(problem) => Err(format!("the settings file {problem}")),
            None => Ok(()),
        }
    }

    /// Returns this file with another content.
    pub fn with_text(&self, text: String) -> Self {
        let mut file = Self { path: self.path.clone(), ..Self::default() };
        file.take(text);
        file
    }

    /// Writes the file as a whole.
    ///
    /// # Errors
    ///
    /// Says what cannot be written.
    pub fn write(&self) -> Result<(), String> {
        let Some(path) = &self.path else { return Ok(()) };
        crate::replace_file::replace(path, &self.text)
            .map_err(|error| format!("`{}` cannot be written: {error}", path.display()))
    }

    /// Returns the path.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the name without the folder.
    fn name(&self) -> String {
        let name = self.path.as_deref().and_then(Path::file_name).unwrap_or_default();
        crate::text::one_line(&name.to_string_lossy()).into_owned()
    }

    /// Returns the path as people read it, with `~` for the user's folder; empty for none.
    pub fn place_words(&self) -> String {
        let Some(path) = &self.path else { return String::new() };
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|it| it.is_absolute());
        let inside = home.as_deref().and_then(|home| path.strip_prefix(home).ok());
        let words = match inside {
            Some(inside) => format!("~/{}", inside.display()),
            None => path.display().to_string(),
        };
        crate::text::one_line(&words).into_owned()
    }

    /// Returns the line that a byte belongs to.
    fn line(&self, at: usize) -> &str {
        let start = self.text.get(..at).and_then(|it| it.rfind('\n')).map_or(0, |at| at + 1);
        self.text.get(start..).and_then(|it| it.lines().next()).unwrap_or_default()
    }
}

fn read(path: &Path) -> io::Result<String> {
    use io::Read;

    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other("larger than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
}
