//! Slots that wait for the base, and what is asked of it.

use std::collections::{HashMap, VecDeque};

use super::Partition;
use crate::inbox::Envelope;
use crate::key::{RowKey, Slot};
use crate::reader::{Fetch, Fetched};
use crate::shared::Shared;
use crate::table::Missing;

/// Slots of which something has to be read from the base before anything else happens in them.
#[derive(Default)]
pub(super) struct Waits {
    pub(super) slots: HashMap<Slot, Wait>,
    /// What to ask the base for.
    pub(super) rows: Vec<Missing>,
    pub(super) timers: Vec<(Slot, RowKey)>,
    /// Commands that wait.
    pub(super) parked: usize,
    /// Rows that were asked for and have not come.
    pub(super) rows_asked: usize,
}

#[derive(Default)]
pub(super) struct Wait {
    /// How many rows, or runs of timers, are on their way.
    pub(super) missing: usize,
    /// Its first timer waits as well.
    pub(super) for_timer: bool,
    /// In the order in which they came.
    pub(super) commands: VecDeque<Envelope>,
}

impl Waits {
    /// A slot waits for these rows.
    pub(super) fn ask(&mut self, slot: Slot, mut rows: Vec<Missing>) -> &mut Wait {
        rows.sort_unstable();
        rows.dedup();
        self.rows_asked += rows.len();
        let wait = self.slots.entry(slot).or_default();
        wait.missing += rows.len();
        self.rows.append(&mut rows);
        wait
    }

    pub(super) fn park(&mut self, envelope: Envelope) {
        self.parked += 1;
        let wait = self.slots.entry(envelope.slot).or_default();
        wait.commands.push_back(envelope);
    }

    /// Something of a slot has come; gives what waited, if that was the last.
    pub(super) fn come(&mut self, slot: Slot) -> Option<Wait> {
        let wait = self.slots.get_mut(&slot)?;
        wait.missing -= 1;
        if wait.missing > 0 {
            return None;
        }
        let wait = self.slots.remove(&slot)?;
        self.parked -= wait.commands.len();
        Some(wait)
    }

    pub(super) fn has(&self, slot: Slot) -> bool {
        !self.slots.is_empty() && self.slots.contains_key(&slot)
    }
}

impl Partition {
    /// Whether the command with this token was taken from the inbox and has not run.
    #[cfg(feature = "testing")]
    pub(crate) fn is_waiting(&self, token: u64) -> bool {
        use crate::inbox::Errand;
        let parked = self.waits.slots.values().flat_map(|wait| &wait.commands);
        let mut waiting = parked
            .chain(self.lanes.iter())
            .map(|envelope| &envelope.work);
        waiting.any(|work| matches!(work, Errand::Call { token: own, .. } if *own == token))
    }

    /// Takes in what the base has said, and goes on with what waited for it.
    pub(super) fn take_in(&mut self, fetched: Fetched) {
        let is_stale = fetched.ended != self.thawed_for;
        for (missing, row) in fetched.rows {
            if is_stale
                && !self
                    .state
                    .tables
                    .knows(missing.table, missing.key.as_bytes())
            {
                // A checkpoint has ended meanwhile: the base may say otherwise now.
                self.waits.rows.push(missing);
                continue;
            }
            self.state.tables.fetched(&missing, row.as_deref());
            self.waits.rows_asked -= 1;
            self.go_on(missing.key.slot());
        }
        for timers in fetched.timers {
            let slot = timers.slot;
            if !is_stale {
                self.state.agenda.read(timers);
            }
            self.go_on(slot);
        }
    }

    /// Something that a slot waited for has come.
    pub(super) fn go_on(&mut self, slot: Slot) {
        let Some(wait) = self.waits.come(slot) else {
            return;
        };
        if wait.for_timer {
            self.state.agenda.look(&mut self.state.tables, slot);
        }
        for envelope in wait.commands.into_iter().rev() {
            self.lanes.put_back(envelope);
        }
    }

    /// Asks the base for what commands and timers wait for.
    pub(super) fn send_for_missing(&mut self, shared: &Shared) {
        let Waits { rows, timers, .. } = &mut self.waits;
        if rows.is_empty() && timers.is_empty() {
            return;
        }
        shared.readers.fetch(Fetch {
            partition: self.id,
            ended: self.thawed_for,
            rows: std::mem::take(rows),
            timers: std::mem::take(timers),
            is_idle: false,
        });
    }
}
