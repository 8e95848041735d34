//! Health, readiness, metrics and the documentation page.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Request;
use tidegate_http::{Body, Options, Readiness};

use crate::harness::Server;

#[tokio::test]
async fn readiness_gives_its_reason_and_health_does_not_care() {
    let ready = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ready);
    let mut options = Options::new("0.0.0-test");
    options.ready = Arc::new(move || match seen.load(Ordering::Relaxed) {
        true => Readiness::Ready,
        false => Readiness::NotReady("replaying the log".to_owned()),
    });
    let server = Server::with(options);
    let not_yet = server.get("/readyz").await;
    assert_eq!(not_yet.status, 503);
    assert_eq!(not_yet.json()["reason"], "replaying the log");
    assert_eq!(server.get("/healthz").await.json()["status"], "ok");
    ready.store(true, Ordering::Relaxed);
    assert_eq!(server.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn metrics_are_families_with_help_and_type() {
    let own = "# HELP own_total The program's.\n# TYPE own_total counter\nown_total 7\n";
    let server = Server::with(Options {
        metrics: Arc::new(|text| *text += own),
        ..Options::new("0.0.0-test")
    });
    server.put(r#"{"id":"a","quantity":1}"#).await;
    server.get("/nothing").await;
    let answered = server.get("/metrics").await;
    assert_eq!(
        answered.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = String::from_utf8(answered.bytes).unwrap();
    for line in [
        "tidegate_http_requests_total{class=\"2xx\"} 1",
        "tidegate_http_requests_total{class=\"4xx\"} 1",
        "tidegate_http_requests_in_flight 1",
        "own_total 7",
        "tidegate_requests_admitted_total 1",
        "tidegate_build_info{version=\"0.0.0-test\"} 1",
        "tidegate_http_request_seconds_bucket{request=\"TOY.PUT\",le=\"+Inf\"} 1",
        "tidegate_http_request_seconds_count{request=\"TOY.PUT\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let parts = ["_bucket", "_sum", "_count"].into_iter();
        let of_histogram = parts.filter_map(|part| name.strip_suffix(part)).next();
        let name = of_histogram.unwrap_or(name);
        for comment in ["HELP", "TYPE"] {
            let start = format!("# {comment} {name} ");
            assert_eq!(
                text.lines().filter(|line| line.starts_with(&start)).count(),
                1,
                "{start}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_that_the_client_gives_up_is_no_longer_in_flight() {
    let server = Server::asleep(Options::new("0.0.0-test"));
    let waiting = server.put(r#"{"id":"a","quantity":1}"#);
    let gave_up = tokio::time::timeout(std::time::Duration::from_millis(20), waiting).await;
    assert!(gave_up.is_err());
    let text = String::from_utf8(server.get("/metrics").await.bytes).unwrap();
    assert!(
        text.contains("tidegate_http_requests_in_flight 1\n"),
        "only /metrics itself: {text}"
    );
}

/// Where the page's references lead, seen from `uri`.
fn references(uri: &str, page: &str) -> Vec<String> {
    let folder = &uri[..=uri.rfind('/').unwrap()];
    let page = page.replace("src=\"", "href=\"");
    let references = page.split("href=\"").skip(1);
    references
        .map(|rest| rest.split('"').next().unwrap())
        .filter(|reference| !reference.starts_with('#'))
        .map(|reference| format!("{folder}{reference}"))
        .collect()
}

#[tokio::test]
async fn the_documentation_needs_no_network_and_may_not_use_one() {
    let server = Server::start();
    assert_eq!(server.get("/").await.header("location"), "/docs");
    for uri in ["/docs", "/docs/", "/docs/problems"] {
        let page = server.get(uri).await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let text = String::from_utf8(page.bytes).unwrap();
        let references = references(uri, &text);
        let mut loaded: Vec<_> = references.iter().map(|it| resolved(it)).collect();
        loaded.sort_unstable();
        let expected = ["/docs/page.css", "/docs/page.js", "/openapi.json"];
        assert_eq!(loaded, expected, "{uri}");
    }
    for uri in ["/docs", "/docs/page.css", "/docs/page.js"] {
        let text = String::from_utf8(server.get(uri).await.bytes).unwrap();
        for elsewhere in ["http://", "https://", "\"//", "@import", "url("] {
            assert!(!text.contains(elsewhere), "{elsewhere} in {uri}");
        }
    }
}

/// A path without its steps back.
fn resolved(path: &str) -> String {
    let mut steps = Vec::new();
    for step in path.split('/') {
        match step {
            ".." => drop(steps.pop()),
            _ => steps.push(step),
        }
    }
    steps.join("/")
}

#[tokio::test]
async fn the_documentation_allows_nothing_but_itself() {
    let server = Server::start();
    for uri in [
        "/docs",
        "/docs/",
        "/docs/problems",
        "/docs/page.css",
        "/docs/page.js",
        "/openapi.json",
    ] {
        let answered = server.get(uri).await;
        assert_eq!(answered.status, 200, "{uri}");
        let policy = answered.header("content-security-policy");
        let rules: Vec<_> = policy.split("; ").collect();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(rules.contains(&rule), "{uri}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answered.header("x-content-type-options"), "nosniff");
        assert_eq!(answered.header("referrer-policy"), "no-referrer");
    }
}

#[tokio::test]
async fn a_head_request_has_the_headers_and_no_body() {
    let server = Server::start();
    for uri in ["/v1/boxes/box/things", "/openapi.json", "/docs"] {
        let whole = server.get(uri).await;
        let head = server
            .send(Request::head(uri).body(Body::empty()).unwrap())
            .await;
        assert_eq!((head.status, head.bytes.len()), (whole.status, 0), "{uri}");
        assert_eq!(head.header("content-type"), whole.header("content-type"));
        assert_eq!(head.header("content-length"), whole.bytes.len().to_string());
    }
}

#[tokio::test]
async fn there_is_one_backup_at_a_time_and_a_client_that_leaves_makes_room() {
    // Nobody steps its checkpointer: a backup waits.
    let server = Server::start();
    let ask = || Request::get("/backup").header("host", "localhost");
    let mut first = Box::pin(server.send(ask().body(Body::empty()).unwrap()));
    let waited = tokio::time::timeout(Duration::from_millis(10), &mut first).await;
    assert!(waited.is_err());
    let second = server.get("/backup").await;
    assert_eq!(second.problem(), (503, "busy".to_owned()));
    assert_eq!(second.header("retry-after"), "1");
    drop(first);
    while server.door.backup().is_err() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.door.stop();
    let stopping = server.get("/backup").await;
    assert_eq!(stopping.problem(), (503, "stopping".to_owned()));
}

#[tokio::test]
async fn while_it_starts_it_lives_and_tells_how_far_it_is() {
    let router = tidegate_http::starting_router(|| "3 of 9 MiB".to_owned());
    for (uri, status) in [("/healthz", 200), ("/readyz", 503), ("/v1/stock", 503)] {
        let request = Request::get(uri).body(Body::empty()).unwrap();
        let response = router.answer(None, request).await;
        assert_eq!(response.status().as_u16(), status, "{uri}");
        if status == 503 {
            assert_eq!(response.headers()["retry-after"], "1");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["reason"], "3 of 9 MiB");
        }
    }
}
