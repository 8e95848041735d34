//! The life of a request under `/v1`: admitted, read, submitted, awaited.

use std::net::IpAddr;

use hyper::body::{Body, Bytes};
use hyper::http::request::Parts;
use tidegate_engine::contract::{Method, Raw, RequestDef, Work};
use tokio::time::{Instant, timeout_at};

use crate::address;
use crate::answer::Response;
use crate::body::{self, Form, Media, Takes, WholeBody};
use crate::limits::WEBHOOK_BYTES_MAX;
use crate::lists::{self, lists};
use crate::members::Members;
use crate::paths::{Decoded, Params, decoded};
use crate::problem::{self, Problem};
use crate::query;
use crate::router::Front;
use crate::sink::{OneShot, Rendered};
use crate::values::{Given, address_index};
use crate::watch::seen;
use crate::webhook;

pub(crate) const NO_BODY: &str = "a GET takes its fields from the query string and has no body";

/// One declared request.
pub(crate) struct Route {
    /// Its place among all requests.
    pub(crate) number: usize,
    /// The domain's place among the domains of the door.
    pub(crate) domain: usize,
    pub(crate) def: &'static RequestDef,
}

/// The body of a request, whatever it comes from.
pub trait RequestBody: Body<Data = Bytes> + Unpin {}

impl<B: Body<Data = Bytes> + Unpin> RequestBody for B {}

/// What is asked, but for the body.
pub(crate) struct Asked<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) params: Params<'a>,
    /// The other end of the connection, if there is one.
    pub(crate) peer: Option<IpAddr>,
}

/// Answers one request. Whoever waits no longer than the time-out learns what came of it.
pub(crate) async fn answer(
    front: &Front,
    route: &Route,
    asked: &Asked<'_>,
    body: impl RequestBody,
) -> Result<Response, Problem> {
    let _room = front.admission.request()?;
    let began = Instant::now();
    let deadline = began + front.options.request_timeout;
    let work = work(front, route, asked, body, deadline).await?;
    let rendered = outcome(front, route, work, (began, deadline)).await?;
    match rendered.head().tag {
        tag if tag > 0 && seen::has(&asked.parts.headers, tag) => Ok(seen::nothing_new(tag)),
        _ => Ok(rendered.into_response()),
    }
}

/// Submits a request, and waits for what comes of it.
pub(crate) async fn outcome(
    front: &Front,
    route: &Route,
    work: Work,
    (began, deadline): (Instant, Instant),
) -> Result<Rendered, Problem> {
    front.door.check(&work)?;
    let (sink, answered) = OneShot::channel(route.def);
    front.door.submit(route.domain, route.def, work, &sink, 0);
    drop(sink);
    let answered = timeout_at(deadline, answered).await;
    front.metrics.latencies[route.number]
        .1
        .count(began.elapsed());
    match answered {
        Ok(Ok(rendered)) => Ok(rendered),
        // Out of time, or the engine went away with the request.
        Err(_) | Ok(Err(_)) => Err(Problem::plain(problem::OUTCOME_UNKNOWN)),
    }
}

/// Reads what is asked for: path, query and body.
pub(crate) async fn work(
    front: &Front,
    route: &Route,
    asked: &Asked<'_>,
    body: impl RequestBody,
    deadline: Instant,
) -> Result<Work, Problem> {
    let parts = asked.parts;
    let path = decoded(parts.uri.path(), &asked.params)?;
    let takes = takes(route.def, front.options.body_bytes_max);
    let body = whole(front, parts, body, takes, deadline).await?;
    let from = address_of(front, route.def, asked);
    match &route.def.webhook {
        Some(webhook) => {
            if let Some(header) = webhook::lacks(webhook, &parts.headers) {
                front.door.count_refusal(route.domain, webhook.unsigned);
                return Err(Problem::unsigned(webhook.unsigned, header));
            }
            webhook::read(route.def, webhook, (&path, from), parts, &body.bytes)
        }
        None => read(route.def, (&path, from), parts, &body),
    }
}

/// Reads a body, which has until then to arrive.
pub(crate) async fn whole(
    front: &Front,
    parts: &Parts,
    body: impl RequestBody,
    takes: Takes,
    deadline: Instant,
) -> Result<WholeBody, Problem> {
    let body = body::read(body, &parts.headers, takes, &front.admission);
    let body = timeout_at(deadline, body).await;
    body.map_err(|_| Problem::plain(problem::BODY_TIMEOUT))?
}

/// That a request has no body.
pub(crate) fn check_bare(body: &impl RequestBody) -> Result<(), Problem> {
    if body.is_end_stream() {
        return Ok(());
    }
    Err(Problem::new(problem::UNREADABLE, NO_BODY))
}

fn takes(def: &RequestDef, bytes_max: usize) -> Takes {
    match def.webhook {
        Some(_) => Takes {
            bytes_max: bytes_max.min(WEBHOOK_BYTES_MAX),
            media: Media::Any,
        },
        None => Takes {
            bytes_max,
            media: match lists::bare(def) {
                Some(_) => Media::JsonOrLines,
                None => Media::Json,
            },
        },
    }
}

/// Who asks, if the request wants to know. A proxy that does not say it well counts itself.
fn address_of(front: &Front, def: &RequestDef, asked: &Asked<'_>) -> Option<IpAddr> {
    address_index(def.fields)?;
    let peer = asked.peer?;
    let client = address::client(peer, &asked.parts.headers, &front.options.proxies);
    Some(client.unwrap_or_else(|_| {
        front.metrics.count_malformed_forwarded();
        peer
    }))
}

/// Builds the domain's request.
fn read(
    def: &RequestDef,
    (path, from): (&Decoded<'_>, Option<IpAddr>),
    parts: &Parts,
    body: &WholeBody,
) -> Result<Work, Problem> {
    let query: Vec<_> = query::pairs(parts.uri.query().unwrap_or_default()).collect();
    let members = members(def, body)?;
    let lists = lists(def, &members)?;
    let mut given = Given::new(def, path);
    match def.http.method {
        Method::Get => {
            let is_of_front =
                |name: &[u8]| *name == *seen::WAIT_MS.as_bytes() && seen::may_wait(def);
            for (name, value) in query.iter().filter(|(name, _)| !is_of_front(name)) {
                given.put(name, Raw::Text(value))?;
            }
            if !body.bytes.is_empty() {
                return Err(Problem::new(problem::UNREADABLE, NO_BODY));
            }
        }
        Method::Post | Method::Put | Method::Delete => {
            for ((name, value), list) in members.0.iter().zip(&lists) {
                let list = list.as_deref().map(Raw::List);
                given.put(name.as_bytes(), list.unwrap_or_else(|| value.raw()))?;
            }
            if let Some((name, _)) = query.first() {
                let name = String::from_utf8_lossy(name).into_owned();
                let detail = "this request takes its fields from the body, not the query string";
                return Err(Problem::field(name, detail));
            }
        }
    }
    given.address(from);
    given.idempotency_key(&parts.headers)?;
    Ok(def.read(&given.values())?)
}

/// The members of a body, whatever their form.
fn members<'a>(def: &RequestDef, body: &'a WholeBody) -> Result<Members<'a>, Problem> {
    let WholeBody { bytes, form, .. } = body;
    let is_list = bytes.trim_ascii_start().starts_with(b"[");
    match (lists::bare(def), form) {
        (Some(list), Form::Lines) => {
            Members::read_lines(list.name, bytes).map_err(|(line, error)| {
                not_json(&format!("line {line} of the body"), "value", &error)
            })
        }
        (Some(list), Form::Json) if is_list => Members::read_list(list.name, bytes)
            .map_err(|error| not_json("the body", "array", &error)),
        (_, Form::Json | Form::Lines | Form::Pairs) => object(bytes),
    }
}

/// The members of a body that is an object.
pub(crate) fn object(bytes: &[u8]) -> Result<Members<'_>, Problem> {
    Members::read(bytes).map_err(|error| not_json("the body", "object", &error))
}

fn not_json(what: &str, kind: &str, error: &serde_json::Error) -> Problem {
    let detail = format!("{what} is not a JSON {kind}: {error}");
    Problem::new(problem::UNREADABLE, detail)
}
