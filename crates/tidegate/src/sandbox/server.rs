//! Connections: a bounded number of them, none of which is held for ever by doing nothing.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::api;
use super::provider::Provider;

/// Connections at one time; others wait to be accepted. Fits into the 1,024 files that a process
/// usually may open, beside the senders of webhooks.
pub(super) const CONNECTIONS_MAX: usize = 800;

/// How long a head may take to come, or a connection be idle: longer than common clients keep one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// How long accepting rests when the machine has no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves for ever.
pub(super) async fn serve(listener: TcpListener, provider: Arc<Provider>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let permit = Arc::clone(&connections).acquire_owned().await;
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if provider.is_down() {
            provider.count(|answers| answers.closed_while_down += 1);
            continue;
        }
        let provider = Arc::clone(&provider);
        tokio::spawn(async move {
            connection(stream, provider).await;
            drop(permit);
        });
    }
}

async fn connection(stream: TcpStream, provider: Arc<Provider>) {
    // Cannot fail on an open socket; without it answers are slower.
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request| api::answer(Arc::clone(&provider), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // How a connection ends is its client's affair, or was intended.
    served.await.ok();
}
