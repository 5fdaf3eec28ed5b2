//! Events → runs, nodes, attempts, history, log. Pure: no sockets, no clock, no Bevy.
//!
//! A run's state is a fold over its events, sorted by instant and, where instants do not decide, by the
//! grammar of a run (`order`). The state therefore does not depend on the order of arrival, and a
//! duplicate changes nothing. Events that arrive in order, which nearly all do, are folded on arrival;
//! after a late event the run is folded again, once per batch (`late`). REST snapshots are laid over
//! the folded state (`join`).
//!
//! # Limits
//!
//! For each run the last facts are kept ([`Retention::events_per_run`]). Older facts are folded into a
//! base state from which later refolds begin. An event older than the base cannot be placed and counts
//! as ignored. Event identities of a run are kept in two generations of eight times that number, so
//! that memory is bounded and at least the last generation is known. A run keeps its last 8 earlier
//! executions, a node its last 32 attempts. At the limit on runs, the run that has been over longest is
//! dropped; a run that is not over is dropped only if none is over.

mod change;
mod clock;
mod counted;
mod display_name;
mod durations;
mod estimate;
mod estimate_record;
mod fact;
mod failure;
mod grammar;
mod join;
mod late;
mod log;
mod node;
mod order;
mod pace;
pub mod past;
mod recount;
mod reported_time;
mod run;
mod run_state;
mod seen;
mod slots;
mod song_runs;
mod stats;
mod status;
mod step_load;
mod store;
mod undated;

pub use change::{Change, Counters, NodeChange, Outcome, Retention};
pub use clock::{ClockOwner, ClockStep, ServerClock};
pub use display_name::{DisplayName, display_name};
pub use durations::Baseline;
pub use estimate::{EstimateErrors, LEAST_SAMPLES, Remaining, millis_between};
pub use estimate_record::EstimateRecord;
pub use fact::FactKind;
pub use failure::{
    FailureCause, failure_words, failure_words_of, final_score, is_total_score, total_score,
};
pub use log::{EventLog, LogEntry, LogItem};
pub use node::{Attempt, Node, NodeStatus};
pub use pace::{Pace, Trend};
pub use run::{Run, RunEvent};
pub use run_state::{Execution, RunState};
pub use song_runs::{FollowUp, MOST_ATTEMPTS, MOST_FAILURES, SongRuns, SongStory};
pub use stats::Stats;
pub use status::RunStatus;
pub use step_load::{StepLoad, USUAL_LOAD_AFTER};
pub use store::Model;
