//! Just enough of RESP: requests as bytes, replies as values, or only counted.

use std::io::{Read, Write};
use std::net::TcpStream;

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

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    at: usize,
}

impl Connection {
    pub(crate) fn to(addr: &str) -> Self {
        let stream = TcpStream::connect(addr).expect("the server listens");
        stream.set_nodelay(true).expect("a socket takes it");
        Self {
            stream,
            buffer: Vec::new(),
            at: 0,
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
        self.buffer.drain(..self.at);
        self.at = 0;
        let had = self.buffer.len();
        self.buffer.resize(had + 65_536, 0);
        let more = self
            .stream
            .read(&mut self.buffer[had..])
            .expect("the server answers");
        assert!(more > 0, "the server has hung up");
        self.buffer.truncate(had + more);
    }

    /// The next line, without its end.
    fn line(&mut self) -> (usize, usize) {
        let mut looked = 0;
        loop {
            let rest = &self.buffer[self.at + looked..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let from = self.at;
                self.at += looked + end + 1;
                return (from, self.at - 2);
            }
            looked = self.buffer.len() - self.at;
            self.fill();
        }
    }

    fn head(&mut self) -> (u8, i64, String) {
        let (from, to) = self.line();
        let kind = self.buffer[from];
        let text = &self.buffer[from + 1..to];
        match kind {
            b':' | b'$' | b'*' => {
                let (is_negative, digits) = match text.split_first() {
                    Some((b'-', digits)) => (true, digits),
                    _ => (false, text),
                };
                let number = digits
                    .iter()
                    .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
                (
                    kind,
                    if is_negative { -number } else { number },
                    String::new(),
                )
            }
            b'+' => (kind, 0, String::from_utf8_lossy(text).into_owned()),
            _ => panic!("refused: {}", String::from_utf8_lossy(text)),
        }
    }

    fn take(&mut self, bytes: usize) -> usize {
        while self.buffer.len() - self.at < bytes {
            self.fill();
        }
        let from = self.at;
        self.at += bytes;
        from
    }

    pub(crate) fn reply(&mut self) -> Reply {
        match self.head() {
            (b'+', _, text) => Reply::Text(text),
            (b':', number, _) => Reply::Integer(number),
            (_, -1, _) => Reply::Nil,
            (b'$', length, _) => {
                let from = self.take(length as usize + 2);
                let bytes = &self.buffer[from..from + length as usize];
                Reply::Text(String::from_utf8_lossy(bytes).into_owned())
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
                (b'$', length @ 0.., _) => _ = self.take(length as usize + 2),
                (b'*', items @ 0.., _) => left += items as usize,
                _ => {}
            }
        }
    }
}
