//! Glyphs of sizes that nobody needs any more are let go.
//!
//! The engine draws each glyph of each size once into a picture of a megabyte for that size, and
//! keeps it for ever. Names are fitted into the room they have, so a wall that runs for weeks comes
//! by thousands of sizes.

use std::collections::HashSet;

use bevy::app::{App, PostUpdate};
use bevy::asset::AssetId;
use bevy::ecs::prelude::*;
use bevy::image::Image;
use bevy::text::{FontAtlasSet, TextLayoutInfo};

use super::DrawSystems;
use super::labels::snap_glyphs;

/// Sizes that may be kept though nothing shows them: what comes and goes is not drawn anew.
const MOST_UNUSED: usize = 24;

pub(super) fn plugin(app: &mut App) {
    app.add_systems(PostUpdate, let_go.in_set(DrawSystems::Place).after(snap_glyphs));
}

/// `kept`: how many were left the last time.
fn let_go(
    atlases: Option<ResMut<FontAtlasSet>>,
    layouts: Query<&TextLayoutInfo>,
    mut kept: Local<usize>,
) {
    let Some(mut atlases) = atlases.filter(|atlases| atlases.len() > *kept + MOST_UNUSED) else {
        return;
    };
    let glyphs = layouts.iter().flat_map(|layout| &layout.glyphs);
    let used: HashSet<AssetId<Image>> = glyphs.map(|glyph| glyph.atlas_info.texture).collect();
    atlases.retain(|_, of_size| of_size.iter().any(|atlas| used.contains(&atlas.texture.id())));
    *kept = atlases.len();
}

#[cfg(test)]
mod tests {
    use bevy::asset::Assets;
    use bevy::math::{Rect, UVec2, Vec2};
    use bevy::text::{
        FontAtlas, FontAtlasKey, FontHinting, FontSmoothing, GlyphAtlasInfo, PositionedGlyph,
    };

    use super::*;

    /// An atlas for a size, and a text that shows a glyph of it.
    fn add(app: &mut App, size: usize) -> Entity {
        let world = app.world_mut();
        let mut images = world.resource_mut::<Assets<Image>>();
        let atlas = FontAtlas::new(&mut images, UVec2::splat(8), FontSmoothing::AntiAliased);
        let texture = atlas.texture.id();
        let key = FontAtlasKey {
            id: 1,
            index: 0,
            font_size_bits: (size as f32).to_bits(),
            variations_hash: 0,
            hinting: FontHinting::default(),
            font_smoothing: FontSmoothing::AntiAliased,
        };
        world.resource_mut::<FontAtlasSet>().insert(key, vec![atlas]);
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
    fn sizes_that_come_and_go_do_not_pile_up_and_what_is_shown_stays() {
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
    }
}
