//! The place of the settings file.

use std::ffi::OsString;
use std::path::PathBuf;

/// Name of the file in the folder for the program's settings.
const NAME: &str = "settings.toml";

/// Returns the user's settings file: in the platform's folder for settings.
pub fn settings_file(variable: impl Fn(&'static str) -> Option<OsString>) -> Option<PathBuf> {
    let folder =
        |name| variable(name).map(PathBuf::from).filter(|folder: &PathBuf| folder.is_absolute());
    let home = |inside: &str| folder("HOME").map(|home| home.join(inside));
    let settings = folder("XDG_CONFIG_HOME").or_else(|| {
        if cfg!(windows) {
            folder("APPDATA")
        } else if cfg!(target_os = "macos") {
            home("Library/Application Support")
        } else {
            home(".config")
        }
    });
    settings.map(|folder| folder.join("meterbridge").join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_file_follows_environment_variables() {
        let file = |known: &[(&str, &str)]| {
            settings_file(|name| {
                known.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            })
        };
        let own = ("XDG_CONFIG_HOME", "/config");
        assert_eq!(file(&[own]), Some("/config/meterbridge/settings.toml".into()));
        assert_eq!(file(&[("XDG_CONFIG_HOME", "relative")]), None);
        if cfg!(target_os = "linux") {
            let home = ("HOME", "/home/ann");
            let usual = "/home/ann/.config/meterbridge/settings.toml";
            assert_eq!(file(&[home]), Some(usual.into()));
        }
    }
}
