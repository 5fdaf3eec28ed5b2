//! Texts on screen: a pool of `Text2d` entities, synchronized with the canvas.
//!
//! Each span is a separate entity, because gaps between spans must be exact and a change of one
//! span should lay out only that span again. Sizes and positions are in device pixels divided by
//! the target's scale factor, so that glyphs are rasterised at the resolution at which they are
//! shown.

use bevy::app::{App, PostUpdate};
use bevy::camera::visibility::NoFrustumCulling;
use bevy::camera::{Camera, CameraUpdateSystems};
use bevy::color::{Color, Srgba};
use bevy::ecs::prelude::*;
use bevy::math::Vec2;
use bevy::platform::collections::HashMap;
use bevy::sprite::{Anchor as SpriteAnchor, Text2d, update_text2d_layout};
use bevy::text::{
    ComputedTextBlock, FontSize, LetterSpacing, LineBreak, LineHeight, TextColor, TextFont,
    TextLayout, TextLayoutInfo, detect_text_needs_rerender, load_font_assets_into_font_collection,
};
use bevy::transform::TransformSystems;
use bevy::transform::components::Transform;

use super::canvas::{Anchor, Canvas, Layer, PartId, Span, Text};
use super::colour::desaturated;
use super::fade::Role;
use super::fonts::Fonts;
use super::{CanvasCamera, DrawSystems};

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<LabelPool>()
        .add_systems(
            PostUpdate,
            sync_labels
                .in_set(DrawSystems::Labels)
                .after(CameraUpdateSystems)
                .before(detect_text_needs_rerender)
                .before(load_font_assets_into_font_collection)
                .before(update_text2d_layout),
        )
        .add_systems(
            PostUpdate,
            (snap_glyphs, place_labels)
                .in_set(DrawSystems::Place)
                .after(update_text2d_layout)
                .before(TransformSystems::Propagate),
        );
}

/// Part, key of the text, and a number that distinguishes texts with equal keys.
type LabelKey = (PartId, u64, u32);

struct Label {
    layer: Layer,
    text: Text,
    spans: Vec<Entity>,
    /// The last canvas generation that contained this text.
    seen: u64,
    /// True when the text or the transform changed since the label was positioned.
    misplaced: bool,
}

/// Conversion of design pixels to world units, as far as labels depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct LabelTransform {
    viewport: Vec2,
    factor: f32,
    scale: f32,
    origin: Vec2,
}

#[derive(Resource, Default)]
struct LabelPool {
    labels: HashMap<LabelKey, Label>,
    generation: u64,
    view: LabelTransform,
    tone: LabelTone,
    /// True when labels that are still invisible were left for the next frame.
    waiting: bool,
}

/// Number of labels created per frame during a cross-fade while they are invisible. Creating all
/// labels of a view at once, with layout and glyph rasterisation, would take longer than a frame.
const HIDDEN_A_FRAME: u32 = 6;

/// Adjustments to the colours of all labels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct LabelTone {
    desaturate: f32,
    brightness: f32,
    brightness_kept: f32,
    /// Opacity of leaving and of entering parts.
    fade: (f32, f32),
}

impl Default for LabelTone {
    fn default() -> Self {
        Self { desaturate: 0.0, brightness: 1.0, brightness_kept: 1.0, fade: (0.0, 1.0) }
    }
}

impl LabelTone {
    fn opacity(&self, role: Role) -> f32 {
        match role {
            Role::Leaving => self.fade.0,
            Role::Entering => self.fade.1,
            Role::Staying => 1.0,
        }
    }
}

/// Synchronizes the entities with the canvas. Writes only what differs, because every write lays
/// out the text again.
fn sync_labels(
    mut commands: Commands,
    canvas: Res<Canvas>,
    fonts: Res<Fonts>,
    cameras: Query<&Camera, With<CanvasCamera>>,
    mut pool: ResMut<LabelPool>,
    mut spans: Query<(&mut Text2d, &mut TextFont, &mut TextColor, &mut LetterSpacing)>,
) {
    let Some((viewport, factor)) = cameras.iter().find_map(|camera| {
        Some((camera.physical_viewport_size()?.as_vec2(), camera.target_scaling_factor()?))
    }) else {
        return;
    };
    let pool = &mut *pool;
    let origin = canvas.origin + canvas.shift;
    let view = LabelTransform { viewport, factor, scale: canvas.scale, origin };
    let tone = LabelTone {
        desaturate: canvas.desaturate,
        brightness: canvas.brightness,
        brightness_kept: canvas.brightness_kept,
        fade: (canvas.fade.leaving.texts, canvas.fade.entering.texts),
    };
    let resized = (view.scale, view.factor) != (pool.view.scale, pool.view.factor);
    let moved = view != pool.view;
    let recoloured = tone != pool.tone;
    let redrawn = canvas.generation() != pool.generation;
    if !(moved || recoloured || redrawn || pool.waiting) {
        return;
    }
    pool.waiting = false;
    let mut room = HIDDEN_A_FRAME;
    pool.view = view;
    pool.tone = tone;
    pool.generation = canvas.generation();
    let em = view.scale / view.factor;

    let mut repeats: HashMap<(PartId, u64), u32> = HashMap::default();
    for part in canvas.parts() {
        let opacity = tone.opacity(part.role());
        for (layer, text) in &part.texts {
            let repeat = repeats.entry((part.id(), text.key)).or_default();
            let key = (part.id(), text.key, *repeat);
            *repeat += 1;
            if opacity == 0.0 && part.role() == Role::Entering && !pool.labels.contains_key(&key) {
                if room == 0 {
                    pool.waiting = true;
                    continue;
                }
                room -= 1;
            }
            let label = pool.labels.entry(key).or_insert_with(|| Label {
                layer: *layer,
                text: Text { spans: Vec::new(), ..text.clone() },
                spans: Vec::new(),
                seen: 0,
                misplaced: true,
            });
            label.seen = pool.generation;
            label.misplaced |= moved;
            if label.layer == *layer && label.text == *text && !resized && !recoloured {
                continue;
            }
            label.layer = *layer;
            label.misplaced = true;
            while label.spans.len() > text.spans.len() {
                if let Some(entity) = label.spans.pop() {
                    commands.entity(entity).despawn();
                }
            }
            for (index, span) in text.spans.iter().enumerate() {
                let colour = shown_colour(span, text, tone, opacity);
                let size = FontSize::Px(span.size * em);
                let spacing = LetterSpacing::Px(span.tracking_em * span.size * em);
                let font = fonts.handle(span.face);
                let Some(entity) = label.spans.get(index) else {
                    let entity = commands.spawn((
                        Text2d::new(span.text.clone()),
                        TextFont { font: font.into(), font_size: size, ..Default::default() },
                        TextColor(colour),
                        spacing,
                        LineHeight::RelativeToFont(1.0),
                        TextLayout::linebreak(LineBreak::NoWrap),
                        SpriteAnchor::TOP_LEFT,
                        // Labels are always on screen. Without frustum culling they need not wait
                        // for bounds and are laid out in their first frame.
                        NoFrustumCulling,
                    ));
                    label.spans.push(entity.id());
                    continue;
                };
                let Ok((mut words, mut style, mut tint, mut tracking)) = spans.get_mut(*entity)
                else {
                    continue;
                };
                if words.0 != span.text {
                    words.0.clear();
                    words.0.push_str(&span.text);
                }
                if style.font_size != size || style.font != font.into() {
                    style.font = font.into();
                    style.font_size = size;
                }
                tint.set_if_neq(TextColor(colour));
                tracking.set_if_neq(spacing);
            }
            label.text = text.clone();
        }
    }

    let generation = pool.generation;
    pool.labels.retain(|_, label| {
        let stays = label.seen == generation;
        if !stays {
            for entity in label.spans.drain(..) {
                commands.entity(entity).despawn();
            }
        }
        stays
    });
}

fn shown_colour(span: &Span, text: &Text, tone: LabelTone, opacity: f32) -> Color {
    let LabelTone { desaturate, brightness, brightness_kept, .. } = tone;
    let (amount, by) =
        if text.keep_colour { (0.0, brightness_kept) } else { (desaturate, brightness) };
    let srgb = desaturated(span.colour, amount).to_srgba();
    Color::from(Srgba::new(
        srgb.red * by,
        srgb.green * by,
        srgb.blue * by,
        srgb.alpha * text.opacity * opacity,
    ))
}

/// Aligns glyphs to whole device pixels within their line. Bevy rasterises each glyph once and
/// samples it at fractional positions, which would blur every stem.
fn snap_glyphs(mut layouts: Query<&mut TextLayoutInfo, (Changed<TextLayoutInfo>, With<Text2d>)>) {
    for mut layout in &mut layouts {
        for glyph in &mut layout.bypass_change_detection().glyphs {
            let half = glyph.atlas_info.rect.size() * 0.5;
            glyph.position = (glyph.position - half).round() + half;
        }
    }
}

/// Positions laid-out labels on their baselines, at whole device pixels: a baseline between two
/// pixels would blur every letter.
fn place_labels(
    mut pool: ResMut<LabelPool>,
    blocks: Query<&ComputedTextBlock>,
    mut transforms: Query<&mut Transform, With<Text2d>>,
) {
    if !pool.labels.values().any(|label| label.misplaced) {
        return;
    }
    let pool = &mut *pool;
    let view = pool.view;
    for label in pool.labels.values_mut().filter(|label| label.misplaced) {
        let mut pen = 0.0;
        let mut laid_out = true;
        // Offset of each span from the line's start, and its baseline within its own box.
        let mut offsets: Vec<(f32, f32)> = Vec::with_capacity(label.spans.len());
        for (entity, span) in label.spans.iter().zip(&label.text.spans) {
            let line = blocks.get(*entity).ok().and_then(|block| block.buffer().lines().next());
            let Some(line) = line else {
                laid_out &= span.text.is_empty();
                offsets.push((pen, 0.0));
                continue;
            };
            pen += span.gap * view.scale;
            offsets.push((pen, line.metrics().baseline));
            pen += line.metrics().advance;
        }
        let position = label.text.position * view.scale + view.origin;
        let start = match label.text.anchor {
            Anchor::Start => position.x,
            Anchor::Middle => position.x - pen * 0.5,
            Anchor::End => position.x - pen,
        };
        for (entity, (offset, baseline)) in label.spans.iter().zip(offsets) {
            let device = Vec2::new((start + offset).round(), position.y.round() - baseline.round());
            let world = (device - view.viewport * 0.5) * Vec2::new(1.0, -1.0) / view.factor;
            if let Ok(mut transform) = transforms.get_mut(*entity) {
                transform
                    .set_if_neq(Transform::from_translation(world.extend(label.layer.text_z())));
            }
        }
        label.misplaced = !laid_out;
    }
}

#[cfg(test)]
mod tests {
    use bevy::app::TaskPoolPlugin;
    use bevy::asset::{AssetApp, AssetPlugin};
    use bevy::camera::RenderTargetInfo;
    use bevy::ecs::system::RunSystemOnce;
    use bevy::math::UVec2;
    use bevy::text::Font;

    use super::*;
    use crate::app::draw::{Face, fonts};

    fn app() -> App {
        let mut app = App::new();
        app.add_plugins((TaskPoolPlugin::default(), AssetPlugin::default())).init_asset::<Font>();
        app.add_plugins(fonts::plugin).init_resource::<Canvas>().init_resource::<LabelPool>();
        let mut camera = Camera::default();
        camera.computed.target_info =
            Some(RenderTargetInfo { physical_size: UVec2::new(1920, 1080), scale_factor: 1.0 });
        app.world_mut().spawn((CanvasCamera, camera));
        app
    }

    fn redraw(app: &mut App) -> usize {
        app.world_mut().run_system_once(sync_labels).expect("the system has its resources");
        app.world_mut().query::<&Text2d>().iter(app.world()).len()
    }

    fn draw(app: &mut App, names: &[&'static str]) -> Vec<(Entity, String)> {
        let mut canvas = app.world_mut().resource_mut::<Canvas>();
        let part = canvas.redraw("stage");
        for (place, name) in names.iter().enumerate() {
            part.text(Layer::Face, Text::new(place, *name, 0.0, 50.0, Face::Text500, 20.0));
        }
        app.world_mut().run_system_once(sync_labels).expect("the system has its resources");
        let world = app.world_mut();
        let mut query = world.query::<(Entity, &Text2d)>();
        let mut labels: Vec<_> =
            query.iter(world).map(|(entity, text)| (entity, text.0.clone())).collect();
        labels.sort();
        labels
    }

    #[test]
    fn label_entities_are_reused_by_key_and_despawned_when_removed() {
        let mut app = app();
        let first = draw(&mut app, &["PLAN", "STYLE"]);
        assert_eq!(first.len(), 2);
        let second = draw(&mut app, &["PLAN", "LYRICS"]);
        let entities = |labels: &[(Entity, String)]| -> Vec<Entity> {
            labels.iter().map(|(entity, _)| *entity).collect()
        };
        assert_eq!(entities(&first), entities(&second));
        assert!(second.iter().any(|(_, text)| text == "LYRICS"));
        assert_eq!(draw(&mut app, &["PLAN"]).len(), 1);
    }

    #[test]
    fn unchanged_text_is_not_written() {
        let mut app = app();
        draw(&mut app, &["PLAN", "STYLE"]);
        app.world_mut().clear_trackers();
        draw(&mut app, &["PLAN", "LYRICS"]);
        let world = app.world_mut();
        let mut changed = world.query_filtered::<&Text2d, Changed<Text2d>>();
        let changed: Vec<_> = changed.iter(world).map(|text| text.0.clone()).collect();
        assert_eq!(changed, ["LYRICS"]);
    }

    /// A view with a hundred texts must not stall the frame in which it starts to fade in, and must
    /// be complete as soon as its texts are visible.
    #[test]
    fn labels_of_an_entering_view_are_created_over_several_frames() {
        const NAMES: [&str; 20] = ["PLAN"; 20];
        let mut app = app();
        app.world_mut().resource_mut::<Canvas>().cross_fade(0.0, 0.7);
        let mut made = draw(&mut app, &NAMES).len();
        assert_eq!(made, HIDDEN_A_FRAME as usize);
        for frame in 1..=10 {
            app.world_mut().resource_mut::<Canvas>().advance_fade(0.03 * f64::from(frame));
            let now = redraw(&mut app);
            assert!(now - made <= HIDDEN_A_FRAME as usize, "frame {frame}: {made}, then {now}");
            made = now;
        }
        assert_eq!(made, NAMES.len());

        app.world_mut().resource_mut::<Canvas>().cross_fade(1.0, 0.7);
        app.world_mut().resource_mut::<Canvas>().advance_fade(1.5);
        let seen = draw(&mut app, &NAMES).len();
        assert_eq!(seen, 2 * NAMES.len(), "those that go are there, too");
    }
}
