//! The director, which chooses what an unattended display shows.

use bevy::prelude::*;

use crate::director::Director;

/// The director's state. Its times are those of the draw clock.
#[derive(Resource, Clone, Debug)]
pub struct Auto(pub Director);
