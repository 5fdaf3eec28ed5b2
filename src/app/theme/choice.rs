//! Which theme is shown: the one that was chosen, or what the system wishes.

use bevy::prelude::*;

use super::dark::DARK;
use super::high_contrast::HIGH_CONTRAST;
use super::light::LIGHT;
use super::palette::Palette;
use crate::app::state::actions::Action;
use crate::app::systems::AppSystems;
use crate::config::ThemeName;

/// Which colours everything is drawn in.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Light on dark: the design's own.
    #[default]
    Dark,
    /// Dark on light, for rooms in daylight.
    Light,
    /// Black and white, thick lines, nothing that glows.
    HighContrast,
}

impl Theme {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::HighContrast];

    /// Its colours.
    pub fn palette(self) -> &'static Palette {
        match self {
            Self::Dark => &DARK,
            Self::Light => &LIGHT,
            Self::HighContrast => &HIGH_CONTRAST,
        }
    }

    /// The one after it, round and round.
    #[must_use]
    pub fn next(self) -> ThemeName {
        match self {
            Self::Dark => ThemeName::Light,
            Self::Light => ThemeName::HighContrast,
            Self::HighContrast => ThemeName::Dark,
        }
    }
}

/// What somebody chose, in the settings or since.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThemeChoice(pub ThemeName);

/// What the system or the browser says that whoever looks wants, as far as it says anything.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemPreference {
    pub light: bool,
    pub more_contrast: bool,
}

impl ThemeChoice {
    /// The theme to show.
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

/// Carries out the actions on it. For every app, also one without views.
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
    fn the_key_goes_through_all_themes_and_leaves_auto() {
        let mut theme = Theme::Dark;
        let mut seen = Vec::new();
        for _ in Theme::ALL {
            theme = ThemeChoice(theme.next()).theme(SystemPreference::default());
            seen.push(theme);
        }
        assert_eq!(seen, [Theme::Light, Theme::HighContrast, Theme::Dark]);
    }

    #[test]
    fn contrast_is_the_stronger_wish_and_a_choice_the_strongest() {
        let preference = SystemPreference { light: true, more_contrast: true };
        assert_eq!(ThemeChoice(ThemeName::Auto).theme(preference), Theme::HighContrast);
        let light = SystemPreference { more_contrast: false, ..preference };
        assert_eq!(ThemeChoice(ThemeName::Auto).theme(light), Theme::Light);
        assert_eq!(ThemeChoice(ThemeName::Auto).theme(SystemPreference::default()), Theme::Dark);
        assert_eq!(ThemeChoice(ThemeName::Dark).theme(preference), Theme::Dark);
    }
}
