//! Helpers for the panel's tests.

use bevy_egui::egui::{Ui, vec2};
use egui_kittest::Harness;
use jiff::tz::TimeZone;

use super::style;
use crate::app::state::run_store::RunStore;
use crate::app::theme::Theme;
use crate::config::{Complaint, Origin, SettingEntry, SettingKind, SettingsTable};
use crate::model::Retention;
use crate::protocol::Batch;

pub(super) fn zone() -> TimeZone {
    TimeZone::UTC
}

/// Headless window of the panel's width that calls `show` with `state`.
pub(super) fn harness<'a, State: 'a>(
    state: State,
    mut show: impl FnMut(&mut Ui, &mut State) + 'a,
) -> Harness<'a, State> {
    let mut harness =
        Harness::builder().with_size(vec2(556.0, 800.0)).with_max_steps(40).build_ui_state(
            move |ui, state: &mut State| {
                if style::install_style(ui.ctx(), Theme::default()) {
                    show(ui, state);
                }
            },
            state,
        );
    harness.run_steps(3);
    harness
}

/// Run store that has received these frames at 12:00 UTC.
pub(super) fn run_store(frames: &[&str]) -> RunStore {
    let mut run_store = RunStore::new(Retention::default());
    receive(&mut run_store, frames);
    run_store
}

pub(super) fn receive(run_store: &mut RunStore, frames: &[&str]) {
    let mut batch = Batch::new("2025-11-13T12:00:00Z".parse().unwrap(), true);
    for frame in frames {
        batch.push_text(frame);
    }
    run_store.receive(batch, |_, _| {});
}

/// Frame in the product guide's dialect, `second` seconds after 10:00 UTC.
pub(super) fn frame(second: u32, run: &str, node: Option<&str>, phase: &str, data: &str) -> String {
    let node = node.map_or(String::new(), |node| format!(r#""node_name":"{node}","#));
    let (minute, second) = (second / 60, second % 60);
    format!(
        r#"{{"ts":"2025-11-13T10:{minute:02}:{second:02}Z","run_id":"{run}",{node}"phase":"{phase}","data":{data}}}"#
    )
}

/// Settings of all kinds and places, with a mistake in line 12 of the file.
pub(super) fn settings_table() -> SettingsTable {
    let wall = |line| Origin::File { line, profile: Some("wall-3".to_owned()) };
    let line = |line| Origin::File { line, profile: None };
    let flag = Origin::Flag("--time-zone".to_owned());
    let variable = Origin::Environment("METERBRIDGE_TOKEN_FILE".to_owned());
    let themes = ["auto", "dark", "light"].map(str::to_owned).to_vec();
    let mut entries = vec![
        setting("source", "Source", SettingKind::List, &["ws://studio/events"], line(2)),
        setting("token-file", "Connection", SettingKind::Text, &["/run/token"], variable),
        setting("reconnect-delay", "Connection", SettingKind::Number, &["10"], line(13)),
        setting("probe-secs", "Connection", SettingKind::Number, &[], Origin::Default),
        setting("theme", "View", SettingKind::Choice(themes), &["light"], line(4)),
        setting("reduced-motion", "View", SettingKind::Switch, &[], Origin::Default),
        setting("time-zone", "View", SettingKind::Text, &["UTC"], flag),
        setting("director", "Director", SettingKind::Switch, &["yes"], wall(18)),
    ];
    entries[3].wrong_line = Some(12);
    entries[6].loses = Some((line(21), vec!["Europe/Berlin".to_owned()]));
    SettingsTable {
        entries,
        complaints: vec![Complaint {
            file: "settings.toml".to_owned(),
            at: Some((12, 14)),
            words: "expected 0, or seconds from 1 to 86400, such as 30".to_owned(),
            line: "probe-secs = \"soon\"".to_owned(),
            used: "The default of 30 is used; all other lines are used.".to_owned(),
            name: Some("probe-secs".to_owned()),
        }],
        place: "~/.config/meterbridge/settings.toml".to_owned(),
        profile: Some("wall-3".to_owned()),
        profiles: vec!["wall-2".to_owned(), "wall-3".to_owned()],
    }
}

fn setting(
    name: &str,
    group: &str,
    kind: SettingKind,
    values: &[&str],
    origin: Origin,
) -> SettingEntry {
    SettingEntry {
        name: name.to_owned(),
        group: group.to_owned(),
        help: format!("About {name}"),
        unit: if name == "reconnect-delay" { "s" } else { "" },
        default: match kind {
            SettingKind::Switch => "no",
            SettingKind::Number => "30",
            _ => "",
        }
        .to_owned(),
        kind,
        variable: None,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        origin,
        loses: None,
        wrong_line: None,
    }
}
