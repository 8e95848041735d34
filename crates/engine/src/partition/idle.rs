//! Idle timers: they fire in the room that a batch leaves, and nobody waits for them.
//!
//! What they need of the base is asked for behind everything else, for some of them at once; until it
//! has come none fires, and commands of their slots go on.

use super::state::State;
use super::{Later, Partition};
use crate::contract::Class;
use crate::gate::Answers;
use crate::key::{RowKey, Slot};
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_IDLE_TIMERS_MAX, IDLE_AHEAD_BATCHES_MAX, IDLE_FETCHES_MAX, TIMERS_READ,
};
use crate::reader::{Fetch, Fetched};
use crate::shared::Shared;
use crate::table::Missing;
use crate::timer::{Due, Turn};
use crate::tx::Reads;

/// What idle timers need of the base.
#[derive(Default)]
pub(super) struct IdleWaits {
    rows: Vec<Missing>,
    timers: Vec<(Slot, RowKey)>,
    /// Slots whose first idle timer waits.
    slots: Vec<Slot>,
    /// It was asked for and has not come.
    is_asked: bool,
}

impl Partition {
    /// Whether idle timers may fire: there is room that commands are not about to need.
    fn may_idle(&self, shared: &Shared) -> bool {
        let ahead = self.lsn.0 - self.durable(shared).0;
        self.idle.slots.is_empty()
            && ahead < IDLE_AHEAD_BATCHES_MAX
            && shared.refuses(Class::Opens).is_none()
    }

    /// When an idle timer may fire next.
    pub(super) fn next_idle_ms(&self, shared: &Shared) -> Option<u64> {
        let due = self.state.idle.next_ms();
        due.filter(|_| self.may_idle(shared))
    }

    /// Fires idle timers due by now, oldest first, with what room the batch has left; `true` if there
    /// are more to fire at once.
    pub(super) fn fire_idle(
        &mut self,
        now_ms: u64,
        weight: &mut usize,
        answers: &mut Answers,
        shared: &Shared,
    ) -> bool {
        #[cfg(feature = "testing")]
        if self.timers_suspended {
            return false;
        }
        if !self.may_idle(shared) {
            return false;
        }
        let mut fired = 0;
        while fired < BATCH_IDLE_TIMERS_MAX
            && *weight < BATCH_BYTES_MAX
            && self.idle.rows.len() < IDLE_FETCHES_MAX
        {
            match self.state.idle.turn(&mut self.state.tables, now_ms) {
                Turn::Fire(due) => match self.fire(&due, now_ms, *weight, answers) {
                    Ok(more) => {
                        self.count_timer(more);
                        *weight += more;
                        fired += 1;
                    }
                    Err(Later::Fetched(missing)) => self.wait_for_idle(&due, missing, now_ms),
                    Err(Later::NextRecord) => break,
                },
                Turn::Read(slot, from) => {
                    self.idle.timers.push((slot, from));
                    self.idle.slots.push(slot);
                }
                Turn::None => break,
            }
        }
        shared.metrics.timers_fired.add(fired as u64);
        fired > 0 && self.next_idle_ms(shared).is_some_and(|at| at <= now_ms)
    }

    /// What the first idle timers of a slot need is fetched.
    fn wait_for_idle(&mut self, due: &Due, missing: Vec<Missing>, now_ms: u64) {
        let State {
            tables,
            idle,
            scratch,
            ..
        } = &mut self.state;
        idle.wait(due.slot);
        self.idle.slots.push(due.slot);
        let first = self.idle.rows.len();
        let rows = &mut self.idle.rows;
        rows.extend(missing);
        for due in idle.known(tables, due.slot, now_ms, TIMERS_READ) {
            let reads = self.handlers.timer(&due).reads;
            let mut of_timer = Reads {
                slot: due.slot,
                now_ms,
                tables,
                scratch,
                missing: rows,
                splits: &self.handlers.splits,
                place: 0,
            };
            reads(&mut of_timer, due.owner());
        }
        rows[first..].sort_unstable();
        rows.dedup();
    }

    /// Asks the base for what idle timers wait for.
    pub(super) fn send_for_idle(&mut self, shared: &Shared) {
        if self.idle.is_asked || self.idle.slots.is_empty() {
            return;
        }
        self.idle.is_asked = true;
        shared.readers.fetch(Fetch {
            partition: self.id,
            ended: self.thawed_for,
            rows: std::mem::take(&mut self.idle.rows),
            timers: std::mem::take(&mut self.idle.timers),
            is_idle: true,
        });
    }

    /// Takes in what the base has said, unless a checkpoint has ended meanwhile: then it is found
    /// missing again.
    pub(super) fn take_in_idle(&mut self, fetched: Fetched) {
        let State { tables, idle, .. } = &mut self.state;
        if fetched.ended == self.thawed_for {
            for (missing, row) in fetched.rows {
                tables.fetched(&missing, row.as_deref());
            }
            for timers in fetched.timers {
                idle.read(timers);
            }
        }
        self.idle.is_asked = false;
        for slot in self.idle.slots.drain(..) {
            idle.look(tables, slot);
        }
    }
}
