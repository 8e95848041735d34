//! Requests that are answered later.

use super::{
    NOTES, NoteInfo, Refusal, SHARES, Shared, SharesInfo, UNKNOWN, change_shares, info, shares_info,
};
use crate::contract::{Apply, Bounded, Name, RefusalDef};
use crate::request;
use crate::tx::{Reads, Stop, Tx};

request! {
    /// Shares a note with another, and answers once everybody has thanked for it.
    pub(super) struct Greet {
        /// The note.
        key: Name,
        /// The other.
        with: Name,
        /// How long that is waited for.
        ["WAIT"] wait_ms: Bounded<0, 1_000> = 100,
    }
}

request! {
    /// Reads a note, once there is one.
    pub(super) struct Await {
        /// The note.
        key: Name,
        /// How long that is waited for.
        ["WAIT"] wait_ms: Bounded<0, 1_000> = 100,
    }
}

impl Apply for Await {
    type Reply = NoteInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&NOTES, self.key.as_str());
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<NoteInfo, Stop<Refusal>> {
        let key = self.key.as_str();
        match tx.get(&NOTES, key)? {
            Some(note) => Ok(info(key, &note)),
            None if tx.is_last_run() => Err(Refusal::Unknown.into()),
            None => Err(Stop::Wait),
        }
    }
}

impl Apply for Greet {
    type Reply = SharesInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SHARES, self.key.as_str());
    }

    fn letters(&self) -> usize {
        1
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SharesInfo, Stop<Refusal>> {
        let key = self.key.as_str();
        let shares = if tx.runs_again() {
            tx.get(&SHARES, key)?.unwrap_or_default()
        } else {
            let from = self.key.compact();
            tx.send(self.with.as_str(), &Shared { from });
            change_shares(tx, key, |shares| shares.sent += 1)?
        };
        if shares.thanked < shares.sent {
            return Err(Stop::Wait);
        }
        Ok(shares_info(key, &shares))
    }
}
