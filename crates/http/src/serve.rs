//! Connections: a bounded number of them, none of which can be held for ever by doing nothing.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::answer::Body;
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
    let (stopping, _) = watch::channel(());
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
            let of_peer = OfPeer {
                router: router.clone(),
                peer,
                place: Place(Arc::new(permit)),
            };
            let (moved, stopping) = (stream.into_std(), stopping.subscribe());
            place().spawn(async move {
                if let Ok(stream) = moved.and_then(TcpStream::from_std) {
                    carry(stream, of_peer, stopping).await;
                }
            });
        } else if let Ok(permit) = Arc::clone(&turned_away).try_acquire_owned() {
            tokio::spawn(async move {
                let _ = timeout(TURN_AWAY_TIMEOUT, turn_away(stream)).await;
                drop(permit);
            });
        }
    }
    drop(listener);
    let _ = stopping.send(());
    let _ = timeout(DRAIN_TIMEOUT, stopping.closed()).await;
}

/// Who answers the requests of one connection.
struct OfPeer {
    router: Router,
    peer: IpAddr,
    place: Place,
}

/// The place of a connection, until all are dropped: one that goes on under another protocol keeps it.
#[derive(Clone)]
pub(crate) struct Place(
    #[expect(dead_code, reason = "it is held, not read")] Arc<OwnedSemaphorePermit>,
);

/// Carries a connection to its end, which comes with that of the running request once the server stops. How it
/// ends is its client's affair: what was asked was answered.
async fn carry(stream: TcpStream, of_peer: OfPeer, mut stopping: watch::Receiver<()>) {
    // Neither can fail on an open socket; without them it is slower, or closes later.
    let _ = stream.set_nodelay(true);
    let _ = drop_if_unread(&stream, WRITE_TIMEOUT);
    let service = service_fn(|request| of_peer.answer(request));
    let connection = protocol().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    tokio::select! {
        _ = &mut connection => return,
        _ = stopping.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

impl OfPeer {
    fn answer(
        &self,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Result<hyper::Response<Body>, Infallible>> + use<> {
        request.extensions_mut().insert(self.place.clone());
        let (router, peer) = (self.router.clone(), self.peer);
        async move { Ok(router.answer(Some(peer), request).await) }
    }
}

fn protocol() -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(CONNECTION_BUFFER_BYTES)
        .max_headers(HEADERS_MAX);
    protocol
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
