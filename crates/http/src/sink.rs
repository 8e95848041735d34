//! Where the answer of one request arrives.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use tidegate_engine::contract::{Outcome, Renderer};
use tidegate_engine::{Answer, ReplySink};
use tokio::sync::oneshot;

use crate::answer::{Response, answer};
use crate::problem;
use crate::render::{HEAD_BYTES, JsonRenderer};
use crate::webhook;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The engine's end of one request.
pub(crate) struct OneShot(Mutex<Option<oneshot::Sender<Rendered>>>);

/// What [`JsonRenderer`] made of an outcome.
#[derive(Debug)]
pub(crate) struct Rendered(Vec<u8>);

impl OneShot {
    /// A sink, and where its answer comes out. That end fails if the engine ends without one.
    pub(crate) fn channel() -> (Arc<dyn ReplySink>, oneshot::Receiver<Rendered>) {
        let (sender, receiver) = oneshot::channel();
        (Arc::new(Self(Mutex::new(Some(sender)))), receiver)
    }
}

impl ReplySink for OneShot {
    fn renderer(&self) -> &dyn Renderer {
        &JsonRenderer
    }

    /// A client that waits for no answer says that the order is the same to it.
    fn is_next(&self, _token: u64) -> bool {
        true
    }

    fn deliver(&self, answers: &[Answer], start: usize, bytes: &[u8]) {
        debug_assert_eq!(answers.len(), 1, "one request has one answer");
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(answer), Some(sender)) = (answers.first(), sender) {
            // A client that went away, or whose time was up, asks again with the same id.
            let _ = sender.send(Rendered(bytes[start..answer.end].to_vec()));
        }
    }
}

impl Rendered {
    /// What no engine needs to be asked for.
    pub(crate) fn of(outcome: &Outcome<'_>) -> Self {
        let mut bytes = Vec::new();
        JsonRenderer.render(outcome, &mut bytes);
        Self(bytes)
    }

    /// The JSON.
    pub(crate) fn body(&self) -> &[u8] {
        &self.0[HEAD_BYTES..]
    }

    pub(crate) fn into_response(self) -> Response {
        let head = *self
            .0
            .first_chunk::<HEAD_BYTES>()
            .expect("because the renderer wrote a head");
        let body = Bytes::from(self.0).slice(HEAD_BYTES..);
        let [low, high, retry @ ..] = head;
        let status = StatusCode::from_u16(u16::from_le_bytes([low, high]));
        let status = status.expect("because the renderer wrote the code of a status");
        let retry_after_ms = u64::from(u32::from_le_bytes(retry));
        if status.is_success() {
            return answer(status, [(header::CONTENT_TYPE, JSON)], body);
        }
        let retry_after_ms = (retry_after_ms > 0).then_some(retry_after_ms);
        let mut response = problem::response(status, retry_after_ms, body);
        if status == StatusCode::UNAUTHORIZED {
            problem::challenge(&mut response, webhook::SCHEME);
        }
        response
    }
}
