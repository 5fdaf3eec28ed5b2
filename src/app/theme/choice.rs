//! Choice of the theme: a fixed one, or the one that the system's preferences call for.

use bevy::prelude::*;

use super::dark::DARK;
use super::high_contrast::HIGH_CONTRAST;
use super::light::LIGHT;
use super::palette::Palette;
use crate::app::state::actions::Action;
use crate::app::systems::AppSystems;
use crate::config::ThemeName;

/// A colour theme.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Light on dark, in which the design was made.
    #[default]
    Dark,
    /// Dark on light, for rooms in daylight.
    Light,
    /// Black and white, thick lines, no glow.
    HighContrast,
}

impl Theme {
    /// All themes.
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::HighContrast];

    /// Returns the theme's colours.
    pub fn palette(self) -> &'static Palette {
        match self {
            Self::Dark => &DARK,
            Self::Light => &LIGHT,
            Self::HighContrast => &HIGH_CONTRAST,
        }
    }

    /// Returns the name of the next theme, in a cycle.
    #[must_use]
    pub fn next(self) -> ThemeName {
        match self {
            Self::Dark => ThemeName::Light,
            Self::Light => ThemeName::HighContrast,
            Self::HighContrast => ThemeName::Dark,
        }
    }
}

/// The theme chosen in the settings or by the user.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThemeChoice(pub ThemeName);

/// Display preferences reported by the system or the browser; false where nothing is reported.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemPreference {
    pub light: bool,
    pub more_contrast: bool,
}

impl ThemeChoice {
    /// Returns the theme to show.
    pub fn theme(self, preference: SystemPreference) -> Theme {
        match self.0 {
            ThemeName::Dark => Theme::Dark,
            ThemeName::Light => Theme::Light,
            ThemeName::HighContrast => Theme::HighContrast,
            ThemeName::Auto if preference.more_contrast => Theme::HighContrast,
            ThemeName::Auto if preference.light => Theme::Light,
            ThemeName::Auto => Theme::Dark,
        }
    }
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<Theme>()
        .init_resource::<ThemeChoice>()
        .init_resource::<SystemPreference>()
        .add_systems(Update, settle.in_set(AppSystems::Sync));
}

/// Adds the theme actions. Also used by apps without views.
pub(in crate::app) fn choice_plugin(app: &mut App) {
    app.init_resource::<Theme>()
        .init_resource::<ThemeChoice>()
        .add_systems(Update, choose.in_set(AppSystems::Navigate));
}

fn choose(mut actions: MessageReader<Action>, theme: Res<Theme>, mut choice: ResMut<ThemeChoice>) {
    for action in actions.read() {
        match action {
            Action::NextTheme => choice.0 = theme.next(),
            Action::ChooseTheme(name) => choice.0 = *name,
            _ => {}
        }
    }
}

fn settle(choice: Res<ThemeChoice>, preference: Res<SystemPreference>, mut theme: ResMut<Theme>) {
    theme.set_if_neq(choice.theme(*preference));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_theme_cycles_through_all_themes() {
        let mut theme = Theme::Dark;
        let mut seen = Vec::new();
        for _ in Theme::ALL {
            theme = ThemeChoice(theme.next()).theme(SystemPreference::default());
            seen.push(theme);
        }
        assert_eq!(seen, [Theme::Light, Theme::HighContrast, Theme::Dark]);
    }

    #[test]
    fn explicit_theme_overrides_contrast_preference_which_overrides_light() {
        let preference = SystemPreference { light: true, more_contrast: true };
        assert_eq!(ThemeChoice(ThemeName::Auto).theme(preference), Theme::HighContrast);
        let light = SystemPreference { more_contrast: false, ..preference };
        assert_eq!(ThemeChoice(ThemeName::Auto).theme(light), Theme::Light);
        assert_eq!(ThemeChoice(ThemeName::Auto).theme(SystemPreference::default()), Theme::Dark);
        assert_eq!(ThemeChoice(ThemeName::Dark).theme(preference), Theme::Dark);
    }
}
