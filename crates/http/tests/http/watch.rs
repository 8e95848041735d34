//! Queries that are watched: long polls and streams.

use std::net::TcpStream;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Request;
use serde_json::{Value, json};
use tidegate_http::{Body, Options, Router, divided};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use crate::harness::{Answered, Server};
use crate::shed::shed;
use crate::wire::Listening;

const PATIENCE: Duration = Duration::from_secs(20);

const LAMP: &str = "/v1/boxes/box/lamp";
const STREAM: &str = "/v1/boxes/box/stream";

/// Puts a thing into the box, so many of it.
async fn put(server: &Server, thing: &str, quantity: u64) {
    let list = json!({ "things": [{ "id": thing, "quantity": quantity }] });
    let request = Request::put("/v1/boxes/box/things").header("content-type", "application/json");
    let request = request.body(Body::from(list.to_string())).unwrap();
    assert_eq!(server.send(request).await.status, 200);
}

async fn ask(server: &Server, uri: &str, seen: &str) -> Answered {
    let request = Request::get(uri).header("if-none-match", seen);
    server.send(request.body(Body::empty()).unwrap()).await
}

/// A stream that is being read.
struct Reading {
    body: Body,
    text: String,
}

impl Reading {
    async fn of(server: &Server, uri: &str) -> Self {
        let request = Request::get(uri).body(Body::empty()).unwrap();
        let response = server.router.answer(None, request).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body(),
            text: String::new(),
        }
    }

    /// Reads one piece; `false` at the end.
    async fn read(&mut self) -> bool {
        let frame = timeout(PATIENCE, self.body.frame()).await.unwrap();
        let Some(frame) = frame else { return false };
        let data = frame.unwrap().into_data().unwrap();
        self.text.push_str(std::str::from_utf8(&data).unwrap());
        true
    }

    /// The next event: its name, and what it says.
    async fn event(&mut self) -> (String, Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (name, data) = event.split_once("\ndata: ").unwrap();
                let name = name.strip_prefix("event: ").unwrap().to_owned();
                let event = (name, serde_json::from_str(data).unwrap());
                self.text = rest.to_owned();
                return event;
            }
            assert!(self.read().await, "{}", self.text);
        }
    }

    /// What the next event says of the lamp.
    async fn light(&mut self) -> Value {
        let (name, said) = self.event().await;
        assert_eq!(name, "TOY.LAMP");
        said["light"].clone()
    }
}

#[tokio::test]
async fn an_answer_has_a_tag_that_time_alone_does_not_change_and_who_has_it_is_told_no_more() {
    let server = Server::start();
    let first = server.get(LAMP).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(first.header("cache-control"), "no-store");
    loop {
        let later = server.get(LAMP).await;
        assert_eq!(later.header("etag"), tag);
        if later.json()["now_ms"] != first.json()["now_ms"] {
            break;
        }
    }
    let nothing = ask(&server, LAMP, &tag).await;
    assert_eq!((nothing.status.as_u16(), nothing.bytes), (304, vec![]));
    put(&server, "lamp", 3).await;
    let news = ask(&server, LAMP, &tag).await;
    assert_eq!(
        (news.status.as_u16(), &news.json()["light"]),
        (200, &json!(3))
    );
    assert_ne!(news.header("etag"), tag);
    // What is not watched has no tag.
    assert_eq!(server.get("/v1/boxes/box/things").await.header("etag"), "");
}

#[tokio::test]
async fn long_poll_ends_with_the_first_news_or_without_any_once_its_time_is_over() {
    let server = Server::start();
    let tag = server.get(LAMP).await.header("etag").to_owned();
    let nothing = ask(&server, &format!("{LAMP}?wait_ms=50"), &tag).await;
    assert_eq!(
        (nothing.status.as_u16(), nothing.header("etag")),
        (304, &*tag)
    );
    let uri = format!("{LAMP}?wait_ms=20000");
    let (news, ()) = tokio::join!(ask(&server, &uri, &tag), put(&server, "lamp", 4));
    assert_eq!(
        (news.status.as_u16(), &news.json()["light"]),
        (200, &json!(4))
    );
    // Whoever has seen nothing is answered at once, and so is a refusal.
    let began = tokio::time::Instant::now();
    assert_eq!(server.get(&uri).await.status, 200);
    let missing = server.get("/v1/boxes/box/one?thing=a&wait_ms=20000").await;
    assert_eq!(missing.problem(), (404, "unknown_box".to_owned()));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_wait_that_cannot_be_is_refused() {
    let server = Server::start();
    for (uri, expected) in [
        (format!("{LAMP}?wait_ms=25001"), (422, "out_of_range")),
        (format!("{LAMP}?wait_ms=-1"), (422, "out_of_range")),
        (format!("{LAMP}?wait_ms=soon"), (400, "unreadable")),
        (format!("{LAMP}?wait_ms=1&wait_ms=1"), (400, "unreadable")),
        (format!("{LAMP}?wait_ms=1&more=1"), (400, "unreadable")),
        (
            "/v1/boxes/box/things?wait_ms=1".to_owned(),
            (400, "unreadable"),
        ),
    ] {
        let (status, code) = server.get(&uri).await.problem();
        assert_eq!((status, &*code), expected, "{uri}");
    }
}

#[tokio::test]
async fn stream_begins_with_the_answers_of_now_and_goes_on_with_those_that_differ() {
    let server = Server::start();
    put(&server, "a", 1).await;
    let mut reading = Reading::of(&server, &format!("{STREAM}?thing=a")).await;
    assert_eq!(reading.light().await, json!(null));
    let (name, said) = reading.event().await;
    assert_eq!((&*name, &said["quantity"]), ("TOY.ONE", &json!(1)));
    put(&server, "lamp", 7).await;
    assert_eq!(reading.light().await, 7);
    put(&server, "a", 2).await;
    let (name, said) = reading.event().await;
    assert_eq!((&*name, &said["quantity"]), ("TOY.ONE", &json!(2)));
}

#[tokio::test]
async fn stream_has_the_queries_whose_fields_are_given_and_is_refused_as_they_are() {
    let server = Server::start();
    let mut reading = Reading::of(&server, STREAM).await;
    assert_eq!(reading.light().await, json!(null));
    put(&server, "lamp", 1).await;
    assert_eq!(reading.light().await, 1);
    for (uri, expected) in [
        (format!("{STREAM}?thing=none"), (404, "unknown_box")),
        (format!("{STREAM}?thing="), (422, "out_of_range")),
        (format!("{STREAM}?note=a"), (400, "unreadable")),
        (format!("{STREAM}?wait_ms=1"), (400, "unreadable")),
        (format!("{STREAM}?thing=a&thing=a"), (400, "unreadable")),
    ] {
        let (status, code) = server.get(&uri).await.problem();
        assert_eq!((status, &*code), expected, "{uri}");
    }
}

#[tokio::test]
async fn stream_of_what_is_refused_later_says_so_and_ends() {
    let server = Server::start();
    put(&server, "a", 1).await;
    let mut reading = Reading::of(&server, &format!("{STREAM}?thing=a")).await;
    reading.event().await;
    reading.event().await;
    put(&server, "a", 10).await;
    let (name, said) = reading.event().await;
    assert_eq!((&*name, &said["code"]), ("problem", &json!("box_full")));
    assert!(!reading.read().await);
}

#[tokio::test]
async fn what_changes_with_time_is_told_though_no_row_does() {
    let server = Server::start();
    let mut reading = Reading::of(&server, "/v1/boxes/box/seconds").await;
    let (_, first) = reading.event().await;
    let (_, second) = reading.event().await;
    assert!(second["second"].as_u64() > first["second"].as_u64());
}

#[tokio::test]
async fn who_reads_slowly_is_told_the_newest_and_not_all_that_was() {
    let server = Server::start();
    let mut reading = Reading::of(&server, STREAM).await;
    assert_eq!(reading.light().await, json!(null));
    for light in 1..=9 {
        put(&server, "lamp", light).await;
    }
    let mut told = Vec::new();
    while told.last() != Some(&json!(9)) {
        told.push(reading.light().await);
    }
    assert!(told.len() <= 4, "{told:?}");
}

#[tokio::test]
async fn a_question_is_asked_once_for_all_who_follow_it() {
    let server = Server::start();
    let mut readings = Vec::new();
    for _ in 0..50 {
        readings.push(Reading::of(&server, STREAM).await);
    }
    for reading in &mut readings {
        assert_eq!(reading.light().await, json!(null));
    }
    let before = server.door.metrics().requests_admitted.get();
    put(&server, "lamp", 5).await;
    for reading in &mut readings {
        assert_eq!(reading.light().await, 5);
    }
    let asked = server.door.metrics().requests_admitted.get() - before;
    assert!(asked < 25, "{asked} requests for 50 watchers");
}

#[tokio::test]
async fn many_who_come_at_once_are_told_by_two_questions_though_the_answer_changes_all_the_time() {
    let server = Server::start();
    let uri = format!("{LAMP}?wait_ms=20000");
    let before = server.door.metrics().requests_admitted.get();
    let come = futures_util::future::join_all((0..50).map(|_| server.get(&uri)));
    let mut come = std::pin::pin!(come);
    let mut puts = 0;
    let told = loop {
        tokio::select! {
            told = &mut come => break told,
            () = put(&server, "lamp", puts + 1) => puts += 1,
        }
    };
    assert!(told.iter().all(|one| one.status == 200));
    // The last put may have been broken off behind the door.
    let asked = server.door.metrics().requests_admitted.get() - before - puts;
    assert!(asked <= 3, "{asked} questions for 50 who came at once");
}

#[tokio::test]
async fn watchers_have_places_of_their_own_and_one_too_many_is_told_busy() {
    let server = Server::with(Options {
        watchers_max: 1,
        ..Options::new("0.0.0-test")
    });
    let reading = Reading::of(&server, STREAM).await;
    for uri in [STREAM.to_owned(), format!("{LAMP}?wait_ms=20000")] {
        let refused = server.get(&uri).await;
        assert_eq!(refused.problem(), (503, "busy".to_owned()));
        assert_eq!(refused.header("retry-after"), "1");
    }
    assert_eq!(server.get(LAMP).await.status, 200);
    drop(reading);
    while server.get(&format!("{LAMP}?wait_ms=1")).await.status == 503 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn while_a_query_is_shed_nobody_begins_to_watch_it_and_who_does_is_told_later() {
    let server = Server::start();
    let mut reading = Reading::of(&server, STREAM).await;
    assert_eq!(reading.light().await, json!(null));
    put(&server, "lamp", 6).await;
    shed(&server, "normal").await;
    let busy = &server.door.metrics().requests_busy;
    let before = busy.get();
    while busy.get() == before {
        tokio::task::yield_now().await;
    }
    for uri in ["/v1/boxes/dark/stream", "/v1/boxes/dark/lamp?wait_ms=20000"] {
        let refused = server.get(uri).await;
        assert_eq!(refused.problem(), (503, "busy".to_owned()));
        assert_eq!(refused.json()["shed"], "normal");
    }
    shed(&server, "none").await;
    assert_eq!(reading.light().await, 6);
}

#[tokio::test]
async fn a_websocket_that_is_asked_for_badly_is_refused_with_the_reason() {
    let server = Server::start();
    let handshake = [
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    // One without each, and one over what is no connection.
    let missing = handshake.map(|(name, _)| Some(name));
    for without in missing.into_iter().chain([None]) {
        let request = Request::get(STREAM).header("upgrade", "websocket");
        let given = handshake.iter().filter(|(name, _)| Some(*name) != without);
        let request = given.fold(request, |it, (name, value)| it.header(*name, *value));
        let answered = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answered.problem(), (400, "unreadable".to_owned()));
        let detail = answered.json()["detail"].as_str().unwrap().to_lowercase();
        let named = without.map_or("this connection", |name| match name {
            "connection" => "`connection: upgrade`",
            name => name,
        });
        assert!(detail.contains(named), "{named}: {detail}");
    }
}

#[tokio::test]
async fn public_address_streams_what_is_public() {
    let server = Server::start();
    put(&server, "a", 1).await;
    let options = || Options::new("0.0.0-test");
    let (public, all) = divided(&server.door, options(), options());
    let status = async |router: &Router, uri: &str| {
        let request = Request::get(uri).body(Body::empty()).unwrap();
        router.answer(None, request).await.status().as_u16()
    };
    let with_thing = format!("{STREAM}?thing=a");
    assert_eq!(status(&public, STREAM).await, 200);
    assert_eq!(
        status(&public, &with_thing).await,
        400,
        "no field of it there"
    );
    assert_eq!(status(&all, &with_thing).await, 200);
    assert_eq!(status(&public, "/v1/boxes/box/seconds").await, 404);
}

type Socket = WebSocket<TcpStream>;

/// A WebSocket to a stream, as a page of `origin` asks for it.
async fn socket(server: &Listening, uri: &str, origin: &str) -> Result<Socket, u16> {
    let address = server.address;
    let request = Request::get(format!("ws://{address}{uri}"))
        .header("host", address.to_string())
        .header("origin", origin)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let request = request.body(()).unwrap();
    let connect = move || {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                Err(response.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    };
    spawn_blocking(connect).await.unwrap()
}

/// The next message but for pings.
async fn heard(mut socket: Socket) -> (Socket, Message) {
    let hear = move || loop {
        let message = socket.read().unwrap();
        if !message.is_ping() {
            return (socket, message);
        }
    };
    spawn_blocking(hear).await.unwrap()
}

#[tokio::test]
async fn websocket_is_told_the_same_as_a_stream_of_events() {
    let server = Listening::with(Options::new("0.0.0-test"), 8).await;
    let own = format!("http://{}", server.address);
    let socket = socket(&server, STREAM, &own).await.unwrap();
    let (socket, first) = heard(socket).await;
    let said: Value = serde_json::from_str(first.to_text().unwrap()).unwrap();
    assert_eq!(
        (&said["event"], &said["data"]["light"]),
        (&json!("TOY.LAMP"), &json!(null))
    );
    put(&server.server, "lamp", 8).await;
    let (mut socket, second) = heard(socket).await;
    let said: Value = serde_json::from_str(second.to_text().unwrap()).unwrap();
    assert_eq!(said["data"]["light"], 8);
    // It listens to nothing.
    socket.send(Message::text("?")).unwrap();
    let (_, end) = heard(socket).await;
    let Message::Close(Some(end)) = end else {
        panic!("{end}")
    };
    assert_eq!(end.code, CloseCode::Unsupported);
}

#[tokio::test]
async fn websocket_is_refused_before_it_begins_as_any_request_is() {
    let server = Listening::with(Options::new("0.0.0-test"), 8).await;
    let own = format!("http://{}", server.address);
    let refused = socket(&server, &format!("{STREAM}?thing=none"), &own).await;
    assert_eq!(refused.err(), Some(404));
    let foreign = socket(&server, STREAM, "http://evil.com").await;
    assert_eq!(foreign.err(), Some(403));
}

#[tokio::test]
async fn websocket_keeps_the_place_of_its_connection() {
    let server = Listening::with(Options::new("0.0.0-test"), 1).await;
    let own = format!("http://{}", server.address);
    let open = socket(&server, STREAM, &own).await.unwrap();
    let refused = socket(&server, STREAM, &own).await;
    assert_eq!(refused.err(), Some(503));
    drop(open);
}

#[tokio::test]
async fn page_of_another_site_gets_no_websocket_whatever_this_server_is_called() {
    let server = Server::with(Options {
        any_host: true,
        ..Options::new("0.0.0-test")
    });
    let request = Request::get(STREAM)
        .header("upgrade", "websocket")
        .header("sec-fetch-site", "cross-site");
    let answered = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answered.problem(), (403, "cross_site".to_owned()));
}
