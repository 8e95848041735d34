//! `/healthz` and `/readyz`: whether the process lives, and whether it answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::options::Readiness;
use crate::router::Front;

/// The process lives.
pub(crate) async fn health() -> Response {
    json_response(StatusCode::OK, &json!({ "status": "ok" }))
}

/// Whether requests can be answered, and if not, why.
pub(crate) async fn ready(State(front): State<Arc<Front>>) -> Response {
    match (front.options.ready)() {
        Readiness::Ready => json_response(StatusCode::OK, &json!({ "status": "ready" })),
        Readiness::NotReady(reason) => not_ready(&reason),
    }
}

/// What is answered while the server starts: that it lives, and to all else how far it is.
pub fn starting_router(how_far: Arc<dyn Fn() -> String + Send + Sync>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .fallback(move || std::future::ready(not_ready(&how_far())))
}

fn not_ready(reason: &str) -> Response {
    let body = json!({ "status": "not_ready", "reason": reason });
    let mut response = json_response(StatusCode::SERVICE_UNAVAILABLE, &body);
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    (
        status,
        [
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
        ],
        body.to_string(),
    )
        .into_response()
}
