//! Requests of the panel on sources that are no actions on the display: names, and tests of addresses.

use std::sync::{Arc, Mutex, PoisonError};

use crate::source::{Address, SourceSpec};

/// A request on a source.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceRequest {
    /// Gives a source a name; an empty one removes it.
    Name(SourceSpec, String),
    /// Forgets a recent source, with its name.
    Forget(SourceSpec),
    /// Asks the server of an address once whether it answers.
    Test(Address),
}

/// Requests that were not carried out yet. The panel reads the resources of the app and does not change
/// them, so requests are added behind a shared reference; `control` takes them once a frame.
#[derive(Clone, Debug, Default)]
pub struct SourceRequests(Arc<Mutex<Vec<SourceRequest>>>);

impl SourceRequests {
    /// Adds a request.
    pub fn add(&self, request: SourceRequest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    }

    /// Takes all requests, in their order.
    pub fn take(&self) -> Vec<SourceRequest> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Requests are not part of what is remembered.
impl PartialEq for SourceRequests {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Test of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressTest {
    /// Address that was asked for.
    pub address: Address,
    /// HTTP status of the answer, or the reason why there was none; `None` while it is on its way.
    pub result: Option<Result<u16, String>>,
}
