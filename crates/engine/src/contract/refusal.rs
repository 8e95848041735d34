//! The two kinds of "no": a domain's refusal, and the engine's fault.

use super::reply::Writer;
use super::work_class::WorkClass;

/// How an answer is classed; HTTP turns it into a status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done. 200.
    Done,
    /// Begun, and its end is not known yet: ask again. 202.
    Pending,
    /// The request cannot be read. 400.
    Unreadable,
    /// It is not shown who asks. 401. Of webhooks only: whoever sends another request has shown it to its
    /// front before.
    Unauthorized,
    /// The thing does not exist. 404.
    NotFound,
    /// The state of the thing does not allow it. 409.
    Conflict,
    /// Readable and out of range. 422.
    OutOfRange,
    /// Whoever asks does so too often, and is told when to ask again. 429 with `Retry-After`.
    TooMany,
    /// Overloaded: ask again later. 503 with `Retry-After`.
    Busy,
    /// The engine cannot serve. 503 without a promise.
    Unavailable,
}

/// A refusal as the documentation lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalDef {
    /// Stored and sent, for ever: lower case, words joined by underscores.
    pub code: &'static str,
    /// How it is classed.
    pub status: Status,
    /// What it means and what the caller can do.
    pub doc: &'static str,
}

/// The letters of a code as RESP writes it, as the first word of an error: in capitals, without
/// underscores.
pub fn resp_word(code: &str) -> impl Iterator<Item = u8> {
    let letters = code.bytes().filter(|byte| *byte != b'_');
    letters.map(|byte| byte.to_ascii_uppercase())
}

/// A domain's typed "no", with its facts.
pub trait Refuse {
    /// Which refusal it is.
    fn def(&self) -> &'static RefusalDef;

    /// Writes each fact as a name and a value.
    fn facts(&self, _out: &mut dyn Writer) {}

    /// What it says in the words of another system, code and all, if it refuses a request that is in these
    /// ([`super::Spoken`]): its clients know it by them.
    fn words(&self) -> Option<&str> {
        None
    }

    /// When to ask again, of one that is classed [`Status::TooMany`]; it is a fact of the same name as well.
    fn retry_after_ms(&self) -> Option<u64> {
        None
    }
}

/// The refusal of a request that never refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {}

impl Refuse for Never {
    fn def(&self) -> &'static RefusalDef {
        match *self {}
    }
}

/// Why the engine cannot serve. Says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Too much work is waiting. Nothing was done; ask again.
    #[error("too much work is waiting; ask again in {retry_after_ms} ms")]
    Busy {
        /// When to ask again.
        retry_after_ms: u64,
    },
    /// Work of this class is shed. Nothing was done; ask again.
    #[error("{} work is shed for now; ask again in {retry_after_ms} ms", class.word())]
    Shed {
        /// The class.
        class: WorkClass,
        /// When to ask again.
        retry_after_ms: u64,
    },
    /// The disk has no room for another segment of the log, or for rows that memory has no room for.
    #[error(
        "the disk is full: free some space. Reads go on, finishing commands as long as the reserve lasts"
    )]
    DiskFull,
    /// The server is shutting down.
    #[error("the server is stopping; ask again when it is back")]
    Stopping,
}

impl Fault {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy { .. } | Self::Shed { .. } => "busy",
            Self::DiskFull => "disk_full",
            Self::Stopping => "stopping",
        }
    }

    /// How it is classed.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Busy { .. } | Self::Shed { .. } => Status::Busy,
            Self::DiskFull | Self::Stopping => Status::Unavailable,
        }
    }
}
