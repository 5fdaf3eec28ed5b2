//! Changes settings: saves them, and applies those that take effect while the display runs.

use bevy::prelude::*;

use crate::app::draw::DrawClock;
use crate::app::state::actions::Action;
use crate::app::state::link::Link;
use crate::app::state::settings::{LastChange, SettingsBook};
use crate::app::state::viewport::ReducedMotion;
use crate::config::{SettingEntry, Settings, SettingsStore};
use crate::source::ConnectionSettings;

/// Performs the actions on settings.
pub(super) fn apply(
    mut actions: MessageReader<Action>,
    mut book: ResMut<SettingsBook>,
    link: Res<Link>,
    clock: Option<Res<DrawClock>>,
    mut reduced_motion: ResMut<ReducedMotion>,
    mut commands: Commands,
) {
    for action in actions.read() {
        if let Action::ShowSetting(name) = action {
            book.wanted = Some(name.clone());
        }
        let is_on_settings = matches!(
            action,
            Action::ChangeSetting(..)
                | Action::UndoSetting
                | Action::ReadSettings
                | Action::ChooseProfile(_)
        );
        let SettingsBook { store, last, .. } = &mut *book;
        let Some(store) = store.as_mut().filter(|_| is_on_settings) else { continue };
        let before = store.settings().clone();
        let (name, result) = perform(action, store.as_mut());
        // What was changed here is shown even where the display has another value meanwhile. A flag's value stays.
        let is_overridden = |entry: &SettingEntry| entry.is_overridden();
        let is_shown = result.is_ok() && !store.table().entry(&name).is_some_and(is_overridden);
        let changed = if is_shown { name.clone() } else { String::new() };
        *last = Some(LastChange {
            name,
            refusal: result.err(),
            at_secs: clock.as_ref().map_or(0.0, |clock| clock.secs),
        });
        let after = store.settings();
        if changed == "reduced-motion" || before.view.reduced_motion != after.view.reduced_motion {
            reduced_motion.0 = after.view.reduced_motion;
        }
        if changed == "time-zone" || before.view.time_zone != after.view.time_zone {
            crate::time_zone::set(after.view.time_zone.clone());
        }
        if changed == "theme" || before.view.theme != after.view.theme {
            commands.write_message(Action::ChooseTheme(after.view.theme));
        }
        let connection = connection(&before, after, &link.settings, &changed);
        if connection != link.settings {
            commands.write_message(Action::Configure(Box::new(connection)));
        }
    }
}

fn perform(action: &Action, store: &mut dyn SettingsStore) -> (String, Result<(), String>) {
    match action {
        Action::ChangeSetting(name, values) => {
            (name.clone(), store.change(name, values.as_deref()))
        }
        Action::UndoSetting => match store.undo() {
            Ok(Some(name)) => (name, Ok(())),
            Ok(None) => (String::new(), Err("there is no change to take back".to_owned())),
            Err(reason) => (String::new(), Err(reason)),
        },
        Action::ChooseProfile(profile) => {
            store.choose_profile(profile.clone());
            (String::new(), Ok(()))
        }
        _ => {
            store.read_again();
            (String::new(), Ok(()))
        }
    }
}

/// Returns the settings of the connection in use, with the one replaced that was changed, and those that differ
/// between two settings and can change while it is open. What was changed on the display otherwise stays.
fn connection(
    before: &Settings,
    after: &Settings,
    now: &ConnectionSettings,
    changed: &str,
) -> ConnectionSettings {
    let (old, new, mut wanted) = (&before.connection, &after.connection, now.clone());
    if changed == "reconnect-delay" || old.reconnect_delay != new.reconnect_delay {
        wanted.reconnect_delay = new.reconnect_delay;
    }
    if changed == "max-reconnect-attempts"
        || old.max_reconnect_attempts != new.max_reconnect_attempts
    {
        wanted.max_reconnect_attempts = new.max_reconnect_attempts;
    }
    if changed == "probe-secs" || old.probe_interval != new.probe_interval {
        wanted.probe_interval = new.probe_interval;
    }
    if changed == "backoff" || old.backoff != new.backoff {
        wanted.backoff = new.backoff;
    }
    if changed == "connect-timeout" || old.connect_timeout != new.connect_timeout {
        wanted.connect_timeout = new.connect_timeout;
    }
    wanted
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{SettingsTable, ThemeName};

    /// A store whose only change makes the theme light and the delay 9 s.
    #[derive(Default)]
    struct Store {
        settings: Settings,
        table: SettingsTable,
        before: Option<Settings>,
    }

    impl SettingsStore for Store {
        fn table(&self) -> &SettingsTable {
            &self.table
        }

        fn settings(&self) -> &Settings {
            &self.settings
        }

        fn change(&mut self, name: &str, _: Option<&[String]>) -> Result<(), String> {
            if name == "wrong" {
                return Err("expected something else".to_owned());
            }
            self.before = Some(self.settings.clone());
            self.settings.view.theme = ThemeName::Light;
            self.settings.view.reduced_motion = true;
            self.settings.connection.reconnect_delay = Duration::from_secs(9);
            Ok(())
        }

        fn undo(&mut self) -> Result<Option<String>, String> {
            let Some(before) = self.before.take() else { return Ok(None) };
            self.settings = before;
            Ok(Some("theme".to_owned()))
        }

        fn read_again(&mut self) {}

        fn choose_profile(&mut self, _: Option<String>) {}
    }

    fn app() -> App {
        let mut app = App::new();
        app.add_message::<Action>()
            .insert_resource(SettingsBook { store: Some(Box::<Store>::default()), ..default() })
            .insert_resource(Link::new(&Settings::default(), None))
            .init_resource::<ReducedMotion>()
            .add_systems(Update, apply);
        app
    }

    /// Sends an action; returns what the display is asked for because of it.
    fn send(app: &mut App, action: Action) -> Vec<Action> {
        app.world_mut().write_message(action.clone());
        app.update();
        let all = app.world_mut().resource_mut::<Messages<Action>>().drain().collect::<Vec<_>>();
        all.into_iter().filter(|it| *it != action).collect()
    }

    #[test]
    fn change_is_applied_at_once_where_the_display_can() {
        let mut app = app();
        // Changed on the display, and no setting of the file.
        app.world_mut().resource_mut::<Link>().settings.max_reconnect_attempts = 77;
        let change = Action::ChangeSetting("theme".to_owned(), Some(vec!["light".to_owned()]));
        let asked = send(&mut app, change);
        let wanted = ConnectionSettings {
            reconnect_delay: Duration::from_secs(9),
            max_reconnect_attempts: 77,
            ..Settings::default().connection
        };
        assert_eq!(
            asked,
            [Action::ChooseTheme(ThemeName::Light), Action::Configure(Box::new(wanted))]
        );
        assert!(app.world().resource::<ReducedMotion>().0);
        let asked = send(&mut app, Action::UndoSetting);
        assert_eq!(asked.first(), Some(&Action::ChooseTheme(ThemeName::default())));
        assert!(!app.world().resource::<ReducedMotion>().0);
        send(&mut app, Action::UndoSetting);
        let last = app.world().resource::<SettingsBook>().last.clone().unwrap();
        assert_eq!(last.refusal.as_deref(), Some("there is no change to take back"));
    }

    #[test]
    fn setting_is_shown_even_where_the_file_had_its_value() {
        let mut app = app();
        let change = |name: &str| Action::ChangeSetting(name.to_owned(), Some(vec![String::new()]));
        send(&mut app, change("theme"));
        // Changed on the display since: the file says the same before and after.
        app.world_mut().resource_mut::<ReducedMotion>().0 = false;
        let asked = send(&mut app, change("theme"));
        assert_eq!(asked.first(), Some(&Action::ChooseTheme(ThemeName::Light)));
        assert!(!app.world().resource::<ReducedMotion>().0, "another setting is left alone");
        let asked = send(&mut app, change("reduced-motion"));
        assert!(asked.is_empty() && app.world().resource::<ReducedMotion>().0);
        let asked = send(&mut app, change("reconnect-delay"));
        let delay = Duration::from_secs(9);
        assert!(
            matches!(&asked[..], [Action::Configure(it)] if it.reconnect_delay == delay),
            "{asked:?}"
        );
    }

    #[test]
    fn refused_change_is_told_and_changes_nothing() {
        let mut app = app();
        let asked = send(&mut app, Action::ChangeSetting("wrong".to_owned(), None));
        assert!(asked.is_empty());
        let last = app.world().resource::<SettingsBook>().last.clone().unwrap();
        assert_eq!((last.name.as_str(), last.refusal.is_some()), ("wrong", true));
        assert!(send(&mut app, Action::ShowSetting("theme".to_owned())).is_empty());
        assert_eq!(app.world().resource::<SettingsBook>().wanted.as_deref(), Some("theme"));
    }
}
