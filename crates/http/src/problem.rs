//! Problems (RFC 9457): every "no" of this front, and the members that all of them share.

use std::borrow::Cow;

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use tidegate_engine::contract::{Invalid, InvalidKind, RefusalDef, Writer};
use tidegate_engine::limits::BUSY_RETRY_MS;

use crate::answer::{Body, Response, add, answer};
use crate::encoding;
use crate::json::JsonWriter;
use crate::webhook;

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Where a problem's `type` points to, before its code.
pub(crate) const TYPE_BASE: &str = "/docs/problems#";

/// Members that mean the same in every problem; a refusal's fact of such a name is told apart.
pub(crate) const COMMON_MEMBERS: [&str; 6] =
    ["type", "title", "status", "code", "detail", "instance"];

/// A problem that the front itself finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProblemDef {
    pub(crate) code: &'static str,
    pub(crate) status: StatusCode,
    /// What it means and what the caller can do.
    pub(crate) doc: &'static str,
}

/// Declares the problems of the front and the list of them.
macro_rules! problems {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $status:ident;)+) => {
        $(
            $(#[doc = $doc])+
            pub(crate) const $name: ProblemDef = ProblemDef {
                code: $code,
                status: StatusCode::$status,
                doc: concat!($($doc),+),
            };
        )+
        /// All of them.
        pub(crate) const ALL: &[ProblemDef] = &[$($name),+];
    };
}

problems! {
    /// The request cannot be read. Change it; the same request fails again.
    UNREADABLE = "unreadable", BAD_REQUEST;
    /// The credentials are missing or wrong. Send `Authorization: Bearer` with the server's token.
    UNAUTHORIZED = "unauthorized", UNAUTHORIZED;
    /// A browser was made to send this by a page that is not this server's own. Nothing was done.
    CROSS_SITE = "cross_site", FORBIDDEN;
    /// Nothing is served under this path. See `/docs`.
    UNKNOWN_PATH = "unknown_path", NOT_FOUND;
    /// The path does not take this method. The header `Allow` lists those that it takes.
    WRONG_METHOD = "wrong_method", METHOD_NOT_ALLOWED;
    /// The body did not arrive in time. Nothing was done.
    BODY_TIMEOUT = "body_timeout", REQUEST_TIMEOUT;
    /// The body is larger than this server takes, as it was sent or unpacked.
    BODY_TOO_LARGE = "body_too_large", PAYLOAD_TOO_LARGE;
    /// A body must be JSON and say so: `Content-Type: application/json`. Where a request takes a list that may be all of
    /// its body, this may also be lines of JSON: `application/x-ndjson`.
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE;
    /// A body may be packed once, as `Content-Encoding: gzip` or `deflate` says. The header `Accept-Encoding` of the
    /// answer lists both.
    UNSUPPORTED_ENCODING = "unsupported_encoding", UNSUPPORTED_MEDIA_TYPE;
    /// Without credentials this server answers only as `localhost`, `127.0.0.1`, `[::1]` or another
    /// IP address: under any other name, the page of a site could reach it through its visitor's
    /// browser. Nothing was done. Ask for one of these, or start the server with a password.
    MISDIRECTED_REQUEST = "misdirected_request", MISDIRECTED_REQUEST;
    /// A field is readable and outside its limits. Change it; the same request fails again.
    OUT_OF_RANGE = "out_of_range", UNPROCESSABLE_ENTITY;
    /// Too much work is waiting, or work of this class is shed for now, as `shed` says then. Nothing was done; ask
    /// again after `retry_after_ms`.
    BUSY = "busy", SERVICE_UNAVAILABLE;
    /// The server is shutting down. Nothing was done; ask again when it is back.
    STOPPING = "stopping", SERVICE_UNAVAILABLE;
    /// The answer did not come in time, so it is unknown whether the request was done. Ask again
    /// with the same id: the first receipt comes back if it was.
    OUTCOME_UNKNOWN = "outcome_unknown", GATEWAY_TIMEOUT;
    /// The disk has no room for another segment of the log, or for rows that memory has no room for.
    /// Nothing was done. Reads and finishing commands go on; service resumes by itself once there is
    /// room.
    DISK_FULL = "disk_full", INSUFFICIENT_STORAGE;
}

/// One occurrence of a problem, or a "no" on its way to the client.
#[derive(Debug)]
pub(crate) struct Problem {
    def: ProblemDef,
    detail: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
}

impl Problem {
    pub(crate) fn new(def: ProblemDef, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            def,
            detail: detail.into(),
            field: None,
        }
    }

    /// A problem whose documentation says it all.
    pub(crate) fn plain(def: ProblemDef) -> Self {
        Self::new(def, def.doc.trim())
    }

    /// A webhook that does not show who sends it, as its domain refuses that: this header is missing.
    pub(crate) fn unsigned(refusal: &RefusalDef, header: &str) -> Self {
        let def = ProblemDef {
            code: refusal.code,
            status: StatusCode::UNAUTHORIZED,
            doc: refusal.doc,
        };
        let detail = format!("the header `{header}` is missing: nothing shows who sends this");
        Self::new(def, detail)
    }

    /// A request that cannot be read because of one field.
    pub(crate) fn field(
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            def: UNREADABLE,
            detail: detail.into(),
            field: Some(field.into()),
        }
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let def = match invalid.kind {
            InvalidKind::Missing | InvalidKind::Unreadable => UNREADABLE,
            InvalidKind::OutOfRange => OUT_OF_RANGE,
        };
        let detail = format!("`{}` {}", invalid.field, invalid.message);
        Self {
            def,
            detail: detail.into(),
            field: Some(invalid.field.into()),
        }
    }
}

impl Problem {
    pub(crate) fn into_response(self) -> Response {
        let mut body = Vec::new();
        let mut json = JsonWriter::new(&mut body);
        json.map(0);
        write_common(&mut json, self.def.code, self.def.status, &self.detail);
        if let Some(field) = &self.field {
            json.name("field");
            json.text(field);
        }
        let retry_after_ms = (self.def == BUSY).then_some(BUSY_RETRY_MS);
        if let Some(retry_after_ms) = retry_after_ms {
            json.name("retry_after_ms");
            json.integer(i64::try_from(retry_after_ms).unwrap_or(i64::MAX));
        }
        json.end();
        let mut response = response(self.def.status, retry_after_ms, body);
        if self.def.status == StatusCode::UNAUTHORIZED {
            let is_own = self.def == UNAUTHORIZED;
            challenge(
                &mut response,
                if is_own { "Bearer" } else { webhook::SCHEME },
            );
        }
        if self.def == UNSUPPORTED_ENCODING {
            add(response.headers_mut(), [encoding::ACCEPTED]);
        }
        response
    }
}

/// The response that carries a problem's bytes.
pub(crate) fn response(
    status: StatusCode,
    retry_after_ms: Option<u64>,
    body: impl Into<Body>,
) -> Response {
    let mut response = answer(status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body);
    if let Some(retry_after_ms) = retry_after_ms {
        let seconds = retry_after_ms.div_ceil(1_000).max(1);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Says how to show who one is, as each 401 must (RFC 9110, section 15.5.2).
pub(crate) fn challenge(response: &mut Response, scheme: &'static str) {
    let scheme = HeaderValue::from_static(scheme);
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, scheme);
}

/// Writes the members that every problem has.
pub(crate) fn write_common(
    json: &mut JsonWriter<'_>,
    code: &str,
    status: StatusCode,
    detail: &str,
) {
    json.name("type");
    json.text(&format!("{TYPE_BASE}{code}"));
    json.name("title");
    json.text(&code.replace('_', " "));
    json.name("status");
    json.integer(i64::from(status.as_u16()));
    json.name("code");
    json.text(code);
    json.name("detail");
    json.text(detail);
}
