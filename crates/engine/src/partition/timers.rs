//! Timers that are due.

use super::lanes::COMMAND_WORK;
use super::state::{Done, State};
use super::{Later, Partition};
use crate::dead::{DeadRow, REPLAY};
use crate::gate::Answers;
use crate::limits::{BATCH_BYTES_MAX, BATCH_TIMERS_MAX, TIMERS_READ};
use crate::running::Running;
use crate::strikes::Identity;
use crate::table::Missing;
#[cfg(feature = "testing")]
use crate::testing::Canary;
use crate::timer::{Due, Turn};
use crate::tx::Reads;

impl Partition {
    /// Fires timers due by now, oldest first, up to the bound of a batch.
    pub(super) fn fire_due(
        &mut self,
        now_ms: u64,
        weight: &mut usize,
        answers: &mut Answers,
    ) -> usize {
        #[cfg(feature = "testing")]
        if self.timers_suspended {
            return 0;
        }
        let mut fired = 0;
        while fired < BATCH_TIMERS_MAX && *weight < BATCH_BYTES_MAX {
            match self.state.agenda.turn(&mut self.state.tables, now_ms) {
                Turn::Fire(due) => match self.fire(&due, now_ms, *weight, answers) {
                    Ok(more) => {
                        self.count_timer(more);
                        *weight += more;
                        fired += 1;
                    }
                    Err(Later::Fetched(missing)) => self.wait_for_timer(&due, missing, now_ms),
                    Err(Later::NextRecord) => break,
                },
                Turn::Read(slot, from) => {
                    self.waits.timers.push((slot, from));
                    let wait = self.waits.slots.entry(slot).or_default();
                    wait.missing += 1;
                    wait.for_timer = true;
                }
                Turn::None => break,
            }
        }
        fired
    }

    /// A timer that has just fired, and written so much, is work of its domain.
    pub(super) fn count_timer(&mut self, wrote: usize) {
        let domain = self.ledger.at();
        self.ledger.wrote(domain, wrote);
        self.lanes.charge(domain, COMMAND_WORK + wrote);
    }

    pub(super) fn fire(
        &mut self,
        due: &Due,
        now_ms: u64,
        weight: usize,
        answers: &mut Answers,
    ) -> Result<usize, Later> {
        if due.timer == REPLAY.id {
            return self.replay(due, now_ms, weight, answers);
        }
        let timer = self.handlers.timer(due);
        self.work_for(self.handlers.domain_of(due.timer));
        Running::begin("a timer", due.owner().rest(), self.id, self.lsn);
        let identity = Identity::of_timer(due.key.as_bytes());
        let is_set_aside = self.handlers.sets_aside(&identity);
        Running::comes_again(identity);
        let mut tx = self.state.begin(self.id, due.slot, now_ms);
        tx.tables.remove(timer.table(), due.key.as_bytes());
        #[cfg(feature = "testing")]
        if self.broken == Some(Canary::LoseTimer) {
            let done = Done::of(tx);
            return Ok(self.commit(due.slot, done, answers));
        }
        let fired = if is_set_aside {
            tx.set_aside(DeadRow::timer(now_ms, due.timer, due.owner().rest()));
            Ok(())
        } else {
            (timer.fire)(&mut tx, due.owner())
        };
        let ran = (fired, Done::of(tx));
        self.keep(due.slot, ran, weight, answers)
    }

    /// A slot waits for what its first timer needs; what its next ones need is fetched along.
    pub(super) fn wait_for_timer(&mut self, due: &Due, missing: Vec<Missing>, now_ms: u64) {
        let State {
            tables,
            agenda,
            scratch,
            ..
        } = &mut self.state;
        agenda.wait(due.slot);
        let mut rows = missing;
        for due in agenda.known(tables, due.slot, now_ms, TIMERS_READ) {
            let reads = self.handlers.timer(&due).reads;
            let slot = due.slot;
            let missing = &mut rows;
            reads(
                &mut Reads {
                    slot,
                    now_ms,
                    tables,
                    scratch,
                    missing,
                    splits: &self.handlers.splits,
                    place: 0,
                },
                due.owner(),
            );
        }
        self.waits.ask(due.slot, rows).for_timer = true;
    }
}
