//! Dialog that confirms an operation: its name, the run and the consequence. Enter confirms, Esc
//! cancels the dialog.

use bevy_egui::egui::{
    Align, Color32, Context, Event, Frame, Id, Key, Label, Layout, Modal, Response, RichText,
    TextEdit, Ui, vec2,
};

use super::glyph::{Sign, sign_ui};
use super::style::{self, ink, space, text};
use super::widgets::{self, Offer, button_ui};
use crate::app::control::confirmation::{ConfirmDialog, FormErrors};
use crate::app::state::actions::Action;
use crate::app::state::actions::OperationKind;
use crate::app::state::run_store::RunStore;
use crate::app::state::status::run_status_words;
use crate::model::Run;

const WIDTH: f32 = 540.0;
const TITLE: f32 = 24.0;
const BUTTON: f32 = 168.0;

/// Texts of a dialog: title, consequence, label of the confirming button.
struct Wording {
    title: &'static str,
    outcome: &'static str,
    yes: &'static str,
}

fn wording(kind: OperationKind) -> Wording {
    match kind {
        OperationKind::Start => Wording {
            title: "Start a workflow",
            outcome: "The backend creates a run of this song and executes it.",
            yes: "Start the workflow",
        },
        OperationKind::Cancel => Wording {
            title: "Cancel this run?",
            outcome: "The backend is asked to stop; the step that is running continues to its end.",
            yes: "Cancel the run",
        },
        OperationKind::Retry => Wording {
            title: "Retry this run?",
            outcome: "The backend creates a new run of the same song, which is queued until it is \
                executed. This run stays as it is.",
            yes: "Create a new run",
        },
        OperationKind::Execute => Wording {
            title: "Execute this run?",
            outcome: "The backend starts this run and continues until it ends.",
            yes: "Execute the run",
        },
    }
}

/// Shows the dialog; `is_new` is true in its first frame. Returns the answer once there is one.
pub(super) fn confirm_dialog_ui(
    ctx: &Context,
    dialog: &mut ConfirmDialog,
    run_store: &RunStore,
    is_new: bool,
) -> Option<Action> {
    let palette = style::palette(ctx);
    let frame = Frame::window(&ctx.global_style()).inner_margin(24);
    // No backdrop: the picture behind must not change its brightness.
    let modal = Modal::new(Id::new("question")).backdrop_color(Color32::TRANSPARENT).frame(frame);
    let words = wording(dialog.kind);
    let shown = modal.show(ctx, |ui| {
        ui.set_width(WIDTH.min(ctx.content_rect().width() - 96.0));
        ui.spacing_mut().item_spacing.y = 10.0;
        ui.label(RichText::new(words.title).font(style::semibold(TITLE)));
        let run = dialog.run.as_ref().and_then(|id| run_store.model.run(id));
        if let Some(run) = run {
            run_ui(ui, run_store, run);
        }
        let errors = dialog.operation().err();
        let mut entered = false;
        if dialog.kind == OperationKind::Start {
            entered = fields_ui(ui, dialog, errors.unwrap_or_default(), is_new);
        }
        ui.add(Label::new(words.outcome).wrap());
        ui.add_space(4.0);
        let mut answer = None;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let offer = if errors.is_some() { Offer::Disabled } else { Offer::Primary };
            let yes = button_ui(ui, words.yes, offer, BUTTON);
            if is_new && dialog.kind != OperationKind::Start {
                yes.request_focus();
            }
            let no = button_ui(ui, "Go back", Offer::Plain, 104.0);
            // A repeated event of a key held down since before the dialog does not count.
            let held = ui.input(|input| {
                input.events.iter().any(|event| matches!(event, Event::Key { repeat: true, .. }))
            });
            if (yes.clicked() || entered) && !held {
                answer = dialog.operation().ok().map(|operation| Action::Answer(Some(operation)));
            } else if no.clicked() {
                answer = Some(Action::Answer(None));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let keys = RichText::new("Enter = yes   Esc = no").font(style::body(text::SMALL));
                ui.label(keys.color(ink(palette.text_secondary)));
            });
        });
        answer
    });
    if shown.should_close() {
        return Some(Action::Answer(None));
    }
    shown.inner
}

/// Shows the run that the operation concerns.
fn run_ui(ui: &mut Ui, run_store: &RunStore, run: &Run) {
    let palette = style::palette(ui.ctx());
    ui.horizontal(|ui| {
        let sign = Sign::from(run.status);
        sign_ui(ui, sign, 8.5);
        let title = RichText::new(run_store.name(run)).font(style::semibold(text::SECTION));
        ui.add(Label::new(title).truncate());
        let status = RichText::new(run_status_words(run.status));
        ui.label(status.color(ink(sign.text_colour(palette))));
        let id = RichText::new(format!("run {}", run_store.short_id(run.id()))).monospace();
        ui.label(id.color(ink(palette.text_secondary))).on_hover_text(crate::text::name(run.id()));
    });
}

/// Shows the fields of song and seed; returns true when Enter was pressed in one of them.
fn fields_ui(ui: &mut Ui, dialog: &mut ConfirmDialog, errors: FormErrors, is_new: bool) -> bool {
    ui.label("Song id");
    let song = field_ui(ui, &mut dialog.song_id, "Song id", "the song's id in the backend");
    if is_new {
        song.request_focus();
    }
    let mut entered = enters(ui, &song);
    // An empty field shows no error.
    if !dialog.song_id.is_empty() {
        form_error_ui(ui, errors.song_id);
    }
    ui.horizontal(|ui| {
        ui.label("Seed");
        if ui.radio(dialog.seed.is_none(), "random").clicked() {
            dialog.seed = None;
        }
        if ui.radio(dialog.seed.is_some(), "fixed:").clicked() {
            dialog.seed.get_or_insert_default();
        }
    });
    if let Some(seed) = &mut dialog.seed {
        let field = field_ui(ui, seed, "Seed", "a whole number, such as 42");
        entered |= enters(ui, &field);
        if !seed.is_empty() {
            form_error_ui(ui, errors.seed);
        }
    }
    entered
}

fn field_ui(ui: &mut Ui, value: &mut String, label: &str, hint: &str) -> Response {
    let palette = style::palette(ui.ctx());
    let width = ui.available_width();
    let field = TextEdit::singleline(value)
        .font(style::mono(text::MONO))
        .hint_text(RichText::new(hint).color(ink(palette.text_tertiary)))
        .desired_width(width - 20.0)
        .min_size(vec2(width, space::ROW))
        .margin(vec2(10.0, 4.0))
        .vertical_align(Align::Center);
    let response = ui.add(field);
    widgets::set_accessible_name(&response, label);
    response
}

fn enters(ui: &Ui, field: &Response) -> bool {
    field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}

fn form_error_ui(ui: &mut Ui, error: Option<&str>) {
    let palette = style::palette(ui.ctx());
    if let Some(error) = error {
        ui.horizontal_top(|ui| {
            sign_ui(ui, Sign::FAILED, 8.0);
            let sentence = RichText::new(error).color(ink(palette.text));
            ui.add(Label::new(sentence).wrap());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, harness, run_store};
    use crate::app::state::run_store::RunStore;
    use crate::source::RunOperation;
    use bevy_egui::egui::{self, accesskit::Role};
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT, Queryable};

    struct Scene {
        run_store: RunStore,
        dialog: ConfirmDialog,
        shown: bool,
        answers: Vec<Action>,
    }

    fn asking<'a>(kind: OperationKind) -> Harness<'a, Scene> {
        let data = r#"{"song_title":"Neon Rain"}"#;
        let run_store = run_store(&[&frame(0, "run-1", None, "start", data)]);
        let run = (kind != OperationKind::Start).then(|| "run-1".into());
        let dialog = ConfirmDialog { kind, run, song_id: String::new(), seed: None };
        let scene = Scene { run_store, dialog, shown: false, answers: Vec::new() };
        harness(scene, |ui, scene| {
            let is_new = !std::mem::replace(&mut scene.shown, true);
            let answer = confirm_dialog_ui(ui.ctx(), &mut scene.dialog, &scene.run_store, is_new);
            scene.answers.extend(answer);
        })
    }

    #[test]
    fn cancel_dialog_shows_consequence_and_run() {
        let harness = asking(OperationKind::Cancel);
        for words in [
            "Cancel this run?",
            "Neon Rain",
            "run run-1",
            "running",
            "The backend is asked to stop; the step that is running continues to its end.",
        ] {
            assert!(harness.query_by_label(words).is_some(), "{words}");
        }
    }

    #[test]
    fn enter_confirms_and_escape_declines() {
        for kind in OperationKind::ON_A_RUN {
            let mut harness = asking(kind);
            harness.key_press(egui::Key::Enter);
            harness.run();
            let [Action::Answer(Some(operation))] = &harness.state().answers[..] else {
                panic!("{kind:?}: {:?}", harness.state().answers)
            };
            assert_eq!(
                (OperationKind::of(operation), operation.run().unwrap().as_str()),
                (kind, "run-1")
            );
            let mut harness = asking(kind);
            harness.key_press(egui::Key::Escape);
            harness.run();
            assert_eq!(harness.state().answers, [Action::Answer(None)]);
        }
    }

    #[test]
    fn held_enter_key_does_not_answer() {
        let mut harness = asking(OperationKind::Cancel);
        let held = egui::Event::Key {
            key: egui::Key::Enter,
            physical_key: None,
            pressed: true,
            repeat: true,
            modifiers: egui::Modifiers::NONE,
        };
        // First press, of the key that opened the dialog: egui marks an event as a repeat when its key
        // is down.
        harness.input_mut().events.push(held.clone());
        harness.step();
        harness.state_mut().answers.clear();
        harness.input_mut().events.push(held);
        harness.step();
        assert!(harness.state().answers.is_empty());
    }

    #[test]
    fn buttons_confirm_and_decline() {
        let mut harness = asking(OperationKind::Retry);
        harness.get_by_label("Create a new run").click();
        harness.run();
        let retry = Action::Answer(Some(RunOperation::Retry("run-1".into())));
        assert_eq!(harness.state().answers, [retry]);
        let mut harness = asking(OperationKind::Retry);
        harness.get_by_label("Go back").click();
        harness.run();
        assert_eq!(harness.state().answers, [Action::Answer(None)]);
    }

    #[test]
    fn start_needs_a_valid_song_id_and_seed() {
        let mut harness = asking(OperationKind::Start);
        assert!(harness.get_by_label("Start the workflow").accesskit_node().is_disabled());
        harness.key_press(egui::Key::Enter);
        harness.run();
        assert!(harness.state().answers.is_empty());
        let mut harness = asking(OperationKind::Start);
        // The field has the keyboard focus.
        harness.get_by_role_and_label(Role::TextInput, "Song id").type_text("my song");
        harness.run();
        assert!(harness.query_by_label_contains("An id has no spaces").is_some());
        harness.state_mut().dialog.song_id = "song-7".to_owned();
        harness.state_mut().dialog.seed = Some("-1".to_owned());
        harness.run();
        assert!(harness.query_by_label_contains("A seed is a whole number").is_some());
        harness.state_mut().dialog.seed = Some(" 42 ".to_owned());
        harness.run();
        harness.get_by_label("Start the workflow").click();
        harness.run();
        let start = RunOperation::Start { song_id: "song-7".into(), seed: Some(42) };
        assert_eq!(harness.state().answers, [Action::Answer(Some(start))]);
    }
}
