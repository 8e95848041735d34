//! One run: random commands, time and faults against an engine, from a seed.

mod ask;
mod check;
mod course;
mod faults;
mod restart;

use std::sync::{Arc, LazyLock};

use tidegate_counter::COUNTER;
use tidegate_engine::base::{Base, PlainBase};
use tidegate_engine::contract::Domain;
use tidegate_engine::disk::FaultDisk;
use tidegate_engine::testing::{Canary, ManualClock, Stepper, TOY, keeping};
use tidegate_engine::{OpenError, Random, Retention, Space, tables_of};
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
use crate::pushes::{self, Pushes};
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

/// Commands that may be under way: what they write fits in a segment.
const ASKED_MAX: usize = 10;

/// Commands that send mail that may be under way.
const SHARES_MAX: usize = 2;

/// Books that may be on their way to where they are stored.
const BOOKS_MAX: usize = 2;

/// Operations of the disk within which the power fails, if it is to fail.
const OPERATIONS_AHEAD: u64 = 12;

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
    pushes: Pushes,
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
    let told = (
        Arc::new(base) as Arc<dyn Base>,
        bank::settings().with(pushes::receivers()),
    );
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
        Pushes::declare(&mut engine, seed);
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
            pushes: Pushes::default(),
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
            150..240 if self.sales.may_ask() => self.sale()?,
            240..310 if self.splits.may_ask() => self.split(),
            310..360 if self.topics.may_ask() => self.message(),
            360..410 if self.jobs.may_ask() => self.job(),
            410..480 if self.counters.may_ask() => self.count(),
            480..505 if self.pushes.may_ask() => self.push_more(),
            505..535 => self.receive()?,
            30..570 if self.asked.len() < ASKED_MAX => self.submit()?,
            0..570 => self.write()?,
            570..740 => self.execute()?,
            740..860 => self.write()?,
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
}
