//! Views of runs (stage, wall, timeline and history), and the chrome around them.

pub mod bridge;
pub mod chrome;
pub mod counts;
pub mod history;
mod key_cap;
pub mod rewound;
pub mod stage;
pub mod timeline;
pub mod transition;
pub mod wall;

use bevy::prelude::*;

use crate::app::draw::Faults;
use crate::app::state::free_space::FreeSpace;
use crate::app::state::run_store::SourceReplaced;
use crate::app::systems::AppSystems;

/// Adds the views and the chrome.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<FreeSpace>()
        .init_resource::<Faults>()
        .init_resource::<counts::RunCounts>()
        .add_plugins((
            chrome::plugin,
            rewound::plugin,
            transition::plugin,
            stage::plugin,
            wall::plugin,
            timeline::plugin,
            history::plugin,
        ))
        .add_systems(
            Update,
            (counts::count_runs, transition::fade, chrome::systems(), rewound::systems())
                .chain()
                .in_set(AppSystems::DrawChrome),
        )
        .add_message::<SourceReplaced>()
        .add_systems(
            Update,
            (
                (chrome::forget, rewound::forget, stage::forget).chain(),
                (wall::forget, timeline::forget, history::forget).chain(),
            )
                .chain()
                .run_if(on_message::<SourceReplaced>)
                .after(AppSystems::Sync)
                .before(AppSystems::DrawChrome),
        )
        .add_systems(
            Update,
            (stage::systems(), wall::systems(), timeline::systems(), history::systems())
                .chain()
                .in_set(AppSystems::DrawView),
        );
}
