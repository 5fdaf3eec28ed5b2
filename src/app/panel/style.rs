//! The panel's egui style, made from the theme's palette.

use std::sync::Arc;

use bevy::color::{Color, Luminance};
use bevy_egui::egui::{
    self, Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Id,
    Margin, Shadow, Stroke, Style, TextStyle, Vec2, style::HandleShape,
};

use crate::app::draw::Face;
#[cfg(not(target_arch = "wasm32"))]
use crate::app::draw::system_fonts;
use crate::app::theme::{Palette, Theme};

/// Type sizes in points; [`text::SMALL`] is the least.
pub(super) mod text {
    pub const HEAD: f32 = 19.0;
    pub const SECTION: f32 = 17.0;
    pub const BODY: f32 = 16.0;
    pub const MONO: f32 = 15.0;
    pub const SMALL: f32 = 14.0;
}

/// Lengths in points.
pub(super) mod space {
    /// Height of a control, and of a row in the list of runs.
    pub const ROW: f32 = 30.0;
    /// Height of a line of the log.
    pub const LINE: f32 = 23.0;
    pub const GAP: f32 = 10.0;
    pub const RADIUS: u8 = 6;
}

const SEMIBOLD: &str = "semibold";

/// Converts a colour of the theme for egui.
pub(super) fn ink(colour: Color) -> Color32 {
    let colour = colour.to_srgba();
    let byte = |part: f32| (part * 255.0).round() as u8;
    Color32::from_rgba_unmultiplied(
        byte(colour.red),
        byte(colour.green),
        byte(colour.blue),
        byte(colour.alpha),
    )
}

/// Font of running text.
pub(super) fn body(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Font of names and titles.
pub(super) fn semibold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(SEMIBOLD.into()))
}

/// Font of ids, addresses, times and raw text.
pub(super) fn mono(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}

/// Installs the panel's fonts in `ctx`, once, and applies the style of a theme. Returns `false` until
/// the fonts are ready: egui loads them at the next pass, and text in a missing font would panic.
pub(super) fn install_style(ctx: &Context, theme: Theme) -> bool {
    let styled = Id::new("meterbridge theme");
    if ctx.data(|data| data.get_temp(styled)) != Some(theme) {
        ctx.data_mut(|data| data.insert_temp(styled, theme));
        // The display scales its controls itself.
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        ctx.set_theme(egui::Theme::Dark);
        ctx.all_styles_mut(|style| restyle(style, theme.palette()));
    }
    let key = Id::new("meterbridge fonts");
    let pass = ctx.cumulative_pass_nr();
    match ctx.data(|data| data.get_temp::<u64>(key)) {
        Some(installed) => installed < pass,
        None => {
            ctx.data_mut(|data| data.insert_temp(key, pass));
            ctx.set_fonts(fonts());
            ctx.request_discard("the panel's fonts arrive with the next pass");
            false
        }
    }
}

/// Palette that [`install_style`] applied to `ctx`.
pub(super) fn palette(ctx: &Context) -> &'static Palette {
    let theme: Option<Theme> = ctx.data(|data| data.get_temp(Id::new("meterbridge theme")));
    theme.unwrap_or_default().palette()
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let mut add = |name: &str, face: Face| {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(face.bytes())));
    };
    add("Inter Medium", Face::Text500);
    add("Inter SemiBold", Face::Text600);
    add("JetBrains Mono", Face::Mono);
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let mut family = |family: FontFamily, first: &str| {
        let names = fonts.families.entry(family).or_insert_with(|| fallback.clone());
        names.insert(0, first.to_owned());
    };
    family(FontFamily::Proportional, "Inter Medium");
    family(FontFamily::Monospace, "JetBrains Mono");
    family(FontFamily::Name(SEMIBOLD.into()), "Inter SemiBold");
    fonts
}

/// Adds the system's fonts after all others, once, for titles in scripts that those lack. Called when
/// egui is first shown, so that a display without the panel never loads them.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn add_system_fonts(ctx: &Context) {
    use bevy_egui::egui::epaint::text::{FontInsert, FontPriority, InsertFontFamily};

    let key = Id::new("meterbridge system fonts");
    if ctx.data(|data| data.get_temp(key)) == Some(true) {
        return;
    }
    ctx.data_mut(|data| data.insert_temp(key, true));
    let own = [FontFamily::Proportional, FontFamily::Monospace, FontFamily::Name(SEMIBOLD.into())];
    for font in system_fonts() {
        let data = FontData { index: font.index, ..FontData::from_static(font.file.data()) };
        let families = own.iter().map(|family| InsertFontFamily {
            family: family.clone(),
            priority: FontPriority::Lowest,
        });
        ctx.add_font(FontInsert::new(&font.family, data, families.collect()));
    }
}

fn restyle(style: &mut Style, palette: &Palette) {
    style.text_styles = [
        (TextStyle::Heading, semibold(text::HEAD)),
        (TextStyle::Body, body(text::BODY)),
        (TextStyle::Button, body(text::BODY)),
        (TextStyle::Monospace, mono(text::MONO)),
        (TextStyle::Small, body(text::SMALL)),
    ]
    .into();
    style.drag_value_text_style = TextStyle::Monospace;
    style.animation_time = 0.1;

    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(space::GAP, 6.0);
    spacing.button_padding = Vec2::new(10.0, 4.0);
    spacing.interact_size = Vec2::new(48.0, space::ROW);
    spacing.combo_width = 80.0;
    spacing.slider_rail_height = 6.0;
    spacing.icon_width = 18.0;
    spacing.window_margin = Margin::same(16);
    spacing.menu_margin = Margin::same(6);
    spacing.tooltip_width = 460.0;
    spacing.scroll.bar_width = 8.0;

    let radius = CornerRadius::same(space::RADIUS);
    let line = |width: f32, colour: Color| Stroke::new(width, ink(colour));
    let visuals = &mut style.visuals;
    // egui derives the smoothing of glyphs from `dark_mode`.
    visuals.dark_mode = palette.text.luminance() > palette.bg.luminance();
    if palette.flat || !visuals.dark_mode {
        let shadow = Shadow { offset: [0, 8], blur: 24, spread: 0, color: ink(palette.shadow) };
        let shadow = if palette.flat { Shadow::NONE } else { shadow };
        (visuals.window_shadow, visuals.popup_shadow) = (shadow, shadow);
    }
    visuals.panel_fill = ink(palette.bridge);
    visuals.window_fill = ink(palette.card);
    visuals.window_stroke = line(1.5, palette.line_strong);
    visuals.window_corner_radius = CornerRadius::same(12);
    visuals.menu_corner_radius = radius;
    visuals.extreme_bg_color = ink(palette.well);
    visuals.text_edit_bg_color = Some(ink(palette.well));
    visuals.faint_bg_color = ink(palette.card);
    visuals.code_bg_color = ink(palette.well);
    visuals.weak_text_color = Some(ink(palette.text_secondary));
    visuals.hyperlink_color = ink(palette.violet_text);
    visuals.warn_fg_color = ink(palette.cancelled);
    visuals.error_fg_color = ink(palette.failed_text);
    visuals.text_cursor.stroke = line(2.0, palette.violet_text);
    visuals.selection.bg_fill = ink(palette.selection);
    visuals.selection.stroke = line(1.5, palette.violet_text);
    visuals.slider_trailing_fill = true;
    visuals.handle_shape = HandleShape::Circle;
    visuals.disabled_alpha = 0.55;
    visuals.indent_has_left_vline = false;

    let widgets = &mut visuals.widgets;
    for state in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        state.corner_radius = radius;
        state.expansion = 0.0;
        state.fg_stroke = line(1.5, palette.text);
    }
    widgets.noninteractive.bg_fill = ink(palette.card);
    widgets.noninteractive.weak_bg_fill = ink(palette.card);
    widgets.noninteractive.bg_stroke = line(1.5, palette.hair);
    widgets.inactive.bg_fill = ink(palette.bezel_top);
    widgets.inactive.weak_bg_fill = ink(palette.bezel_top);
    widgets.inactive.bg_stroke = line(1.0, palette.line_strong);
    widgets.hovered.bg_fill = ink(palette.hover);
    widgets.hovered.weak_bg_fill = ink(palette.hover);
    widgets.hovered.bg_stroke = line(1.0, palette.text_tertiary);
    widgets.open.bg_fill = ink(palette.hover);
    widgets.open.weak_bg_fill = ink(palette.hover);
    widgets.open.bg_stroke = line(1.0, palette.text_tertiary);
    // egui shows keyboard focus as `active`: this stroke is the focus ring.
    widgets.active.bg_fill = ink(palette.hover);
    widgets.active.weak_bg_fill = ink(palette.hover);
    widgets.active.bg_stroke = line(2.0, palette.violet_text);
}

/// Frame around the panel's contents.
pub(super) const PANEL_MARGIN: Margin = Margin { left: 20, right: 20, top: 10, bottom: 14 };

/// Frame of a tinted note.
pub(super) fn note_frame(fill: Color) -> egui::Frame {
    egui::Frame::new()
        .fill(ink(fill).gamma_multiply(0.6))
        .corner_radius(CornerRadius::same(space::RADIUS))
        .inner_margin(Margin::symmetric(10, 5))
}

/// Frame of a sunken area.
pub(super) fn well_frame(palette: &Palette) -> egui::Frame {
    egui::Frame::new()
        .fill(ink(palette.well))
        .corner_radius(CornerRadius::same(space::RADIUS))
        .inner_margin(Margin::symmetric(8, 6))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::theme::DARK;

    #[test]
    fn text_sizes_are_at_least_14_points() {
        let mut style = Style::default();
        restyle(&mut style, &DARK);
        assert!(style.text_styles.values().all(|font| font.size >= text::SMALL));
    }

    #[test]
    fn fonts_are_ready_after_one_pass() {
        let ctx = Context::default();
        let mut ready = Vec::new();
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            let done = install_style(ui.ctx(), Theme::Dark);
            ready.push(done);
            if done {
                ui.label(egui::RichText::new("Panel").font(semibold(text::HEAD)));
            }
        });
        output.textures_delta.clear();
        assert_eq!(ready, [false, true]);
    }
}
