//! Replies: parsed in place, without copying, within bounds.
//!
//! A reply names its own lengths, so a broken or hostile peer could ask for any amount of memory
//! or stack. Every length is checked against a limit before anything is kept.

/// Bytes of one bulk string. A payload of the server is at most 900 KiB.
const BULK_BYTES_MAX: usize = 1024 * 1024;

/// Items of one array, or entries of one map. A page has at most 1,000 items.
const ITEMS_MAX: usize = 64 * 1024;

/// Arrays within arrays. The server's replies need four levels.
const DEPTH_MAX: usize = 8;

/// Bytes of a line: a simple string, an error, a number or a length.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// What `NOAUTH` means to a person.
pub(crate) const PASSWORD_WANTED: &str =
    "it wants a password: set TIDEGATE_PASSWORD, or give --password-file FILE";

/// One reply, borrowed from the connection's buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply<'a> {
    /// `+OK`
    Simple(&'a [u8]),
    /// `-SOLDOUT available=0`
    Error(&'a [u8]),
    /// `:7`
    Integer(i64),
    /// `$3`
    Bulk(&'a [u8]),
    /// `#t`
    Boolean(bool),
    /// `_`, `$-1` or `*-1`
    Null,
    /// `*2`, and a map of RESP2
    Array(Vec<Reply<'a>>),
    /// `%2` of RESP3
    Map(Vec<(Reply<'a>, Reply<'a>)>),
}

/// Bytes that are no reply. The connection cannot be used any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("it is no RESP server (a reply begins with byte {0:#04x}); is it the HTTP port?")]
    Type(u8),
    #[error("a number in a reply is not a number")]
    Number,
    #[error("a reply exceeds the client's limits")]
    TooLarge,
    #[error("a reply is not ended by CR LF")]
    Unended,
}

impl<'a> Reply<'a> {
    /// Reads the reply at the start of `bytes`, and how many bytes it takes; nothing while it is
    /// not there in full.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let mut reader = Reader { bytes, at: 0 };
        Ok(reader.reply(0)?.map(|reply| (reply, reader.at)))
    }

    /// The value of a field: of a map, or of the flat array that RESP2 has for one.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let is_named = |key: &Self| key.text() == Some(name.as_bytes());
        match self {
            Self::Map(entries) => entries
                .iter()
                .find(|(key, _)| is_named(key))
                .map(|(_, v)| v),
            Self::Array(items) => items
                .chunks_exact(2)
                .find(|pair| is_named(&pair[0]))
                .map(|pair| &pair[1]),
            Self::Simple(_)
            | Self::Error(_)
            | Self::Integer(_)
            | Self::Bulk(_)
            | Self::Boolean(_)
            | Self::Null => None,
        }
    }

    /// The bytes of a string.
    pub(crate) fn text(&self) -> Option<&'a [u8]> {
        if let Self::Simple(text) | Self::Bulk(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// Whether this answer to `AUTH` lets the client in; if not, why. A server that wants no
    /// password lets everybody in.
    pub(crate) fn takes_password(&self) -> Result<(), String> {
        let begins = |word: &[u8]| matches!(self, Self::Error(text) if text.starts_with(word));
        if matches!(self, Self::Simple(_)) || begins(b"ERR AUTH") {
            Ok(())
        } else if begins(b"WRONGPASS") {
            Err("the password is wrong".to_owned())
        } else {
            Err(format!("AUTH is answered by {}", self.shown()))
        }
    }

    /// The reply as an error message shows it: an error of the server in its own words.
    pub(crate) fn shown(&self) -> String {
        if let Self::Error(words) = self {
            String::from_utf8_lossy(words).into_owned()
        } else {
            format!("{self:?}")
        }
    }

    /// A yes: RESP2 has a number for it.
    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Self::Boolean(true) | Self::Integer(1))
    }

    /// A count.
    pub(crate) fn count(&self) -> Option<u64> {
        if let Self::Integer(value) = self {
            u64::try_from(*value).ok()
        } else {
            None
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn reply(&mut self, depth: usize) -> Result<Option<Reply<'a>>, Malformed> {
        let Some(line) = self.line()? else {
            return Ok(None);
        };
        let (kind, rest) = line.split_first().ok_or(Malformed::Unended)?;
        match kind {
            b'+' => Ok(Some(Reply::Simple(rest))),
            b'-' => Ok(Some(Reply::Error(rest))),
            b':' => Ok(Some(Reply::Integer(number(rest)?))),
            b'_' => Ok(Some(Reply::Null)),
            b'#' => Ok(Some(Reply::Boolean(rest == b"t"))),
            b'$' => match length(rest, BULK_BYTES_MAX)? {
                Some(bytes) => self.bulk(bytes),
                None => Ok(Some(Reply::Null)),
            },
            b'*' => match length(rest, ITEMS_MAX)? {
                Some(items) => Ok(self.items(items, depth)?.map(Reply::Array)),
                None => Ok(Some(Reply::Null)),
            },
            b'%' => {
                let entries = length(rest, ITEMS_MAX)?.ok_or(Malformed::Number)?;
                Ok(self.items(entries * 2, depth)?.map(paired).map(Reply::Map))
            }
            other => Err(Malformed::Type(*other)),
        }
    }

    fn line(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let rest = &self.bytes[self.at..];
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            let too_long = rest.len() > LINE_BYTES_MAX;
            return if too_long {
                Err(Malformed::TooLarge)
            } else {
                Ok(None)
            };
        };
        if end > LINE_BYTES_MAX {
            return Err(Malformed::TooLarge);
        }
        self.at += end + 1;
        rest[..end]
            .strip_suffix(b"\r")
            .map(Some)
            .ok_or(Malformed::Unended)
    }

    fn bulk(&mut self, bytes: usize) -> Result<Option<Reply<'a>>, Malformed> {
        let rest = &self.bytes[self.at..];
        if rest.len() < bytes + 2 {
            return Ok(None);
        }
        if &rest[bytes..bytes + 2] != b"\r\n" {
            return Err(Malformed::Unended);
        }
        self.at += bytes + 2;
        Ok(Some(Reply::Bulk(&rest[..bytes])))
    }

    fn items(&mut self, count: usize, depth: usize) -> Result<Option<Vec<Reply<'a>>>, Malformed> {
        if depth == DEPTH_MAX {
            return Err(Malformed::TooLarge);
        }
        // An item takes at least three bytes: a count alone reserves no memory.
        let mut items = Vec::with_capacity(count.min((self.bytes.len() - self.at) / 3));
        for _ in 0..count {
            let Some(item) = self.reply(depth + 1)? else {
                return Ok(None);
            };
            items.push(item);
        }
        Ok(Some(items))
    }
}

fn paired<'a>(items: Vec<Reply<'a>>) -> Vec<(Reply<'a>, Reply<'a>)> {
    let mut items = items.into_iter();
    std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect()
}

fn number(text: &[u8]) -> Result<i64, Malformed> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(Malformed::Number)
}

fn length(text: &[u8], max: usize) -> Result<Option<usize>, Malformed> {
    match number(text)? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(length) if length <= max => Ok(Some(length)),
            Ok(_) => Err(Malformed::TooLarge),
            Err(_) => Err(Malformed::Number),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(bytes: &[u8]) -> Reply<'_> {
        let (reply, used) = Reply::parse(bytes).expect("well-formed").expect("complete");
        assert_eq!(used, bytes.len());
        reply
    }

    #[test]
    fn every_kind_of_reply_is_read() {
        assert_eq!(whole(b"+OK\r\n"), Reply::Simple(b"OK"));
        assert_eq!(
            whole(b"-BUSY retry_after_ms=50\r\n"),
            Reply::Error(b"BUSY retry_after_ms=50")
        );
        assert_eq!(whole(b":-12\r\n"), Reply::Integer(-12));
        assert_eq!(whole(b"$4\r\na\r\nb\r\n"), Reply::Bulk(b"a\r\nb"));
        assert_eq!(whole(b"#t\r\n"), Reply::Boolean(true));
        for null in [&b"_\r\n"[..], b"$-1\r\n", b"*-1\r\n"] {
            assert_eq!(whole(null), Reply::Null);
        }
        assert_eq!(whole(b"*2\r\n:1\r\n*0\r\n"), {
            Reply::Array(vec![Reply::Integer(1), Reply::Array(vec![])])
        });
    }

    #[test]
    fn a_field_is_found_in_both_forms_of_a_map() {
        for bytes in [
            &b"*4\r\n$3\r\nsku\r\n$1\r\nA\r\n$4\r\nsold\r\n:7\r\n"[..],
            { b"%2\r\n+sku\r\n$1\r\nA\r\n+sold\r\n:7\r\n" },
        ] {
            let reply = whole(bytes);
            assert_eq!(reply.field("sku").and_then(Reply::text), Some(&b"A"[..]));
            assert_eq!(reply.field("sold").and_then(Reply::count), Some(7));
            assert_eq!(reply.field("held"), None);
        }
    }

    #[test]
    fn a_reply_cut_anywhere_is_incomplete_and_never_an_error() {
        let bytes = b"%1\r\n$5\r\nitems\r\n*2\r\n:1\r\n$2\r\nab\r\n";
        for cut in 0..bytes.len() {
            assert_eq!(Reply::parse(&bytes[..cut]), Ok(None), "cut at {cut}");
        }
    }

    #[test]
    fn what_exceeds_the_limits_is_refused_before_it_is_kept() {
        let deep = b"*1\r\n".repeat(DEPTH_MAX + 1);
        let endless = vec![b'+'; LINE_BYTES_MAX + 1];
        for bytes in [
            &b"$1073741824\r\n"[..],
            b"*100000\r\n",
            b"%100000\r\n",
            &deep,
            &endless,
        ] {
            assert_eq!(Reply::parse(bytes), Err(Malformed::TooLarge));
        }
    }

    #[test]
    fn nonsense_is_an_error() {
        assert_eq!(
            Reply::parse(b"HTTP/1.1 400\r\n"),
            Err(Malformed::Type(b'H'))
        );
        assert_eq!(Reply::parse(b":x\r\n"), Err(Malformed::Number));
        assert_eq!(Reply::parse(b"$-2\r\n"), Err(Malformed::Number));
        assert_eq!(Reply::parse(b"+OK\n"), Err(Malformed::Unended));
        assert_eq!(Reply::parse(b"$1\r\nab\r\n"), Err(Malformed::Unended));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(Some((_, used))) = Reply::parse(&bytes) {
                prop_assert!(used <= bytes.len());
            }
        }
    }
}
