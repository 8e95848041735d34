//! Where the answer of one request arrives.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use tidegate_engine::contract::{Outcome, Renderer, RequestDef};
use tidegate_engine::{Answer, ReplySink};
use tokio::sync::oneshot;

use crate::answer::{Response, answer};
use crate::problem;
use crate::render::{HEAD_BYTES, Head, JsonRenderer};
use crate::watch::seen;
use crate::webhook;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The engine's end of one request.
pub(crate) struct OneShot {
    to: Mutex<Option<oneshot::Sender<Rendered>>>,
    renderer: JsonRenderer,
}

/// What [`JsonRenderer`] made of an outcome.
#[derive(Clone, Debug)]
pub(crate) struct Rendered(Vec<u8>);

impl OneShot {
    /// A sink for a request, and where its answer comes out. That end fails if the engine ends without one.
    pub(crate) fn channel(def: &RequestDef) -> (Arc<dyn ReplySink>, oneshot::Receiver<Rendered>) {
        let (sender, receiver) = oneshot::channel();
        let sink = Self {
            to: Mutex::new(Some(sender)),
            renderer: JsonRenderer {
                tags: def.watched.map(|watched| watched.aside),
            },
        };
        (Arc::new(sink), receiver)
    }
}

impl ReplySink for OneShot {
    fn renderer(&self) -> &dyn Renderer {
        &self.renderer
    }

    /// A client that waits for no answer says that the order is the same to it.
    fn is_next(&self, _token: u64) -> bool {
        true
    }

    fn is_gone(&self, _token: u64) -> bool {
        let sender = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn deliver(&self, answers: &[Answer], start: usize, bytes: &[u8]) {
        debug_assert_eq!(answers.len(), 1, "one request has one answer");
        let sender = self
            .to
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
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
        JsonRenderer::default().render(outcome, &mut bytes);
        Self(bytes)
    }

    pub(crate) fn head(&self) -> Head {
        Head::of(&self.0)
    }

    /// The JSON.
    pub(crate) fn body(&self) -> &[u8] {
        &self.0[HEAD_BYTES..]
    }

    pub(crate) fn into_response(self) -> Response {
        let Head {
            status,
            retry_after_ms,
            tag,
        } = self.head();
        let body = Bytes::from(self.0).slice(HEAD_BYTES..);
        if status.is_success() {
            let mut response = answer(status, [(header::CONTENT_TYPE, JSON)], body);
            if tag > 0 {
                seen::tell(&mut response, tag);
            }
            return response;
        }
        let retry_after_ms = (retry_after_ms > 0).then_some(retry_after_ms);
        let mut response = problem::response(status, retry_after_ms, body);
        if status == StatusCode::UNAUTHORIZED {
            problem::challenge(&mut response, webhook::SCHEME);
        }
        response
    }
}
