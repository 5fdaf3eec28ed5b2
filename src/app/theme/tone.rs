//! Colours of statuses.

use bevy::color::Color;

use super::Palette;
use crate::app::state::status::Tone;

impl Palette {
    /// Returns the colour of graphics that show a status.
    pub fn tone(&self, tone: Tone) -> Color {
        match tone {
            Tone::Quiet => self.text_tertiary,
            Tone::Muted => self.text_secondary,
            Tone::Running => self.running,
            Tone::Success => self.success,
            Tone::Failed => self.failed,
            Tone::Cancelled => self.cancelled,
        }
    }

    /// Returns the colour of small text that belongs to a status.
    pub fn tone_words(&self, tone: Tone) -> Color {
        match tone {
            Tone::Quiet | Tone::Muted => self.text_secondary,
            Tone::Failed => self.failed_text,
            tone => self.tone(tone),
        }
    }
}
