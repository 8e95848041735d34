//! The front over a real socket, asked byte by byte.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tidegate_http::{Options, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::harness::Server;

const PATIENCE: Duration = Duration::from_secs(10);

/// A server on a port of its own.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    pub(crate) server: Server,
}

impl Listening {
    async fn start(connections_max: usize) -> Self {
        Self::with(Options::new("0.0.0-test"), connections_max).await
    }

    pub(crate) async fn with(options: Options, connections_max: usize) -> Self {
        let server = Server::with(options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let router = server.router.clone();
        let served = tokio::spawn(serve(
            listener,
            router,
            connections_max,
            Handle::current,
            async move {
                let _ = stopped.await;
            },
        ));
        Self {
            address,
            stop,
            served,
            server,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes, and reads until the server closes.
    pub(crate) async fn ask(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        read_to_end(&mut stream).await
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

const CLOSE: &str = "Host: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n";

#[tokio::test]
async fn a_chunked_body_is_read_to_its_end() {
    let server = Listening::start(8).await;
    let request = format!(
        "POST /v1/boxes/a%2Fb/things HTTP/1.1\r\n{CLOSE}Transfer-Encoding: chunked\r\n\r\n\
         7\r\n{{\"id\":\"\r\n1\r\na\r\nf\r\n\",\"quantity\":2}}\r\n0\r\n\r\n"
    );
    let answer = server.ask(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(body(&answer)["box_name"], "a/b");
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let server = Listening::start(8).await;
    let mut stream = server.connect().await;
    let keep = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(3);
    let last = format!("HEAD /openapi.json HTTP/1.1\r\n{CLOSE}\r\n");
    stream
        .write_all(format!("{keep}{last}").as_bytes())
        .await
        .unwrap();
    let answer = read_to_end(&mut stream).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 4, "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "a HEAD has no body");
}

#[tokio::test]
async fn a_plain_tool_need_not_say_whom_it_asks() {
    let server = Listening::start(8).await;
    let answer = server.ask(b"GET /metrics HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
    let answer = server
        .ask(b"GET /metrics HTTP/1.0\r\nHost: evil.com\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.0 421 "), "{answer}");
}

#[tokio::test]
async fn a_huge_body_is_refused_whether_its_length_is_said_or_not() {
    let mut options = Options::new("0.0.0-test");
    options.body_bytes_max = 64 * 1024;
    let server = Listening::with(options, 8).await;
    let huge = "x".repeat(1024 * 1024);
    let path = "POST /v1/boxes/box/things HTTP/1.1";
    let length = huge.len();
    let requests = [
        format!("{path}\r\n{CLOSE}Content-Length: {length}\r\n\r\n{huge}"),
        format!(
            "{path}\r\n{CLOSE}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{huge}\r\n0\r\n\r\n"
        ),
        format!("{path}\r\n{CLOSE}Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n"),
        format!("{path}\r\n{CLOSE}Content-Length: 99999999999\r\n\r\n"),
    ];
    for request in requests {
        let answer = server.ask(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert_eq!(body(&answer)["code"], "body_too_large");
    }
}

#[tokio::test]
async fn a_connection_too_many_is_told_so_and_takes_nobody_elses_place() {
    let server = Listening::start(1).await;
    let mut first = server.connect().await;
    first
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut some = [0; 16];
    first.read_exact(&mut some).await.unwrap();

    let answer = server
        .ask(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(body(&answer)["code"], "busy");

    drop(first);
    let request = format!("GET /healthz HTTP/1.1\r\n{CLOSE}\r\n");
    let again = async {
        while !server
            .ask(request.as_bytes())
            .await
            .starts_with("HTTP/1.1 200 ")
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, again)
        .await
        .expect("because a place is free once the first left");
}

#[tokio::test]
async fn a_head_that_is_too_large_or_no_head_at_all_does_not_hold_the_server() {
    let server = Listening::start(8).await;
    let long = "y".repeat(256 * 1024);
    let mut stream = server.connect().await;
    let _ = stream
        .write_all(format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
        .await;
    let mut first = [0; 12];
    if stream.read_exact(&mut first).await.is_ok() {
        assert!(first.starts_with(b"HTTP/1.1 4"), "{first:?}");
    }
    let answer = server.ask(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn stopping_lets_a_running_request_end_and_closes_idle_connections() {
    let server = Listening::start(8).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut some = [0; 16];
    idle.read_exact(&mut some).await.unwrap();

    let mut running = server.connect().await;
    let head = format!("POST /v1/boxes/box/things HTTP/1.1\r\n{CLOSE}Content-Length: 23\r\n\r\n");
    running.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    running
        .write_all(br#"{"id":"a","quantity":1}"#)
        .await
        .unwrap();
    let answer = read_to_end(&mut running).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");

    read_to_end(&mut idle).await;
    timeout(PATIENCE, server.served).await.unwrap().unwrap();
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "nobody listens any more"
    );
}
