//! Events as a stream.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Request;
use serde_json::Value;
use tidegate_http::{Body, Ending, Options, Token};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::harness::Server;

const PATIENCE: Duration = Duration::from_secs(20);

/// A stream that is being read.
struct Reading {
    body: Body,
    text: String,
}

impl Reading {
    async fn of(server: &Server, uri: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(uri);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
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

    /// Reads until so many events have come; gives their ids and what they say.
    async fn events(&mut self, count: usize) -> Vec<(String, Value)> {
        while self.text.matches("\ndata: ").count() < count {
            assert!(self.read().await, "{}", self.text);
        }
        let events = self.text.split("\n\n").filter_map(|event| {
            let (id, data) = event.trim_start().split_once("\ndata: ")?;
            let data = serde_json::from_str(data).unwrap();
            Some((id.strip_prefix("id: ")?.to_owned(), data))
        });
        events.collect()
    }
}

async fn put(server: &Server, name: &str, id: &str) {
    let uri = format!("/v1/boxes/{name}/things");
    let body = format!(r#"{{"id":"{id}","quantity":1}}"#);
    assert_eq!(
        server.send(crate::harness::post(&uri, &body)).await.status,
        200
    );
}

#[tokio::test]
async fn stream_begins_behind_a_cursor_and_goes_on_with_what_happens() {
    let server = Server::start();
    put(&server, "box", "a").await;
    let mut reading = Reading::of(&server, "/v1/events/stream?after=0", None).await;
    let first = reading.events(1).await.remove(0);
    put(&server, "box", "b").await;
    put(&server, "other", "c").await;
    let events = reading.events(3).await;
    assert_eq!(events[0], first);
    for (id, event) in &events {
        assert_eq!(event["cursor"], **id);
        assert_eq!(
            (&event["domain"], &event["name"]),
            (&"toy".into(), &"put".into())
        );
    }
    // What happens to two keys within a millisecond has no order.
    let mut things: Vec<_> = events
        .iter()
        .map(|(_, event)| &event["facts"]["id"])
        .collect();
    things.sort_by_key(|thing| thing.as_str());
    assert_eq!(things, ["a", "b", "c"]);
    // The header tells better than the query, which is still that of the first request.
    let (last, _) = &first;
    let uri = "/v1/events/stream?after=0&key=box&name=put&domain=toy";
    let mut again = Reading::of(&server, uri, Some(last)).await;
    put(&server, "box", "d").await;
    let things = again.events(2).await;
    let things: Vec<_> = things
        .iter()
        .map(|(_, event)| &event["facts"]["id"])
        .collect();
    assert_eq!(things, ["b", "d"]);
}

#[tokio::test]
async fn stream_from_now_on_says_at_once_where_to_go_on_after_a_break() {
    let server = Server::start();
    put(&server, "box", "before").await;
    tokio::time::sleep(Duration::from_millis(5)).await; // Events tell milliseconds apart.
    let mut reading = Reading::of(&server, "/v1/events/stream", None).await;
    assert!(reading.read().await);
    let id = reading
        .text
        .lines()
        .find_map(|line| line.strip_prefix("id: "));
    let id = id.unwrap().to_owned();
    drop(reading);
    put(&server, "box", "a").await;
    let mut reading = Reading::of(&server, "/v1/events/stream", Some(&id)).await;
    let events = reading.events(1).await;
    assert_eq!(events[0].1["facts"]["id"], "a");
}

#[tokio::test]
async fn what_cannot_be_streamed_is_a_problem() {
    let server = Server::start();
    for uri in ["?after=x", "?limit=1", "?after=-1"] {
        let answer = server.get(&format!("/v1/events/stream{uri}")).await;
        assert!(matches!(answer.problem().0, 400 | 422), "{uri}");
    }
    let request = Request::get("/v1/events/stream").header("last-event-id", "x");
    let answer = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.problem(), (400, "unreadable".to_owned()));
    let closed = Server::with(Options {
        credentials: Some(Token::new("s3cret")),
        ..Options::new("0.0.0-test")
    });
    assert_eq!(closed.get("/v1/events/stream").await.problem().0, 401);
}

/// What is wrong with a request for a stream: the field, and what is said of it.
async fn refused(server: &Server, query: &str, last: Option<&str>) -> (String, String) {
    let mut request = Request::get(format!("/v1/events/stream?{query}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = server.send(request.body(Body::empty()).unwrap());
    let answer = timeout(PATIENCE, answer).await;
    let answer = answer.expect("a problem has an end, a stream has none");
    assert_eq!(answer.problem(), (422, "out_of_range".to_owned()));
    let text = |member: &str| answer.json()[member].as_str().unwrap().to_owned();
    (text("field"), text("detail"))
}

#[tokio::test]
async fn stream_that_could_tell_nothing_is_refused_and_says_what_would_be_right() {
    let server = Server::start();
    let (field, detail) = refused(&server, "domain=nothing", None).await;
    assert_eq!(field, "domain");
    assert_eq!(detail, "`domain` must be one that tells of events: toy");
    let future = "9000000000000000000";
    let (field, detail) = refused(&server, &format!("after={future}"), None).await;
    assert_eq!(field, "after");
    assert!(detail.contains("is of the future"), "{detail}");
    let (field, _) = refused(&server, "after=0", Some(future)).await;
    assert_eq!(field, "Last-Event-ID");
}

#[tokio::test]
async fn list_refuses_what_the_stream_refuses() {
    let server = Server::start();
    for (query, field) in [
        ("domain=nothing", "domain"),
        ("after=9000000000000000000", "after"),
    ] {
        let answer = server.get(&format!("/v1/events?{query}")).await;
        assert_eq!(answer.problem(), (422, "out_of_range".to_owned()));
        assert_eq!(answer.json()["field"], field);
    }
    assert_eq!(server.get("/v1/events?domain=toy").await.status, 200);
}

#[tokio::test]
async fn who_is_behind_the_window_is_told_before_anything_is_streamed() {
    let server = Server::start();
    // Painted things are told of for a millisecond.
    let uri = "/v1/events/stream?after=0&name=painted";
    let told = async {
        for n in 0.. {
            let body = format!(r#"{{"id":"r{n}","quantity":1,"colour":"red"}}"#);
            assert_eq!(server.put(&body).await.status, 200);
            let list = server.get("/v1/events?after=0&name=painted").await;
            if list.status == 409 {
                return list;
            }
        }
        unreachable!("because something is told in time");
    };
    let list = timeout(PATIENCE, told).await.unwrap();
    let answer = server.get(uri).await;
    assert_eq!(answer.problem(), (409, "fell_behind".to_owned()));
    let oldest = answer.json()["oldest"].as_str().unwrap().to_owned();
    assert!(oldest.as_str() >= list.json()["oldest"].as_str().unwrap());
    Reading::of(&server, "/v1/events/stream?after=0&name=put", None).await;
}

#[tokio::test]
async fn client_that_does_not_read_is_told_at_last_that_it_fell_behind() {
    let server = Server::start();
    let mut reading = Reading::of(&server, "/v1/events/stream", None).await;
    assert!(reading.read().await);
    let long = "x".repeat(100);
    for n in 0..1_500 {
        put(&server, &long, &format!("{long}{n}")).await;
    }
    while reading.read().await {}
    let last = reading.text.trim_end().rsplit("\n\n").next().unwrap();
    let (kind, problem) = last.split_once("\ndata: ").unwrap();
    assert_eq!(kind, "event: fell_behind");
    let problem: Value = serde_json::from_str(problem).unwrap();
    assert_eq!(problem["code"], "fell_behind");
    assert!(reading.text.matches("\ndata: ").count() < 1_500);
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let (stop, stopped) = watch::channel(false);
    let server = Server::with(Options {
        ending: Ending::when(stopped),
        ..Options::new("0.0.0-test")
    });
    let mut reading = Reading::of(&server, "/v1/events/stream", None).await;
    assert!(reading.read().await);
    stop.send_replace(true);
    while reading.read().await {}
}
