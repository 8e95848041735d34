//! Counters beside an engine: each event is counted once, in the buckets of the time at which it happened, however
//! often it is sent, and whatever the process that counts it goes through.
//!
//! Of an event that was not answered when the process ended nobody knows whether it was counted. It is sent again, as
//! whoever has sent it would, and the answer tells; from then on counts are known exactly. A counter whose recordings
//! are relaxed may lose what was answered and not written: the last events of each key, and no other.

mod check;
mod drops;
mod event;
mod facts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;

use crate::sales::word;
use crate::topics::{first_number, items};

use drops::Drops;
use event::{Event, Fate};
use facts::Facts;

/// Counters, and whether what is answered is durable.
const COUNTERS: [(&str, &str); 2] = [("hits", "synced"), ("taps", "relaxed")];

/// A counter whose ids are soon forgotten: nothing is sent to it twice.
const BRIEF: &str = "brief";

/// Keys of a counter.
const KEYS: u64 = 4;

/// Widths of buckets and how long they are kept, in milliseconds, as declared below.
const LEVELS: [(u64, u64); 3] = [
    (1_000, 20_000),
    (10_000, 120_000),
    (600_000, 3 * 24 * 3_600_000),
];

/// By how much an event may be late.
const LATE_MS: u64 = 90_000;

/// Values of the dimension that events have; a shard counts one less.
const VALUES: u64 = 3;

/// Those whom events are by.
const PEOPLE: u64 = 9;

/// Commands that may be under way.
const ASKED_MAX: usize = 4;

/// Events of a batch, at most: what they write is a part of a segment.
const BATCH_MAX: u64 = 4;

/// Events of a run: each is looked at whenever counts are compared.
const EVENTS_MAX: usize = 160;

/// Of so many events that were sent last one is sent again.
const AGAIN: u64 = 8;

enum About {
    One(usize),
    All(Vec<usize>),
    /// So much was sent to the counter whose ids are forgotten.
    Brief(u64),
    /// A key of a counter is asked for, of which at least so much was counted.
    Get {
        counter: usize,
        key: u64,
        least: u64,
    },
}

struct Asked {
    token: u64,
    about: About,
    /// When it was sent.
    at: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    /// Moments: one passes with each answer.
    at: u64,
    asked: Vec<Asked>,
    events: Vec<Event>,
    /// Those of a relaxed counter that were answered and may not be written.
    fresh: Vec<usize>,
    /// What the counter whose ids are forgotten has at least and at most, and how many events it was sent.
    brief: (u64, u64),
    briefs: u64,
    facts: Facts,
    drops: Drops,
}

impl Counters {
    pub(crate) fn declare(engine: &mut Stepper) {
        for (name, class) in COUNTERS {
            let values = VALUES - 1;
            let levels = "1s:20s,10s:2m,10m:3d";
            engine.call(&format!(
                "COUNTER.CREATE {name} SHARDS 3 TOP 2 BUCKETS {levels} LATE_MS 90s DEDUPE_MS 2d DIMS d \
                 VALUES {values} UNIQUE yes CLASS {class} RAW {name}-raw"
            ));
        }
        engine.call(&format!(
            "COUNTER.CREATE {BRIEF} SHARDS 2 BUCKETS 10m:3d DEDUPE_MS 2s"
        ));
        Facts::declare(engine);
        Drops::declare(engine);
    }

    /// How often a counter was dropped and declared again.
    pub(crate) fn dropped(&self) -> u64 {
        self.drops.generation()
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.asked.len() < ASKED_MAX
    }

    /// Something about one of these counters.
    pub(crate) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
        match random.below(10) {
            0..2 if self.facts.may_ask() => self.facts.ask(engine, random),
            2..5 if self.drops.may_ask() => self.drops.ask(engine, random),
            _ => self.ask_kept(engine, random),
        }
    }

    fn ask_kept(&mut self, engine: &mut Stepper, random: &mut Random) {
        let has_room = self.events.len() < EVENTS_MAX;
        let (about, command) = match random.below(12) {
            0..3 if has_room => {
                let counter = random.below(COUNTERS.len() as u64) as usize;
                let event = self.new_event(counter, engine.now_ms(), random);
                self.one(event)
            }
            3..5 if has_room => self.batch(engine.now_ms(), random),
            5..8 if !self.events.is_empty() => {
                let behind = random.below(AGAIN.min(self.events.len() as u64)) as usize;
                self.one(self.events.len() - 1 - behind)
            }
            8 => self.brief(random),
            _ => self.get(random),
        };
        let token = engine.submit(&command);
        let token = token.expect("because the command is well formed");
        let at = self.at;
        self.asked.push(Asked { token, about, at });
    }

    /// An event that happened now, before, much too long ago or in a moment: not in the order of its time.
    fn new_event(&mut self, counter: usize, now_ms: u64, random: &mut Random) -> usize {
        let is_late = random.chance(1, 10);
        let at_ms = match random.below(9) {
            _ if is_late => now_ms - LATE_MS - 20_000 - random.below(20_000),
            0..5 => now_ms - random.below(2_000),
            5..7 => now_ms - random.below(15_000),
            7 => now_ms - 15_000 - random.below(60_000),
            _ => now_ms + random.below(1_500),
        };
        self.events.push(Event {
            counter,
            key: random.below(KEYS),
            amount: 1 + random.below(5),
            at_ms,
            value: Some(random.below(VALUES + 1)).filter(|value| *value < VALUES),
            by: random.below(PEOPLE),
            is_late,
            fate: Fate::Unknown,
            sent_at: self.at,
            sent: 0,
            heard_at: None,
            told_before: None,
            is_in_doubt: false,
        });
        self.events.len() - 1
    }

    fn one(&mut self, number: usize) -> (About, String) {
        let event = &mut self.events[number];
        event.sent += 1;
        (About::One(number), event.as_command(number))
    }

    /// New events, and at times one that was sent before.
    fn batch(&mut self, now_ms: u64, random: &mut Random) -> (About, String) {
        let counter = random.below(COUNTERS.len() as u64) as usize;
        let many = 2 + random.below(BATCH_MAX - 1);
        let mut numbers: Vec<_> = (0..many)
            .map(|_| self.new_event(counter, now_ms, random))
            .collect();
        let mut before = self.events.iter().rev().skip(numbers.len());
        let again = before.position(|event| event.counter == counter);
        if let Some(behind) = again.filter(|_| random.chance(1, 3)) {
            numbers.push(self.events.len() - 1 - numbers.len() - behind);
        }
        let (name, _) = COUNTERS[counter];
        let mut command = format!("COUNTER.ADDALL {name} {}", numbers.len());
        for number in &numbers {
            let event = &mut self.events[*number];
            event.sent += 1;
            command += &event.as_item(*number);
        }
        (About::All(numbers), command)
    }

    /// An event that is sent once: with an id that is soon forgotten, or without one.
    fn brief(&mut self, random: &mut Random) -> (About, String) {
        self.briefs += 1;
        let amount = 1 + random.below(5);
        self.brief.1 += amount;
        let id = match random.below(2) {
            0 => "*".to_owned(),
            _ => format!("b{}", self.briefs),
        };
        let key = self.briefs % KEYS;
        let command = format!("COUNTER.ADD {BRIEF} {id} k{key} AMOUNT {amount}");
        (About::Brief(amount), command)
    }

    fn get(&self, random: &mut Random) -> (About, String) {
        let counter = random.below(COUNTERS.len() as u64) as usize;
        let key = random.below(KEYS);
        let least = self.sum(|event| event.is_of(counter, key));
        let (name, _) = COUNTERS[counter];
        let about = About::Get {
            counter,
            key,
            least,
        };
        (about, format!("COUNTER.GET {name} k{key}"))
    }

    /// What was counted, as far as it is known, of such events.
    fn sum(&self, is_wanted: impl Fn(&Event) -> bool) -> u64 {
        let counted = self
            .events
            .iter()
            .filter(|event| event.fate == Fate::Counted);
        let wanted = counted.filter(|event| is_wanted(event));
        wanted.map(|event| event.amount).sum()
    }

    /// Takes note of what was answered; gives how many answers there were.
    pub(crate) fn collect(&mut self, engine: &Stepper) -> Result<u64, String> {
        let before = self.at;
        for asked in std::mem::take(&mut self.asked) {
            let Some((status, answer)) = engine.answer(asked.token) else {
                self.asked.push(asked);
                continue;
            };
            self.at += 1;
            let heard = self.hear(&asked, status, &answer);
            heard.map_err(|what| format!("counters: {answer}\n  {what}"))?;
        }
        let of_others = self.facts.collect(engine)? + self.drops.collect(engine)?;
        Ok(self.at - before + of_others)
    }

    fn hear(&mut self, asked: &Asked, status: Status, answer: &str) -> Result<(), String> {
        let is_turned_away = matches!(status, Status::Busy | Status::Unavailable);
        match &asked.about {
            About::One(number) if !is_turned_away => self.told(*number, asked.at, answer),
            About::All(numbers) if !is_turned_away => self.told_all(numbers, answer),
            About::Brief(amount) if is_turned_away => {
                self.brief.1 -= amount;
                Ok(())
            }
            About::Brief(amount) => {
                self.brief.0 += amount;
                Ok(())
            }
            About::Get {
                counter,
                key,
                least,
            } if !is_turned_away => {
                let sent = self
                    .events
                    .iter()
                    .filter(|event| event.is_of(*counter, *key));
                let most = sent.map(|event| event.amount).sum();
                check_within(answer, (*least, most))
            }
            About::One(_) | About::All(_) | About::Get { .. } => Ok(()),
        }
    }

    /// What has become of an event that was sent at this moment.
    fn told(&mut self, number: usize, sent_at: u64, answer: &str) -> Result<(), String> {
        let event = &self.events[number];
        let fate = match word(answer, "state") {
            Some("counted") => Fate::Counted,
            Some("late") => Fate::Late,
            Some(_) | None => return Err(format!("of e{number}: {event:?}")),
        };
        let is_repeated = answer.contains("repeated=true");
        let was_known = event.heard_at.is_some_and(|heard_at| heard_at <= sent_at);
        if was_known && !is_repeated {
            return Err(format!("e{number} was taken in twice: {event:?}"));
        }
        if is_repeated && event.sent == 1 {
            return Err(format!("e{number} was sent once: {event:?}"));
        }
        self.learn(number, fate)
    }

    fn told_all(&mut self, numbers: &[usize], answer: &str) -> Result<(), String> {
        let many = |name: &str| word(answer, name).and_then(first_number);
        let told = [many("counted"), many("repeated"), many("late")];
        let left = if answer.starts_with("partly_done ") {
            numbers_in(answer, "left=[")
        } else {
            let told: u64 = told.iter().flatten().sum();
            if told != numbers.len() as u64 {
                return Err(format!("{} events were sent", numbers.len()));
            }
            Vec::new()
        };
        for (item, number) in (1..).zip(numbers) {
            if !left.contains(&Some(item)) {
                let fate = self.events[*number].expected();
                self.learn(*number, fate)?;
            }
        }
        Ok(())
    }

    /// An event was taken in, and has become this.
    fn learn(&mut self, number: usize, fate: Fate) -> Result<(), String> {
        let at = self.at;
        let event = &mut self.events[number];
        if event.fate != Fate::Unknown && event.fate != fate {
            return Err(format!("e{number} is {fate:?}: {event:?}"));
        }
        event.fate = fate;
        if event.heard_at.is_none() {
            event.heard_at = Some(at);
            if COUNTERS[event.counter].1 == "relaxed" {
                self.fresh.push(number);
            }
        }
        Ok(())
    }

    /// What was executed is durable: no crash takes what was answered before.
    pub(crate) fn written(&mut self) {
        self.fresh.clear();
    }

    /// The process has ended: nobody will be answered, and what a relaxed counter has answered may be lost.
    pub(crate) fn break_off(&mut self) {
        self.facts.break_off();
        self.drops.break_off();
        for asked in std::mem::take(&mut self.asked) {
            match asked.about {
                About::One(number) => self.events[number].is_in_doubt = true,
                About::All(numbers) => {
                    for number in numbers {
                        self.events[number].is_in_doubt = true;
                    }
                }
                About::Brief(_) | About::Get { .. } => {}
            }
        }
        for number in std::mem::take(&mut self.fresh) {
            let event = &mut self.events[number];
            event.fate = Fate::Unknown;
            event.is_in_doubt = true;
            event.told_before = event.heard_at.take();
        }
    }
}

/// The numbers of a list in an answer, which begins so; none for one that is not known.
fn numbers_in(answer: &str, begin: &str) -> Vec<Option<u64>> {
    let list = answer.split_once(begin).map_or("", |(_, list)| list);
    let list = list.split(']').next().unwrap_or_default();
    list.split_whitespace()
        .map(|word| word.parse().ok())
        .collect()
}

/// What a range has by value.
fn totals(answer: &str) -> BTreeMap<String, u64> {
    let values = items(answer, "{value=").filter_map(|item| {
        let value = item.split(' ').next()?.to_owned();
        Some((value, total_of(item)))
    });
    values.collect()
}

fn total_of(answer: &str) -> u64 {
    let total = word(answer, "total").and_then(first_number);
    total.unwrap_or_default()
}

fn count_of(answer: &str) -> u64 {
    let count = word(answer, "count").and_then(first_number);
    count.unwrap_or_default()
}

fn check_within(answer: &str, (least, most): (u64, u64)) -> Result<(), String> {
    if word(answer, "count").is_some() && (least..=most).contains(&count_of(answer)) {
        return Ok(());
    }
    Err(format!("{least} to {most} were counted: {answer}"))
}
