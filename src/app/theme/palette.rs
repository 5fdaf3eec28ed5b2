//! What every theme has a colour for.

use bevy::color::{Color, Srgba};

/// The colours of a theme, by what they mean. Where a group has one line of words, it is for all of
/// its colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Palette {
    /// Nothing glows, shades, or has an outline under three pixels: `Shape::flattened` sees to it.
    pub flat: bool,
    /// How strong light on the ground is, 0 to 1.
    pub pool: f32,
    /// How opaque words still are that fade with age, 0 to 1.
    pub faded: f32,

    /// The ground, from its top to its foot. `bg` is also what lies on the ground and hides it.
    pub bg_top: Color,
    pub bg: Color,
    pub bg_bottom: Color,

    /// Bodies: cards, and the stage's modules from top to foot.
    pub card: Color,
    pub panel_top: Color,
    pub panel_bottom: Color,
    /// A module that is done.
    pub panel_done_top: Color,
    pub panel_done_bottom: Color,
    /// A body that is not yet there.
    pub ghost: Color,
    /// What is sunken: fields, the log, tracks of bars.
    pub well: Color,
    /// The bridge at the foot of every view; its middle is the panel's ground.
    pub bridge_top: Color,
    pub bridge: Color,
    pub bridge_bottom: Color,
    /// Rails with their holes.
    pub rail: Color,
    pub rail_edge: Color,
    pub hole: Color,
    /// What frames a meter; buttons.
    pub bezel_top: Color,
    pub bezel_bottom: Color,

    /// Lines between things, from quiet to loud.
    pub hair: Color,
    pub line: Color,
    pub line_strong: Color,
    /// Light on an upper edge.
    pub highlight: Color,

    /// Words on the ground and on bodies, from loud to quiet. The last carries no meaning.
    pub text: Color,
    pub text_secondary: Color,
    pub text_tertiary: Color,
    pub text_decorative: Color,

    /// The product's own colour, as a ground for [`Self::on_violet`].
    pub violet: Color,
    /// The product's own colour as words, and as the ring around what has the focus.
    pub violet_text: Color,
    /// An edge of `violet`.
    pub violet_led: Color,
    /// The ground of what is under the pointer.
    pub hover: Color,
    /// The ground of what is selected.
    pub selection: Color,
    /// Words on `violet`.
    pub on_violet: Color,

    /// What runs: fills, strokes and words.
    pub running: Color,
    /// The ground of a badge.
    pub running_deep: Color,
    /// The jacket of a cable that is live.
    pub running_jacket: Color,
    /// The bed of a ring, and its edge.
    pub running_track: Color,
    pub running_track_edge: Color,
    /// Ticks that the ring has not reached.
    pub running_scale_off: Color,
    /// Beads on a live cable.
    pub bead: Color,
    /// A module that runs.
    pub running_panel_top: Color,
    pub running_panel_bottom: Color,

    /// What is done: fills, strokes and words.
    pub success: Color,
    /// The jacket of a cable that has done its work.
    pub success_jacket: Color,
    /// The ground of a badge.
    pub success_deep: Color,

    /// What failed: the one large solid.
    pub failed: Color,
    /// Words about a failure, on the ground and on bodies.
    pub failed_text: Color,
    /// The ground of a note about a failure.
    pub failed_deep: Color,
    /// The hatch on `failed`.
    pub failed_hatch: Color,
    /// Words on `failed`.
    pub failed_ink: Color,
    /// The ground of a failure that everybody has seen; words on it are `text`.
    pub failed_tint: Color,

    /// What was stopped, and what warns: fills, strokes and words.
    pub cancelled: Color,
    /// The track of a wait.
    pub cancelled_deep: Color,
    /// Signs on `cancelled`.
    pub cancelled_ink: Color,
    /// The ground of a warning; words on it are `text` and `cancelled`.
    pub cancelled_band: Color,

    /// A dial's track.
    pub knob_track: Color,
    pub knob_track_ghost: Color,
    /// The edge of a `ghost`.
    pub ghost_edge: Color,
    /// A jack.
    pub jack_well: Color,
    pub jack_hole: Color,
    pub jack_rim: Color,
    /// Plugs and cables.
    pub plug: Color,
    pub plug_idle: Color,
    pub cable_idle: Color,
    pub cable_core_idle: Color,
    pub plug_tip: Color,
    /// Lanes of the fix loop.
    pub lane: Color,
    pub lane_idle: Color,
    pub fix_edge: Color,
    /// A module that was skipped, or of which nothing is known.
    pub skipped_panel: Color,
    /// Below what stands out.
    pub shadow: Color,
    /// A sign on `success`.
    pub ink: Color,
    /// A meter: its well, its face, its edge.
    pub meter_well: Color,
    pub meter_face: Color,
    pub meter_edge: Color,
    /// Outlines and hatches of what did not work yet, or never will.
    pub pending_outline: Color,
    pub skipped_outline: Color,
    pub skipped_hatch: Color,

    /// A tile's edge.
    pub tile_edge: Color,
    /// A node in a tile's chain that has not begun; that was skipped.
    pub tile_dot: Color,
    pub tile_dot_skipped: Color,
    /// The ring of a node that runs, in a chain.
    pub tile_ring_bed: Color,
    pub tile_ring_track: Color,
    /// What is done, where there is much of it: a chain's line, a cell, a cell of long ago.
    pub success_line: Color,
    pub success_dense: Color,
    pub success_floor: Color,
    /// The ground of a failed tile, from its top to its foot.
    pub failed_tint_from: Color,
    pub failed_tint_to: Color,
    /// Words on it about the cause.
    pub failed_on_tint: Color,
    /// The edge of a cancelled tile.
    pub cancelled_edge: Color,
    /// What is not heard of: badge, outline, veil.
    pub stale_badge: Color,
    pub stale_outline: Color,
    pub stale_scanline: Color,

    /// Light in a meter.
    pub lamp: Color,
    /// Scale and numerals of a meter.
    pub scale: Color,
    /// Its needle.
    pub needle: Color,
    /// The red part of a scale, while the needle is not there.
    pub danger_idle: Color,
    /// A light that is off; one that is on and means nothing bad.
    pub led_off: Color,
    pub led_neutral: Color,
}

/// A colour of a theme, as 0xRRGGBB.
pub(super) const fn rgb(hex: u32) -> Color {
    rgba(hex, 0xFF)
}

/// A colour of a theme with its opacity, 0 to 255.
pub(super) const fn rgba(hex: u32, alpha: u8) -> Color {
    Color::Srgba(Srgba {
        red: ((hex >> 16) & 0xFF) as f32 / 255.0,
        green: ((hex >> 8) & 0xFF) as f32 / 255.0,
        blue: (hex & 0xFF) as f32 / 255.0,
        alpha: alpha as f32 / 255.0,
    })
}
