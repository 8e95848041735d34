//! The documentation: the OpenAPI document and the page that shows it, without any network.

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderValue, LOCATION};

use crate::answer::{self, Body, Response, answer};
use crate::pages;
use crate::paths::Make;
use crate::router::Front;

const PAGE: &str = include_str!("../assets/page.html");
const STYLE: &str = include_str!("../assets/page.css");
const SCRIPT: &str = include_str!("../assets/page.js");

/// The folder, seen from `/docs`, against which the page's references stand. They are relative, so
/// that a proxy may serve it all under a prefix.
const FOLDER: &str = "\"docs/";

/// Everything served here.
pub(crate) const PATHS: [(&str, Make); 7] = [
    ("/", index),
    ("/docs", page),
    ("/docs/", page_in_folder),
    ("/docs/problems", page_in_folder),
    ("/docs/page.css", style),
    ("/docs/page.js", script),
    ("/openapi.json", openapi),
];

/// `/` leads to the documentation.
fn index(_: &Front) -> Response {
    let to = [(LOCATION, HeaderValue::from_static("/docs"))];
    answer(StatusCode::TEMPORARY_REDIRECT, to, Body::empty())
}

fn page(_: &Front) -> Response {
    asset("text/html; charset=utf-8", PAGE)
}

/// The page where its assets lie beside it; here lead the `type`s of problems.
fn page_in_folder(_: &Front) -> Response {
    asset("text/html; charset=utf-8", PAGE.replace(FOLDER, "\""))
}

fn style(_: &Front) -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

fn script(_: &Front) -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// It may be another one with the next start.
fn asset(media_type: &'static str, content: impl Into<Body>) -> Response {
    let mut asset = pages::asset(media_type, content);
    let unkept = [(CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    answer::add(asset.headers_mut(), unkept);
    asset
}

/// The OpenAPI document.
fn openapi(front: &Front) -> Response {
    asset("application/json", front.openapi.clone())
}
