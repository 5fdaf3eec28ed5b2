//! The folder for data that outlasts the program: a hub's store, recordings made in the window, the lists of
//! recent sources and estimates, and the state of the panel.

use std::ffi::OsString;
use std::path::PathBuf;

/// Returns the folder for persistent data: the service manager's, otherwise the user's.
pub fn state_folder(variable: impl Fn(&'static str) -> Option<OsString>) -> Option<PathBuf> {
    let folder =
        |name| variable(name).map(PathBuf::from).filter(|folder: &PathBuf| folder.is_absolute());
    let own = |folder: PathBuf| folder.join("meterbridge");
    // systemd provides a folder for this program alone.
    folder("STATE_DIRECTORY")
        .or_else(|| folder("XDG_STATE_HOME").map(own))
        .or_else(|| folder("LOCALAPPDATA").map(own))
        .or_else(|| folder("HOME").map(|home| own(home.join(".local/state"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_folder_follows_environment_variables() {
        let folder = |known: &[(&str, &str)]| {
            state_folder(|name| {
                known.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            })
        };
        let home = ("HOME", "/home/ann");
        assert_eq!(folder(&[home]), Some("/home/ann/.local/state/meterbridge".into()));
        let user = ("XDG_STATE_HOME", "/state");
        assert_eq!(folder(&[home, user]), Some("/state/meterbridge".into()));
        let service = ("STATE_DIRECTORY", "/var/lib/meterbridge-hub");
        assert_eq!(folder(&[home, user, service]), Some("/var/lib/meterbridge-hub".into()));
        assert_eq!(folder(&[("HOME", ""), ("XDG_STATE_HOME", "relative")]), None);
    }
}
