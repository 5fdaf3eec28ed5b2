//! *Artifacts*: files and results that the run's events report. They are read again when an event of the run
//! was received.

use bevy_egui::egui::Ui;

use super::artifacts_state::{ArtifactsState, Reported};
use super::choice::Choice;
use super::part::{Head, Mark, Side, head_ui, paint_cell, quiet_ui, row_ui};
use super::state::InspectorState;
use super::verdicts::fix_of;
use super::view::InspectorView;
use crate::app::panel::style::{self, text};
use crate::model::Run;
use crate::protocol::{Artifact, NodeName};
use crate::text::size_words;
use crate::timeline::RunBars;

/// Rows that are shown at most.
const MOST_ROWS: usize = 100;

/// Returns the artifacts of a run in order of their first report; of several reports of a step the latest
/// counts.
fn reported(view: &InspectorView, run: &Run, state: &mut InspectorState) -> Vec<Reported> {
    let mut found: Vec<Reported> = Vec::new();
    let log = view.run_store.model.log();
    let events: Vec<_> = run.recent_events().collect();
    for event in events.iter().rev() {
        let names = event.detail.map(|detail| &*detail.artifacts).unwrap_or_default();
        if names.is_empty() {
            continue;
        }
        let choice = event.node.zip(event.at).map(|(node, at)| Choice {
            event: None,
            ..Choice::of_event(run, Some(node), (at, true), 0)
        });
        let fields = event.node.zip(event.at).and_then(|(node, at)| {
            let seq = state.lines.line_of(node, at)?;
            state.lines.fields(log, seq)
        });
        for name in names {
            let told = fields.as_ref().and_then(|fields| {
                fields.artifacts.iter().find(|artifact| artifact.name == *name).cloned()
            });
            let plain = || Artifact { name: name.to_string(), ..Artifact::default() };
            let artifact = told.unwrap_or_else(plain);
            let node = event.node.map(NodeName::new);
            let known =
                found.iter_mut().find(|it| it.node == node && it.artifact.name == artifact.name);
            let choice = choice.clone();
            match known {
                Some(known) => *known = Reported { node, choice, artifact },
                None => found.push(Reported { node, choice, artifact }),
            }
        }
    }
    found
}

/// Name of an artifact: its file, else its key.
fn name_of(artifact: &Artifact) -> &str {
    artifact.file.as_deref().unwrap_or(&artifact.name)
}

/// Shows the section.
pub(super) fn artifacts_ui(
    ui: &mut Ui,
    view: &InspectorView,
    (run, bars): (&Run, &RunBars),
    state: &mut InspectorState,
) {
    let palette = style::palette(ui.ctx());
    let read = Some(state.lines.read_state(run));
    if state.artifacts.read != read {
        let found = reported(view, run, state).into();
        state.artifacts = ArtifactsState { read, found };
    }
    let found = state.artifacts.found.clone();
    let sizes: Vec<u64> = found.iter().filter_map(|it| it.artifact.bytes).collect();
    let bytes = sizes.iter().fold(0_u64, |sum, size| sum.saturating_add(*size));
    let size = if sizes.is_empty() { String::new() } else { format!(", {}", size_words(bytes)) };
    let sum = match found.len() {
        0 => "none".to_owned(),
        1 => format!("1 file{size}"),
        count => format!("{count} files{size}"),
    };
    let names: Vec<&str> = found.iter().take(6).map(|it| name_of(&it.artifact)).collect();
    let preview = names.join(", ");
    let tone = palette.text_secondary;
    let head = Head { title: "Artifacts", preview: &preview, sum: &sum, tone };
    head_ui(ui, &mut state.open.artifacts, &head);
    if !state.open.artifacts {
        return;
    }
    if found.is_empty() {
        quiet_ui(ui, "No event of this run reports a file or result.");
        return;
    }
    let width = ui.available_width();
    let name_room = if width >= 560.0 { width * 0.36 } else { width * 0.52 };
    let mut chosen = None;
    for (index, reported) in found.iter().take(MOST_ROWS).enumerate() {
        let artifact = &reported.artifact;
        let name = name_of(artifact);
        let mut step = reported.node.as_deref().unwrap_or("run").to_owned();
        if let Some(choice) = &reported.choice
            && let Some(node) = choice.node.as_deref()
        {
            let fix = fix_of(run, bars, node, choice.attempt);
            if fix > 0 {
                step.push_str(&format!(", fix {fix}"));
            }
        }
        let size = artifact.bytes.map(size_words).unwrap_or_default();
        let label = [name, &step, &size, &artifact.summary];
        let label: Vec<&str> = label.into_iter().filter(|words| !words.is_empty()).collect();
        let label = label.join(", ");
        let is_chosen = state.choice().zip(reported.choice.as_ref()).is_some_and(|(all, own)| {
            all.run == own.run && all.node == own.node && all.attempt == own.attempt
        });
        let mark = if is_chosen { Mark::Framed } else { Mark::None };
        let (rect, response) = row_ui(ui, ("artifact", index), mark, &label);
        let (y, left) = (rect.center().y, rect.left());
        let mono = style::mono(text::SMALL);
        paint_cell(ui, Side::From(left), (y, name_room - 10.0), name, mono, palette.text);
        let side = Side::From(left + name_room);
        let small = || style::body(text::SMALL);
        paint_cell(ui, side, (y, 132.0), &step, small(), palette.text_secondary);
        let side = Side::To(rect.right());
        let size_width = paint_cell(ui, side, (y, 70.0), &size, small(), palette.text_secondary);
        let from = left + name_room + 140.0;
        let room = rect.right() - size_width - 12.0 - from;
        if width >= 560.0 && room > 40.0 {
            let side = Side::From(from);
            paint_cell(ui, side, (y, room), &artifact.summary, small(), palette.text_tertiary);
        }
        if response.clicked() {
            chosen.clone_from(&reported.choice);
        }
        response.on_hover_text(label);
    }
    if found.len() > MOST_ROWS {
        quiet_ui(ui, &format!("{} more are in the raw events.", found.len() - MOST_ROWS));
    }
    if chosen.is_some() {
        state.choose(chosen);
    }
}
