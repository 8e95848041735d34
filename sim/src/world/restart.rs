//! The process ends, and another one starts.

use tidegate_engine::disk::FaultDisk;
use tidegate_engine::testing::{ManualClock, Stepper};

use super::{OPERATIONS_AHEAD, Violation, World, open};
use crate::tally::Fault;

impl World {
    /// What is not answered when the process ends may have been executed, or not.
    pub(super) fn doubt(&mut self) {
        let metrics = self.engine.door().metrics();
        self.tally.checkpoints += metrics.checkpoints.get();
        self.tally.fetched += metrics.rows_fetched.get();
        self.follower.break_off();
        self.collect_shares();
        self.perhaps_shared += self.shares.drain(..).count() as i64;
        self.tally.in_doubt += self.asked.len() as u64;
        self.books.clear();
        self.orders.break_off();
        self.sales.break_off();
        self.splits.break_off();
        self.topics.break_off();
        self.jobs.break_off();
        self.counters.break_off();
        self.pushes.break_off();
        self.bank.break_off();
        self.gate.break_off();
        let now_ms = self.engine.now_ms();
        for asked in self.asked.drain(..).filter(|asked| asked.done.is_none()) {
            self.keys[asked.key].apply(&asked.command, now_ms);
        }
    }

    /// The process ends here, and another one starts.
    pub(super) fn restart(&mut self, is_power_lost: bool) -> Result<(), Violation> {
        self.doubt();
        let (disk, clock) = (self.engine.disk.clone(), self.engine.clock.clone());
        if is_power_lost || disk.failed_at().is_some() {
            disk.crash(&mut self.random);
        }
        disk.calm();
        self.engine = self.start(&disk, &clock)?;
        self.check_start()
    }

    /// Starts an engine; at times the power fails again meanwhile.
    fn start(&mut self, disk: &FaultDisk, clock: &ManualClock) -> Result<Stepper, Violation> {
        loop {
            if self.random.chance(1, 3) {
                disk.fail_power_after(self.random.below(OPERATIONS_AHEAD));
            }
            let opened = open(disk, clock);
            let failed_at = disk.failed_at();
            match (opened, failed_at) {
                (Ok(engine), None) => {
                    self.tally.starts += 1;
                    return Ok(engine);
                }
                (_, Some(operation)) => {
                    self.tally.fault(Fault::PowerLossInStart(operation));
                    disk.crash(&mut self.random);
                }
                (Err(error), None) => return Err(Violation(format!("no start: {error}"))),
            }
        }
    }

    pub(super) fn check_start(&mut self) -> Result<(), Violation> {
        if let Some(canary) = self.canary {
            self.engine.break_rule(canary);
        }
        self.engine.disk.calm();
        self.engine.settle();
        self.check_all()
    }
}
