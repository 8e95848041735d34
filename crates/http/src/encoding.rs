//! Packed bodies (RFC 9110, section 8.4): unpacked piece by piece, each piece with room for it.

use std::io::{self, BufRead, Read};

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

/// Bytes of a packed body that are looked at before others have their turn: what gives next to nothing when it is unpacked
/// takes the longest time for each.
const SLICE_BYTES: usize = 4 * 1024;

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
    pub(crate) async fn unpack(
        self,
        packed: WholeBody,
        bytes_max: usize,
        admission: &Admission,
    ) -> Result<WholeBody, Problem> {
        let bytes = Slices::of(&packed.bytes);
        let unpacked = match self {
            Self::Plain => return Ok(packed),
            _ if packed.bytes.is_empty() => return Ok(packed),
            Self::Gzip => read(MultiGzDecoder::new(bytes), bytes_max, admission).await?,
            Self::Deflate => {
                let mut decoder = ZlibDecoder::new(bytes);
                let unpacked = read(&mut decoder, bytes_max, admission).await?;
                if !decoder.into_inner().left.is_empty() {
                    return Err(damaged("there are bytes behind its end"));
                }
                unpacked
            }
        };
        Ok(unpacked.of_form(packed.form))
    }
}

/// A packed body, of which some bytes are given at a time, and `WouldBlock` between.
struct Slices<'a> {
    left: &'a [u8],
    of_slice: usize,
}

impl<'a> Slices<'a> {
    fn of(left: &'a [u8]) -> Self {
        let of_slice = SLICE_BYTES;
        Self { left, of_slice }
    }
}

impl BufRead for Slices<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.of_slice == 0 && !self.left.is_empty() {
            self.of_slice = SLICE_BYTES;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(&self.left[..self.left.len().min(self.of_slice)])
    }

    fn consume(&mut self, bytes: usize) {
        self.left = &self.left[bytes..];
        self.of_slice -= bytes;
    }
}

impl Read for Slices<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(into)?;
        self.consume(length);
        Ok(length)
    }
}

async fn read(
    mut from: impl Read,
    bytes_max: usize,
    admission: &Admission,
) -> Result<WholeBody, Problem> {
    let mut whole = WholeBody::default();
    let mut piece = [0; PIECE_BYTES];
    loop {
        let length = match from.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::task::yield_now().await;
                continue;
            }
            read => read.map_err(damaged)?,
        };
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
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[tokio::test]
    async fn nothing_is_unpacked_beyond_what_a_body_may_have() {
        let admission = Admission::new(1);
        let endless = read(io::repeat(b'x'), 1_000_000, &admission).await;
        assert!(endless.is_err());
        let whole = read(io::repeat(b'x').take(1_000_000), 1_000_000, &admission).await;
        assert!(whole.is_ok_and(|whole| whole.bytes.len() == 1_000_000));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn others_have_their_turn_while_a_body_is_unpacked_whose_pieces_come_as_they_were() {
        let whole: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder
            .write_all(&whole)
            .expect("because memory takes bytes");
        let bytes = encoder.finish().expect("because memory takes bytes");
        assert!(bytes.len() > 10 * SLICE_BYTES, "{} bytes", bytes.len());
        let admission = Admission::new(1);
        let slices = Slices::of(&bytes);
        let unpacked = read(MultiGzDecoder::new(slices), whole.len(), &admission);
        tokio::pin!(unpacked);
        let mut turns = 0;
        let unpacked = loop {
            tokio::select! {
                biased;
                unpacked = &mut unpacked => break unpacked,
                () = tokio::task::yield_now() => turns += 1,
            }
        };
        assert!(turns > 3, "{turns} turns of others");
        assert!(unpacked.is_ok_and(|unpacked| unpacked.bytes == whole));
    }
}
