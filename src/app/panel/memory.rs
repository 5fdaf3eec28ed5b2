//! Memory of panel and desk between sessions: folded sections, widths, sorting, size of the controls.

use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::inspector::OpenSections;
use super::runs_table::RunsTablePrefs;
use super::state::{PanelState, Unfolded};
use crate::app::state::desk::ControlsScale;
use crate::app::state::dock::PanelDock;
use crate::app::state::first_start::FirstStart;

/// Remembered state of panel and desk, as JSON; `None` while there is nothing. The platform fills it before the first frame, and
/// keeps it when it changes.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct PanelMemory(pub Option<String>);

/// Content of the JSON. What is missing or damaged takes its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Remembered {
    sections: Unfolded,
    runs: RunsTablePrefs,
    inspector: OpenSections,
    /// Parts of the width of the window: runs and inspector of three panes, and runs of two.
    three_panes: [f32; 2],
    two_panes: f32,
    controls_scale: f32,
    panel: PanelDock,
    /// True once the user was told how to find the keys, or pressed one.
    knows_keys: bool,
}

impl Default for Remembered {
    fn default() -> Self {
        Self::of(
            &PanelState::default(),
            ControlsScale::default(),
            PanelDock::default(),
            FirstStart::default(),
        )
    }
}

impl Remembered {
    fn of(state: &PanelState, scale: ControlsScale, panel: PanelDock, first: FirstStart) -> Self {
        Self {
            sections: state.unfolded.clone(),
            runs: state.table.prefs().clone(),
            inspector: state.inspector.open,
            three_panes: state.desk.three,
            two_panes: state.desk.two,
            controls_scale: scale.0,
            panel,
            knows_keys: first.knows_keys,
        }
    }
}

/// Restores what an earlier session left.
pub(super) fn restore(
    memory: Res<PanelMemory>,
    mut state: ResMut<PanelState>,
    mut scale: ResMut<ControlsScale>,
    mut dock: ResMut<PanelDock>,
    mut first: ResMut<FirstStart>,
) {
    let Some(text) = &memory.0 else { return };
    let found: Remembered = match serde_json::from_str(text) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(
                "the kept layout of the panel is damaged ({error}): it starts with its defaults"
            );
            return;
        }
    };
    state.unfolded = found.sections;
    state.table.set_prefs(found.runs);
    state.inspector.open = found.inspector;
    (state.desk.three, state.desk.two) = (found.three_panes, found.two_panes);
    *scale = ControlsScale::of(found.controls_scale);
    *dock = found.panel;
    first.knows_keys = found.knows_keys;
}

/// Notes what is to be remembered, once nothing is dragged any more.
pub(super) fn remember(
    mut memory: ResMut<PanelMemory>,
    state: Res<PanelState>,
    (scale, dock, first): (Res<ControlsScale>, Res<PanelDock>, Res<FirstStart>),
    buttons: Option<Res<ButtonInput<MouseButton>>>,
    mut noted: Local<Option<Remembered>>,
) {
    if buttons.is_some_and(|buttons| buttons.pressed(MouseButton::Left)) {
        return;
    }
    let now = Remembered::of(&state, *scale, *dock, *first);
    let before = noted.replace(now.clone());
    // What was restored, or the defaults, need not be written.
    if before.is_some_and(|before| before != now)
        && let Ok(text) = serde_json::to_string(&now)
    {
        memory.set_if_neq(PanelMemory(Some(text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::dock::PanelSide;

    const WINDOW: Vec2 = Vec2::new(1920.0, 1080.0);

    fn app(text: Option<&str>) -> App {
        let mut app = App::new();
        app.insert_resource(PanelMemory(text.map(str::to_owned)))
            .init_resource::<PanelState>()
            .init_resource::<ControlsScale>()
            .init_resource::<PanelDock>()
            .init_resource::<FirstStart>()
            .add_systems(Startup, restore)
            .add_systems(Update, remember);
        app.update();
        app
    }

    #[test]
    fn widths_sections_and_scale_outlast_the_session() {
        let mut before = app(None);
        assert_eq!(before.world().resource::<PanelMemory>().0, None, "nothing was changed");
        let mut state = before.world_mut().resource_mut::<PanelState>();
        state.desk.two = 0.4;
        state.unfolded.log = false;
        before.world_mut().resource_mut::<ControlsScale>().step(2);
        let mut dock = before.world_mut().resource_mut::<PanelDock>();
        dock.side = PanelSide::Bottom;
        dock.resize(400.0, WINDOW);
        dock.side = PanelSide::Left;
        dock.resize(600.0, WINDOW);
        before.update();
        let text = before.world().resource::<PanelMemory>().0.clone().unwrap();
        let after = app(Some(&text));
        let state = after.world().resource::<PanelState>();
        assert_eq!((state.desk.two, state.unfolded.log), (0.4, false));
        assert_eq!(after.world().resource::<ControlsScale>().0, 1.2);
        let mut dock = *after.world().resource::<PanelDock>();
        assert_eq!((dock.side, dock.size(WINDOW)), (PanelSide::Left, 600.0));
        dock.side = PanelSide::Bottom;
        assert_eq!(dock.size(WINDOW), 400.0, "each side has a size of its own");
    }

    #[test]
    fn keys_are_told_of_once() {
        let mut before = app(None);
        before.world_mut().resource_mut::<FirstStart>().knows_keys = true;
        before.update();
        let text = before.world().resource::<PanelMemory>().0.clone().unwrap();
        assert!(app(Some(&text)).world().resource::<FirstStart>().knows_keys);
        // Memory of a version that did not tell of them.
        assert!(!app(Some("{}")).world().resource::<FirstStart>().knows_keys);
    }

    #[test]
    fn damaged_memory_changes_nothing() {
        for text in ["", "{", "[]", r#"{"controls_scale":"big"}"#, r#"{"panel":{"side":"up"}}"#] {
            let app = app(Some(text));
            let world = app.world();
            let (state, dock) = (world.resource::<PanelState>(), *world.resource::<PanelDock>());
            let (scale, first) =
                (*world.resource::<ControlsScale>(), *world.resource::<FirstStart>());
            let now = Remembered::of(state, scale, dock, first);
            assert_eq!(now, Remembered::default(), "{text}");
        }
        // A size beyond all bounds is brought within them.
        let app = app(Some(r#"{"controls_scale":1e9}"#));
        assert_eq!(app.world().resource::<ControlsScale>().0, 3.0);
    }
}
