//! Who decides what is shown.

use bevy::prelude::*;

use crate::director::Director;

/// Who decides what is shown, by the draw clock.
#[derive(Resource, Clone, Debug)]
pub struct Auto(pub Director);
