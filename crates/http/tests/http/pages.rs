//! Pages that the program hands over.

use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use tidegate_http::{Body, Options, Page, Token};

use crate::harness::{Answered, Server};

const CONTENT: &str = "<!doctype html><title>A shop</title>";

fn options() -> Options {
    let mut options = Options::new("0.0.0-test");
    options.pages = vec![Page {
        path: "/shop/{id}",
        media_type: "text/html; charset=utf-8",
        content: Bytes::from_static(CONTENT.as_bytes()),
    }];
    options
}

async fn knowing(server: &Server, version: &str) -> Answered {
    let request = Request::get("/shop/7").header("if-none-match", version);
    server.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_page_is_served_under_its_path_and_may_use_nothing_from_elsewhere() {
    let server = Server::with(options());
    let page = server.get("/shop/any%20one").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.bytes, CONTENT.as_bytes());
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(
        !policy.contains("unsafe") && !policy.contains("http"),
        "{policy}"
    );
    let request = Request::post("/shop/7").body(Body::empty()).unwrap();
    assert_eq!(
        server.send(request).await.problem(),
        (405, "wrong_method".into())
    );
    assert_eq!(server.get("/shop").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_has_a_page_is_told_so_and_not_sent_it() {
    let server = Server::with(options());
    let version = server.get("/shop/7").await.header("etag").to_owned();
    let known = [
        version.clone(),
        format!("W/{version}"),
        format!("\"a\", {version}"),
    ];
    for known in known {
        let answered = knowing(&server, &known).await;
        assert_eq!(answered.status, StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(answered.header("etag"), version);
        assert!(answered.bytes.is_empty());
    }
    assert_eq!(knowing(&server, "\"a\"").await.status, StatusCode::OK);
}

#[tokio::test]
async fn pages_need_no_credentials_under_any_name_and_what_they_ask_for_does() {
    let mut options = options();
    options.credentials = Some(Token::new("secret"));
    let server = Server::with(options);
    let page = Request::get("/shop/7").header("host", "shop.example");
    let page = server.send(page.body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        server.get("/metrics").await.problem(),
        (401, "unauthorized".into())
    );
}

#[tokio::test]
async fn a_page_takes_the_room_of_a_request() {
    let mut options = options();
    options.requests_in_flight_max = 0;
    let server = Server::with(options);
    assert_eq!(server.get("/shop/7").await.problem(), (503, "busy".into()));
}
