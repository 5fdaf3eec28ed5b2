//! The picture as plain data: layers of shapes and texts in design pixels.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash};

use bevy::color::Color;
use bevy::ecs::resource::Resource;
use bevy::math::Vec2;

use super::colour::desaturated;
use super::fade::{Fade, Levels, Role};
use super::fonts::Face;
use super::motion::Moving;
use super::shape::Shape;
use crate::app::theme::{Palette, Theme};

/// Where a shape or text lies in depth, from the back to the front. Within a layer all shapes
/// come first, in the order they were added, then all texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Layer {
    /// The ground.
    Background,
    /// Light on the ground.
    Pool,
    /// Rails, lanes, tile bodies: what modules are mounted on.
    Rack,
    /// Module bodies and what is printed on them.
    Module,
    /// Knobs, rings, badges and values on a module.
    Face,
    /// Patch cables, which hang in front of modules.
    Cable,
    /// The bridge with its meters.
    Bridge,
    /// What lies over a part of the picture: veils, failure blocks.
    Overlay,
    /// Text and marks that veils must not cover.
    OverlayFace,
    /// Bands over everything: connection lost, start-up.
    Band,
}

impl Layer {
    /// All layers from the back to the front.
    pub const ALL: [Self; 10] = [
        Self::Background,
        Self::Pool,
        Self::Rack,
        Self::Module,
        Self::Face,
        Self::Cable,
        Self::Bridge,
        Self::Overlay,
        Self::OverlayFace,
        Self::Band,
    ];

    /// Depth of the layer's shapes in world units.
    pub(super) fn shape_z(self) -> f32 {
        f32::from(self as u8) * 2.0
    }

    /// Depth of the layer's texts in world units: above its shapes.
    pub(super) fn text_z(self) -> f32 {
        self.shape_z() + 1.0
    }
}

/// Which point of a line of text its position names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// The left end of the baseline.
    #[default]
    Start,
    /// The middle of the baseline.
    Middle,
    /// The right end of the baseline.
    End,
}

/// A stretch of text in one style.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// What it says.
    pub text: Cow<'static, str>,
    /// Face and weight.
    pub face: Face,
    /// Size of the em in design pixels.
    pub size: f32,
    /// Colour.
    pub colour: Color,
    /// Space between letters in ems.
    pub tracking_em: f32,
    /// Space before the span in design pixels.
    pub gap: f32,
}

/// One line of text on the canvas.
///
/// The key tells the label pool which entity shows it: it names the place ("the duration of
/// node 3"), not the words, and must stay the same from frame to frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    pub(super) key: u64,
    pub(super) spans: Vec<Span>,
    pub(super) position: Vec2,
    pub(super) anchor: Anchor,
    pub(super) opacity: f32,
    pub(super) keep_colour: bool,
}

impl Text {
    /// A line in one style at a baseline point, white, anchored at its start.
    pub fn new(
        key: impl Hash,
        text: impl Into<Cow<'static, str>>,
        x: f32,
        baseline: f32,
        face: Face,
        size: f32,
    ) -> Self {
        let span = Span {
            text: text.into(),
            face,
            size,
            colour: Color::WHITE,
            tracking_em: 0.0,
            gap: 0.0,
        };
        Self {
            key: foldhash::fast::FixedState::default().hash_one(key),
            spans: vec![span],
            position: Vec2::new(x, baseline),
            anchor: Anchor::Start,
            opacity: 1.0,
            keep_colour: false,
        }
    }

    fn last(&mut self) -> &mut Span {
        if self.spans.is_empty() {
            // `new` makes one span and nothing takes spans away.
            unreachable!("a text has at least one span");
        }
        let last = self.spans.len() - 1;
        &mut self.spans[last]
    }

    /// Colour of the last span.
    pub fn colour(mut self, colour: Color) -> Self {
        self.last().colour = colour;
        self
    }

    /// Space between letters of the last span, in ems.
    pub fn tracking(mut self, em: f32) -> Self {
        self.last().tracking_em = em;
        self
    }

    /// Adds a span after a gap in design pixels, in the style of the one before.
    pub fn then(mut self, gap: f32, text: impl Into<Cow<'static, str>>) -> Self {
        let mut span = self.last().clone();
        span.text = text.into();
        span.gap = gap;
        self.spans.push(span);
        self
    }

    /// Face of the last span.
    pub fn face(mut self, face: Face) -> Self {
        self.last().face = face;
        self
    }

    /// Size of the last span in design pixels.
    pub fn size(mut self, size: f32) -> Self {
        self.last().size = size;
        self
    }

    /// Anchors the line at its middle.
    pub fn middle(mut self) -> Self {
        self.anchor = Anchor::Middle;
        self
    }

    /// Anchors the line at its end.
    pub fn end(mut self) -> Self {
        self.anchor = Anchor::End;
        self
    }

    /// Opacity of the line, 0 to 1.
    pub fn opacity(mut self, opacity: f32) -> Self {
        self.opacity = opacity;
        self
    }

    /// Keeps its colours when the canvas drains: failures do.
    pub fn keep_colour(mut self) -> Self {
        self.keep_colour = true;
        self
    }
}

/// Names a part: a contributor's name, and a number where it has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartId {
    name: &'static str,
    number: u32,
    /// The fade in which it left the picture; 0 while it has not.
    left_in: u32,
}

impl From<&'static str> for PartId {
    fn from(name: &'static str) -> Self {
        Self { name, number: 0, left_in: 0 }
    }
}

impl From<(&'static str, u32)> for PartId {
    fn from((name, number): (&'static str, u32)) -> Self {
        Self { name, number, left_in: 0 }
    }
}

/// How far a part had been drawn; the default is its beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    shapes: usize,
    texts: usize,
}

/// One contributor's share of the picture, redrawn as a whole.
#[derive(Debug)]
pub struct Part {
    id: PartId,
    /// The colours to draw it in.
    pub palette: &'static Palette,
    pub(super) shapes: Vec<(Layer, Shape)>,
    pub(super) texts: Vec<(Layer, Text)>,
    stays: bool,
}

impl Part {
    /// Keeps it as it is while a view gives way to another.
    pub fn stay(&mut self) -> &mut Self {
        self.stays = true;
        self
    }

    pub(super) fn role(&self) -> Role {
        match self.id.left_in {
            0 if self.stays => Role::Staying,
            0 => Role::Entering,
            _ => Role::Leaving,
        }
    }

    fn keep_within(&mut self, levels: Levels) {
        for (_, shape) in &mut self.shapes {
            shape.dim(levels.shapes);
        }
        for (_, text) in &mut self.texts {
            text.opacity *= levels.texts;
        }
    }

    /// Adds a shape in front of those added to the layer before.
    pub fn shape(&mut self, layer: Layer, shape: Shape) -> &mut Self {
        let shape = if self.palette.flat { shape.flattened() } else { Some(shape) };
        self.shapes.extend(shape.map(|shape| (layer, shape)));
        self
    }

    /// Adds a line of text.
    pub fn text(&mut self, layer: Layer, text: Text) -> &mut Self {
        if text.spans.iter().any(|span| !span.text.is_empty()) {
            self.texts.push((layer, text));
        }
        self
    }

    /// Its shapes without their colours.
    #[cfg(test)]
    pub fn traits(&self) -> impl Iterator<Item = super::Traits> {
        self.shapes.iter().map(|(_, shape)| shape.traits())
    }

    /// Where the part stands now, for [`Part::dim`] and [`Part::desaturate`].
    pub fn mark(&self) -> Mark {
        Mark { shapes: self.shapes.len(), texts: self.texts.len() }
    }

    /// Makes all that was added since less opaque: 1 leaves it, 0 hides it.
    pub fn dim(&mut self, since: Mark, opacity: f32) {
        for (_, shape) in &mut self.shapes[since.shapes..] {
            shape.dim(opacity);
        }
        for (_, text) in &mut self.texts[since.texts..] {
            text.opacity *= opacity;
        }
    }

    /// Takes the colour out of all that was added since: 0 leaves it, 1 makes it grey.
    pub fn desaturate(&mut self, since: Mark, amount: f32) {
        for (_, shape) in &mut self.shapes[since.shapes..] {
            shape.desaturate(amount);
        }
        for (_, text) in &mut self.texts[since.texts..] {
            for span in &mut text.spans {
                span.colour = desaturated(span.colour, amount);
            }
        }
    }

    /// Tells parts apart, so that two of them may use the same text keys.
    pub(super) fn id(&self) -> PartId {
        self.id
    }
}

/// The whole picture. Contributors redraw their own part when what it shows has changed; an
/// unchanged canvas is not uploaded again, yet goes on moving (see [`Shape::beads`] and its
/// neighbours).
#[derive(Resource, Debug)]
pub struct Canvas {
    parts: Vec<Part>,
    generation: u64,
    pub(super) fade: Fade,
    fades: u32,
    /// What its parts are drawn in from now on; those that are drawn stay as they are.
    pub theme: Theme,
    /// Device pixels per design pixel.
    pub scale: f32,
    /// Device pixel of the design origin, from the viewport's top left corner.
    pub origin: Vec2,
    /// How far the whole picture is moved, in device pixels. Of what moves or dims a finished
    /// picture this and the brightness are all, and neither draws it anew.
    pub shift: Vec2,
    /// Beads stand still, entrances become cross-fades, nothing breathes.
    pub reduced_motion: bool,
    /// How far colours have drained: 0 not at all, 1 grey. Shapes and texts that keep their
    /// colour are left out.
    pub desaturate: f32,
    /// Of full brightness, 0 to 1.
    pub brightness: f32,
    /// The same for shapes and texts that keep their colour.
    pub brightness_kept: f32,
}

impl Default for Canvas {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            // Generation 0 stands for "nothing uploaded yet" on the other side.
            generation: 1,
            fade: Fade::default(),
            fades: 0,
            theme: Theme::default(),
            scale: 1.0,
            origin: Vec2::ZERO,
            shift: Vec2::ZERO,
            reduced_motion: false,
            desaturate: 0.0,
            brightness: 1.0,
            brightness_kept: 1.0,
        }
    }
}

impl Canvas {
    /// Empties a part, creating it on first use, and lends it for redrawing. Within a layer,
    /// parts lie in the order in which they were first drawn.
    pub fn redraw(&mut self, id: impl Into<PartId>) -> &mut Part {
        self.generation += 1;
        let id = id.into();
        let palette = self.theme.palette();
        let index = match self.parts.iter().position(|part| part.id == id) {
            Some(index) => index,
            None => {
                let (shapes, texts) = (Vec::new(), Vec::new());
                self.parts.push(Part { id, palette, shapes, texts, stays: false });
                self.parts.len() - 1
            }
        };
        let part = &mut self.parts[index];
        part.palette = palette;
        part.shapes.clear();
        part.texts.clear();
        part
    }

    /// Takes a part off the picture; one that is not on it is none.
    pub fn remove(&mut self, id: impl Into<PartId>) {
        let id = id.into();
        let count = self.parts.len();
        self.parts.retain(|part| part.id != id);
        if self.parts.len() < count {
            self.generation += 1;
        }
    }

    /// Parts that are still drawn in the colours of another theme.
    #[cfg(test)]
    pub fn drawn_otherwise(&self) -> impl Iterator<Item = PartId> {
        let palette = self.theme.palette();
        let other = self.parts.iter().filter(move |part| !std::ptr::eq(part.palette, palette));
        other.map(|part| part.id)
    }

    /// What of it moves though nobody draws it anew.
    pub(in crate::app) fn moving(&self) -> Moving {
        let mut moving = Moving::default();
        let shapes = self.parts.iter().flat_map(|part| &part.shapes);
        shapes.for_each(|(_, shape)| moving.add(shape));
        moving
    }

    /// Has all that is on the picture, but for what stays, give way within `duration_secs` to what
    /// is drawn from now on. Contributors draw as if nothing were there.
    pub fn cross_fade(&mut self, now_secs: f64, duration_secs: f64) {
        let (left, shown) = self.fade.begin(now_secs, duration_secs);
        self.fades = self.fades.wrapping_add(1).max(1);
        self.generation += 1;
        for part in &mut self.parts {
            match part.role() {
                Role::Leaving => part.keep_within(left),
                Role::Entering => {
                    part.keep_within(shown);
                    part.id.left_in = self.fades;
                }
                Role::Staying => {}
            }
        }
    }

    /// The design's point at a device pixel.
    pub fn point_at(&self, px: Vec2) -> Vec2 {
        (px - self.origin - self.shift) / self.scale
    }

    /// Whether one picture is giving way to another.
    pub fn is_fading(&self) -> bool {
        !self.fade.is_over()
    }

    /// How far a fade has got, 0 to 1; 1 when there is none.
    pub fn fade_part(&self) -> f32 {
        self.fade.entering.shapes
    }

    /// Goes on with a fade.
    pub fn advance_fade(&mut self, now_secs: f64) {
        self.fade.advance(now_secs);
        if self.fade.is_over() {
            self.parts.retain(|part| part.role() != Role::Leaving);
            self.generation += 1;
        }
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Counts redraws; whoever has seen this number has seen the content.
    pub(in crate::app) fn generation(&self) -> u64 {
        self.generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::draw::Rect;

    #[test]
    fn a_part_is_replaced_and_others_stay() {
        let mut canvas = Canvas::default();
        let a_box = || Shape::rounded_box(Rect::new(0.0, 0.0, 1.0, 1.0));
        canvas.redraw("stage").shape(Layer::Module, a_box());
        canvas.redraw("bridge").shape(Layer::Bridge, a_box()).shape(Layer::Bridge, a_box());
        let before = canvas.generation();
        canvas.redraw("stage");
        assert!(canvas.generation() > before);
        let counts: Vec<_> = canvas.parts().iter().map(|part| part.shapes.len()).collect();
        assert_eq!(counts, [0, 2]);
    }

    #[test]
    fn what_leaves_makes_room_for_what_comes() {
        let mut canvas = Canvas::default();
        let a_box = || Shape::rounded_box(Rect::new(0.0, 0.0, 1.0, 1.0));
        canvas.redraw("frame").stay().shape(Layer::Background, a_box());
        canvas.redraw("wall").shape(Layer::Module, a_box());
        canvas.cross_fade(1.0, 0.7);
        // Whoever drew it takes it off the picture, or draws it for the next: that is another one.
        canvas.remove("wall");
        canvas.redraw("stage").shape(Layer::Module, a_box());
        let roles = |canvas: &Canvas| canvas.parts().iter().map(Part::role).collect::<Vec<_>>();
        assert_eq!(roles(&canvas), [Role::Staying, Role::Leaving, Role::Entering]);
        // The other way round before it is there.
        canvas.advance_fade(1.3);
        canvas.cross_fade(1.3, 0.2);
        canvas.redraw("wall");
        assert_eq!(roles(&canvas)[1..], [Role::Leaving, Role::Leaving, Role::Entering]);
        canvas.advance_fade(1.5);
        assert!(!canvas.is_fading());
        assert_eq!(roles(&canvas), [Role::Staying, Role::Entering]);
    }

    #[test]
    fn keys_name_places() {
        let key = |node: u32| Text::new(("name", node), "x", 0.0, 0.0, Face::Text500, 20.0).key;
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
    }

    #[test]
    fn empty_texts_make_no_labels() {
        let mut canvas = Canvas::default();
        let part = canvas.redraw("stage");
        part.text(Layer::Face, Text::new(0, "", 0.0, 0.0, Face::Text500, 20.0));
        assert!(part.texts.is_empty());
    }
}
