//! What a user may do to runs, where that is allowed: asked for by a key or in the panel, confirmed
//! in a dialog, handed to the source, and under way until it says what became of it.

use bevy::prelude::*;

use super::confirmation::Question;
use crate::app::state::actions::{Action, Verb};
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::presence::Presence;
use crate::app::state::run_store::{ActFinished, Studio};
use crate::app::state::selection::Selection;
use crate::app::state::view::View;
use crate::app::systems::AppSystems;
use crate::model::Run;
use crate::protocol::RunId;
use crate::source::Act;

/// What is asked, and what is under way.
#[derive(Resource, Clone, Debug, Default)]
pub struct Acts {
    /// Whoever started the program let runs be acted on. Else nothing of it can be seen.
    pub allowed: bool,
    /// The question that stands.
    pub question: Option<Question>,
    under_way: Vec<Act>,
    /// A run that was made here, to be shown as soon as it is known.
    made: Option<RunId>,
}

impl Acts {
    pub fn new(allowed: bool) -> Self {
        Self { allowed, ..Self::default() }
    }

    /// What the source has not answered yet.
    pub fn under_way(&self) -> &[Act] {
        &self.under_way
    }

    /// Whether it is being done to this run already.
    pub fn is_under_way(&self, verb: Verb, run: Option<&RunId>) -> bool {
        self.under_way.iter().any(|act| Verb::of(act) == verb && act.run() == run)
    }
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<Acts>()
        .add_systems(Update, (carry_out, show_what_was_made).chain().in_set(AppSystems::Operate));
}

/// What the user looks at.
fn shown(view: View, focus: &Focus, selection: &Selection) -> Option<RunId> {
    match view {
        View::Wall => selection.0.clone(),
        View::Stage { .. } => focus.run().cloned(),
    }
}

#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
fn carry_out(
    mut asked: MessageReader<Action>,
    mut finished: MessageReader<ActFinished>,
    mut acts: ResMut<Acts>,
    link: Res<Link>,
    studio: Res<Studio>,
    focus: Res<Focus>,
    selection: Res<Selection>,
    view: Res<View>,
    presence: Option<Res<Presence>>,
) {
    for ActFinished(acted) in finished.read() {
        acts.under_way.retain(|act| *act != acted.act);
        if let (Act::Start { .. } | Act::Retry(_), Ok(done)) = (&acted.act, &acted.result) {
            acts.made.clone_from(&done.run);
        }
    }
    for action in asked.read() {
        if !acts.allowed {
            continue;
        }
        match action {
            Action::Ask(verb, run) if acts.question.is_none() && link.acting().is_ok() => {
                let run = run.clone().or_else(|| shown(*view, &focus, &selection));
                acts.question = ask(*verb, run.as_ref().and_then(|id| studio.model.run(id)));
                let under_way = acts.question.as_ref().is_some_and(|question| {
                    acts.is_under_way(question.verb, question.run.as_ref())
                });
                if under_way {
                    acts.question = None;
                }
            }
            Action::Answer(None) => acts.question = None,
            Action::Answer(Some(act)) => {
                let asked_for = acts.question.take().is_some();
                if asked_for && !acts.under_way.contains(act) {
                    acts.under_way.push(act.clone());
                    link.act(act.clone());
                }
            }
            _ => {}
        }
    }
    // Nobody is there to answer, and the wall is a wall again.
    if presence.is_some_and(|presence| presence.away) && acts.question.is_some() {
        acts.question = None;
    }
}

/// The question, where it makes sense to ask it.
fn ask(verb: Verb, run: Option<&Run>) -> Option<Question> {
    let question =
        |run: Option<RunId>, song_id: String| Some(Question { verb, run, song_id, seed: None });
    match (verb, run) {
        (Verb::Start, run) => {
            let song_id = run.and_then(|run| run.song_id.as_deref()).unwrap_or_default();
            question(None, song_id.to_owned())
        }
        (verb, Some(run)) if verb.fits(run) => question(Some(run.id().clone()), String::new()),
        _ => None,
    }
}

/// Whoever makes a run wants to see it, unless he looks at all of them.
fn show_what_was_made(
    mut acts: ResMut<Acts>,
    studio: Res<Studio>,
    view: Res<View>,
    mut focus: ResMut<Focus>,
) {
    let known = acts.made.as_ref().is_some_and(|run| studio.model.run(run).is_some());
    if !known {
        return;
    }
    if let Some(run) = acts.made.take()
        && *view != View::Wall
    {
        focus.pin(run);
    }
}
