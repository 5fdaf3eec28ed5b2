//! Wire text → [`WorkflowEvent`]: pure, total, no Bevy, no I/O, no clock, no threads.
//!
//! One decoder reads all dialects of AMCS: the product guide's, the backend's, that of the web client's
//! fixtures, and mixed forms. [`rest`] reads the backend's REST answers, and [`hub`] the messages of a
//! hub about itself. No other module reads JSON field names of events; the demo's dialects write them.

mod bounds;
mod decode;
mod event;
mod event_fields;
pub mod hub;
mod identity;
mod instant;
mod instant_forms;
mod repair;
pub mod rest;
pub mod screen;
mod tape;
mod watcher_error;
mod wire;

pub use decode::{Batch, DecodeError, Item, KEPT_OF_A_BAD_FRAME};
pub use event::{Detail, EventId, NodeName, Phase, RunId, Score, WorkflowEvent, score_bytes};
pub use event_fields::{Artifact, EventFields, Issue, NamedValue, data_of, readable_json};
pub use instant::{is_unset, parse_instant};
pub use rest::RunSnapshot;
pub use tape::{Tape, TapeEntry};

/// The AMCS pipeline in order of execution. FIX runs only when VALIDATE rejects a composition, and
/// leads back to COMPOSE (protocol section 2).
pub const PIPELINE: [&str; 9] =
    ["PLAN", "STYLE", "LYRICS", "PRODUCER", "COMPOSE", "VALIDATE", "FIX", "RENDER", "REVIEW"];

/// Returns a node's index in the [`PIPELINE`]; `None` for other nodes.
pub fn pipeline_index(name: &str) -> Option<usize> {
    // A `match` is fast, which matters because this runs for every event: it compares lengths first,
    // and words rather than bytes.
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

/// Time without progress after which a running run counts as an orphan. A server that was killed lists
/// its running runs for ever (protocol section 4). No node takes this long.
pub const ORPHAN_AFTER: std::time::Duration = std::time::Duration::from_secs(600);

/// Maximum number of fix passes before the backend gives up (protocol section 2).
pub const MAX_FIX_PASSES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipeline_index_matches_pipeline_order() {
        for (place, name) in PIPELINE.iter().enumerate() {
            assert_eq!(pipeline_index(name), Some(place));
        }
        assert_eq!(pipeline_index("MASTER"), None);
    }
}
