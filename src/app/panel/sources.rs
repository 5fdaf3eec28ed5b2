//! Part of the connection section on recordings: opening them, going back to the stream, recording.

use bevy_egui::egui::{Label, RichText, Ui, vec2};

use super::style::{self, ink, space};
use super::widgets::{self, Offer, button_ui};
use crate::app::state::actions::Action;
use crate::app::state::opening::{BeingOpened, RecentSources};
use crate::source::{SourceSpec, redact};
use crate::text;

/// Most characters of the name of a recent source.
const LONGEST_NAME: usize = 44;

/// Inputs of this part.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SourcesView<'a> {
    /// Source that is shown; `None` where the events come from an embedding app.
    pub source: Option<&'a SourceSpec>,
    /// Stream to go back to from a recording.
    pub stream: Option<&'a SourceSpec>,
    pub recent: Option<&'a RecentSources>,
    pub being_opened: Option<&'a BeingOpened>,
    /// Size and file of the recording that is being made.
    pub recording: Option<&'a (String, String)>,
}

impl SourcesView<'_> {
    fn shows_recording(&self) -> bool {
        self.source.is_some_and(SourceSpec::is_recording)
    }
}

/// Names a source for people, without secrets.
fn name_of(source: &SourceSpec) -> String {
    match source {
        SourceSpec::Demo => "demo studio".to_owned(),
        SourceSpec::WebSocket(url) | SourceSpec::Api(url) => redact(url.as_str()),
        SourceSpec::Recording(files) => text::name(&files.name()).into_owned(),
    }
}

pub(super) fn sources_ui(ui: &mut Ui, view: &SourcesView, actions: &mut Vec<Action>) {
    if view.source.is_none() {
        return;
    }
    let each = (ui.available_width() - space::GAP) / 2.0;
    ui.horizontal(|ui| {
        if button_ui(ui, "Open a recording…", Offer::Plain, each).clicked() {
            actions.push(Action::ChooseFiles);
        }
        if view.shows_recording() {
            let offer = if view.stream.is_some() { Offer::Primary } else { Offer::Disabled };
            let back = button_ui(ui, "Back to the stream", offer, each);
            let stream = view.stream.map(name_of).unwrap_or_default();
            if back.on_hover_text(stream).clicked() {
                actions.push(Action::BackToStream);
            }
        } else {
            let words = if view.recording.is_some() { "Stop recording" } else { "Record" };
            if button_ui(ui, words, Offer::Plain, each).clicked() {
                actions.push(Action::ToggleRecording);
            }
        }
    });
    if let Some((size, file)) = view.recording {
        recording_ui(ui, size, file);
    }
    if let Some(BeingOpened(Some(name))) = view.being_opened {
        ui.horizontal(|ui| {
            ui.weak(format!("Opening {}…", text::name(name)));
            if widgets::text_button_ui(ui, "cancel", "Cancel the opening").clicked() {
                actions.push(Action::CancelOpening);
            }
        });
    }
    recent_ui(ui, view, actions);
}

/// Says that a recording is being made, and how large it is.
fn recording_ui(ui: &mut Ui, size: &str, file: &str) {
    let palette = style::palette(ui.ctx());
    let row = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let (dot, _) = ui.allocate_exact_size(vec2(12.0, 12.0), bevy_egui::egui::Sense::hover());
        ui.painter().circle_filled(dot.center(), 5.5, ink(palette.failed));
        let word = RichText::new("REC").font(style::semibold(style::text::BODY));
        ui.label(word.color(ink(palette.failed_text)));
        ui.monospace(size);
        ui.add(Label::new(RichText::new(file_name(file)).weak()).truncate());
    });
    row.response.on_hover_text(file);
}

fn file_name(path: &str) -> String {
    let name = std::path::Path::new(path).file_name().map(|name| name.to_string_lossy());
    text::name(&name.unwrap_or_default()).into_owned()
}

fn recent_ui(ui: &mut Ui, view: &SourcesView, actions: &mut Vec<Action>) {
    let Some(recent) = view.recent else { return };
    // The shown source is not offered.
    let shown = if view.shows_recording() { view.source } else { view.stream };
    let others: Vec<_> = recent.sources().filter(|source| Some(*source) != shown).collect();
    if others.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(10.0, 2.0);
        ui.spacing_mut().interact_size.y = 22.0;
        ui.weak("Recent");
        for source in others {
            let name = name_of(source);
            let label = format!("Open {name}");
            let shown = text::excerpt(&name, LONGEST_NAME);
            let whole = match source {
                SourceSpec::Recording(files) => files.to_string(),
                _ => name,
            };
            if widgets::text_button_ui(ui, &shown, &label).on_hover_text(whole).clicked() {
                actions.push(Action::OpenSource(source.clone()));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::panel::testing::harness;

    struct Scene {
        source: SourceSpec,
        stream: Option<SourceSpec>,
        recent: RecentSources,
        being_opened: BeingOpened,
        recording: Option<(String, String)>,
        actions: Vec<Action>,
    }

    impl Scene {
        fn of(source: SourceSpec) -> Self {
            Self {
                source,
                stream: None,
                recent: RecentSources::default(),
                being_opened: BeingOpened::default(),
                recording: None,
                actions: Vec::new(),
            }
        }

        fn show(&mut self, ui: &mut Ui) {
            let view = SourcesView {
                source: Some(&self.source),
                stream: self.stream.as_ref(),
                recent: Some(&self.recent),
                being_opened: Some(&self.being_opened),
                recording: self.recording.as_ref(),
            };
            sources_ui(ui, &view, &mut self.actions);
        }
    }

    fn tape() -> SourceSpec {
        SourceSpec::Recording(Path::new("/tapes/monday.ndjson").into())
    }

    fn stream() -> SourceSpec {
        SourceSpec::of_address("ws://ann:hunter2@studio/events")
    }

    #[test]
    fn stream_offers_to_open_and_to_record() {
        let mut harness = harness(Scene::of(stream()), |ui, scene| scene.show(ui));
        for button in ["Open a recording…", "Record"] {
            harness.get_by_label(button).click();
            harness.run();
        }
        assert_eq!(harness.state().actions, [Action::ChooseFiles, Action::ToggleRecording]);
        assert!(harness.query_by_label("Back to the stream").is_none());
        assert!(harness.query_by_label("REC").is_none());
    }

    #[test]
    fn recording_in_progress_is_visible_with_its_size() {
        let mut scene = Scene::of(stream());
        scene.recording = Some(("3 MiB".to_owned(), "/state/recordings/studio.ndjson".to_owned()));
        let mut harness = harness(scene, |ui, scene| scene.show(ui));
        for words in ["REC", "3 MiB", "studio.ndjson"] {
            assert!(harness.query_by_label(words).is_some(), "{words}");
        }
        harness.get_by_label("Stop recording").click();
        harness.run();
        assert_eq!(harness.state().actions, [Action::ToggleRecording]);
    }

    #[test]
    fn recording_leads_back_to_the_stream_where_there_was_one() {
        let mut scene = Scene::of(tape());
        let mut without = harness(Scene::of(tape()), |ui, scene| scene.show(ui));
        without.get_by_label("Back to the stream").click();
        without.run();
        assert!(without.state().actions.is_empty(), "there is none");
        scene.stream = Some(stream());
        let mut harness = harness(scene, |ui, scene| scene.show(ui));
        harness.get_by_label("Back to the stream").click();
        harness.run();
        assert_eq!(harness.state().actions, [Action::BackToStream]);
        assert!(harness.query_by_label("Record").is_none(), "a recording is not recorded");
    }

    #[test]
    fn recent_recordings_are_opened_with_a_click() {
        let mut scene = Scene::of(stream());
        scene.recent.add(SourceSpec::Recording(Path::new("/tapes/sunday.ndjson").into()));
        scene.recent.add(tape());
        let mut harness = harness(scene, |ui, scene| scene.show(ui));
        harness.get_by_label("Open sunday.ndjson").click();
        harness.run();
        let sunday = SourceSpec::Recording(Path::new("/tapes/sunday.ndjson").into());
        assert_eq!(harness.state().actions, [Action::OpenSource(sunday)]);
    }

    #[test]
    fn opening_that_takes_long_can_be_cancelled() {
        let mut scene = Scene::of(stream());
        scene.being_opened = BeingOpened(Some("huge.ndjson".to_owned()));
        let mut harness = harness(scene, |ui, scene| scene.show(ui));
        assert!(harness.query_by_label("Opening huge.ndjson…").is_some());
        harness.get_by_label("Cancel the opening").click();
        harness.run();
        assert_eq!(harness.state().actions, [Action::CancelOpening]);
    }
}
