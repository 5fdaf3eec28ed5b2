//! Sources on threads of their own, and the handles that command them.

use std::future::Future;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::connector::NetConnector;
use super::signal_sender::{CHANNEL_CAPACITY, SignalSender};
use super::source_context::Environment;
use super::{
    Command, ConnectionEvent, ConnectionLogEntry, ConnectionSettings, ConnectionState,
    RecordingFiles, Signal, Waker, net, opening, playback, redact,
};

/// Capacity of the command channel. The source takes each command within moments.
const COMMANDS_CAPACITY: usize = 1_024;
/// Part of this capacity that refetches must leave free, so that an application that sends many of
/// them loses some of them but no command of a person.
const KEPT_FROM_REFETCHES: usize = 64;

/// Most time that dropping a handle waits for the thread, which closes its connection first.
const JOIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The application's handle of a source. Dropping it closes the connection and ends the thread.
pub struct SourceHandle {
    /// Signals of the source, in order. Bounded: what is not taken stays in the socket.
    pub signals: Receiver<Signal>,
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    /// Disconnected when the thread ends.
    ended: Receiver<()>,
}

/// Connects to `url`, an event stream or a backend's REST, or waits for [`SourceHandle::connect`] if
/// there is none.
///
/// Never fails: when the thread cannot be started, the signals are an error and a failed state.
pub fn spawn(url: Option<String>, settings: ConnectionSettings, waker: Waker) -> SourceHandle {
    let shown = url.as_deref().map(redact).unwrap_or_default();
    spawn_thread("meterbridge-source", shown, waker, move |commands, signal_sender| async move {
        let trust = settings.access.trust().map_err(|error| error.to_string());
        let connector = trust.and_then(|trust| {
            NetConnector::trusting(trust)
                .map_err(|error| format!("no TLS on this machine: {error}"))
        });
        match connector {
            Ok(connector) => {
                let environment = Environment::system();
                net::run(connector, url, settings, commands, signal_sender, environment).await;
            }
            Err(reason) => {
                let shown = url.as_deref().map(redact).unwrap_or_default();
                report_failure(signal_sender, shown, reason);
            }
        }
    })
}

/// Plays recordings, merged by time, at `speed` times real time; see [`playback::play`].
///
/// Never fails: an unreadable file results in a failed state that says why.
pub fn spawn_recording(files: impl Into<RecordingFiles>, speed: f64, waker: Waker) -> SourceHandle {
    let files: RecordingFiles = files.into();
    let name = files.name();
    let shown = format!("file:{name}");
    spawn_thread("meterbridge-recording", shown, waker, move |commands, signal_sender| async move {
        let open = || opening::open(&files);
        playback::play(open, &name, speed, commands, signal_sender, Environment::system()).await;
    })
}

impl SourceHandle {
    /// Sends a command without waiting. Commands to a source that failed to start are dropped.
    pub fn send(&self, command: Command) {
        if let Some(commands) = &self.commands {
            if matches!(command, Command::Refetch(_)) && commands.capacity() <= KEPT_FROM_REFETCHES
            {
                return;
            }
            // A person cannot fill this channel; if it is closed, the failure was already reported.
            let _ = commands.try_send(command);
        }
    }

    /// Returns a sender of commands that does not keep the source alive.
    pub fn commander(&self) -> CommandSender {
        CommandSender(self.commands.as_ref().map(mpsc::Sender::downgrade))
    }
}

/// Sends commands to a source for as long as its handle exists.
#[derive(Clone, Debug, Default)]
pub struct CommandSender(Option<mpsc::WeakSender<Command>>);

impl CommandSender {
    /// Sends a command, see [`SourceHandle::send`].
    pub fn send(&self, command: Command) {
        if let Some(commands) = self.0.as_ref().and_then(mpsc::WeakSender::upgrade) {
            let _ = commands.try_send(command);
        }
    }
}

impl Drop for SourceHandle {
    fn drop(&mut self) {
        self.commands = None;
        // Nothing is ever sent: this returns when the thread drops the sender.
        let _ = self.ended.recv_timeout(JOIN_TIMEOUT);
        if let Some(thread) = self.thread.take_if(|thread| thread.is_finished()) {
            let _ = thread.join();
        }
    }
}

fn spawn_thread<F, Fut>(name: &str, shown_url: String, waker: Waker, source: F) -> SourceHandle
where
    F: FnOnce(mpsc::Receiver<Command>, SignalSender) -> Fut + Send + 'static,
    Fut: Future<Output = ()>,
{
    let (channel_sender, signals) = bounded(CHANNEL_CAPACITY);
    let (command_sender, commands) = mpsc::channel(COMMANDS_CAPACITY);
    let (alive, ended) = bounded(0);
    let signal_sender = SignalSender::new(channel_sender.clone(), waker.clone());
    let failure_sender = SignalSender::new(channel_sender, waker);
    let failure_url = shown_url.clone();
    let body = move || {
        let _alive: Sender<()> = alive;
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                runtime.block_on(source(commands, signal_sender));
                // A name lookup may still block in the system.
                runtime.shutdown_background();
            }
            Err(error) => report_failure(signal_sender, shown_url, format!("no network: {error}")),
        }
    };
    let thread = Builder::new().name(name.to_owned()).spawn(body);
    let thread = match thread {
        Ok(thread) => Some(thread),
        Err(error) => {
            report_failure(failure_sender, failure_url, format!("cannot start a thread: {error}"));
            None
        }
    };
    SourceHandle { signals, commands: Some(command_sender), thread, ended }
}

fn report_failure(mut signal_sender: SignalSender, url: String, reason: String) {
    let event = ConnectionEvent::Error { message: reason.clone() };
    signal_sender.push(Signal::Log(ConnectionLogEntry {
        at: Timestamp::now(),
        url: url.clone(),
        event,
    }));
    signal_sender.push(Signal::State(ConnectionState::Failed { url, reason, is_probed: false }));
}
