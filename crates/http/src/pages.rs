//! Pages for people: files that the program hands over, each under a path of its own. They hold no data: what
//! they show they ask for under `/v1`, as any client.

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, REFERRER_POLICY,
};
use xxhash_rust::xxh3::xxh3_128;

use crate::answer::{self, Body, Response, answer};
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
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// Headers that their library has no names for.
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A browser asks each time whether there is another version; what stands between may answer that for a minute,
/// so that a crowd which waits for a start costs the server nothing.
const CACHED: &str = "public, max-age=0, s-maxage=60";

/// A page and the name of its version.
pub(crate) struct Served {
    media_type: &'static str,
    content: Bytes,
    version: HeaderValue,
}

impl Served {
    pub(crate) fn of(page: &Page) -> Self {
        let version = format!("\"{:032x}\"", xxh3_128(&page.content));
        let version = HeaderValue::try_from(version);
        Self {
            media_type: page.media_type,
            content: page.content.clone(),
            version: version.expect("because hexadecimal digits in quotes are visible ASCII"),
        }
    }

    pub(crate) fn answer(&self, front: &Front, headers: &HeaderMap) -> Result<Response, Problem> {
        let _room = front.admission.request()?;
        let about = [
            (ETAG, self.version.clone()),
            (CACHE_CONTROL, HeaderValue::from_static(CACHED)),
        ];
        if self.is_known(headers) {
            return Ok(answer(StatusCode::NOT_MODIFIED, about, Body::empty()));
        }
        let mut asset = asset(self.media_type, self.content.clone());
        answer::add(asset.headers_mut(), about);
        Ok(asset)
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
pub(crate) fn asset(media_type: &'static str, content: impl Into<Body>) -> Response {
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    answer(StatusCode::OK, headers, content)
}
