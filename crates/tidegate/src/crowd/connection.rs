//! One connection that is kept, with one request at a time, from an address of its own where that is possible.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};

use super::answer::Answer;
use super::ask::Target;
use super::pool::Request;
use super::wire::Head;

/// A request under way.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) sent: Instant,
}

/// A connection, open or not.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Option<TcpStream>,
    source: Option<Ipv4Addr>,
    pub(super) job: Option<Job>,
    request: Vec<u8>,
    written: usize,
    answer: Vec<u8>,
}

impl Connection {
    pub(super) fn new(source: Option<Ipv4Addr>) -> Self {
        Self {
            stream: None,
            source,
            job: None,
            request: Vec::new(),
            written: 0,
            answer: Vec::new(),
        }
    }

    /// Sends a request, over a new connection if there is none.
    pub(super) fn send(
        &mut self,
        job: Job,
        target: &Target,
        server: SocketAddr,
        (registry, token): (&Registry, Token),
    ) -> io::Result<()> {
        self.request.clear();
        self.written = 0;
        target.write(&job.request.ask, &mut self.request);
        self.job = Some(job);
        if self.stream.is_none() {
            let mut stream = connect(server, self.source)?;
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            self.stream = Some(stream);
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        while self.written < self.request.len() {
            match stream.write(&self.request[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if is_not_yet(&error) => break,
                Err(error) => return Err(error),
            }
        }
        let is_sent = self.written == self.request.len();
        if is_sent && self.job.as_ref().is_some_and(|job| job.request.is_cut) {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Something happened to it: gives what was asked and its answer, once that is there.
    pub(super) fn ready(&mut self, buffer: &mut [u8]) -> io::Result<Option<(Job, Answer)>> {
        self.flush()?;
        while let Some(stream) = &mut self.stream {
            let read = match stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if is_not_yet(&error) => break,
                Err(error) => return Err(error),
            };
            self.answer.extend_from_slice(&buffer[..read]);
            if read < buffer.len() {
                break; // Nothing more was there; the next event tells.
            }
        }
        self.answered()
    }

    fn answered(&mut self) -> io::Result<Option<(Job, Answer)>> {
        let unreadable = |_| io::Error::from(ErrorKind::InvalidData);
        let Some(head) = Head::read(&self.answer).map_err(unreadable)? else {
            return Ok(None);
        };
        let end = head.bytes + head.body_bytes;
        if self.answer.len() < end {
            return Ok(None);
        }
        let job = self.job.take().ok_or(ErrorKind::InvalidData)?;
        let answer = Answer::read(&job.request.ask, head.status, &self.answer[head.bytes..end]);
        self.answer.clear();
        if head.closes {
            self.close();
        }
        Ok(Some((job, answer)))
    }

    /// Closes it, and gives what was not answered.
    pub(super) fn close(&mut self) -> Option<Job> {
        self.stream = None;
        self.answer.clear();
        self.job.take()
    }
}

fn connect(server: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(server),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::from((source, 0)).into())?;
    }
    match socket.connect(&server.into()) {
        Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => Err(error),
        Ok(()) | Err(_) => Ok(TcpStream::from_std(socket.into())),
    }
}

/// What connecting without waiting says.
const IN_PROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();

/// Whether there is only to be waited: for room, for bytes, or for the connection itself.
fn is_not_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::NotConnected
    )
}
