//! Request bodies: read piece by piece, each piece with room for it.

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderMap};
use tokio::sync::OwnedSemaphorePermit;

use crate::admission::Admission;
use crate::limits::DISCARDED_BYTES_MAX;
use crate::problem::{self, Problem};

/// A whole body, and the room that it takes until it is dropped.
#[derive(Default)]
pub(crate) struct WholeBody {
    pub(crate) bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

impl WholeBody {
    fn push(&mut self, piece: &[u8], room: OwnedSemaphorePermit) {
        self.bytes.extend_from_slice(piece);
        match &mut self.room {
            Some(all) => all.merge(room),
            None => self.room = Some(room),
        }
    }
}

/// What a request takes for its body.
#[derive(Clone, Copy)]
pub(crate) struct Takes {
    pub(crate) bytes_max: usize,
    /// JSON that says so; otherwise bytes of whatever media type.
    pub(crate) is_json: bool,
}

/// Reads a body.
///
/// # Errors
/// It is too large, not declared as the JSON that is taken, or broke off; or there is no room for it now.
pub(crate) async fn read(
    mut body: impl Body<Data = Bytes> + Unpin,
    headers: &HeaderMap,
    takes: Takes,
    admission: &Admission,
) -> Result<WholeBody, Problem> {
    let Takes { bytes_max, is_json } = takes;
    let mut whole = WholeBody::default();
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(body, headers, bytes_max).await);
    }
    while let Some(piece) = next(&mut body).await? {
        if is_json && whole.bytes.is_empty() && !piece.is_empty() {
            check_media_type(headers)?;
        }
        if whole.bytes.len() + piece.len() > bytes_max {
            drop(whole);
            return Err(too_large(body, headers, bytes_max).await);
        }
        whole.push(&piece, admission.bytes(piece.len())?);
    }
    Ok(whole)
}

/// The next piece of a body; trailers are passed over.
async fn next(body: &mut (impl Body<Data = Bytes> + Unpin)) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        let broken = |_| Problem::new(problem::UNREADABLE, "the body broke off");
        if let Ok(piece) = frame.map_err(broken)?.into_data() {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}

/// Throws away what is left, within bounds, for a client that reads only once it has written.
async fn too_large(
    mut body: impl Body<Data = Bytes> + Unpin,
    headers: &HeaderMap,
    bytes_max: usize,
) -> Problem {
    let detail = format!("the body is larger than the {bytes_max} bytes that this server takes");
    let problem = Problem::new(problem::BODY_TOO_LARGE, detail);
    // A client that asks before it sends is answered before it sends.
    let asks = headers.contains_key(header::EXPECT);
    let mut left = DISCARDED_BYTES_MAX;
    if asks || body.size_hint().lower() > left as u64 {
        return problem;
    }
    while let Ok(Some(piece)) = next(&mut body).await {
        match left.checked_sub(piece.len()) {
            Some(rest) => left = rest,
            None => break,
        }
    }
    problem
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = declared
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    let is_json = essence.is_some_and(|essence| {
        let essence = essence.to_ascii_lowercase();
        essence == "application/json"
            || (essence.starts_with("application/") && essence.ends_with("+json"))
    });
    if is_json {
        Ok(())
    } else {
        Err(Problem::plain(problem::UNSUPPORTED_MEDIA_TYPE))
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn passes(declared: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(declared) = declared {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(declared));
        }
        check_media_type(&headers).is_ok()
    }

    #[test]
    fn only_json_is_taken() {
        for declared in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/merge-patch+json",
        ] {
            assert!(passes(Some(declared)), "{declared}");
        }
        for declared in ["", "text/plain", "text/json", "application/jsonp", "json"] {
            assert!(!passes(Some(declared)), "{declared}");
        }
        assert!(!passes(None));
    }
}
