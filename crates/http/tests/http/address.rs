//! Where a request comes from, and who says so.

use serde_json::{Value, json};
use tidegate_http::Options;

use crate::harness::{Server, post};
use crate::wire::{Listening, body};

const URI: &str = "/v1/boxes/box/whence";

/// Where a request by this machine comes from that has these headers, to a server that trusts these proxies.
async fn whence(proxies: &[&str], headers: &str) -> Value {
    let mut options = Options::new("0.0.0-test");
    options.proxies = proxies.iter().map(|text| text.parse().unwrap()).collect();
    let server = Listening::with(options, 8).await;
    body(&ask(&server, headers).await)["from"].clone()
}

async fn ask(server: &Listening, headers: &str) -> String {
    let request = format!(
        "POST {URI} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: 0\r\n\r\n"
    );
    server.ask(request.as_bytes()).await
}

#[tokio::test]
async fn header_of_a_peer_that_is_not_trusted_says_nothing() {
    let forged = "X-Forwarded-For: 192.0.2.7\r\n";
    for proxies in [&[][..], &["127.0.0.2", "::/0"]] {
        assert_eq!(whence(proxies, forged).await, "127.0.0.1", "{proxies:?}");
    }
}

#[tokio::test]
async fn behind_proxies_the_last_address_counts_that_is_none_of_theirs() {
    let proxies = ["127.0.0.1", "10.0.0.0/8"];
    for (headers, from) in [
        ("", "127.0.0.1"),
        ("X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"),
        (
            "X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.1.2.3\r\n",
            "192.0.2.7",
        ),
        (
            "X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-For: 10.1.2.3\r\n",
            "192.0.2.7",
        ),
        (
            "X-Forwarded-For: 2001:db8:1:2:3:4:5:6\r\n",
            "2001:db8:1:2::/64",
        ),
        (
            "X-Forwarded-For: [2001:db8:1:2::9]:443\r\n",
            "2001:db8:1:2::/64",
        ),
    ] {
        assert_eq!(whence(&proxies, headers).await, from, "{headers}");
    }
}

#[tokio::test]
async fn malformed_header_of_a_proxy_counts_the_proxy_and_is_counted() {
    let mut options = Options::new("0.0.0-test");
    options.proxies = vec!["127.0.0.1".parse().unwrap()];
    let server = Listening::with(options, 8).await;
    for header in [
        "X-Forwarded-For: unknown\r\n",
        "X-Forwarded-For: 6.6.6.6, \r\n",
    ] {
        let answer = ask(&server, header).await;
        assert_eq!(body(&answer)["from"], "127.0.0.1", "{header}");
    }
    let metrics = server.ask(b"GET /metrics HTTP/1.0\r\n\r\n").await;
    let line = "\ntidegate_http_forwarded_malformed_total 2\n";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn nobody_sends_where_they_come_from() {
    let server = Server::start();
    let sent = server.send(post(URI, r#"{"from": "192.0.2.7"}"#)).await;
    assert_eq!(sent.problem(), (400, "unreadable".to_owned()));
    let detail = "`from` is not a field of this request; it takes box_name, note";
    assert_eq!(sent.json()["detail"], detail);
    // Without a socket there is no peer.
    let unsaid = server.send(post(URI, "{}")).await;
    assert_eq!(unsaid.json(), json!({ "from": null }));
}

#[tokio::test]
async fn document_tells_of_no_address_to_send() {
    let server = Server::start();
    let document = server.get("/openapi.json").await.json();
    let operation = &document["paths"]["/v1/boxes/{box_name}/whence"]["post"];
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let sent: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(sent, ["note"]);
    assert_eq!(
        operation["x-resp"],
        "TOY.WHENCE box_name [FROM from] [NOTE note]"
    );
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_ask_again() {
    let server = Server::start();
    let refused = server.send(post("/v1/boxes/often/whence", "{}")).await;
    assert_eq!(refused.problem(), (429, "too_often".to_owned()));
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(refused.json()["retry_after_ms"], 1_001);
    let document = server.get("/openapi.json").await.json();
    let responses = &document["paths"]["/v1/boxes/{box_name}/whence"]["post"]["responses"];
    assert_eq!(
        responses["429"]["headers"]["Retry-After"]["schema"]["minimum"],
        1
    );
}
