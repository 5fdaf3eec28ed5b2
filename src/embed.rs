//! The public API for apps that embed Meterbridge, in one place. `docs/embedding.md` explains each
//! item with an example.
//!
//! | | |
//! | --- | --- |
//! | plugins | [`MeterbridgePlugin`], [`ViewPlugin`], [`ControlsPlugin`]; [`AppSystems`], the order of a frame |
//! | settings | [`Settings`], [`ConnectionSettings`], [`Backoff`], [`SourceSpec`], [`Address`] |
//! | messages to read | [`EventReceived`], [`NodeFinished`], [`RunFinished`], [`Connected`], [`Disconnected`], [`ConnectionChanged`], [`ConnectionError`], [`ParseErrorReceived`], [`OperationFinished`] |
//! | messages to write | [`Action`] |
//! | connection | [`Link`], [`ConnectionState`] |
//! | operations | [`RunOperation`], sent with [`Link::operate`]; [`OperationRefusal`] |
//! | refetching | [`RefetchTarget`], sent with [`Link::refetch`]; [`RefetchRules`] |
//! | model | [`RunStore`], [`Run`], [`Node`], [`Attempt`], [`RunStatus`], [`NodeStatus`], [`WorkflowEvent`], [`Phase`], [`RunId`], [`NodeName`] |
//! | entities | [`RunEntity`], [`NodeEntity`], [`RunIndex`] |
//! | feeding the model | [`Batch`], [`receive`], [`Announcements`] |
//! | views | [`spawn_cameras`], [`Viewport`] |

pub use crate::app::state::actions::Action;
pub use crate::app::state::entities::{NodeEntity, RunEntity, RunIndex};
pub use crate::app::state::link::Link;
pub use crate::app::state::refetch_rules::RefetchRules;
pub use crate::app::state::run_store::{
    Announcements, Connected, ConnectionChanged, ConnectionError, Disconnected, EventReceived,
    NodeFinished, OperationFinished, ParseErrorReceived, RunFinished, RunStore, receive,
};
pub use crate::app::state::viewport::Viewport;
pub use crate::app::{AppSystems, ControlsPlugin, MeterbridgePlugin, ViewPlugin, spawn_cameras};
pub use crate::config::Settings;
pub use crate::model::{Attempt, Node, NodeStatus, Run, RunStatus};
pub use crate::protocol::{Batch, NodeName, Phase, RunId, WorkflowEvent};
pub use crate::source::{
    Address, Backoff, ConnectionSettings, ConnectionState, OperationRefusal, RefetchTarget,
    RunOperation, SourceSpec,
};

/// Examples of `docs/embedding.md`, compiled as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
struct Examples;
