//! Colours that every theme defines.

use bevy::color::{Color, Srgba};

/// The colours of a theme, by meaning. A comment applies to all fields of its group.
#[derive(Clone, Debug, PartialEq)]
pub struct Palette {
    /// True when nothing glows or is shaded, and no outline is thinner than three pixels
    /// (`Shape::flattened`).
    pub flat: bool,
    /// Strength of the light on the background, 0 to 1.
    pub pool: f32,
    /// Lowest opacity of text that fades with age, 0 to 1.
    pub faded: f32,

    /// Background, from top to bottom. `bg` also fills shapes that hide the background.
    pub bg_top: Color,
    pub bg: Color,
    pub bg_bottom: Color,

    /// Cards, and the modules of the stage from top to bottom.
    pub card: Color,
    pub panel_top: Color,
    pub panel_bottom: Color,
    /// Modules of finished nodes.
    pub panel_done_top: Color,
    pub panel_done_bottom: Color,
    /// Bodies of pending elements.
    pub ghost: Color,
    /// Recessed areas: fields, the log, tracks of bars.
    pub well: Color,
    /// The meter bridge; `bridge` is also the background of the panel.
    pub bridge_top: Color,
    pub bridge: Color,
    pub bridge_bottom: Color,
    /// Rack rails and their holes.
    pub rail: Color,
    pub rail_edge: Color,
    pub hole: Color,
    /// Frames of meters; buttons.
    pub bezel_top: Color,
    pub bezel_bottom: Color,

    /// Separators, from faint to strong.
    pub hair: Color,
    pub line: Color,
    pub line_strong: Color,
    /// Highlight on an upper edge.
    pub highlight: Color,

    /// Text on the background and on bodies, from strong to faint. `text_decorative` carries no
    /// meaning.
    pub text: Color,
    pub text_secondary: Color,
    pub text_tertiary: Color,
    pub text_decorative: Color,

    /// Brand colour, as the background of [`Self::on_violet`].
    pub violet: Color,
    /// Brand colour for text and for the focus ring.
    pub violet_text: Color,
    /// Edge of `violet`.
    pub violet_led: Color,
    /// Background of the element under the pointer.
    pub hover: Color,
    /// Background of the selected element.
    pub selection: Color,
    /// Text on `violet`.
    pub on_violet: Color,
    /// Background of a part of a text that a search found; no status has this colour.
    pub search_hit: Color,
    /// Text on `search_hit`.
    pub on_search_hit: Color,

    /// Running: fills, strokes and text.
    pub running: Color,
    /// Background of a badge.
    pub running_deep: Color,
    /// Runs at a step beyond its usual load.
    pub excess: Color,
    /// Jacket of an active cable.
    pub running_jacket: Color,
    /// Track of a progress ring, and the track's edge.
    pub running_track: Color,
    pub running_track_edge: Color,
    /// Ticks that the progress ring has not reached.
    pub running_scale_off: Color,
    /// Beads on an active cable.
    pub bead: Color,
    /// Module of a running node.
    pub running_panel_top: Color,
    pub running_panel_bottom: Color,

    /// Success: fills, strokes and text.
    pub success: Color,
    /// Jacket of a cable whose target has succeeded.
    pub success_jacket: Color,
    /// Background of a badge.
    pub success_deep: Color,

    /// Failure: the only large solid area.
    pub failed: Color,
    /// Text about a failure, on the background and on bodies.
    pub failed_text: Color,
    /// Background of a note about a failure.
    pub failed_deep: Color,
    /// Hatching on `failed`.
    pub failed_hatch: Color,
    /// Text on `failed`.
    pub failed_ink: Color,
    /// Background of an old failure; its text is drawn in `text`.
    pub failed_tint: Color,

    /// Cancelled runs and warnings: fills, strokes and text.
    pub cancelled: Color,
    /// Track of a waiting time.
    pub cancelled_deep: Color,
    /// Glyphs on `cancelled`.
    pub cancelled_ink: Color,
    /// Background of a warning; its text is drawn in `text` and `cancelled`.
    pub cancelled_band: Color,

    /// Track of a dial.
    pub knob_track: Color,
    pub knob_track_ghost: Color,
    /// Edge of a `ghost` body.
    pub ghost_edge: Color,
    /// Jacks.
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
    /// Module of a skipped or unknown node.
    pub skipped_panel: Color,
    /// Shadow below raised elements.
    pub shadow: Color,
    /// Glyphs on `success`.
    pub ink: Color,
    /// Meters: recess, face, edge.
    pub meter_well: Color,
    pub meter_face: Color,
    pub meter_edge: Color,
    /// Outlines and hatching of pending and skipped nodes.
    pub pending_outline: Color,
    pub skipped_outline: Color,
    pub skipped_hatch: Color,

    /// Edge of a tile.
    pub tile_edge: Color,
    /// Nodes in a tile's chain: pending and skipped.
    pub tile_dot: Color,
    pub tile_dot_skipped: Color,
    /// Progress ring of a running node in a tile's chain.
    pub tile_ring_bed: Color,
    pub tile_ring_track: Color,
    /// Success in dense areas: line of a chain, recent cell, old cell.
    pub success_line: Color,
    pub success_dense: Color,
    pub success_floor: Color,
    /// The take of a finished run, from its beginning to its end.
    pub take: [Color; 4],
    /// Runs before this one, as dots on an axis of time.
    pub past_run: Color,
    /// Solid panel of a failure that is news, from top to bottom: lighter than `failed`, for the sake of
    /// the text on it.
    pub failed_solid_from: Color,
    pub failed_solid_to: Color,
    /// Background of a failed tile, from top to bottom.
    pub failed_tint_from: Color,
    pub failed_tint_to: Color,
    /// Text about the cause on a failed tile.
    pub failed_on_tint: Color,
    /// Edge of a cancelled tile.
    pub cancelled_edge: Color,
    /// Silent runs: badge, outline, overlay.
    pub stale_badge: Color,
    pub stale_outline: Color,
    pub stale_scanline: Color,

    /// Light inside a meter.
    pub lamp: Color,
    /// Scale and numerals of a meter; numerals and needle while its lamp is off.
    pub scale: Color,
    pub scale_off: Color,
    /// Panel of the connection, and the same while it is silent.
    pub connection_panel: Color,
    pub connection_silent: Color,
    /// Needle of a meter.
    pub needle: Color,
    /// Red part of a scale while the needle is outside it.
    pub danger_idle: Color,
    /// Indicator lights: off, and on without an alarming meaning.
    pub led_off: Color,
    pub led_neutral: Color,
}

/// Returns an opaque colour from 0xRRGGBB.
pub(super) const fn rgb(hex: u32) -> Color {
    rgba(hex, 0xFF)
}

/// Returns a colour from 0xRRGGBB and an opacity of 0 to 255.
pub(super) const fn rgba(hex: u32, alpha: u8) -> Color {
    Color::Srgba(Srgba {
        red: ((hex >> 16) & 0xFF) as f32 / 255.0,
        green: ((hex >> 8) & 0xFF) as f32 / 255.0,
        blue: (hex & 0xFF) as f32 / 255.0,
        alpha: alpha as f32 / 255.0,
    })
}
