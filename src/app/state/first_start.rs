//! The first start: somebody who has not used the display yet is told how to find its keys.

use bevy::prelude::*;

/// Time for which the hint is shown, in seconds.
const SHOWN_SECS: f64 = 20.0;

/// Whether the keys are to be told of.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub struct FirstStart {
    /// True on a display that somebody uses, and that remembers it.
    is_wanted: bool,
    /// True once the keys were told of, or one was pressed; this is remembered.
    pub knows_keys: bool,
    /// Time of the draw clock at which the hint came.
    began_at: Option<f64>,
}

impl FirstStart {
    /// State at the start, where the keys are to be told of unless it is remembered that they are known.
    pub fn wanted(is_wanted: bool) -> Self {
        Self { is_wanted, ..Self::default() }
    }

    /// Returns true while the hint is to be shown. `has_pressed` is true when a key was pressed.
    pub fn step(&mut self, now: f64, has_pressed: bool) -> bool {
        if !self.is_wanted || self.knows_keys {
            return false;
        }
        let began_at = *self.began_at.get_or_insert(now);
        self.knows_keys = has_pressed || now - began_at >= SHOWN_SECS;
        !self.knows_keys
    }
}
