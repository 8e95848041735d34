//! Ids, and the header that may carry them.

use hyper::{Request, StatusCode};
use tidegate_http::Body;

use crate::harness::{Answered, Server, put};

const QUANTITY: &str = r#"{"quantity": 1}"#;

fn keyed(body: &str, keys: &[&str]) -> Request<Body> {
    let mut request = put(body);
    for key in keys {
        request
            .headers_mut()
            .append("idempotency-key", key.parse().unwrap());
    }
    request
}

fn assert_id_refused(answered: &Answered, says: &str) {
    assert_eq!(answered.problem(), (400, "unreadable".to_owned()));
    let body = answered.json();
    assert_eq!(body["field"], "id");
    assert!(body["detail"].as_str().unwrap().contains(says), "{body}");
}

#[tokio::test]
async fn the_header_gives_the_id_where_the_body_does_not() {
    let server = Server::start();
    let answered = server.send(keyed(QUANTITY, &["k-1"])).await;
    assert_eq!(answered.json()["id"], "k-1");
    let quoted = server.send(keyed(QUANTITY, &["\"k-1\""])).await;
    assert_eq!(
        quoted.json()["repeated"],
        true,
        "a structured header quotes its string"
    );
    let in_body = server.put(r#"{"quantity": 1, "id": "k-1"}"#).await;
    assert_eq!(in_body.json()["repeated"], true);
}

#[tokio::test]
async fn header_and_body_may_agree_and_must_not_differ() {
    let server = Server::start();
    let body = r#"{"quantity": 1, "id": "a"}"#;
    assert_eq!(
        server.send(keyed(body, &["a"])).await.status,
        StatusCode::OK
    );
    assert_id_refused(&server.send(keyed(body, &["b"])).await, "differ");
    assert_id_refused(&server.send(keyed(QUANTITY, &["a", "b"])).await, "twice");
}

#[tokio::test]
async fn a_request_without_its_id_is_told_how_to_give_one() {
    let server = Server::start();
    assert_id_refused(&server.put(QUANTITY).await, "Idempotency-Key");
}

#[tokio::test]
async fn an_id_is_minted_only_when_asked_for() {
    let server = Server::start();
    let body = r#"{"quantity": 1, "id": "*"}"#;
    let (first, second) = (server.put(body).await.json(), server.put(body).await.json());
    assert_ne!(first["id"], second["id"]);
    assert!(
        first["id"].is_string(),
        "64 bits do not fit a JavaScript number"
    );
}

#[tokio::test]
async fn a_request_without_an_id_ignores_the_header() {
    let server = Server::start();
    let request = Request::get("/v1/boxes/box/things").header("idempotency-key", "k");
    let answered = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answered.status, StatusCode::OK);
}
