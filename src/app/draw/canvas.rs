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

/// Depth of a shape or text, from back to front. Within a layer all shapes are drawn first, in the
/// order in which they were added, then all texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Layer {
    /// The background.
    Background,
    /// Pools of light on the background.
    Pool,
    /// Rails, lanes and tile bodies, on which modules are mounted.
    Rack,
    /// Module bodies and labels printed on them.
    Module,
    /// Knobs, rings, badges and values on a module.
    Face,
    /// Patch cables, which hang in front of modules.
    Cable,
    /// The meter bridge.
    Bridge,
    /// Elements over a part of the picture: veils, failure blocks.
    Overlay,
    /// Text and marks that veils must not cover.
    OverlayFace,
    /// Bands over everything: lost connection, start-up.
    Band,
    /// The hint beside the pointer, also above texts of bands.
    Hint,
}

impl Layer {
    /// All layers from back to front.
    pub const ALL: [Self; 11] = [
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
        Self::Hint,
    ];

    /// Returns the depth of the layer's shapes in world units.
    pub(super) fn shape_z(self) -> f32 {
        f32::from(self as u8) * 2.0
    }

    /// Returns the depth of the layer's texts in world units, above its shapes.
    pub(super) fn text_z(self) -> f32 {
        self.shape_z() + 1.0
    }
}

/// The point of a line of text that its position refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// Left end of the baseline.
    #[default]
    Start,
    /// Middle of the baseline.
    Middle,
    /// Right end of the baseline.
    End,
}

/// A run of text in one style.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The text.
    pub text: Cow<'static, str>,
    /// Face and weight.
    pub face: Face,
    /// Font size (em) in design pixels.
    pub size: f32,
    /// Text colour.
    pub colour: Color,
    /// Letter spacing in ems.
    pub tracking_em: f32,
    /// Gap before the span in design pixels.
    pub gap: f32,
}

/// One line of text on the canvas.
///
/// The key tells the label pool which entity shows the text. It identifies the position ("the
/// duration of node 3"), not the words, and must be the same in every frame.
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
    /// Creates a white line in one style at a baseline point, anchored at its start.
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
            // `new` creates one span and nothing removes spans.
            unreachable!("a text has at least one span");
        }
        let last = self.spans.len() - 1;
        &mut self.spans[last]
    }

    /// Sets the colour of the last span.
    pub fn colour(mut self, colour: Color) -> Self {
        self.last().colour = colour;
        self
    }

    /// Sets the letter spacing of the last span, in ems.
    pub fn tracking(mut self, em: f32) -> Self {
        self.last().tracking_em = em;
        self
    }

    /// Appends a span after a gap in design pixels, in the style of the previous span.
    pub fn then(mut self, gap: f32, text: impl Into<Cow<'static, str>>) -> Self {
        let mut span = self.last().clone();
        span.text = text.into();
        span.gap = gap;
        self.spans.push(span);
        self
    }

    /// Sets the face of the last span.
    pub fn face(mut self, face: Face) -> Self {
        self.last().face = face;
        self
    }

    /// Sets the font size of the last span in design pixels.
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

    /// Sets the opacity of the line, 0 to 1.
    pub fn opacity(mut self, opacity: f32) -> Self {
        self.opacity = opacity;
        self
    }

    /// Keeps the colours when the canvas is desaturated, as failures do.
    pub fn keep_colour(mut self) -> Self {
        self.keep_colour = true;
        self
    }
}

/// Identifies a part: the contributor's name, and a number if it has several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartId {
    name: &'static str,
    number: u32,
    /// Number of the fade in which the part started to leave; 0 if it has not.
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

/// A position within a part; the default is its beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    shapes: usize,
    texts: usize,
}

/// One contributor's part of the picture, always redrawn as a whole.
#[derive(Debug)]
pub struct Part {
    id: PartId,
    /// Colours to draw the part in.
    pub palette: &'static Palette,
    pub(super) shapes: Vec<(Layer, Shape)>,
    pub(super) texts: Vec<(Layer, Text)>,
    stays: bool,
}

impl Part {
    /// Excludes the part from cross-fades.
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

    /// Adds a shape in front of earlier shapes of the layer.
    pub fn shape(&mut self, layer: Layer, shape: Shape) -> &mut Self {
        let shape = if self.palette.flat { shape.flattened() } else { Some(shape) };
        self.shapes.extend(shape.map(|shape| (layer, shape)));
        self
    }

    /// Adds a line of text; empty texts are ignored.
    pub fn text(&mut self, layer: Layer, text: Text) -> &mut Self {
        if text.spans.iter().any(|span| !span.text.is_empty()) {
            self.texts.push((layer, text));
        }
        self
    }

    /// Returns the colour-independent traits of the shapes.
    #[cfg(test)]
    pub fn traits(&self) -> impl Iterator<Item = super::Traits> {
        self.shapes.iter().map(|(_, shape)| shape.traits())
    }

    /// Returns the current end of the part, for [`Part::dim`] and [`Part::desaturate`].
    pub fn mark(&self) -> Mark {
        Mark { shapes: self.shapes.len(), texts: self.texts.len() }
    }

    /// Multiplies the opacity of everything added since the mark: 1 keeps it, 0 hides it.
    pub fn dim(&mut self, since: Mark, opacity: f32) {
        for (_, shape) in &mut self.shapes[since.shapes..] {
            shape.dim(opacity);
        }
        for (_, text) in &mut self.texts[since.texts..] {
            text.opacity *= opacity;
        }
    }

    /// Desaturates everything added since the mark: 0 keeps the colours, 1 makes them grey.
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

    /// Returns the name of the contributor.
    #[cfg(test)]
    pub(super) fn name(&self) -> &'static str {
        self.id.name
    }

    /// Returns the part's id, which makes text keys unique across parts.
    pub(super) fn id(&self) -> PartId {
        self.id
    }
}

/// The whole picture. Contributors redraw their own part when its content has changed. An unchanged
/// canvas is not uploaded again, but its shapes continue to move (see [`Shape::beads`] and similar
/// methods).
#[derive(Resource, Debug)]
pub struct Canvas {
    parts: Vec<Part>,
    generation: u64,
    pub(super) fade: Fade,
    fades: u32,
    /// Theme for parts drawn from now on; parts drawn before keep their colours.
    pub theme: Theme,
    /// Device pixels per design pixel.
    pub scale: f32,
    /// Device pixel of the design origin, relative to the viewport's top left corner.
    pub origin: Vec2,
    /// Offset of the whole picture in device pixels. Only this field and the brightness change a
    /// finished picture without redrawing it.
    pub shift: Vec2,
    /// True for reduced motion: beads stand still, entrances become cross-fades, nothing pulses.
    pub reduced_motion: bool,
    /// Desaturation of the whole picture: 0 none, 1 grey. Does not affect shapes and texts that
    /// keep their colour.
    pub desaturate: f32,
    /// Fraction of full brightness, 0 to 1.
    pub brightness: f32,
    /// Brightness of shapes and texts that keep their colour, 0 to 1.
    pub brightness_kept: f32,
}

impl Default for Canvas {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            // Consumers use generation 0 for "nothing uploaded yet".
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
    /// Empties a part, creating it on first use, and returns it for redrawing. Within a layer,
    /// parts are drawn in the order in which they were first created.
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

    /// Removes a part; no effect if there is none with this id.
    pub fn remove(&mut self, id: impl Into<PartId>) {
        let id = id.into();
        let count = self.parts.len();
        self.parts.retain(|part| part.id != id);
        if self.parts.len() < count {
            self.generation += 1;
        }
    }

    /// True when there is a part with this id.
    pub fn has(&self, id: impl Into<PartId>) -> bool {
        let id = id.into();
        self.parts.iter().any(|part| part.id == id)
    }

    /// Removes all parts but those that stay in cross-fades: everything that belongs to a view.
    pub fn remove_view(&mut self) {
        self.parts.retain(|part| part.role() == Role::Staying);
        self.generation += 1;
    }

    /// Returns the parts that are still drawn in the colours of another theme.
    #[cfg(test)]
    pub fn drawn_otherwise(&self) -> impl Iterator<Item = PartId> {
        let palette = self.theme.palette();
        let other = self.parts.iter().filter(move |part| !std::ptr::eq(part.palette, palette));
        other.map(|part| part.id)
    }

    /// Returns which parts of the picture move without being redrawn.
    pub(in crate::app) fn moving(&self) -> Moving {
        let mut moving = Moving::default();
        let shapes = self.parts.iter().flat_map(|part| &part.shapes);
        shapes.for_each(|(_, shape)| moving.add(shape));
        moving
    }

    /// Starts a cross-fade: within `duration_secs`, everything now on the picture except parts that
    /// stay gives way to what is drawn from now on. Contributors draw as if the canvas were empty.
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

    /// Converts a device pixel to a point in design pixels.
    pub fn point_at(&self, px: Vec2) -> Vec2 {
        (px - self.origin - self.shift) / self.scale
    }

    /// True while a cross-fade is in progress.
    pub fn is_fading(&self) -> bool {
        !self.fade.is_over()
    }

    /// Advances the fade to `now_secs` and removes parts that have faded out.
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

    /// Number of redraws so far; equal numbers mean equal content.
    pub(in crate::app) fn generation(&self) -> u64 {
        self.generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::draw::Rect;

    #[test]
    fn redraw_replaces_one_part_and_keeps_others() {
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
    fn cross_fade_keeps_leaving_parts_until_it_ends() {
        let mut canvas = Canvas::default();
        let a_box = || Shape::rounded_box(Rect::new(0.0, 0.0, 1.0, 1.0));
        canvas.redraw("frame").stay().shape(Layer::Background, a_box());
        canvas.redraw("wall").shape(Layer::Module, a_box());
        canvas.cross_fade(1.0, 0.7);
        // The contributor removes its part or draws it for the next view; the leaving part is
        // separate.
        canvas.remove("wall");
        canvas.redraw("stage").shape(Layer::Module, a_box());
        let roles = |canvas: &Canvas| canvas.parts().iter().map(Part::role).collect::<Vec<_>>();
        assert_eq!(roles(&canvas), [Role::Staying, Role::Leaving, Role::Entering]);
        // The fade is reversed before it has finished.
        canvas.advance_fade(1.3);
        canvas.cross_fade(1.3, 0.2);
        canvas.redraw("wall");
        assert_eq!(roles(&canvas)[1..], [Role::Leaving, Role::Leaving, Role::Entering]);
        canvas.advance_fade(1.5);
        assert!(!canvas.is_fading());
        assert_eq!(roles(&canvas), [Role::Staying, Role::Entering]);
    }

    #[test]
    fn equal_text_keys_are_equal() {
        let key = |node: u32| Text::new(("name", node), "x", 0.0, 0.0, Face::Text500, 20.0).key;
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
    }

    #[test]
    fn empty_texts_are_not_added() {
        let mut canvas = Canvas::default();
        let part = canvas.redraw("stage");
        part.text(Layer::Face, Text::new(0, "", 0.0, 0.0, Face::Text500, 20.0));
        assert!(part.texts.is_empty());
    }
}
