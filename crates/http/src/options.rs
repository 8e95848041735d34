//! How the front is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use subtle::ConstantTimeEq;
use tokio::sync::watch;

use crate::address::Network;
use crate::limits::{BODY_BYTES_MAX, REQUEST_TIMEOUT, REQUESTS_IN_FLIGHT_MAX, WATCHERS_MAX};
use crate::origins::Origin;
use crate::pages::Page;

/// How the front is set up.
#[derive(Clone)]
pub struct Options {
    /// What a request must carry as `Authorization: Bearer`; `None` lets everyone in.
    pub credentials: Option<Token>,
    /// Without credentials too, answer under any name: other machines reach the server anyway.
    pub any_host: bool,
    /// Proxies whose word about where a request comes from is taken: the header `X-Forwarded-For`.
    pub proxies: Vec<Network>,
    /// Other sites whose pages may send beacons, without credentials too.
    pub beacon_origins: Vec<Origin>,
    /// Bytes of a request body.
    pub body_bytes_max: usize,
    /// Requests being answered at one time; one more is told BUSY.
    pub requests_in_flight_max: usize,
    /// Who watches at one time, by a stream or a long poll that waits; one more is told BUSY.
    pub watchers_max: usize,
    /// How long a request may take, body and answer together.
    pub request_timeout: Duration,
    /// The version of the program, for the OpenAPI document and the metrics.
    pub version: String,
    /// What the program tells in `/metrics` beside what the engine and this front do: it writes families in the text format.
    pub metrics: Arc<dyn Fn(&mut String) + Send + Sync>,
    /// What people are shown, beside the documentation: each under a path that nothing else has.
    pub pages: Vec<Page>,
    /// When streams end.
    pub ending: Ending,
    /// What `/readyz` says.
    pub ready: Arc<dyn Fn() -> Readiness + Send + Sync>,
}

impl Options {
    /// The defaults of [`limits`](crate::limits), no credentials, no pages, and always ready.
    #[must_use]
    pub fn new(version: &str) -> Self {
        Self {
            credentials: None,
            any_host: false,
            proxies: Vec::new(),
            beacon_origins: Vec::new(),
            body_bytes_max: BODY_BYTES_MAX,
            requests_in_flight_max: REQUESTS_IN_FLIGHT_MAX,
            watchers_max: WATCHERS_MAX,
            request_timeout: REQUEST_TIMEOUT,
            version: version.to_owned(),
            metrics: Arc::new(|_| {}),
            pages: Vec::new(),
            ending: Ending::never(),
            ready: Arc::new(|| Readiness::Ready),
        }
    }
}

/// Whether requests can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// They can.
    Ready,
    /// They cannot, for this reason: `replaying the log`, `stopping`.
    NotReady(String),
}

/// When streams, which go on until somebody ends them, are ended by the server.
#[derive(Clone)]
pub struct Ending(Option<watch::Receiver<bool>>);

impl Ending {
    /// With their connections only.
    #[must_use]
    pub fn never() -> Self {
        Self(None)
    }

    /// Once this is true.
    #[must_use]
    pub fn when(stopped: watch::Receiver<bool>) -> Self {
        Self(Some(stopped))
    }

    pub(crate) async fn wait(&mut self) {
        match &mut self.0 {
            // An error means that the sender is gone, which is an end as well.
            Some(stopped) => drop(stopped.wait_for(|stopped| *stopped).await),
            None => std::future::pending().await,
        }
    }
}

/// A bearer token. It is compared in constant time and never printed.
#[derive(Clone)]
pub struct Token(Box<[u8]>);

impl Token {
    /// A token of these characters.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self(token.as_bytes().into())
    }

    /// Whether `offered` is the token. Takes as long for a near miss as for a far one; only the
    /// length can be learned.
    pub(crate) fn is(&self, offered: &[u8]) -> bool {
        self.0.ct_eq(offered).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(…)")
    }
}
