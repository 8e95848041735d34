//! `CALL.RETRY` and `CALL.DROP`: what is to become of a call that was given up.

use super::{CALLS, CallRow, CallState};
use crate::contract::{Apply, RefusalDef, Refuse, Status};
use crate::key::Slot;
use crate::limits::{CALL_BYTES_MAX, COMMAND_ROWS_BYTES};
use crate::row_id::RowId;
use crate::splits::Splits;
use crate::tx::{Reads, Stop, Tx};
use crate::{reply, request};

request! {
    /// Tries a call again that was given up.
    ///
    /// It has as many tries and as much time as at first, and the same idempotency key. Whoever has called
    /// is told what comes of it. Of a call that is under way, a retry changes nothing.
    pub(crate) struct Retry {
        /// Which: its `id` in `CALL.LIST`.
        id: RowId,
    }
}

request! {
    /// Gives up a call for good.
    ///
    /// It stays listed. What it has done on the other side is unknown, and stays so.
    pub(crate) struct Drop {
        /// Which: its `id` in `CALL.LIST`.
        id: RowId,
    }
}

reply! {
    /// What becomes of a call.
    pub(crate) struct CallReceipt {
        /// Its id.
        id: RowId,
        /// calling, resting or dropped.
        state: &'static str,
        /// How often it was tried, or is being tried.
        tries: u64,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

/// Why it is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such call, or it has its answer.
    Unknown,
    /// It is under way.
    UnderWay,
    /// It was given up for good.
    Dropped,
}

const fn def(code: &'static str, status: Status, doc: &'static str) -> RefusalDef {
    RefusalDef { code, status, doc }
}

const UNKNOWN_CALL: RefusalDef = def(
    "unknown_call",
    Status::NotFound,
    "There is no such call, or it has had its answer: `CALL.LIST` tells the ids that there are.",
);
const CALL_UNDER_WAY: RefusalDef = def(
    "call_under_way",
    Status::Conflict,
    "It is being tried, or will be: only what was given up can be dropped.",
);
const CALL_DROPPED: RefusalDef = def(
    "call_dropped",
    Status::Conflict,
    "It was given up for good: it is not tried any more.",
);

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::Unknown => &UNKNOWN_CALL,
            Self::UnderWay => &CALL_UNDER_WAY,
            Self::Dropped => &CALL_DROPPED,
        }
    }
}

/// A row with all that it sends.
const ROWS_BYTES: usize = CALL_BYTES_MAX + COMMAND_ROWS_BYTES;

fn row_of(tx: &mut Tx<'_>, id: &RowId) -> Result<CallRow, Stop<Refusal>> {
    let row = tx.get(&CALLS, id.number)?;
    row.ok_or_else(|| Refusal::Unknown.into())
}

fn receipt(id: &RowId, row: &CallRow, repeated: bool) -> CallReceipt {
    CallReceipt {
        id: id.clone(),
        state: row.state.word(),
        tries: u64::from(row.tries),
        repeated,
    }
}

impl Apply for Retry {
    type Reply = CallReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_CALL, CALL_DROPPED];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn slot(&self, _splits: &Splits) -> Slot {
        self.id.slot
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&CALLS, self.id.number);
    }

    fn calls(&self) -> usize {
        1
    }

    fn writes(&self) -> usize {
        ROWS_BYTES
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<CallReceipt, Stop<Refusal>> {
        let mut row = row_of(tx, &self.id)?;
        match row.state {
            CallState::Calling | CallState::Resting => return Ok(receipt(&self.id, &row, true)),
            CallState::Dropped => return Err(Refusal::Dropped.into()),
            CallState::GivenUp => {}
        }
        let now_ms = tx.now_ms();
        let patience_ms = row.patience.until_ms.saturating_sub(row.at_ms);
        row.patience.until_ms = now_ms + patience_ms;
        row.tries_before = row.tries;
        row.begin_try(now_ms);
        let receipt = receipt(&self.id, &row, false);
        tx.calls.begun += 1;
        tx.hand_to_courier(self.id.number, row);
        Ok(receipt)
    }
}

impl Apply for Drop {
    type Reply = CallReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_CALL, CALL_UNDER_WAY];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn slot(&self, _splits: &Splits) -> Slot {
        self.id.slot
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&CALLS, self.id.number);
    }

    fn writes(&self) -> usize {
        ROWS_BYTES
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<CallReceipt, Stop<Refusal>> {
        let mut row = row_of(tx, &self.id)?;
        let repeated = match row.state {
            CallState::Calling | CallState::Resting => return Err(Refusal::UnderWay.into()),
            CallState::GivenUp => false,
            CallState::Dropped => true,
        };
        if !repeated {
            row.turn(CallState::Dropped, tx.now_ms());
            tx.put(&CALLS, self.id.number, &row);
        }
        Ok(receipt(&self.id, &row, repeated))
    }
}
