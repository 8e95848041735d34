//! The API: from a request to its answer, or to none.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::time::{sleep, timeout};

use super::checkout;
use super::id::Id;
use super::ledger::Ledger;
use super::payments::{Made, Refusal};
use super::provider::{Books, Provider};
use super::requests::{NewPayment, NewRefund};
use super::routes::{self, Route};
use super::troubles::Trouble;
use super::views::{self, PaymentView, RefundView};
use crate::password::Password;

/// What is served, described for people and programs.
pub(super) const OPENAPI: &str = include_str!("../../../../docs/pay-sandbox.openapi.yaml");

/// Bytes of a body: a hundred times what any request needs.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// How long a body may take to come.
const BODY_WAIT: Duration = Duration::from_secs(10);

/// What is answered where it is to be too large: nobody expects more than some KiB.
static LARGE: LazyLock<Bytes> = LazyLock::new(|| vec![b'1'; 10 << 20].into());

/// The connection is to be closed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("closed on purpose")]
pub(super) struct Closed;

pub(super) type Body = Either<Full<Bytes>, Ledger>;

/// What is answered, as JSON.
struct Answer {
    status: StatusCode,
    body: Bytes,
}

/// A request that was understood.
enum Call {
    Create(NewPayment),
    Get(Id),
    Refund(Id, NewRefund),
}

/// Answers a request.
pub(super) async fn answer(
    provider: Arc<Provider>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Closed> {
    if provider.is_down() {
        provider.count(|answers| answers.closed_while_down += 1);
        return Err(Closed);
    }
    let (parts, body) = request.into_parts();
    let found = routes::find(&parts.method, parts.uri.path());
    if let Ok((Route::OpenApi, _)) = found {
        return Ok(response(StatusCode::OK, "application/yaml", OPENAPI.into()));
    }
    match found {
        Ok((Route::Checkout, id)) => return Ok(checkout::show(&provider, id)),
        Ok((Route::Decide, id)) => {
            return Ok(match read(body).await? {
                Ok(body) => checkout::decide(&provider, id, &parts.headers, &body),
                Err(answer) => answer.into(),
            });
        }
        Ok(_) | Err(_) => {}
    }
    if let Some(token) = &provider.token
        && !carries(token, &parts.headers)
    {
        return Ok(unauthorized());
    }
    let (route, id) = match found {
        Ok(found) => found,
        Err(status) => return Ok(Answer::error(status, "there is nothing to ask here").into()),
    };
    if route == Route::Ledger {
        return Ok(ledger(provider));
    }
    let body = match read(body).await? {
        Ok(body) => body,
        Err(answer) => return Ok(answer.into()),
    };
    let (delay, trouble) = provider.next_trouble();
    let answered = in_trouble(&provider, trouble, || {
        match understood(route, id, &parts, &body) {
            Ok(call) => provider.with_books(|books, now_ms| call.carry_out(books, now_ms)),
            Err(answer) => answer,
        }
    });
    if !delay.is_zero() {
        sleep(delay).await;
    }
    if provider.is_down() {
        provider.count(|answers| answers.closed_while_down += 1);
        return Err(Closed);
    }
    Ok(answered?.into())
}

/// The body of a request; or what to answer to one that is too large.
async fn read(body: Incoming) -> Result<Result<Bytes, Answer>, Closed> {
    let body = timeout(BODY_WAIT, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    match body.map_err(|_| Closed)? {
        Ok(body) => Ok(Ok(body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Ok(Err(Answer::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "a body has at most 64 KiB",
        ))),
        Err(_) => Err(Closed), // The client has gone.
    }
}

/// Carries out what is asked for, or not, and answers, or not.
fn in_trouble(
    provider: &Provider,
    trouble: Option<Trouble>,
    carry_out: impl FnOnce() -> Answer,
) -> Result<Answer, Closed> {
    let instead = |body| Answer {
        status: StatusCode::OK,
        body,
    };
    match trouble {
        None => Ok(carry_out()),
        Some(Trouble::Error { is_carried_out }) => {
            provider.count(|answers| answers.errors += 1);
            if is_carried_out {
                carry_out();
            }
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Ok(Answer::error(status, "something went wrong"))
        }
        Some(Trouble::Dropped) => {
            provider.count(|answers| answers.dropped += 1);
            carry_out();
            Err(Closed)
        }
        Some(Trouble::Garbage(garbage)) => {
            provider.count(|answers| answers.garbage += 1);
            carry_out();
            Ok(instead(Bytes::from_static(garbage)))
        }
        Some(Trouble::Large) => {
            provider.count(|answers| answers.large += 1);
            carry_out();
            Ok(instead(LARGE.clone()))
        }
    }
}

fn understood(route: Route, id: Option<&str>, parts: &Parts, body: &[u8]) -> Result<Call, Answer> {
    let bad = |why: String| Answer::error(StatusCode::UNPROCESSABLE_ENTITY, &why);
    // A text that is no id is the id of no payment.
    let id = || {
        let id = id.and_then(|id| id.parse().ok());
        id.ok_or_else(|| Answer::from(Refusal::Unknown))
    };
    match route {
        Route::CreatePayment => {
            check_key(&parts.headers).map_err(bad)?;
            Ok(Call::Create(NewPayment::read(body).map_err(bad)?))
        }
        Route::CreateRefund => {
            check_key(&parts.headers).map_err(bad)?;
            Ok(Call::Refund(id()?, NewRefund::read(body).map_err(bad)?))
        }
        Route::GetPayment => Ok(Call::Get(id()?)),
        Route::Ledger | Route::OpenApi | Route::Checkout | Route::Decide => {
            unreachable!("because these are answered before")
        }
    }
}

/// A request that makes something has a key. Which is not looked at: the id says as much.
fn check_key(headers: &HeaderMap) -> Result<(), String> {
    let key = headers.get("idempotency-key");
    if key.is_some_and(|key| !key.is_empty()) {
        Ok(())
    } else {
        Err("the header Idempotency-Key is missing or empty".to_owned())
    }
}

impl Call {
    fn carry_out(self, books: &mut Books, now_ms: u64) -> Answer {
        let answered = match self {
            Self::Create(new) => create(books, new, now_ms),
            Self::Get(id) => get(books, id),
            Self::Refund(id, new) => refund(books, id, new, now_ms),
        };
        answered.unwrap_or_else(Answer::from)
    }
}

fn create(books: &mut Books, new: NewPayment, now_ms: u64) -> Result<Answer, Refusal> {
    let id = new.id;
    let made = books.payments.create(new, now_ms)?;
    books.advance(now_ms);
    let answer = get(books, id)?;
    Ok(Answer {
        status: made.status(),
        ..answer
    })
}

fn get(books: &Books, id: Id) -> Result<Answer, Refusal> {
    let payment = books.payments.get(id).ok_or(Refusal::Unknown)?;
    Ok(Answer {
        status: StatusCode::OK,
        body: views::json(&PaymentView::of(payment, &books.public_url)),
    })
}

fn refund(books: &mut Books, id: Id, new: NewRefund, now_ms: u64) -> Result<Answer, Refusal> {
    let of_refund = new.id;
    let made = books.payments.refund(id, new, now_ms)?;
    books.advance(now_ms);
    let payment = books.payments.get(id).ok_or(Refusal::Unknown)?;
    let refund = payment.refund(of_refund).ok_or(Refusal::Unknown)?;
    Ok(Answer {
        status: made.status(),
        body: views::json(&RefundView::of(payment, refund)),
    })
}

impl Made {
    fn status(self) -> StatusCode {
        match self {
            Self::Now => StatusCode::CREATED,
            Self::Before => StatusCode::OK,
        }
    }
}

impl Answer {
    fn error(status: StatusCode, error: &str) -> Self {
        let body = json!({ "error": error }).to_string().into();
        Self { status, body }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::Unknown => StatusCode::NOT_FOUND,
            Refusal::OtherContent | Refusal::MoreThanPaid { .. } | Refusal::TooManyRefunds => {
                StatusCode::CONFLICT
            }
            Refusal::Full => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::error(status, &refusal.to_string())
    }
}

impl From<Answer> for Response<Body> {
    fn from(answer: Answer) -> Self {
        response(answer.status, "application/json", answer.body)
    }
}

fn response(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A body that is all there.
pub(super) fn full(body: Bytes) -> Body {
    Either::Left(Full::new(body))
}

fn ledger(provider: Arc<Provider>) -> Response<Body> {
    let mut response = response(StatusCode::OK, "application/x-ndjson", Bytes::new());
    *response.body_mut() = Either::Right(Ledger::of(provider));
    response
}

fn unauthorized() -> Response<Body> {
    let error = "Authorization: Bearer <token> is missing or wrong";
    let mut response: Response<Body> = Answer::error(StatusCode::UNAUTHORIZED, error).into();
    let scheme = hyper::header::HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    response
}

/// Whether the token is there, in a time that does not tell how much of it was right.
fn carries(token: &Password, headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let offered = value.and_then(|value| value.split_at_checked(b"bearer ".len()));
    offered.is_some_and(|(scheme, offered)| {
        scheme.eq_ignore_ascii_case(b"bearer ")
            && bool::from(token.reveal().as_bytes().ct_eq(offered.trim_ascii()))
    })
}
