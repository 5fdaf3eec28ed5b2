//! Tests that no content of a settings file ends the program.

use super::*;

#[test]
fn any_bytes_can_be_read() {
    let path = std::env::temp_dir().join(format!("meterbridge-bytes-{}.toml", std::process::id()));
    fs::write(&path, [0xff, 0xfe, b'a', 0]).unwrap();
    let file = SettingsFile::read(Some(&path), true);
    assert!(file.problem.as_deref().is_some_and(|it| it.starts_with("cannot be read")));
    let values = ["dark".to_owned()];
    assert!(file.changed("theme", &SettingKind::Text, None, Some(&values)).is_err());
    fs::remove_file(&path).unwrap();
}

#[test]
fn file_that_is_too_large_is_told_and_never_written_in_part() {
    let path = std::env::temp_dir().join(format!("meterbridge-large-{}.toml", std::process::id()));
    let line = "# a comment that fills the file\n";
    let text = format!("theme = \"light\"\n{}", line.repeat(MOST_BYTES as usize / line.len()));
    fs::write(&path, &text).unwrap();
    let file = SettingsFile::read(Some(&path), false);
    assert_eq!(file.problem.as_deref(), Some("cannot be read: larger than 1 MiB"));
    let values = ["dark".to_owned()];
    assert!(file.changed("theme", &SettingKind::Text, None, Some(&values)).is_err());
    fs::write(&path, &text[..MOST_BYTES as usize]).unwrap();
    assert_eq!(SettingsFile::read(Some(&path), false).problem, None);
    fs::remove_file(&path).unwrap();
}
