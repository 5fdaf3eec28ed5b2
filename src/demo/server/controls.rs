//! Remote control of a running studio, in this process: a presenter's commands, and the calls of a
//! backend's REST API on its runs.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{mpsc, oneshot};

/// Number of orders that may wait for the studio.
const WAITING_ORDERS: usize = 64;

/// A presenter's command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DemoCommand {
    /// Starts a run that fails, and then its retry.
    FailNext,
    /// Starts a run that needs one fix.
    FixNext,
    /// Stops studio time, or lets it go on.
    Pause(bool),
    /// Sets the speed, as a multiple of real time.
    Speed(f64),
    /// Cancels the unfinished runs and opens the studio again, with its opening.
    Restart,
}

/// Answer to a call, as a backend would give it over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoAnswer {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
}

/// An order to the player.
#[derive(Debug)]
pub(super) enum Order {
    Command(DemoCommand),
    Call { path: String, body: String, answer: oneshot::Sender<DemoAnswer> },
}

/// Controls a running studio. Clones control the same studio.
#[derive(Clone, Debug)]
pub struct DemoControls {
    orders: mpsc::Sender<Order>,
    is_paused: Arc<AtomicBool>,
}

impl DemoControls {
    pub(super) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, receiver) = mpsc::channel(WAITING_ORDERS);
        (Self { orders, is_paused: Arc::default() }, receiver)
    }

    /// Sends a command without waiting. Returns false if the studio has ended or is too busy.
    pub fn send(&self, command: DemoCommand) -> bool {
        let is_sent = self.orders.try_send(Order::Command(command)).is_ok();
        match command {
            DemoCommand::Pause(is_paused) if is_sent => {
                self.is_paused.store(is_paused, Ordering::Relaxed);
            }
            DemoCommand::Restart if is_sent => self.is_paused.store(false, Ordering::Relaxed),
            _ => {}
        }
        is_sent
    }

    /// True after [`DemoCommand::Pause`] until the studio goes on.
    pub fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Relaxed)
    }

    /// Answers the `POST` of a run operation at a path below the base of the backend's API. `None` if
    /// the studio has ended.
    pub async fn post(&self, path: String, body: String) -> Option<DemoAnswer> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order::Call { path, body, answer }).await.ok()?;
        answered.await.ok()
    }
}
