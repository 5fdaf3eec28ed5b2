//! The embedded fonts: maps each face to its bytes and its asset.

use bevy::app::App;
use bevy::asset::{Assets, Handle};
use bevy::ecs::resource::Resource;
use bevy::text::Font;

/// A font face of the design. Weights between two faces use the nearer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Face {
    /// Inter Medium: body and meta text.
    Text500,
    /// Inter SemiBold: names and values (weights 600 and 650).
    Text600,
    /// Inter Bold: titles smaller than 44 px.
    Text700,
    /// Inter Display Bold: text from 44 px up, and numeric values from 32 px up.
    Display700,
    /// JetBrains Mono: used only in the panel.
    Mono,
}

impl Face {
    /// All faces, in the order of their discriminants.
    pub const ALL: [Self; 5] =
        [Self::Text500, Self::Text600, Self::Text700, Self::Display700, Self::Mono];

    /// Returns the font file.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Text500 => include_bytes!("../../../assets/fonts/Inter-Medium.otf"),
            Self::Text600 => include_bytes!("../../../assets/fonts/Inter-SemiBold.otf"),
            Self::Text700 => include_bytes!("../../../assets/fonts/Inter-Bold.otf"),
            Self::Display700 => include_bytes!("../../../assets/fonts/InterDisplay-Bold.otf"),
            Self::Mono => include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf"),
        }
    }
}

/// Handles of the embedded fonts, held for the lifetime of the app.
#[derive(Resource, Debug)]
pub struct Fonts([Handle<Font>; Face::ALL.len()]);

impl Fonts {
    /// Returns the font asset of a face.
    pub fn handle(&self, face: Face) -> &Handle<Font> {
        &self.0[face as usize]
    }
}

/// Adds the fonts directly instead of through the asset server, so that the first frame has text.
pub(super) fn plugin(app: &mut App) {
    let mut fonts = app.world_mut().resource_mut::<Assets<Font>>();
    let handles = Face::ALL.map(|face| fonts.add(Font::from_bytes(face.bytes().to_vec())));
    app.insert_resource(Fonts(handles));
}
