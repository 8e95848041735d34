//! `DEAD.REPLAY` and `DEAD.DROP`: what is to become of what was set aside.

use super::{DEAD, DeadRow, DeadState, REPLAY};
use crate::contract::{Apply, RefusalDef, Refuse, Status};
use crate::key::Slot;
use crate::limits::{COMMAND_ROWS_BYTES, LETTER_BYTES_MAX};
use crate::row_id::RowId;
use crate::splits::Splits;
use crate::tx::{Reads, Stop, Tx};
use crate::{reply, request};

request! {
    /// Runs once more what was set aside.
    ///
    /// It runs within moments, in its slot, with today's state and time; `DEAD.LIST` tells when it has.
    /// If it stops the process again it is set aside again, and waits; so does what no structure of this
    /// version knows. A retry while it is replayed, or when it has been, changes nothing.
    pub(crate) struct Replay {
        /// Which: its `id` in `DEAD.LIST`.
        id: RowId,
    }
}

request! {
    /// Gives up what was set aside: it is not to run any more.
    ///
    /// It stays listed. What it would have done is not done, and nothing that it has left undone is
    /// cleared up.
    pub(crate) struct Drop {
        /// Which: its `id` in `DEAD.LIST`.
        id: RowId,
    }
}

reply! {
    /// What becomes of what was set aside.
    pub(crate) struct DeadReceipt {
        /// Its id.
        id: RowId,
        /// replaying, replayed or dropped.
        state: &'static str,
        /// How often it was to run once more.
        replays: u64,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

/// Why it is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing was set aside under this id.
    Unknown,
    /// It is about to run.
    BeingReplayed,
    /// It has run.
    Replayed,
    /// It was given up.
    Dropped,
}

const fn def(code: &'static str, status: Status, doc: &'static str) -> RefusalDef {
    RefusalDef { code, status, doc }
}

const UNKNOWN_DEAD: RefusalDef = def(
    "unknown_dead",
    Status::NotFound,
    "Nothing was set aside under this id: `DEAD.LIST` tells the ids that there are.",
);
const BEING_REPLAYED: RefusalDef = def(
    "being_replayed",
    Status::Conflict,
    "It is about to run once more: look again what became of it.",
);
const DEAD_REPLAYED: RefusalDef = def(
    "dead_replayed",
    Status::Conflict,
    "It has run once more: there is nothing to give up.",
);
const DEAD_DROPPED: RefusalDef = def(
    "dead_dropped",
    Status::Conflict,
    "It was given up: it is not to run any more.",
);

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::Unknown => &UNKNOWN_DEAD,
            Self::BeingReplayed => &BEING_REPLAYED,
            Self::Replayed => &DEAD_REPLAYED,
            Self::Dropped => &DEAD_DROPPED,
        }
    }
}

/// A row with its letter, and a timer.
const ROWS_BYTES: usize = LETTER_BYTES_MAX + COMMAND_ROWS_BYTES;

fn row_of(tx: &mut Tx<'_>, id: &RowId) -> Result<DeadRow, Stop<Refusal>> {
    let row = tx.get(&DEAD, id.number)?;
    row.ok_or_else(|| Refusal::Unknown.into())
}

/// Puts the row, unless it is as it was.
fn answer(tx: &mut Tx<'_>, id: &RowId, row: DeadRow, repeated: bool) -> DeadReceipt {
    let receipt = DeadReceipt {
        id: id.clone(),
        state: row.state.word(),
        replays: u64::from(row.replays),
        repeated,
    };
    if !repeated {
        tx.put(&DEAD, id.number, row);
    }
    receipt
}

impl Apply for Replay {
    type Reply = DeadReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_DEAD, DEAD_DROPPED];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn slot(&self, _splits: &Splits) -> Slot {
        self.id.slot
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&DEAD, self.id.number);
    }

    fn writes(&self) -> usize {
        ROWS_BYTES
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<DeadReceipt, Stop<Refusal>> {
        let mut row = row_of(tx, &self.id)?;
        let repeated = match row.state {
            DeadState::Waiting => false,
            DeadState::Replaying | DeadState::Replayed => true,
            DeadState::Dropped => return Err(Refusal::Dropped.into()),
        };
        if !repeated {
            row.turn(DeadState::Replaying, tx.now_ms());
            row.replays = row.replays.saturating_add(1);
            tx.wake_at(&REPLAY, tx.now_ms(), self.id.number);
        }
        Ok(answer(tx, &self.id, row, repeated))
    }
}

impl Apply for Drop {
    type Reply = DeadReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_DEAD, BEING_REPLAYED, DEAD_REPLAYED];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn slot(&self, _splits: &Splits) -> Slot {
        self.id.slot
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&DEAD, self.id.number);
    }

    fn writes(&self) -> usize {
        ROWS_BYTES
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<DeadReceipt, Stop<Refusal>> {
        let mut row = row_of(tx, &self.id)?;
        let repeated = match row.state {
            DeadState::Waiting => false,
            DeadState::Replaying => return Err(Refusal::BeingReplayed.into()),
            DeadState::Replayed => return Err(Refusal::Replayed.into()),
            DeadState::Dropped => true,
        };
        if !repeated {
            row.turn(DeadState::Dropped, tx.now_ms());
        }
        Ok(answer(tx, &self.id, row, repeated))
    }
}
