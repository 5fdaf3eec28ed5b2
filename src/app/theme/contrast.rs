//! Contrast of each text colour on every background it is used on, in every theme (tests only).

use bevy::color::{Color, Mix, Srgba};

use super::{Palette, Theme};
use crate::kiosk::dim::LEAST_OF_A_FAILURE;

/// Returns the WCAG 2.2 relative luminance of a colour at a fraction of full brightness.
fn luminance(colour: Color, brightness: f32) -> f32 {
    let Srgba { red, green, blue, .. } = colour.to_srgba();
    let linear = |c: f32| {
        let c = c * brightness;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// Returns the WCAG 2.2 contrast ratio at a fraction of full brightness.
pub fn contrast_at(a: Color, b: Color, brightness: f32) -> f32 {
    let [a, b] = [a, b].map(|colour| luminance(colour, brightness) + 0.05);
    a.max(b) / a.min(b)
}

/// Returns the WCAG 2.2 contrast ratio, 1 to 21.
pub fn contrast(a: Color, b: Color) -> f32 {
    contrast_at(a, b, 1.0)
}

/// Returns the colour that `ink` has on `ground` at an opacity from 0 to 1.
fn faint(ink: Color, ground: Color, opacity: f32) -> Color {
    Srgba::mix(&ground.to_srgba(), &ink.to_srgba(), opacity).into()
}

/// Returns the colour that `ink` has while data is no longer updated.
fn drained(ink: Color) -> Color {
    let Srgba { red, green, blue, .. } = ink.to_srgba();
    let grey = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    faint(Color::srgb(grey, grey, grey), ink, 0.6)
}

struct Inks {
    name: &'static str,
    ink: Color,
    grounds: Vec<Color>,
    /// True for bold text of at least 24 px at 1080p: "large" in WCAG's sense.
    large: bool,
}

/// Lists every text colour with the backgrounds that the drawing code and the panel use it on.
fn inks(p: &Palette) -> Vec<Inks> {
    let ground = [p.bg_top, p.bg, p.bg_bottom];
    let bodies = [p.panel_top, p.panel_bottom, p.card];
    let done = [p.panel_done_top, p.panel_done_bottom];
    let ghosts = [p.ghost, p.skipped_panel];
    let live = [p.running_panel_top, p.running_panel_bottom];
    let bridge = [p.bridge_top, p.bridge, p.bridge_bottom, p.bezel_top, p.bezel_bottom];
    let bezel = [p.bezel_top, p.bezel_bottom];
    let connection = [p.connection_panel, p.connection_silent];
    let failures = [p.failed_tint, p.failed_tint_from, p.failed_tint_to];
    let of = |groups: &[&[Color]]| groups.concat();
    let words = |name, ink, grounds| Inks { name, ink, grounds, large: false };
    let large = |name, ink, grounds| Inks { name, ink, grounds, large: true };
    vec![
        words(
            "text",
            p.text,
            of(&[&ground, &bodies, &done, &ghosts, &live, &bridge, &failures, &connection])
                .into_iter()
                .chain([p.cancelled_band, p.selection, p.well, p.hover, p.running_deep])
                .collect(),
        ),
        words("text_secondary", p.text_secondary, {
            of(&[&ground, &bodies, &done, &ghosts, &live, &bridge, &[p.well], &connection])
        }),
        words("text_tertiary", p.text_tertiary, {
            of(&[
                &ground,
                &done,
                &ghosts,
                &[p.panel_top, p.panel_bottom, p.bridge, p.well, p.bezel_bottom],
            ])
        }),
        words("running", p.running, of(&[&ground, &bodies, &[p.well, p.bridge]])),
        words("success", p.success, of(&[&ground, &bodies, &done, &[p.well, p.bridge]])),
        words(
            "cancelled",
            p.cancelled,
            of(&[&ground, &bodies, &[p.cancelled_band, p.bridge, p.selection]]),
        ),
        words(
            "failed_text",
            p.failed_text,
            of(&[&ground, &bodies, &bezel, &[p.failed_deep, p.well, p.selection]]),
        ),
        words("tag of the next run", p.bg, vec![p.text]),
        words("failed_ink", p.failed_ink, vec![p.failed, p.failed_solid_from, p.failed_solid_to]),
        words("failed_on_tint", p.failed_on_tint, failures.to_vec()),
        words(
            "violet_text",
            p.violet_text,
            of(&[&[p.bg, p.bridge, p.card, p.selection], &bodies, &bezel, &connection]),
        ),
        // Notes of the meters while the picture is drained.
        words("drained violet", drained(p.violet_text), bezel.to_vec()),
        words("on_violet", p.on_violet, vec![p.violet]),
        words("on_search_hit", p.on_search_hit, vec![p.search_hit]),
        words("scale", p.scale, vec![p.meter_face]),
        words("scale_off", p.scale_off, vec![p.meter_face]),
        // The name of a failed node on a small tile is bold and at least 22 px high.
        large("failed", p.failed, of(&[&ground, &bodies, &failures])),
        // Glyphs.
        large("ink", p.ink, vec![p.success]),
        large("cancelled_ink", p.cancelled_ink, vec![p.cancelled]),
        large("name on a bar at work", p.ink, vec![p.running]),
        words("name on a bar of another run", p.text, vec![p.success_deep]),
        words("selected run", p.text_secondary, vec![p.selection]),
        large("running on its badge", p.running, of(&[&[p.running_deep, p.tile_ring_bed], &live])),
        large("skipped_hatch", p.skipped_hatch, ghosts.to_vec()),
        large("needle", p.needle, vec![p.meter_face]),
        large("light", p.success, connection.to_vec()),
        large("light of a poll in place of sockets", p.cancelled, connection.to_vec()),
        large("peak", p.violet_text, vec![p.meter_face]),
    ]
}

#[test]
fn text_reaches_required_contrast_on_its_backgrounds_in_every_theme() {
    let mut found = Vec::new();
    for theme in Theme::ALL {
        let palette = theme.palette();
        for Inks { name, ink, grounds, large } in inks(palette) {
            let least = match (palette.flat, large) {
                (true, _) => 7.0,
                (false, true) => 3.0,
                (false, false) => 4.5,
            };
            for ground in grounds {
                let ratio = contrast(ink, ground);
                if ratio < least {
                    let ground = ground.to_srgba().to_hex();
                    found.push(format!("{theme:?}: {name} on {ground} {ratio:.2} < {least}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Old lines of the ticker fade; the design allows the dark theme to fade them almost completely.
#[test]
fn faded_text_keeps_its_contrast_in_bright_themes() {
    for (theme, least) in [(Theme::Light, 4.5), (Theme::HighContrast, 7.0)] {
        let p = theme.palette();
        for ink in [p.text, p.text_secondary, p.text_tertiary] {
            let ratio = contrast(faint(ink, p.bg_bottom, p.faded), p.bg_bottom);
            assert!(ratio >= least, "{theme:?}: {ratio:.2}");
        }
    }
}

/// WCAG 2.2, success criterion 1.4.11: graphics that are needed to understand the content.
#[test]
fn meaningful_graphics_reach_contrast_3() {
    for theme in Theme::ALL {
        let p = theme.palette();
        for (name, ink, ground) in [
            ("running", p.running, p.card),
            ("success", p.success, p.card),
            ("failed", p.failed, p.card),
            ("cancelled", p.cancelled, p.card),
            ("neutral", p.text_tertiary, p.card),
            ("success_line", p.success_line, p.card),
            ("success_dense", p.success_dense, p.bg),
            ("skipped_outline", p.skipped_hatch, p.skipped_panel),
            ("stale_outline", p.stale_outline, p.card),
            ("focus ring", p.violet_text, p.bridge),
            ("pending ring", p.pending_outline, p.card),
            ("lane of an unused fix", p.lane_idle, p.bg),
            ("earlier runs", p.past_run, p.bg),
            ("start of a take", p.take[0], p.bg),
            ("middle of a take", p.take[1], p.bg),
            ("end of a take", p.take[3], p.bg),
            ("runs of a jammed step", p.running, p.running_deep),
            ("runs beyond the usual load", p.excess, p.running_deep),
            ("frame of the usual load", p.text_secondary, p.running_deep),
            ("run without news", p.stale_outline, p.bg),
            ("bars of failures", p.failed, p.failed_tint_from),
            ("bars of failures, light end", p.failed, p.failed_tint_to),
            ("bars of cancelled runs", p.cancelled, p.bg),
            ("edge of the curve of a step", p.past_run, p.panel_bottom),
        ] {
            let ratio = contrast(ink, ground);
            assert!(ratio >= 3.0, "{theme:?}: {name} {ratio:.2}");
        }
    }
}

#[test]
fn dimmed_failure_text_reaches_contrast_3() {
    for theme in Theme::ALL {
        let p = theme.palette();
        for (ink, paper) in [(p.failed_ink, p.failed), (p.text, p.failed_tint)] {
            let found = contrast_at(ink, paper, LEAST_OF_A_FAILURE);
            assert!(found >= 3.0, "{theme:?}: {found}");
        }
    }
}
