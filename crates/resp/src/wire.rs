//! RESP2 and RESP3 as they stand on the wire.

use tidegate_engine::contract::Writer;

/// Which of the two a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// What a connection speaks until it says otherwise.
    Resp2,
    /// Agreed on by `HELLO 3`.
    Resp3,
}

impl Protocol {
    /// The number that `HELLO` knows it by.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }
}

/// Writes values behind what a buffer holds.
#[derive(Debug)]
pub(crate) struct Wire<'a> {
    out: &'a mut Vec<u8>,
    protocol: Protocol,
}

impl<'a> Wire<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> Self {
        Self { out, protocol }
    }

    /// A mark, a number and the end of the line.
    fn line(&mut self, mark: u8, number: impl itoa::Integer) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number).as_bytes();
        self.out.push(mark);
        self.out.extend_from_slice(digits);
        self.out.extend_from_slice(b"\r\n");
    }

    /// A bulk string.
    pub(crate) fn bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() + 16);
        self.line(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// A simple string: one short line.
    pub(crate) fn simple(&mut self, text: &'static str) {
        debug_assert!(!text.contains(['\r', '\n']));
        self.out.push(b'+');
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// Begins a set of `len` items; RESP2 has lists only.
    pub(crate) fn set(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.line(b'*', len),
            Protocol::Resp3 => self.line(b'~', len),
        }
    }

    /// A text for people; RESP2 has bulk strings only.
    pub(crate) fn verbatim(&mut self, text: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => {
                self.line(b'=', text.len() + 4);
                self.out.extend_from_slice(b"txt:");
                self.out.extend_from_slice(text.as_bytes());
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// An error of one line. What it repeats of a request may hold anything: control characters
    /// become blanks, as in Redis.
    pub(crate) fn error(&mut self, error: &impl std::fmt::Display) {
        self.out.push(b'-');
        let text = error.to_string();
        let shown = text
            .bytes()
            .map(|byte| if byte < b' ' { b' ' } else { byte });
        self.out.extend(shown);
        self.out.extend_from_slice(b"\r\n");
    }
}

impl Writer for Wire<'_> {
    fn map(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.line(b'*', len * 2),
            Protocol::Resp3 => self.line(b'%', len),
        }
    }

    fn pairs(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.line(b'*', len),
            Protocol::Resp3 => self.line(b'%', len),
        }
    }

    fn pair(&mut self, name: &str) {
        if self.protocol == Protocol::Resp2 {
            self.line(b'*', 2);
        }
        self.name(name);
    }

    fn name(&mut self, name: &str) {
        self.bulk(name.as_bytes());
    }

    fn list(&mut self, len: usize) {
        self.line(b'*', len);
    }

    fn end(&mut self) {}

    fn text(&mut self, text: &str) {
        self.bulk(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.bulk(bytes);
    }

    fn integer(&mut self, value: i64) {
        self.line(b':', value);
    }

    fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(match (self.protocol, value) {
            (Protocol::Resp2, false) => b":0\r\n",
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
            (Protocol::Resp3, true) => b"#t\r\n",
        });
    }

    fn null(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }
}
