//! Events whose time is over, or of which there are too many.

use super::{Partition, in_slots, number_of};
use crate::base::BaseError;
use crate::contract::EventDef;
use crate::event::{Dropped, EVENTS, FLOORS, FloorRow, Floors, Place, Windows};
use crate::ids;
use crate::inbox::Envelope;
use crate::key::{Slot, write_key};
use crate::limits::{BATCH_BYTES_MAX, EVENTS_DROPPED_MAX};
use crate::shared::Shared;
use crate::tables::Snapshot;

/// The windows of a partition, as a start finds them.
pub(super) fn windows(
    rows: &Snapshot,
    slots: &[Slot],
    defs: &[EventDef],
) -> Result<Windows, BaseError> {
    let mut floors = Floors::default();
    for row in in_slots(rows, &FLOORS, slots) {
        floors.raise_to(&row);
    }
    let mut windows = Windows::new(defs, floors);
    for (key, event) in in_slots(rows, &EVENTS, slots) {
        windows.found(&event.domain, &event.name, number_of(&key), key.slot());
    }
    windows.complete();
    rows.failure().map_or(Ok(windows), Err)
}

impl Partition {
    /// Drops events whose time is over by now, or of which there are too many: as many as the batch
    /// has emitted, and some more if it has room for them.
    pub(super) fn drop_old_events(&mut self, now_ms: u64, weight: usize) {
        let emitted = self.state.events.take_noted();
        let has_room = weight < BATCH_BYTES_MAX / 2;
        let most = emitted + if has_room { EVENTS_DROPPED_MAX } else { 0 };
        for _ in 0..most {
            let Some(dropped) = self.state.events.drop_next(now_ms) else {
                return;
            };
            self.drop_event(&dropped);
        }
    }

    fn drop_event(&mut self, dropped: &Dropped) {
        let Dropped {
            domain,
            name,
            at: Place { number, slot },
        } = dropped;
        let scratch = &mut self.state.scratch;
        write_key(scratch, *slot, number);
        self.state.tables.remove(&EVENTS, scratch);
        write_key(scratch, *slot, &(domain.as_str(), name.as_str()));
        let row = FloorRow { number: *number };
        self.state.tables.put(&FLOORS, scratch, &row);
        self.state.tables.commit();
    }

    /// Notes up to which event the partition has come, for whoever asked.
    pub(super) fn mark(&self, envelope: &Envelope) {
        if let Some(marks) = &envelope.marks {
            marks.set(self.id, self.state.minter.last(self.id));
        }
    }

    /// Hands on events that have left the gate, and says before which number none will any more.
    pub(super) fn tell_events(&mut self, shared: &Shared) {
        let streams = &shared.streams;
        let events = &mut self.others.events;
        if !streams.is_watched() {
            return events.clear();
        }
        if events.is_empty() && !streams.waits_for(self.id) {
            return;
        }
        let up_to = match self.gate.first_event() {
            Some(event) => event.cursor(),
            None => ids::first_of(shared.clock.passed_ms()),
        };
        if streams.tell(self.id, events, up_to) {
            shared.wake_all();
        }
    }

    /// Whether somebody waits for it to be later here.
    pub(crate) fn waits_for_time(&self, shared: &Shared) -> bool {
        let streams = &shared.streams;
        let is_awaited = streams.is_watched() && streams.waits_for(self.id);
        is_awaited && self.gate.first_event().is_none()
    }
}
