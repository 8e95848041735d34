//! Just enough of RESP: requests as bytes, replies as values, or only counted.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Range;

/// Appends a request.
pub(crate) fn request<'a>(out: &mut Vec<u8>, words: impl ExactSizeIterator<Item = &'a str>) {
    begin(out, words.len());
    words.for_each(|text| word(out, text));
}

/// Begins a request of so many words.
pub(crate) fn begin(out: &mut Vec<u8>, words: usize) {
    write!(out, "*{words}\r\n").expect("memory takes it");
}

pub(crate) fn word(out: &mut Vec<u8>, text: &str) {
    write!(out, "${}\r\n{text}\r\n", text.len()).expect("memory takes it");
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    Text(String),
    Integer(i64),
    Nil,
    List(Vec<Reply>),
}

impl Reply {
    pub(crate) fn integer(&self) -> i64 {
        match self {
            Self::Integer(number) => *number,
            Self::Text(text) => text.parse().expect("a number"),
            Self::Nil | Self::List(_) => panic!("no number: {self:?}"),
        }
    }

    pub(crate) fn list(&self) -> &[Reply] {
        match self {
            Self::List(items) => items,
            Self::Text(_) | Self::Integer(_) | Self::Nil => panic!("no list: {self:?}"),
        }
    }

    /// The value of a field of a map, which RESP2 has as a list.
    pub(crate) fn field(&self, name: &str) -> &Reply {
        let pairs = self.list().chunks(2);
        let mut found = pairs.filter(|pair| pair[0] == Reply::Text(name.to_owned()));
        &found
            .next()
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))[1]
    }
}

/// Bytes that are read at once, at most.
const READ_BYTES: usize = 65_536;

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What was read and not looked at.
    rest: Range<usize>,
}

impl Connection {
    pub(crate) fn to(addr: &str) -> Self {
        let stream = TcpStream::connect(addr).expect("the server listens");
        stream.set_nodelay(true).expect("a socket takes it");
        Self {
            stream,
            buffer: vec![0; 2 * READ_BYTES],
            rest: 0..0,
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes it");
    }

    pub(crate) fn ask(&mut self, line: &str) -> Reply {
        let mut out = Vec::new();
        request(&mut out, line.split(' ').collect::<Vec<_>>().into_iter());
        self.send(&out);
        self.reply()
    }

    fn fill(&mut self) {
        let Range { start, end } = self.rest;
        if start > 0 {
            self.buffer.copy_within(start..end, 0);
            self.rest = 0..end - start;
        }
        let free = self.rest.end + READ_BYTES;
        if self.buffer.len() < free {
            self.buffer.resize(free, 0);
        }
        let into = &mut self.buffer[self.rest.end..];
        let more = self.stream.read(into).expect("the server answers");
        assert!(more > 0, "the server has hung up");
        self.rest.end += more;
    }

    /// The next line, without its end.
    fn line(&mut self) -> Range<usize> {
        let mut looked = 0;
        loop {
            let rest = &self.buffer[self.rest.clone()];
            if let Some(end) = rest[looked..].iter().position(|byte| *byte == b'\n') {
                let from = self.rest.start;
                self.rest.start += looked + end + 1;
                return from..self.rest.start - 2;
            }
            looked = rest.len();
            self.fill();
        }
    }

    /// What a reply begins with: its kind, a number, and where a text lies.
    fn head(&mut self) -> (u8, i64, Range<usize>) {
        let line = self.line();
        let (kind, text) = (self.buffer[line.start], line.start + 1..line.end);
        let said = &self.buffer[text.clone()];
        let number = match kind {
            b':' | b'$' | b'*' => {
                let (sign, digits) = match said.split_first() {
                    Some((b'-', digits)) => (-1, digits),
                    _ => (1, said),
                };
                let more = |sum, digit: &u8| sum * 10 + i64::from(digit - b'0');
                sign * digits.iter().fold(0, more)
            }
            b'+' => 0,
            _ => panic!("refused: {}", String::from_utf8_lossy(said)),
        };
        (kind, number, text)
    }

    /// So many bytes and the end of their line.
    fn take(&mut self, bytes: usize) -> Range<usize> {
        while self.rest.len() < bytes + 2 {
            self.fill();
        }
        let from = self.rest.start;
        self.rest.start += bytes + 2;
        from..from + bytes
    }

    fn text(&self, at: Range<usize>) -> Reply {
        Reply::Text(String::from_utf8_lossy(&self.buffer[at]).into_owned())
    }

    pub(crate) fn reply(&mut self) -> Reply {
        match self.head() {
            (b'+', _, text) => self.text(text),
            (b':', number, _) => Reply::Integer(number),
            (_, -1, _) => Reply::Nil,
            (b'$', length, _) => {
                let text = self.take(length as usize);
                self.text(text)
            }
            (_, items, _) => Reply::List((0..items).map(|_| self.reply()).collect()),
        }
    }

    /// Passes so many replies over; one that is a refusal ends the measurement.
    pub(crate) fn skip(&mut self, replies: usize) {
        let mut left = replies;
        while left > 0 {
            left -= 1;
            match self.head() {
                (b'$', length @ 0.., _) => _ = self.take(length as usize),
                (b'*', items @ 0.., _) => left += items as usize,
                _ => {}
            }
        }
    }
}
