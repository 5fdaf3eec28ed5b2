//! State of the display as far as it decides which actions have an effect.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;

use super::run_operations::{RunOperations, shown};
use crate::app::state::actions::Situation;
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::opening::BeingOpened;
use crate::app::state::run_store::RunStore;
use crate::app::state::selection::Selection;
use crate::app::state::settings::SettingsBook;
use crate::app::state::view::View;
use crate::model::Run;
use crate::source::{ConnectionState, OperationRefusal};

/// Reads what a [`Situation`] is made of. Apps that embed a part of the display lack some of it.
#[derive(SystemParam)]
pub struct SituationInput<'w> {
    view: Option<Res<'w, View>>,
    run_store: Option<Res<'w, RunStore>>,
    link: Option<Res<'w, Link>>,
    focus: Option<Res<'w, Focus>>,
    selection: Option<Res<'w, Selection>>,
    operations: Option<Res<'w, RunOperations>>,
    opening: Option<Res<'w, BeingOpened>>,
    settings: Option<Res<'w, SettingsBook>>,
}

impl SituationInput<'_> {
    /// Returns the view that is shown.
    pub fn view(&self) -> View {
        self.view.as_deref().copied().unwrap_or(View::Stage { from_wall: false })
    }

    /// True while the confirmation dialog is open.
    pub fn is_asked(&self) -> bool {
        self.operations.as_ref().is_some_and(|operations| operations.dialog.is_some())
    }

    /// Returns the situation of this moment.
    pub fn situation(&self) -> Situation<'_> {
        let link = self.link.as_deref();
        Situation {
            view: self.view(),
            is_rewound: self.run_store.as_ref().is_some_and(|store| store.is_rewound()),
            is_asking: self.run_store.as_ref().is_some_and(|store| store.asking().is_some()),
            may_operate: self.operations.as_ref().is_some_and(|operations| operations.allowed),
            acting: link.map_or(Err(OperationRefusal::FedByApp), Link::acting),
            run: self.run(),
            has_success: self.has_success(),
            is_demo: is_presentable(link),
            is_recording: link.is_some_and(Link::is_recording),
            is_opening: self.opening.as_ref().is_some_and(|opening| opening.0.is_some()),
            has_stream: link.is_some_and(|link| link.stream().is_some()),
            has_source: link.is_some_and(|link| link.source.is_some()),
            has_settings: self.settings.as_ref().is_some_and(|book| book.store.is_some()),
            is_disconnected: link
                .is_none_or(|link| matches!(link.state, ConnectionState::Disconnected)),
            source_name: link.map_or_else(String::new, Link::source_name),
        }
    }

    fn has_success(&self) -> bool {
        let run = self.run().zip(self.run_store.as_ref());
        run.is_some_and(|(run, run_store)| run_store.last_success(run).is_some())
    }

    fn run(&self) -> Option<&Run> {
        let (focus, selection) = (self.focus.as_ref()?, self.selection.as_ref()?);
        self.run_store.as_ref()?.model.run(&shown(self.view(), focus, selection)?)
    }
}

/// True when the demo studio takes a presenter's commands.
fn is_presentable(link: Option<&Link>) -> bool {
    #[cfg(not(target_arch = "wasm32"))]
    return link.is_some_and(|link| link.demo_controls().is_some());
    #[cfg(target_arch = "wasm32")]
    {
        let _ = link;
        false
    }
}
