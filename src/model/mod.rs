//! Events → runs, nodes, attempts, history, log. Pure: no sockets, no clock, no Bevy.
//!
//! A run's state is a fold over its events in order of instant, so it does not depend on the order
//! of arrival, and a duplicate changes nothing. Events that arrive in order — nearly all — are
//! folded as they come; one that arrives late is put in its place and the run folded again. What
//! REST told of a run is laid over that (`join`).

mod clock;
mod fact;
mod join;
mod log;
mod node;
mod run;
mod run_state;
mod seen;
mod slots;
mod stats;
mod status;
mod store;

pub use clock::ServerClock;
pub use fact::FactKind;
pub use log::{EventLog, LogEntry, LogItem};
pub use node::{Attempt, Node, NodeStatus};
pub use run::{Run, RunEvent};
pub use run_state::{Execution, RunState};
pub use stats::{Stats, Usual};
pub use status::RunStatus;
pub use store::{Change, Counters, Model, NodeChange, Outcome, Retention};
