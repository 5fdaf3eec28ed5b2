//! Presence of a user: assumed for a while after each input.

/// Seconds without input after which the user counts as away (design, section 10).
pub const AWAY_AFTER_SECS: f64 = 9.0;

/// Time of the last input. Times are seconds of any one clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    noticed_at_secs: f64,
}

impl Attention {
    /// Starts with the user present: somebody has just started the program.
    pub fn new(now_secs: f64) -> Self {
        Self { noticed_at_secs: now_secs }
    }

    /// Records user input.
    pub fn notice(&mut self, now_secs: f64) {
        self.noticed_at_secs = now_secs;
    }

    pub fn is_away(&self, now_secs: f64) -> bool {
        now_secs - self.noticed_at_secs >= AWAY_AFTER_SECS
    }

    /// Returns the seconds until the user counts as away; `None` if away already.
    pub fn left_secs(&self, now_secs: f64) -> Option<f64> {
        let left = AWAY_AFTER_SECS - (now_secs - self.noticed_at_secs);
        (left > 0.0).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_is_away_after_9_s_without_input() {
        let mut attention = Attention::new(100.0);
        assert!(!attention.is_away(108.9));
        assert_eq!(attention.left_secs(108.5), Some(0.5));
        assert!(attention.is_away(109.0));
        assert_eq!(attention.left_secs(109.0), None);
        attention.notice(500.0);
        assert!(!attention.is_away(500.0));
        assert!(attention.is_away(509.0));
    }
}
