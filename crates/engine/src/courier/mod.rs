//! Calls to the outside, as durable intents.
//!
//! A transaction that calls puts the call into a table of its own slot. Once its record is durable the call
//! goes to the courier, who tries it once and says what came of it. That is a transaction again: it takes an
//! answer to whoever called, or has the call tried again later, or gives it up. A start hands the courier
//! whatever it was trying. So a call is made at least once, always with the same number, by which the other
//! side can know it again; and what comes of it is taken in exactly once.
//!
//! ```text
//! calling ──no answer──▶ resting ──time──▶ calling
//!    │  └──too often──▶ given_up ──CALL.RETRY──▶ calling
//!    ▼ answer              └──────CALL.DROP───▶ dropped
//!  (gone)
//! ```
//!
//! No answer is not a no: what a call without an answer has done on the other side is unknown. What is given
//! up on is kept with its tries where people see it, unless whoever called asks again by itself.
//!
//! Which address a service has, and how many calls it bears at once, is not known here.

mod commands;
mod list;
mod queue;
mod tries;

use compact_str::CompactString;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

pub(crate) use commands::{Drop, Retry};
pub(crate) use list::ListCalls;
pub use queue::{Courier, HostFigures};
pub(crate) use queue::{Reported, ToCourier};
pub(crate) use tries::{NEXT_TRY, next_try_ms};

use crate::key::Slot;
use crate::limits::CALL_HISTORY_MAX;
use crate::mail::Address;
use crate::row::Row;
use crate::table::Table;
use crate::words;

/// Calls that are under way or were given up, by number, in the slot of who has called.
pub(crate) const CALLS: Table<CallRow> = Table::ordered(0, 8, "engine.calls");

/// What somebody wants to ask of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which service, by the name that it has in the settings.
    pub service: CompactString,
    /// What of it: each action of a service has an address of its own.
    pub action: CompactString,
    /// What it is about: stands in the address where that says so.
    pub about: CompactString,
    /// What is sent; empty if nothing is.
    pub body: Vec<u8>,
    /// How it is tried again.
    pub patience: Patience,
    /// Who is told what came of it: a kind of mail and a key of this slot.
    pub answer_to: Address,
    /// What comes back with it.
    pub note: Vec<u8>,
    /// Its idempotency key, where another call may ask the same; else it is the call's own number.
    pub key: Option<u64>,
}

/// How a call without an answer is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Patience {
    /// Not again after this time.
    #[n(0)]
    pub until_ms: u64,
    /// So often at most.
    #[n(1)]
    pub tries_max: u32,
    /// Once given up it is kept for people. Who asks again by itself has no use for that.
    #[n(2)]
    pub is_kept: bool,
}

/// What came of a call, as whoever called is told.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CallEnd {
    /// The call's number.
    #[n(0)]
    pub number: u64,
    /// When it was tried last: an answer is at least as new.
    #[n(1)]
    pub tried_at_ms: u64,
    /// What it came with.
    #[n(2)]
    pub note: ByteVec,
    /// What came of it.
    #[n(3)]
    pub end: End,
    /// How often it was tried: before the last one, what the other side has done of it is unknown.
    #[n(4)]
    pub tries: u32,
}

/// How a call has ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum End {
    /// With an answer.
    #[n(0)]
    Answered(#[n(0)] Said),
    /// Without one: what it has done is unknown. If it was kept, an answer may still come.
    #[n(1)]
    GivenUp,
}

/// The answer of a service.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Said {
    /// The status in HTTP.
    #[n(0)]
    pub status: u16,
    /// What it says.
    #[n(1)]
    pub body: ByteVec,
}

/// What a try of a call has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// An answer that will not be another one when asked again.
    Answer(Said),
    /// None, or one that says to ask again.
    Nothing {
        /// Why, for people.
        why: String,
        /// When to ask again, if the other side has said.
        retry_after_ms: Option<u64>,
    },
}

/// One try of a call, for the courier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// The call's number: the same for each of its tries.
    pub number: u64,
    /// Its idempotency key: that of others that ask the same, too.
    pub key: u64,
    pub(crate) slot: Slot,
    /// Which of its tries this is, from 1 on.
    pub nth: u32,
    /// Which service.
    pub service: CompactString,
    /// What of it.
    pub action: CompactString,
    /// What it is about.
    pub about: CompactString,
    /// What is sent.
    pub body: ByteVec,
}

#[cfg(feature = "testing")]
impl Try {
    /// The first try of a call that nobody has made.
    #[must_use]
    pub fn of_test(number: u64, body: &[u8]) -> Self {
        Self {
            number,
            key: number,
            slot: Slot(0),
            nth: 1,
            service: CompactString::default(),
            action: CompactString::default(),
            about: CompactString::default(),
            body: body.to_vec().into(),
        }
    }
}

/// What becomes of a call. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum CallState {
    /// The courier has it.
    #[n(0)]
    Calling,
    /// It is tried again later.
    #[n(1)]
    Resting,
    /// It is not tried again, unless somebody says so.
    #[n(2)]
    GivenUp,
    /// Nor then.
    #[n(3)]
    Dropped,
}

words! { CallState {
    "calling" => Self::Calling,
    "resting" => Self::Resting,
    "given_up" => Self::GivenUp,
    "dropped" => Self::Dropped,
} }

impl CallState {
    /// Its word in every front.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Calling => "calling",
            Self::Resting => "resting",
            Self::GivenUp => "given_up",
            Self::Dropped => "dropped",
        }
    }
}

/// A call in its table.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct CallRow {
    /// When it was made.
    #[n(0)]
    pub(crate) at_ms: u64,
    #[cbor(n(1), with = "crate::text")]
    pub(crate) service: CompactString,
    #[cbor(n(2), with = "crate::text")]
    pub(crate) action: CompactString,
    #[cbor(n(3), with = "crate::text")]
    pub(crate) about: CompactString,
    #[n(4)]
    pub(crate) body: ByteVec,
    #[n(5)]
    pub(crate) patience: Patience,
    #[n(6)]
    pub(crate) answer_to: Address,
    #[n(7)]
    pub(crate) note: ByteVec,
    #[n(8)]
    pub(crate) state: CallState,
    /// When it came into this state.
    #[n(9)]
    pub(crate) since_ms: u64,
    /// Tries that were begun.
    #[n(10)]
    pub(crate) tries: u32,
    /// Those that it had before it was given up last.
    #[n(11)]
    pub(crate) tries_before: u32,
    /// When it is tried again.
    #[n(12)]
    pub(crate) due_ms: Option<u64>,
    /// What its last tries have brought, oldest first.
    #[n(13)]
    pub(crate) history: Vec<Failed>,
    /// Its idempotency key, if that is not its number.
    #[n(14)]
    pub(crate) key: Option<u64>,
}

impl Row for CallRow {}

/// A try that has brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Failed {
    #[n(0)]
    pub(crate) at_ms: u64,
    #[cbor(n(1), with = "crate::text")]
    pub(crate) why: CompactString,
}

impl CallRow {
    pub(crate) fn new(call: Call, now_ms: u64) -> Self {
        Self {
            at_ms: now_ms,
            service: call.service,
            action: call.action,
            about: call.about,
            body: call.body.into(),
            patience: call.patience,
            answer_to: call.answer_to,
            note: call.note.into(),
            state: CallState::Calling,
            since_ms: now_ms,
            tries: 1,
            tries_before: 0,
            due_ms: None,
            history: Vec::new(),
            key: call.key,
        }
    }

    pub(crate) fn turn(&mut self, state: CallState, now_ms: u64) {
        self.state = state;
        self.since_ms = now_ms;
        self.due_ms = None;
    }

    /// Whether something may come of it by itself.
    pub(crate) fn is_under_way(&self) -> bool {
        match self.state {
            CallState::Calling | CallState::Resting => true,
            CallState::GivenUp | CallState::Dropped => false,
        }
    }

    /// A further try of it begins.
    pub(crate) fn begin_try(&mut self, now_ms: u64) {
        self.turn(CallState::Calling, now_ms);
        self.tries = self.tries.saturating_add(1);
    }

    /// The try that the courier is to make.
    pub(crate) fn as_try(&self, number: u64, slot: Slot) -> Try {
        Try {
            number,
            key: self.key.unwrap_or(number),
            slot,
            nth: self.tries,
            service: self.service.clone(),
            action: self.action.clone(),
            about: self.about.clone(),
            body: self.body.clone(),
        }
    }

    /// A try has brought nothing.
    pub(crate) fn note_failure(&mut self, why: &str, now_ms: u64) {
        if self.history.len() == CALL_HISTORY_MAX {
            self.history.remove(0);
        }
        let why = CompactString::new(tries::cut(why));
        self.history.push(Failed { at_ms: now_ms, why });
    }

    /// What whoever called is told of its end.
    pub(crate) fn ended(&self, number: u64, end: End) -> CallEnd {
        CallEnd {
            number,
            tried_at_ms: self.since_ms,
            note: self.note.clone(),
            end,
            tries: self.tries,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::hex;

    #[test]
    fn rows_and_letters_are_frozen() {
        let call = Call {
            service: "bank".into(),
            action: "pay".into(),
            about: "7".into(),
            body: vec![1],
            patience: Patience {
                until_ms: 900,
                tries_max: 5,
                is_kept: true,
            },
            answer_to: Address::new(2, 6, "o"),
            note: vec![2],
            key: Some(8),
        };
        let mut row = CallRow::new(call, 100);
        row.note_failure("timed out", 200);
        row.turn(CallState::Resting, 200);
        row.due_ms = Some(300);
        let answered = End::Answered(Said {
            status: 200,
            body: vec![0x7b].into(),
        });
        let answered = row.ended(300, answered);
        let given_up = row.ended(300, End::GivenUp);
        let rows = [hex(&row), hex(&answered), hex(&given_up)];
        let expected = [
            "af001864016462616e6b026370617903613704410105a300190384010502f506a200190206\
             01616f07410208010918c80a010b000c19012c0d81a20018c8016974696d6564206f75740e08",
            "a50019012c0118c80241020382008 1a20018c801417b0401",
            "a50019012c0118c8024102038201 800401",
        ];
        assert_eq!(rows, expected.map(|hex| hex.replace(' ', "")));
        for (number, state) in [
            CallState::Calling,
            CallState::Resting,
            CallState::GivenUp,
            CallState::Dropped,
        ]
        .iter()
        .enumerate()
        {
            assert_eq!(hex(state), format!("{number:02x}"));
        }
        assert_eq!(NEXT_TRY.id, 2);
    }
}
