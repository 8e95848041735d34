//! Each kind of "no".

use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::{Method, Request};
use tidegate_http::{Body, Options, Token};

use crate::harness::{Answered, Server, post, put};

fn options() -> Options {
    Options::new("0.0.0-test")
}

#[tokio::test]
async fn a_field_that_is_wrong_is_named() {
    let server = Server::start();
    let cases = [
        (
            r#"{"id":"a","quantity":0}"#,
            422,
            "out_of_range",
            "quantity",
        ),
        (
            r#"{"id":"a","quantity":1001}"#,
            422,
            "out_of_range",
            "quantity",
        ),
        (r#"{"id":"","quantity":1}"#, 422, "out_of_range", "id"),
        (
            r#"{"id":"a\u0000","quantity":1}"#,
            422,
            "out_of_range",
            "id",
        ),
        (
            r#"{"id":"a","quantity":1,"colour":"green"}"#,
            422,
            "out_of_range",
            "colour",
        ),
        (r#"{"id":"a"}"#, 400, "unreadable", "quantity"),
        (
            r#"{"id":"a","quantity":"1"}"#,
            400,
            "unreadable",
            "quantity",
        ),
        (
            r#"{"id":"a","quantity":1.5}"#,
            400,
            "unreadable",
            "quantity",
        ),
        (
            r#"{"id":"a","quantity":[1]}"#,
            400,
            "unreadable",
            "quantity",
        ),
        (r#"{"id":7,"quantity":1}"#, 400, "unreadable", "id"),
        (
            r#"{"id":"a","quantity":1,"note":null}"#,
            400,
            "unreadable",
            "note",
        ),
        (
            r#"{"id":"a","quantity":1,"size":9}"#,
            400,
            "unreadable",
            "size",
        ),
        (
            r#"{"id":"a","quantity":1,"quantity":2}"#,
            400,
            "unreadable",
            "quantity",
        ),
        (
            r#"{"id":"a","quantity":1,"box_name":"b"}"#,
            400,
            "unreadable",
            "box_name",
        ),
    ];
    for (body, status, code, field) in cases {
        let answered = server.put(body).await;
        assert_eq!(answered.problem(), (status, code.to_owned()), "{body}");
        let problem = answered.json();
        assert_eq!(problem["field"], field, "{body}");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains(&format!("`{field}`")),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn a_query_string_takes_fields_of_a_get_only() {
    let server = Server::start();
    for (uri, status, field) in [
        ("/v1/boxes/box/things?size=1", 400, "size"),
        ("/v1/boxes/box/things?limit=1&limit=2", 400, "limit"),
        ("/v1/boxes/box/things?limit=x", 400, "limit"),
        ("/v1/boxes/box/things?limit=0", 422, "limit"),
        ("/v1/boxes/box/things?after=%FF", 400, "after"),
        ("/v1/boxes/box/things?box_name=b", 400, "box_name"),
    ] {
        let answered = server.get(uri).await;
        assert_eq!(answered.problem().0, status, "{uri}");
        assert_eq!(answered.json()["field"], field, "{uri}");
    }
    let posted = server
        .send(post("/v1/boxes/box/things?quantity=1", r#"{"id":"a"}"#))
        .await;
    assert_eq!(posted.json()["field"], "quantity");
    let with_body = Request::get("/v1/boxes/box/things").header("content-type", "application/json");
    let answered = server.send(with_body.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answered.problem(), (400, "unreadable".to_owned()));
}

#[tokio::test]
async fn a_path_that_is_not_text_is_unreadable() {
    let server = Server::start();
    let answered = server.get("/v1/boxes/%FF/things").await;
    assert_eq!(answered.problem(), (400, "unreadable".to_owned()));
}

#[tokio::test]
async fn a_path_whose_percent_sign_means_nothing_is_unreadable() {
    let server = Server::start();
    for name in ["%zz", "a%4", "%"] {
        let answered = server.get(&format!("/v1/boxes/{name}/things")).await;
        assert_eq!(answered.problem(), (400, "unreadable".to_owned()), "{name}");
        let detail = answered.json()["detail"].to_string();
        assert!(detail.contains("written `%25`"), "{detail}");
    }
}

#[tokio::test]
async fn a_body_must_be_a_json_object_that_says_so() {
    let server = Server::start();
    for body in ["[1]", "{", "quantity=1", "nul", "{\"id\":\"a\"} x"] {
        assert_eq!(
            server.put(body).await.problem(),
            (400, "unreadable".to_owned()),
            "{body}"
        );
    }
    let undeclared = Request::post("/v1/boxes/box/things")
        .body(Body::from("{}"))
        .unwrap();
    let expected = (415, "unsupported_media_type".to_owned());
    assert_eq!(server.send(undeclared).await.problem(), expected);
    let mut form = put("{}");
    form.headers_mut()
        .insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(server.send(form).await.problem(), expected);
}

#[tokio::test]
async fn a_refusal_is_a_problem_with_its_facts() {
    let server = Server::start();
    let full = server.put(r#"{"id":"a","quantity":11}"#).await;
    assert_eq!(full.problem(), (409, "box_full".to_owned()));
    assert_eq!(full.json()["room"], 10);
    let body = r#"{"id":"a","quantity":1}"#;
    let unknown = server.send(post("/v1/boxes/nowhere/things", body)).await;
    assert_eq!(unknown.problem(), (404, "unknown_box".to_owned()));
    assert_eq!(unknown.json()["detail"], "No such box.");
    let storm = server.send(post("/v1/boxes/storm/things", body)).await;
    assert_eq!(storm.problem(), (503, "storm".to_owned()));
    assert_eq!(storm.header("retry-after"), "1");
}

#[tokio::test]
async fn overload_is_busy_at_once_and_says_when_to_ask_again() {
    let server = Server::with(Options {
        requests_in_flight_max: 0,
        ..options()
    });
    let busy = server.put(r#"{"id":"a","quantity":1}"#).await;
    assert_eq!(busy.problem(), (503, "busy".to_owned()));
    assert_eq!(busy.header("retry-after"), "1");
    assert_eq!(busy.json()["retry_after_ms"], 50);
    assert_eq!(
        server.get("/metrics").await.status,
        200,
        "an overloaded server can be watched"
    );
}

#[tokio::test]
async fn a_stopping_engine_says_so_and_did_nothing() {
    let server = Server::start();
    server.door.stop();
    let answered = server.put(r#"{"id":"a","quantity":1}"#).await;
    assert_eq!(answered.problem(), (503, "stopping".to_owned()));
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_unknown_and_a_retry_finds_it() {
    let request_timeout = Duration::from_millis(50);
    let mut server = Server::asleep(Options {
        request_timeout,
        ..options()
    });
    let body = r#"{"id":"a","quantity":1}"#;
    let unknown = server.put(body).await;
    assert_eq!(unknown.problem(), (504, "outcome_unknown".to_owned()));
    assert!(
        unknown.json()["detail"]
            .as_str()
            .unwrap()
            .contains("same id")
    );

    server.wake();
    let mut retry = server.put(body).await;
    while retry.status == 504 {
        retry = server.put(body).await;
    }
    assert_eq!(retry.json()["repeated"], true);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_times_out_and_nothing_was_done() {
    let request_timeout = Duration::from_millis(20);
    let server = Server::with(Options {
        request_timeout,
        ..options()
    });
    let request = Request::post("/v1/boxes/box/things").header("content-type", "application/json");
    let answered = server.send(request.body(Never).unwrap()).await;
    assert_eq!(answered.problem(), (408, "body_timeout".to_owned()));
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_apart() {
    let server = Server::start();
    for uri in ["/nothing", "/v1/boxes", "/v1/boxes/a/b/things"] {
        assert_eq!(
            server.get(uri).await.problem(),
            (404, "unknown_path".to_owned()),
            "{uri}"
        );
    }
    let request = Request::builder()
        .method(Method::DELETE)
        .uri("/v1/boxes/box/things");
    let answered = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answered.problem(), (405, "wrong_method".to_owned()));
    let mut allowed: Vec<_> = answered.header("allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST", "PUT"]);
    let answered = server.send(post("/docs", "")).await;
    assert_eq!(answered.problem(), (405, "wrong_method".to_owned()));
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_still_asks_for_credentials() {
    let server = locked();
    for uri in ["/metrics", "/v1/boxes/box/things"] {
        let request = Request::delete(uri).body(Body::empty()).unwrap();
        let answered = server.send(request).await;
        assert_eq!(answered.problem().0, 401, "{uri}");
    }
}

fn locked() -> Server {
    Server::with(Options {
        credentials: Some(Token::new("s3cret")),
        ..options()
    })
}

#[tokio::test]
async fn with_credentials_no_data_is_given_without_them() {
    let server = locked();
    for uri in [
        "/v1/boxes/box/things",
        "/metrics",
        "/nothing",
        "/docs/nothing",
    ] {
        for offered in [
            "",
            "Bearer",
            "Bearer s3cre",
            "Bearer s3cret!",
            "Basic s3cret",
            "s3cret",
        ] {
            let request = Request::get(uri).header("authorization", offered);
            let answered = server.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(
                answered.problem(),
                (401, "unauthorized".to_owned()),
                "{uri} {offered}"
            );
            assert_eq!(answered.header("www-authenticate"), "Bearer");
        }
        let request = Request::get(uri).header("authorization", "bearer s3cret");
        let answered = server.send(request.body(Body::empty()).unwrap()).await;
        assert_ne!(answered.status, 401, "{uri}");
    }
}

#[tokio::test]
async fn with_credentials_health_and_documentation_are_open() {
    let server = locked();
    for uri in [
        "/healthz",
        "/readyz",
        "/docs",
        "/docs/",
        "/docs/problems",
        "/docs/page.css",
        "/docs/page.js",
        "/openapi.json",
    ] {
        assert_eq!(server.get(uri).await.status, 200, "{uri}");
    }
    assert_eq!(server.get("/").await.header("location"), "/docs");
}

/// What comes of putting a thing into the box with these headers.
async fn put_with(server: &Server, headers: &[(&'static str, &'static str)]) -> Answered {
    let mut request = put(r#"{"id":"a","quantity":1}"#);
    for (name, value) in headers {
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(*name, value);
    }
    server.send(request).await
}

#[tokio::test]
async fn a_page_of_another_site_cannot_make_a_browser_act() {
    let server = Server::start();
    let local = ("host", "127.0.0.1:7380");
    for header in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "http://evil.com"),
        ("origin", "http://127.0.0.1:3000"),
        ("origin", "null"),
    ] {
        let answered = put_with(&server, &[local, header]).await;
        assert_eq!(answered.problem(), (403, "cross_site".to_owned()));
    }
    let nowhere = put_with(&server, &[("origin", "http://127.0.0.1:7380")]).await;
    assert_eq!(nowhere.problem(), (403, "cross_site".to_owned()));
    let listing = Request::get("/v1/boxes/box/things").header("sec-fetch-site", "cross-site");
    let followed = server.send(listing.body(Body::empty()).unwrap()).await;
    assert_eq!(followed.status, 200, "a link may lead here");
}

#[tokio::test]
async fn the_servers_own_page_may_act() {
    let server = Server::start();
    for (host, origin) in [
        ("localhost:7380", "http://localhost:7380"),
        ("[::1]:7380", "http://[::1]:7380"),
        ("localhost", "https://localhost"),
    ] {
        let site = ("sec-fetch-site", "same-origin");
        let answered = put_with(&server, &[("host", host), ("origin", origin), site]).await;
        assert_eq!(answered.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_name_that_was_rebound_to_this_machine_is_misdirected() {
    let server = Server::start();
    let own = [
        ("host", "evil.com"),
        ("origin", "http://evil.com"),
        ("sec-fetch-site", "same-origin"),
    ];
    let refused = put_with(&server, &own).await;
    assert_eq!(refused.problem(), (421, "misdirected_request".to_owned()));
    let detail = refused.json()["detail"].to_string();
    assert!(detail.contains("`127.0.0.1`"), "says what is right");
    for uri in ["/v1/boxes/box/things", "/metrics", "/nothing"] {
        let request = Request::get(uri).header("host", "evil.com:7380");
        let read = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(read.problem().0, 421, "{uri}");
    }
    let absolute = Request::get("http://evil.com/metrics").header("host", "localhost");
    let answered = server.send(absolute.body(Body::empty()).unwrap()).await;
    assert_eq!(answered.problem().0, 421, "the target outweighs the header");
}

#[tokio::test]
async fn with_credentials_the_server_may_have_any_name() {
    let server = locked();
    let headers = [
        ("host", "shop.example"),
        ("origin", "https://www.shop.example"),
        ("authorization", "Bearer s3cret"),
    ];
    assert_eq!(put_with(&server, &headers).await.status, 200);
}

#[tokio::test]
async fn a_server_that_other_machines_reach_may_have_any_name() {
    let server = Server::with(Options {
        any_host: true,
        ..Options::new("0.0.0-test")
    });
    let answered = put_with(&server, &[("host", "tidegate:7380")]).await;
    assert_eq!(answered.status, 200);
}

#[tokio::test]
async fn what_holds_no_data_is_served_under_any_name() {
    let server = Server::start();
    for uri in ["/healthz", "/readyz", "/docs", "/openapi.json"] {
        let request = Request::get(uri).header("host", "tidegate.internal");
        let answered = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answered.status, 200, "{uri}");
    }
}

/// A body of which nothing ever comes.
pub(crate) struct Never;

impl hyper::body::Body for Never {
    type Data = hyper::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Pending
    }
}
