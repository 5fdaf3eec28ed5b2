//! Durations from which estimates are made, in a form that outlasts the program.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of the form. A record of another version is not used. Raise it also when the hash of the
/// fingerprints changes, as with another version of `foldhash`: runs that are told of again would count twice.
const VERSION: u32 = 1;
/// Most names, passes, durations and runs that are taken from a record.
const MOST_NAMES: usize = 256;
const MOST_PASSES: usize = 8;
const MOST_DURATIONS: usize = 200;
pub(super) const MOST_RUNS: usize = 2_000;

/// Durations of the steps of completed runs, and errors of estimates; written as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstimateRecord {
    version: u32,
    /// For each step, and each fix pass from 0 on: what the step took and what the run took after it, in
    /// milliseconds, oldest first.
    pub(super) steps: BTreeMap<String, Vec<Vec<(u32, u32)>>>,
    /// Fingerprints of the runs that are in it, oldest first: a server tells of a run again.
    pub(super) runs: Vec<u64>,
    /// Errors in milliseconds of estimates after 25, 50 and 75 % of each run; `null` where there was none.
    pub(super) errors: [Vec<Option<u32>>; 3],
}

impl EstimateRecord {
    pub(super) fn new(
        steps: BTreeMap<String, Vec<Vec<(u32, u32)>>>,
        runs: Vec<u64>,
        errors: [Vec<Option<u32>>; 3],
    ) -> Self {
        Self { version: VERSION, steps, runs, errors }
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// Returns in words what is wrong with it: it is damaged, or of another version.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let mut record: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if record.version != VERSION {
            return Err(format!("it has version {} and not {VERSION}", record.version));
        }
        let keep_last = |durations: &mut Vec<(u32, u32)>| {
            durations.drain(..durations.len().saturating_sub(MOST_DURATIONS));
        };
        for passes in record.steps.values_mut() {
            passes.truncate(MOST_PASSES);
            passes.iter_mut().for_each(keep_last);
        }
        while record.steps.len() > MOST_NAMES {
            record.steps.pop_last();
        }
        record.runs.drain(..record.runs.len().saturating_sub(MOST_RUNS));
        for errors in &mut record.errors {
            errors.drain(..errors.len().saturating_sub(MOST_DURATIONS));
        }
        Ok(record)
    }

    /// Writes the record as JSON.
    pub fn to_json(&self) -> String {
        // Maps with string keys and numbers only: this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// True when no run is in it.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}
