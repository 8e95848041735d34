//! Requests that arrive as signed webhooks of another system.

use std::time::Duration;

use hyper::Request;
use hyper::http::request::Builder;
use serde_json::{Value, json};
use tidegate_http::limits::WEBHOOK_BYTES_MAX;
use tidegate_http::{Body, Options, Token, openapi};

use crate::harness::{Answered, Server, put};
use crate::problems::Never;
use crate::toy::TOY;

const TOLD: &str = "/v1/boxes/box/told";

const HEADERS: [(&str, &str); 3] = [
    ("webhook-id", "msg_1"),
    ("webhook-timestamp", "1700000000"),
    ("webhook-signature", "v1,c2lnbmVk v1,b2xk"),
];

fn options() -> Options {
    Options::new("0.0.0-test")
}

fn locked() -> Server {
    Server::with(Options {
        credentials: Some(Token::new("s3cret")),
        ..options()
    })
}

fn headed(uri: &str, headers: &[(&str, &str)]) -> Builder {
    let request = Request::post(uri);
    headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    })
}

/// A webhook as it should be, of this body.
fn webhook(body: impl Into<Body>) -> Request<Body> {
    headed(TOLD, &HEADERS).body(body.into()).unwrap()
}

fn assert_unreadable(answered: &Answered, field: &str, says: &str) {
    assert_eq!(answered.problem(), (400, "unreadable".to_owned()));
    let problem = answered.json();
    assert_eq!(problem["field"], field, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains(says),
        "{problem}"
    );
}

#[tokio::test]
async fn a_webhooks_fields_are_its_path_its_headers_and_its_whole_body() {
    let server = Server::start();
    let answered = server.send(webhook("paid")).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let told = json!({
        "box_name": "box", "id": "msg_1", "timestamp": 1_700_000_000,
        "signature": "v1,c2lnbmVk v1,b2xk", "payload": "paid",
    });
    assert_eq!(answered.json(), told);
}

#[tokio::test]
async fn a_webhooks_body_arrives_byte_for_byte_whatever_it_is() {
    let server = Server::start();
    for body in [
        "",
        "no JSON",
        "{\"id\": 7,\r\n \"id\":8, \"payload\":\"\\u0061\"}\n",
        " [1e3]\t",
        "a=1&b=%20\0ö\u{feff}",
    ] {
        for media_type in [
            "application/json",
            "text/plain",
            "application/x-www-form-urlencoded",
        ] {
            let mut request = webhook(body);
            let headers = request.headers_mut();
            headers.insert("content-type", media_type.parse().unwrap());
            let answered = server.send(request).await;
            assert_eq!(answered.json()["payload"], body, "{media_type}");
        }
        let answered = server.send(webhook(body)).await;
        assert_eq!(answered.json()["payload"], body, "of no media type");
    }
    let no_text = server.send(webhook(&b"\xff"[..])).await;
    assert_unreadable(&no_text, "payload", "UTF-8");
}

#[tokio::test]
async fn a_webhook_without_a_header_is_not_signed_and_counted_like_a_forged_one() {
    let server = Server::start();
    for missing in 0..HEADERS.len() {
        let mut headers = HEADERS.to_vec();
        let (name, _) = headers.remove(missing);
        headers.push(("idempotency-key", "msg_1"));
        for empty in [None, Some((name, ""))] {
            let headers = [&headers[..], empty.as_slice()].concat();
            let request = headed(TOLD, &headers).body(Body::from("x")).unwrap();
            let answered = server.send(request).await;
            assert_eq!(answered.problem(), (401, "forged".to_owned()));
            assert_eq!(answered.header("www-authenticate"), "Webhook-Signature");
            let detail = answered.json()["detail"].to_string();
            assert!(detail.contains(&format!("`{name}`")), "{detail}");
        }
    }
    let metrics = server.get("/metrics").await;
    let text = String::from_utf8(metrics.bytes).unwrap();
    let counted = "tidegate_refusals_total{domain=\"toy\",code=\"forged\"} 6\n";
    assert!(text.contains(counted), "{text}");
}

#[tokio::test]
async fn a_webhooks_headers_are_read_like_fields() {
    let server = Server::start();
    let mut request = webhook("x");
    let headers = request.headers_mut();
    headers.insert("webhook-timestamp", "soon".parse().unwrap());
    assert_unreadable(
        &server.send(request).await,
        "timestamp",
        "must be an integer",
    );
}

#[tokio::test]
async fn a_webhooks_header_is_given_once() {
    let server = Server::start();
    for (name, value) in HEADERS {
        let mut request = webhook("x");
        request.headers_mut().append(name, value.parse().unwrap());
        let field = name.strip_prefix("webhook-").unwrap();
        let says = format!("`{name}`");
        assert_unreadable(&server.send(request).await, field, &says);
    }
}

#[tokio::test]
async fn a_webhook_has_no_query_string_and_takes_nothing_else_for_a_field() {
    let server = Server::start();
    let uri = format!("{TOLD}?id=other");
    let request = headed(&uri, &HEADERS).body(Body::from("x")).unwrap();
    let answered = server.send(request).await;
    assert_eq!(answered.problem(), (400, "unreadable".to_owned()));
    let mut request = webhook("x");
    let headers = request.headers_mut();
    headers.insert("idempotency-key", "other".parse().unwrap());
    assert_eq!(server.send(request).await.json()["id"], "msg_1");
}

#[tokio::test]
async fn a_webhook_is_as_large_as_webhooks_are() {
    let server = Server::start();
    let longest = "x".repeat(WEBHOOK_BYTES_MAX);
    let taken = server.send(webhook(longest.clone())).await;
    assert_eq!(taken.json()["payload"], longest);
    let larger = server.send(webhook(longest + "x")).await;
    assert_eq!(larger.problem(), (413, "body_too_large".to_owned()));
    let narrow = Server::with(Options {
        body_bytes_max: 10,
        ..options()
    });
    let larger = narrow.send(webhook("x".repeat(11))).await;
    assert_eq!(larger.problem(), (413, "body_too_large".to_owned()));
}

#[tokio::test]
async fn a_webhook_needs_no_credentials_and_what_else_stands_there_does() {
    let server = locked();
    assert_eq!(server.send(webhook("x")).await.status, 200);
    let with_another = [&HEADERS[..], &[("authorization", "Bearer another")]].concat();
    let request = headed(TOLD, &with_another).body(Body::from("x")).unwrap();
    assert_eq!(server.send(request).await.status, 200, "of its sender's");
    let unauthorized = (401, "unauthorized".to_owned());
    assert_eq!(server.get(TOLD).await.problem(), unauthorized);
    let deleted = Request::delete(TOLD).body(Body::empty()).unwrap();
    assert_eq!(server.send(deleted).await.problem(), unauthorized);
    let mut other = put(r#"{"id":"a","quantity":1}"#);
    for (name, value) in HEADERS {
        other.headers_mut().append(name, value.parse().unwrap());
    }
    assert_eq!(server.send(other).await.problem(), unauthorized);
}

#[tokio::test]
async fn a_forged_webhook_is_asked_for_its_signature_and_not_for_the_servers_password() {
    for server in [Server::start(), locked()] {
        let mut request = webhook("x");
        let forged = "v1,Zm9yZ2Vk".parse().unwrap();
        request.headers_mut().insert("webhook-signature", forged);
        let answered = server.send(request).await;
        assert_eq!(answered.problem(), (401, "forged".to_owned()));
        assert_eq!(answered.header("www-authenticate"), "Webhook-Signature");
    }
}

#[tokio::test]
async fn a_webhook_may_name_the_server_as_it_likes() {
    let server = Server::start();
    let host = ("host", "shop.example");
    let named = [&HEADERS[..], &[host]].concat();
    let request = headed(TOLD, &named).body(Body::from("x")).unwrap();
    assert_eq!(server.send(request).await.status, 200);
    let list = Request::get(TOLD).header(host.0, host.1);
    let listed = server.send(list.body(Body::empty()).unwrap()).await;
    assert_eq!(listed.problem(), (421, "misdirected_request".to_owned()));
}

#[tokio::test]
async fn a_page_of_another_site_sends_no_webhooks() {
    for server in [Server::start(), locked()] {
        let from_page = [&HEADERS[..], &[("sec-fetch-site", "cross-site")]].concat();
        let request = headed(TOLD, &from_page).body(Body::from("x")).unwrap();
        let answered = server.send(request).await;
        assert_eq!(answered.problem(), (403, "cross_site".to_owned()));
    }
}

#[tokio::test]
async fn a_webhook_is_admitted_counted_and_timed_like_any_request() {
    let server = locked();
    server.send(webhook("x")).await;
    let metrics = Request::get("/metrics").header("authorization", "Bearer s3cret");
    let metrics = server.send(metrics.body(Body::empty()).unwrap()).await;
    let text = String::from_utf8(metrics.bytes).unwrap();
    assert!(text.contains("tidegate_http_requests_total{class=\"2xx\"} 1\n"));

    let full = Server::with(Options {
        requests_in_flight_max: 0,
        ..options()
    });
    let busy = full.send(webhook("x")).await;
    assert_eq!(busy.problem(), (503, "busy".to_owned()));

    let hasty = Server::with(Options {
        request_timeout: Duration::from_millis(20),
        ..options()
    });
    let late = hasty
        .send(headed(TOLD, &HEADERS).body(Never).unwrap())
        .await;
    assert_eq!(late.problem(), (408, "body_timeout".to_owned()));
}

fn operation(document: &Value) -> &Value {
    &document["paths"]["/v1/boxes/{box_name}/told"]["post"]
}

#[test]
fn a_webhook_is_described_by_its_headers_and_a_free_body() {
    let document = openapi(&[TOY], "1.2.3");
    let told = operation(&document);
    let parameters = told["parameters"].as_array().unwrap().iter();
    let places = parameters.map(|it| (it["in"].as_str().unwrap(), it["name"].as_str().unwrap()));
    let expected = [("path", "box_name")].into_iter();
    let expected = expected.chain(HEADERS.map(|(name, _)| ("header", name)));
    assert_eq!(places.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    let timestamp = &told["parameters"][2];
    assert_eq!(timestamp["required"], true);
    assert_eq!(timestamp["schema"]["type"], "integer");
    assert_eq!(timestamp["description"], "When it was sent, in seconds.");
    let body = &told["requestBody"];
    assert_eq!(
        body["content"]["application/json"]["schema"],
        json!({ "title": "payload" }),
        "anything, of this name"
    );
    assert!(
        body["description"]
            .as_str()
            .unwrap()
            .contains("What is told. ")
    );
    assert_eq!(
        told["x-resp"],
        "TOY.TELL box_name id timestamp signature payload"
    );
    assert!(told["responses"]["413"].is_object());
    assert!(
        told["responses"]["415"].is_null(),
        "any media type is taken"
    );
    assert!(told["security"].is_null(), "nothing is secured");
}

#[tokio::test]
async fn a_secured_document_tells_that_a_webhook_needs_no_credentials() {
    let document = locked().get("/openapi.json").await.json();
    let told = operation(&document);
    assert_eq!(told["security"], json!([]));
    let refused = &told["responses"]["401"]["x-codes"];
    assert_eq!(
        refused.as_array().unwrap().len(),
        1,
        "no password is asked for"
    );
    assert_eq!(refused[0]["code"], "forged");
    let listed = &document["paths"]["/v1/boxes/{box_name}/told"]["get"];
    assert!(listed["security"].is_null(), "as the document says");
}
