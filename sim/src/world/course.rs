//! The engine's course: commands run, groups are written, checkpoints go on, and answers leave.

use tidegate_engine::Did;
use tidegate_engine::disk::Operation;

use super::{ASKED_MAX, Stop, Violation, World};
use crate::tally::Fault;

/// Rounds after which what waits must have run.
const ROUNDS_MAX: u64 = 1_000;

/// Most steps of the checkpointer at once: one takes in a table.
const CHECKPOINT_STEPS: u64 = 16;

/// Most steps while the base is slow.
const LATE_STEPS: u64 = 60;

impl World {
    /// Runs everything that waits, at the present moment. What was not written yet stays so, unless
    /// something has to be promised first.
    pub(super) fn execute(&mut self) -> Result<(), Stop> {
        self.model_executed(true);
        for _ in 0..ROUNDS_MAX {
            if self.engine.execute() {
                continue;
            }
            let mut tokens = self.asked.iter().map(|asked| asked.token);
            if self.engine.is_taken_in() && !tokens.any(|token| self.engine.is_waiting(token)) {
                return Ok(self.collect()?);
            }
            self.write_group()?;
        }
        Err(Violation("commands wait, and nothing happens".to_owned()).into())
    }

    /// The base is slow: what is read comes late and in any order, and meanwhile time passes, commands
    /// come, groups are written and checkpoints go on.
    pub(super) fn be_late(&mut self) -> Result<(), Stop> {
        for _ in 0..self.random.below(LATE_STEPS) {
            match self.random.below(20) {
                0..4 if self.asked.len() < ASKED_MAX => self.submit()?,
                0..8 => self.execute_without_base()?,
                8..12 => drop(self.engine.read_one()),
                12..14 => self.bring(),
                14 => self.engine.ask_checkpoint(),
                15..18 => self.checkpoint()?,
                18 => self.write_group()?,
                _ => {
                    self.execute_without_base()?;
                    self.engine.clock.advance_ms(self.random.below(1_500));
                }
            }
        }
        self.execute()
    }

    fn bring(&mut self) {
        let late = self.engine.late() as u64;
        if late > 0 {
            let at = self.random.below(late) as usize;
            self.tally.fault(if self.engine.bring(at) {
                Fault::LateBehindCheckpoint
            } else {
                Fault::LateRead
            });
        }
    }

    /// Runs what needs nothing of the base, at the present moment.
    fn execute_without_base(&mut self) -> Result<(), Stop> {
        for _ in 0..ROUNDS_MAX {
            if self.engine.execute_without_base() {
                continue;
            }
            if self.engine.is_taken_in() {
                self.model_executed(false);
                return Ok(());
            }
            self.write_group()?;
        }
        Err(Violation("commands wait, and nothing happens".to_owned()).into())
    }

    /// The model does what was executed at this moment: all that was asked for, or all but what has to
    /// wait.
    fn model_executed(&mut self, is_all: bool) {
        let now_ms = self.engine.now_ms();
        let open = self.asked.iter_mut().filter(|asked| asked.done.is_none());
        for asked in open {
            if is_all || !self.engine.is_waiting(asked.token) {
                let (answer, state) = self.keys[asked.key].apply(&asked.command, now_ms);
                asked.done = Some((answer, state, now_ms));
            }
        }
    }

    /// Writes what was executed, and lets out what rested on it.
    pub(super) fn write(&mut self) -> Result<(), Stop> {
        self.write_group()?;
        self.execute()
    }

    pub(super) fn write_group(&mut self) -> Result<(), Stop> {
        let wrote = self.engine.write();
        if matches!(wrote, Ok(Did::Wrote | Did::Nothing)) {
            self.counters.written();
        }
        self.survived(wrote, Fault::PowerLossAt)
    }

    pub(super) fn seal(&mut self) -> Result<(), Stop> {
        let sealed = self.engine.seal();
        self.survived(sealed, Fault::PowerLossAt)
    }

    /// Steps the checkpointer, some of the way.
    pub(super) fn checkpoint(&mut self) -> Result<(), Stop> {
        for _ in 0..self.random.below(CHECKPOINT_STEPS) {
            let stepped = self.engine.checkpoint_step();
            self.survived(stepped, Fault::PowerLossInCheckpoint)?;
        }
        Ok(())
    }

    /// Takes note of what the disk failed of, if it did: the process ends then.
    fn survived<T, E>(
        &mut self,
        done: Result<T, E>,
        power_lost: impl Fn(Operation) -> Fault,
    ) -> Result<(), Stop> {
        if done.is_ok() {
            return Ok(());
        }
        let failed_at = self.engine.disk.failed_at();
        self.tally
            .fault(failed_at.map_or(Fault::SyncFails, power_lost));
        Err(Stop::Crashed)
    }

    /// Compares the answers that have left.
    pub(super) fn collect(&mut self) -> Result<(), Violation> {
        self.follower.follow(&self.engine).map_err(Violation)?;
        self.collect_shares();
        self.tally.orders += self.orders.collect(&self.engine).map_err(Violation)?;
        self.collect_sales()?;
        self.sales.check_let_in(&self.gate).map_err(Violation)?;
        self.tally.bought = self.sales.bought();
        self.tally.splits += self.splits.collect(&self.engine);
        self.tally.messages += self.topics.collect(&self.engine).map_err(Violation)?;
        self.tally.jobs += self.jobs.collect(&self.engine).map_err(Violation)?;
        self.tally.counted += self.counters.collect(&self.engine).map_err(Violation)?;
        self.tally.pushed += self.pushes.collect(&self.engine).map_err(Violation)?;
        self.pushes.go_on(&self.engine).map_err(Violation)?;
        let Self { books, engine, .. } = self;
        books.retain(|token| engine.answer(*token).is_none());
        self.take_back_refused();
        let mut open = Vec::new();
        for asked in std::mem::take(&mut self.asked) {
            let (Some((_, answer)), Some((expected, state, now_ms))) =
                (self.engine.answer(asked.token), &asked.done)
            else {
                open.push(asked);
                continue;
            };
            if !self.keys[asked.key].last().is_told(expected, &answer) {
                return Err(Violation(format!(
                    "{}\n  answered {answer}\n  expected {expected}",
                    asked.command
                )));
            }
            self.tally.answers += 1;
            self.tally.streams += u64::from(self.keys[asked.key].last().is_stream());
            self.answered_ms = self.answered_ms.max(*now_ms);
            self.keys[asked.key].keep_from(*state);
        }
        self.asked = open;
        Ok(())
    }

    /// What a full disk has turned away was not done, and what came after it was done without it.
    fn take_back_refused(&mut self) {
        let is_refused = |token| {
            let answer = self.engine.answer(token);
            answer.is_some_and(|(_, answer)| answer == "disk_full")
        };
        let tokens = self.asked.iter().map(|asked| asked.token);
        let refused: Vec<_> = tokens.filter(|token| is_refused(*token)).collect();
        for token in refused {
            let mut asked = self.asked.iter();
            let Some(at) = asked.position(|asked| asked.token == token) else {
                continue;
            };
            let (key, done) = (self.asked[at].key, &self.asked[at].done);
            let Some(number) = done.as_ref().map(|(_, number, _)| *number) else {
                continue;
            };
            let Some(answers) = self.keys[key].take_back(number) else {
                continue;
            };
            self.asked.remove(at);
            self.tally.turned_away += 1;
            for other in self.asked.iter_mut().filter(|other| other.key == key) {
                if let Some((expected, state, _)) = &mut other.done
                    && *state > number
                {
                    expected.clone_from(&answers[(*state - number - 1) as usize]);
                    *state -= 1;
                }
            }
        }
    }
}
