//! One run: random commands, time and faults against an engine, from a seed.

use std::sync::{Arc, LazyLock};

use tidegate_counter::COUNTER;
use tidegate_engine::base::{Base, PlainBase};
use tidegate_engine::contract::{Audit, Domain, Status};
use tidegate_engine::disk::{Disk, FaultDisk, Operation};
use tidegate_engine::testing::{Canary, ManualClock, Stepper, TOY, keeping};
use tidegate_engine::{Did, OpenError, Random, Retention, Space, tables_of};
use tidegate_job::JOB;
use tidegate_order::ORDER;
use tidegate_sale::SALE;
use tidegate_stock::STOCK;
use tidegate_stock::testing::Oracle;
use tidegate_topic::{STREAM, TOPIC};

use crate::bank::{self, Bank};
use crate::counters::Counters;
use crate::follower::Follower;
use crate::gate::Gate;
use crate::history::History;
use crate::jobs::Jobs;
use crate::model::{Model, Note, Stream};
use crate::orders::Orders;
use crate::sales::Sales;
use crate::splits::Splits;
use crate::tally::{Fault, Tally};
use crate::topics::Topics;

/// Holds leave for the archive while a run goes on, and none is dropped: the model does not know when
/// it has left. What is dropped is the toy's.
const RETENTION: Retention = Retention {
    after_ms: 2_000,
    slice_ms: 3_600_000,
    keep_ms: 80 * 3_600_000,
};

static DOMAINS: LazyLock<[Domain; 8]> = LazyLock::new(|| {
    [
        keeping(STOCK, RETENTION),
        ORDER,
        SALE,
        TOPIC,
        STREAM,
        JOB,
        COUNTER,
        TOY,
    ]
});

/// So little that segments are filled, and disks too.
const SPACE: Space = Space {
    segment: 16 * 1024,
    reserve: 11 * 1024,
    ahead: 9 * 1024,
};

/// Keys of each domain: few, so that commands meet.
const KEYS: usize = 3;

/// Units of a SKU: few enough that some come too late.
const UNITS: i64 = 20;

/// Steps of a run.
const STEPS: u64 = 1_500;

/// Steps after one of which all laws are checked, on average.
const AUDIT_EVERY: u64 = 150;

/// Commands on a full disk.
const FULL_COMMANDS: u64 = 40;

/// Of so many bits that flip one is of the last seal.
const SEAL_EVERY: u64 = 8;

/// Commands of a rush: what they write does not fit in a segment.
const RUSH_COMMANDS: u64 = 150;

/// Commands that may be under way: what they write fits in a segment.
const ASKED_MAX: usize = 10;

/// Commands about a SKU that was just sold out.
const LATECOMERS: usize = 6;

/// Commands that send mail that may be under way.
const SHARES_MAX: usize = 2;

/// Books that may be on their way to where they are stored.
const BOOKS_MAX: usize = 2;

/// Rounds after which what waits must have run.
const ROUNDS_MAX: u64 = 1_000;

/// Most steps of the checkpointer at once: one takes in a table.
const CHECKPOINT_STEPS: u64 = 16;

/// Most steps while the base is slow.
const LATE_STEPS: u64 = 60;

/// Operations of the disk within which the power fails, if it is to fail.
const OPERATIONS_AHEAD: u64 = 12;

/// Operations at which the power would hardly ever fail if it failed at any.
const RARE_OPERATIONS: [Operation; 4] = [
    Operation::Create,
    Operation::Rename,
    Operation::Remove,
    Operation::SyncFolder,
];

/// What a run has shown.
pub struct Ran {
    /// What was done.
    pub tally: Tally,
    /// A hash over the disk at the end: the same for the same seed.
    pub digest: u64,
}

/// A rule that did not hold.
#[derive(Debug)]
pub struct Violation(String);

impl std::fmt::Display for Violation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// A command that was submitted and not answered yet.
struct Asked {
    token: u64,
    key: usize,
    command: String,
    /// The answer expected, the state behind it, and the time, once it was executed.
    done: Option<(String, u64, u64)>,
}

/// Why a step did not come to its end.
enum Stop {
    /// An injected fault ended the process.
    Crashed,
    Broken(Violation),
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Broken(violation)
    }
}

struct World {
    random: Random,
    engine: Stepper,
    canary: Option<Canary>,
    keys: Vec<History>,
    asked: Vec<Asked>,
    /// Commands that send mail, not answered yet; how many were, and how many may have been done.
    shares: Vec<u64>,
    shared: i64,
    perhaps_shared: i64,
    /// Books that were stored and not answered yet: what becomes of them is for the audit to say.
    books: Vec<u64>,
    orders: Orders,
    sales: Sales,
    splits: Splits,
    topics: Topics,
    jobs: Jobs,
    counters: Counters,
    bank: Bank,
    gate: Gate,
    /// The latest engine time that an answer rests on.
    answered_ms: u64,
    follower: Follower,
    tally: Tally,
}

/// Runs one seed, with a rule broken if told so.
///
/// # Errors
/// The first rule that did not hold.
pub fn run(seed: u64, canary: Option<Canary>) -> Result<Ran, Violation> {
    let mut world = World::new(seed, canary);
    for step in 0..STEPS {
        let stepped = world.step();
        let stepped = match stepped {
            Err(Stop::Crashed) => world.restart(true),
            Err(Stop::Broken(violation)) => Err(violation),
            Ok(()) => Ok(()),
        };
        stepped
            .map_err(|Violation(what)| Violation(format!("seed {seed}, step {step}: {what}")))?;
    }
    world
        .finish()
        .map_err(|Violation(what)| Violation(format!("seed {seed}, at the end: {what}")))?;
    Ok(Ran {
        tally: world.tally,
        digest: world.engine.disk.digest(),
    })
}

fn open(disk: &FaultDisk, clock: &ManualClock) -> Result<Stepper, OpenError> {
    let base = PlainBase::open(Arc::new(disk.clone()), &tables_of(&*DOMAINS))?;
    let told = (Arc::new(base) as Arc<dyn Base>, bank::settings());
    Stepper::open_told(&*DOMAINS, disk, clock, (SPACE, false), told)
}

impl World {
    fn new(seed: u64, canary: Option<Canary>) -> Self {
        let (disk, clock) = (FaultDisk::default(), ManualClock::default());
        let mut engine = open(&disk, &clock).expect("because an empty disk opens");
        let mut keys = Vec::new();
        for at in 0..KEYS {
            let (sku, note) = (format!("sku{at}"), format!("note{at}"));
            engine.call(&format!("STOCK.SET {sku} {UNITS}"));
            keys.push(History::new(Model::Sku(Oracle::new(&sku, UNITS))));
            keys.push(History::new(Model::Note(Note::new(&note))));
        }
        // The oracle has one name for it.
        engine.call("TOPIC.CREATE s");
        keys.push(History::new(Model::Stream(Stream::new(seed))));
        Orders::declare(&mut engine);
        Sales::declare(&mut engine);
        Splits::declare(&mut engine);
        Topics::declare(&mut engine, seed);
        Jobs::declare(&mut engine, seed);
        Counters::declare(&mut engine);
        if let Some(canary) = canary {
            engine.break_rule(canary);
        }
        Self {
            random: Random::new(seed),
            engine,
            canary,
            keys,
            asked: Vec::new(),
            shares: Vec::new(),
            shared: 0,
            perhaps_shared: 0,
            books: Vec::new(),
            orders: Orders::default(),
            sales: Sales::default(),
            splits: Splits::default(),
            topics: Topics::default(),
            jobs: Jobs::default(),
            counters: Counters::default(),
            bank: Bank::default(),
            gate: Gate::default(),
            answered_ms: 0,
            follower: Follower::default(),
            tally: Tally::default(),
        }
    }

    fn step(&mut self) -> Result<(), Stop> {
        match self.random.below(1_000) {
            0..30 if self.shares.len() < SHARES_MAX => self.share(),
            30..50 if self.books.len() < BOOKS_MAX => self.store(),
            50..110 if self.orders.may_ask() => self.order(),
            110..150 => self.answer_calls(),
            150..240 if self.sales.may_ask() => self.sale(),
            240..310 if self.splits.may_ask() => self.split(),
            310..360 if self.topics.may_ask() => self.message(),
            360..410 if self.jobs.may_ask() => self.job(),
            410..460 if self.counters.may_ask() => self.count(),
            30..520 if self.asked.len() < ASKED_MAX => self.submit()?,
            0..520 => self.write()?,
            520..720 => self.execute()?,
            720..860 => self.write()?,
            860..870 => self.engine.ask_checkpoint(),
            870..875 => self.engine.tend(),
            875..910 => self.checkpoint()?,
            910..930 => self.seal()?,
            930..972 => {
                self.execute()?;
                self.engine.clock.advance_ms(self.random.below(1_500));
            }
            972..978 => self.be_late()?,
            978..981 => self.step_wall(),
            981..984 => self.fill_disk()?,
            984..986 => {
                let operations = self.random.below(OPERATIONS_AHEAD);
                self.engine.disk.fail_power_after(operations);
            }
            986..987 => self.rush()?,
            987..988 => self.engine.disk.fail_syncs(true),
            988..989 => {
                self.tally.fault(Fault::Kill);
                self.restart(false)?;
            }
            989..990 => self.flip_bit()?,
            990..992 => {
                self.tally.fault(Fault::PowerLoss);
                self.restart(true)?;
            }
            992..995 => self.sell_out()?,
            _ => self.submit()?,
        }
        if self.random.chance(1, AUDIT_EVERY) {
            self.audit()?;
        }
        Ok(())
    }

    /// Laws hold while letters are under way, too: whoever holds units has an owner, or mail is on its way.
    fn audit(&mut self) -> Result<(), Violation> {
        self.tally.audits += 1;
        let audit = self.engine.audit();
        if audit.faults.is_empty() {
            return Ok(());
        }
        Err(Violation(format!(
            "laws broken on the way: {:?}",
            audit.faults
        )))
    }

    fn submit(&mut self) -> Result<(), Violation> {
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
    fn sell_out(&mut self) -> Result<(), Stop> {
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
    fn store(&mut self) {
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
    fn share(&mut self) {
        let [key, with] = [(); 2].map(|()| self.random.below(KEYS as u64 * 4));
        let token = self
            .engine
            .submit(&format!("NOTE.SHARE share{key} share{with}"));
        self.shares
            .push(token.expect("because the command is well formed"));
        self.tally.commands += 1;
    }

    /// An order is placed, cancelled or asked for: mail from SKU to SKU, to a list, and back.
    fn order(&mut self) {
        self.orders.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// Those outside who were asked answer some of it.
    fn answer_calls(&mut self) {
        let others = self.bank.step(&mut self.engine, &mut self.random);
        self.gate.take(others);
        self.gate.step(&mut self.engine, &mut self.random);
    }

    /// A sale is announced, entered, asked about: its start and its draw come with time.
    fn sale(&mut self) {
        self.sales.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// Units of a split SKU are held, sold or released: they go from shard to shard by mail.
    fn split(&mut self) {
        self.splits.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// A message is published, read, acknowledged or given back.
    fn message(&mut self) {
        self.topics.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// A job is added, taken, or its worker says what came of it.
    fn job(&mut self) {
        self.jobs.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// An event is counted, or a count is asked for.
    fn count(&mut self) {
        self.counters.ask(&mut self.engine, &mut self.random);
        self.tally.commands += 1;
    }

    /// Takes note of the shares that were answered.
    fn collect_shares(&mut self) {
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

    /// Runs everything that waits, at the present moment. What was not written yet stays so, unless
    /// something has to be promised first.
    fn execute(&mut self) -> Result<(), Stop> {
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
    fn be_late(&mut self) -> Result<(), Stop> {
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
    fn write(&mut self) -> Result<(), Stop> {
        self.write_group()?;
        self.execute()
    }

    fn write_group(&mut self) -> Result<(), Stop> {
        let wrote = self.engine.write();
        if matches!(wrote, Ok(Did::Wrote | Did::Nothing)) {
            self.counters.written();
        }
        self.survived(wrote, Fault::PowerLossAt)
    }

    fn seal(&mut self) -> Result<(), Stop> {
        let sealed = self.engine.seal();
        self.survived(sealed, Fault::PowerLossAt)
    }

    /// Steps the checkpointer, some of the way.
    fn checkpoint(&mut self) -> Result<(), Stop> {
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
    fn collect(&mut self) -> Result<(), Violation> {
        self.follower.follow(&self.engine).map_err(Violation)?;
        self.collect_shares();
        self.tally.orders += self.orders.collect(&self.engine).map_err(Violation)?;
        self.tally.sales += self.sales.collect(&self.engine).map_err(Violation)?;
        self.sales.check_let_in(&self.gate).map_err(Violation)?;
        self.tally.bought = self.sales.bought();
        self.tally.splits += self.splits.collect(&self.engine);
        self.tally.messages += self.topics.collect(&self.engine).map_err(Violation)?;
        self.tally.jobs += self.jobs.collect(&self.engine).map_err(Violation)?;
        self.tally.counted += self.counters.collect(&self.engine).map_err(Violation)?;
        let Self { books, engine, .. } = self;
        books.retain(|token| engine.answer(*token).is_none());
        let mut open = Vec::new();
        for asked in std::mem::take(&mut self.asked) {
            let (Some((_, answer)), Some((expected, state, now_ms))) =
                (self.engine.answer(asked.token), &asked.done)
            else {
                open.push(asked);
                continue;
            };
            if answer == "disk_full" && self.keys[asked.key].take_back(*state) {
                self.tally.turned_away += 1;
                continue;
            }
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

    fn step_wall(&mut self) {
        let hour = 3_600_000;
        let wall_ms = self.engine.now_ms();
        let (fault, wall_ms) = if self.random.chance(1, 2) {
            (Fault::WallBack, wall_ms - hour)
        } else {
            (Fault::WallAhead, wall_ms + hour)
        };
        self.tally.fault(fault);
        self.engine.clock.set_wall_ms(wall_ms);
    }

    /// So many commands that the log goes on into further segments, and the power fails at something
    /// that this takes.
    fn rush(&mut self) -> Result<(), Stop> {
        let rare = RARE_OPERATIONS[self.random.below(RARE_OPERATIONS.len() as u64) as usize];
        self.engine.disk.fail_power_at(rare, self.random.below(2));
        for _ in 0..RUSH_COMMANDS {
            self.submit()?;
            self.write()?;
            self.write()?;
        }
        Ok(())
    }

    /// One command after the other while the disk takes nothing more; then there is room again.
    fn fill_disk(&mut self) -> Result<(), Stop> {
        self.write()?;
        self.tally.fault(Fault::DiskFull);
        self.engine.disk.limit_bytes(Some(0));
        for _ in 0..FULL_COMMANDS {
            self.submit()?;
            self.write()?;
            self.write()?;
            if !self.asked.is_empty() {
                break; // The log is stuck: answers come when there is room.
            }
        }
        self.engine.disk.limit_bytes(None);
        self.write()?;
        self.write()
    }

    /// A bit of a sealed log, or of what checkpoints have written, flips: a start names it and goes no
    /// further, unless it was of the last seal, or of a file that counts no more.
    fn flip_bit(&mut self) -> Result<(), Stop> {
        self.write()?;
        self.seal()?;
        let (disk, clock) = (self.engine.disk.clone(), self.engine.clock.clone());
        disk.calm();
        let kind = ["log-", "base", "checkpoint"][self.random.below(3) as usize];
        let place = if self.random.chance(1, SEAL_EVERY) {
            last_byte(&disk)
        } else {
            disk.some_byte(kind, &mut self.random)
        };
        let Some((name, at)) = place else {
            return Ok(());
        };
        let bit = self.random.below(8) as u8;
        disk.flip_bit(&name, at, bit);
        match open(&disk, &clock) {
            Ok(engine) => {
                self.tally.fault(Fault::BitFlipHarmless);
                self.doubt();
                self.engine = engine;
                Ok(self.check_start()?)
            }
            Err(_) => {
                self.tally.fault(Fault::BitFlipNoticed);
                disk.flip_bit(&name, at, bit);
                Ok(self.restart(false)?)
            }
        }
    }

    /// What is not answered when the process ends may have been executed, or not.
    fn doubt(&mut self) {
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
        self.bank.break_off();
        self.gate.break_off();
        let now_ms = self.engine.now_ms();
        for asked in self.asked.drain(..).filter(|asked| asked.done.is_none()) {
            self.keys[asked.key].apply(&asked.command, now_ms);
        }
    }

    /// The process ends here, and another one starts.
    fn restart(&mut self, is_power_lost: bool) -> Result<(), Violation> {
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

    fn check_start(&mut self) -> Result<(), Violation> {
        if let Some(canary) = self.canary {
            self.engine.break_rule(canary);
        }
        self.engine.disk.calm();
        self.engine.settle();
        self.check_all()
    }

    /// Everything acknowledged is there, and nothing that nobody asked for.
    fn check_all(&mut self) -> Result<(), Violation> {
        self.follower.check(&mut self.engine).map_err(Violation)?;
        self.tally.events += std::mem::take(&mut self.follower.count);
        let Self { engine, keys, .. } = self;
        let now_ms = engine.now_ms();
        if now_ms < self.answered_ms {
            let what = format!("time ran back from {} to {now_ms}", self.answered_ms);
            return Err(Violation(what));
        }
        for key in keys {
            if !key.settle(now_ms, |question| engine.call(question)) {
                let lines = key
                    .at(now_ms)
                    .questions()
                    .into_iter()
                    .map(|(question, expected)| {
                        let answer = engine.call(&question);
                        format!(
                            "\n  {question}\n  answered {answer}\n  the last state says {expected}"
                        )
                    });
                let lines: String = lines.collect();
                return Err(Violation(format!(
                    "no state that may have survived answers as the engine does{lines}"
                )));
            }
        }
        let audit = engine.audit();
        if !audit.faults.is_empty() {
            return Err(Violation(format!("laws broken: {:?}", audit.faults)));
        }
        self.check_mail(&audit)?;
        self.orders.check(&mut self.engine).map_err(Violation)?;
        self.sales.check(&mut self.engine).map_err(Violation)?;
        self.splits.check().map_err(Violation)?;
        self.topics.check(&mut self.engine).map_err(Violation)?;
        self.jobs.check(&mut self.engine).map_err(Violation)?;
        self.counters.check(&mut self.engine).map_err(Violation)
    }

    /// Nothing is on its way: every letter was taken in once, and answered once.
    fn check_mail(&mut self, audit: &Audit) -> Result<(), Violation> {
        let figure = |name: &str| {
            let figure = audit.figures.iter().find(|figure| figure.name == name);
            figure.map_or(0, |figure| figure.value)
        };
        let [sent, received, thanked] = ["note.sent", "note.received", "note.thanked"].map(figure);
        let expected = self.shared..=self.shared + self.perhaps_shared;
        if expected.contains(&sent) && received == sent && thanked == sent {
            return Ok(());
        }
        Err(Violation(format!(
            "{sent} letters sent ({expected:?} were asked for), {received} taken in, {thanked} \
             answered"
        )))
    }

    /// Everything that waits is answered, and the books balance.
    fn finish(&mut self) -> Result<(), Violation> {
        self.engine.disk.calm();
        // A sync that failed beside the log is told by its next write.
        match self.execute().and_then(|()| self.write()) {
            Ok(()) => {}
            Err(Stop::Crashed) => return self.restart(true),
            Err(Stop::Broken(violation)) => return Err(violation),
        }
        self.engine.settle();
        self.collect()?;
        if let Some(asked) = self.asked.first() {
            return Err(Violation(format!("{} was never answered", asked.command)));
        }
        self.check_all()?;
        let Self {
            bank,
            gate,
            engine,
            random,
            tally,
            topics,
            jobs,
            ..
        } = self;
        tally.calls += bank.asked;
        tally.checks += gate.asked;
        bank.drain(engine, random).map_err(Violation)?;
        bank.check(engine).map_err(Violation)?;
        topics.drain(engine).map_err(Violation)?;
        jobs.drain(engine).map_err(Violation)?;
        self.audit()
    }
}

/// The last byte of the log that is not zero: the name of its file and where.
fn last_byte(disk: &FaultDisk) -> Option<(String, usize)> {
    let names = disk.list().ok()?.into_iter();
    let logs = names.filter(|name| name.starts_with("log-"));
    let ends = logs.filter_map(|name| {
        let file = disk.open(&name).ok()?;
        let mut bytes = vec![0; usize::try_from(file.size().ok()?).ok()?];
        file.read_at(0, &mut bytes).ok()?;
        let at = bytes.iter().rposition(|byte| *byte != 0)?;
        Some((name, at))
    });
    ends.max()
}
