//! Cross-fades between views; ground, clock and bridge stay.

use bevy::prelude::*;

use crate::app::draw::{Canvas, DrawClock};
use crate::app::state::auto::Auto;
use crate::app::state::focus::Focus;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::view::{TimelineMode, View};
use crate::app::state::viewport::ReducedMotion;
use crate::app::theme::motion;
use crate::protocol::RunId;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<NextFrame>();
}

/// Subject on screen; a change of subject cross-fades. A stage names its run only when the director
/// chose it: a run that the user chose or that is followed replaces the one before without a fade.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ShownView {
    Wall,
    Stage(Option<RunId>),
    Timeline(TimelineMode),
    History,
    Desk,
}

impl ShownView {
    fn gives_way_to(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Stage(Some(run)), Self::Stage(Some(next))) => run != next,
            (Self::Stage(_), Self::Stage(_)) => false,
            _ => self != next,
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
pub(super) fn fade(
    mut canvas: ResMut<Canvas>,
    view: Res<View>,
    focus: Res<Focus>,
    auto: Option<Res<Auto>>,
    clock: Res<DrawClock>,
    reduced_motion: Res<ReducedMotion>,
    mut next: ResMut<NextFrame>,
    mut shown: Local<Option<ShownView>>,
) {
    let now = match *view {
        View::Wall => ShownView::Wall,
        View::Stage { .. } => ShownView::Stage(focus.directed_run().cloned()),
        View::Timeline { mode, .. } => ShownView::Timeline(mode),
        View::History => ShownView::History,
        View::Desk => ShownView::Desk,
    };
    if shown.as_ref().is_some_and(|before| before.gives_way_to(&now)) {
        let directed = auto.is_some_and(|auto| auto.0.is_auto());
        let secs = match (reduced_motion.0, directed) {
            (true, _) => motion::CROSS_FADE,
            (false, true) => motion::DIRECTOR_FADE,
            (false, false) => motion::VIEW_FADE,
        };
        canvas.cross_fade(clock.secs, f64::from(secs));
    }
    if shown.as_ref() != Some(&now) {
        *shown = Some(now);
    }
    if canvas.is_fading() {
        canvas.advance_fade(clock.secs);
        next.within_secs(0.0);
    }
}
