//! What is asked of the engine: a command about a key that the model knows, or one of those who ask beside it.

use tidegate_engine::contract::Status;

use super::{ASKED_MAX, Asked, KEYS, Stop, Violation, World};

/// Commands about a SKU that was just sold out.
const LATECOMERS: usize = 6;

impl World {
    pub(super) fn submit(&mut self) -> Result<(), Violation> {
        let key = self.random.below(self.keys.len() as u64) as usize;
        self.submit_about(key)
    }

    fn submit_about(&mut self, key: usize) -> Result<(), Violation> {
        let mut waiting = self.asked.iter().filter(|asked| asked.done.is_none());
        let model = self.keys[key].last();
        if model.is_stream() && waiting.any(|asked| asked.key == key) {
            return Ok(());
        }
        let command = model.random_command(&mut self.random);
        self.submit_command(key, command)
    }

    fn submit_command(&mut self, key: usize, command: String) -> Result<(), Violation> {
        let token = self.engine.submit(&command);
        let token = token.expect("because the model's commands are well formed");
        self.tally.commands += 1;
        if let Some((status, answer)) = self.engine.answer(token) {
            return self.answered_at_once(key, &command, (status, answer));
        }
        self.asked.push(Asked {
            token,
            key,
            command,
            done: None,
        });
        Ok(())
    }

    /// Somebody takes all that a SKU has, and others come while the edge knows it.
    pub(super) fn sell_out(&mut self) -> Result<(), Stop> {
        let at = self.random.below(KEYS as u64) as usize;
        let (key, id) = (2 * at, self.tally.commands + 1_000);
        let left = self.keys[key].at(self.engine.now_ms()).units();
        if left > 0 && self.asked.len() < ASKED_MAX {
            self.submit_command(key, format!("STOCK.HOLD sku{at} h{id} {left} TTL 900"))?;
        }
        self.write()?;
        self.write()?;
        for _ in 0..LATECOMERS {
            if self.asked.len() < ASKED_MAX {
                self.submit_about(key)?;
            }
        }
        Ok(())
    }

    /// A command was turned away, or answered at the edge: as of some moment since the last answer before.
    fn answered_at_once(
        &mut self,
        at: usize,
        command: &str,
        (status, answer): (Status, String),
    ) -> Result<(), Violation> {
        if matches!(status, Status::Busy | Status::Unavailable) {
            self.tally.turned_away += 1;
            return Ok(());
        }
        self.tally.at_edge += 1;
        if self.keys[at].may_answer(command, &answer) {
            return Ok(());
        }
        Err(Violation(format!(
            "{command}\n  was answered at the edge {answer}"
        )))
    }

    /// A book is stored or asked for. It goes to the archive, and is dropped.
    pub(super) fn store(&mut self) {
        let (key, book) = (self.random.below(KEYS as u64), self.random.below(40));
        let command = if self.random.chance(2, 3) {
            format!("NOTE.STORE book{key} b{book} text")
        } else {
            format!("NOTE.STORED book{key} b{book}")
        };
        let token = self.engine.submit(&command);
        self.books
            .push(token.expect("because the command is well formed"));
        self.tally.commands += 1;
    }

    /// One note is shared with another: mail, and mail back.
    pub(super) fn share(&mut self) {
        let [key, with] = [(); 2].map(|()| self.random.below(KEYS as u64 * 4));
        let token = self
            .engine
            .submit(&format!("NOTE.SHARE share{key} share{with}"));
        self.shares
            .push(token.expect("because the command is well formed"));
        self.tally.commands += 1;
    }

    /// An order is placed, cancelled or asked for: mail from SKU to SKU, to a list, and back.
    pub(super) fn order(&mut self) {
        self.orders.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// Those outside who were asked answer some of it.
    pub(super) fn answer_calls(&mut self) {
        let others = self.bank.step(&mut self.engine, &mut self.random);
        self.gate.take(others);
        self.gate.step(&mut self.engine, &mut self.random);
    }

    /// A sale is announced, entered, asked about: its start and its draw come with time.
    pub(super) fn sale(&mut self) -> Result<(), Violation> {
        // In the order in which answers leave: one from the edge overtakes those that wait for the disk.
        self.collect_sales()?;
        self.sales.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
        self.collect_sales()
    }

    pub(super) fn collect_sales(&mut self) -> Result<(), Violation> {
        self.tally.sales += self.sales.collect(&self.engine).map_err(Violation)?;
        Ok(())
    }

    /// Units of a split SKU are held, sold or released: they go from shard to shard by mail.
    pub(super) fn split(&mut self) {
        self.splits.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// A message is published, read, acknowledged or given back.
    pub(super) fn message(&mut self) {
        self.topics.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// A job is added, taken, or its worker says what came of it.
    pub(super) fn job(&mut self) {
        self.jobs.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// An event is counted, or a count is asked for.
    pub(super) fn count(&mut self) {
        self.counters.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// Something is added that is pushed, or it is pushed otherwise.
    pub(super) fn push_more(&mut self) {
        self.pushes.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// Those to whom something is pushed do something about it.
    pub(super) fn receive(&mut self) -> Result<(), Violation> {
        let Self {
            pushes,
            engine,
            random,
            ..
        } = self;
        pushes.answer_some(engine, random).map_err(Violation)
    }

    /// Takes note of the shares that were answered.
    pub(super) fn collect_shares(&mut self) {
        let Self {
            shares,
            engine,
            shared,
            ..
        } = self;
        shares.retain(|token| match engine.answer(*token) {
            Some((Status::Done, _)) => {
                *shared += 1;
                false
            }
            Some(_) => false,
            None => true,
        });
    }
}
