//! Which slots somebody watches, and how often something in them has changed.
//!
//! A transaction that puts or removes rows of a slot that is watched is counted there once its record is
//! durable: after its flags went up, before an answer of its batch leaves. So whoever notes the count, asks,
//! and finds the count as it was has been answered from all that there is; and whoever has seen an answer
//! finds counted what it rests on. Of a slot that nobody watches nothing is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::key::Slot;
use crate::limits::SLOTS;
use crate::shared::Shared;

/// Of each slot, by number.
pub(crate) struct Changes(Vec<OfSlot>);

#[derive(Default)]
struct OfSlot {
    watchers: AtomicU32,
    changes: AtomicU64,
}

impl Changes {
    pub(crate) fn new() -> Self {
        let slots = std::iter::repeat_with(OfSlot::default);
        Self(slots.take(usize::from(SLOTS)).collect())
    }

    fn of(&self, slot: Slot) -> &OfSlot {
        &self.0[usize::from(slot.0)]
    }

    /// Whether somebody watches a slot. A partition that has run anything which a watcher asked for after it
    /// began to watch sees it.
    pub(crate) fn are_watched(&self, slot: Slot) -> bool {
        self.of(slot).watchers.load(Ordering::Relaxed) > 0
    }

    /// These have changed, once for each time that they are named.
    pub(crate) fn count(&self, slots: &mut Vec<Slot>) {
        for slot in slots.drain(..) {
            self.of(slot).changes.fetch_add(1, Ordering::Release);
        }
    }
}

/// Somebody's watch over a slot, until it is dropped.
pub struct Watch {
    shared: Arc<Shared>,
    slot: Slot,
}

impl Watch {
    pub(crate) fn over(slot: Slot, shared: Arc<Shared>) -> Self {
        let of = shared.changes.of(slot);
        of.watchers.fetch_add(1, Ordering::AcqRel);
        Self { shared, slot }
    }

    /// How often something in the slot has changed while it was watched.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.shared
            .changes
            .of(self.slot)
            .changes
            .load(Ordering::Acquire)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let of = self.shared.changes.of(self.slot);
        of.watchers.fetch_sub(1, Ordering::AcqRel);
    }
}
