//! Shedding over HTTP: the switch, what those are told whose work is shed, and what is counted.

use hyper::Request;
use serde_json::json;
use tidegate_http::Body;

use crate::harness::{Answered, Server};

pub(crate) async fn shed(server: &Server, by_hand: &str) -> Answered {
    let request = Request::put("/v1/shed").header("content-type", "application/json");
    let body = json!({ "by_hand": by_hand }).to_string();
    server.send(request.body(Body::from(body)).unwrap()).await
}

async fn metrics(server: &Server) -> String {
    String::from_utf8(server.get("/metrics").await.bytes).unwrap()
}

#[tokio::test]
async fn what_is_shed_is_busy_with_its_class_and_the_switch_itself_is_served() {
    let server = Server::start();
    let told = shed(&server, "optional").await.json();
    assert_eq!(
        (&told["shed"], &told["why"]),
        (&json!("optional"), &json!("hand"))
    );
    for uri in ["/v1/boxes/box/things", "/v1/events", "/v1/events/stream"] {
        let answered = server.get(uri).await;
        assert_eq!(answered.status, 503, "{uri}");
        assert_eq!(answered.header("retry-after"), "1");
        let problem = answered.json();
        assert_eq!(
            (&problem["code"], &problem["shed"]),
            (&json!("busy"), &json!("optional"))
        );
    }
    assert_eq!(server.put(r#"{"id":"a","quantity":1}"#).await.status, 200);
    shed(&server, "normal").await;
    let answered = server.put(r#"{"id":"b","quantity":1}"#).await;
    assert_eq!(answered.json()["shed"], "normal");
    let told = metrics(&server).await;
    for line in [
        "tidegate_shedding{class=\"optional\"} 1",
        "tidegate_shedding{class=\"normal\"} 1",
        "tidegate_requests_shed_total{class=\"optional\"} 3",
        "tidegate_requests_shed_total{class=\"normal\"} 1",
    ] {
        assert!(told.lines().any(|found| found == line), "{line} in {told}");
    }
    assert_eq!(server.get("/v1/shed").await.json()["shed"], "normal");
    shed(&server, "none").await;
    assert_eq!(server.get("/v1/events").await.status, 200);
    assert!(
        metrics(&server)
            .await
            .contains("tidegate_shedding{class=\"optional\"} 0")
    );
    assert_eq!(shed(&server, "all").await.status, 422);
}
