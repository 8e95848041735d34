//! What is answered with 200.

use hyper::{Request, StatusCode};
use serde_json::json;
use tidegate_http::Body;

use crate::harness::{Server, post};

#[tokio::test]
async fn a_command_answers_with_its_reply_as_a_map() {
    let server = Server::start();
    let body = r#"{"id": "a", "quantity": 3, "colour": "BLUE", "note": "n\u00f6te \"x\""}"#;
    let answered = server.put(body).await;
    assert_eq!(answered.status, StatusCode::OK, "{answered:?}");
    assert_eq!(answered.header("content-type"), "application/json");
    let expected = json!({ "id": "a", "box_name": "box", "quantity": 3, "repeated": false, "note": "nöte \"x\"" });
    assert_eq!(answered.json(), expected);
}

#[tokio::test]
async fn a_retry_gets_the_first_receipt_and_another_content_a_conflict() {
    let server = Server::start();
    server.put(r#"{"id": "a", "quantity": 3}"#).await;
    let retry = server
        .put(r#"{"quantity": 3, "id": "a", "ttl_ms": 60000}"#)
        .await;
    assert_eq!(retry.json()["repeated"], true);
    let other = server.put(r#"{"id": "a", "quantity": 4}"#).await;
    assert_eq!(other.problem(), (409, "id_conflict".to_owned()));
}

#[tokio::test]
async fn a_scan_pages_through_a_query_string() {
    let server = Server::start();
    for id in ["a", "b c", "d"] {
        server
            .put(&json!({ "id": id, "quantity": 1 }).to_string())
            .await;
    }
    let first = server.get("/v1/boxes/box/things?limit=2").await.json();
    let items = json!([{ "id": "a", "quantity": 1 }, { "id": "b c", "quantity": 1 }]);
    assert_eq!(first, json!({ "items": items, "next": "b c" }));
    for encoded in ["b%20c", "b+c"] {
        let second = server
            .get(&format!("/v1/boxes/box/things?after={encoded}"))
            .await
            .json();
        assert_eq!(
            second,
            json!({ "items": [{ "id": "d", "quantity": 1 }], "next": null })
        );
    }
}

#[tokio::test]
async fn a_path_parameter_may_hold_any_text() {
    let server = Server::start();
    for (encoded, name) in [
        ("a%2Fb", "a/b"),
        ("%C3%B6%20x", "ö x"),
        ("a+b", "a+b"),
        ("%25", "%"),
    ] {
        let uri = format!("/v1/boxes/{encoded}/things");
        let answered = server.send(post(&uri, r#"{"id":"x","quantity":1}"#)).await;
        assert_eq!(answered.json()["box_name"], name);
        let items = server.get(&uri).await.json()["items"].clone();
        assert_eq!(
            items.as_array().unwrap().len(),
            1,
            "{name} is a box of its own"
        );
    }
}

#[tokio::test]
async fn an_empty_body_is_an_empty_object() {
    let server = Server::start();
    let request = Request::post("/v1/boxes/box/things").header("idempotency-key", "a");
    let answered = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answered.problem(), (400, "unreadable".to_owned()));
    assert_eq!(
        answered.json()["field"],
        "quantity",
        "the id came by header, the body was read"
    );
}

#[tokio::test]
async fn the_answer_waits_until_it_is_durable() {
    let server = Server::start();
    let before = server.door.metrics().records_durable.get();
    server.put(r#"{"id": "a", "quantity": 3}"#).await;
    assert!(server.door.metrics().records_durable.get() > before);
}
