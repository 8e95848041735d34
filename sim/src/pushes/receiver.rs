//! The receivers, as the network knows them: what they are sent lies on a desk until it is answered, or nobody waits for
//! that any more.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::Bytes;
use hyper::{Request, Response};
use tidegate_courier::{Carried, WebhookSecret, Wire};
use tokio::sync::oneshot;

use super::process::SECRET;
use super::thing::Thing;

/// Requests that have come and were not looked at.
#[derive(Clone, Default)]
pub(super) struct Desk(Arc<Mutex<Vec<Posted>>>);

struct Posted {
    request: Request<Bytes>,
    reply: oneshot::Sender<Reply>,
}

type Reply = Result<Response<Bytes>, String>;

/// What a receiver does about what it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// It answers: a status, what it says, and after how many seconds to ask again.
    Answer(u16, String, Option<u64>),
    /// The connection breaks.
    Break,
}

/// Something that a receiver has, and has not answered.
pub(super) struct Brought {
    pub(super) thing: Thing,
    /// Which receiver has it.
    pub(super) host: String,
    pub(super) attempt: u64,
    pub(super) position: Option<u64>,
    pub(super) webhook_id: String,
    /// It is never answered.
    pub(super) hangs: bool,
    reply: oneshot::Sender<Reply>,
}

impl Wire for Desk {
    fn carry(&self, request: Request<Bytes>) -> Carried {
        let (reply, comes) = oneshot::channel();
        let posted = Posted { request, reply };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(posted);
        Box::pin(async move {
            let reply = comes.await;
            reply.unwrap_or_else(|_| Err("it has gone".to_owned()))
        })
    }
}

impl Desk {
    /// What has come since.
    pub(super) fn take(&self) -> Result<Vec<Brought>, String> {
        let posted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        posted.into_iter().map(Brought::read).collect()
    }
}

impl Brought {
    /// What a request says, if it is signed.
    fn read(posted: Posted) -> Result<Self, String> {
        let Posted { request, reply } = posted;
        let text = |name: &str| {
            let value = request.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        let number = |name: &str| text(name)?.parse::<u64>().ok();
        let thing = Thing::of(&text);
        let read = thing.zip(number("tidegate-try")).zip(text("webhook-id"));
        let Some(((thing, attempt), webhook_id)) = read else {
            return Err(format!("what is this? {request:?}"));
        };
        let secret: WebhookSecret = SECRET.parse().expect("because it is a secret");
        let seconds = number("webhook-timestamp").unwrap_or_default();
        let signature = secret.sign(&webhook_id, seconds, request.body());
        if text("webhook-signature") != Some(signature) || request.body() != &thing.payload() {
            return Err(format!(
                "it is not what was sent, or not signed: {request:?}"
            ));
        }
        Ok(Self {
            thing,
            host: request.uri().host().unwrap_or_default().to_owned(),
            attempt,
            position: number("tidegate-position"),
            webhook_id,
            hangs: false,
            reply,
        })
    }

    /// Whether an answer is waited for.
    pub(super) fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }

    /// It is answered; gives whether that is heard.
    pub(super) fn answer(self, act: &Act) -> bool {
        let reply = match act {
            Act::Break => Err("the connection broke".to_owned()),
            Act::Answer(status, body, retry_after) => {
                let mut builder = Response::builder().status(*status);
                if let Some(seconds) = retry_after {
                    builder = builder.header("retry-after", *seconds);
                }
                let response = builder.body(Bytes::copy_from_slice(body.as_bytes()));
                Ok(response.expect("because a status and a number are well formed"))
            }
        };
        self.reply.send(reply).is_ok()
    }
}
