//! How one picture gives way to the next: levels that go into the one uniform and the colours of
//! labels, so that nothing is drawn anew while it lasts.

/// How opaque shapes and texts are, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    pub shapes: f32,
    pub texts: f32,
}

impl Levels {
    pub const FULL: Self = Self { shapes: 1.0, texts: 1.0 };
    const NONE: Self = Self { shapes: 0.0, texts: 0.0 };

    fn max(self, other: Self) -> Self {
        Self { shapes: self.shapes.max(other.shapes), texts: self.texts.max(other.texts) }
    }

    /// The levels that make `whole` these.
    fn within(self, whole: Self) -> Self {
        let part = |level: f32, whole: f32| if whole > 0.0 { level / whole } else { 0.0 };
        Self { shapes: part(self.shapes, whole.shapes), texts: part(self.texts, whole.texts) }
    }
}

/// What a cross-fade does to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It goes.
    Leaving,
    /// It comes, or is there.
    Entering,
    /// It has no share in it.
    Staying,
}

/// A cross-fade, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fade {
    begun_at_secs: f64,
    duration_secs: f64,
    /// What goes was so opaque when it began to go.
    from: Levels,
    pub leaving: Levels,
    pub entering: Levels,
}

impl Default for Fade {
    fn default() -> Self {
        Self {
            begun_at_secs: 0.0,
            duration_secs: 0.0,
            from: Levels::NONE,
            leaving: Levels::NONE,
            entering: Levels::FULL,
        }
    }
}

impl Fade {
    pub fn is_over(&self) -> bool {
        self.entering == Levels::FULL
    }

    /// Begins at `now_secs`. What is on screen goes on from where it is in the fade before: what was
    /// leaving and what was entering must be drawn within the first and the second levels.
    pub fn begin(&mut self, now_secs: f64, duration_secs: f64) -> (Levels, Levels) {
        let from = self.leaving.max(self.entering);
        let within = (self.leaving.within(from), self.entering.within(from));
        let begun_at_secs = now_secs;
        let (leaving, entering) = (from, Levels::NONE);
        *self = Self { begun_at_secs, duration_secs, from, leaving, entering };
        within
    }

    /// Shapes fade across each other. Words would be read twice: the old ones are gone before the
    /// new ones come.
    pub fn advance(&mut self, now_secs: f64) {
        let passed = (now_secs - self.begun_at_secs) / self.duration_secs.max(f64::EPSILON);
        let t = passed.clamp(0.0, 1.0) as f32;
        let gone = Levels { shapes: eased(t), texts: eased(2.0 * t) };
        self.entering = Levels { shapes: eased(t), texts: eased(2.0 * t - 1.0) };
        self.leaving = Levels {
            shapes: self.from.shapes * (1.0 - gone.shapes),
            texts: self.from.texts * (1.0 - gone.texts),
        };
    }
}

/// Slow at both ends: an edge in brightness is seen where a slope is not.
pub(super) fn eased(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(fade: &mut Fade, now_secs: f64) -> (Levels, Levels) {
        fade.advance(now_secs);
        (fade.leaving, fade.entering)
    }

    #[test]
    fn one_picture_goes_as_the_other_comes() {
        let mut fade = Fade::default();
        assert!(fade.is_over());
        assert_eq!(fade.begin(10.0, 0.7).1, Levels::FULL);
        assert_eq!(at(&mut fade, 10.0), (Levels::FULL, Levels::NONE));
        let (leaving, entering) = at(&mut fade, 10.35);
        assert!((leaving.shapes - 0.5).abs() < 1e-4 && (entering.shapes - 0.5).abs() < 1e-4);
        assert!(leaving.texts < 1e-4 && entering.texts < 1e-4, "no word stands beside another");
        assert_eq!(at(&mut fade, 10.7), (Levels::NONE, Levels::FULL));
        assert!(fade.is_over());
    }

    #[test]
    fn a_fade_that_is_cut_short_goes_on_from_where_it_is() {
        let mut fade = Fade::default();
        fade.begin(0.0, 1.0);
        let (old, new) = at(&mut fade, 0.3);
        let (leaving, entering) = fade.begin(0.3, 1.0);
        let whole = fade.leaving;
        for (level, within, before) in [
            (whole.shapes, leaving.shapes, old.shapes),
            (whole.texts, leaving.texts, old.texts),
            (whole.shapes, entering.shapes, new.shapes),
            (whole.texts, entering.texts, new.texts),
        ] {
            assert!(within <= 1.0 && (level * within - before).abs() < 1e-5);
        }
    }
}
