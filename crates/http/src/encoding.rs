//! Packed bodies (RFC 9110, section 8.4): unpacked piece by piece, each piece with room for it.

use std::io::Read;

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::admission::Admission;
use crate::body::{WholeBody, too_large};
use crate::problem::{self, Problem};

/// What tells the client of a body that cannot be unpacked how it may be packed (RFC 9110, section 15.5.16).
pub(crate) const ACCEPTED: (HeaderName, HeaderValue) = (
    header::ACCEPT_ENCODING,
    HeaderValue::from_static("gzip, deflate"),
);

/// Bytes that are unpacked at a time: a body grows no further than this beyond what it may have.
const PIECE_BYTES: usize = 16 * 1024;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Plain,
    Gzip,
    Deflate,
}

impl Coding {
    /// What the headers say.
    ///
    /// # Errors
    /// It is packed in a way that is not known, or several times.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut named = headers.get_all(header::CONTENT_ENCODING).iter();
        let coding = match (named.next(), named.next()) {
            (None, _) => Some(Self::Plain),
            (Some(named), None) => Self::named(named.as_bytes().trim_ascii()),
            (Some(_), Some(_)) => None,
        };
        coding.ok_or_else(|| Problem::plain(problem::UNSUPPORTED_ENCODING))
    }

    fn named(name: &[u8]) -> Option<Self> {
        match &*name.to_ascii_lowercase() {
            b"identity" => Some(Self::Plain),
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    /// A body as it was before it was packed.
    ///
    /// # Errors
    /// It is not packed as it says, has more than `bytes_max` bytes then, or there is no room for it now.
    pub(crate) fn unpack(
        self,
        packed: WholeBody,
        bytes_max: usize,
        admission: &Admission,
    ) -> Result<WholeBody, Problem> {
        let bytes = &*packed.bytes;
        let unpacked = match self {
            Self::Plain => return Ok(packed),
            _ if bytes.is_empty() => return Ok(packed),
            Self::Gzip => read(MultiGzDecoder::new(bytes), bytes_max, admission)?,
            Self::Deflate => {
                let mut decoder = ZlibDecoder::new(bytes);
                let unpacked = read(&mut decoder, bytes_max, admission)?;
                if !decoder.into_inner().is_empty() {
                    return Err(damaged("there are bytes behind its end"));
                }
                unpacked
            }
        };
        Ok(unpacked.of_form(packed.form))
    }
}

fn read(
    mut from: impl Read,
    bytes_max: usize,
    admission: &Admission,
) -> Result<WholeBody, Problem> {
    let mut whole = WholeBody::default();
    let mut piece = [0; PIECE_BYTES];
    loop {
        let length = from.read(&mut piece).map_err(damaged)?;
        if length == 0 {
            return Ok(whole);
        }
        if whole.bytes.len() + length > bytes_max {
            return Err(too_large("the unpacked body", bytes_max));
        }
        whole.push(&piece[..length], admission.bytes(length)?);
    }
}

fn damaged(error: impl std::fmt::Display) -> Problem {
    let detail = format!("the body is not packed as `Content-Encoding` says: {error}");
    Problem::new(problem::UNREADABLE, detail)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn nothing_is_unpacked_beyond_what_a_body_may_have() {
        let admission = Admission::new(1);
        let endless = read(io::repeat(b'x'), 1_000_000, &admission);
        assert!(endless.is_err());
        let whole = read(io::repeat(b'x').take(1_000_000), 1_000_000, &admission);
        assert!(whole.is_ok_and(|whole| whole.bytes.len() == 1_000_000));
    }
}
