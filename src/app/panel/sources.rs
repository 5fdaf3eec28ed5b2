//! Part of the connection section on sources: their names, recent ones, recordings, recording.

use bevy_egui::egui::{Align, Key, Label, Layout, RichText, ScrollArea, Ui, vec2};

use super::style::{self, ink, space};
use super::widgets::{self, Offer, button_ui};
use crate::app::state::actions::Action;
use crate::app::state::opening::{BeingOpened, RecentSource, RecentSources, can_be_remembered};
use crate::source::{SourceSpec, redact};
use crate::text;

/// Most characters shown of the name of a recent source.
const LONGEST_SHOWN: usize = 44;
/// Number of recent sources that are in sight at a time.
const ROWS: usize = 5;
/// Height of a recent source in points.
const ROW: f32 = 24.0;

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

/// Name of the shown source while it is typed.
#[derive(Clone, Debug, Default)]
pub(super) struct NameDraft {
    text: String,
    /// Source and stored name that the text was filled from.
    filled_from: Option<(SourceSpec, String)>,
}

/// Names a source for people, without secrets.
fn name_of(source: &SourceSpec) -> String {
    match source {
        SourceSpec::Demo => "demo studio".to_owned(),
        SourceSpec::WebSocket(url) | SourceSpec::Api(url) => redact(url.as_str()),
        SourceSpec::Recording(files) => text::name(&files.name()).into_owned(),
    }
}

pub(super) fn sources_ui(
    ui: &mut Ui,
    view: &SourcesView,
    name: &mut NameDraft,
    actions: &mut Vec<Action>,
) {
    if view.source.is_none() {
        return;
    }
    name_ui(ui, view, name, actions);
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

/// Shows the field for the name of the shown source, which is stored on Enter or when the field is left.
fn name_ui(ui: &mut Ui, view: &SourcesView, draft: &mut NameDraft, actions: &mut Vec<Action>) {
    let shown = if view.shows_recording() { view.source } else { view.stream };
    let (Some(recent), Some(source)) = (view.recent, shown) else { return };
    if matches!(source, SourceSpec::Demo) {
        return;
    }
    if !can_be_remembered(source) {
        ui.weak("This address has a secret in it, so it is not kept with the recent ones.");
        return;
    }
    let stored = recent.name_of(source).unwrap_or_default();
    let is_filled =
        draft.filled_from.as_ref().is_some_and(|(of, name)| of == source && name == stored);
    if !is_filled {
        draft.filled_from = Some((source.clone(), stored.to_owned()));
        stored.clone_into(&mut draft.text);
    }
    ui.horizontal(|ui| {
        ui.weak("Name");
        let width = ui.available_width();
        let hint = "Name of this source, such as Studio A";
        let field = widgets::search_ui(ui, &mut draft.text, hint, width);
        if !field.lost_focus() {
            return;
        }
        if ui.input(|input| input.key_pressed(Key::Escape)) {
            stored.clone_into(&mut draft.text);
        } else if draft.text.trim() != stored {
            actions.push(Action::NameSource(source.clone(), draft.text.trim().to_owned()));
        }
    });
}

/// Shows the recent sources, each with its name, its address, and a cross that forgets it.
fn recent_ui(ui: &mut Ui, view: &SourcesView, actions: &mut Vec<Action>) {
    let Some(recent) = view.recent else { return };
    // The shown source is not offered.
    let shown = if view.shows_recording() { view.source } else { view.stream };
    let others: Vec<&RecentSource> =
        recent.named().filter(|source| Some(&source.spec) != shown).collect();
    if others.is_empty() {
        return;
    }
    ui.weak("Recent sources");
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical()
            .id_salt("recent sources")
            .max_height(ROWS as f32 * ROW)
            .auto_shrink([false, true])
            .show_rows(ui, ROW, others.len(), |ui, rows| {
                for source in others.get(rows).into_iter().flatten() {
                    recent_row_ui(ui, source, actions);
                }
            });
    });
}

fn recent_row_ui(ui: &mut Ui, source: &RecentSource, actions: &mut Vec<Action>) {
    let address = name_of(&source.spec);
    let name = source.name.as_deref().unwrap_or(&address);
    ui.horizontal(|ui| {
        ui.set_height(ROW);
        ui.spacing_mut().interact_size.y = ROW;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if widgets::close_ui(ui, &format!("Forget {name}")).clicked() {
                actions.push(Action::ForgetSource(source.spec.clone()));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let shown = text::excerpt(name, LONGEST_SHOWN);
                let whole = match &source.spec {
                    SourceSpec::Recording(files) => files.to_string(),
                    _ => address.clone(),
                };
                let label = format!("Open {name}");
                let button = widgets::text_button_ui(ui, &shown, &label);
                if button.on_hover_text(whole).clicked() {
                    actions.push(Action::OpenSource(source.spec.clone()));
                }
                if source.name.is_some() {
                    let address = RichText::new(&address).font(style::mono(style::text::SMALL));
                    ui.add(Label::new(address.weak()).truncate());
                }
            });
        });
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
        name: NameDraft,
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
                name: NameDraft::default(),
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
            sources_ui(ui, &view, &mut self.name, &mut self.actions);
            for action in &self.actions {
                self.recent.apply(action);
            }
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

    /// Harness with a stream at an address without secrets, and a recent recording.
    fn at_studio() -> egui_kittest::Harness<'static, Scene> {
        let studio = SourceSpec::of_address("ws://studio/events");
        let mut scene = Scene::of(studio.clone());
        scene.stream = Some(studio);
        scene.recent.add(tape());
        harness(scene, |ui, scene| scene.show(ui))
    }

    const FIELD: &str = "Name of this source, such as Studio A";

    #[test]
    fn typed_name_is_kept_with_the_address() {
        let mut harness = at_studio();
        harness.get_by_label(FIELD).click();
        harness.run();
        harness.get_by_label(FIELD).type_text("Studio A");
        harness.run();
        harness.key_press(Key::Enter);
        harness.run();
        let studio = SourceSpec::of_address("ws://studio/events");
        assert_eq!(harness.state().recent.name_of(&studio), Some("Studio A"));
        // Another source is shown: the named one is among the recent ones.
        harness.state_mut().source = tape();
        harness.state_mut().stream = Some(SourceSpec::of_address("ws://other/events"));
        harness.run();
        assert!(harness.query_by_label("ws://studio/events").is_some(), "the address beside it");
        harness.get_by_label("Open Studio A").click();
        harness.run();
        let named = Action::NameSource(studio.clone(), "Studio A".to_owned());
        assert_eq!(harness.state().actions, [named, Action::OpenSource(studio)]);
    }

    #[test]
    fn escape_leaves_the_name_as_it_was() {
        let mut harness = at_studio();
        harness.get_by_label(FIELD).click();
        harness.run();
        harness.get_by_label(FIELD).type_text("oops");
        harness.run();
        harness.key_press(Key::Escape);
        harness.run();
        assert!(harness.state().recent.named().all(|source| source.name.is_none()));
        assert_eq!(harness.state().name.text, "");
    }

    #[test]
    fn cross_forgets_a_recent_source() {
        let mut harness = at_studio();
        harness.get_by_label("Forget monday.ndjson").click();
        harness.run();
        harness.run();
        assert_eq!(harness.state().recent.sources().len(), 0);
        assert!(harness.query_by_label("Open monday.ndjson").is_none());
    }

    #[test]
    fn address_with_a_secret_has_no_name() {
        let mut scene = Scene::of(stream());
        scene.stream = Some(stream());
        let harness = harness(scene, |ui, scene| scene.show(ui));
        assert!(harness.query_by_label(FIELD).is_none());
        assert!(harness.query_by_label_contains("has a secret in it").is_some());
    }
}
