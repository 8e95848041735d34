//! `/healthz` and `/readyz`: whether the process lives, and whether it answers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
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
        Readiness::NotReady(reason) => {
            let body = json!({ "status": "not_ready", "reason": reason });
            json_response(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
    }
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
