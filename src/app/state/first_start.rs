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
    /// Time for which the hint was shown, in seconds.
    shown_secs: f64,
    /// Time of the draw clock up to which it was shown; `None` while it has no place.
    shown_until: Option<f64>,
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
        self.shown_secs += (now - self.shown_until.replace(now).unwrap_or(now)).max(0.0);
        self.knows_keys = has_pressed || self.shown_secs >= SHOWN_SECS;
        !self.knows_keys
    }

    /// Lets the time stand still, because the hint has no place for now.
    pub fn pause(&mut self) {
        self.shown_until = None;
    }
}
