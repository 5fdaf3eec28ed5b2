//! What a user may do to runs, where that is allowed: asked for by a key or in the panel, confirmed
//! in a dialog, handed to the source, and under way until it says what became of it.

use bevy::prelude::*;
use smol_str::SmolStr;

use crate::app::platform::kiosk::Presence;
use crate::app::state::actions::{self, Action};
use crate::app::state::focus::{self, Focus};
use crate::app::state::hit::Selection;
use crate::app::state::run_store::{ActFinished, Link, Studio};
use crate::app::state::view::View;
use crate::app::systems::AppSystems;
use crate::model::{Run, RunStatus};
use crate::protocol::RunId;
use crate::source::Act;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Start,
    Cancel,
    Retry,
    Execute,
}

impl Verb {
    /// What can be done to a run, in the order in which it is offered.
    pub const TO_A_RUN: [Self; 3] = [Self::Execute, Self::Retry, Self::Cancel];

    /// Whether it makes sense for a run as it stands.
    pub fn fits(self, run: &Run) -> bool {
        match self {
            Self::Start => false,
            Self::Execute => run.status == RunStatus::Pending,
            Self::Retry => run.status == RunStatus::Failed,
            // What is asked to stop goes on to the end of its node: asking again is an error.
            Self::Cancel => !run.status.is_over() && !run.cancel_requested,
        }
    }

    /// It, done to a run; `None` of what makes one.
    fn act(self, run: &RunId) -> Option<Act> {
        match self {
            Self::Start => None,
            Self::Cancel => Some(Act::Cancel(run.clone())),
            Self::Retry => Some(Act::Retry(run.clone())),
            Self::Execute => Some(Act::Execute(run.clone())),
        }
    }

    /// What an act is of.
    pub fn of(act: &Act) -> Self {
        match act {
            Act::Start { .. } => Self::Start,
            Act::Cancel(_) => Self::Cancel,
            Act::Retry(_) => Self::Retry,
            Act::Execute(_) => Self::Execute,
        }
    }
}

/// The question that stands before an act is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub verb: Verb,
    /// The run that it is to be done to; none where one is to be made.
    pub run: Option<RunId>,
    /// The song to make a run of, as it is typed.
    pub song_id: String,
    /// The seed as it is typed; `None` has one chosen.
    pub seed: Option<String>,
}

/// Why a question cannot be answered with yes, field by field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lacks {
    pub song_id: Option<&'static str>,
    pub seed: Option<&'static str>,
}

impl Question {
    /// What is done when the answer is yes.
    ///
    /// # Errors
    ///
    /// What has to be written first.
    pub fn act(&self) -> Result<Act, Lacks> {
        if let Some(act) = self.run.as_ref().and_then(|run| self.verb.act(run)) {
            return Ok(act);
        }
        let song_id = self.song_id.trim();
        let seed = self.seed.as_ref().map(|text| text.trim().parse::<i64>());
        let lacks = Lacks {
            song_id: match song_id {
                "" => Some("Write the id of a song that the backend has."),
                text if text.contains(char::is_whitespace) => {
                    Some("An id has no spaces: write the song's id, not its title.")
                }
                _ => None,
            },
            seed: match &seed {
                None | Some(Ok(0..)) => None,
                Some(_) => Some("A seed is a whole number from 0 on, such as 42."),
            },
        };
        if lacks != Lacks::default() {
            return Err(lacks);
        }
        let seed = seed.and_then(Result::ok);
        Ok(Act::Start { song_id: SmolStr::new(song_id), seed })
    }
}

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
    app.init_resource::<Acts>().add_systems(
        Update,
        (carry_out, show_what_was_made)
            .chain()
            .in_set(AppSystems::Act)
            .after(actions::carry_out)
            .before(focus::follow_newest_active),
    );
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
pub(in crate::app) fn show_what_was_made(
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
