//! Files that are dropped onto the window. The system tells of each file by itself; those that come in
//! consecutive frames are one drop.

use std::path::PathBuf;

use bevy::prelude::*;
use bevy::window::FileDragAndDrop;

use crate::app::state::actions::Action;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::opening::FilesHover;
use crate::app::systems::AppSystems;
use crate::source::{RecordingFiles, SourceSpec};

pub(in crate::app) fn plugin(app: &mut App) {
    app.add_message::<FileDragAndDrop>()
        .init_resource::<FilesHover>()
        .add_systems(Update, open_dropped.before(AppSystems::Press));
}

fn open_dropped(
    mut told: MessageReader<FileDragAndDrop>,
    mut hover: ResMut<FilesHover>,
    mut dropped: Local<Vec<PathBuf>>,
    mut actions: MessageWriter<Action>,
    next: Option<ResMut<NextFrame>>,
) {
    let mut is_more = false;
    for event in told.read() {
        let hovers = match event {
            FileDragAndDrop::HoveredFile { .. } => true,
            FileDragAndDrop::HoveredFileCanceled { .. } => false,
            FileDragAndDrop::DroppedFile { path_buf, .. } => {
                is_more = true;
                if !dropped.contains(path_buf) {
                    dropped.push(path_buf.clone());
                }
                false
            }
        };
        hover.set_if_neq(FilesHover(hovers));
    }
    if is_more {
        if let Some(mut next) = next {
            next.within_secs(0.0);
        }
    } else if let Some(files) = RecordingFiles::of(std::mem::take(&mut *dropped)) {
        actions.write(Action::OpenSource(SourceSpec::Recording(files)));
    }
}
