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
