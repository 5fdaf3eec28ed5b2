//! Evicts glyph atlases of font sizes that are no longer used.
//!
//! The engine renders each glyph of each font size into an atlas texture of one megabyte per size
//! and never frees it. Names are fitted into the available width, so a wall that runs for weeks
//! uses thousands of sizes.

use std::collections::{HashMap, HashSet};

use bevy::app::{App, PostUpdate};
use bevy::asset::AssetId;
use bevy::ecs::prelude::*;
use bevy::image::Image;
use bevy::text::{FontAtlas, FontAtlasSet, TextLayoutInfo};

use super::DrawSystems;

/// Number of unused sizes that are kept. Larger than the number of sizes of all views together,
/// because showing a view again whose sizes were all evicted takes a long frame.
const MOST_UNUSED: usize = 64;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Uses>()
        .add_systems(PostUpdate, (note, evict_unused_atlases).chain().in_set(DrawSystems::LetGo));
}

/// The last use of each atlas texture.
#[derive(Resource, Default)]
struct Uses {
    last: HashMap<AssetId<Image>, u64>,
    /// Number of frames so far in which a text was laid out.
    now: u64,
    /// Number of sizes left after the last eviction.
    kept: usize,
}

impl Uses {
    fn of(&self, size: &[FontAtlas]) -> u64 {
        size.iter()
            .filter_map(|atlas| self.last.get(&atlas.texture.id()))
            .max()
            .copied()
            .unwrap_or(0)
    }
}

fn note(mut uses: ResMut<Uses>, changed: Query<&TextLayoutInfo, Changed<TextLayoutInfo>>) {
    if changed.is_empty() {
        return;
    }
    uses.now += 1;
    let now = uses.now;
    uses.last.extend(pictures(changed.iter()).map(|picture| (picture, now)));
}

fn pictures<'a>(
    layouts: impl Iterator<Item = &'a TextLayoutInfo>,
) -> impl Iterator<Item = AssetId<Image>> {
    layouts.flat_map(|layout| &layout.glyphs).map(|glyph| glyph.atlas_info.texture)
}

/// Evicts the least recently used unused sizes, keeping [`MOST_UNUSED`]. Runs only when the number
/// of sizes has grown since the last eviction.
fn evict_unused_atlases(
    atlases: Option<ResMut<FontAtlasSet>>,
    layouts: Query<&TextLayoutInfo>,
    mut uses: ResMut<Uses>,
) {
    let Some(mut atlases) = atlases.filter(|atlases| atlases.len() > uses.kept.max(MOST_UNUSED))
    else {
        return;
    };
    let now = uses.now;
    let shown: HashSet<_> = pictures(layouts.iter()).collect();
    uses.last.extend(shown.iter().map(|picture| (*picture, now)));
    let is_shown = |size: &[FontAtlas]| size.iter().any(|a| shown.contains(&a.texture.id()));
    let mut unused: Vec<_> = atlases
        .iter()
        .filter(|(_, size)| !is_shown(size))
        .map(|(key, size)| (uses.of(size), *key))
        .collect();
    unused.sort_unstable_by_key(|(last, _)| *last);
    for (_, key) in unused.iter().take(unused.len().saturating_sub(MOST_UNUSED)) {
        for atlas in atlases.remove(key).unwrap_or_default() {
            uses.last.remove(&atlas.texture.id());
        }
    }
    uses.kept = atlases.len();
}

#[cfg(test)]
mod tests {
    use bevy::asset::Assets;
    use bevy::math::{Rect, UVec2, Vec2};
    use bevy::text::{
        FontAtlas, FontAtlasKey, FontHinting, FontSmoothing, GlyphAtlasInfo, PositionedGlyph,
    };

    use super::*;

    /// Spawns a text with one glyph of this size, creating the atlas if needed.
    fn add(app: &mut App, size: usize) -> Entity {
        let world = app.world_mut();
        let key = FontAtlasKey {
            id: 1,
            index: 0,
            font_size_bits: (size as f32).to_bits(),
            variations_hash: 0,
            hinting: FontHinting::default(),
            font_smoothing: FontSmoothing::AntiAliased,
        };
        let known = world.resource::<FontAtlasSet>().get(&key).map(|size| size[0].texture.id());
        let texture = known.unwrap_or_else(|| {
            let mut images = world.resource_mut::<Assets<Image>>();
            let atlas = FontAtlas::new(&mut images, UVec2::splat(8), FontSmoothing::AntiAliased);
            let texture = atlas.texture.id();
            world.resource_mut::<FontAtlasSet>().insert(key, vec![atlas]);
            texture
        });
        let glyph = PositionedGlyph {
            position: Vec2::ZERO,
            atlas_info: GlyphAtlasInfo {
                texture,
                rect: Rect::default(),
                offset: Vec2::ZERO,
                is_alpha_mask: true,
            },
            section_index: 0,
            line_index: 0,
        };
        world.spawn(TextLayoutInfo { glyphs: vec![glyph], ..Default::default() }).id()
    }

    #[test]
    fn unused_sizes_are_evicted_and_shown_ones_kept() {
        let mut app = App::new();
        app.init_resource::<Assets<Image>>().init_resource::<FontAtlasSet>().add_plugins(plugin);
        for size in 0..40 {
            add(&mut app, size);
        }
        app.update();
        let count = |app: &App| app.world().resource::<FontAtlasSet>().len();
        assert_eq!(count(&app), 40, "all of them are shown");
        for size in 100..1_000 {
            let shown = add(&mut app, size);
            app.update();
            app.world_mut().despawn(shown);
        }
        assert!((40..=40 + MOST_UNUSED + 1).contains(&count(&app)), "{}", count(&app));
        assert!(app.world().resource::<Assets<Image>>().len() >= 40);
        assert!(app.world().resource::<Uses>().last.len() <= count(&app));
    }

    /// Otherwise each visit of the director to a run would render all glyph sizes again.
    #[test]
    fn sizes_of_a_recent_view_are_kept() {
        let mut app = App::new();
        app.init_resource::<Assets<Image>>().init_resource::<FontAtlasSet>().add_plugins(plugin);
        let view = 0..30;
        let has = |app: &App, size: usize| {
            let bits = (size as f32).to_bits();
            app.world().resource::<FontAtlasSet>().keys().any(|key| key.font_size_bits == bits)
        };
        for first in (100..1_000).step_by(20) {
            let here: Vec<_> = view.clone().map(|size| add(&mut app, size)).collect();
            app.update();
            for text in here {
                app.world_mut().despawn(text);
            }
            for size in first..first + 20 {
                let shown = add(&mut app, size);
                app.update();
                app.world_mut().despawn(shown);
            }
            assert!(view.clone().all(|size| has(&app, size)), "after the sizes from {first}");
        }
    }
}
