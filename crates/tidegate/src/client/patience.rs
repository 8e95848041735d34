//! How long a client puts up with a server that is away or busy.

use std::time::{Duration, Instant};

use super::{Connection, Lost};
use crate::interrupt::{Interrupt, Interrupted};
use crate::password::Password;

/// The first wait before connecting again; each further one is twice as long.
const BACKOFF_MIN: Duration = Duration::from_millis(10);

/// The longest wait before connecting again.
const BACKOFF_MAX: Duration = Duration::from_millis(500);

/// The wait after a BUSY that names none.
pub(crate) const RETRY_DEFAULT: Duration = Duration::from_millis(50);

/// The server, and how long to wait for it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// `HOST:PORT`.
    pub(crate) addr: String,
    pub(crate) password: Option<Password>,
    /// How long it may give no useful answer.
    pub(crate) patience: Duration,
    /// Ends the wait early.
    pub(crate) interrupt: Interrupt,
}

/// Why a command does without the server from now on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unserved {
    /// No useful answer for as long as the patience lasts.
    #[error(
        "the server at {addr} gave no answer for {patience:?} ({why}): nothing is lost, run the \
         same command again to go on"
    )]
    Away {
        addr: String,
        patience: Duration,
        why: String,
    },
    /// The server said something that no patience mends.
    #[error("the server at {addr} stops this: {why}")]
    Stopped { addr: String, why: String },
    /// Somebody wants it to end.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Counts the time without a useful answer. Useful is an answer for good: a server that only says
/// BUSY tries the patience like one that is gone.
pub(crate) struct Patience {
    peer: Peer,
    since: Option<Instant>,
    why: String,
    backoff: Duration,
}

impl Patience {
    pub(crate) fn new(peer: Peer) -> Self {
        let why = "it does not answer".to_owned();
        Self {
            peer,
            since: None,
            why,
            backoff: BACKOFF_MIN,
        }
    }

    /// An answer is owed from now on, if none was before.
    pub(crate) fn begin(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// A useful answer came.
    pub(crate) fn renew(&mut self) {
        self.since = None;
        self.backoff = BACKOFF_MIN;
        "it does not answer".clone_into(&mut self.why);
    }

    /// A connection was lost, and may come back: unless the other end does not speak RESP, which
    /// no patience mends.
    pub(crate) fn lost(&mut self, lost: &Lost) -> Result<(), Unserved> {
        match lost {
            Lost::Malformed(malformed) => Err(self.stopped(&malformed.to_string())),
            Lost::Closed | Lost::Io(_) => {
                self.blame(lost.to_string());
                self.check()
            }
        }
    }

    /// Notes why no answer came; in the end it is told.
    pub(crate) fn blame(&mut self, why: String) {
        self.begin();
        self.why = why;
    }

    /// Why no answer came.
    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    /// An error once the patience is used up, or somebody wants the command to end.
    pub(crate) fn check(&self) -> Result<(), Unserved> {
        self.peer.interrupt.check()?;
        let patience = self.peer.patience;
        if self.since.is_none_or(|since| since.elapsed() < patience) {
            return Ok(());
        }
        let (addr, why) = (self.peer.addr.clone(), self.why.clone());
        Err(Unserved::Away {
            addr,
            patience,
            why,
        })
    }

    /// One attempt to connect; after a failure it has waited a moment.
    pub(crate) fn connect(&mut self) -> Result<Option<Connection>, Unserved> {
        self.begin();
        let connected = Connection::connect(&self.peer.addr, self.peer.patience);
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
    fn authenticated(&self, mut connection: Connection) -> Result<Connection, Halt<Unserved>> {
        let Some(password) = &self.peer.password else {
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
    pub(crate) fn stopped(&self, why: &str) -> Unserved {
        Unserved::Stopped {
            addr: self.peer.addr.clone(),
            why: why.to_owned(),
        }
    }
}

/// Why a connection is left.
pub(crate) enum Halt<E> {
    /// It broke: connect again.
    Lost(Lost),
    /// No patience mends it.
    Failed(E),
}

impl<E> From<Lost> for Halt<E> {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl From<Unserved> for Halt<Unserved> {
    fn from(unserved: Unserved) -> Self {
        Self::Failed(unserved)
    }
}

/// How long to rest before asking again, if an error says that nothing was done and that it may be asked again.
pub(crate) fn asked_again(error: &[u8]) -> Option<Duration> {
    let word = error.split(|byte| *byte == b' ').next()?;
    match word {
        // What is pending goes on at the server, and is waited for once more.
        b"BUSY" | b"PENDING" => Some(retry_after(error).unwrap_or(RETRY_DEFAULT)),
        // The operator frees space, or starts the server again, while the client is patient.
        b"DISKFULL" | b"STOPPING" => Some(RETRY_DEFAULT),
        _ => None,
    }
}

fn retry_after(error: &[u8]) -> Option<Duration> {
    let mut facts = error.split(|byte| *byte == b' ');
    let stated = facts.find_map(|fact| fact.strip_prefix(b"retry_after_ms="))?;
    let ms = std::str::from_utf8(stated).ok()?.parse().ok()?;
    Some(Duration::from_millis(ms))
}
