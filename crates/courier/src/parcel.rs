//! Parcels: what somebody brings to a receiver, once, and judges the answer of by themselves. They are signed after
//! the Standard Webhooks specification, and go to hosts as calls do, within the same bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use hyper::{Request, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::WAIT_MS_MAX;
use crate::client::AGENT;
use crate::host::Sent;
use crate::service::{Secret, Signed};

/// What is brought to a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Which receiver, by the name that it has in the settings.
    pub receiver: String,
    /// Stands in its address where that says so.
    pub about: String,
    /// The same however often it is brought: without a full stop, as it stands in what is signed.
    pub id: String,
    /// What is said beside it, by names in lower case; values are escaped where they are no ASCII.
    pub headers: Vec<(&'static str, String)>,
    /// What is brought.
    pub body: Vec<u8>,
    /// Whether it was brought before, in vain.
    pub is_retry: bool,
    /// How long it may take, with its turn and its answer, in milliseconds; its host may bear less. Its turn has half of
    /// it at most, so that its answer has the rest.
    pub within_ms: u64,
}

/// What came of a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver has answered.
    Answered {
        /// The status in HTTP.
        status: u16,
        /// What it says.
        body: Vec<u8>,
        /// When to ask again, if it has said.
        retry_after_ms: Option<u64>,
    },
    /// It was sent, and nothing was answered.
    Nothing {
        /// Why, for people.
        why: String,
    },
    /// It has waited for its turn in vain, so that nobody can say anything of it: its host had others to answer, or its
    /// circuit was open, or its budget of retries empty.
    NotSent,
}

/// A parcel on its way to a host.
pub(crate) struct Sealed {
    pub(crate) parcel: Parcel,
    pub(crate) back: oneshot::Sender<Delivery>,
    /// When its time is over.
    until: Instant,
    is_sent: Arc<AtomicBool>,
}

impl Sealed {
    /// It is sent now; gives how much of its time is left, in milliseconds.
    pub(crate) fn begin(&self) -> u64 {
        self.is_sent.store(true, Ordering::Relaxed);
        let left = self.until.saturating_duration_since(Instant::now());
        left.as_millis() as u64
    }

    /// It is not sent.
    pub(crate) fn refuse(self) {
        self.back.send(Delivery::NotSent).ok(); // Who gave it may have stopped waiting.
    }
}

impl Sent for Sealed {
    fn is_retry(&self) -> bool {
        self.parcel.is_retry
    }

    fn number(&self) -> Option<u64> {
        None
    }

    fn is_gone(&self) -> bool {
        self.back.is_closed()
    }

    fn wait_ms_max(&self) -> u64 {
        WAIT_MS_MAX.min(self.parcel.within_ms / 2)
    }
}

/// Where parcels are given to the courier.
#[derive(Clone)]
pub struct Outlet(mpsc::UnboundedSender<Sealed>);

/// Parcels as the courier takes them.
pub struct Parcels(pub(crate) mpsc::UnboundedReceiver<Sealed>);

/// An outlet, and what the courier takes from it.
#[must_use]
pub fn outlet() -> (Outlet, Parcels) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Outlet(sender), Parcels(receiver))
}

impl Outlet {
    /// Brings a parcel. Once nobody waits for what comes of it, it is not sent if it was not yet.
    pub async fn bring(&self, parcel: Parcel) -> Delivery {
        let within_ms = parcel.within_ms;
        let until = Instant::now() + Duration::from_millis(within_ms);
        let (back, comes) = oneshot::channel();
        let is_sent = Arc::new(AtomicBool::new(false));
        let sealed = Sealed {
            parcel,
            back,
            until,
            is_sent: Arc::clone(&is_sent),
        };
        let nothing = |why| {
            if is_sent.load(Ordering::Relaxed) {
                Delivery::Nothing { why }
            } else {
                Delivery::NotSent
            }
        };
        if self.0.send(sealed).is_err() {
            return Delivery::NotSent; // The server is stopping.
        }
        match tokio::time::timeout_at(until, comes).await {
            Ok(Ok(delivery)) => delivery,
            Ok(Err(_)) => nothing("the server is stopping".to_owned()),
            Err(_) => nothing(format!("no answer within {within_ms} ms")),
        }
    }
}

/// The request that brings a parcel, signed now.
pub(crate) fn request(
    parcel: &Parcel,
    (uri, signed, token): (Uri, &Signed, Option<&Secret>),
) -> Result<Request<Bytes>, hyper::http::Error> {
    let timestamp = SystemTime::now().duration_since(UNIX_EPOCH);
    let timestamp = timestamp.map_or(0, |since| since.as_secs());
    let signature = signed.secret.sign(&parcel.id, timestamp, &parcel.body);
    let mut builder = Request::builder()
        .method(hyper::Method::POST)
        .uri(uri)
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, "*/*")
        .header(CONTENT_TYPE, &*signed.content_type)
        .header("webhook-id", &*parcel.id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature);
    if let Some(token) = token {
        builder = token.bear(builder)?;
    }
    for (name, value) in &parcel.headers {
        builder = builder.header(*name, escaped(value));
    }
    builder.body(Bytes::copy_from_slice(&parcel.body))
}

/// A text as the value of a header: what is no visible ASCII, and `%`, is escaped as in a URL.
fn escaped(text: &str) -> String {
    const ESCAPED: AsciiSet = CONTROLS.add(b'%');
    utf8_percent_encode(text, &ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn parcel() -> Parcel {
        Parcel {
            receiver: "mailer".to_owned(),
            about: "q".to_owned(),
            id: "msg_7".to_owned(),
            headers: vec![("tidegate-job", "a\n%ä".to_owned())],
            body: b"\xff\0".to_vec(),
            is_retry: false,
            within_ms: 1_000,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn parcel_that_was_not_sent_is_told_from_one_that_was_not_answered() {
        let (outlet, mut parcels) = outlet();
        let brings = || {
            let outlet = outlet.clone();
            tokio::spawn(async move { outlet.bring(parcel()).await })
        };
        let waits = brings();
        let held = parcels.0.recv().await.unwrap();
        assert_eq!(held.wait_ms_max(), 500);
        assert_eq!(waits.await.unwrap(), Delivery::NotSent);
        assert!(held.is_gone());

        let waits = brings();
        let sent = parcels.0.recv().await.unwrap();
        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!(sent.begin(), 600, "its time goes on while it waits");
        let why = "no answer within 1000 ms".to_owned();
        assert_eq!(waits.await.unwrap(), Delivery::Nothing { why });

        let waits = brings();
        parcels.0.recv().await.unwrap().refuse();
        assert_eq!(waits.await.unwrap(), Delivery::NotSent);
    }

    #[test]
    fn parcel_is_signed_over_its_id_the_time_and_its_body() {
        let parcel = parcel();
        let signed = Signed {
            secret: SECRET.parse().unwrap(),
            content_type: "application/octet-stream".to_owned(),
        };
        let uri = Uri::from_static("https://mailer.example/q");
        let token = Secret::new("letmein".to_owned());
        let request = request(&parcel, (uri, &signed, Some(&token))).unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        let timestamp = header("webhook-timestamp").parse().unwrap();
        assert_eq!(header("webhook-id"), "msg_7");
        let signature = signed.secret.sign("msg_7", timestamp, b"\xff\0");
        assert_eq!(header("webhook-signature"), signature);
        assert_eq!(header("tidegate-job"), "a%0A%25%C3%A4");
        assert_eq!(header("content-type"), "application/octet-stream");
        assert_eq!(header("authorization"), "Bearer letmein");
        assert!(request.headers()["authorization"].is_sensitive());
    }
}
