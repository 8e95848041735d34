//! Lists of objects in bodies.

use hyper::Request;
use serde_json::{Value, json};
use tidegate_http::{Body, openapi};

use crate::harness::Server;
use crate::toy::TOY;

const THINGS: &str = "/v1/boxes/box/things";

fn fill(body: &str) -> Request<Body> {
    let request = Request::put(THINGS).header("content-type", "application/json");
    request.body(Body::from(body.to_owned())).unwrap()
}

#[tokio::test]
async fn items_are_taken_in_order_whatever_the_order_of_their_members() {
    let server = Server::start();
    let body = r#"{"colour":"red","things":[{"id":"b","quantity":2},{"quantity":1,"id":"a"}]}"#;
    let answered = server.send(fill(body)).await;
    assert_eq!(answered.json(), json!({ "ids": ["b", "a"], "quantity": 3 }));
    let listed = server.get(THINGS).await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn wrong_item_is_named_and_nothing_of_its_list_is_done() {
    let server = Server::start();
    let item = r#"{"id":"a","quantity":1}"#;
    let many = [item; 4].join(",");
    let cases = [
        ("", 422, "must have 1 to 3 items, not 0"),
        (&*many, 422, "must have 1 to 3 items, not 4"),
        (
            r#"{"id":"a","quantity":0}"#,
            422,
            "item 1: quantity must be 1 to 1000, not 0",
        ),
        (r#"{"id":"a"}"#, 400, "item 1: quantity is required"),
        (
            r#"{"id":"a","quantity":1},{"id":"b","quantity":[1]}"#,
            400,
            "item 2: quantity must be an integer, not a list",
        ),
        (
            r#"{"id":"a","quantity":1},{"id":"b","quantity":{}}"#,
            400,
            "item 2: quantity must be an integer, not an object",
        ),
        (
            r#"{"id":"a","quantity":1},7"#,
            400,
            "item 2: must be an object",
        ),
        (
            r#"{"id":"a","quantity":1,"size":1}"#,
            400,
            "item 1: `size` is not a field of an item; it takes id, quantity",
        ),
        (
            r#"{"id":"a","id":"b","quantity":1}"#,
            400,
            "item 1: `id` is given twice",
        ),
    ];
    for (items, status, told) in cases {
        let body = format!(r#"{{"things":[{items}]}}"#);
        let answered = server.send(fill(&body)).await;
        assert_eq!(answered.problem().0, status, "{body}");
        let problem = answered.json();
        assert_eq!(problem["field"], "things", "{body}");
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(detail, format!("`things` {told}"), "{body}");
    }
    for (value, told) in [
        ("7", "a number"),
        ("\"x\"", "a string"),
        ("{}", "an object"),
        ("null", "null"),
    ] {
        let body = format!(r#"{{"things":{value}}}"#);
        let detail = server.send(fill(&body)).await.json()["detail"].clone();
        assert_eq!(
            detail,
            format!("`things` must be a list of objects, not {told}")
        );
    }
    assert_eq!(server.get(THINGS).await.json()["items"], json!([]));
}

#[tokio::test]
async fn list_where_none_is_taken_is_unreadable() {
    let server = Server::start();
    let answered = server.put(r#"{"id":"a","quantity":[{"id":"a"}]}"#).await;
    assert_eq!(answered.problem(), (400, "unreadable".to_owned()));
}

#[test]
fn list_is_described_with_its_items() {
    let document = openapi(&[TOY], "1.2.3");
    let put = &document["paths"]["/v1/boxes/{box_name}/things"]["put"];
    assert_eq!(
        put["x-resp"],
        "TOY.FILL box_name numthings id quantity [id quantity ...] [COLOUR red|blue]"
    );
    let schema = &put["requestBody"]["content"]["application/json"]["schema"]["anyOf"][0];
    assert_eq!(schema["required"], json!(["things"]));
    let things = &schema["properties"]["things"];
    let at = |pointer: &str| things.pointer(pointer).cloned().unwrap_or(Value::Null);
    assert_eq!(at("/type"), "array");
    assert_eq!((at("/minItems"), at("/maxItems")), (json!(1), json!(3)));
    assert_eq!(at("/items/required"), json!(["id", "quantity"]));
    assert_eq!(at("/items/properties/quantity/maximum"), 1_000);
    assert_eq!(at("/items/properties/id/description"), "The thing.");
}
