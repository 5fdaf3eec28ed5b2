//! Helpers for the panel's tests.

use bevy_egui::egui::{Ui, vec2};
use egui_kittest::Harness;
use jiff::tz::TimeZone;

use super::style;
use crate::app::state::run_store::RunStore;
use crate::app::theme::Theme;
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
