//! The run selected on the wall.

use bevy::prelude::*;

use crate::protocol::RunId;

/// The selected run, which Enter opens.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(pub Option<RunId>);
