//! A front of two addresses: what is public at one, and all of it at the other.

use http_body_util::BodyExt;
use hyper::Request;
use serde_json::Value;
use tidegate_http::{Body, Options, Router, divided};

use crate::harness::{Server, post, put};

const THINGS: &str = "/v1/boxes/box/things";

fn routers(server: &Server) -> (Router, Router) {
    let options = || Options::new("0.0.0-test");
    divided(&server.door, options(), options())
}

async fn send(router: &Router, request: Request<Body>) -> (u16, Vec<u8>) {
    let response = router.answer(None, request).await;
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, bytes.to_vec())
}

async fn get(router: &Router, path: &str) -> (u16, Vec<u8>) {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn what_is_public_is_served_at_both_and_all_else_at_one() {
    let server = Server::start();
    let (public, all) = routers(&server);
    for path in [THINGS, "/healthz", "/readyz", "/docs", "/openapi.json"] {
        assert_eq!(get(&public, path).await.0, 200, "{path}");
        assert_eq!(get(&all, path).await.0, 200, "{path}");
    }
    assert_eq!(get(&public, "/metrics").await.0, 404);
    assert_eq!(get(&all, "/metrics").await.0, 200);
    let whence = || post("/v1/boxes/box/whence", "{}");
    assert_eq!(send(&public, whence()).await.0, 404);
    assert_eq!(send(&all, whence()).await.0, 200);
    assert_eq!(get(&public, "/backup").await.0, 404);
    // Under a path of which something is public, another method is none that it takes.
    let body = r#"{"id": "a", "quantity": 1}"#;
    assert_eq!(send(&public, put(body)).await.0, 405);
    assert_eq!(send(&all, put(body)).await.0, 200);
    // Other systems reach their webhooks: the toy finds it unsigned.
    let webhook = Request::post("/v1/boxes/box/told").body(Body::from("{}"));
    assert_eq!(send(&public, webhook.unwrap()).await.0, 401);
}

#[tokio::test]
async fn each_document_tells_what_is_served_beside_it() {
    let server = Server::start();
    let (public, all) = routers(&server);
    let operations = async |router: &Router| {
        let (_, document) = get(router, "/openapi.json").await;
        let document: Value = serde_json::from_slice(&document).unwrap();
        let paths = document["paths"].as_object().unwrap().values();
        let methods = paths.flat_map(|path| path.as_object().unwrap().values());
        let ids: Vec<_> = methods
            .map(|it| it["operationId"].as_str().unwrap().to_owned())
            .collect();
        ids
    };
    // Time is the engine's own.
    let of_public = operations(&public).await;
    assert_eq!(
        of_public,
        [
            "time_get",
            "toy_list",
            "toy_tell",
            "toy_lamp",
            "toy_lamp_stream"
        ]
    );
    assert!(operations(&all).await.contains(&"toy_put".to_owned()));
}

#[tokio::test]
async fn requests_of_both_are_counted_together() {
    let server = Server::start();
    let (public, all) = routers(&server);
    for _ in 0..3 {
        get(&public, "/nothing").await;
    }
    let (_, metrics) = get(&all, "/metrics").await;
    let metrics = String::from_utf8(metrics).unwrap();
    let line = "\ntidegate_http_requests_total{class=\"4xx\"} 3\n";
    assert!(metrics.contains(line), "{metrics}");
}
