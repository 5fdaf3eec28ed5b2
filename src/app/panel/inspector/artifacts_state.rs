//! Artifacts of the shown run, as they were read last.

use std::sync::Arc;

use super::choice::Choice;
use super::lines::ReadState;
use crate::protocol::{Artifact, NodeName};

/// An artifact, and the step whose event reported it last.
#[derive(Clone, Debug)]
pub(super) struct Reported {
    pub node: Option<NodeName>,
    pub choice: Option<Choice>,
    pub artifact: Artifact,
}

/// Artifacts of a run, kept until another event of the run was read.
#[derive(Clone, Debug, Default)]
pub(super) struct ArtifactsState {
    /// Events that they were read from.
    pub read: Option<ReadState>,
    pub found: Arc<[Reported]>,
}
