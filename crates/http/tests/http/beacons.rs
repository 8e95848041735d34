//! What pages send without reading an answer, and whose pages may.

use hyper::{Method, Request};
use serde_json::{Value, json};
use tidegate_http::{Body, Options, Token, divided, openapi};

use crate::harness::{Answered, Server};
use crate::toy::TOY;

const BEACON: &str = "/v1/boxes/box/beacon";
const OWN: [(&str, &str); 2] = [
    ("host", "localhost:7380"),
    ("sec-fetch-site", "same-origin"),
];
const TEXT: (&str, &str) = ("content-type", "text/plain;charset=UTF-8");
const FORM: (&str, &str) = (
    "content-type",
    "application/x-www-form-urlencoded;charset=UTF-8",
);

fn request(method: &Method, uri: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn post(server: &Server, query: &str, media: (&str, &str), body: &str) -> Answered {
    let uri = format!("{BEACON}{query}");
    server
        .send(request(&Method::POST, &uri, &[media], body))
        .await
}

async fn image(server: &Server, query: &str, headers: &[(&str, &str)]) -> Answered {
    let uri = format!("{BEACON}{query}");
    server.send(request(&Method::GET, &uri, headers, "")).await
}

/// What lies in the box: ids and quantities.
async fn held(server: &Server) -> Vec<(String, u64)> {
    let listed = server.get("/v1/boxes/box/things").await.json();
    let thing = |thing: &Value| {
        let id = thing["id"].as_str().unwrap().to_owned();
        (id, thing["quantity"].as_u64().unwrap())
    };
    listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(thing)
        .collect()
}

#[tokio::test]
async fn what_a_page_posts_is_done_and_nothing_is_told() {
    let server = Server::start();
    for (query, media, body) in [
        ("", TEXT, r#"{"id":"a","quantity":1}"#),
        (
            "",
            ("content-type", "application/json"),
            r#"{"id":"b","quantity":1}"#,
        ),
        ("", FORM, "id=c&quantity=1&note=two+words"),
        ("?id=d&quantity=1", TEXT, ""),
        ("?id=e", FORM, "quantity=1"),
    ] {
        let answered = post(&server, query, media, body).await;
        assert_eq!(
            (answered.status.as_u16(), answered.bytes.len()),
            (204, 0),
            "{body}"
        );
        assert_eq!(answered.header("cache-control"), "no-store");
    }
    let ids = held(&server).await.into_iter().map(|(id, _)| id);
    assert_eq!(ids.collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn an_image_of_one_pixel_is_shown_for_what_its_address_says() {
    let server = Server::start();
    let shown = image(&server, "?id=a&quantity=3", &OWN).await;
    assert_eq!(
        (shown.status.as_u16(), shown.header("content-type")),
        (200, "image/gif")
    );
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(shown.header("cross-origin-resource-policy"), "cross-origin");
    // A GIF says its width and height behind its name.
    assert_eq!(&shown.bytes[..10], b"GIF89a\x01\0\x01\0");
    assert_eq!(shown.bytes.last(), Some(&b';'));
    assert_eq!(held(&server).await, [("a".to_owned(), 3)]);
}

#[tokio::test]
async fn id_that_a_page_does_not_send_is_minted_and_one_that_it_sends_counts_once() {
    let server = Server::start();
    for _ in 0..2 {
        assert_eq!(image(&server, "?quantity=1", &OWN).await.status, 200);
        assert_eq!(image(&server, "?id=z&quantity=1", &OWN).await.status, 200);
    }
    assert_eq!(held(&server).await.len(), 3);
    let other = image(&server, "?id=z&quantity=2", &OWN).await;
    assert_eq!(other.problem(), (409, "id_conflict".to_owned()));
}

#[tokio::test]
async fn what_is_refused_is_a_problem_as_everywhere_and_no_image() {
    let server = Server::start();
    let takes = "is not a field of this beacon; it takes id, quantity, note";
    for (query, status, told) in [
        ("", 400, "`quantity` is required"),
        ("?quantity=0", 422, "`quantity` must be 1 to 1000, not 0"),
        ("?quantity=1&quantity=2", 400, "`quantity` is given twice"),
        ("?quantity=1&ttl_ms=5", 400, &*format!("`ttl_ms` {takes}")),
        (
            "?quantity=1&box_name=b",
            400,
            &*format!("`box_name` {takes}"),
        ),
    ] {
        for answered in [
            image(&server, query, &OWN).await,
            post(&server, query, TEXT, "").await,
        ] {
            assert_eq!(answered.problem().0, status, "{query}");
            let detail = answered.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.starts_with(told), "{detail}");
            assert_eq!(answered.header("cache-control"), "no-store");
        }
    }
    let twice = post(&server, "?quantity=1", FORM, "quantity=1").await;
    assert_eq!(twice.problem().0, 400);
    let large = post(&server, "", TEXT, &" ".repeat(8 * 1024 + 1)).await;
    assert_eq!(large.problem(), (413, "body_too_large".to_owned()));
    let parts = ("content-type", "multipart/form-data; boundary=x");
    let parts = post(&server, "", parts, "--x--").await;
    assert_eq!(parts.problem(), (415, "unsupported_media_type".to_owned()));
    assert_eq!(held(&server).await, []);
}

#[tokio::test]
async fn looking_whether_the_image_is_there_does_nothing() {
    let server = Server::start();
    let uri = format!("{BEACON}?quantity=1");
    let head = server.send(request(&Method::HEAD, &uri, &OWN, "")).await;
    assert_eq!(
        (head.status.as_u16(), head.header("allow")),
        (405, "GET,POST")
    );
    assert_eq!(held(&server).await, []);
}

#[tokio::test]
async fn image_counts_only_if_a_page_of_the_server_shows_that_it_asks_for_it() {
    let server = Server::start();
    let host = ("host", "localhost:7380");
    for shown in [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
        ("referer", "http://localhost:7380/stage/counters"),
    ] {
        let answered = image(&server, "?quantity=1", &[host, shown]).await;
        assert_eq!(answered.status, 200, "{shown:?}");
    }
    for other in [
        ("accept", "image/*"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "cross-site"),
        ("referer", "http://localhost:3000/"),
        ("referer", "https://shop.example/localhost:7380"),
        ("origin", "null"),
    ] {
        let answered = image(&server, "?quantity=1", &[host, other]).await;
        assert_eq!(
            answered.problem(),
            (403, "cross_site".to_owned()),
            "{other:?}"
        );
    }
    assert_eq!(held(&server).await.len(), 3);
}

#[tokio::test]
async fn what_another_page_posts_is_refused_unless_the_server_was_told_of_it() {
    let told_of = Options {
        beacon_origins: vec!["https://shop.example".parse().unwrap()],
        credentials: Some(Token::new("s3cret")),
        ..Options::new("0.0.0-test")
    };
    let (closed, open) = (Server::start(), Server::with(told_of));
    let page = |origin| [TEXT, ("origin", origin), ("sec-fetch-site", "cross-site")];
    let body = r#"{"quantity":1}"#;
    let post = |origin| request(&Method::POST, BEACON, &page(origin), body);
    let answered = closed.send(post("https://shop.example")).await;
    assert_eq!(answered.problem(), (403, "cross_site".to_owned()));
    assert_eq!(open.send(post("https://shop.example")).await.status, 204);
    let other = open.send(post("https://other.example")).await;
    assert_eq!(other.problem(), (401, "unauthorized".to_owned()));
    let of_page = [("referer", "https://shop.example/")];
    assert_eq!(image(&open, "?quantity=1", &of_page).await.status, 200);
    assert_eq!(image(&open, "?quantity=1", &[]).await.status, 401);
    let bearer = [("authorization", "Bearer s3cret")];
    assert_eq!(image(&open, "?quantity=1", &bearer).await.status, 200);
    // It is open to beacons alone.
    let things = "/v1/boxes/box/things";
    let elsewhere = open.send(request(
        &Method::POST,
        things,
        &page("https://shop.example"),
        body,
    ));
    assert_eq!(elsewhere.await.status, 401);
}

#[tokio::test]
async fn what_another_page_posts_is_refused_also_by_a_server_that_may_have_any_name() {
    let server = Server::with(Options {
        any_host: true,
        ..Options::new("0.0.0-test")
    });
    let post = |origin: &'static str| {
        // As over plain HTTP, where a browser does not say more.
        let headers = [TEXT, ("host", "tidegate:7380"), ("origin", origin)];
        server.send(request(
            &Method::POST,
            BEACON,
            &headers,
            r#"{"quantity":1}"#,
        ))
    };
    let other = post("http://other.example").await;
    assert_eq!(other.problem(), (403, "cross_site".to_owned()));
    assert_eq!(post("http://tidegate:7380").await.status, 204);
}

#[tokio::test]
async fn beacons_are_public_where_other_pages_may_send_them() {
    let server = Server::start();
    let told_of = || Options {
        beacon_origins: vec!["*".parse().unwrap()],
        ..Options::new("0.0.0-test")
    };
    for (options, status) in [(Options::new("0.0.0-test"), 404), (told_of(), 204)] {
        let (public, all) = divided(&server.door, options, told_of());
        let send = || request(&Method::POST, BEACON, &[TEXT], r#"{"quantity":1}"#);
        assert_eq!(public.answer(None, send()).await.status(), status);
        assert_eq!(all.answer(None, send()).await.status(), 204);
    }
}

#[test]
fn beacon_is_described_with_what_it_takes() {
    let document = openapi(&[TOY], "1.2.3");
    let beacon = &document["paths"]["/v1/boxes/{box_name}/beacon"];
    let content = &beacon["post"]["requestBody"]["content"];
    for media_type in [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
    ] {
        let schema = &content[media_type]["schema"];
        assert_eq!(schema["required"], json!(["quantity"]));
        let names: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["id", "quantity", "note"]);
    }
    assert!(beacon["post"]["responses"]["204"]["content"].is_null());
    let get = &beacon["get"];
    assert!(get["responses"]["200"]["content"]["image/gif"].is_object());
    assert!(
        get["responses"]["409"].is_object(),
        "the refusals of the request"
    );
    let parameters = get["parameters"].as_array().unwrap().iter();
    let parameters: Vec<_> = parameters
        .map(|it| {
            (
                it["name"].as_str().unwrap(),
                it["in"].as_str().unwrap(),
                it["required"] == true,
            )
        })
        .collect();
    let expected = [
        ("box_name", "path", true),
        ("id", "query", false),
        ("quantity", "query", true),
        ("note", "query", false),
    ];
    assert_eq!(parameters, expected);
}
