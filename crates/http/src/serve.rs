//! Connections: a bounded number of them, none of which can be held for ever by doing nothing.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::limits::{
    ACCEPT_PAUSE, CONNECTION_BUFFER_BYTES, DRAIN_TIMEOUT, HEAD_TIMEOUT, HEADERS_MAX,
    TURN_AWAY_TIMEOUT, TURNED_AWAY_MAX, WRITE_TIMEOUT,
};
use crate::router::Router;

/// What a connection beyond the bound is told, whatever it asks.
const TURNED_AWAY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\nretry-after: 1\r\nconnection: close\r\n\
    content-length: 183\r\n\r\n\
    {\"type\":\"/docs/problems#busy\",\"title\":\"busy\",\"status\":503,\"code\":\"busy\",\
    \"detail\":\"This server has as many connections as it takes. Nothing was done; ask again.\",\
    \"retry_after_ms\":1000}";

/// Serves `router` on `listener` until `shutdown` is done, then lets running requests end. At most
/// `connections_max` connections are served at one time; one more is told BUSY and closed. Each lives on the
/// runtime that `place` gives for it.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    place: impl Fn() -> Handle,
    shutdown: impl Future<Output = ()>,
) {
    let connections = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => (stream, peer.ip()),
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
        };
        if let Ok(permit) = Arc::clone(&connections).try_acquire_owned() {
            let (router, watcher) = (router.clone(), graceful.watcher());
            let moved = stream.into_std();
            place().spawn(async move {
                if let Ok(stream) = moved.and_then(TcpStream::from_std) {
                    // How a connection ends is its client's affair; what was asked was answered.
                    let _ = watcher.watch(connection(stream, peer, router)).await;
                }
                drop(permit);
            });
        } else if let Ok(permit) = Arc::clone(&turned_away).try_acquire_owned() {
            tokio::spawn(async move {
                let _ = timeout(TURN_AWAY_TIMEOUT, turn_away(stream)).await;
                drop(permit);
            });
        }
    }
    drop(listener);
    let _ = timeout(DRAIN_TIMEOUT, graceful.shutdown()).await;
}

fn connection(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
) -> impl GracefulConnection<Error = hyper::Error> {
    // Neither can fail on an open socket; without them it is slower, or closes later.
    let _ = stream.set_nodelay(true);
    let _ = drop_if_unread(&stream, WRITE_TIMEOUT);
    let service = service_fn(move |request| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.answer(Some(peer), request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(CONNECTION_BUFFER_BYTES)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
}

/// Has the system drop a connection whose client does not take what was sent.
#[cfg(target_os = "linux")]
fn drop_if_unread(stream: &TcpStream, after: Duration) -> io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(after))
}

/// Only Linux has such a time-out; elsewhere the number of connections is the bound.
#[cfg(not(target_os = "linux"))]
fn drop_if_unread(_stream: &TcpStream, _after: Duration) -> io::Result<()> {
    Ok(())
}

/// Tells a connection that there is no room, and reads what it sent, for closing over unread bytes
/// would take the answer back.
async fn turn_away(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(TURNED_AWAY).await?;
    stream.shutdown().await?;
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

/// A client that went away before it was accepted is nothing; no descriptors left is a rest.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    let kinds = [
        ConnectionAborted,
        ConnectionRefused,
        ConnectionReset,
        Interrupted,
    ];
    if !kinds.contains(&error.kind()) {
        sleep(ACCEPT_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canned_answer_is_as_long_as_it_says_and_is_json() {
        let text = std::str::from_utf8(TURNED_AWAY).expect("because it is ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("because it has a body");
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{}",
            body.len()
        );
        let body: serde_json::Value = serde_json::from_str(body).expect("because it is JSON");
        assert_eq!(body["code"], "busy");
    }
}
