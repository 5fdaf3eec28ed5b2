//! The hint beside the resting pointer: a small card with what the picture there means.

use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::ScheduleSystem;
use bevy::prelude::*;

use crate::app::draw::{
    Canvas, Face, Faults, Layer, Part, Rect, Shape, Text, guarded_without_card, measure, truncate,
    wrap,
};
use crate::app::state::desk::ControlsScale;
use crate::app::state::hints::{Hint, HintWords, ShownHint};
use crate::app::state::viewport::{Edges, Viewport};
use crate::app::theme::Theme;
use crate::layout::place_hint;

const PART: &str = "hint";
/// Sizes of type in design pixels at scale 1.
const TITLE: f32 = 24.0;
const WORDS: f32 = 22.0;
/// Least size of the words in logical pixels of the window.
const LEAST_LOGICAL: f32 = 13.0;
/// Distance from one baseline to the next, in sizes of type.
const PITCH: f32 = 1.3;
/// Distance from a paragraph to the next.
const BETWEEN: f32 = 5.0;
/// Greatest width of the words, and distance from them to the edge.
const MOST_WIDTH: f32 = 560.0;
const PAD: f32 = 16.0;
/// Most lines of a paragraph.
const MOST_LINES: usize = 3;
/// Distance from the pointer, and from the edge of the screen.
const GAP: f32 = 30.0;
const MARGIN: f32 = 10.0;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<ShownHint>()
        .init_resource::<Drawn>()
        .init_resource::<ControlsScale>()
        .init_resource::<Faults>();
}

/// Systems that draw the hint.
pub(super) fn systems() -> ScheduleConfigs<ScheduleSystem> {
    guarded_without_card("the hint", draw, forget).run_if(resource_exists::<Canvas>)
}

/// The hint as last drawn.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
struct Drawn(Option<(Card, Theme)>);

/// Removes the hint after a panic.
fn forget(mut canvas: ResMut<Canvas>, mut shown: ResMut<ShownHint>, mut drawn: ResMut<Drawn>) {
    *shown = ShownHint::default();
    *drawn = Drawn::default();
    canvas.remove(PART);
}

fn draw(
    mut canvas: ResMut<Canvas>,
    mut shown: ResMut<ShownHint>,
    mut drawn: ResMut<Drawn>,
    viewport: Res<Viewport>,
    controls: Res<ControlsScale>,
) {
    if shown.hint.is_none() && drawn.0.is_none() {
        return;
    }
    let screen = visible(&canvas, &viewport);
    let scale = scale(&canvas, &viewport, *controls);
    let card = shown.hint.as_ref().and_then(|hint| Card::of(hint, screen, scale));
    let rect = card.as_ref().map(|card| card.rect);
    if shown.card != rect {
        shown.card = rect;
    }
    let next = Drawn(card.map(|card| (card, canvas.theme)));
    if *drawn == next {
        return;
    }
    match &next.0 {
        Some((card, _)) => card.draw(canvas.redraw(PART).stay()),
        None => canvas.remove(PART),
    }
    *drawn = next;
}

/// Part of the canvas that is on the screen and that no panel covers, in design pixels.
fn visible(canvas: &Canvas, viewport: &Viewport) -> Rect {
    let Edges { left, right, bottom } = viewport.covered;
    let origin_px = viewport.views_origin_px();
    let from = canvas.point_at(origin_px + Vec2::new(left, 0.0));
    let to = canvas.point_at(origin_px + viewport.views_px() - Vec2::new(right, bottom));
    Rect::new(from.x, from.y, to.x - from.x, to.y - from.y)
}

/// Factor of all lengths: that of the views without their zoom, times that of the controls, and never so small
/// that the words cannot be read.
fn scale(canvas: &Canvas, viewport: &Viewport, controls: ControlsScale) -> f32 {
    let canvas_size = viewport.canvas_size();
    let zoom = canvas.scale / canvas_size.scale;
    let wanted = canvas_size.portrait_scale() / zoom.max(1e-3) * controls.0;
    let least = LEAST_LOGICAL * viewport.scale_factor / (WORDS * canvas.scale.max(1e-3));
    wanted.max(least)
}

/// A line of the card, with its distance from the upper edge.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    words: String,
    is_title: bool,
    baseline: f32,
}

/// The card with its lines.
#[derive(Clone, Debug, PartialEq)]
struct Card {
    rect: Rect,
    lines: Vec<Line>,
    scale: f32,
}

impl Card {
    /// Lays out a hint; `None` where the screen has no room for its title.
    fn of(hint: &Hint, screen: Rect, scale: f32) -> Option<Self> {
        let screen = screen.inset(MARGIN * scale);
        let (gap, pad) = (GAP * scale, PAD * scale);
        let room = (MOST_WIDTH * scale).min(screen.w - 2.0 * pad);
        if room < 4.0 * TITLE * scale {
            return None;
        }
        // Above or below the pointer there is at least half of the screen; what has no room there is left out.
        let most_height = (screen.h / 2.0 - gap).max(0.0);
        let (lines, height) = lines(&hint.words, room, scale, most_height - 2.0 * pad);
        if lines.is_empty() {
            return None;
        }
        let widest = lines.iter().map(|line| line.width(scale)).fold(0.0, f32::max);
        let size = (widest.min(room) + 2.0 * pad, height + 2.0 * pad);
        let rect = place_hint(size, (hint.pointer.x, hint.pointer.y), screen, gap);
        Some(Self { rect, lines, scale })
    }

    fn draw(&self, part: &mut Part) {
        let (palette, k) = (part.palette, self.scale);
        let shadow = self.rect.translated(0.0, 5.0 * k);
        let shadow = Shape::rounded_box(shadow).radius(10.0 * k).fill(palette.shadow);
        part.shape(Layer::Hint, shadow.opacity(0.5).soft(6.0 * k));
        let body = Shape::rounded_box(self.rect).radius(10.0 * k).fill(palette.card);
        part.shape(Layer::Hint, body.border(1.5 * k, palette.line_strong).keep_colour());
        for (place, line) in self.lines.iter().enumerate() {
            let (x, y) = (self.rect.x + PAD * k, self.rect.y + PAD * k + line.baseline);
            let (face, size) = line.style(k);
            let ink = if line.is_title { palette.text } else { palette.text_secondary };
            let text = Text::new(("hint", place), line.words.clone(), x, y, face, size);
            part.text(Layer::Hint, text.colour(ink).keep_colour());
        }
    }
}

impl Line {
    fn style(&self, scale: f32) -> (Face, f32) {
        match self.is_title {
            true => (Face::Text600, TITLE * scale),
            false => (Face::Text500, WORDS * scale),
        }
    }

    fn width(&self, scale: f32) -> f32 {
        let (face, size) = self.style(scale);
        measure(face, size, 0.0, &self.words)
    }
}

/// Breaks the words into lines of at most `room`, as many as fit into `most_height`. Returns them with their
/// height.
fn lines(words: &HintWords, room: f32, scale: f32, most_height: f32) -> (Vec<Line>, f32) {
    let title = truncate(Face::Text600, TITLE * scale, &words.title, room).into_owned();
    let mut lines = vec![Line { words: title, is_title: true, baseline: TITLE * scale * 0.8 }];
    let mut height = TITLE * scale * 1.05;
    if height > most_height {
        return (Vec::new(), 0.0);
    }
    let size = WORDS * scale;
    for paragraph in &words.lines {
        let broken = wrap(Face::Text500, size, paragraph, room, MOST_LINES);
        let needed = BETWEEN * scale + size * PITCH * broken.len() as f32;
        if height + needed > most_height {
            break;
        }
        height += BETWEEN * scale;
        for words in broken {
            let baseline = height + size;
            lines.push(Line { words, is_title: false, baseline });
            height += size * PITCH;
        }
    }
    (lines, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns where the card stands on the drawing surface, from the upper left to the lower right corner.
    fn card_px(viewport: Viewport, pointer_px: Vec2) -> (Vec2, Vec2) {
        let mut canvas = Canvas::default();
        canvas.scale = viewport.canvas_size().scale;
        canvas.origin = viewport.views_origin_px();
        let lines =
            vec!["What a picture means, in words that are long enough for two lines".to_owned()];
        let words = HintWords { title: "Events a second".to_owned(), lines };
        let pointer = canvas.point_at(pointer_px);
        let scale = scale(&canvas, &viewport, ControlsScale::default());
        let card = Card::of(&Hint { words, pointer }, visible(&canvas, &viewport), scale);
        let rect = card.expect("a card").rect;
        let px = |x: f32, y: f32| Vec2::new(x, y) * canvas.scale + canvas.origin;
        (px(rect.x, rect.y), px(rect.right(), rect.bottom()))
    }

    #[test]
    fn card_stands_beside_the_panel_and_not_under_it() {
        let size_px = Vec2::new(1920.0, 1080.0);
        for edges in [
            Edges { left: 600.0, ..default() },
            Edges { right: 600.0, ..default() },
            Edges { bottom: 400.0, ..default() },
        ] {
            let free_from = Vec2::new(edges.left, 0.0);
            let free_to = size_px - Vec2::new(edges.right, edges.bottom);
            let viewport = Viewport { size_px, ..default() };
            for viewport in
                [Viewport { taken: edges, ..viewport }, Viewport { covered: edges, ..viewport }]
            {
                for corner in [Vec2::ZERO, Vec2::X, Vec2::Y, Vec2::ONE] {
                    let inside = (free_from + Vec2::splat(5.0), free_to - Vec2::splat(5.0));
                    let pointer = inside.0 + (inside.1 - inside.0) * corner;
                    let (from, to) = card_px(viewport, pointer);
                    let is_free = from.cmpge(free_from).all() && to.cmple(free_to).all();
                    assert!(is_free, "{viewport:?} {pointer}: {from} to {to}");
                    let away = (pointer.max(from).min(to) - pointer).length();
                    assert!(away < 60.0, "{viewport:?} {pointer}: {from} to {to}");
                }
            }
        }
    }
}
