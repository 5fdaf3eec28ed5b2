//! Word in the middle of the views while files hover over the window. It covers no failure for longer than the
//! files hover, and nothing of it moves.

use bevy::prelude::*;

use crate::app::draw::{
    Canvas, Face, Faults, Layer, Part, Rect, Shape, Text, guarded_without_card, measure,
};
use crate::app::state::opening::FilesHover;
use crate::app::state::viewport::Viewport;
use crate::app::systems::AppSystems;
use crate::app::theme::{Theme, size};
use crate::layout::CanvasSize;

const PART: &str = "drop-hint";
const WORDS: &str = "Drop to open";
/// Height, and room beside the words.
const HEIGHT: f32 = 132.0;
const BESIDE: f32 = 72.0;

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<DropHint>()
        .init_resource::<FilesHover>()
        .init_resource::<Faults>()
        .add_systems(
            Update,
            guarded_without_card("the hint at a drop", draw, forget)
                .after(AppSystems::DrawOverlay)
                .before(AppSystems::Tell)
                .run_if(resource_exists::<Canvas>),
        );
}

/// Removes the hint after a panic.
fn forget(mut canvas: ResMut<Canvas>, mut hint: ResMut<DropHint>) {
    *hint = DropHint::default();
    canvas.remove(PART);
}

/// The hint as last drawn.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
struct DropHint(Option<(CanvasSize, Theme)>);

fn draw(
    mut canvas: ResMut<Canvas>,
    mut hint: ResMut<DropHint>,
    hover: Res<FilesHover>,
    viewport: Res<Viewport>,
) {
    let next = DropHint(hover.0.then(|| (viewport.canvas_size(), canvas.theme)));
    if *hint == next {
        return;
    }
    match next.0 {
        Some((canvas_size, _)) => draw_hint(canvas.redraw(PART).stay(), &canvas_size),
        None => canvas.remove(PART),
    }
    *hint = next;
}

/// Place in the middle of the views, above the bridge.
fn place(canvas_size: &CanvasSize) -> Rect {
    let words = measure(Face::Display700, size::STATUS_LINE, 0.0, WORDS);
    let width = (words + 2.0 * BESIDE).min(canvas_size.width);
    let height = canvas_size.height - CanvasSize::BRIDGE_HEIGHT;
    let (x, y) = ((canvas_size.width - width) / 2.0, (height - HEIGHT) / 2.0);
    Rect::new(x, y.max(0.0), width, HEIGHT)
}

fn draw_hint(part: &mut Part, canvas_size: &CanvasSize) {
    let palette = part.palette;
    let rect = place(canvas_size);
    let body =
        Shape::rounded_box(rect).radius(24.0).fill(palette.bg).border(3.0, palette.violet_led);
    part.shape(Layer::Band, body);
    let type_size = size::STATUS_LINE;
    let words = measure(Face::Display700, type_size, 0.0, WORDS);
    let (x, y) = (rect.centre_x() - words / 2.0, rect.centre_y() + type_size * 0.36);
    let text = Text::new("drop-hint", WORDS.to_owned(), x, y, Face::Display700, type_size);
    part.text(Layer::Band, text.colour(palette.violet_text));
}

#[cfg(test)]
mod tests {
    use bevy::ecs::system::RunSystemOnce;

    use super::*;

    #[test]
    fn hint_stands_above_the_bridge_while_files_hover() {
        let mut world = World::new();
        world.init_resource::<Canvas>();
        world.init_resource::<DropHint>();
        world.init_resource::<Viewport>();
        for (hovers, words) in [(true, vec![WORDS]), (false, vec![]), (true, vec![WORDS])] {
            world.insert_resource(FilesHover(hovers));
            world.run_system_once(draw).unwrap();
            let drawn = world.resource::<Canvas>().words(PART);
            let drawn: Vec<&str> = drawn.iter().map(|(text, _)| text.as_ref()).collect();
            assert_eq!(drawn, words);
        }
        for (width, height) in [(1920.0, 1080.0), (1080.0, 1920.0), (640.0, 360.0)] {
            let canvas_size = CanvasSize::of_pixels(width, height);
            let rect = place(&canvas_size);
            assert!(rect.x >= 0.0 && rect.right() <= canvas_size.width + 0.01, "{rect:?}");
            let bridge = canvas_size.height - CanvasSize::BRIDGE_HEIGHT;
            assert!(rect.bottom() <= bridge, "{width}×{height}: {rect:?}");
        }
    }
}
