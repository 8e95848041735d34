//! The documentation: the OpenAPI document and the page that shows it, without any network.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::pages;
use crate::router::Front;

const PAGE: &str = include_str!("../assets/page.html");
const STYLE: &str = include_str!("../assets/page.css");
const SCRIPT: &str = include_str!("../assets/page.js");

/// The folder, seen from `/docs`, against which the page's references stand. They are relative, so
/// that a proxy may serve it all under a prefix.
const FOLDER: &str = "\"docs/";

/// Everything served here.
pub(crate) fn routes() -> Router<Arc<Front>> {
    Router::new()
        .route("/", get(index))
        .route("/docs", get(page))
        .route("/docs/", get(page_in_folder))
        .route("/docs/problems", get(page_in_folder))
        .route("/docs/page.css", get(style))
        .route("/docs/page.js", get(script))
        .route("/openapi.json", get(openapi))
}

/// `/` leads to the documentation.
async fn index() -> Redirect {
    Redirect::temporary("/docs")
}

async fn page() -> Response {
    asset("text/html; charset=utf-8", PAGE)
}

/// The page where its assets lie beside it; here lead the `type`s of problems.
async fn page_in_folder() -> Response {
    asset("text/html; charset=utf-8", PAGE.replace(FOLDER, "\""))
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// It may be another one with the next start.
fn asset(media_type: &'static str, content: impl IntoResponse) -> Response {
    let unkept = [("cache-control", "no-cache")];
    (unkept, pages::asset(media_type, content)).into_response()
}

/// The OpenAPI document.
async fn openapi(State(front): State<Arc<Front>>) -> Response {
    asset("application/json", front.openapi.clone())
}
