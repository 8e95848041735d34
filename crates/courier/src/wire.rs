//! What carries requests to hosts: the network, or what stands in its place where a run has to be repeatable.

use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tidegate_engine::limits::CALL_ANSWER_BYTES_MAX;

use crate::address::Guarded;

/// How long a connection that nothing is sent over is kept.
const IDLE: Duration = Duration::from_secs(30);

/// An answer on its way; or why there is none, for people.
pub type Carried = Pin<Box<dyn Future<Output = Result<Response<Bytes>, String>> + Send>>;

/// Carries requests to hosts and brings what they answer, [`CALL_ANSWER_BYTES_MAX`] bytes of it at most. It knows no
/// limits of time: whoever sends stops waiting, and drops what is on its way.
pub trait Wire: Send + Sync {
    /// Carries one request.
    fn carry(&self, request: Request<Bytes>) -> Carried;
}

/// The network, over HTTP/1.1.
pub(crate) struct Network {
    pool: Pool<HttpsConnector<HttpConnector<Guarded>>, Full<Bytes>>,
}

impl Network {
    /// What trusts whom this machine trusts.
    pub(crate) fn new(guarded: Guarded) -> Self {
        let mut connector = HttpConnector::new_with_resolver(guarded);
        connector.enforce_http(false);
        connector.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(trust())
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let mut builder = Pool::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new());
        builder.pool_idle_timeout(IDLE);
        Self {
            pool: builder.build(connector),
        }
    }
}

impl Wire for Network {
    fn carry(&self, request: Request<Bytes>) -> Carried {
        let response = self.pool.request(request.map(Full::new));
        Box::pin(async move {
            let response = response.await.map_err(|error| innermost(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, CALL_ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    format!("an answer of more than {CALL_ANSWER_BYTES_MAX} bytes")
                } else {
                    innermost(&*error)
                }
            })?;
            Ok(Response::from_parts(head, body.to_bytes()))
        })
    }
}

/// The roots that this machine trusts. With none nothing of https is called, and each try says so.
fn trust() -> rustls::ClientConfig {
    use hyper_rustls::ConfigBuilderExt;
    let provider = rustls::crypto::ring::default_provider();
    let builder = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("because the provider knows the versions");
    match builder.clone().with_native_roots() {
        Ok(with_roots) => with_roots.with_no_client_auth(),
        Err(_) => builder
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
    }
}

/// What was behind an error: libraries say only where it happened.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
