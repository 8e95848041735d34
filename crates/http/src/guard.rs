//! What every request passes, whatever its path: counting, credentials, and the other site.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

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
    if let Some(token) = credentials
        && !bearer(request.headers()).is_some_and(|offered| token.is(offered))
    {
        return Err(Problem::plain(problem::UNAUTHORIZED));
    }
    // Without credentials a page of any site could make a visitor's browser send a request to a
    // server on the visitor's own machine. Browsers say where a request comes from.
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD);
    if !harmless
        && request
            .headers()
            .get("sec-fetch-site")
            .is_some_and(|site| site == "cross-site")
    {
        return Err(Problem::plain(problem::CROSS_SITE));
    }
    Ok(())
}

/// Whether a path is answered to everyone: a probe has no credentials, and neither has a browser
/// before the page with the field for them is open.
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
