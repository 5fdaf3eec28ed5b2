//! Source for a real AMCS backend, designed so that watching does not harm the backend. REST lists the
//! runs and their states, one request at a time, at a pace set by the backend's own answer times.
//! Optionally a few runs also have a socket that delivers their events live.
//!
//! | module | responsibility | knows nothing of |
//! | --- | --- | --- |
//! | `api` | REST calls and their paths | scheduling |
//! | `queries` | when each request is due again | the meaning of answers |
//! | `pacing` | the pause between two requests | their content |
//! | `discovery` | finding runs that no list of active runs contained | I/O |
//! | `songs` | songs whose run lists help with that | I/O |
//! | `watched_run` | state of one run and the requests it needs | I/O |
//! | `socket_drain` | keeps sockets open after their source ended, until their runs are over | events |
//! | `run_socket` | the socket of one run | REST |
//! | `sockets` | which runs have a socket, and processing of what these tell | requests |
//! | `refetch` | the application's refetches, added to the queue of requests | I/O |
//! | `backend_watcher` | the next request | states, commands |
//! | `answers` | processing of answers | states, commands |
//! | this module | states, commands, retries | requests and sockets |

mod answers;
mod api;
mod backend_watcher;
mod discovery;
mod pacing;
mod queries;
mod refetch;
mod run_socket;
mod socket_drain;
mod sockets;
mod songs;
mod watched_run;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use self::backend_watcher::{BackendWatcher, PollOutcome};
use super::api_url::parse_api_url;
use super::connector::Connect;
use super::refetch::Refetches;
use super::schedule::{Next, Schedule};
use super::session::gave_up_words;
use super::source_context::{LoopAction, SourceContext};
use super::{Command, ConnectionEvent, ConnectionState, Disconnect, OperationRefusal};

/// Interval of requests to a backend that does not answer while sockets are open.
const PROBE_INTERVAL: Duration = Duration::from_secs(3);

/// Runs until a command ends the session, or until retrying cannot help.
pub(super) async fn follow_backend<C: Connect + Send + Sync + 'static>(
    connector: &Arc<C>,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
) -> LoopAction {
    let shown = context.shown_url();
    let prepared = parse_api_url(context.url.as_deref().unwrap_or_default())
        .map_err(Disconnect::from)
        .and_then(|url| Ok((url, context.settings.access.credentials()?)));
    let (url, credentials) = match prepared {
        Ok(prepared) => prepared,
        Err(disconnect) => {
            let reason = disconnect.to_string();
            context.log_error(reason.clone());
            context.enter(ConnectionState::Failed { url: shown, reason, is_probed: false });
            return LoopAction::Stay;
        }
    };
    context.secrets = context.settings.access.secrets(url.location());
    context.enter(ConnectionState::Connecting { url: shown.clone() });
    context.log(ConnectionEvent::Connecting);
    let mut backend_watcher = BackendWatcher::new(connector.clone(), url, credentials, context);
    context.operation_client = Ok(backend_watcher.operation_client());
    context.refetches = Some(Refetches::default());
    let schedule = Schedule::default();
    let mut reporter = StateReporter { shown, schedule, silent: false, is_probing: false };
    let action = loop {
        match step(&mut backend_watcher, commands, context).await {
            Err(action) => {
                context.log(ConnectionEvent::Disconnected {
                    code: None,
                    reason: "closed by this viewer".to_owned(),
                });
                if action != LoopAction::Restart {
                    context.enter(ConnectionState::Disconnected);
                }
                break action;
            }
            Ok(outcome) => {
                if !reporter.report_outcome(outcome, &mut backend_watcher, context) {
                    break LoopAction::Stay;
                }
            }
        }
    };
    context.operation_client = Err(OperationRefusal::NotConnected);
    context.refetches = None;
    // A command that arrives meanwhile waits for at most half a second.
    backend_watcher.stop().await;
    action
}

async fn step<C: Connect + Send + Sync + 'static>(
    backend_watcher: &mut BackendWatcher<C>,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
) -> Result<Option<PollOutcome>, LoopAction> {
    let refetch_at = backend_watcher.take_refetches(context);
    tokio::select! {
        biased;
        command = commands.recv() => match context.handle_command(command) {
            LoopAction::Stay => Ok(None),
            action => Err(action),
        },
        () = sleep_until(refetch_at.unwrap_or_else(Instant::now)),
            if refetch_at.is_some() => Ok(None),
        outcome = backend_watcher.step(context) => Ok(outcome),
    }
}

/// Tracks what the application was told about the connection.
struct StateReporter {
    shown: String,
    schedule: Schedule,
    /// True once the application was told that the backend does not answer.
    silent: bool,
    /// True after all attempts failed, while quiet attempts are made.
    is_probing: bool,
}

impl StateReporter {
    /// Reports an outcome to the application. Returns false when retrying cannot help.
    fn report_outcome<C: Connect + Send + Sync + 'static>(
        &mut self,
        outcome: Option<PollOutcome>,
        backend_watcher: &mut BackendWatcher<C>,
        context: &mut SourceContext,
    ) -> bool {
        match outcome {
            None => {}
            Some(PollOutcome::Reached) => {
                self.schedule.reset();
                self.silent = false;
                self.is_probing = false;
                if !matches!(context.state(), ConnectionState::Connected { .. }) {
                    let (since, url) = (context.now(), self.shown.clone());
                    let (updates, _) = backend_watcher.updates(context);
                    context.enter(ConnectionState::Connected { url, since, updates });
                }
                context.log(ConnectionEvent::Connected);
            }
            Some(PollOutcome::Unreached(disconnect)) if backend_watcher.has_socket() => {
                backend_watcher.wait_until(Instant::now() + PROBE_INTERVAL);
                if !std::mem::replace(&mut self.silent, true) {
                    context.log_error(format!(
                        "the backend does not answer ({disconnect}): what is known stays on \
                         screen, and the request is retried"
                    ));
                }
            }
            Some(PollOutcome::Unreached(disconnect)) => {
                return self.retry(&disconnect, backend_watcher, context);
            }
        }
        self.tell_updates(backend_watcher, context);
        if backend_watcher.is_trying() {
            tell_trying(context);
        }
        true
    }

    /// Reports a lost connection and schedules the next attempt. Returns false when retrying cannot
    /// help.
    fn retry<C: Connect + Send + Sync + 'static>(
        &mut self,
        disconnect: &Disconnect,
        backend_watcher: &mut BackendWatcher<C>,
        context: &mut SourceContext,
    ) -> bool {
        let reason = disconnect.to_string();
        if matches!(context.state(), ConnectionState::Connected { .. }) {
            let code = disconnect.code();
            context.log(ConnectionEvent::Disconnected { code, reason: reason.clone() });
        } else if !self.is_probing {
            context.log_error(reason.clone());
        }
        let next =
            self.schedule.after(disconnect, &context.settings, &mut *context.environment.random);
        let (attempt, max_attempts, delay) = match next {
            Next::Retry { attempt, max_attempts, delay } => {
                // Its state is shown, so it is no quiet attempt.
                self.is_probing = false;
                (attempt, max_attempts, delay)
            }
            Next::Final => {
                if self.is_probing {
                    context.log_error(reason.clone());
                }
                let url = self.shown.clone();
                context.enter(ConnectionState::Failed { url, reason, is_probed: false });
                return false;
            }
            Next::GiveUp => {
                let interval = context.settings.probe_interval;
                let is_probed = !interval.is_zero();
                if !self.is_probing || !is_probed {
                    let attempts = context.settings.max_reconnect_attempts;
                    context.log_error(gave_up_words(attempts, &reason));
                    let url = self.shown.clone();
                    context.enter(ConnectionState::Failed { url, reason, is_probed });
                }
                self.is_probing = is_probed;
                backend_watcher.wait_until(Instant::now() + interval);
                return is_probed;
            }
        };
        backend_watcher.wait_until(Instant::now() + delay);
        let next_attempt_at = context.now().checked_add(delay).ok();
        context.enter(ConnectionState::Reconnecting {
            url: self.shown.clone(),
            attempt,
            max_attempts,
            next_attempt_at,
            reason,
        });
        true
    }

    /// Reports whether events arrive live, when that has changed.
    fn tell_updates<C: Connect + Send + Sync + 'static>(
        &self,
        backend_watcher: &BackendWatcher<C>,
        context: &mut SourceContext,
    ) {
        let (updates, trouble) = backend_watcher.updates(context);
        let why = trouble.map(|disconnect| format!(" ({disconnect})")).unwrap_or_default();
        context.tell_updates(updates, &why);
    }
}

/// Reports that the scheduled attempt is now under way.
fn tell_trying(context: &mut SourceContext) {
    let mut state = context.state().clone();
    if let ConnectionState::Reconnecting { next_attempt_at, .. } = &mut state {
        *next_attempt_at = None;
        context.enter(state);
    }
}
