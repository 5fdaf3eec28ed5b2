//! Tests of the settings with their file: precedence, mistakes, and changes.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::config::{SettingKind, ThemeName};

/// A settings file of its own for each test.
struct Scene(PathBuf);

impl Scene {
    fn new(name: &str, text: &str) -> Self {
        let folder = format!("meterbridge-settings-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("settings.toml");
        fs::write(&file, text).unwrap();
        Self(file)
    }

    fn open(&self, profile: Option<&str>, flags: &[&str]) -> FileStore {
        let arguments = ["meterbridge"].iter().chain(flags).map(OsString::from).collect();
        let options =
            FileOptions { settings: Some(self.0.clone()), profile: profile.map(str::to_owned) };
        FileStore::open(arguments, &options)
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.0.parent().map(fs::remove_dir_all);
    }
}

fn entry(store: &FileStore, name: &str) -> SettingEntry {
    store.table().entry(name).unwrap().clone()
}

const FILE: &str = "\
# The control room.
theme = \"light\"
reconnect-delay = 2
[profile.wall-3]
theme = \"high-contrast\"
kiosk = true
";

#[test]
fn flag_beats_profile_which_beats_top_level_which_beats_default() {
    let scene = Scene::new("order", FILE);
    let theme = |profile, flags: &[&str]| {
        let store = scene.open(profile, flags);
        let cli = store.cli().unwrap();
        assert_eq!(cli.window.settings.view.theme, store.settings().view.theme);
        let entry = entry(&store, "theme");
        (cli.window.settings.view.theme, entry.origin, entry.loses.map(|(origin, _)| origin))
    };
    let top = Origin::File { line: 2, profile: None };
    let wall = Origin::File { line: 5, profile: Some("wall-3".to_owned()) };
    assert_eq!(theme(None, &[]), (ThemeName::Light, top.clone(), None));
    assert_eq!(
        theme(Some("wall-3"), &[]),
        (ThemeName::HighContrast, wall.clone(), Some(top.clone()))
    );
    let flag = Origin::Flag("--theme".to_owned());
    assert_eq!(theme(Some("wall-3"), &["--theme=dark"]), (ThemeName::Dark, flag, Some(wall)));
    let store = scene.open(Some("wall-3"), &[]);
    assert!(store.settings().kiosk.on && store.complaints().is_empty());
    assert_eq!(entry(&store, "speed").origin, Origin::Default);
    assert_eq!(store.table().profiles, ["wall-3"]);
}

#[test]
fn no_panel_on_the_command_line_beats_the_panel_of_the_file() {
    let scene = Scene::new("panel", "panel = true\n");
    assert_eq!(scene.open(None, &[]).settings().view.panel, Some(true));
    let store = scene.open(None, &["--no-panel"]);
    assert_eq!(store.settings().view.panel, Some(false));
    assert_eq!(entry(&store, "panel").origin, Origin::Flag("--no-panel".to_owned()));
}

#[test]
fn wrong_value_is_named_with_its_place_and_the_rest_holds() {
    let text = "theme = \"light\"\nreconnect-delay = \"soon\"\nkeep-runs = 50\n";
    let scene = Scene::new("wrong", text);
    let store = scene.open(None, &[]);
    assert_eq!(
        store.complaints()[0].to_string(),
        "settings.toml, line 2, column 19: expected seconds from 0 to 86400, such as 3 or 0.5\n  \
         2 | reconnect-delay = \"soon\"\n  \
         The default of 3 is used; all other lines are used. The file is left as it is."
    );
    assert_eq!(store.complaints().len(), 1);
    assert_eq!(entry(&store, "reconnect-delay").wrong_line, Some(2));
    assert_eq!(store.settings().view.theme, ThemeName::Light);
    assert_eq!(store.settings().retention.runs, 50);
    assert_eq!(scene.text(), text);
    let store = scene.open(None, &["--reconnect-delay=7"]);
    let used = &store.complaints()[0].used;
    assert!(used.starts_with("7 of flag --reconnect-delay is used"), "{used}");
}

#[test]
fn unknown_names_suggest_the_nearest_and_kinds_are_checked() {
    let text = "them = \"light\"\nkeep_runs = 5\nkiosk = \"maybe\"\ntheme = [\"dark\", \"light\"]\n\
                zzzzzzzzz = 1\nview = 3\nspeed = 1979-05-27\nfullscreen = false\nprofile = 3\n";
    let scene = Scene::new("unknown", text);
    let store = scene.open(Some("home"), &[]);
    let words: Vec<String> = store.complaints().iter().map(Complaint::title).collect();
    assert_eq!(
        words,
        [
            "settings.toml: there is no profile `home`; it has none",
            "settings.toml, line 1, column 1: there is no setting `them`; did you mean `theme`?",
            "settings.toml, line 2, column 1: there is no setting `keep_runs`; did you mean `keep-runs`?",
            "settings.toml, line 3, column 9: expected true or false",
            "settings.toml, line 4, column 9: expected one value, not a list",
            "settings.toml, line 5, column 1: there is no setting `zzzzzzzzz`",
            "settings.toml, line 6, column 8: expected stage or wall or timeline or race or history or desk",
            "settings.toml, line 7, column 9: a date needs quotes",
            "settings.toml, line 9, column 1: expected tables, such as [profile.wall-3]",
        ]
    );
    assert_eq!(entry(&store, "fullscreen").origin, Origin::File { line: 8, profile: None });
}

#[test]
fn secrets_are_refused_and_not_shown() {
    let text = "token = \"hunter2\"\nsource = \"ws://ann:hunter2@studio/events\"\nhub-token = hunter2\n\
                tokken = \"hunter2\"\nauthorization = Bearer hunter2\nAPI-Key: hunter2\nhunter2\n\
                theme = light\n[profile.x] api-key hunter2\n";
    let scene = Scene::new("secrets", text);
    let store = scene.open(None, &[]);
    let shown: Vec<String> = store.complaints().iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 9, "{shown:?}");
    assert!(shown[7].contains("8 | theme = light"), "{}", shown[7]);
    assert!(!shown.concat().contains("hunter2"), "{shown:?}");
    assert!(shown[0].contains("use METERBRIDGE_TOKEN"), "{}", shown[0]);
    assert!(!format!("{:?}", store.table()).contains("hunter2"));
    let store = scene.open(None, &["ws://ann:hunter2@studio/events"]);
    assert_eq!(entry(&store, "source").values, ["ws://studio/events"]);
}

#[test]
fn values_that_do_not_fit_each_other_give_way_to_the_default() {
    let scene = Scene::new("whole", "theme = \"light\"\nidle-timeout = 10\n");
    let store = scene.open(None, &[]);
    assert_eq!(store.complaints().len(), 1);
    let complaint = &store.complaints()[0];
    assert!(complaint.words.contains("must be longer than --ping-interval"), "{complaint}");
    assert_eq!(complaint.at, Some((2, 16)));
    assert_eq!(store.settings().connection.idle_timeout.as_secs(), 45);
    assert_eq!(store.settings().view.theme, ThemeName::Light);
    let scene = Scene::new("whole-right", "idle-timeout = 10\nping-interval = 5\n");
    let store = scene.open(None, &[]);
    assert!(store.complaints().is_empty());
    assert_eq!(store.settings().connection.idle_timeout.as_secs(), 10);
}

#[test]
fn source_of_the_file_gives_way_to_the_command_line() {
    let scene = Scene::new("source", "source = \"ws://studio/events\"\n");
    let source = |flags: &[&str]| {
        let cli = scene.open(None, flags).cli().unwrap();
        cli.window.source.iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(source(&[]), ["ws://studio/events"]);
    assert_eq!(source(&["http://other:8000"]), ["http://other:8000"]);
}

/// Returns a value of a setting that differs from its default.
fn other_value(entry: &SettingEntry) -> String {
    match (&entry.kind, entry.name.as_str()) {
        (SettingKind::Switch, _) => if entry.is_on() { "no" } else { "yes" }.to_owned(),
        (SettingKind::Choice(choices), _) => {
            choices.iter().find(|choice| **choice != entry.default).unwrap().clone()
        }
        (_, "source") => "ws://studio/events".to_owned(),
        (_, "time-zone") => "Europe/Berlin".to_owned(),
        (_, "screen") => "2/3".to_owned(),
        (_, "dim" | "quiet-hours") => "22:00-07:00".to_owned(),
        (_, "dim-level") => "0.5".to_owned(),
        (_, "max-message-bytes" | "rotate-size") => "1M".to_owned(),
        (_, "rotate-after") => "2h".to_owned(),
        (_, "idle-timeout") => "90".to_owned(),
        (SettingKind::Number, _) => "9".to_owned(),
        (SettingKind::Text | SettingKind::List, _) => "some text".to_owned(),
    }
}

#[test]
fn every_setting_can_be_changed_is_saved_and_holds_after_a_restart() {
    let scene = Scene::new("every", "# mine\n");
    let mut store = scene.open(None, &[]);
    let entries = store.table().entries.clone();
    assert!(entries.len() > 40, "{}", entries.len());
    // What a recording needs comes first.
    store.change("overwrite", Some(&["yes".to_owned()])).unwrap();
    for before in entries.iter().filter(|it| it.name != "overwrite") {
        assert!(!before.title().is_empty() && !before.help.is_empty(), "{}", before.name);
        let value = [other_value(before)];
        assert_eq!(store.change(&before.name, Some(&value)), Ok(()), "{}", before.name);
        let reloaded = scene.open(None, &[]);
        let after = entry(&reloaded, &before.name);
        assert_eq!((&after.values[..], after.is_in_file()), (&value[..], true), "{}", before.name);
        assert!(reloaded.complaints().is_empty(), "{:?}", reloaded.complaints());
        assert!(reloaded.cli().unwrap().window.request().is_ok(), "{}", before.name);
        assert_eq!(reloaded.table(), store.table());
        assert_eq!(store.change(&before.name, None), Ok(()));
        assert_eq!(entry(&store, &before.name), *before);
    }
    store.change("overwrite", None).unwrap();
    assert_eq!(scene.text(), "# mine\n");
}

#[test]
fn value_that_would_end_the_next_start_is_not_saved() {
    let scene = Scene::new("next", FILE);
    let mut store = scene.open(None, &[]);
    let value = |text: &str| [text.to_owned()];
    let error = store.change("source", Some(&value("missing.ndjson"))).unwrap_err();
    assert!(error.contains("there is no file"), "{error}");
    let error = store.change("record", Some(&value("day.ndjson"))).unwrap_err();
    assert!(error.contains("set `rotate-size`"), "{error}");
    assert_eq!(scene.text(), FILE);
    store.change("rotate-after", Some(&value("2h"))).unwrap();
    store.change("record", Some(&value("day.ndjson"))).unwrap();
    assert_eq!(store.change("rotate-after", None), Err(RECORDS_ONCE.to_owned()));
    let told = store.recording_words().unwrap();
    assert!(told.starts_with("`record` is set in line 5 of "), "{told}");
}

#[test]
fn file_cannot_keep_the_window_from_opening() {
    let scene = Scene::new("opens", "theme = \"light\"\nsource = \"missing.ndjson\"\n");
    let store = scene.open(None, &[]);
    let complaint = store.complaints()[0].clone();
    assert_eq!(complaint.at, Some((2, 10)));
    assert!(complaint.used.starts_with("The demo studio is shown; "), "{complaint}");
    assert!(store.cli().unwrap().window.request().is_ok());
    assert_eq!(store.settings().view.theme, ThemeName::Light);
    // A recording is opened although the file says to record.
    let scene = Scene::new("record", "record = \"day.ndjson\"\noverwrite = true\n");
    let recording = scene.0.with_file_name("take #3.ndjson");
    fs::write(&recording, "").unwrap();
    let store = scene.open(None, &[recording.to_str().unwrap()]);
    assert_eq!(store.complaints().len(), 1);
    assert_eq!(store.complaints()[0].name.as_deref(), Some("record"));
    assert!(store.cli().unwrap().window.request().is_ok());
    assert_eq!(store.settings().record, None);
}

#[test]
fn change_that_breaks_another_line_is_refused() {
    let scene = Scene::new("breaks", "idle-timeout = 30\nping-interval = 5\n");
    let mut store = scene.open(None, &[]);
    let error = store.change("ping-interval", Some(&["40".to_owned()])).unwrap_err();
    assert!(error.contains("must be longer than --ping-interval"), "{error}");
    store.change("idle-timeout", Some(&["10".to_owned()])).unwrap();
    let error = store.change("ping-interval", None).unwrap_err();
    assert!(error.starts_with("`idle-timeout` does not fit"), "{error}");
    assert_eq!(scene.text(), "idle-timeout = 10\nping-interval = 5\n");
    assert_eq!(store.settings().connection.idle_timeout.as_secs(), 10);
}

#[test]
fn name_of_a_recording_may_have_any_signs() {
    let scene = Scene::new("signs", "");
    for name in ["take #3.ndjson", "ann@studio.ndjson"] {
        let recording = scene.0.with_file_name(name);
        fs::write(&recording, "").unwrap();
        let path = recording.to_str().unwrap().to_owned();
        let mut store = scene.open(None, &[]);
        assert_eq!(store.change("source", Some(std::slice::from_ref(&path))), Ok(()));
        assert_eq!(entry(&store, "source").values, [path.as_str()]);
        assert_eq!(entry(&scene.open(None, &[&path]), "source").values, [path]);
    }
}

#[test]
fn change_in_a_profile_leaves_the_other_settings_alone_and_can_be_undone() {
    let scene = Scene::new("profile", FILE);
    let mut store = scene.open(Some("wall-3"), &[]);
    let value = |text: &str| [text.to_owned()];
    store.change("theme", Some(&value("dark"))).unwrap();
    store.change("speed", Some(&value("2"))).unwrap();
    let expected = FILE.replace("\"high-contrast\"", "\"dark\"") + "speed = 2\n";
    assert_eq!(scene.text(), expected);
    // The top level sets it, so that is where it is reset.
    store.change("reconnect-delay", None).unwrap();
    assert_eq!(scene.text(), expected.replace("reconnect-delay = 2\n", ""));
    assert_eq!(store.undo(), Ok(Some("reconnect-delay".to_owned())));
    assert_eq!(store.undo(), Ok(Some("speed".to_owned())));
    assert_eq!(store.undo(), Ok(Some("theme".to_owned())));
    assert_eq!(store.undo(), Ok(None));
    assert_eq!(scene.text(), FILE);
}

#[test]
fn change_by_somebody_else_is_kept_and_ends_the_undo() {
    let scene = Scene::new("elsewhere", FILE);
    let mut store = scene.open(None, &[]);
    fs::write(&scene.0, format!("keep-runs = 7\n{FILE}")).unwrap();
    store.change("theme", Some(&["dark".to_owned()])).unwrap();
    assert!(scene.text().starts_with("keep-runs = 7\n"));
    assert_eq!(store.settings().retention.runs, 7);
    fs::write(&scene.0, FILE).unwrap();
    assert!(store.undo().unwrap_err().contains("changed elsewhere"));
    assert_eq!(scene.text(), FILE);
    store.read_again();
    assert_eq!(store.settings().view.theme, ThemeName::Light);
}

#[test]
fn value_that_the_option_refuses_is_not_saved() {
    let scene = Scene::new("refused", FILE);
    let mut store = scene.open(None, &[]);
    let error = store.change("reconnect-delay", Some(&["soon".to_owned()])).unwrap_err();
    assert_eq!(error, "expected seconds from 0 to 86400, such as 3 or 0.5");
    let error = store.change("idle-timeout", Some(&["10".to_owned()])).unwrap_err();
    assert!(error.contains("must be longer"), "{error}");
    assert_eq!(scene.text(), FILE);
    assert_eq!(store.undo(), Ok(None));
}

#[test]
fn profile_can_set_what_another_line_has_wrong() {
    let text = "reconnect-delay = \"soon\"\n[profile.wall-3]\nkiosk = true\n";
    let scene = Scene::new("other-line", text);
    let mut store = scene.open(Some("wall-3"), &[]);
    let error = store.change("reconnect-delay", Some(&["later".to_owned()])).unwrap_err();
    assert!(error.starts_with("expected seconds"), "{error}");
    store.change("reconnect-delay", Some(&["9".to_owned()])).unwrap();
    assert_eq!(scene.text(), format!("{text}reconnect-delay = 9\n"));
    assert_eq!(store.settings().connection.reconnect_delay.as_secs(), 9);
    assert_eq!(entry(&store, "reconnect-delay").wrong_line, Some(1));
}

#[test]
fn missing_file_is_made_by_the_first_change() {
    let scene = Scene::new("missing", "");
    fs::remove_file(&scene.0).unwrap();
    let mut store = scene.open(None, &[]);
    assert!(store.complaints()[0].words.starts_with("there is no such file"));
    store.change("theme", Some(&["light".to_owned()])).unwrap();
    assert_eq!(scene.text(), "theme = \"light\"\n");
    assert!(store.complaints().is_empty());
}
