//! Parcels: what somebody brings to a receiver, once, and judges the answer of by themselves. They are signed after
//! the Standard Webhooks specification, and go to hosts as calls do, within the same bounds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use hyper::{Request, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio::sync::{mpsc, oneshot};

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
    /// How long it may take, with its turn and its answer, in milliseconds; its host may bear less.
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
    /// Nothing was answered.
    Nothing {
        /// Why, for people.
        why: String,
    },
}

/// A parcel on its way to a host.
pub(crate) struct Sealed {
    pub(crate) parcel: Parcel,
    pub(crate) back: oneshot::Sender<Delivery>,
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
        let within = Duration::from_millis(parcel.within_ms);
        let within_ms = parcel.within_ms;
        let (back, comes) = oneshot::channel();
        let stopped = || Delivery::Nothing {
            why: "the server is stopping".to_owned(),
        };
        if self.0.send(Sealed { parcel, back }).is_err() {
            return stopped();
        }
        match tokio::time::timeout(within, comes).await {
            Ok(delivery) => delivery.unwrap_or_else(|_| stopped()),
            Err(_) => Delivery::Nothing {
                why: format!("no answer within {within_ms} ms"),
            },
        }
    }
}

/// The request that brings a parcel, signed now.
pub(crate) fn request(
    parcel: &Parcel,
    (uri, signed, token): (Uri, &Signed, Option<&Secret>),
) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
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
    builder.body(Full::new(Bytes::copy_from_slice(&parcel.body)))
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

    #[test]
    fn parcel_is_signed_over_its_id_the_time_and_its_body() {
        let parcel = Parcel {
            receiver: "mailer".to_owned(),
            about: "q".to_owned(),
            id: "msg_7".to_owned(),
            headers: vec![("tidegate-job", "a\n%ä".to_owned())],
            body: b"\xff\0".to_vec(),
            is_retry: false,
            within_ms: 1_000,
        };
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
