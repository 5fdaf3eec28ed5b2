//! Playing a recording in real time, as if it came from a socket.

use std::io::Read;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::recording::{RecordedFrame, Recording, RecordingError};
use super::session::{MOST_FRAMES_IN_A_BATCH, REPLAY_PERIOD};
use super::signal_sender::SignalSender;
use super::source_context::{Environment, LoopAction, SourceContext, rest, room, unless_commanded};
use super::{
    Command, ConnectionEvent, ConnectionSettings, ConnectionState, OperationRefusal, Updates,
};
use crate::protocol::{Batch, Item};

/// The longest pause between two bare events: nobody watches a wall do nothing for a night.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Plays what `open` opens, again for each `Reconnect`, until the sender of `commands` is dropped.
///
/// The state is `Connected` while it plays and `Disconnected` when it is over. `speed` 2 is twice
/// as fast, infinity at once; what is not above 0 counts as 1. Batches carry the recording's own
/// time: [`Batch::received_at`] is when a viewer's clock that agrees with the server's would have
/// seen them.
pub async fn play<R: Read>(
    mut open: impl FnMut() -> Result<Recording<R>, RecordingError>,
    name: &str,
    speed: f64,
    mut commands: mpsc::Receiver<Command>,
    signal_sender: SignalSender,
    environment: Environment,
) {
    let speed = if speed > 0.0 { speed } else { 1.0 };
    let mut context =
        SourceContext::new(None, ConnectionSettings::default(), signal_sender, environment);
    let address = format!("file:{name}");
    context.fix_address(address.clone());
    context.operation_client = Err(OperationRefusal::Recording);
    let mut action = LoopAction::Restart;
    loop {
        action = match action {
            LoopAction::Restart => {
                context.log(ConnectionEvent::Connecting);
                let result = match open() {
                    Ok(recording) => play_once(recording, speed, &mut commands, &mut context).await,
                    Err(error) => Err(error),
                };
                result.unwrap_or_else(|error| {
                    context.log_error(error.to_string());
                    let reason = error.to_string();
                    context.enter(ConnectionState::Failed { url: address.clone(), reason });
                    LoopAction::Stay
                })
            }
            LoopAction::Stop | LoopAction::Stay => rest(action, &mut commands, &mut context).await,
            LoopAction::Quit => return,
        };
    }
}

async fn play_once<R: Read>(
    mut recording: Recording<R>,
    speed: f64,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
) -> Result<LoopAction, RecordingError> {
    let since = context.now();
    context.enter(ConnectionState::Connected {
        url: context.shown_url(),
        since,
        updates: Updates::Live,
    });
    context.log(ConnectionEvent::Connected);
    let began = Instant::now();
    let mut pacer = Pacer::default();
    let mut batch: Option<Batch> = None;
    while let Some(frame) = recording.next_frame()? {
        let mut decoded = Batch::new(context.now(), true);
        decoded.push_text(&frame.text);
        recording.note(&decoded);
        let timing = pacer.timing(&frame, &decoded);
        let due = began + timing.offset.div_f64(speed).min(FAR);
        let full = batch.as_ref().is_some_and(|b| b.frames >= MOST_FRAMES_IN_A_BATCH);
        if full || Instant::now() < due {
            if let Some(batch) = batch.take() {
                context.deliver(batch);
            }
            if let Err(action) = wait(due, commands, context).await {
                context.log(ConnectionEvent::Disconnected {
                    code: None,
                    reason: "stopped by us".to_owned(),
                });
                return Ok(action);
            }
        }
        let batch = batch.get_or_insert_with(|| Batch::new(decoded.received_at, timing.live));
        batch.received_at = timing.at.unwrap_or(decoded.received_at);
        batch.append(decoded);
    }
    if let Some(batch) = batch.take() {
        context.deliver(batch);
    }
    recording.verdict()?;
    let frames = recording.summary().frames;
    context.log(ConnectionEvent::Disconnected {
        code: None,
        reason: format!("the recording is over: {frames} frames"),
    });
    context.enter(ConnectionState::Disconnected);
    Ok(LoopAction::Stay)
}

/// Stands for never.
const FAR: Duration = Duration::from_secs(86_400 * 365);

/// Waits until `due` and until the application has room. `Err` when a command wants otherwise.
async fn wait(
    due: Instant,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
) -> Result<(), LoopAction> {
    unless_commanded(commands, context, sleep_until(due)).await?;
    room(commands, context).await
}

/// Where in time a frame belongs.
pub struct FrameTiming {
    /// From the beginning of the playback, at speed 1.
    pub offset: Duration,
    /// By the recording's own time; `None` before the first event.
    pub at: Option<Timestamp>,
    /// See [`Batch::live`].
    pub live: bool,
}

/// Lays the frames of a recording out in time.
#[derive(Default)]
pub struct Pacer {
    first_ms: Option<f64>,
    last_instant: Option<Timestamp>,
    offset: Duration,
    /// When the recording began, by its own time: the latest instant that puts no event before
    /// its own happening. The first event settles it, unless that one was a replayed, older one.
    began_at: Option<Timestamp>,
}

impl Pacer {
    /// Places the next frame, which was decoded into a batch of its own.
    pub fn timing(&mut self, frame: &RecordedFrame, decoded: &Batch) -> FrameTiming {
        let instant = decoded
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Event(event) => Some(event.at),
                _ => None,
            })
            .max();
        let offset = match frame.recv_ms {
            Some(ms) => {
                let since_first = ms - *self.first_ms.get_or_insert(ms);
                Duration::try_from_secs_f64(since_first / 1000.0).unwrap_or_default()
            }
            None => self.offset + self.pause_before(instant),
        };
        self.offset = self.offset.max(offset).min(FAR);
        self.last_instant = self.last_instant.max(instant);
        let span = SignedDuration::try_from(self.offset).unwrap_or_default();
        let began_at = instant.and_then(|instant| instant.checked_sub(span).ok());
        self.began_at = self.began_at.max(began_at);
        FrameTiming {
            offset: self.offset,
            at: self.began_at.and_then(|began_at| began_at.checked_add(span).ok()),
            live: frame.recv_ms.is_none() || self.offset >= REPLAY_PERIOD,
        }
    }

    fn pause_before(&self, instant: Option<Timestamp>) -> Duration {
        let (Some(last), Some(instant)) = (self.last_instant, instant) else {
            return Duration::ZERO;
        };
        Duration::try_from(instant.duration_since(last)).unwrap_or_default().min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places frames `(recv_ms, second of the minute)`; returns offsets and own times in seconds.
    fn timings(frames: &[(Option<f64>, f64)]) -> Vec<(f64, f64)> {
        let midnight: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let mut pacer = Pacer::default();
        frames
            .iter()
            .map(|&(recv_ms, second)| {
                let at = midnight + SignedDuration::from_secs_f64(second);
                let text = format!(r#"{{"run_id":"r","phase":"start","ts":"{at}"}}"#);
                let mut decoded = Batch::new(midnight, true);
                decoded.push_text(&text);
                let timing = pacer.timing(&RecordedFrame { recv_ms, text }, &decoded);
                let own = timing.at.unwrap().duration_since(midnight);
                (timing.offset.as_secs_f64(), own.as_secs_f64())
            })
            .collect()
    }

    #[test]
    fn recorded_frames_keep_their_distances() {
        let frames = [(Some(500.0), 10.0), (Some(1500.0), 11.0), (Some(9500.0), 18.75)];
        assert_eq!(timings(&frames), [(0.0, 10.0), (1.0, 11.0), (9.0, 19.0)]);
    }

    #[test]
    fn a_replayed_first_event_does_not_set_the_clock() {
        let frames = [(Some(0.0), 1.0), (Some(1000.0), 59.0), (Some(2000.0), 60.0)];
        assert_eq!(timings(&frames), [(0.0, 1.0), (1.0, 59.0), (2.0, 60.0)]);
    }

    #[test]
    fn bare_events_keep_short_distances() {
        let frames = [(None, 0.0), (None, 3.0), (None, 2.0), (None, 50.0), (None, 51.0)];
        let expected = [(0.0, 0.0), (3.0, 3.0), (3.0, 3.0), (8.0, 50.0), (9.0, 51.0)];
        assert_eq!(timings(&frames), expected);
    }

    #[test]
    fn nonsense_times_wait_for_nothing() {
        let frames = [(Some(1e300), 0.0), (Some(-5.0), 1.0), (Some(f64::MIN), 2.0)];
        let offsets: Vec<f64> = timings(&frames).into_iter().map(|(offset, _)| offset).collect();
        assert_eq!(offsets, [0.0, 0.0, 0.0]);
    }
}
