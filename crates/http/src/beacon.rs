//! Requests that pages send without reading the answer: read from a query string, a form or JSON, and answered with
//! nothing, or with an image of one pixel.

use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use tidegate_engine::contract::{FieldKind, Raw, RequestDef, Work};
use tokio::time::Instant;

use crate::answer::{Body, Response, add, answer as answered};
use crate::body::{Form, Media, Takes, WholeBody};
use crate::limits::BEACON_BYTES_MAX;
use crate::members::Members;
use crate::paths::{Decoded, decoded};
use crate::problem::{self, Problem};
use crate::query;
use crate::route::{self, Asked, RequestBody, Route};
use crate::router::Front;
use crate::values::{Given, shown};

/// A transparent GIF of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x01D\0;";

/// What is answered is about this time only: nothing between may answer it the next time.
const NO_STORE: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// Pages of other sites show the image, too.
const ANY_SITE: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-resource-policy"),
    HeaderValue::from_static("cross-origin"),
);

const GIF: (HeaderName, HeaderValue) =
    (header::CONTENT_TYPE, HeaderValue::from_static("image/gif"));

/// Checks that the beacon of a request, if it has one, gives each field that the request needs, and that there is
/// nothing to read in its answer.
///
/// # Panics
/// It does not, or there is.
pub(crate) fn check(def: &RequestDef) {
    let Some(beacon) = def.beacon else { return };
    let path = beacon.path;
    for name in beacon.fields {
        let field = def.fields.iter().find(|field| field.name == *name);
        let is_plain = field.is_some_and(|field| !matches!(field.kind, FieldKind::List { .. }));
        assert!(is_plain, "{path}: `{name}` is no plain field of it");
    }
    for field in def.fields.iter().filter(|field| field.required) {
        let of_path = path.contains(&format!("{{{}}}", field.name));
        let is_given = of_path || beacon.fields.contains(&field.name);
        assert!(is_given, "{path}: nothing gives `{}`", field.name);
    }
    let is_told = def.pends || def.streams || def.watched.is_some() || def.webhook.is_some();
    assert!(!is_told, "{path}: a beacon tells nothing");
}

/// Answers one.
pub(crate) async fn answer(
    front: &Front,
    route: &Route,
    asked: &Asked<'_>,
    body: impl RequestBody,
) -> Response {
    let done = done(front, route, asked, body).await;
    let mut response = done.unwrap_or_else(Problem::into_response);
    if response.status().is_success() {
        response = match asked.parts.method {
            Method::GET => answered(StatusCode::OK, [GIF, ANY_SITE], PIXEL),
            _ => answered(StatusCode::NO_CONTENT, [], Body::empty()),
        };
    }
    add(response.headers_mut(), [NO_STORE]);
    response
}

async fn done(
    front: &Front,
    route: &Route,
    asked: &Asked<'_>,
    body: impl RequestBody,
) -> Result<Response, Problem> {
    let _room = front.admission.request()?;
    let began = Instant::now();
    let deadline = began + front.options.request_timeout;
    let path = decoded(asked.parts.uri.path(), &asked.params)?;
    let takes = Takes {
        bytes_max: front.options.body_bytes_max.min(BEACON_BYTES_MAX),
        media: Media::OfPage,
    };
    let body = route::whole(front, asked.parts, body, takes, deadline).await?;
    let work = work(route.def, &path, asked.parts, &body)?;
    let rendered = route::outcome(front, route, work, (began, deadline)).await?;
    Ok(rendered.into_response())
}

/// Builds the domain's request: fields stand in the query string, in the body, or in both.
fn work(
    def: &RequestDef,
    path: &Decoded<'_>,
    parts: &Parts,
    body: &WholeBody,
) -> Result<Work, Problem> {
    if parts.method == Method::GET && !body.bytes.is_empty() {
        return Err(Problem::new(problem::UNREADABLE, route::NO_BODY));
    }
    let in_query: Vec<_> = query::pairs(parts.uri.query().unwrap_or_default()).collect();
    let in_form: Vec<_> = query::pairs(form(body)?).collect();
    let members = match body.form {
        Form::Pairs => Members::default(),
        Form::Json | Form::Lines => route::object(&body.bytes)?,
    };
    let texts = in_query.iter().chain(&in_form);
    let texts = texts.map(|(name, value)| (&**name, Raw::Text(value)));
    let members = members.0.iter();
    let members = members.map(|(name, value)| (name.as_bytes(), value.raw()));
    let mut given = Given::new(def, path);
    for (name, value) in texts.chain(members) {
        check_takes(def, name)?;
        given.put(name, value)?;
    }
    given.mint();
    Ok(def.read(&given.values())?)
}

/// What stands in a form, if the body is one.
fn form(body: &WholeBody) -> Result<&str, Problem> {
    match body.form {
        Form::Pairs => std::str::from_utf8(&body.bytes)
            .map_err(|_| Problem::new(problem::UNREADABLE, "the form is not UTF-8")),
        Form::Json | Form::Lines => Ok(""),
    }
}

fn check_takes(def: &RequestDef, name: &[u8]) -> Result<(), Problem> {
    let takes = def.beacon.map_or(&[][..], |beacon| beacon.fields);
    if takes.iter().any(|field| field.as_bytes() == name) {
        return Ok(());
    }
    let (name, takes) = (shown(name), takes.join(", "));
    let detail = format!("`{name}` is not a field of this beacon; it takes {takes}");
    Err(Problem::field(name, detail))
}
