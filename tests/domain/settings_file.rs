//! The settings file as a user meets it: complaints on standard error, precedence, exit codes. Without a display
//! the window ends with exit code 1 after that.

use std::fs;
use std::path::PathBuf;

use crate::support::meterbridge;

/// Writes a settings file; returns its path.
fn file(name: &str, text: &str) -> PathBuf {
    let name = format!("meterbridge-cli-{name}-{}.toml", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Starts the window with a settings file; returns exit code and standard error.
fn start(path: &PathBuf, flags: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = meterbridge();
    command.env("METERBRIDGE_SETTINGS", path).args(flags).envs(variables.iter().copied());
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn mistake_is_told_with_its_place_and_does_not_end_the_program() {
    let path = file("wrong", "theme = \"light\"\nprobe-secs = \"soon\"\n");
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let (code, stderr) = start(&path, &[], &[]);
    let told = format!(
        "warning: {name}, line 2, column 14: expected 0, or seconds from 1 to 86400, such as 30\n  \
         2 | probe-secs = \"soon\"\n  \
         The default of 30 is used; all other lines are used. The file is left as it is.\nerror: "
    );
    assert!(stderr.starts_with(&told), "{stderr}");
    assert_eq!(code, Some(1), "there is no display");
    let (_, stderr) = start(&path, &[], &[("METERBRIDGE_PROBE_SECS", "7")]);
    let used = "7 of environment METERBRIDGE_PROBE_SECS is used; all other lines are used.";
    assert!(stderr.contains(used), "{stderr}");
    let flag = ["--probe-secs=9"];
    let (_, stderr) = start(&path, &flag, &[("METERBRIDGE_PROBE_SECS", "7")]);
    assert!(stderr.contains("9 of flag --probe-secs is used"), "{stderr}");
    fs::remove_file(path).unwrap();
}

#[test]
fn profile_is_chosen_by_flag_or_environment() {
    let path = file("profile", "[profile.wall-3]\nsource = \"missing.ndjson\"\n");
    let missing = "line 2, column 10: there is no file";
    let (code, stderr) = start(&path, &["--profile", "wall-3"], &[]);
    assert_eq!(
        code,
        Some(1),
        "a source of the file is a mistake of its line, and there is no display"
    );
    assert!(stderr.contains(missing), "{stderr}");
    let (_, stderr) = start(&path, &[], &[("METERBRIDGE_PROFILE", "wall-3")]);
    assert!(stderr.contains(missing), "{stderr}");
    let (code, stderr) = start(&path, &[], &[]);
    assert_eq!(code, Some(1));
    assert!(!stderr.contains("warning"), "{stderr}");
    let (_, stderr) = start(&path, &["--profile=wall-4"], &[]);
    assert!(stderr.contains("there is no profile `wall-4`; it has wall-3"), "{stderr}");
    fs::remove_file(path).unwrap();
}

#[test]
fn commands_without_a_window_read_no_file() {
    let path = file("commands", "theme = \n");
    let (code, stderr) = start(&path, &["inspect", "--help"], &[]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let (_, stderr) = start(&PathBuf::from("none"), &[], &[]);
    assert!(!stderr.contains("warning"), "{stderr}");
    fs::remove_file(path).unwrap();
}
