//! What requests pass before they are looked at: counting, credentials, and whose page asks.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::browser;
use crate::options::Token;
use crate::problem::{self, Problem};
use crate::router::Front;

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Counts a request and its answer.
pub(crate) async fn count(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response {
    let _in_flight = front.metrics.enter();
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    front.metrics.count(response.status());
    response
}

/// Lets a request through to what may hold data, or answers it here.
pub(crate) async fn admit(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    match &front.options.credentials {
        Some(token) => check_token(token, request.headers())?,
        None if front.options.any_host => {}
        None => browser::check_without_credentials(&request)?,
    }
    browser::check_site(&request)?;
    Ok(next.run(request).await)
}

fn check_token(token: &Token, headers: &HeaderMap) -> Result<(), Problem> {
    if bearer(headers).is_some_and(|offered| token.is(offered)) {
        Ok(())
    } else {
        Err(Problem::plain(problem::UNAUTHORIZED))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then_some(token.trim_ascii())
}
