//! What requests pass before they are looked at: counting, credentials, and whose page asks.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
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
    // The signature of a webhook is its credential, which no page makes a browser send. Nor is it known
    // under which name another system reaches this server.
    if !is_webhook(&front, &request) {
        check_caller(&front, &request)?;
    }
    browser::check_site(&request)?;
    Ok(next.run(request).await)
}

fn check_caller(front: &Front, request: &Request) -> Result<(), Problem> {
    match &front.options.credentials {
        Some(token) => check_token(token, request.headers()),
        None if front.options.any_host => Ok(()),
        None => browser::check_without_credentials(request),
    }
}

/// Whether it is for a request that arrives as a webhook; others may stand under the same path.
fn is_webhook(front: &Front, request: &Request) -> bool {
    let path = request.extensions().get::<MatchedPath>();
    *request.method() == Method::POST
        && path.is_some_and(|path| front.webhooks.contains(&path.as_str()))
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
