//! Playback of a recording in real time, as if it came from a socket.

use std::io::Read;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::frame_times::{FAR, LEAP};
pub use super::frame_times::{FrameTiming, LONGEST_PAUSE, LONGEST_RECORDED_PAUSE, TimedFrames};
use super::merge::MergedFrames;
use super::recording::RecordingError;
use super::session::MOST_FRAMES_IN_A_BATCH;
use super::signal_sender::SignalSender;
use super::source_context::{Environment, LoopAction, SourceContext, idle, wait_for_capacity};
use super::timer::{Instant, sleep_until};
use super::{
    Command, ConnectionEvent, ConnectionSettings, ConnectionState, OperationRefusal, Updates,
};
use crate::protocol::Batch;
use crate::text::length_words;

/// Plays what `open` opens, again after each `Reconnect`, until the sender of `commands` is dropped.
///
/// The state is `Connected` during playback and `Disconnected` after it. `speed` is a factor: 2 is
/// twice as fast, infinity plays without pauses, and values not above 0 count as 1. Batches carry the
/// recording's own time: [`Batch::received_at`] is the time of reception by a clock that agrees with
/// the server's.
pub async fn play<R: Read, I: Into<MergedFrames<R>>>(
    mut open: impl FnMut() -> Result<I, RecordingError>,
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
                    Ok(opened) => {
                        play_once(opened.into(), speed, &mut commands, &mut context).await
                    }
                    Err(error) => Err(error),
                };
                result.unwrap_or_else(|error| {
                    context.log_error(error.to_string());
                    let reason = error.to_string();
                    context.enter(ConnectionState::Failed {
                        url: address.clone(),
                        reason,
                        is_probed: false,
                    });
                    LoopAction::Stay
                })
            }
            LoopAction::Stop | LoopAction::Stay => idle(action, &mut commands, &mut context).await,
            LoopAction::Quit => return,
        };
    }
}

async fn play_once<R: Read>(
    mut frames: MergedFrames<R>,
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
    let mut began = Instant::now();
    // With the time of reception of its first frame.
    let mut batch: Option<(Timestamp, Batch)> = None;
    let result = loop {
        let (decoded, timing) = match frames.next(context.now()) {
            Ok(Some(frame)) => frame,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        if !timing.left_out.is_zero() {
            let millis = u64::try_from(timing.left_out.as_millis()).unwrap_or(u64::MAX);
            let message = format!("skipped a pause of the recording: {}", length_words(millis));
            context.log(ConnectionEvent::Note { message });
        }
        for message in timing.notes {
            context.log(ConnectionEvent::Note { message });
        }
        let due = began + timing.offset.div_f64(speed).min(FAR);
        let received_at = decoded.received_at;
        let full = batch.as_ref().is_some_and(|(first_at, batch): &(Timestamp, Batch)| {
            batch.frames >= MOST_FRAMES_IN_A_BATCH
                || batch.live != timing.live
                || batch.live && received_at.duration_since(*first_at) > LEAP
        });
        if full || Instant::now() < due {
            if let Some((_, batch)) = batch.take() {
                context.deliver(batch);
            }
            match wait(due, commands, context).await {
                // Everything after the skipped pause comes earlier by as much.
                Ok(skipped) => began = began.checked_sub(skipped).unwrap_or(began),
                Err(action) => {
                    context.log(ConnectionEvent::Disconnected {
                        code: None,
                        reason: "stopped by this viewer".to_owned(),
                    });
                    return Ok(action);
                }
            }
        }
        let (_, batch) =
            batch.get_or_insert_with(|| (received_at, Batch::new(received_at, timing.live)));
        batch.received_at = received_at;
        batch.append(decoded);
    };
    if let Some((_, batch)) = batch.take() {
        context.deliver(batch);
    }
    result?;
    for message in frames.last_notes() {
        context.log(ConnectionEvent::Note { message });
    }
    let frames = frames.frames();
    context.log(ConnectionEvent::Disconnected {
        code: None,
        reason: format!("the recording has ended: {frames} frames"),
    });
    context.enter(ConnectionState::Disconnected);
    Ok(LoopAction::Stay)
}

/// Waits until `due` and until the application has room. Returns the part of the wait that was skipped,
/// or the action of a command that ends the playback.
async fn wait(
    due: Instant,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
) -> Result<Duration, LoopAction> {
    let mut skipped = Duration::ZERO;
    loop {
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(Command::SkipPause) => {
                    skipped = due.saturating_duration_since(Instant::now());
                    break;
                }
                command => match context.handle_command(command) {
                    LoopAction::Stay => {}
                    action => return Err(action),
                },
            },
            () = sleep_until(due) => break,
            () = context.signal_sender.wait_for_capacity(), if !context.signal_sender.has_room() => {}
        }
    }
    wait_for_capacity(commands, context).await?;
    Ok(skipped)
}
