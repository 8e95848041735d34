//! The head of an answer over HTTP/1.1, read where it lies.

use memchr::memmem;

/// Bytes of a head, and of a body: a page of 1,000 goods is a tenth of that.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What comes before a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Bytes of the head itself, and of the body behind it.
    pub(super) bytes: usize,
    pub(super) body_bytes: usize,
    /// Whether the server closes the connection behind it.
    pub(super) closes: bool,
}

/// Bytes that are no answer, or one that says neither how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl Head {
    /// Reads the head at the start of `bytes`; nothing while it is not there in full.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, Unreadable> {
        let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
            return if bytes.len() > HEAD_BYTES_MAX {
                Err(Unreadable)
            } else {
                Ok(None)
            };
        };
        let text = str::from_utf8(&bytes[..end]).map_err(|_| Unreadable)?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(status).ok_or(Unreadable)?;
        let (mut length, mut closes) = (None, false);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok();
            } else if name.eq_ignore_ascii_case("connection") {
                closes = value.trim().eq_ignore_ascii_case("close");
            }
        }
        let body_bytes = length.filter(|length| *length <= BODY_BYTES_MAX);
        Ok(Some(Self {
            status,
            bytes: end + 4,
            body_bytes: body_bytes.ok_or(Unreadable)?,
            closes,
        }))
    }
}

fn status(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/1.")?;
    rest.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

    #[test]
    fn a_head_tells_how_long_its_body_is() {
        let head = Head {
            status: 409,
            bytes: ANSWER.len() - 2,
            body_bytes: 2,
            closes: true,
        };
        assert_eq!(Head::read(ANSWER), Ok(Some(head)));
        for cut in 0..ANSWER.len() - 2 {
            assert_eq!(Head::read(&ANSWER[..cut]), Ok(None), "cut at {cut}");
        }
    }

    #[test]
    fn what_has_no_end_or_no_length_is_unreadable() {
        let endless = vec![b'a'; HEAD_BYTES_MAX + 1];
        let huge = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", u64::MAX);
        for bytes in [
            &endless[..],
            huge.as_bytes(),
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"+PONG\r\n\r\n",
        ] {
            assert_eq!(Head::read(bytes), Err(Unreadable));
        }
    }
}
