//! Timers: durable rows ordered by due time within their slot, and the agenda over them.
//!
//! A timer's row key is `slot ‖ due time ‖ timer id ‖ owner`. The agenda is derived memory: for
//! each slot the earliest due time that may still stand. A cancelled timer leaves the agenda
//! alone; its slot is looked at once for nothing and enters again with its true next time.

use std::collections::{BTreeMap, BTreeSet};

use crate::key::{KeyReader, KeyRef, RowKey, Slot};
use crate::row::Nothing;
use crate::table::Table;
use crate::tables::Tables;

pub(crate) const TIMERS: Table<Nothing> = Table::ordered(0, 0, "engine.timers");

/// The earliest due time of every slot that has timers.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    by_time: BTreeSet<(u64, Slot)>,
    by_slot: BTreeMap<Slot, u64>,
}

/// A timer taken from its row key.
pub(crate) struct Due {
    pub(crate) key: RowKey,
    pub(crate) slot: Slot,
    pub(crate) due_ms: u64,
    pub(crate) timer: u16,
}

impl Due {
    fn of(key: KeyRef<'_>) -> Option<Self> {
        let (slot, rest) = key.as_bytes().split_first_chunk::<2>()?;
        let mut parts = KeyReader::new(rest);
        let due_ms = parts.number()?;
        let timer = u16::from(parts.byte()?) << 8 | u16::from(parts.byte()?);
        Some(Self {
            key: RowKey::from_bytes(key.as_bytes()),
            slot: Slot(u16::from_be_bytes(*slot)),
            due_ms,
            timer,
        })
    }

    /// The parts that the timer was set with.
    pub(crate) fn owner(&self) -> KeyReader<'_> {
        KeyReader::new(&self.key.as_bytes()[12..])
    }
}

impl Agenda {
    /// Rebuilds the agenda from the rows, after a replay.
    pub(crate) fn rearm(tables: &Tables, slots: impl Iterator<Item = Slot>) -> Self {
        let mut agenda = Self::default();
        for slot in slots {
            agenda.look(tables, slot);
        }
        agenda
    }

    /// Notes that a slot has a timer at `due_ms`.
    pub(crate) fn note(&mut self, slot: Slot, due_ms: u64) {
        let earlier = self.by_slot.get(&slot).is_none_or(|at| due_ms < *at);
        if earlier {
            self.set(slot, Some(due_ms));
        }
    }

    fn set(&mut self, slot: Slot, due_ms: Option<u64>) {
        if let Some(before) = self.by_slot.remove(&slot) {
            self.by_time.remove(&(before, slot));
        }
        if let Some(due_ms) = due_ms {
            self.by_slot.insert(slot, due_ms);
            self.by_time.insert((due_ms, slot));
        }
    }

    /// Enters a slot with its true next time, and gives its first timer.
    fn look(&mut self, tables: &Tables, slot: Slot) -> Option<Due> {
        let prefix = slot.0.to_be_bytes();
        let first = tables.keys_from(&TIMERS, &prefix).next();
        let first = first.filter(|key| key.as_bytes().starts_with(&prefix));
        let due = first.and_then(Due::of);
        self.set(slot, due.as_ref().map(|due| due.due_ms));
        due
    }

    /// When something may be due next.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.by_time.first().map(|(due_ms, _)| *due_ms)
    }

    /// The timer due first, if it is due by `now_ms`. It stays until its row is removed.
    pub(crate) fn due(&mut self, tables: &Tables, now_ms: u64) -> Option<Due> {
        loop {
            let (due_ms, slot) = *self.by_time.first()?;
            if due_ms > now_ms {
                return None;
            }
            match self.look(tables, slot) {
                Some(due) if due.due_ms == due_ms => return Some(due),
                // Cancelled: the slot has entered again with its true next time, or left.
                Some(_) | None => {}
            }
        }
    }
}
