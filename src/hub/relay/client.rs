//! Connection of one screen. It only has a position in the journal, and sends what follows as fast
//! as the screen can take it.

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
use super::{HISTORY_PATH, SCREENS_PATH, SEEN_PATH, Shared, State, counters::Counter};
use crate::protocol::hub::{Hello, HistoryOffer, HubFrame, Position};
use crate::server::flood_guard::{Flood, FloodGuard};
use crate::server::websocket::close;

/// Interval of protocol pings.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Number of unanswered pings after which a screen is considered gone.
const UNANSWERED_PINGS: u32 = 2;

/// Time after which a screen that takes no bytes is closed; it can reconnect and resume.
const PATIENCE: Duration = Duration::from_secs(60);

/// Maximum size of messages from a screen, which has nothing to send.
const MOST_BYTES_FROM_A_CLIENT: usize = 4 << 10;

/// Number of bytes of the journal that are sent at once; bounds the memory per screen.
const CHUNK_BYTES: usize = 32 << 10;

/// Maximum number of marks in one frame.
const MARKS_PER_FRAME: usize = 500;

/// Time for a screen to confirm its close frame.
pub(super) const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// Position from which a client wants to resume: `?stream=…&after=…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ResumeRequest {
    stream: Option<Uuid>,
    after: Option<u64>,
}

impl ResumeRequest {
    /// Parses a query. Unreadable values are ignored, which results in a full replay.
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

/// Position of a screen in the journal.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    /// Number of the last counted frame that was sent.
    after: u64,
    /// Count of the stream in the last `hello` that was sent.
    stream: Option<u32>,
    /// Count of the last upstream state that was sent.
    upstream: Option<u64>,
    /// Number of the last frame of the replay.
    replay_until: u64,
    /// True after the end of the replay was announced.
    is_live: bool,
    /// Number of the last mark of a failure that was sent.
    seen: u64,
}

impl Shared {
    /// Returns the position at which a screen starts.
    pub(super) fn cursor(&self, resume: ResumeRequest) -> Cursor {
        let state = self.state();
        // In a cluster the screen may come from a hub that has read more of the stream than this one.
        let is_known = |after: &u64| *after <= state.journal.last() || self.is_in_cluster;
        let resumed =
            resume.after.filter(|after| resume.stream == Some(state.stream) && is_known(after));
        match resumed {
            Some(_) => self.counters.resumes.add(1),
            None => self.counters.replays.add(1),
        }
        let after = resumed.unwrap_or(0);
        Cursor { after, stream: None, upstream: None, replay_until: 0, is_live: false, seen: 0 }
    }

    /// Appends the next frames to `chunk`, up to the amount sent at once, and advances the cursor.
    /// Appends nothing when the screen is up to date. Returns the number of counted frames.
    pub(super) fn read_on(&self, cursor: &mut Cursor, chunk: &mut Vec<Utf8Bytes>) -> u64 {
        let state = self.state();
        let journal = &state.journal;
        if cursor.stream != Some(state.stream_count) {
            if cursor.stream.is_some_and(|stream| stream < state.numbers_since) {
                // Numbers of the stream before say nothing about this one.
                cursor.after = 0;
            }
            cursor.stream = Some(state.stream_count);
            cursor.replay_until = journal.last();
            cursor.is_live = false;
            cursor.seen = 0;
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
            // The last frames up to here were dropped from the journal.
            cursor.after = until;
            chunk.push(HubFrame::Seq(until).to_json().into());
        }
        if !cursor.is_live {
            cursor.is_live = true;
            chunk.push(HubFrame::Live.to_json().into());
        }
        if cursor.after == journal.last() && cursor.seen < state.seen.last() {
            // Everything that led to the marks was sent before.
            let (runs, until) = state.seen.read(cursor.seen, MARKS_PER_FRAME);
            cursor.seen = until;
            if !runs.is_empty() {
                chunk.push(HubFrame::Seen(runs).to_json().into());
            }
        }
        counted
    }

    fn hello(&self, state: &State, seq: u64) -> HubFrame {
        let stream = state.stream.to_string().into();
        let api = self.api.map(SmolStr::new_static);
        let seen = Some(SmolStr::new_static(SEEN_PATH));
        let history = Some(HistoryOffer {
            path: SmolStr::new_static(HISTORY_PATH),
            since: state.journal.first_at(),
        });
        let screens = Some(SmolStr::new_static(SCREENS_PATH));
        let (at, actions) = (Position { stream, seq }, self.actions);
        HubFrame::Hello(Hello { at, api, actions, seen, screens, history })
    }
}

/// Counts a screen for as long as it exists.
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

/// Tracks for the metrics whether a screen is behind.
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

/// Reason why a connection ends.
enum End {
    /// The other side is gone, with or without a close frame.
    Gone,
    /// The screen takes no data or does not answer pings.
    Stalled,
    /// The screen sends more than a screen has to say.
    Flooding,
    /// The hub stops.
    Stopped,
}

/// Serves a screen after its handshake, until either side ends the connection.
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
    let flood = Flood::default();
    let io = FloodGuard::new(StallDetector::new(io, stall.clone()), flood.clone());
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let end = tokio::select! {
        biased;
        () = wait_for_stop(stop) => End::Stopped,
        () = stall.wait_until_exceeds(PATIENCE) => End::Stalled,
        end = stream_journal(shared, &mut socket, resume) => match end {
            Ok(end) => end,
            Err(_) if flood.is_detected() => End::Flooding,
            Err(_) => End::Gone,
        },
    };
    match end {
        End::Gone => {}
        // A stalled screen would not take a close frame either.
        End::Stalled => shared.counters.lag_closes.add(1),
        End::Flooding => {
            shared.counters.flood_closes.add(1);
            close_with(&mut socket, CloseCode::Policy, "Screens must not send anything").await;
        }
        End::Stopped => {
            close_with(&mut socket, CloseCode::Away, "The hub is shutting down").await;
        }
    }
}

/// Closes the connection. A screen that does not confirm within the grace period is cut off.
async fn close_with<S>(socket: &mut WebSocketStream<S>, code: CloseCode, reason: &'static str)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let frame = CloseFrame { code, reason: reason.into() };
    let _ = timeout(CLOSE_GRACE, close(socket, frame)).await;
}

/// Sends what the journal has, and then what is added.
async fn stream_journal<S>(
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
        // Marked before reading, so that changes during the read are noticed.
        news.mark_unchanged();
        let counted = shared.read_on(&mut cursor, &mut chunk);
        lag.tell(!chunk.is_empty());
        if !chunk.is_empty() {
            for text in chunk.drain(..) {
                socket.feed(Message::Text(text)).await?;
            }
            socket.flush().await?;
            shared.counters.frames_out.add(counted);
            // Read pongs even during a long replay.
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
                // Messages are ignored; tungstenite answers pings and closes.
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

/// Waits until told to stop, or until the sender is dropped.
async fn wait_for_stop(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_resume_positions_are_ignored() {
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
