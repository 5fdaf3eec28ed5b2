//! An API within this process, for run operations without a network: the demo studio's.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::run_operation::{ApiRequest, OperationClient, RequestError, SendRequest};
use crate::protocol::rest;

/// Status and body of an answer; `None` when there is nobody to answer.
pub type LocalAnswer = Pin<Box<dyn Future<Output = Option<(u16, String)>> + Send>>;

/// Answers the calls of run operations on the server at one address, in place of its REST API.
#[derive(Clone)]
pub struct LocalApi {
    url: String,
    post: Arc<dyn Fn(String, String) -> LocalAnswer + Send + Sync>,
}

impl LocalApi {
    /// Creates the API of the event stream at `url`. `post` gets the path below the base of the API and
    /// the body of each call.
    pub fn new(
        url: impl Into<String>,
        post: impl Fn(String, String) -> LocalAnswer + Send + Sync + 'static,
    ) -> Self {
        Self { url: url.into(), post: Arc::new(post) }
    }

    /// True when this is the API of the stream at `url`.
    pub(super) fn is_of(&self, url: Option<&str>) -> bool {
        url == Some(self.url.as_str())
    }

    pub(super) fn operation_client(&self) -> OperationClient {
        let post = Arc::clone(&self.post);
        let post: SendRequest = Arc::new(move |ApiRequest { path, body, .. }| {
            let answer = post(path, body);
            Box::pin(async move {
                match answer.await {
                    Some((200..300, body)) => Ok(body.into_bytes()),
                    Some((status, body)) => {
                        let words = rest::refusal_words(body.as_bytes());
                        Err(RequestError::Refused { status, words })
                    }
                    None => Err(RequestError::Lost("The demo studio has ended".to_owned())),
                }
            })
        });
        OperationClient { post, look: None, touched: None }
    }
}

impl fmt::Debug for LocalApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalApi({})", self.url)
    }
}
