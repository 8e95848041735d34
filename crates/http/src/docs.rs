//! The documentation: the OpenAPI document and the page that shows it, without any network.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::router::Front;

pub(crate) const INDEX_PATH: &str = "/";
pub(crate) const PAGE_PATH: &str = "/docs";
pub(crate) const PROBLEMS_PATH: &str = "/docs/problems";
pub(crate) const OPENAPI_PATH: &str = "/openapi.json";

/// Everything served here. None of it holds data.
pub(crate) const PATHS: [&str; 4] = [INDEX_PATH, PAGE_PATH, PROBLEMS_PATH, OPENAPI_PATH];

const PAGE: &str = include_str!("../assets/docs.html");

/// The page is one file with its own script and style, so those are allowed inline; everything
/// else is not, but requests to this server.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; \
     style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// `/` leads to the documentation.
pub(crate) async fn index() -> Redirect {
    Redirect::temporary(PAGE_PATH)
}

/// The page, also where problems' `type` points to.
pub(crate) async fn page() -> Response {
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-cache"),
    ];
    (headers, PAGE).into_response()
}

/// The OpenAPI document.
pub(crate) async fn openapi(State(front): State<Arc<Front>>) -> Response {
    let headers = [
        ("content-type", "application/json"),
        ("cache-control", "no-cache"),
    ];
    (headers, front.openapi.clone()).into_response()
}
