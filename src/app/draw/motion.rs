//! Motion of shapes, evaluated in the shader from the draw clock, so that an unchanged canvas still
//! moves. Start times are in seconds of [`super::DrawClock`]; durations are in seconds. Under
//! reduced motion entrances become 200 ms cross-fades, beads become still chevrons, rings and
//! needles step once a second, and nothing pulses.

use super::instance::flag;
use super::shape::{Kind, Shape};

/// Period of a pulsing halo in seconds: 0.42 Hz, the fastest flashing in the design.
pub const BREATH_PERIOD_SECS: f32 = 2.4;

/// Maximum flash frequency in Hz (WCAG 2.2, 2.3.1).
const MOST_HZ: f32 = 3.0;

/// Speed of beads in design pixels per second.
pub const BEAD_SPEED: f32 = 80.0;
/// Distance from one bead to the next in design pixels.
pub const BEAD_PERIOD: f32 = 72.0;
/// Length of a bead between its round ends in design pixels.
pub const BEAD_LENGTH: f32 = 16.0;

const _: () = assert!(BREATH_PERIOD_SECS >= 1.0 / MOST_HZ && BEAD_SPEED / BEAD_PERIOD <= MOST_HZ);

/// Entrance animation of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Entrance {
    /// Fills from below (a module fails: 0.36 s).
    RevealUp = 1,
    /// Draws a path from its start (a check mark: 0.2 s).
    DrawOn = 3,
    /// For [`Shape::tab_box`]: fills the module from below in 0.36 s, then grows the bar out of it
    /// in 0.42 s. The duration is ignored.
    TabRise = 5,
}

/// Time for a needle to come to rest after it started to swing, in seconds.
const SWING_SECS: f64 = 0.6;

/// The motion in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::app) struct Moving {
    /// True when beads or levels move, which never ends.
    pub flows: bool,
    /// True when halos pulse: slow motion, which never ends.
    pub breathes: bool,
    /// Time at which all other motion has ended, in seconds of the draw clock.
    pub rests_at: f64,
}

impl Default for Moving {
    fn default() -> Self {
        Self { flows: false, breathes: false, rests_at: f64::NEG_INFINITY }
    }
}

impl Moving {
    pub(super) fn add(&mut self, shape: &Shape) {
        let [code, ..] = shape.raw.codes;
        let at = shape.motion_at.unwrap_or(f64::NEG_INFINITY);
        let mut until = |secs: f64| self.rests_at = self.rests_at.max(secs);
        match (code >> 16 & 0xff, shape.raw.motion) {
            (BEADS, [speed, ..]) => self.flows |= speed != 0.0,
            (GROW, [_, part, per_sec, _]) if per_sec > 0.0 => {
                until(at + f64::from((1.0 - part) / per_sec));
            }
            (SWING, _) => until(at + SWING_SECS),
            (BREATHE, _) => self.breathes = true,
            _ => {}
        }
        if code >> 8 & 0xff != 0 {
            until(shape.enter_at + f64::from(shape.raw.enter[1]));
        }
        if shape.raw.fade[1] > 0.0 {
            until(shape.fade_at + f64::from(shape.raw.fade[1]));
        }
        self.flows |= shape.kind == Kind::Levels && !shape.stands_still();
    }
}

// Must match the constants in `shapes.wgsl`.
const BEADS: u32 = 1;
const GROW: u32 = 2;
const SWING: u32 = 3;
const BREATHE: u32 = 4;

impl Shape {
    fn set_motion(&mut self, code: u32) {
        self.raw.codes[0] = (self.raw.codes[0] & 0xff00_ffff) | code << 16;
    }

    /// Stops the motion of levels, for steps without running nodes.
    pub fn standing_still(mut self) -> Self {
        debug_assert_eq!(self.kind, Kind::Levels, "only levels stand still");
        self.raw.geom1[0] = 1.0;
        self
    }

    fn stands_still(&self) -> bool {
        self.raw.geom1[0] > 0.5
    }

    /// Adds beads of `width` along a path, with the design's speed, period and length.
    pub fn beads(self, width: f32, colour: bevy::color::Color) -> Self {
        self.beads_at(width, colour, BEAD_SPEED, BEAD_PERIOD, BEAD_LENGTH)
    }

    /// Adds beads with their own speed (design pixels per second, 0 stands still), period and
    /// length.
    pub fn beads_at(
        mut self,
        width: f32,
        colour: bevy::color::Color,
        speed: f32,
        period: f32,
        length: f32,
    ) -> Self {
        // Each passing bead is a flash, so the speed is limited.
        let speed = speed.min(MOST_HZ * period);
        self.set_motion(BEADS);
        self.raw.motion = [speed, period, length, width];
        self.raw.colours[3] = super::instance::pack(colour);
        self
    }

    /// Animates the end of an arc: at `at_secs` the arc covers `part` of its sweep (0 to 1) and
    /// grows by `per_sec` each second until it is full.
    pub fn growing(mut self, at_secs: f64, part: f32, per_sec: f32) -> Self {
        debug_assert_eq!(self.kind, Kind::Arc, "only arcs grow");
        self.set_motion(GROW);
        self.raw.motion = [0.0, part, per_sec, 0.0];
        self.motion_at = Some(at_secs);
        self
    }

    /// Swings a needle from another angle to its own from `at_secs` on: 99 % after 300 ms, with an
    /// overshoot of 1.5 %. No effect if both angles are equal.
    pub fn swinging(mut self, from_deg: f32, at_secs: f64) -> Self {
        debug_assert_eq!(self.kind, Kind::Needle, "only needles swing");
        if from_deg.to_radians() == self.raw.geom1[0] {
            return self;
        }
        self.set_motion(SWING);
        self.raw.geom1[0] = from_deg.to_radians();
        self.motion_at = Some(at_secs);
        self
    }

    /// Pulses the glow between `low` (0.72 in the design) and full strength, with a period of 2.4
    /// s.
    pub fn breathing(mut self, low: f32) -> Self {
        self.set_motion(BREATHE);
        self.raw.motion = [low, BREATH_PERIOD_SECS, 0.0, 0.0];
        self
    }

    /// Pulses the whole shape like [`Shape::breathing`]; only for pools, which have no outline.
    pub fn breathing_whole(mut self, low: f32) -> Self {
        debug_assert_eq!(self.kind, Kind::Pool, "only light breathes as a whole, never a body");
        self = self.breathing(low);
        self.raw.codes[1] |= flag::BREATHE_ALL;
        self
    }

    /// Enters from `start_secs` over `duration_secs`, with ease-out.
    pub fn enter(mut self, entrance: Entrance, start_secs: f64, duration_secs: f32) -> Self {
        self.raw.codes[0] = (self.raw.codes[0] & 0xffff_00ff) | (entrance as u32) << 8;
        self.enter_at = start_secs;
        let (from, to) = (self.extent.min.y, self.extent.max.y);
        self.raw.enter = [0.0, duration_secs.max(1e-3), from, to];
        self
    }

    /// Changes the opacity linearly from `from` to `to`, as a factor of the shape's own opacity.
    pub fn fade(mut self, start_secs: f64, duration_secs: f32, from: f32, to: f32) -> Self {
        self.fade_at = start_secs;
        self.raw.fade = [0.0, duration_secs.max(1e-3), from, to];
        self
    }

    /// Fades the shape in.
    pub fn fade_in(self, start_secs: f64, duration_secs: f32) -> Self {
        self.fade(start_secs, duration_secs, 0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy::math::Vec2;

    #[test]
    fn encoded_times_are_relative_to_the_epoch() {
        let shape = Shape::arc(Vec2::ZERO, 10.0, 2.0, 0.0, 90.0)
            .growing(7_200.5, 0.25, 0.1)
            .fade_in(7_201.0, 0.2);
        let raw = shape.encode(7_200.0);
        assert_eq!(raw.motion[0], 0.5);
        assert_eq!(raw.fade[0], 1.0);
        assert_eq!(raw.motion[1], 0.25);
    }

    /// All periodic motion in the shaders divides the time by its period.
    #[test]
    fn nothing_flashes_more_than_3_times_a_second() {
        let hasty = Shape::capsule(Vec2::ZERO, Vec2::X, 2.0).beads_at(
            3.0,
            bevy::color::Color::WHITE,
            900.0,
            20.0,
            4.0,
        );
        assert_eq!(hasty.raw.motion[0] / hasty.raw.motion[1], MOST_HZ);
        let mut periods = 0;
        let shader = include_str!("shapes.wgsl");
        for wave in shader.split("canvas.time / ").skip(1) {
            let end = wave.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(0);
            let period: f32 = wave[..end].parse().expect("a period in seconds");
            assert!(period >= 1.0 / MOST_HZ, "{period} s");
            periods += 1;
        }
        // The only other periodic motion is the pulse, whose period is the constant above.
        for wave in shader.split("canvas.time * TAU / ").skip(1) {
            assert!(wave.starts_with("in.motion.y"), "{}", &wave[..20]);
        }
        assert_eq!(periods, 1, "level bars");
    }

    #[test]
    fn moving_shapes_and_their_end_are_detected() {
        let moving = |shapes: &[Shape]| {
            let mut moving = Moving::default();
            shapes.iter().for_each(|shape| moving.add(shape));
            moving
        };
        let needle = || Shape::needle(Vec2::ZERO, 10.0, 1.0, 9.0, 1.0);
        let levels = || Shape::levels(Vec2::ZERO, Vec2::ONE);
        let arc = || Shape::arc(Vec2::ZERO, 10.0, 2.0, 0.0, 90.0);
        let still = [
            Shape::ring(Vec2::ZERO, 10.0, 2.0),
            needle().swinging(10.0, 7.0),
            levels().standing_still(),
            arc().growing(7.0, 0.5, 0.0),
            arc().beads_at(1.0, bevy::color::Color::WHITE, 0.0, 9.0, 1.0),
        ];
        assert_eq!(moving(&still), Moving::default());
        let rests_at = |shape: Shape| moving(&[shape]).rests_at;
        assert_eq!(rests_at(arc().growing(7.0, 0.5, 0.25)), 9.0);
        assert_eq!(rests_at(arc().fade_in(7.0, 0.5)), 7.5);
        assert_eq!(rests_at(arc().enter(Entrance::DrawOn, 7.0, 0.25)), 7.25);
        assert!(rests_at(needle().swinging(0.0, 7.0)) > 7.3);
        assert!(moving(&[levels()]).flows);
        assert!(moving(&[arc().beads(1.0, bevy::color::Color::WHITE)]).flows);
        assert_eq!(moving(&[arc().breathing(0.7)]), Moving { breathes: true, ..Moving::default() });
    }

    #[test]
    fn codes_do_not_overwrite_each_other() {
        let white = bevy::color::Color::WHITE;
        let shape = Shape::ring(Vec2::ZERO, 10.0, 2.0)
            .texture(super::super::Texture::Hatch { period: 14.0, width: 6.0 }, white)
            .enter(Entrance::DrawOn, 0.0, 0.2)
            .beads(6.0, white);
        assert_eq!(shape.raw.codes[0], 1 | 3 << 8 | 1 << 16 | 1 << 24);
    }
}
