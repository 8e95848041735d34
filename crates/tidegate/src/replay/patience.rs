//! How long a replay puts up with a server that is away or busy.

use std::time::{Duration, Instant};

use super::wire::{self, Meaning};
use super::{Error, Options};
use crate::client::{Connection, Lost, Reply};

/// The first wait before connecting again; each further one is twice as long.
const BACKOFF_MIN: Duration = Duration::from_millis(10);

/// The longest wait before connecting again.
const BACKOFF_MAX: Duration = Duration::from_millis(500);

/// Counts the time without a useful answer. Useful is an answer for good: a server that only says
/// BUSY tries the patience like one that is gone.
pub(super) struct Patience<'a> {
    options: &'a Options,
    since: Option<Instant>,
    why: String,
    backoff: Duration,
}

impl<'a> Patience<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        let why = "it does not answer".to_owned();
        Self {
            options,
            since: None,
            why,
            backoff: BACKOFF_MIN,
        }
    }

    /// An answer is owed from now on, if none was before.
    pub(super) fn begin(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// A useful answer came.
    pub(super) fn renew(&mut self) {
        self.since = None;
        self.backoff = BACKOFF_MIN;
        "it does not answer".clone_into(&mut self.why);
    }

    /// A connection was lost, and may come back: unless the other end does not speak RESP, which
    /// no patience mends.
    pub(super) fn lost(&mut self, lost: &Lost) -> Result<(), Error> {
        match lost {
            Lost::Malformed(malformed) => Err(self.stopped(&malformed.to_string())),
            Lost::Closed | Lost::Io(_) => {
                self.blame(lost.to_string());
                self.check()
            }
        }
    }

    /// Notes why no answer came; in the end it is told.
    pub(super) fn blame(&mut self, why: String) {
        self.begin();
        self.why = why;
    }

    /// Why no answer came.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// An error once the patience is used up, or somebody wants the replay to end.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.options.interrupt.check()?;
        let patience = self.options.patience;
        if self.since.is_none_or(|since| since.elapsed() < patience) {
            return Ok(());
        }
        let (addr, why) = (self.options.addr.clone(), self.why.clone());
        Err(Error::Away {
            addr,
            patience,
            why,
        })
    }

    /// One attempt to connect; after a failure it has waited a moment.
    pub(super) fn connect(&mut self) -> Result<Option<Connection>, Error> {
        self.begin();
        let connected = Connection::connect(&self.options.addr, self.options.patience);
        let known = connected.map_err(|error| Halt::Lost(error.into()));
        match known.and_then(|connection| self.authenticated(connection)) {
            Ok(connection) => Ok(Some(connection)),
            Err(Halt::Failed(error)) => Err(error),
            Err(Halt::Lost(lost)) => {
                self.lost(&lost)?;
                std::thread::sleep(self.backoff);
                self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
                Ok(None)
            }
        }
    }

    /// The connection, after the server was given the password, if there is one.
    fn authenticated(&self, mut connection: Connection) -> Result<Connection, Halt> {
        let Some(password) = &self.options.password else {
            return Ok(connection);
        };
        let parts: [&[u8]; 2] = [b"AUTH", password.reveal().as_bytes()];
        connection.push(&parts);
        connection.flush()?;
        loop {
            if let Some(reply) = connection.next()? {
                let taken = reply.takes_password();
                taken.map_err(|why| self.stopped(&why))?;
                return Ok(connection);
            }
            self.check()?;
            connection.fill()?;
        }
    }

    /// An error that tells what the server said.
    pub(super) fn stopped(&self, why: &str) -> Error {
        Error::Stopped {
            addr: self.options.addr.clone(),
            why: why.to_owned(),
        }
    }
}

/// Asks one thing at a time, again and again while the patience lasts.
pub(super) struct Asker<'a> {
    patience: Patience<'a>,
    connection: Option<Connection>,
}

impl<'a> Asker<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self {
            patience: Patience::new(options),
            connection: None,
        }
    }

    /// An error that tells what the server said.
    pub(super) fn stopped(&self, why: &str) -> Error {
        self.patience.stopped(why)
    }

    /// Asks until there is an answer other than BUSY, and reads it.
    pub(super) fn ask<T>(
        &mut self,
        parts: &[&[u8]],
        read: impl Fn(&Reply<'_>) -> T,
    ) -> Result<T, Error> {
        loop {
            self.patience.begin();
            if self.connection.is_none() {
                self.connection = self.patience.connect()?;
            }
            let Some(connection) = &mut self.connection else {
                continue;
            };
            match once(connection, parts, &read, &self.patience) {
                Ok(Asked::Answered(answer)) => {
                    self.patience.renew();
                    return Ok(answer);
                }
                Ok(Asked::Again(wait)) => {
                    self.patience.blame("it is busy".to_owned());
                    self.patience.check()?;
                    std::thread::sleep(wait);
                }
                Err(Halt::Lost(lost)) => {
                    self.connection = None;
                    self.patience.lost(&lost)?;
                    std::thread::sleep(BACKOFF_MIN);
                }
                Err(Halt::Failed(error)) => return Err(error),
            }
        }
    }
}

/// Why a connection is left.
pub(super) enum Halt {
    /// It broke: connect again.
    Lost(Lost),
    /// The replay ends.
    Failed(Error),
}

impl From<Lost> for Halt {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

enum Asked<T> {
    Answered(T),
    Again(Duration),
}

fn once<T>(
    connection: &mut Connection,
    parts: &[&[u8]],
    read: impl Fn(&Reply<'_>) -> T,
    patience: &Patience<'_>,
) -> Result<Asked<T>, Halt> {
    connection.push(parts);
    connection.flush()?;
    loop {
        if let Some(reply) = connection.next()? {
            if let Reply::Error(text) = reply {
                match wire::error_meaning(text) {
                    Meaning::Again(wait) => return Ok(Asked::Again(wait)),
                    Meaning::Stop(why) if text.starts_with(b"NOAUTH") => {
                        return Err(patience.stopped(&why).into());
                    }
                    Meaning::Final(_) | Meaning::NotYet(..) | Meaning::Stop(_) => {}
                }
            }
            return Ok(Asked::Answered(read(&reply)));
        }
        patience.check()?;
        connection.fill()?;
    }
}
