//! `/healthz` and `/readyz`: whether the process lives, and whether it answers.

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde_json::json;

use crate::answer::{Response, answer};
use crate::options::Readiness;
use crate::router::Front;

/// The process lives.
pub(crate) fn health() -> Response {
    json_response(StatusCode::OK, &json!({ "status": "ok" }))
}

/// Whether requests can be answered, and if not, why.
pub(crate) fn ready(front: &Front) -> Response {
    match (front.options.ready)() {
        Readiness::Ready => json_response(StatusCode::OK, &json!({ "status": "ready" })),
        Readiness::NotReady(reason) => not_ready(&reason),
    }
}

pub(crate) fn not_ready(reason: &str) -> Response {
    let body = json!({ "status": "not_ready", "reason": reason });
    let mut response = json_response(StatusCode::SERVICE_UNAVAILABLE, &body);
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    answer(status, headers, body.to_string())
}
