//! The server under a benchmark: connecting to it, and asking it one thing at a time.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::BenchError;
use super::patience::retry_after_ms;
use crate::client::{Connection, Lost, PASSWORD_WANTED, Reply};
use crate::password::Password;

/// How long the server may take over one question.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a benchmark goes.
pub(crate) struct Server {
    pub(crate) addr: String,
    password: Option<Password>,
}

/// Asks one question at a time.
pub(crate) struct Asker<'a> {
    server: &'a Server,
    connection: Connection,
}

impl Server {
    pub(crate) fn new(addr: String, password: Option<Password>) -> Self {
        Self { addr, password }
    }

    /// Connects to ask questions; the server knows the password then.
    pub(crate) fn asker(&self) -> Result<Asker<'_>, BenchError> {
        let connection = Connection::connect(&self.addr, PATIENCE);
        let connection = connection.map_err(|error| self.lost(error))?;
        let mut asker = Asker {
            server: self,
            connection,
        };
        if let Some(password) = &self.password {
            let taken = asker.ask(&["AUTH", password.reveal()], |reply| {
                Some(reply.takes_password())
            })?;
            taken.map_err(|why| self.locked(why))?;
        }
        Ok(asker)
    }

    /// An error of a connection to it.
    pub(crate) fn lost(&self, error: impl Into<Lost>) -> BenchError {
        BenchError::Lost {
            addr: self.addr.clone(),
            error: error.into(),
        }
    }

    fn locked(&self, why: String) -> BenchError {
        let addr = self.addr.clone();
        BenchError::Password { addr, why }
    }

    fn unexpected(&self, reply: &Reply<'_>) -> BenchError {
        let answer = reply.shown();
        if answer.starts_with("NOAUTH") {
            return self.locked(PASSWORD_WANTED.to_owned());
        }
        let addr = self.addr.clone();
        BenchError::Answer { addr, answer }
    }
}

impl Asker<'_> {
    /// Asks, again when the server is BUSY; a reply that `read` cannot take is an error.
    pub(crate) fn ask<T>(
        &mut self,
        words: &[&str],
        read: impl Fn(&Reply<'_>) -> Option<T>,
    ) -> Result<T, BenchError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.ask_once(words, deadline, &read)? {
                Ok(answer) => return Ok(answer),
                Err(wait) => thread::sleep(wait),
            }
        }
    }

    /// Sends a command and reads its reply, or how long to wait before it is sent again.
    fn ask_once<T>(
        &mut self,
        words: &[&str],
        deadline: Instant,
        read: impl Fn(&Reply<'_>) -> Option<T>,
    ) -> Result<Result<T, Duration>, BenchError> {
        let Self { server, connection } = self;
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        connection.push(&words);
        connection.flush().map_err(|lost| server.lost(lost))?;
        loop {
            if let Some(reply) = connection.next().map_err(|lost| server.lost(lost))? {
                if let Reply::Error(error) = &reply
                    && let Some(ms) = retry_after_ms(error)
                    && Instant::now() < deadline
                {
                    return Ok(Err(Duration::from_millis(ms)));
                }
                let answer = read(&reply).ok_or_else(|| server.unexpected(&reply))?;
                return Ok(Ok(answer));
            }
            if Instant::now() >= deadline {
                return Err(server.lost(io::Error::from(io::ErrorKind::TimedOut)));
            }
            connection.fill().map_err(|lost| server.lost(lost))?;
        }
    }

    /// The connection, to be used without waiting.
    pub(crate) fn into_stream(self) -> io::Result<mio::net::TcpStream> {
        let stream = self.connection.into_stream();
        stream.set_nonblocking(true)?;
        Ok(mio::net::TcpStream::from_std(stream))
    }
}
