//! One request over HTTP/1.1, the body of its answer read as it comes.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use super::{Address, PASSWORD_WANTED};
use crate::password::Password;

const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// How long the server may say nothing in the middle of a body.
const READ_WAIT: Duration = Duration::from_secs(60);

/// Bytes of the head of an answer.
const HEAD_BYTES_MAX: u64 = 64 * 1024;

/// Bytes of the body of a "no".
const PROBLEM_BYTES_MAX: u64 = 64 * 1024;

/// `http://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpAddress(Address);

impl FromStr for HttpAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "an address is http://HOST:PORT, like http://127.0.0.1:7380";
        let rest = text.strip_prefix("http://").ok_or(FORM)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        rest.parse().map(Self).map_err(|_| FORM)
    }
}

impl HttpAddress {
    /// `HOST:PORT`.
    pub(crate) fn authority(&self) -> &Address {
        &self.0
    }
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

/// An answer other than 200.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("what it answers is not HTTP; is it the RESP port?")]
    NotHttp,
    #[error("it answers {status}: {detail}")]
    No { status: u16, detail: String },
}

impl HttpError {
    /// What people are told who have given a password, or have not.
    pub(crate) fn told(&self, has_password: bool) -> String {
        match self {
            Self::No { status: 401, .. } if has_password => "the password is wrong".to_owned(),
            Self::No { status: 401, .. } => PASSWORD_WANTED.to_owned(),
            Self::No { .. } | Self::Io(_) | Self::NotHttp => self.to_string(),
        }
    }
}

/// A name as a part of a path, or of a query.
pub(crate) fn path_segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Asks for a path, waits for the head of the answer for `head_wait` at most, and gives the body of
/// a 200.
pub(crate) fn get(
    server: &HttpAddress,
    path: &str,
    password: Option<&Password>,
    head_wait: Duration,
) -> Result<impl Read + use<>, HttpError> {
    ask(server, ("GET", path, ""), password, head_wait)
}

/// Sends a JSON document to a path; the rest is as with [`get`].
pub(crate) fn post(
    server: &HttpAddress,
    (path, json): (&str, &str),
    password: Option<&Password>,
    head_wait: Duration,
) -> Result<impl Read + use<>, HttpError> {
    ask(server, ("POST", path, json), password, head_wait)
}

fn ask(
    server: &HttpAddress,
    (method, path, json): (&str, &str, &str),
    password: Option<&Password>,
    head_wait: Duration,
) -> Result<impl Read + use<>, HttpError> {
    let mut stream = connect(&server.0)?;
    stream.set_read_timeout(Some(head_wait))?;
    stream.set_write_timeout(Some(READ_WAIT))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", server.0);
    if let Some(password) = password {
        request.push_str(&format!("authorization: Bearer {}\r\n", password.reveal()));
    }
    if !json.is_empty() {
        let length = json.len();
        request.push_str("content-type: application/json\r\n");
        request.push_str(&format!("content-length: {length}\r\n"));
    }
    request.push_str("connection: close\r\n\r\n");
    request.push_str(json);
    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::with_capacity(1 << 18, stream);
    let head = head(&mut reader)?;
    reader.get_ref().set_read_timeout(Some(READ_WAIT))?;
    let mut body = Body {
        left: if head.is_chunked {
            Left::Chunks(0)
        } else {
            Left::Bytes(head.length.unwrap_or(u64::MAX))
        },
        reader,
    };
    if head.status == 200 {
        return Ok(body);
    }
    let mut problem = Vec::new();
    (&mut body)
        .take(PROBLEM_BYTES_MAX)
        .read_to_end(&mut problem)?;
    let problem: Option<serde_json::Value> = serde_json::from_slice(&problem).ok();
    let detail = problem
        .as_ref()
        .and_then(|problem| problem["detail"].as_str());
    Err(HttpError::No {
        status: head.status,
        detail: detail.unwrap_or("without a reason").to_owned(),
    })
}

fn connect(addr: &Address) -> io::Result<TcpStream> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for candidate in addr.to_string().to_socket_addrs()? {
        match TcpStream::connect_timeout(&candidate, CONNECT_WAIT) {
            Ok(stream) => return Ok(stream),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

struct Head {
    status: u16,
    is_chunked: bool,
    length: Option<u64>,
}

fn head(reader: &mut impl BufRead) -> Result<Head, HttpError> {
    let mut lines = reader.take(HEAD_BYTES_MAX);
    let mut next = || {
        let mut line = Vec::new();
        lines.read_until(b'\n', &mut line)?;
        let line = line.strip_suffix(b"\r\n").map(<[u8]>::to_ascii_lowercase);
        let line = line.and_then(|line| String::from_utf8(line).ok());
        line.ok_or(HttpError::NotHttp)
    };
    let first = next()?;
    let status = first
        .strip_prefix("http/1.")
        .and_then(|rest| rest.get(2..5));
    let mut head = Head {
        status: status
            .and_then(|digits| digits.parse().ok())
            .ok_or(HttpError::NotHttp)?,
        is_chunked: false,
        length: None,
    };
    loop {
        let line = next()?;
        match line.split_once(':') {
            None if line.is_empty() => return Ok(head),
            None => return Err(HttpError::NotHttp),
            Some(("transfer-encoding", value)) => head.is_chunked = value.trim() == "chunked",
            Some(("content-length", value)) => head.length = value.trim().parse().ok(),
            Some(_) => {}
        }
    }
}

/// The body of an answer.
struct Body<R> {
    reader: R,
    left: Left,
}

enum Left {
    /// So many, or fewer if the connection is closed before.
    Bytes(u64),
    /// So many of the chunk, then more chunks.
    Chunks(u64),
    Nothing,
}

impl<R: BufRead> Body<R> {
    /// The length of the next chunk, from its first line.
    fn chunk(&mut self) -> io::Result<u64> {
        let bad = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "a chunk of the answer has no length",
            )
        };
        loop {
            let mut line = Vec::new();
            (&mut self.reader).take(1024).read_until(b'\n', &mut line)?;
            match line.strip_suffix(b"\r\n") {
                Some([]) => {} // The end of the chunk before.
                Some(line) => {
                    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
                    let digits = str::from_utf8(digits).map_err(|_| bad())?;
                    return u64::from_str_radix(digits.trim(), 16).map_err(|_| bad());
                }
                None if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                None => return Err(bad()),
            }
        }
    }
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        if let Left::Chunks(0) = self.left {
            self.left = match self.chunk()? {
                0 => Left::Nothing,
                bytes => Left::Chunks(bytes),
            };
        }
        let (Left::Bytes(left) | Left::Chunks(left)) = &mut self.left else {
            return Ok(0);
        };
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(into.len());
        let read = self.reader.read(&mut into[..most])?;
        *left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(left: Left, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut body = Body {
            reader: bytes,
            left,
        };
        let mut read = Vec::new();
        body.read_to_end(&mut read)?;
        Ok(read)
    }

    #[test]
    fn a_body_comes_in_chunks_or_by_length_or_to_the_end() {
        let chunks = b"3\r\nabc\r\n0a;x=y\r\n0123456789\r\n0\r\n\r\n";
        let read = body(Left::Chunks(0), chunks).expect("well-formed");
        assert_eq!(read, b"abc0123456789");
        let read = body(Left::Bytes(2), b"abc").expect("well-formed");
        assert_eq!(read, b"ab");
        let read = body(Left::Bytes(u64::MAX), b"abc").expect("well-formed");
        assert_eq!(read, b"abc");
        for wrong in [&b"3\r\nabc\r\n"[..], b"x\r\n", b"3\nabc", b""] {
            assert!(body(Left::Chunks(0), wrong).is_err());
        }
    }

    #[test]
    fn an_address_has_a_scheme_and_a_port() {
        for text in [
            "http://127.0.0.1:7380",
            "http://localhost:1/",
            "http://[::1]:2",
        ] {
            assert!(text.parse::<HttpAddress>().is_ok(), "{text}");
        }
        for text in [
            "127.0.0.1:7380",
            "https://a:1",
            "http://a",
            "http://a:1/backup",
        ] {
            assert!(text.parse::<HttpAddress>().is_err(), "{text}");
        }
    }
}
