//! Whether somebody is there: whoever moves the pointer or presses a key is, for a while.

/// Without input for so long, nobody is there any more (design, section 10).
pub const AWAY_AFTER_SECS: f64 = 9.0;

/// When somebody was last noticed. Times are seconds of any one clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    noticed_at_secs: f64,
}

impl Attention {
    /// Whoever starts the program is there.
    pub fn new(now_secs: f64) -> Self {
        Self { noticed_at_secs: now_secs }
    }

    /// Somebody did something.
    pub fn notice(&mut self, now_secs: f64) {
        self.noticed_at_secs = now_secs;
    }

    pub fn is_away(&self, now_secs: f64) -> bool {
        now_secs - self.noticed_at_secs >= AWAY_AFTER_SECS
    }

    /// Seconds until nobody is there any more; `None` when that is so already.
    pub fn left_secs(&self, now_secs: f64) -> Option<f64> {
        let left = AWAY_AFTER_SECS - (now_secs - self.noticed_at_secs);
        (left > 0.0).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_seconds_without_input_are_an_absence() {
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
