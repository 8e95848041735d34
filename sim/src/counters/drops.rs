//! A counter that is dropped and declared again under its name while events come: nothing of the one before is seen in the
//! next one, and the next one has what was sent to it, each event once.
//!
//! The ids of events are the same each time. An event that was under way when the counter was dropped, or sent before it
//! was there again, may be of either; it is sent again to the next one, as whoever has sent it would.

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;

use super::{check_within, count_of, total_of, totals};
use crate::sales::word;
use crate::topics::{first_number, items};

const NAME: &str = "round";

/// Ids of events: each says what its event is.
const IDS: u64 = 30;

/// Keys, values of the dimension that events have, and those whom they are by.
const KEYS: u64 = 3;
const VALUES: u64 = 2;
const PEOPLE: u64 = 7;

/// The widest level, and how long it is kept, in milliseconds.
const LEVEL_MS: (u64, u64) = (600_000, 3 * 24 * 3_600_000);

/// Commands that may be under way.
const ASKED_MAX: usize = 3;

/// Of so many commands one drops the counter.
const DROP_EVERY: u64 = 12;

/// Seconds within which a dropped counter has gone.
const ROUNDS_MAX: u64 = 200;

/// What is known of an event in the present counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It may have been counted.
    InDoubt,
    Counted,
}

/// How it stands with the counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Declared,
    /// Somebody has asked for it to be dropped.
    Dropping,
    /// It was dropped, and is declared again as soon as its name is free.
    Dropped,
}

#[derive(Clone, Copy, Debug)]
enum About {
    /// An event, and whether nothing can have brought it to this counter before.
    Event(u64, bool),
    /// What a key has, of which at least so much was counted.
    Get(u64, u64),
    Fact,
    Drop,
    Create,
}

struct Asked {
    token: u64,
    about: About,
    /// The counter to which it was sent.
    generation: u64,
}

#[derive(Default)]
pub(super) struct Drops {
    phase: Phase,
    /// Which counter of this name it is.
    generation: u64,
    fates: BTreeMap<u64, Fate>,
    asked: Vec<Asked>,
}

fn declared() -> String {
    format!(
        "COUNTER.CREATE {NAME} SHARDS 3 TOP 2 BUCKETS 1s:20s,10s:2m,10m:3d LATE_MS 1m DEDUPE_MS 2d DIMS d,f FACTS f \
         UNIQUE yes WAIT_MS 0"
    )
}

fn amount_of(id: u64) -> u64 {
    1 + id % 5
}

fn command_to_add(id: u64) -> String {
    let (key, value, by) = (id % KEYS, id % VALUES, id % PEOPLE);
    let amount = amount_of(id);
    format!("COUNTER.ADD {NAME} e{id} k{key} AMOUNT {amount} BY p{by} DIMS d=x{value}")
}

impl Drops {
    pub(super) fn declare(engine: &mut Stepper) {
        engine.call(&declared().replace("WAIT_MS 0", "WAIT_MS 5000"));
    }

    /// How often the counter was dropped and declared again.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn may_ask(&self) -> bool {
        self.asked.len() < ASKED_MAX
    }

    pub(super) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
        let (about, command) = match (self.phase, random.below(DROP_EVERY)) {
            (Phase::Declared, 0) => self.drop_it(),
            (Phase::Dropping, 0..4) if !self.asks_for_it() => self.drop_it(),
            (Phase::Dropped, 0..6) if !self.asks_for_it() => (About::Create, declared()),
            (Phase::Declared, 1..3) => {
                let key = random.below(KEYS);
                let least = self.sum(|id, fate| id % KEYS == key && fate == Fate::Counted);
                (About::Get(key, least), format!("COUNTER.GET {NAME} k{key}"))
            }
            (Phase::Declared, 3) => {
                let (key, of) = (random.below(KEYS), self.generation);
                (About::Fact, format!("COUNTER.FACT {NAME} k{key} f=y{of}"))
            }
            (Phase::Declared | Phase::Dropping | Phase::Dropped, _) => {
                self.event(random.below(IDS))
            }
        };
        let token = engine.submit(&command);
        let token = token.expect("because the command is well formed");
        let generation = self.generation;
        self.asked.push(Asked {
            token,
            about,
            generation,
        });
    }

    /// Whether it is being dropped or declared.
    fn asks_for_it(&self) -> bool {
        let mut asked = self.asked.iter();
        asked.any(|asked| matches!(asked.about, About::Drop | About::Create))
    }

    /// What was counted is of the past now, and what is under way may be of the next one.
    fn drop_it(&mut self) -> (About, String) {
        if self.phase == Phase::Declared {
            self.phase = Phase::Dropping;
            self.fates.clear();
            for asked in &self.asked {
                if let About::Event(id, _) = asked.about {
                    self.fates.insert(id, Fate::InDoubt);
                }
            }
        }
        (About::Drop, format!("COUNTER.DROP {NAME} WAIT_MS 0"))
    }

    fn event(&mut self, id: u64) -> (About, String) {
        let is_first = !self.fates.contains_key(&id);
        self.fates.entry(id).or_insert(Fate::InDoubt);
        (About::Event(id, is_first), command_to_add(id))
    }

    fn sum(&self, is_wanted: impl Fn(u64, Fate) -> bool) -> u64 {
        let wanted = self.fates.iter();
        let wanted = wanted.filter(|(id, fate)| is_wanted(**id, **fate));
        wanted.map(|(id, _)| amount_of(*id)).sum()
    }

    /// Takes note of what was answered; gives how many answers there were.
    pub(super) fn collect(&mut self, engine: &Stepper) -> Result<u64, String> {
        let before = self.asked.len();
        for asked in std::mem::take(&mut self.asked) {
            let Some((status, answer)) = engine.answer(asked.token) else {
                self.asked.push(asked);
                continue;
            };
            let heard = self.hear(&asked, status, &answer);
            heard.map_err(|what| format!("{NAME} {:?}: {answer}\n  {what}", asked.about))?;
        }
        Ok((before - self.asked.len()) as u64)
    }

    fn hear(&mut self, asked: &Asked, status: Status, answer: &str) -> Result<(), String> {
        let is_present = asked.generation == self.generation && self.phase == Phase::Declared;
        match asked.about {
            About::Drop => {
                let is_dropped = status == Status::Done || answer == "unknown_counter";
                if is_dropped && self.phase == Phase::Dropping {
                    self.phase = Phase::Dropped;
                }
            }
            About::Create if status == Status::Done => self.begin(),
            About::Create => self.check_refused(status, answer)?,
            About::Event(..) | About::Get(..) | About::Fact if !is_present => {}
            About::Event(..) | About::Get(..) | About::Fact if status != Status::Done => {
                self.check_refused(status, answer)?;
            }
            About::Event(_, true) if answer.contains("repeated=true") => {
                return Err("the counter before it has counted it".to_owned());
            }
            About::Event(id, _) => {
                self.fates.insert(id, Fate::Counted);
            }
            About::Get(key, least) => {
                let most = self.sum(|id, _| id % KEYS == key);
                check_within(answer, (least, most))?;
            }
            About::Fact => {}
        }
        Ok(())
    }

    /// It may be too much now, or not be known yet; nothing else.
    fn check_refused(&self, status: Status, answer: &str) -> Result<(), String> {
        if matches!(status, Status::Busy | Status::Unavailable | Status::Pending) {
            return Ok(());
        }
        Err(format!(
            "in {:?} of counter {}: {answer}",
            self.phase, self.generation
        ))
    }

    /// The next counter of this name is there.
    fn begin(&mut self) {
        if self.phase == Phase::Dropped {
            self.phase = Phase::Declared;
            self.generation += 1;
        }
    }

    /// The process has ended: nobody will be answered.
    pub(super) fn break_off(&mut self) {
        self.asked.clear();
    }

    /// It is dropped as a whole, or declared as a whole; and then it has what was sent to it.
    pub(super) fn check(&mut self, engine: &mut Stepper) -> Result<(), String> {
        self.settle(engine)?;
        if self.phase != Phase::Declared {
            return Ok(());
        }
        let new = (0..IDS).find(|id| !self.fates.contains_key(id));
        let sent = self.fates.iter().map(|(id, fate)| (*id, Some(*fate)));
        let all: Vec<_> = sent.chain(new.map(|id| (id, None))).collect();
        for (id, fate) in all {
            let answer = engine.call(&command_to_add(id));
            let is_repeated = answer.contains("repeated=true");
            let is_right = match fate {
                None => !is_repeated,
                Some(Fate::InDoubt) => true,
                Some(Fate::Counted) => is_repeated,
            };
            if !is_right || word(&answer, "state") != Some("counted") {
                return Err(format!("{NAME} e{id} is {fate:?}: {answer}"));
            }
            self.fates.insert(id, Fate::Counted);
        }
        for key in 0..KEYS {
            self.check_key(engine, key)?;
        }
        self.check_all_keys(engine)
    }

    /// What was under way when the process ended is brought to its end, as far as that takes no time.
    fn settle(&mut self, engine: &mut Stepper) -> Result<(), String> {
        if self.phase == Phase::Dropping && !self.asks_for_it() {
            let answer = engine.call(&format!("COUNTER.DROP {NAME} WAIT_MS 0"));
            if answer.starts_with("name=") || answer == "unknown_counter" {
                self.phase = Phase::Dropped;
            }
        }
        if self.phase == Phase::Dropped && !self.asks_for_it() {
            let answer = engine.call(&declared());
            if answer.starts_with("name=") {
                self.begin();
            } else if !answer.starts_with("pending") {
                return Err(format!("{NAME} is not declared again: {answer}"));
            }
        }
        Ok(())
    }

    fn check_key(&self, engine: &mut Stepper, key: u64) -> Result<(), String> {
        let count = self.sum(|id, _| id % KEYS == key);
        let answer = engine.call(&format!("COUNTER.GET {NAME} k{key}"));
        check_within(&answer, (count, count)).map_err(|what| format!("{NAME} k{key}: {what}"))?;
        let facts = engine.call(&format!("COUNTER.FACTS {NAME} k{key}"));
        let value = format!("value=y{}", self.generation);
        if facts.contains("value=") && !facts.contains(&value) {
            return Err(format!(
                "{NAME} k{key}: a fact of another counter than {}: {facts}",
                self.generation
            ));
        }
        Ok(())
    }

    fn check_all_keys(&self, engine: &mut Stepper) -> Result<(), String> {
        let (width_ms, keep_ms) = LEVEL_MS;
        let from_ms = (engine.now_ms() - keep_ms) / width_ms * width_ms;
        let to_ms = engine.now_ms() + 2_000;
        let span = format!("FROM {from_ms} TO {to_ms}");
        let all = self.sum(|_, _| true);
        let answer = engine.call(&format!("COUNTER.GET {NAME} *"));
        let mut is_right = count_of(&answer) == all;
        let answer = engine.call(&format!(
            "COUNTER.RANGE {NAME} * {span} STEP {width_ms} BY d"
        ));
        let told = totals(&answer);
        is_right &= total_of(&answer) == all;
        for value in 0..VALUES {
            let sum = self.sum(|id, _| id % VALUES == value);
            is_right &= told.get(&format!("x{value}")).copied().unwrap_or(0) == sum;
        }
        let mut people: Vec<_> = self.fates.keys().map(|id| id % PEOPLE).collect();
        people.sort_unstable();
        people.dedup();
        let unique = engine.call(&format!("COUNTER.UNIQUE {NAME} 1 * {span}"));
        let told = word(&unique, "unique").and_then(first_number);
        is_right &= told == Some(people.len() as u64);
        let late = engine.call(&format!("COUNTER.LATE {NAME}"));
        is_right &= items(&late, "{place=").count() == 0;
        if is_right {
            return Ok(());
        }
        Err(format!(
            "{NAME}, counter {}: {all} were counted, by {people:?}: {answer}\n  {unique}\n  {late}",
            self.generation
        ))
    }

    /// What is dropped goes, and the name is free again.
    pub(super) fn drain(&mut self, engine: &mut Stepper) -> Result<(), String> {
        for _ in 0..ROUNDS_MAX {
            self.check(engine)?;
            if self.phase == Phase::Declared {
                return Ok(());
            }
            engine.pass_ms(1_000);
        }
        Err(format!("{NAME} is {:?} without end", self.phase))
    }
}
