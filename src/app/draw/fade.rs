//! Cross-fades between two views. A fade only changes opacities in the canvas uniform and in label
//! colours, so nothing is redrawn while it lasts.

use crate::bounded::bounded;

/// Opacities of shapes and texts, 0 to 1.
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

    /// Returns the levels that, multiplied by `whole`, give these levels.
    fn within(self, whole: Self) -> Self {
        let part = |level: f32, whole: f32| if whole > 0.0 { level / whole } else { 0.0 };
        Self { shapes: part(self.shapes, whole.shapes), texts: part(self.texts, whole.texts) }
    }
}

/// Role of a canvas part in a cross-fade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Fades out.
    Leaving,
    /// Fades in, or is fully visible.
    Entering,
    /// Does not take part in cross-fades.
    Staying,
}

/// State of a cross-fade; also represents that none is in progress.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fade {
    begun_at_secs: f64,
    duration_secs: f64,
    /// Opacities of the leaving parts at the start of the fade.
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

    /// Begins a fade at `now_secs`. To continue without a jump from a fade in progress, the caller
    /// must multiply the opacity of parts that were leaving by the first result, and of parts that
    /// were entering by the second.
    pub fn begin(&mut self, now_secs: f64, duration_secs: f64) -> (Levels, Levels) {
        let from = self.leaving.max(self.entering);
        let within = (self.leaving.within(from), self.entering.within(from));
        let begun_at_secs = now_secs;
        let (leaving, entering) = (from, Levels::NONE);
        *self = Self { begun_at_secs, duration_secs, from, leaving, entering };
        within
    }

    /// Updates the levels. Shapes cross-fade over the full duration. Old texts fade out before new
    /// texts fade in, so that no two texts overlap.
    pub fn advance(&mut self, now_secs: f64) {
        let passed = (now_secs - self.begun_at_secs) / self.duration_secs.max(f64::EPSILON);
        let t = bounded(passed, 0.0, 1.0) as f32;
        let gone = Levels { shapes: eased(t), texts: eased(2.0 * t) };
        self.entering = Levels { shapes: eased(t), texts: eased(2.0 * t - 1.0) };
        self.leaving = Levels {
            shapes: self.from.shapes * (1.0 - gone.shapes),
            texts: self.from.texts * (1.0 - gone.texts),
        };
    }
}

/// Smoothstep of `t`, clamped to 0..1: gentle at both ends, because sudden changes of brightness
/// are noticed.
pub(super) fn eased(t: f32) -> f32 {
    let t = bounded(t, 0.0, 1.0);
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
    fn shapes_cross_fade_and_texts_follow_one_another() {
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
    fn interrupted_fade_continues_without_a_jump() {
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
