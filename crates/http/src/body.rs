//! Request bodies: read piece by piece, each piece with room for it.

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderMap};
use tokio::sync::OwnedSemaphorePermit;

use crate::admission::Admission;
use crate::encoding::Coding;
use crate::limits::DISCARDED_BYTES_MAX;
use crate::problem::{self, Problem};

/// A whole body, and the room that it takes until it is dropped.
#[derive(Default)]
pub(crate) struct WholeBody {
    pub(crate) bytes: Vec<u8>,
    pub(crate) form: Form,
    room: Option<OwnedSemaphorePermit>,
}

/// How fields stand in a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// As JSON: an object, or the list that a request takes.
    #[default]
    Json,
    /// As JSON, an item of the list on each line.
    Lines,
    /// As those of a query string.
    Pairs,
}

impl WholeBody {
    pub(crate) fn of_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    pub(crate) fn push(&mut self, piece: &[u8], room: OwnedSemaphorePermit) {
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
    /// As it is sent, and unpacked.
    pub(crate) bytes_max: usize,
    pub(crate) media: Media,
}

/// Of which media types a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// Of whatever one: bytes as they are sent.
    Any,
    Json,
    /// JSON, or lines of it.
    JsonOrLines,
    /// What browsers send without asking beforehand: a form, or JSON that is said to be text.
    OfPage,
}

impl Media {
    /// How a body of this media type is read.
    fn form(self, essence: &str) -> Option<Form> {
        match self {
            Self::Any => Some(Form::default()),
            _ if is_json(essence) => Some(Form::Json),
            Self::JsonOrLines if LINES.contains(&essence) => Some(Form::Lines),
            Self::OfPage if essence == TEXT => Some(Form::Json),
            Self::OfPage if essence == FORM => Some(Form::Pairs),
            Self::Json | Self::JsonOrLines | Self::OfPage => None,
        }
    }
}

/// What a page sends as text, which is JSON here.
pub(crate) const TEXT: &str = "text/plain";

/// What a page sends as a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// Media types of lines of JSON: the first is the one that is told, none is registered.
pub(crate) const LINES: [&str; 4] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
];

/// Reads a body.
///
/// # Errors
/// It is too large, of a media type or packed in a way that is not taken, or broke off; or there is no room for it
/// now.
pub(crate) async fn read(
    body: impl Body<Data = Bytes> + Unpin,
    headers: &HeaderMap,
    takes: Takes,
    admission: &Admission,
) -> Result<WholeBody, Problem> {
    let Takes { bytes_max, media } = takes;
    let coding = match media {
        Media::Any => Coding::Plain,
        Media::Json | Media::JsonOrLines | Media::OfPage => Coding::of(headers)?,
    };
    let whole = read_as_sent(body, headers, takes, admission).await?;
    coding.unpack(whole, bytes_max, admission).await
}

async fn read_as_sent(
    mut body: impl Body<Data = Bytes> + Unpin,
    headers: &HeaderMap,
    takes: Takes,
    admission: &Admission,
) -> Result<WholeBody, Problem> {
    let Takes { bytes_max, media } = takes;
    let mut whole = WholeBody::default();
    if body.size_hint().lower() > bytes_max as u64 {
        discard(body, headers).await;
        return Err(too_large("the body", bytes_max));
    }
    while let Some(piece) = next(&mut body).await? {
        if whole.bytes.is_empty() && !piece.is_empty() {
            whole.form = form(headers, media)?;
        }
        if whole.bytes.len() + piece.len() > bytes_max {
            drop(whole);
            discard(body, headers).await;
            return Err(too_large("the body", bytes_max));
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

pub(crate) fn too_large(what: &str, bytes_max: usize) -> Problem {
    let detail = format!("{what} is larger than the {bytes_max} bytes that this server takes");
    Problem::new(problem::BODY_TOO_LARGE, detail)
}

/// Throws away what is left, within bounds, for a client that reads only once it has written.
async fn discard(mut body: impl Body<Data = Bytes> + Unpin, headers: &HeaderMap) {
    // A client that asks before it sends is answered before it sends.
    let asks = headers.contains_key(header::EXPECT);
    let mut left = DISCARDED_BYTES_MAX;
    if asks || body.size_hint().lower() > left as u64 {
        return;
    }
    while let Ok(Some(piece)) = next(&mut body).await {
        match left.checked_sub(piece.len()) {
            Some(rest) => left = rest,
            None => break,
        }
    }
}

/// How a body is read that is declared as these headers say.
fn form(headers: &HeaderMap, media: Media) -> Result<Form, Problem> {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|value| value.split(';').next());
    let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
    let form = media.form(&essence);
    form.ok_or_else(|| Problem::plain(problem::UNSUPPORTED_MEDIA_TYPE))
}

fn is_json(essence: &str) -> bool {
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn declared(as_what: Option<&'static str>, media: Media) -> Option<Form> {
        let mut headers = HeaderMap::new();
        if let Some(declared) = as_what {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(declared));
        }
        form(&headers, media).ok()
    }

    #[test]
    fn only_json_is_taken_and_lines_of_it_where_a_list_is() {
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/merge-patch+json",
        ] {
            for media in [Media::Json, Media::JsonOrLines] {
                assert_eq!(declared(Some(json), media), Some(Form::Json), "{json}");
            }
        }
        for other in ["", "text/plain", "text/json", "application/jsonp", "json"] {
            for media in [Media::Json, Media::JsonOrLines] {
                assert_eq!(declared(Some(other), media), None, "{other}");
            }
        }
        for lines in LINES {
            assert_eq!(declared(Some(lines), Media::JsonOrLines), Some(Form::Lines));
            assert_eq!(declared(Some(lines), Media::Json), None);
        }
        assert_eq!(declared(None, Media::Json), None);
        let of_page = |as_what| declared(Some(as_what), Media::OfPage);
        assert_eq!(of_page("text/plain;charset=UTF-8"), Some(Form::Json));
        assert_eq!(of_page("application/json"), Some(Form::Json));
        assert_eq!(
            of_page("application/x-www-form-urlencoded;charset=UTF-8"),
            Some(Form::Pairs)
        );
        assert_eq!(of_page("multipart/form-data; boundary=x"), None);
        assert_eq!(declared(None, Media::Any), Some(Form::Json));
    }
}
