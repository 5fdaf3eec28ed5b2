//! Wire text → [`WorkflowEvent`]: pure, total, no Bevy, no I/O, no clock, no threads.
//!
//! All dialects of AMCS are read by one decoder: the product guide's, the backend's, the one of
//! the web client's fixtures, and shapes in between. [`rest`] reads the backend's REST answers, and
//! [`hub`] what a hub says of itself. Only this module reads JSON field names of events; the demo's
//! dialects write them.

mod decode;
mod event;
pub mod hub;
mod identity;
mod instant;
mod instant_forms;
mod repair;
pub mod rest;
mod watcher_error;
mod wire;

pub use decode::{Batch, DecodeError, Item, KEPT_OF_A_BAD_FRAME};
pub use event::{Detail, EventId, NodeName, Phase, RunId, Score, WorkflowEvent};
pub use instant::{is_unset, parse_instant};
pub use rest::RunSnapshot;

/// The AMCS pipeline in order of execution. FIX stands between VALIDATE and RENDER; it runs only
/// when VALIDATE is not content, and hands back to COMPOSE.
pub const PIPELINE: [&str; 9] =
    ["PLAN", "STYLE", "LYRICS", "PRODUCER", "COMPOSE", "VALIDATE", "FIX", "RENDER", "REVIEW"];

/// A node's place in the [`PIPELINE`]; `None` for one that it does not know.
pub fn pipeline_index(name: &str) -> Option<usize> {
    // Asked for every event: a match compares lengths first, and words rather than bytes.
    let place = match name {
        "PLAN" => 0,
        "STYLE" => 1,
        "LYRICS" => 2,
        "PRODUCER" => 3,
        "COMPOSE" => 4,
        "VALIDATE" => 5,
        "FIX" => 6,
        "RENDER" => 7,
        "REVIEW" => 8,
        _ => return None,
    };
    Some(place)
}

/// A running run that has shown no progress for so long is taken for an orphan: a server that was
/// killed lists what it had running for ever (protocol section 4). No node takes so long.
pub const ORPHAN_AFTER: std::time::Duration = std::time::Duration::from_secs(600);

/// The most fix passes the backend makes before it gives up (protocol section 2).
pub const MAX_FIX_PASSES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_of_the_pipeline_has_its_place() {
        for (place, name) in PIPELINE.iter().enumerate() {
            assert_eq!(pipeline_index(name), Some(place));
        }
        assert_eq!(pipeline_index("MASTER"), None);
    }
}
