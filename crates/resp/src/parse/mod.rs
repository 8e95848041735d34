//! Requests out of bytes: incremental, without copying, within bounds.
//!
//! A request is an array of bulk strings, or a line ([`inline`]). The parser remembers how far it
//! came, so that a request which arrives in many pieces is not read again from its beginning.

mod inline;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

use memchr::memchr;

use crate::limits::{
    ARGS_MAX, BULK_BYTES_MAX, INLINE_BYTES_MAX, LENGTH_DIGITS_MAX, REQUEST_BYTES_MAX,
    STRANGER_ARGS_MAX, STRANGER_BULK_BYTES_MAX,
};

/// How large a request may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    args: usize,
    bulk_bytes: usize,
}

impl Bounds {
    /// For whoever may use the server.
    pub(crate) const KNOWN: Self = Self {
        args: ARGS_MAX,
        bulk_bytes: BULK_BYTES_MAX,
    };
    /// For whoever has yet to give the password.
    pub(crate) const STRANGER: Self = Self {
        args: STRANGER_ARGS_MAX,
        bulk_bytes: STRANGER_BULK_BYTES_MAX,
    };
}

/// Bytes that are no request, worded as Redis words them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    ArgumentCount,
    BulkLength,
    BulkExpected { found: u8 },
    BulkEnd,
    RequestSize,
    InlineSize,
    InlineQuotes,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ArgumentCount => out.write_str("invalid multibulk length"),
            Self::BulkLength => out.write_str("invalid bulk length"),
            Self::BulkExpected { found } => {
                write!(out, "expected '$', got '{}'", found.escape_ascii())
            }
            Self::BulkEnd => out.write_str("expected CRLF after a bulk string"),
            Self::RequestSize => out.write_str("too big request"),
            Self::InlineSize => out.write_str("too big inline request"),
            Self::InlineQuotes => out.write_str("unbalanced quotes in request"),
        }
    }
}

/// Where an argument lies: in the bytes that were parsed or, for a line, in its unescaped text.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Both lie within a request, and so below [`REQUEST_BYTES_MAX`].
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a request is smaller than 4 GiB"
    )]
    fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= REQUEST_BYTES_MAX);
        Self {
            start: start as u32,
            end: end as u32,
        }
    }
}

/// The arguments of a request, its name first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    pub(crate) fn len(self) -> usize {
        self.spans.len()
    }

    pub(crate) fn get(self, at: usize) -> Option<&'a [u8]> {
        let span = self.spans.get(at)?;
        Some(&self.bytes[span.start as usize..span.end as usize])
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let Self { bytes, spans } = self;
        spans
            .iter()
            .map(|span| &bytes[span.start as usize..span.end as usize])
    }
}

/// Reads one request after the other. All state belongs to the request that is being read.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    spans: Vec<Span>,
    /// Bytes of the request that need no second look; 0 before its first.
    at: usize,
    /// Arguments that were announced and have not arrived in full.
    missing: usize,
    /// The length of the next argument, if its header was read.
    bulk: Option<usize>,
    /// The request is a line, whose arguments lie here.
    is_inline: bool,
    unescaped: Vec<u8>,
}

impl Parser {
    /// Reads on in the request at the beginning of `bytes`. Says how many bytes it takes once it
    /// is there in full; until then it is to be called again with the same bytes and more.
    ///
    /// # Errors
    /// The bytes are no request. Nothing behind them can be understood.
    pub(crate) fn next(
        &mut self,
        bytes: &[u8],
        bounds: Bounds,
    ) -> Result<Option<usize>, Malformed> {
        if self.at == 0 {
            self.spans.clear();
            match bytes.first() {
                None => return Ok(None),
                Some(b'*') => self.is_inline = false,
                Some(_) => self.is_inline = true,
            }
        }
        if self.is_inline {
            return self.line(bytes, bounds);
        }
        if self.at == 0 {
            let Some((count, at)) = length(bytes, 0, Malformed::ArgumentCount)? else {
                return Ok(None);
            };
            if count > bounds.args {
                return Err(Malformed::ArgumentCount);
            }
            (self.missing, self.at, self.bulk) = (count, at, None);
        }
        self.bulks(bytes, bounds)
    }

    fn bulks(&mut self, bytes: &[u8], bounds: Bounds) -> Result<Option<usize>, Malformed> {
        while self.missing > 0 {
            let Some(bulk) = self.bulk_length(bytes, bounds)? else {
                return Ok(None);
            };
            let end = self.at + bulk;
            let Some(after) = bytes.get(end..end + 2) else {
                return Ok(None);
            };
            if after != b"\r\n" {
                return Err(Malformed::BulkEnd);
            }
            self.spans.push(Span::new(self.at, end));
            (self.at, self.bulk) = (end + 2, None);
            self.missing -= 1;
        }
        Ok(Some(std::mem::take(&mut self.at)))
    }

    fn bulk_length(&mut self, bytes: &[u8], bounds: Bounds) -> Result<Option<usize>, Malformed> {
        if self.bulk.is_some() {
            return Ok(self.bulk);
        }
        match bytes.get(self.at) {
            None => return Ok(None),
            Some(b'$') => {}
            Some(&found) => return Err(Malformed::BulkExpected { found }),
        }
        let Some((bulk, at)) = length(bytes, self.at, Malformed::BulkLength)? else {
            return Ok(None);
        };
        if bulk > bounds.bulk_bytes {
            return Err(Malformed::BulkLength);
        }
        if at + bulk + 2 > REQUEST_BYTES_MAX {
            return Err(Malformed::RequestSize);
        }
        (self.at, self.bulk) = (at, Some(bulk));
        Ok(self.bulk)
    }

    fn line(&mut self, bytes: &[u8], bounds: Bounds) -> Result<Option<usize>, Malformed> {
        let window = &bytes[..bytes.len().min(INLINE_BYTES_MAX)];
        let Some(found) = memchr(b'\n', &window[self.at..]) else {
            if window.len() == INLINE_BYTES_MAX {
                return Err(Malformed::InlineSize);
            }
            self.at = window.len();
            return Ok(None);
        };
        let end = std::mem::take(&mut self.at) + found;
        let line = window[..end].strip_suffix(b"\r").unwrap_or(&window[..end]);
        inline::split(line, &mut self.unescaped, &mut self.spans)?;
        if self.spans.len() > bounds.args {
            return Err(Malformed::ArgumentCount);
        }
        Ok(Some(end + 1))
    }

    /// The arguments of the request that [`Self::next`] found in `bytes`. None at all for an empty
    /// line or array, which asks for nothing.
    pub(crate) fn args<'a>(&'a self, bytes: &'a [u8]) -> Args<'a> {
        let bytes = if self.is_inline {
            &self.unescaped
        } else {
            bytes
        };
        Args {
            bytes,
            spans: &self.spans,
        }
    }

    /// Whether the request was written as a line.
    pub(crate) fn is_inline(&self) -> bool {
        self.is_inline
    }

    /// Gives memory back that a quiet connection does not need.
    pub(crate) fn relax(&mut self) {
        if self.at == 0 {
            (self.spans, self.unescaped) = (Vec::new(), Vec::new());
        }
    }
}

/// The length behind the mark at `at`, and where its line ends; `None` if it has not arrived.
/// Digits only, without leading zeros, as Redis reads them.
fn length(
    bytes: &[u8],
    at: usize,
    malformed: Malformed,
) -> Result<Option<(usize, usize)>, Malformed> {
    let mut length = 0;
    for (digits, byte) in bytes[at + 1..].iter().enumerate() {
        match byte {
            b'0'..=b'9' if digits < LENGTH_DIGITS_MAX && (digits == 0 || length > 0) => {
                length = length * 10 + usize::from(byte - b'0');
            }
            b'\r' if digits > 0 => {
                let end = at + 1 + digits + 1;
                return match bytes.get(end) {
                    None => Ok(None),
                    Some(b'\n') => Ok(Some((length, end + 1))),
                    Some(_) => Err(malformed),
                };
            }
            _ => return Err(malformed),
        }
    }
    Ok(None)
}
