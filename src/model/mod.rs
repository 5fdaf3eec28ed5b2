//! Events → runs, nodes, attempts, history, log. Pure: no sockets, no clock, no Bevy.
//!
//! A run's state is a fold over its events in the order of its story: by instant, and where instants
//! do not decide, by the grammar of a run (`order`). So it does not depend on the order of arrival,
//! and a duplicate changes nothing. Events that arrive in order — nearly all — are folded as they
//! come; after one that arrives late the run is folded again, once for a batch (`late`). What REST
//! told of a run is laid over that (`join`).
//!
//! # Limits
//!
//! Of each run the last facts are kept ([`Retention::events_per_run`]). Facts beyond that are folded into a
//! base, from which a later refold begins; an event older than the base can no longer be placed, and counts
//! as ignored. Identities of a run's events are remembered in two generations of eight times that number, so
//! that memory is bounded and at least the last generation is known. A run keeps its last 8 earlier
//! executions, a node its last 32 attempts. At the limit on runs the one that has been over longest is removed,
//! and one that is not over only if there is no other.

mod change;
mod clock;
mod counted;
mod fact;
mod grammar;
mod join;
mod late;
mod log;
mod node;
mod order;
mod reported_time;
mod run;
mod run_state;
mod seen;
mod slots;
mod stats;
mod status;
mod store;
mod undated;

pub use change::{Change, Counters, NodeChange, Outcome, Retention};
pub use clock::{ClockOwner, ClockStep, ServerClock};
pub use fact::FactKind;
pub use log::{EventLog, LogEntry, LogItem};
pub use node::{Attempt, Node, NodeStatus};
pub use run::{Run, RunEvent};
pub use run_state::{Execution, RunState};
pub use stats::{Baseline, Stats};
pub use status::RunStatus;
pub use store::Model;
