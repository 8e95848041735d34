//! What was set aside, run once more.

use super::state::Done;
use super::{Handlers, Later, OWN, Partition};
use crate::dead::{DEAD, DeadRow, DeadState, REPLAY};
use crate::gate::Answers;
use crate::key::KeyReader;
use crate::running::Running;
use crate::strikes::Identity;
use crate::table::Missing;
use crate::timer::Due;
use crate::tx::Tx;

impl Partition {
    /// Runs what was set aside, in one transaction with what becomes of it.
    pub(super) fn replay(
        &mut self,
        due: &Due,
        now_ms: u64,
        weight: usize,
        answers: &mut Answers,
    ) -> Result<usize, Later> {
        self.work_for(OWN);
        let (id, lsn) = (self.id, self.lsn);
        let number = due.owner().number().unwrap_or_default();
        let mut tx = self.state.begin(id, due.slot, now_ms);
        let dead = tx.get(&DEAD, number);
        let dead = dead.map_err(|missing| Later::Fetched(vec![missing]))?;
        tx.tables.remove(REPLAY.table(), due.key.as_bytes());
        let ran = match dead {
            Some(dead) if dead.state == DeadState::Replaying => {
                Running::begin("a replay", &dead.key, id, lsn);
                let identity = Identity::of_replay(number, dead.replays);
                let has_struck = self.handlers.sets_aside(&identity);
                Running::comes_again(identity);
                self.handlers.end_replay(&mut tx, number, dead, has_struck)
            }
            Some(_) | None => Ok(()), // There is nothing to run.
        };
        let ran = (ran, Done::of(tx));
        self.keep(due.slot, ran, weight, answers)
    }
}

impl Handlers {
    /// Runs what was set aside, unless this replay of it has stopped the process: then it waits again.
    fn end_replay(
        &self,
        tx: &mut Tx<'_>,
        number: u64,
        mut dead: DeadRow,
        has_struck: bool,
    ) -> Result<(), Missing> {
        let state = if has_struck {
            DeadState::Waiting
        } else {
            self.run_again(tx, &dead)?
        };
        dead.turn(state, tx.now_ms());
        tx.put(&DEAD, number, dead);
        Ok(())
    }

    /// Runs what was set aside as it would have run. What no structure knows waits for one that does.
    fn run_again(&self, tx: &mut Tx<'_>, dead: &DeadRow) -> Result<DeadState, Missing> {
        if dead.is_letter {
            let to = std::str::from_utf8(&dead.key).ok();
            let Some((mail, to)) = self.mails.get(&dead.kind).zip(to) else {
                return Ok(DeadState::Waiting);
            };
            (mail.take_in)(&dead.body, to, tx)?;
        } else {
            let Some(timer) = self.timers.get(&dead.kind) else {
                return Ok(DeadState::Waiting);
            };
            (timer.fire)(tx, KeyReader::new(&dead.key))?;
        }
        Ok(DeadState::Replayed)
    }
}
