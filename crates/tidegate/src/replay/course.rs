//! A way through what is to be asked: what to ask next, and what an answer means.
//!
//! A pure machine. It never sends anything: [`Course::wants`] says what may be asked now, and
//! [`Course::record`] takes an answer that is safely in the journal. Both a live replay and a
//! resumed one feed answers to the same machine, so a resumed replay stands exactly where the
//! journal ends; and a lost connection needs no bookkeeping: what was not recorded is still wanted.

use std::fmt::Debug;

use super::journal::Asked;
use super::tally::Counts;
use super::wire::Meaning;
use crate::client::{Connection, Reply};

/// What a lane drives.
pub(super) trait Course: Send {
    /// Something to ask the server.
    type Command: Copy + Debug + PartialEq + Send;
    /// What came of it.
    type Tally: Counts;

    /// What came of it so far.
    fn tally(&self) -> Self::Tally;

    /// The first record that is not done; nothing when all are.
    fn at(&self) -> Option<u32>;

    /// What may be asked now, in this order. All of it must be answered and recorded before this
    /// is looked at again.
    fn wants(&self) -> Vec<Self::Command>;

    /// What of it an earlier run may have sent that did not live to journal the answer; asked before
    /// anything is sent.
    fn perhaps_sent(&self) -> Vec<Self::Command> {
        self.wants()
    }

    /// Takes the answer to something wanted.
    fn record(&mut self, command: Self::Command, verdict: Verdict) -> Result<(), Unasked>;

    /// How the journal names a command: by a record and what is asked about it.
    fn journaled(&self, command: Self::Command) -> (u32, Asked);

    /// Adds a command to what the connection sends next.
    fn push(&self, command: Self::Command, connection: &mut Connection);

    /// What the reply to a command means. `again` tells whether the command may have been sent
    /// before: then a repeated receipt is our own.
    fn meaning(&self, command: Self::Command, reply: &Reply<'_>, again: bool) -> Meaning;

    /// Whether the time that the answer took is a figure.
    fn is_timed(_: Self::Command) -> bool {
        true
    }
}

/// What the server answered, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    /// Done, but not for this replay: the server knew the id before it was first sent.
    DoneBefore,
    SoldOut,
    /// Any other refusal, in the server's words.
    Refused(Box<str>),
}

impl Verdict {
    /// Whether the answer is about an id that somebody else has used.
    pub(super) fn is_of_another(&self) -> bool {
        match self {
            Self::DoneBefore => true,
            // A replay never sends an id with another content.
            Self::Refused(why) => why.starts_with("IDCONFLICT"),
            Self::Done | Self::SoldOut => false,
        }
    }
}

/// An answer to something that was not asked: the journal or the server mixes things up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an answer to a command that cannot have been sent")]
pub(super) struct Unasked;
