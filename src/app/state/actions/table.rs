//! The table of actions: their names and keys. Keyboard, help and palette are made from it.

use std::fmt;

use bevy::prelude::KeyCode;

use super::{Action, OperationKind, Presenting, Transport};
use crate::app::state::dock::PanelSide;
use crate::app::state::view::View;
use crate::config::ThemeName;
use crate::export::TableForm;
use crate::history::Last;

/// Heading under which help and palette list an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionGroup {
    /// Movements in time.
    Time,
    /// Views, panel and appearance.
    Views,
    /// Runs and operations on them.
    Runs,
    /// Timeline, race and history.
    Charts,
    /// Connection and recordings.
    Sources,
    /// The demo studio.
    Demo,
}

impl ActionGroup {
    /// All groups, in the order of the help.
    pub const ALL: [Self; 6] =
        [Self::Time, Self::Views, Self::Runs, Self::Charts, Self::Sources, Self::Demo];

    /// Returns the heading.
    pub fn words(self) -> &'static str {
        match self {
            Self::Time => "Time",
            Self::Views => "Views",
            Self::Runs => "Runs",
            Self::Charts => "Timeline and history",
            Self::Sources => "Connection and recordings",
            Self::Demo => "Demo studio",
        }
    }
}

/// Views in which the keys of an action work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every view, unless the view itself has another action on the same keys.
    Anywhere,
    /// The timeline.
    Timeline,
    /// The history.
    History,
}

impl Scope {
    /// True when the scope contains the view.
    pub fn contains(self, view: View) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Timeline => matches!(view, View::Timeline { .. }),
            Self::History => view == View::History,
        }
    }
}

/// Modifiers of a key combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// None. Shift is ignored with signs and letters, because many layouts need it to type `?`.
    Nothing,
    /// Shift.
    Shift,
    /// Ctrl, on a Mac Cmd.
    Control,
}

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCombination {
    /// Modifiers that are held.
    pub with: With,
    /// Key, by its position on the keyboard.
    pub key: KeyCode,
    /// Label of the key as printed on the keyboard.
    pub text: &'static str,
}

impl KeyCombination {
    /// True when the character that a key produces identifies it, not its position.
    pub fn is_character(&self) -> bool {
        self.text.len() == 1
    }
}

impl With {
    /// Returns the modifiers as printed on the keyboard; empty without one.
    pub fn words(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Shift => "Shift",
            Self::Control if cfg!(target_os = "macos") => "Cmd",
            Self::Control => "Ctrl",
        }
    }
}

impl fmt::Display for KeyCombination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.with.words() {
            "" => f.write_str(self.text),
            with => write!(f, "{with} {}", self.text),
        }
    }
}

const fn key(key: KeyCode, text: &'static str) -> KeyCombination {
    KeyCombination { with: With::Nothing, key, text }
}

const fn shift(key: KeyCode, text: &'static str) -> KeyCombination {
    KeyCombination { with: With::Shift, key, text }
}

const fn ctrl(key: KeyCode, text: &'static str) -> KeyCombination {
    KeyCombination { with: With::Control, key, text }
}

/// Keys that copy what is chosen. The controls read them, because it depends on the focus what that is.
pub const COPY_KEYS: KeyCombination = ctrl(KeyCode::KeyC, "C");

/// An action that needs no further input: its name, its keys and where they work.
#[derive(Clone, Copy)]
pub struct ActionEntry {
    /// Heading under which it is listed.
    pub group: ActionGroup,
    /// Name, as help and palette show it.
    pub name: &'static str,
    /// Views in which its keys work.
    pub scope: Scope,
    /// Keys; any one of them triggers it.
    pub keys: &'static [KeyCombination],
    /// True when holding the keys down repeats it.
    pub repeats: bool,
    /// True when a page has it, too. The keys of the others are the browser's.
    pub in_page: bool,
    /// Creates the action.
    pub action: fn() -> Action,
}

impl ActionEntry {
    const fn within(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    const fn repeating(self) -> Self {
        Self { repeats: true, ..self }
    }

    const fn native(self) -> Self {
        Self { in_page: false, ..self }
    }

    /// True when this build of the display has the action.
    pub fn exists(&self) -> bool {
        self.in_page || cfg!(not(target_arch = "wasm32"))
    }

    /// True when the action operates on runs, which has to be allowed.
    pub fn operates(&self) -> bool {
        matches!((self.action)(), Action::Ask(..))
    }

    /// True when the action is a presenter's, for the demo studio.
    pub fn presents(&self) -> bool {
        self.group == ActionGroup::Demo
    }

    /// Returns the entry of an action; `None` for actions that need further input.
    pub fn of(action: &Action) -> Option<&'static Self> {
        ACTIONS.iter().find(|entry| (entry.action)() == *action)
    }

    /// Returns the first keys of an action, as in "Ctrl E"; `None` where this display has none for it.
    pub fn keys_of(action: &Action) -> Option<String> {
        let entry = Self::of(action).filter(|entry| entry.exists())?;
        entry.keys.first().map(ToString::to_string)
    }

    /// Returns words with the first keys of an action behind them, as in "Pause (Space)".
    pub fn with_keys(words: &str, action: &Action) -> String {
        match Self::keys_of(action) {
            Some(keys) => format!("{words} ({keys})"),
            None => words.to_owned(),
        }
    }

    /// Returns the keys in words, separated by two spaces: "L  End".
    pub fn key_words(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        keys.join("  ")
    }
}

use ActionGroup::{Charts, Demo, Runs, Sources, Time, Views};

const fn entry(
    group: ActionGroup,
    name: &'static str,
    keys: &'static [KeyCombination],
    action: fn() -> Action,
) -> ActionEntry {
    ActionEntry { group, name, scope: Scope::Anywhere, keys, repeats: false, in_page: true, action }
}

/// All actions that need no further input.
pub const ACTIONS: &[ActionEntry] = &[
    entry(Time, "Pause or play", &[key(KeyCode::Space, "Space")], || {
        Action::Time(Transport::TogglePlaying)
    }),
    entry(Time, "Back 1 s", &[key(KeyCode::ArrowLeft, "←")], || {
        Action::Time(Transport::Skip(-1))
    })
    .repeating(),
    entry(Time, "Forward 1 s", &[key(KeyCode::ArrowRight, "→")], || {
        Action::Time(Transport::Skip(1))
    })
    .repeating(),
    entry(Time, "Back 10 s", &[shift(KeyCode::ArrowLeft, "←")], || {
        Action::Time(Transport::Skip(-10))
    })
    .repeating(),
    entry(Time, "Forward 10 s", &[shift(KeyCode::ArrowRight, "→")], || {
        Action::Time(Transport::Skip(10))
    })
    .repeating(),
    entry(Time, "Previous event", &[ctrl(KeyCode::ArrowLeft, "←")], || {
        Action::Time(Transport::PreviousEvent)
    })
    .repeating(),
    entry(Time, "Next event", &[ctrl(KeyCode::ArrowRight, "→")], || {
        Action::Time(Transport::NextEvent)
    })
    .repeating(),
    entry(Time, "Previous failure", &[key(KeyCode::BracketLeft, "[")], || {
        Action::Time(Transport::PreviousFailure)
    }),
    entry(Time, "Next failure", &[key(KeyCode::BracketRight, "]")], || {
        Action::Time(Transport::NextFailure)
    }),
    entry(Time, "Oldest moment that is kept", &[key(KeyCode::Home, "Home")], || {
        Action::Time(Transport::Oldest)
    }),
    entry(Time, "Back to live", &[key(KeyCode::KeyL, "L"), key(KeyCode::End, "End")], || {
        Action::Time(Transport::Live)
    }),
    entry(Time, "Play the past at a quarter of its speed", &[key(KeyCode::Digit1, "1")], || {
        Action::Time(Transport::Speed(0))
    }),
    entry(Time, "Play the past at half its speed", &[key(KeyCode::Digit2, "2")], || {
        Action::Time(Transport::Speed(1))
    }),
    entry(Time, "Play the past at normal speed", &[key(KeyCode::Digit3, "3")], || {
        Action::Time(Transport::Speed(2))
    }),
    entry(Time, "Play the past 2 times as fast", &[key(KeyCode::Digit4, "4")], || {
        Action::Time(Transport::Speed(3))
    }),
    entry(Time, "Play the past 5 times as fast", &[key(KeyCode::Digit5, "5")], || {
        Action::Time(Transport::Speed(4))
    }),
    entry(Time, "Play the past 10 times as fast", &[key(KeyCode::Digit6, "6")], || {
        Action::Time(Transport::Speed(5))
    }),
    entry(Time, "Play the past 60 times as fast", &[key(KeyCode::Digit7, "7")], || {
        Action::Time(Transport::Speed(6))
    }),
    entry(Views, "Stage: one run", &[key(KeyCode::KeyS, "S")], || Action::ShowStage),
    entry(Views, "Wall: all runs (again: one run)", &[key(KeyCode::KeyW, "W")], || {
        Action::ToggleWall
    }),
    entry(Views, "Timeline: runs and steps as bars over time", &[key(KeyCode::KeyG, "G")], || {
        Action::ToggleTimeline
    }),
    entry(Views, "History: days and weeks of all runs", &[key(KeyCode::KeyH, "H")], || {
        Action::ToggleHistory
    }),
    entry(Views, "Desk: runs, details and events", &[key(KeyCode::KeyD, "D")], || {
        Action::ToggleDesk
    }),
    entry(Views, "Show or hide the panel", &[key(KeyCode::KeyP, "P")], || Action::TogglePanel),
    entry(Views, "Move the panel to the next side", &[shift(KeyCode::KeyP, "P")], || {
        Action::MovePanel
    }),
    entry(Views, "Panel on the left", &[], || Action::DockPanel(PanelSide::Left)),
    entry(Views, "Panel on the right", &[], || Action::DockPanel(PanelSide::Right)),
    entry(Views, "Panel at the bottom", &[], || Action::DockPanel(PanelSide::Bottom)),
    entry(Views, "Settings: find, change, reset", &[ctrl(KeyCode::Comma, ",")], || {
        Action::ToggleSettings
    })
    .native(),
    entry(Views, "Undo the last change of a setting", &[], || Action::UndoSetting).native(),
    entry(Views, "Read the settings file again", &[], || Action::ReadSettings).native(),
    entry(Views, "Find an action, a run, a step or a setting", &[ctrl(KeyCode::KeyK, "K")], || {
        Action::TogglePalette
    }),
    entry(Views, "Show the keys and signs", &[key(KeyCode::Slash, "?")], || Action::ToggleHelp),
    entry(Views, "Close what is open, or go back", &[key(KeyCode::Escape, "Esc")], || Action::Back),
    entry(Views, "Fit the view to the window", &[key(KeyCode::KeyF, "F")], || Action::Fit),
    entry(Views, "Full screen on or off", &[key(KeyCode::F11, "F11")], || Action::ToggleFullscreen),
    entry(Views, "Auto director on or off", &[key(KeyCode::KeyA, "A")], || Action::ToggleAuto),
    entry(Views, "Switch theme: dark, light, high contrast", &[key(KeyCode::KeyT, "T")], || {
        Action::NextTheme
    }),
    entry(Views, "Dark theme", &[], || Action::ChooseTheme(ThemeName::Dark)),
    entry(Views, "Light theme", &[], || Action::ChooseTheme(ThemeName::Light)),
    entry(Views, "High contrast theme", &[], || Action::ChooseTheme(ThemeName::HighContrast)),
    entry(Views, "Larger controls", &[ctrl(KeyCode::Equal, "+")], || Action::ScaleControls(1))
        .repeating()
        .native(),
    entry(Views, "Smaller controls", &[ctrl(KeyCode::Minus, "-")], || Action::ScaleControls(-1))
        .repeating()
        .native(),
    entry(Views, "Reset the size of the controls", &[ctrl(KeyCode::Digit0, "0")], || {
        Action::ResetControlsScale
    })
    .native(),
    entry(Runs, "Search runs", &[key(KeyCode::Slash, "/")], || Action::SearchRuns),
    entry(Runs, "Save the listed runs as CSV", &[ctrl(KeyCode::KeyE, "E")], || {
        Action::ExportRuns(TableForm::Csv)
    })
    .native(),
    entry(Runs, "Save the listed runs as NDJSON", &[], || Action::ExportRuns(TableForm::Ndjson)),
    entry(Runs, "Next run", &[key(KeyCode::ArrowDown, "↓")], || Action::NextRun).repeating(),
    entry(Runs, "Previous run", &[key(KeyCode::ArrowUp, "↑")], || Action::PreviousRun).repeating(),
    entry(Runs, "Open the selected run", &[key(KeyCode::Enter, "Enter")], || Action::OpenSelected),
    entry(
        Runs,
        "Show the song's last good run before this one",
        &[key(KeyCode::KeyB, "B")],
        || Action::SelectLastSuccess,
    ),
    entry(Runs, "Copy this run for a ticket", &[ctrl(KeyCode::KeyC, "C")], || Action::CopyRun),
    entry(Runs, "Pin this run, or follow the newest", &[key(KeyCode::KeyK, "K")], || {
        Action::ToggleFollowing
    }),
    entry(
        Runs,
        "Compare with the last success, or the run before",
        &[key(KeyCode::KeyC, "C")],
        || Action::Race,
    ),
    entry(
        Runs,
        "Mark the selected failure as seen, or all failures",
        &[key(KeyCode::KeyM, "M")],
        || Action::MarkSeen(None),
    ),
    entry(Runs, "Start a new workflow", &[key(KeyCode::KeyN, "N")], || {
        Action::Ask(OperationKind::Start, None)
    }),
    entry(Runs, "Cancel this run", &[key(KeyCode::KeyX, "X")], || {
        Action::Ask(OperationKind::Cancel, None)
    }),
    entry(Runs, "Retry this failed run", &[key(KeyCode::KeyR, "R")], || {
        Action::Ask(OperationKind::Retry, None)
    }),
    entry(Runs, "Execute this queued run", &[key(KeyCode::KeyE, "E")], || {
        Action::Ask(OperationKind::Execute, None)
    }),
    entry(Charts, "Timeline: zoom in", &[key(KeyCode::Equal, "+")], || Action::ZoomTime(1))
        .within(Scope::Timeline)
        .repeating(),
    entry(Charts, "Timeline: zoom out", &[key(KeyCode::Minus, "-")], || Action::ZoomTime(-1))
        .within(Scope::Timeline)
        .repeating(),
    entry(Charts, "Race against the next run", &[shift(KeyCode::ArrowDown, "↓")], || {
        Action::NextOpponent
    })
    .within(Scope::Timeline)
    .repeating(),
    entry(Charts, "Race against the previous run", &[shift(KeyCode::ArrowUp, "↑")], || {
        Action::PreviousOpponent
    })
    .within(Scope::Timeline)
    .repeating(),
    entry(Charts, "History: choose an earlier part", &[key(KeyCode::ArrowLeft, "←")], || {
        Action::ChoosePart(-1)
    })
    .within(Scope::History)
    .repeating(),
    entry(Charts, "History: choose a later part", &[key(KeyCode::ArrowRight, "→")], || {
        Action::ChoosePart(1)
    })
    .within(Scope::History)
    .repeating(),
    entry(Charts, "History: next step or cause", &[key(KeyCode::ArrowDown, "↓")], || {
        Action::ChooseRow(1)
    })
    .within(Scope::History)
    .repeating(),
    entry(Charts, "History: previous step or cause", &[key(KeyCode::ArrowUp, "↑")], || {
        Action::ChooseRow(-1)
    })
    .within(Scope::History)
    .repeating(),
    entry(Charts, "History: a shorter period", &[key(KeyCode::Equal, "+")], || Action::ZoomTime(1))
        .within(Scope::History),
    entry(Charts, "History: a longer period", &[key(KeyCode::Minus, "-")], || Action::ZoomTime(-1))
        .within(Scope::History),
    entry(Charts, "History of the last 24 hours", &[], || Action::ShowPeriod(Last::Hours(24))),
    entry(Charts, "History of the last 7 days", &[], || Action::ShowPeriod(Last::Days(7))),
    entry(Charts, "History of the last 30 days", &[], || Action::ShowPeriod(Last::Days(30))),
    entry(Charts, "History of the last 90 days", &[], || Action::ShowPeriod(Last::Days(90))),
    entry(Sources, "Open a recording", &[ctrl(KeyCode::KeyO, "O")], || Action::ChooseFiles)
        .native(),
    entry(Sources, "Start or stop recording", &[ctrl(KeyCode::KeyR, "R")], || {
        Action::ToggleRecording
    })
    .native(),
    entry(Sources, "Skip a pause in the recording", &[key(KeyCode::KeyJ, "J")], || {
        Action::SkipPause
    }),
    entry(Sources, "Cancel opening the recording", &[], || Action::CancelOpening),
    entry(Sources, "Back to the stream shown before", &[], || Action::BackToStream),
    entry(Sources, "Reconnect now", &[], || Action::Reconnect),
    entry(Sources, "Disconnect", &[], || Action::Disconnect),
    entry(Demo, "Demo: play at the speed of a real studio", &[key(KeyCode::F1, "F1")], || {
        Action::Present(Presenting::Speed(1))
    })
    .native(),
    entry(Demo, "Demo: play 2 times as fast", &[key(KeyCode::F2, "F2")], || {
        Action::Present(Presenting::Speed(2))
    })
    .native(),
    entry(Demo, "Demo: play 5 times as fast", &[key(KeyCode::F5, "F5")], || {
        Action::Present(Presenting::Speed(5))
    })
    .native(),
    entry(Demo, "Demo: start a run that fails", &[key(KeyCode::F6, "F6")], || {
        Action::Present(Presenting::FailNext)
    })
    .native(),
    entry(Demo, "Demo: start a run that needs a fix", &[key(KeyCode::F7, "F7")], || {
        Action::Present(Presenting::FixNext)
    })
    .native(),
    entry(Demo, "Demo: pause or resume the studio", &[key(KeyCode::F8, "F8")], || {
        Action::Present(Presenting::TogglePause)
    })
    .native(),
    entry(Demo, "Demo: restart the studio", &[key(KeyCode::F9, "F9")], || {
        Action::Present(Presenting::Restart)
    })
    .native(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_keys_are_taken_twice() {
        for (place, entry) in ACTIONS.iter().enumerate() {
            for other in &ACTIONS[..place] {
                assert_ne!(entry.name, other.name);
                let same_scope = entry.scope == other.scope;
                let shared = entry.keys.iter().find(|keys| {
                    let is_same = |other: &KeyCombination| {
                        other.with == keys.with
                            && (other.text == keys.text
                                || other.key == keys.key && !keys.is_character())
                    };
                    same_scope && other.keys.iter().any(is_same)
                });
                assert_eq!(shared, None, "{} and {}", entry.name, other.name);
            }
        }
    }

    #[test]
    fn labels_of_keys_are_those_of_the_display() {
        let keys_of = |action: &Action| ActionEntry::keys_of(action);
        assert_eq!(keys_of(&Action::ToggleDesk).as_deref(), Some("D"));
        assert_eq!(keys_of(&Action::Reconnect), None);
        let control = if cfg!(target_os = "macos") { "Cmd" } else { "Ctrl" };
        let next = Action::Time(Transport::NextEvent);
        let words = ActionEntry::with_keys("Next event", &next);
        assert_eq!(words, format!("Next event ({control} →)"));
        assert_eq!(ActionEntry::with_keys("Reconnect", &Action::Reconnect), "Reconnect");
        // In a page these keys are the browser's.
        let native = ActionEntry::of(&Action::ExportRuns(TableForm::Csv)).unwrap();
        assert_eq!((native.in_page, native.exists()), (false, cfg!(not(target_arch = "wasm32"))));
    }

    #[test]
    fn no_action_stands_twice_where_it_has_an_effect() {
        for (place, entry) in ACTIONS.iter().enumerate() {
            let same = ACTIONS[..place]
                .iter()
                .find(|other| other.scope == entry.scope && (other.action)() == (entry.action)());
            assert_eq!(same.map(|other| other.name), None, "{}", entry.name);
        }
    }
}
