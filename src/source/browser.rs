//! Source in a browser, over the page's own WebSocket.
//!
//! Works like the network source within the limits of a page: it sends no pings, sees no HTTP
//! status, and cannot apply backpressure. A hidden tab goes on receiving while nothing is drawn, so the
//! queue is bounded by bytes: beyond the bound, frames are dropped and counted. Once the application
//! has caught up, the source reconnects for a fresh replay; the screen keeps its content. The
//! connection stays open until then, because a closed one could not count the frames.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use gloo_events::EventListener;
use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};
use wasm_bindgen::JsCast;
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

use super::disconnect::{LOST_CODE, server_words, skipped_text};
use super::fetch::{get_below, post_below};
use super::history::HistoryClientFor;
use super::run_operation::ApiClientFor;
use super::session::{
    self, Connection, MOST_BYTES_IN_A_BATCH, MOST_FRAMES_IN_A_BATCH, OpenConnection, REPLAY_PERIOD,
};
use super::signal_sender::{CHANNEL_CAPACITY, SignalSender};
use super::source_context::{
    Environment, LoopAction, STANDS_AFTER, SourceContext, unless_commanded, wait_for_capacity,
};
use super::timer::sleep;
use super::{
    ApiUrl, Command, ConnectionSettings, Disconnect, RecordingFiles, Signal, SourceUrl, Waker,
    opening, playback,
};
use crate::protocol::Batch;

/// Bytes of text that may wait for the application, in the inbox and in the channel: about 50,000
/// events, which it reads in well under a second.
pub const MOST_BYTES_WAITING: usize = 16 << 20;

/// Capacity of the command channel. The source takes each command within moments.
const COMMANDS_CAPACITY: usize = 64;

/// Interval at which a source that fell behind checks whether the application has caught up.
const CATCHING_UP: Duration = Duration::from_millis(50);

/// Time that a server has to answer our close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Delay that stands for never.
const NEVER: Duration = Duration::from_secs(86_400);

/// Milliseconds within which frames are gathered into one batch, which has a single time of reception.
const LONGEST_GATHERING_MS: i64 = 250;

/// The application's handle of a source. Dropping it closes the connection.
pub struct SourceHandle {
    /// Signals of the source, in order. Bounded: signals that are not taken wait in the page.
    pub signals: Receiver<Signal>,
    commands: mpsc::Sender<Command>,
}

/// Connects to `url`, or waits for [`SourceHandle::connect`] when there is none.
pub fn spawn(url: Option<String>, settings: ConnectionSettings, waker: Waker) -> SourceHandle {
    let (channel_sender, signals) = bounded(CHANNEL_CAPACITY);
    let (command_sender, commands) = mpsc::channel(COMMANDS_CAPACITY);
    let signal_sender = SignalSender::new(channel_sender, waker);
    let context = SourceContext::new(url, settings, signal_sender, Environment::system());
    wasm_bindgen_futures::spawn_local(session::run(Page::new(), commands, context));
    SourceHandle { signals, commands: command_sender }
}

/// Plays recordings that the page was given, merged by time, at `speed` times real time.
pub fn spawn_recording(files: RecordingFiles, speed: f64, waker: Waker) -> SourceHandle {
    let (channel_sender, signals) = bounded(CHANNEL_CAPACITY);
    let (command_sender, commands) = mpsc::channel(COMMANDS_CAPACITY);
    let signal_sender = SignalSender::new(channel_sender, waker);
    wasm_bindgen_futures::spawn_local(async move {
        let (name, environment) = (files.name(), Environment::system());
        let open = || opening::open(&files);
        playback::play(open, &name, speed, commands, signal_sender, environment).await;
    });
    SourceHandle { signals, commands: command_sender }
}

impl SourceHandle {
    /// Sends a command without waiting.
    pub fn send(&self, command: Command) {
        // A person cannot fill this channel.
        let _ = self.commands.try_send(command);
    }
}

/// Opens connections and watches the browser's network state.
struct Page {
    /// Notified at each `online` event of the browser.
    back_online: Rc<Notify>,
    _listener: Option<EventListener>,
}

impl Page {
    fn new() -> Self {
        let back_online = Rc::new(Notify::new());
        let told = Rc::clone(&back_online);
        let listener = web_sys::window()
            .map(|window| EventListener::new(&window, "online", move |_| told.notify_waiters()));
        Self { back_online, _listener: listener }
    }
}

fn is_offline() -> bool {
    web_sys::window().is_some_and(|window| !window.navigator().on_line())
}

impl OpenConnection for Page {
    type Connection = PageSocket;

    async fn connect(
        &mut self,
        url: &SourceUrl,
        settings: ConnectionSettings,
    ) -> Result<PageSocket, Disconnect> {
        let limit = settings.connect_timeout;
        let socket = PageSocket::open(url, &settings, Rc::clone(&self.back_online))?;
        tokio::select! {
            biased;
            disconnect = socket.opened() => disconnect.map_or(Ok(()), Err)?,
            () = sleep(limit) => return Err(Disconnect::ConnectTimeout { after: limit }),
        }
        Ok(socket)
    }

    fn post_to(&self, url: &SourceUrl, _: &ConnectionSettings) -> ApiClientFor {
        let url = url.clone();
        Box::new(move |api| Some(post_below(ApiUrl::beside(&url, api)?.to_string())))
    }

    fn ask_at(&self, url: &SourceUrl, _: &ConnectionSettings) -> HistoryClientFor {
        let url = url.clone();
        Box::new(move |path| Some(get_below(ApiUrl::beside(&url, path)?.to_string())))
    }

    /// Suspends attempts while the browser is offline, and returns as soon as it is online again.
    async fn wait(&mut self, delay: Duration) {
        let back = self.back_online.notified();
        if is_offline() {
            return back.await;
        }
        let due = async {
            sleep(delay).await;
            while is_offline() {
                self.back_online.notified().await;
            }
        };
        tokio::select! {
            () = due => {}
            () = back => {}
        }
    }
}

/// A WebSocket of the page. Dropping it closes it.
struct PageSocket {
    socket: WebSocket,
    inbox: Rc<RefCell<Inbox>>,
    /// Notified after each change of the inbox.
    news: Rc<Notify>,
    back_online: Rc<Notify>,
    address: String,
    opened_at: Timestamp,
    most_bytes: usize,
    /// Sizes in bytes of the last batches, as many as can be waiting in the channel.
    handed_on: VecDeque<usize>,
    _listeners: [EventListener; 3],
}

/// Change that a socket event makes to the inbox.
type InboxHandler = Box<dyn FnMut(&mut Inbox, &Event)>;

/// Frames that arrived and have not been taken.
#[derive(Default)]
struct Inbox {
    open: bool,
    frames: VecDeque<Frame>,
    /// Total bytes of `frames`.
    bytes: usize,
    /// Bytes delivered to the channel that the application has not taken yet.
    handed_on: usize,
    /// Number of frames that arrived while [`MOST_BYTES_WAITING`] bytes were waiting.
    dropped: u64,
    /// Code and reason of the close event.
    closed: Option<(u16, String)>,
}

struct Frame {
    at: Timestamp,
    payload: Payload,
}

enum Payload {
    Text(String),
    Binary(Vec<u8>),
}

impl Payload {
    /// Returns `None` for data that is neither text nor an `ArrayBuffer`, which `binaryType` rules out.
    fn of(event: &MessageEvent) -> Option<Self> {
        let data = event.data();
        match data.as_string() {
            Some(text) => Some(Self::Text(text)),
            None => {
                let buffer = data.dyn_into::<js_sys::ArrayBuffer>().ok()?;
                Some(Self::Binary(js_sys::Uint8Array::new(&buffer).to_vec()))
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) => data.len(),
        }
    }
}

impl Inbox {
    /// Queues a frame, or drops it when the queue is full. After the first drop all later frames are
    /// dropped, too: frames after a gap would be read as if there were no gap.
    fn put(&mut self, payload: Payload) {
        let waiting = self.bytes + self.handed_on + payload.len();
        if self.dropped == 0 && waiting <= MOST_BYTES_WAITING {
            self.bytes += payload.len();
            self.frames.push_back(Frame { at: Timestamp::now(), payload });
        } else {
            self.dropped += 1;
        }
    }

    /// Moves the next frames into one batch. `live` is the hub's statement about them, if any.
    fn take(
        &mut self,
        batch: &mut Batch,
        live: Option<bool>,
        opened_at: Timestamp,
        most_bytes: usize,
    ) -> InboxRead {
        let Some(first) = self.frames.front().map(|frame| frame.at) else {
            return InboxRead::All;
        };
        let early = |at: Timestamp| at.duration_since(opened_at).unsigned_abs() < REPLAY_PERIOD;
        let replayed = |at: Timestamp| live.map_or_else(|| early(at), |live| !live);
        batch.live = !replayed(first);
        let mut bytes = 0;
        while let Some(frame) = self.frames.front() {
            let full = batch.frames >= MOST_FRAMES_IN_A_BATCH || bytes >= MOST_BYTES_IN_A_BATCH;
            let later = frame.at.as_millisecond() - first.as_millisecond() > LONGEST_GATHERING_MS;
            if full || later || replayed(frame.at) == batch.live {
                return InboxRead::Some;
            }
            let Some(Frame { at, payload }) = self.frames.pop_front() else {
                break;
            };
            self.bytes -= payload.len();
            bytes += payload.len();
            batch.received_at = at;
            match payload {
                payload if payload.len() > most_bytes => return InboxRead::TooLarge,
                Payload::Text(text) => batch.push_text(&text),
                Payload::Binary(data) => batch.push_bytes(&data),
            }
            if batch.ends_at_boundary() {
                return InboxRead::Some;
            }
        }
        InboxRead::All
    }
}

/// State of the inbox after a read.
enum InboxRead {
    All,
    Some,
    /// A frame exceeded the size limit.
    TooLarge,
}

impl PageSocket {
    fn open(
        url: &SourceUrl,
        settings: &ConnectionSettings,
        back_online: Rc<Notify>,
    ) -> Result<Self, Disconnect> {
        let address = url.authority();
        let socket = WebSocket::new(&url.text()).map_err(|_| {
            // The URL was checked, so only a rule of the browser can refuse it.
            Disconnect::NotFromThisPage { address: address.clone() }
        })?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let inbox = Rc::new(RefCell::new(Inbox::default()));
        let news = Rc::new(Notify::new());
        let on = |name: &'static str, mut handler: InboxHandler| {
            let (inbox, news) = (Rc::clone(&inbox), Rc::clone(&news));
            EventListener::new(&socket, name, move |event| {
                handler(&mut inbox.borrow_mut(), event);
                news.notify_one();
            })
        };
        let listeners = [
            on("open", Box::new(|inbox, _| inbox.open = true)),
            on(
                "message",
                Box::new(|inbox, event| {
                    let message = event.dyn_ref::<MessageEvent>();
                    if let Some(payload) = message.and_then(Payload::of) {
                        inbox.put(payload);
                    }
                }),
            ),
            on(
                "close",
                Box::new(|inbox, event| {
                    let close = event.dyn_ref::<CloseEvent>();
                    inbox.closed = Some(match close {
                        Some(close) => (close.code(), close.reason()),
                        None => (LOST_CODE, String::new()),
                    });
                }),
            ),
        ];
        Ok(Self {
            socket,
            inbox,
            news,
            back_online,
            address,
            opened_at: Timestamp::now(),
            most_bytes: settings.max_message_bytes,
            handed_on: VecDeque::new(),
            _listeners: listeners,
        })
    }

    /// Waits for the connection to open; returns the reason if it fails.
    async fn opened(&self) -> Option<Disconnect> {
        loop {
            {
                let inbox = self.inbox.borrow();
                if inbox.open {
                    return None;
                }
                if inbox.closed.is_some() {
                    return Some(Disconnect::Unreachable {
                        address: self.address.clone(),
                        detail: "the browser gives no reason. Is the backend running, and is the \
                            path right?"
                            .to_owned(),
                    });
                }
            }
            self.news.notified().await;
        }
    }

    /// Takes the next batch. `waiting` is the number of signals that the application has not taken yet.
    fn take(&mut self, batch: &mut Batch, live: Option<bool>, waiting: usize) -> InboxRead {
        let mut inbox = self.inbox.borrow_mut();
        let before = inbox.bytes;
        let taken = inbox.take(batch, live, self.opened_at, self.most_bytes);
        while self.handed_on.len() > waiting {
            self.handed_on.pop_front();
        }
        if !batch.is_empty() {
            self.handed_on.push_back(before - inbox.bytes);
        }
        inbox.handed_on = self.handed_on.iter().sum();
        taken
    }

    /// Returns how the connection ended, once everything that arrived has been taken.
    fn disconnect(&self) -> Option<Disconnect> {
        let inbox = self.inbox.borrow();
        match &inbox.closed {
            _ if inbox.dropped > 0 => Some(Disconnect::FellBehind { dropped: inbox.dropped }),
            Some((LOST_CODE, _)) => Some(Disconnect::Lost),
            Some((code, reason)) => {
                Some(Disconnect::Closed { code: *code, reason: server_words(reason.as_bytes()) })
            }
            None => None,
        }
    }
}

impl Connection for PageSocket {
    async fn read(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        context: &mut SourceContext,
    ) -> Result<Disconnect, LoopAction> {
        self.opened_at = context.now();
        loop {
            wait_for_capacity(commands, context).await?;
            let mut batch = context.new_batch(true);
            let taken =
                self.take(&mut batch, context.stream.is_live(), context.signal_sender.waiting());
            if let InboxRead::TooLarge = taken {
                batch.push_unreadable(skipped_text(self.most_bytes), "");
                context.deliver_stream_batch(batch);
                context.stream.skip();
                continue;
            }
            if !batch.is_empty() {
                context.deliver_stream_batch(batch);
            }
            if let InboxRead::Some = taken {
                continue;
            }
            if let Some(disconnect) = self.disconnect() {
                if let Disconnect::FellBehind { .. } = disconnect
                    && context.signal_sender.waiting() > 0
                {
                    // While nobody looks at the tab, another replay would overflow as well.
                    unless_commanded(commands, context, sleep(CATCHING_UP)).await?;
                    continue;
                }
                if let Disconnect::FellBehind { dropped } = disconnect {
                    let mut batch = Batch::new(context.now(), false);
                    batch.dropped = dropped;
                    context.deliver(batch);
                }
                return Ok(disconnect);
            }
            let stands_after = if context.is_on_trial() {
                let stood = context.now().duration_since(self.opened_at).unsigned_abs();
                STANDS_AFTER.saturating_sub(stood)
            } else {
                NEVER
            };
            let (news, back_online) = (&self.news, &self.back_online);
            let something = async {
                tokio::select! {
                    () = news.notified() => None,
                    // A page cannot tell whether the connection survived the network's loss, and cannot
                    // send a ping.
                    () = back_online.notified() => Some(Disconnect::Lost),
                    () = sleep(stands_after) => None,
                }
            };
            if let Some(disconnect) = unless_commanded(commands, context, something).await? {
                return Ok(disconnect);
            }
            if context.now().duration_since(self.opened_at).unsigned_abs() >= STANDS_AFTER {
                context.note_stands();
            }
        }
    }

    async fn close(
        self,
        commands: &mut mpsc::Receiver<Command>,
        context: &mut SourceContext,
        action: LoopAction,
    ) -> LoopAction {
        if self.socket.close_with_code(1000).is_err() || action == LoopAction::Quit {
            return action;
        }
        let closed = async {
            while self.inbox.borrow().closed.is_none() {
                self.news.notified().await;
            }
        };
        let answered = async {
            tokio::select! {
                () = closed => {}
                () = sleep(CLOSE_TIMEOUT) => {}
            }
        };
        unless_commanded(commands, context, answered).await.err().unwrap_or(action)
    }
}

impl Drop for PageSocket {
    fn drop(&mut self) {
        // The socket may be closed or closing already; an error does not matter.
        let _ = self.socket.close();
    }
}
