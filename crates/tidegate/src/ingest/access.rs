//! Lines of Apache's and nginx's access logs: the common log format, and the combined one with two fields more.
//!
//! ```text
//! host ident user [time] "request" status size                       common
//! host ident user [time] "request" status size "referer" "agent"     combined
//! ```
//!
//! What stands behind is passed over. Within quotes a backslash takes the next byte with it, as both servers write
//! it, and a quote that neither a blank nor the end follows is one of the text, as some older ones do.

use super::bad::Fault;
use super::text::{NONE, shown};

/// What a line can be counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Host,
    User,
    Method,
    Path,
    Query,
    Protocol,
    Status,
    Size,
    Referer,
    Agent,
}

impl Field {
    const ALL: [(&'static str, Self); 10] = [
        ("host", Self::Host),
        ("user", Self::User),
        ("method", Self::Method),
        ("path", Self::Path),
        ("query", Self::Query),
        ("protocol", Self::Protocol),
        ("status", Self::Status),
        ("size", Self::Size),
        ("referer", Self::Referer),
        ("agent", Self::Agent),
    ];

    /// The field of this name, or the names that there are.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|(known, _)| *known == name);
        let names = || Self::ALL.map(|(name, _)| name).join(", ");
        found
            .map(|(_, field)| field)
            .ok_or_else(|| format!("no field {name:?}; there are {}", names()))
    }

    /// Whether only the combined format has it.
    pub(super) fn is_combined(self) -> bool {
        matches!(self, Self::Referer | Self::Agent)
    }
}

/// A line, cut into its fields.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Access<'a> {
    host: &'a [u8],
    user: &'a [u8],
    pub(super) time: &'a [u8],
    request: Request<'a>,
    status: &'a [u8],
    size: &'a [u8],
    /// Referer and agent.
    more: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> Access<'a> {
    pub(super) fn read(line: &'a [u8], combined: bool) -> Result<Self, Fault> {
        let mut rest = Rest(line);
        let host = rest.until(b" ", "host")?;
        rest.until(b" ", "ident")?;
        let user = rest.until(b" [", "user")?;
        let time = rest.until(b"] \"", "time")?;
        let request = rest.quoted("request")?;
        let (status, size) = (rest.word("status")?, rest.word("size")?);
        check(status, size)?;
        let more = match combined {
            true => Some((rest.next_quoted("referer")?, rest.next_quoted("agent")?)),
            false => None,
        };
        let request = Request::read(request);
        Ok(Self {
            host,
            user,
            time,
            request,
            status,
            size,
            more,
        })
    }

    /// What is known, as it stands in the line.
    pub(super) fn get(&self, field: Field) -> &'a [u8] {
        match field {
            Field::Host => self.host,
            Field::User => self.user,
            Field::Method => self.request.method,
            Field::Path => self.request.path,
            Field::Query => self.request.query,
            Field::Protocol => self.request.protocol,
            Field::Status => self.status,
            Field::Size => self.size,
            Field::Referer => self.more.map_or(NONE.as_bytes(), |(referer, _)| referer),
            Field::Agent => self.more.map_or(NONE.as_bytes(), |(_, agent)| agent),
        }
    }
}

fn check(status: &[u8], size: &[u8]) -> Result<(), Fault> {
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if status.len() != 3 || !digits(status) {
        return Err(Fault::NotAStatus(shown(status).into_owned()));
    }
    if size != NONE.as_bytes() && !digits(size) {
        return Err(Fault::NotASize(shown(size).into_owned()));
    }
    Ok(())
}

/// The first line of a request, `-` for whatever it has not: some clients send none, and some send no HTTP.
#[derive(Debug, PartialEq, Eq)]
struct Request<'a> {
    method: &'a [u8],
    path: &'a [u8],
    query: &'a [u8],
    protocol: &'a [u8],
}

impl<'a> Request<'a> {
    const NONE: Self = {
        let none = NONE.as_bytes();
        Self {
            method: none,
            path: none,
            query: none,
            protocol: none,
        }
    };

    fn read(line: &'a [u8]) -> Self {
        let Some((method, rest)) = split(line, b' ') else {
            return Self::NONE;
        };
        let behind = rest.iter().rposition(|byte| *byte == b' ');
        let (target, protocol) = match behind.map(|at| (&rest[..at], &rest[at + 1..])) {
            Some((target, protocol)) if protocol.starts_with(b"HTTP/") => (target, protocol),
            Some(_) | None => (rest, NONE.as_bytes()),
        };
        let (path, query) = split(target, b'?').unwrap_or((target, NONE.as_bytes()));
        Self {
            method,
            path,
            query,
            protocol,
        }
    }
}

/// What is before and behind the first of these bytes.
fn split(text: &[u8], by: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(by, text)?;
    Some((&text[..at], &text[at + 1..]))
}

/// What of a line is not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// What is before the next of these bytes, which are passed over.
    fn until(&mut self, end: &[u8], what: &'static str) -> Result<&'a [u8], Fault> {
        let at = memchr::memmem::find(self.0, end).ok_or(Fault::EndsBefore(what))?;
        let (before, behind) = (&self.0[..at], &self.0[at + end.len()..]);
        self.0 = behind;
        Ok(before)
    }

    /// What is before the closing quote, where the opening one is passed over.
    fn quoted(&mut self, what: &'static str) -> Result<&'a [u8], Fault> {
        let mut at = 0;
        while let Some(byte) = self.0.get(at) {
            match byte {
                b'\\' => at += 1,
                b'"' if self.0.get(at + 1).is_none_or(|next| *next == b' ') => {
                    let (before, behind) = (&self.0[..at], &self.0[at + 1..]);
                    self.0 = behind;
                    return Ok(before);
                }
                _ => {}
            }
            at += 1;
        }
        Err(Fault::Unquoted(what))
    }

    fn next_quoted(&mut self, what: &'static str) -> Result<&'a [u8], Fault> {
        self.0 = self.0.strip_prefix(b" \"").ok_or(Fault::EndsBefore(what))?;
        self.quoted(what)
    }

    /// The next word, behind a blank.
    fn word(&mut self, what: &'static str) -> Result<&'a [u8], Fault> {
        let rest = self.0.strip_prefix(b" ").ok_or(Fault::EndsBefore(what))?;
        let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
        self.0 = &rest[end..];
        Ok(&rest[..end])
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
