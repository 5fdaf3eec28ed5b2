//! The actions on the shown run, as buttons: open, compare, pin, and the operation that fits.

use bevy_egui::egui::{Ui, vec2};

use super::part::{InspectorButton, inspector_button_ui};
use super::view::InspectorView;
use crate::app::panel::style;
use crate::app::state::actions::{Action, ActionEntry, Obstacle, OperationKind};
use crate::model::Run;
use crate::text::sentence;

/// Gap between buttons, in points.
const GAP: f32 = 7.0;

/// An operation as the inspector offers it.
struct Offer {
    kind: OperationKind,
    words: &'static str,
    /// Reason why the operation is not possible now; empty when it is possible.
    reason: String,
}

/// Returns the operations that fit the run; where none does, the one that is asked for most, with the reason
/// why it is not possible.
fn offers(view: &InspectorView, run: &Run) -> Vec<Offer> {
    let id = Some(run.id());
    let fits = |kind: &OperationKind| kind.fits(run) || view.operations.is_under_way(*kind, id);
    let mut kinds: Vec<OperationKind> = OperationKind::ON_A_RUN.into_iter().filter(fits).collect();
    if kinds.is_empty() {
        let is_over = run.status.is_over();
        kinds.push(if is_over { OperationKind::Retry } else { OperationKind::Cancel });
    }
    let offer = |kind: OperationKind| {
        let is_under_way = view.operations.is_under_way(kind, id);
        let (rest, doing) = match kind {
            OperationKind::Cancel => ("Cancel", "Cancelling…"),
            OperationKind::Retry => ("Retry", "Retrying…"),
            OperationKind::Execute => ("Execute", "Executing…"),
            OperationKind::Start => ("Start", "Starting…"),
        };
        let words = if is_under_way { doing } else { rest };
        Offer { kind, words, reason: reason(view, run, kind, is_under_way) }
    };
    kinds.into_iter().map(offer).collect()
}

/// Returns why an operation is not possible now; empty when it is.
fn reason(view: &InspectorView, run: &Run, kind: OperationKind, is_under_way: bool) -> String {
    if is_under_way {
        return sentence(&Obstacle::UnderWay.to_string());
    }
    if let Some(obstacle) = Obstacle::of_run(kind, run) {
        return sentence(&obstacle.to_string());
    }
    let obstacle = match view.acting {
        _ if !view.operations.allowed => Obstacle::NotAllowed,
        _ if view.run_store.is_rewound() => Obstacle::Past,
        Err(refusal) => Obstacle::Refused(refusal),
        Ok(()) => return String::new(),
    };
    sentence(&obstacle.to_string())
}

/// Shows the buttons, on as many rows as they need.
pub(super) fn buttons_ui(ui: &mut Ui, view: &InspectorView, run: &Run, actions: &mut Vec<Action>) {
    let palette = style::palette(ui.ctx());
    let offers = offers(view, run);
    let count = (3 + offers.len()) as f32;
    let width = ui.available_width();
    let fitting = ((width - GAP * (count - 1.0)) / count).floor();
    let width = if fitting >= 76.0 { fitting } else { ((width - GAP * 2.0) / 3.0).floor() };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(GAP, GAP);
        let button = |words: &'static str, key, tip: &'static str| InspectorButton {
            words,
            key,
            tone: palette.text,
            tip,
            is_enabled: true,
            width,
        };
        let tip = "Show this run on the stage";
        let open = button("Open", ActionEntry::keys_of(&Action::OpenSelected), tip);
        if inspector_button_ui(ui, &open).clicked() {
            actions.push(Action::Open(run.id().clone()));
        }
        let tip = "Compare with another run of the song, side by side";
        let compare = button("Compare", ActionEntry::keys_of(&Action::Race), tip);
        if inspector_button_ui(ui, &compare).clicked() {
            actions.push(Action::Race);
        }
        let key = ActionEntry::keys_of(&Action::ToggleFollowing);
        let pin = match view.is_pinned {
            true => button("Unpin", key, "Follow the newest run again"),
            false => button("Pin", key, "Stay on this run, whatever starts"),
        };
        if inspector_button_ui(ui, &pin).clicked() {
            actions.push(match view.is_pinned {
                true => Action::ToggleFollowing,
                false => Action::SelectRun(run.id().clone()),
            });
        }
        for offer in &offers {
            let is_cancel = offer.kind == OperationKind::Cancel;
            let tip = match offer.kind {
                _ if !offer.reason.is_empty() => offer.reason.as_str(),
                OperationKind::Cancel => "Ask the backend to cancel this run; you confirm it first",
                OperationKind::Retry => "Start a new run of this song; you confirm it first",
                _ => "Execute this queued run; you confirm it first",
            };
            let button = InspectorButton {
                words: offer.words,
                key: ActionEntry::keys_of(&Action::Ask(offer.kind, None)),
                tone: if is_cancel { palette.failed_text } else { palette.text },
                tip,
                is_enabled: offer.reason.is_empty(),
                width,
            };
            if inspector_button_ui(ui, &button).clicked() {
                actions.push(Action::Ask(offer.kind, Some(run.id().clone())));
            }
        }
    });
}
