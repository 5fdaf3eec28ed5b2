//! One screen's connection: it has a place in the journal and nothing else, and takes what is behind
//! it as fast as it can.

use std::sync::Arc;
use std::time::Duration;

use form_urlencoded::parse;
use futures_util::{FutureExt, SinkExt, StreamExt};
use smol_str::SmolStr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{
    CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode,
};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};
use uuid::Uuid;

use super::stall_detector::{Stall, StallDetector};
use super::{Shared, State, counters::Counter};
use crate::protocol::hub::{Hello, HubFrame, Position};
use crate::server::websocket::close;

/// A protocol PING goes out this often.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Who answers none of so many pings is gone.
const UNANSWERED_PINGS: u32 = 2;

/// Who takes not a byte for so long is closed: it comes back and goes on where it was.
const PATIENCE: Duration = Duration::from_secs(60);

/// Screens have nothing to say; what they send is bounded accordingly.
const MOST_BYTES_FROM_A_CLIENT: usize = 4 << 10;

/// A piece of the journal that is sent at once. It is what a screen costs.
const CHUNK_BYTES: usize = 32 << 10;

/// How long a screen has to take its close frame.
pub(super) const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// Where a client says it is: `?stream=…&after=…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ResumeRequest {
    stream: Option<Uuid>,
    after: Option<u64>,
}

impl ResumeRequest {
    /// What cannot be read is not wished for: who asks for nothing gets everything.
    pub(super) fn read(query: Option<&str>) -> Self {
        let mut resume = Self::default();
        for (name, value) in parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "stream" => resume.stream = value.parse().ok(),
                "after" => resume.after = value.parse().ok(),
                _ => {}
            }
        }
        resume
    }
}

/// How far a screen has come.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    /// The number of the last counted frame that it was sent.
    after: u64,
    /// The stream it was told of, as the state counts them.
    stream: Option<u32>,
    /// The state of upstream it was told of, as the state counts them.
    upstream: Option<u64>,
    /// Up to here it is a replay.
    replay_until: u64,
    /// It was said that the replay is over.
    is_live: bool,
}

impl Shared {
    /// Where a screen begins.
    pub(super) fn cursor(&self, resume: ResumeRequest) -> Cursor {
        let state = self.state();
        let resumed = resume
            .after
            .filter(|after| resume.stream == Some(state.stream) && *after <= state.journal.last());
        match resumed {
            Some(_) => self.counters.resumes.add(1),
            None => self.counters.replays.add(1),
        }
        let after = resumed.unwrap_or(0);
        Cursor { after, stream: None, upstream: None, replay_until: 0, is_live: false }
    }

    /// Puts what comes next into `chunk`, as much as is sent at once, and moves the place on. Nothing
    /// is put there where nothing is left. Returns how many frames of it are counted ones.
    pub(super) fn read_on(&self, cursor: &mut Cursor, chunk: &mut Vec<Utf8Bytes>) -> u64 {
        let state = self.state();
        let journal = &state.journal;
        if cursor.stream != Some(state.stream_count) {
            cursor.stream = Some(state.stream_count);
            cursor.replay_until = journal.last();
            cursor.is_live = false;
            chunk.push(self.hello(&state, cursor.after).to_json().into());
        }
        if cursor.upstream != Some(state.upstream_count) {
            cursor.upstream = Some(state.upstream_count);
            chunk.push(HubFrame::Upstream(state.upstream.clone()).to_json().into());
        }
        let until = if cursor.is_live { journal.last() } else { cursor.replay_until };
        let (mut counted, mut bytes) = (0, 0);
        for (seq, text) in journal.read(cursor.after, until) {
            if bytes >= CHUNK_BYTES {
                return counted;
            }
            if seq != cursor.after + 1 {
                chunk.push(HubFrame::Seq(seq - 1).to_json().into());
            }
            cursor.after = seq;
            counted += 1;
            bytes += text.len();
            chunk.push(text.clone());
        }
        if cursor.after < until {
            // The last of them are gone.
            cursor.after = until;
            chunk.push(HubFrame::Seq(until).to_json().into());
        }
        if !cursor.is_live {
            cursor.is_live = true;
            chunk.push(HubFrame::Live.to_json().into());
        }
        counted
    }

    fn hello(&self, state: &State, seq: u64) -> HubFrame {
        let stream = state.stream.to_string().into();
        let api = self.api.map(SmolStr::new_static);
        HubFrame::Hello(Hello { at: Position { stream, seq }, api, actions: self.actions })
    }
}

/// A screen that is counted for as long as it is there.
pub(super) struct ConnectedGuard(Arc<Shared>);

impl ConnectedGuard {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        shared.counters.clients.add(1);
        shared.counters.clients_total.add(1);
        Self(shared)
    }
}

impl Drop for ConnectedGuard {
    fn drop(&mut self) {
        self.0.counters.clients.sub(1);
    }
}

/// Whether a screen has been sent everything, counted for whoever watches the hub.
struct Lag<'a> {
    behind: &'a Counter,
    is_behind: bool,
}

impl<'a> Lag<'a> {
    fn of(shared: &'a Shared) -> Self {
        Self { behind: &shared.counters.clients_behind, is_behind: false }
    }

    fn tell(&mut self, is_behind: bool) {
        match (self.is_behind, is_behind) {
            (false, true) => self.behind.add(1),
            (true, false) => self.behind.sub(1),
            _ => {}
        }
        self.is_behind = is_behind;
    }
}

impl Drop for Lag<'_> {
    fn drop(&mut self) {
        self.tell(false);
    }
}

/// Why a connection ends.
enum End {
    /// The other side has gone, with or without a word.
    Gone,
    /// It takes nothing, or says nothing.
    Stalled,
    /// The hub stops.
    Stopped,
}

/// Serves a screen whose handshake is done, until either side ends it.
pub(super) async fn serve<S>(
    guard: ConnectedGuard,
    io: S,
    resume: ResumeRequest,
    stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let shared = &*guard.0;
    let stall = Stall::default();
    let config = WebSocketConfig::default()
        .read_buffer_size(MOST_BYTES_FROM_A_CLIENT)
        .max_message_size(Some(MOST_BYTES_FROM_A_CLIENT))
        .max_frame_size(Some(MOST_BYTES_FROM_A_CLIENT))
        .write_buffer_size(CHUNK_BYTES);
    let io = StallDetector::new(io, stall.clone());
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let end = tokio::select! {
        biased;
        () = told(stop) => End::Stopped,
        () = stall.lasts(PATIENCE) => End::Stalled,
        end = show(shared, &mut socket, resume) => end.unwrap_or(End::Gone),
    };
    match end {
        End::Gone => {}
        // It would take no close frame either.
        End::Stalled => shared.counters.lag_closes.add(1),
        End::Stopped => {
            let frame = CloseFrame { code: CloseCode::Away, reason: "The hub stops".into() };
            // Who does not take it within the grace is cut off.
            let _ = timeout(CLOSE_GRACE, close(&mut socket, frame)).await;
        }
    }
}

/// Sends what there is, and then what comes.
async fn show<S>(
    shared: &Shared,
    socket: &mut WebSocketStream<S>,
    resume: ResumeRequest,
) -> Result<End, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut news = shared.news.subscribe();
    let mut cursor = shared.cursor(resume);
    let mut lag = Lag::of(shared);
    let mut chunk = Vec::new();
    let mut ping = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unanswered = 0;
    loop {
        // Before the look, so that what comes during it is looked at again.
        news.mark_unchanged();
        let counted = shared.read_on(&mut cursor, &mut chunk);
        lag.tell(!chunk.is_empty());
        if !chunk.is_empty() {
            for text in chunk.drain(..) {
                socket.feed(Message::Text(text)).await?;
            }
            socket.flush().await?;
            shared.counters.frames_out.add(counted);
            // A long replay is no reason to leave pings unanswered.
            while let Some(incoming) = socket.next().now_or_never() {
                let Some(message) = incoming else { return Ok(End::Gone) };
                message?;
                unanswered = 0;
            }
            continue;
        }
        tokio::select! {
            changed = news.changed() => {
                if changed.is_err() {
                    return Ok(End::Stopped);
                }
            }
            incoming = socket.next() => {
                // Whatever it says; tungstenite answers pings and closes.
                let Some(message) = incoming else { return Ok(End::Gone) };
                message?;
                unanswered = 0;
            }
            _ = ping.tick() => {
                if unanswered >= UNANSWERED_PINGS {
                    return Ok(End::Stalled);
                }
                unanswered += 1;
                socket.send(Message::Ping(Bytes::new())).await?;
            }
        }
    }
}

/// Waits to be told to stop; nobody being left to tell is the same.
async fn told(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_cannot_be_read_is_no_place() {
        let stream = Uuid::from_u128(7);
        let whole = format!("after=12&token=x&stream={stream}");
        assert_eq!(
            ResumeRequest::read(Some(&whole)),
            ResumeRequest { stream: Some(stream), after: Some(12) }
        );
        for query in [None, Some(""), Some("after=-1&stream=x"), Some("after=99999999999999999999")]
        {
            assert_eq!(ResumeRequest::read(query), ResumeRequest::default(), "{query:?}");
        }
    }
}
