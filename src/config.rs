//! Settings: one typed value for everything that can be set.

use crate::model::Retention;
use crate::protocol::RunId;
use crate::source::ConnectionSettings;

/// Everything that can be set, by flag or environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub connection: ConnectionSettings,
    pub retention: Retention,
    /// Focus on this run instead of following.
    pub run: Option<RunId>,
}
