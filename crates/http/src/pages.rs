//! Pages for people: files that the program hands over, each under a path of its own. They hold no data: what
//! they show they ask for under `/v1`, as any client.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use xxhash_rust::xxh3::xxh3_128;

use crate::problem::Problem;
use crate::router::Front;

/// A file that is served as it is.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its path; a part in braces stands for any text: `/sale/{id}`.
    pub path: &'static str,
    /// What it is, as `text/html; charset=utf-8`.
    pub media_type: &'static str,
    /// Its bytes.
    pub content: Bytes,
}

/// What a page needs comes from this server; nothing else does, and no text becomes markup.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// A browser asks each time whether there is another version; what stands between may answer that for a minute,
/// so that a crowd which waits for a start costs the server nothing.
const CACHED: &str = "public, max-age=0, s-maxage=60";

/// Adds them.
pub(crate) fn routes(pages: &[Page]) -> Router<Arc<Front>> {
    let mut router = Router::new();
    for page in pages {
        let served = Served::of(page);
        let answer = move |State(front): State<Arc<Front>>, headers: HeaderMap| {
            let answered = served.answer(&front, &headers);
            std::future::ready(answered)
        };
        router = router.route(page.path, get(answer));
    }
    router
}

/// A page and the name of its version.
#[derive(Clone)]
struct Served {
    media_type: &'static str,
    content: Bytes,
    version: HeaderValue,
}

impl Served {
    fn of(page: &Page) -> Self {
        let version = format!("\"{:032x}\"", xxh3_128(&page.content));
        let version = HeaderValue::try_from(version);
        Self {
            media_type: page.media_type,
            content: page.content.clone(),
            version: version.expect("because hexadecimal digits in quotes are visible ASCII"),
        }
    }

    fn answer(&self, front: &Front, headers: &HeaderMap) -> Result<Response, Problem> {
        let _room = front.admission.request()?;
        let about = [
            (ETAG, self.version.clone()),
            (CACHE_CONTROL, HeaderValue::from_static(CACHED)),
        ];
        Ok(if self.is_known(headers) {
            (StatusCode::NOT_MODIFIED, about).into_response()
        } else {
            (about, asset(self.media_type, self.content.clone())).into_response()
        })
    }

    /// Whether the client has it; a proxy on the way may have marked its version as weak.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let versions = headers.get_all(IF_NONE_MATCH).iter();
        let mut versions =
            versions.flat_map(|versions| versions.as_bytes().split(|byte| *byte == b','));
        versions.any(|version| {
            let version = version.trim_ascii();
            let version = version.strip_prefix(b"W/").unwrap_or(version);
            version == self.version.as_bytes()
        })
    }
}

/// A file for a browser, under the policy of all pages.
pub(crate) fn asset(media_type: &'static str, content: impl IntoResponse) -> Response {
    let headers = [
        ("content-type", media_type),
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    (headers, content).into_response()
}
