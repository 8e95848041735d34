//! A RESP2 client: writes commands at once, reads their replies in order.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;

use super::{DEADLINE, wait_for};

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(String),
    Null,
    Array(Vec<Self>),
}

impl Reply {
    /// The first word of an error.
    pub(crate) fn refusal(&self) -> Option<&str> {
        if let Self::Error(text) = self {
            text.split(' ').next()
        } else {
            None
        }
    }

    /// The value of a field of a map, which RESP2 writes as a flat array.
    pub(crate) fn field(&self, name: &str) -> &Self {
        let pairs = self.items().chunks_exact(2);
        let mut values = pairs.filter_map(|pair| (pair[0].text() == name).then_some(&pair[1]));
        let value = values.next();
        value.unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    pub(crate) fn items(&self) -> &[Self] {
        if let Self::Array(items) = self {
            items
        } else {
            panic!("{self:?} is not an array")
        }
    }

    pub(crate) fn text(&self) -> &str {
        if let Self::Simple(text) | Self::Bulk(text) = self {
            text
        } else {
            panic!("{self:?} is not a text")
        }
    }

    pub(crate) fn integer(&self) -> i64 {
        if let Self::Integer(value) = self {
            *value
        } else {
            panic!("{self:?} is not an integer")
        }
    }
}

/// The words of a command.
pub(crate) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// A connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects, or says that nobody listens.
    pub(crate) fn connect(addr: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        let stream = BufReader::new(stream);
        Ok(Self { stream })
    }

    /// A connection to a server that must be there.
    pub(crate) fn to(addr: &str) -> Self {
        Self::connect(addr).expect("a server listens")
    }

    /// One command and its reply.
    pub(crate) fn ask(&mut self, line: &str) -> Reply {
        let mut replies = self.pipeline(&[words(line)]);
        replies.pop().expect("the server is there")
    }

    /// The same for work that is optional, asked again as long as the load sheds it.
    pub(crate) fn ask_for_optional(&mut self, line: &str) -> Reply {
        wait_for("optional work to be let in", || {
            Some(self.ask(line)).filter(|reply| reply.refusal() != Some("BUSY"))
        })
    }

    /// Sends all commands at once and reads their replies: fewer, if the server goes away.
    pub(crate) fn pipeline(&mut self, commands: &[Vec<String>]) -> Vec<Reply> {
        let mut bytes = Vec::new();
        for command in commands {
            write!(bytes, "*{}\r\n", command.len()).expect("a Vec takes any write");
            for word in command {
                write!(bytes, "${}\r\n{word}\r\n", word.len()).expect("a Vec takes any write");
            }
        }
        if self.stream.get_mut().write_all(&bytes).is_err() {
            return Vec::new();
        }
        commands.iter().map_while(|_| self.reply()).collect()
    }

    /// The next reply; none if the server has gone away.
    fn reply(&mut self) -> Option<Reply> {
        match self.read() {
            Ok(reply) => Some(reply),
            Err(error) => {
                let hung = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                assert!(!hung, "no answer within {DEADLINE:?}");
                None
            }
        }
    }

    fn read(&mut self) -> io::Result<Reply> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let Some(line) = line.strip_suffix("\r\n") else {
            return Err(ErrorKind::UnexpectedEof.into());
        };
        let (kind, rest) = line.split_at(1);
        let number = || rest.parse::<i64>().expect("a number");
        Ok(match kind {
            "+" => Reply::Simple(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Integer(number()),
            "$" | "*" if number() < 0 => Reply::Null,
            "$" => {
                let size = usize::try_from(number()).expect("a length");
                let mut bytes = vec![0; size + 2];
                self.stream.read_exact(&mut bytes)?;
                bytes.truncate(size);
                Reply::Bulk(String::from_utf8(bytes).expect("UTF-8"))
            }
            "*" => {
                let items = (0..number()).map(|_| self.read());
                Reply::Array(items.collect::<io::Result<_>>()?)
            }
            other => panic!("a reply begins with {other:?}"),
        })
    }
}
