//! Timers, as a domain declares them.

use crate::key::{KeyParts, KeyReader};
use crate::row::Nothing;
use crate::table::{Missing, Table};
use crate::timer::{IDLE_TIMERS, TIMERS};
use crate::tx::{Reads, Tx};

/// A durable future command to the same slot.
#[derive(Clone, Copy)]
pub struct Timer {
    pub(crate) id: u16,
    pub(crate) is_idle: bool,
    pub(crate) fire: fn(&mut Tx<'_>, KeyReader<'_>) -> Result<(), Missing>,
    pub(crate) reads: fn(&mut Reads<'_>, KeyReader<'_>),
}

impl Timer {
    /// A timer of a domain. `number` is stored and for ever. `fire` gets the parts of the key that
    /// the timer was set with; it must accept that what it was set for is gone. `reads` names the
    /// rows that it will read, so that those of many timers are fetched at once.
    #[must_use]
    pub const fn new(
        domain: u8,
        number: u8,
        fire: fn(&mut Tx<'_>, KeyReader<'_>) -> Result<(), Missing>,
        reads: fn(&mut Reads<'_>, KeyReader<'_>),
    ) -> Self {
        Self {
            id: (domain as u16) << 8 | number as u16,
            is_idle: false,
            fire,
            reads,
        }
    }

    /// A timer that nobody waits for, as what leaves for an archive: it fires when a batch has room
    /// left, behind all others that are due, and however many are overdue no command is told BUSY.
    /// Numbered among the domain's other timers.
    #[must_use]
    pub const fn idle(
        domain: u8,
        number: u8,
        fire: fn(&mut Tx<'_>, KeyReader<'_>) -> Result<(), Missing>,
        reads: fn(&mut Reads<'_>, KeyReader<'_>),
    ) -> Self {
        Self {
            is_idle: true,
            ..Self::new(domain, number, fire, reads)
        }
    }

    /// The number of the table in which its rows lie, for a scan that reads them ([`ScanContext::timers`]).
    #[must_use]
    pub const fn table_id(&self) -> u16 {
        if self.is_idle {
            IDLE_TIMERS.id()
        } else {
            TIMERS.id()
        }
    }

    /// Where its rows lie.
    pub(crate) fn table(&self) -> &'static Table<Nothing> {
        if self.is_idle { &IDLE_TIMERS } else { &TIMERS }
    }

    /// The parts of the key of a timer's row.
    pub(crate) fn row<'a, P: KeyParts>(self, due_ms: u64, owner: &'a P) -> TimerRow<'a, P> {
        TimerRow {
            due_ms,
            timer: self.id,
            owner,
        }
    }
}

/// The key of a timer's row, behind its slot: due time, timer, owner.
pub(crate) struct TimerRow<'a, P> {
    due_ms: u64,
    timer: u16,
    owner: &'a P,
}

impl<P: KeyParts> KeyParts for TimerRow<'_, P> {
    fn write(&self, out: &mut Vec<u8>) {
        KeyParts::write(&self.due_ms, out);
        out.extend_from_slice(&self.timer.to_be_bytes());
        self.owner.write(out);
    }
}
