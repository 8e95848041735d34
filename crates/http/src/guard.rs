//! What every request passes, whatever its path: counting, credentials, and whose page asks.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::browser;
use crate::docs;
use crate::health::{HEALTH_PATH, READY_PATH};
use crate::options::Token;
use crate::problem::{self, Problem};
use crate::router::Front;

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Lets a request through, or answers it here.
pub(crate) async fn guard(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response {
    let _in_flight = front.metrics.enter();
    let mut response = match check(front.options.credentials.as_ref(), &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    front.metrics.count(response.status());
    response
}

fn check(credentials: Option<&Token>, request: &Request) -> Result<(), Problem> {
    if holds_no_data(request.uri().path()) {
        return Ok(());
    }
    match credentials {
        Some(token) => check_token(token, request.headers())?,
        None => browser::check_without_credentials(request)?,
    }
    browser::check_site(request)
}

fn check_token(token: &Token, headers: &HeaderMap) -> Result<(), Problem> {
    if bearer(headers).is_some_and(|offered| token.is(offered)) {
        Ok(())
    } else {
        Err(Problem::plain(problem::UNAUTHORIZED))
    }
}

/// Whether a path is answered to everyone, under every name of the server: a probe has no
/// credentials, and neither has a browser before the page with the field for them is open.
fn holds_no_data(path: &str) -> bool {
    [HEALTH_PATH, READY_PATH].contains(&path) || docs::PATHS.contains(&path)
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then_some(token.trim_ascii())
}
