//! Dead letters: timers and letters that were set aside because they stopped the process twice.
//!
//! People look at them, and have each run once more or dropped. None is ever removed: its row tells what
//! became of it.
//!
//! ```text
//! waiting ──DEAD.REPLAY──▶ replaying ──▶ replayed
//!    │  ◀─── stops the process again ───┘
//!    └─────DEAD.DROP────▶ dropped
//! ```
//!
//! A replay is a timer of the engine's own, in the slot of the row: it runs what was set aside in one
//! transaction with the row's next state. So it is durable, and happens once. If it stops the process it
//! does not run again with the next start: what was set aside waits once more.

mod commands;
mod list;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

pub(crate) use commands::{Drop, Replay};
pub(crate) use list::ListDead;

use crate::contract::Timer;
use crate::key::KeyReader;
use crate::row::Row;
use crate::table::Table;
use crate::tx::Reads;
use crate::words;

/// By number, in the slot in which they would have run.
pub(crate) const DEAD: Table<DeadRow> = Table::ordered(0, 4, "engine.dead_letters");

/// Runs once more what was set aside under a number.
pub(crate) const REPLAY: Timer = Timer::new(
    0,
    1,
    |_, _| unreachable!("because the partition, which knows all handlers, runs replays itself"),
    reads_of_replay,
);

fn reads_of_replay(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    if let Some(number) = owner.number() {
        reads.row(&DEAD, number);
    }
}

/// What becomes of what was set aside. The numbers are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum DeadState {
    /// Somebody is to say.
    #[default]
    #[n(0)]
    Waiting,
    /// It is about to run once more.
    #[n(1)]
    Replaying,
    /// It has run, and the process went on.
    #[n(2)]
    Replayed,
    /// It is not to run any more.
    #[n(3)]
    Dropped,
}

words! { DeadState {
    "waiting" => Self::Waiting,
    "replaying" => Self::Replaying,
    "replayed" => Self::Replayed,
    "dropped" => Self::Dropped,
} }

impl DeadState {
    /// Its word in every front.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Replaying => "replaying",
            Self::Replayed => "replayed",
            Self::Dropped => "dropped",
        }
    }
}

/// A timer or a letter that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct DeadRow {
    /// When it was set aside.
    #[n(0)]
    pub(crate) at_ms: u64,
    /// The number of the timer or of the kind of mail.
    #[n(1)]
    pub(crate) kind: u16,
    #[n(2)]
    pub(crate) is_letter: bool,
    /// What the timer was set with, as a key; or to whom the letter went.
    #[n(3)]
    pub(crate) key: ByteVec,
    /// What the letter says.
    #[n(4)]
    pub(crate) body: ByteVec,
    /// Rows of before there were states have none, and wait.
    #[cbor(n(5), default)]
    pub(crate) state: DeadState,
    /// When it came into this state, if it ever was in another one.
    #[n(6)]
    pub(crate) changed_ms: Option<u64>,
    /// How often it was to run once more.
    #[cbor(n(7), default)]
    pub(crate) replays: u32,
}

impl Row for DeadRow {}

impl DeadRow {
    /// A timer, by what it was set with.
    pub(crate) fn timer(at_ms: u64, kind: u16, key: &[u8]) -> Self {
        Self {
            at_ms,
            kind,
            is_letter: false,
            key: key.to_vec().into(),
            body: Vec::new().into(),
            state: DeadState::Waiting,
            changed_ms: None,
            replays: 0,
        }
    }

    /// A letter, by its addressee and what it says.
    pub(crate) fn letter(at_ms: u64, kind: u16, to: &str, body: &ByteVec) -> Self {
        Self {
            is_letter: true,
            body: body.clone(),
            ..Self::timer(at_ms, kind, to.as_bytes())
        }
    }

    /// It comes into another state.
    pub(crate) fn turn(&mut self, state: DeadState, now_ms: u64) {
        self.state = state;
        self.changed_ms = Some(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_frozen_and_those_without_a_state_wait() {
        let row = DeadRow {
            state: DeadState::Replayed,
            changed_ms: Some(300),
            replays: 2,
            ..DeadRow::letter(200, 0xff01, "k", &vec![0xa0].into())
        };
        let before = [
            &[0, 0x18, 200, 1, 0x19, 0xff, 1, 2, 0xf5, 3, 0x41, b'k'][..],
            &[4, 0x41, 0xa0],
        ];
        let before = before.concat();
        let states = [5, 2, 6, 0x19, 1, 44, 7, 2];
        let bytes = [&[0xa8], &before[..], &states].concat();
        assert_eq!(minicbor::to_vec(&row).unwrap(), bytes);
        assert_eq!(minicbor::decode::<DeadRow>(&bytes).unwrap(), row);

        let waiting = DeadRow::letter(200, 0xff01, "k", &vec![0xa0].into());
        let bytes = [&[0xa5], &before[..]].concat();
        assert_eq!(minicbor::decode::<DeadRow>(&bytes).unwrap(), waiting);
    }

    #[test]
    fn numbers_of_states_are_frozen() {
        let states = [
            DeadState::Waiting,
            DeadState::Replaying,
            DeadState::Replayed,
            DeadState::Dropped,
        ];
        for (number, state) in (0..).zip(states) {
            assert_eq!(minicbor::to_vec(state).unwrap(), [number]);
        }
        assert_eq!(REPLAY.id, 1);
    }
}
