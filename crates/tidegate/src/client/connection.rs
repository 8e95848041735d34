//! One connection: commands gathered and written at once, replies read as they come.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::reply::{Malformed, Reply};

/// How long a read waits before it lets the caller look around.
const READ_WAIT: Duration = Duration::from_millis(50);

/// How long one address may take to accept. Short, because the caller tries again.
const CONNECT_WAIT: Duration = Duration::from_secs(2);

/// Bytes taken from the socket at once.
const READ_BYTES: usize = 64 * 1024;

/// Bytes of one reply that is not there in full. A page of 1,000 items takes a tenth of it.
const UNREAD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why a connection is of no use any more. What was asked and not answered may have happened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// The server closed it.
    #[error("the server closed the connection")]
    Closed,
    /// The operating system gave it up.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The peer does not speak RESP.
    #[error("{0}")]
    Malformed(#[from] Malformed),
}

/// A connection to a server that speaks RESP.
pub(crate) struct Connection {
    stream: TcpStream,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    /// Bytes of `incoming` that were handed out already.
    taken: usize,
}

impl Connection {
    /// Connects to the first address behind `addr` that accepts. A write that makes no headway
    /// for `write_wait` loses the connection.
    pub(crate) fn connect(addr: &str, write_wait: Duration) -> io::Result<Self> {
        let mut refused = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for candidate in addr.to_socket_addrs()? {
            match TcpStream::connect_timeout(&candidate, CONNECT_WAIT) {
                Ok(stream) => return Self::over(stream, write_wait),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn over(stream: TcpStream, write_wait: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_WAIT))?;
        stream.set_write_timeout(Some(write_wait))?;
        Ok(Self {
            stream,
            outgoing: Vec::new(),
            incoming: Vec::new(),
            taken: 0,
        })
    }

    /// Adds a command to what the next [`Self::flush`] writes.
    pub(crate) fn push(&mut self, parts: &[&[u8]]) {
        let out = &mut self.outgoing;
        write!(out, "*{}\r\n", parts.len()).expect("because a Vec takes any write");
        for part in parts {
            write!(out, "${}\r\n", part.len()).expect("because a Vec takes any write");
            out.extend_from_slice(part);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Writes the commands gathered.
    pub(crate) fn flush(&mut self) -> Result<(), Lost> {
        self.stream.write_all(&self.outgoing)?;
        self.outgoing.clear();
        Ok(())
    }

    /// The socket. Whatever was asked must have been answered: no reply is kept for it.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Waits for bytes, a short while at most.
    pub(crate) fn fill(&mut self) -> Result<(), Lost> {
        self.incoming.drain(..self.taken);
        self.taken = 0;
        let held = self.incoming.len();
        if held > UNREAD_BYTES_MAX {
            return Err(Malformed::TooLarge.into());
        }
        self.incoming.resize(held + READ_BYTES, 0);
        let read = self.stream.read(&mut self.incoming[held..]);
        self.incoming
            .truncate(held + read.as_ref().copied().unwrap_or(0));
        match read {
            Ok(0) => Err(Lost::Closed),
            Ok(_) => Ok(()),
            Err(error) if is_only_early(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The next reply that is there in full.
    pub(crate) fn next(&mut self) -> Result<Option<Reply<'_>>, Lost> {
        let Some((reply, used)) = Reply::parse(&self.incoming[self.taken..])? else {
            return Ok(None);
        };
        self.taken += used;
        Ok(Some(reply))
    }
}

fn is_only_early(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
