//! Counters beside an engine: each event is counted once, in the buckets of the time at which it happened, however
//! often it is sent, and whatever the process that counts it goes through.
//!
//! Of an event that was not answered when the process ended nobody knows whether it was counted. It is sent again, as
//! whoever has sent it would, and the answer tells; from then on counts are known exactly. A counter whose recordings
//! are relaxed may lose what was answered and not written: the last events of each key, and no other.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_counter::testing::Expected;
use tidegate_engine::Random;
use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;

use crate::sales::word;
use crate::topics::{first_number, items};

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

/// What is known of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nobody has said.
    Unknown,
    Counted,
    Late,
}

#[derive(Debug)]
struct Event {
    counter: usize,
    key: u64,
    amount: u64,
    at_ms: u64,
    value: Option<u64>,
    by: u64,
    /// It came too late when it was sent for the first time.
    is_late: bool,
    fate: Fate,
    /// When it was sent for the first time.
    sent_at: u64,
    /// How often it was sent.
    sent: u64,
    /// When it was heard of that it was taken in, since it was last in doubt.
    heard_at: Option<u64>,
    /// It was heard of, and a crash may have taken it.
    told_before: Option<u64>,
    /// Some of those who have sent it were never answered.
    is_in_doubt: bool,
}

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
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.asked.len() < ASKED_MAX
    }

    pub(crate) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
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
        Ok(self.at - before)
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

    /// Nothing is under way: whoever was not answered sends once more, and then all is counted as it was sent.
    pub(crate) fn check(&mut self, engine: &mut Stepper) -> Result<(), String> {
        self.send_again(engine)?;
        for (counter, (name, _)) in COUNTERS.into_iter().enumerate() {
            let checked = self.check_counter(engine, counter);
            checked.map_err(|what| format!("counter {name}: {what}"))?;
        }
        let answer = engine.call(&format!("COUNTER.GET {BRIEF} *"));
        check_within(&answer, self.brief).map_err(|what| format!("counter {BRIEF}: {what}"))?;
        let count = count_of(&answer);
        self.brief = (count, count);
        Ok(())
    }

    fn send_again(&mut self, engine: &mut Stepper) -> Result<(), String> {
        let in_doubt = |number: &usize| self.events[*number].is_in_doubt;
        let numbers: Vec<usize> = (0..self.events.len()).filter(in_doubt).collect();
        let mut survived = BTreeSet::new();
        for number in &numbers {
            let is_known = self.events[*number].heard_at.is_some();
            let (_, command) = self.one(*number);
            let answer = engine.call(&command);
            let was_there = answer.contains("repeated=true");
            if is_known && !was_there {
                return Err(format!("{command}\n  was lost: {answer}"));
            }
            if was_there {
                survived.insert(*number);
            }
            let at = self.at;
            self.told(*number, at, &answer)
                .map_err(|what| format!("{command}\n  {answer}\n  {what}"))?;
        }
        self.fresh.clear();
        self.check_lost(&numbers, &survived)?;
        for number in numbers {
            let event = &mut self.events[number];
            (event.is_in_doubt, event.told_before) = (false, None);
        }
        Ok(())
    }

    /// Of each key what was lost came last: nothing that was sent behind its answer is there.
    fn check_lost(&self, numbers: &[usize], survived: &BTreeSet<usize>) -> Result<(), String> {
        let lost = numbers.iter().filter(|number| !survived.contains(number));
        for lost in lost.map(|number| &self.events[*number]) {
            let later = survived.iter().map(|number| &self.events[*number]);
            let mut of_key = later.filter(|later| later.is_of(lost.counter, lost.key));
            let is_behind = |later: &&Event| lost.told_before.is_some_and(|at| at <= later.sent_at);
            if let Some(later) = of_key.find(is_behind) {
                return Err(format!("{lost:?} was lost, and {later:?} was not"));
            }
        }
        Ok(())
    }

    fn check_counter(&self, engine: &mut Stepper, counter: usize) -> Result<(), String> {
        let (name, _) = COUNTERS[counter];
        for key in 0..KEYS {
            let count = self.sum(|event| event.is_of(counter, key));
            let answer = engine.call(&format!("COUNTER.GET {name} k{key}"));
            check_within(&answer, (count, count))?;
        }
        let one = (counter, self.at % KEYS);
        self.check_steps(engine, one)?;
        self.check_values(engine, one)?;
        let all = self.sum(|event| event.counter == counter);
        let answer = engine.call(&format!("COUNTER.GET {name} *"));
        check_within(&answer, (all, all))?;
        let of_it = self.events.iter().filter(|event| event.counter == counter);
        let late = of_it.filter(|event| event.fate == Fate::Late).count();
        let answer = engine.call(&format!("COUNTER.LATE {name} LIMIT 1000"));
        if items(&answer, "{place=").count() != late {
            return Err(format!("{late} events were late: {answer}"));
        }
        self.check_raw(engine, counter)?;
        self.check_leading(engine, counter)
    }

    /// The topic has the events that were counted, each once.
    fn check_raw(&self, engine: &mut Stepper, counter: usize) -> Result<(), String> {
        let (name, _) = COUNTERS[counter];
        let answer = engine.call(&format!("TOPIC.BROWSE {name}-raw LIMIT 1000"));
        for key in 0..KEYS {
            let begin = format!("\\\"key\\\":\\\"k{key}\\\",\\\"amount\\\":");
            let amounts = items(&answer, &begin).filter_map(first_number);
            let (kept, count) = (
                amounts.sum::<u64>(),
                self.sum(|event| event.is_of(counter, key)),
            );
            if kept != count {
                return Err(format!("k{key} has {count}, its topic {kept}: {answer}"));
            }
        }
        Ok(())
    }

    /// Each level has in each bucket what happened then: of one key, another one each time.
    fn check_steps(&self, engine: &mut Stepper, of: (usize, u64)) -> Result<(), String> {
        let (counter, key) = of;
        let (name, _) = COUNTERS[counter];
        for (width_ms, keep_ms) in LEVELS {
            let now_ms = engine.now_ms();
            let from_ms = (now_ms - keep_ms.min(3 * 600_000)) / width_ms * width_ms;
            let to_ms = now_ms + 2_000;
            let command =
                format!("COUNTER.RANGE {name} k{key} FROM {from_ms} TO {to_ms} STEP {width_ms}");
            let answer = engine.call(&command);
            let begins_ms = (from_ms..to_ms).step_by(width_ms as usize);
            let expected = begins_ms.map(|begins_ms| {
                let within = begins_ms..begins_ms + width_ms;
                Some(self.sum(|event| event.is_of(counter, key) && within.contains(&event.at_ms)))
            });
            let expected: Vec<_> = expected.collect();
            if numbers_in(&answer, " counts=[") != expected {
                return Err(format!(
                    "{command}\n  answered {answer}\n  not {expected:?}"
                ));
            }
        }
        Ok(())
    }

    /// By the values of the dimension there is as much as events had with one, and of each that is named all of it.
    fn check_values(&self, engine: &mut Stepper, of: (usize, u64)) -> Result<(), String> {
        let (counter, key) = of;
        let (name, _) = COUNTERS[counter];
        let (width_ms, keep_ms) = LEVELS[2];
        let from_ms = (engine.now_ms() - keep_ms) / width_ms * width_ms;
        let to_ms = engine.now_ms() + 2_000;
        let command =
            format!("COUNTER.RANGE {name} k{key} FROM {from_ms} TO {to_ms} STEP {width_ms} BY d");
        let answer = engine.call(&command);
        let mut totals = BTreeMap::new();
        for item in items(&answer, "{value=") {
            let value = item.split(' ').next().unwrap_or_default().to_owned();
            totals.insert(value, word(item, "total").and_then(first_number));
        }
        let has_value = |event: &Event| event.is_of(counter, key) && event.value.is_some();
        let mut is_right = totals.values().flatten().sum::<u64>() == self.sum(has_value);
        for value in 0..VALUES {
            let sum = self.sum(|event| event.is_of(counter, key) && event.value == Some(value));
            let told = totals.get(&format!("x{value}"));
            is_right &= told.is_none_or(|told| *told == Some(sum));
        }
        if is_right {
            return Ok(());
        }
        Err(format!("{command}\n  answered {answer}"))
    }

    /// The keys that lead in the present bucket of the widest level, and how many there were.
    fn check_leading(&self, engine: &mut Stepper, counter: usize) -> Result<(), String> {
        let (name, _) = COUNTERS[counter];
        let (width_ms, _) = LEVELS[2];
        let from_ms = engine.now_ms() / width_ms * width_ms;
        let to_ms = from_ms + width_ms;
        let is_within =
            |event: &Event| event.counter == counter && (from_ms..to_ms).contains(&event.at_ms);
        let counts = (0..KEYS).map(|key| {
            let count = self.sum(|event| event.key == key && is_within(event));
            (format!("k{key}"), count)
        });
        let counts = counts.filter(|(_, count)| *count > 0).collect();
        let command = format!("COUNTER.TOP {name} FROM {from_ms} TO {to_ms} COUNT 2");
        let answer = engine.call(&command);
        let leads = Expected::Leads(counts, 2).check(&answer);
        leads.map_err(|what| format!("{command}\n  answered {answer}\n  {what}"))?;
        let came = self.events.iter();
        let came = came.filter(|event| event.fate == Fate::Counted && is_within(event));
        let people: BTreeSet<_> = came.map(|event| event.by).collect();
        let answer = engine.call(&format!(
            "COUNTER.UNIQUE {name} 1 * FROM {from_ms} TO {to_ms}"
        ));
        let unique = word(&answer, "unique").and_then(first_number);
        if unique == Some(people.len() as u64) {
            return Ok(());
        }
        Err(format!("{} were there: {answer}", people.len()))
    }
}

impl Event {
    fn is_of(&self, counter: usize, key: u64) -> bool {
        (self.counter, self.key) == (counter, key)
    }

    /// What becomes of it when it is taken in soon: a batch does not tell of each.
    fn expected(&self) -> Fate {
        match self.fate {
            Fate::Unknown if self.is_late => Fate::Late,
            Fate::Unknown => Fate::Counted,
            known @ (Fate::Counted | Fate::Late) => known,
        }
    }

    fn dims(&self) -> Option<String> {
        self.value.map(|value| format!("d=x{value}"))
    }

    fn as_command(&self, number: usize) -> String {
        let (name, _) = COUNTERS[self.counter];
        let Self {
            key,
            amount,
            at_ms,
            by,
            ..
        } = self;
        let dims = self
            .dims()
            .map_or(String::new(), |dims| format!(" DIMS {dims}"));
        format!("COUNTER.ADD {name} e{number} k{key} AMOUNT {amount} AT {at_ms} BY p{by}{dims}")
    }

    fn as_item(&self, number: usize) -> String {
        let Self {
            key,
            amount,
            at_ms,
            by,
            ..
        } = self;
        let dims = self.dims().unwrap_or_else(|| "\"\"".to_owned());
        format!(" e{number} k{key} {amount} {at_ms} p{by} {dims}")
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

#[cfg(test)]
mod tests {
    use tidegate_counter::COUNTER;
    use tidegate_engine::testing::Canary;
    use tidegate_topic::TOPIC;

    use super::*;

    /// Counters of which much was asked, and what is known of them.
    fn counters(random: &mut Random) -> (Stepper, Counters) {
        let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
        Counters::declare(&mut engine);
        let mut counters = Counters::default();
        for _ in 0..60 {
            ask_some(&mut engine, &mut counters, random);
        }
        assert_eq!(counters.check(&mut engine), Ok(()));
        (engine, counters)
    }

    fn ask_some(engine: &mut Stepper, counters: &mut Counters, random: &mut Random) {
        for _ in 0..ASKED_MAX {
            counters.ask(engine, random);
        }
        engine.pass_ms(100);
        assert!(counters.collect(engine).is_ok());
        counters.written();
    }

    #[test]
    fn what_nobody_has_sent_and_was_counted_is_noticed() {
        for command in [
            "COUNTER.ADD hits * k0",
            "COUNTER.ADD taps * k0",
            "COUNTER.ADD taps * k9",
            "COUNTER.ADD brief * k0",
            "COUNTER.ADD hits * k0 AT 1",
        ] {
            let (mut engine, mut counters) = counters(&mut Random::new(1));
            engine.call(command);
            let checked = counters.check(&mut engine);
            assert!(checked.is_err(), "{command}");
        }
    }

    /// An engine that loses what it has answered, and a client that takes for durable what a relaxed counter answers.
    #[test]
    fn event_that_was_told_to_be_durable_and_is_lost_is_noticed() {
        for (counter, canary) in [(0, Some(Canary::AnswerBeforeSync)), (1, None)] {
            let random = &mut Random::new(2);
            let (mut engine, mut counters) = counters(random);
            if let Some(canary) = canary {
                engine.break_rule(canary);
            }
            let number = counters.new_event(counter, engine.now_ms(), random);
            let (about, command) = counters.one(number);
            let token = engine.submit(&command).expect("because it is well formed");
            let at = counters.at;
            counters.asked.push(Asked { token, about, at });
            while engine.execute() {}
            assert_eq!(counters.collect(&engine), Ok(1), "{command}");
            counters.written();
            engine.disk.crash(random);
            let mut engine = engine.reopen().expect("because the log is sound");
            engine.settle();
            counters.break_off();
            let checked = counters.check(&mut engine);
            assert!(checked.is_err(), "{command}");
        }
    }

    #[test]
    fn event_of_a_relaxed_counter_that_is_lost_is_sent_again_but_not_one_before_another_that_is_there()
     {
        let (mut engine, mut counters) = counters(&mut Random::new(3));
        let numbers = [(); 2].map(|()| counters.new_event(1, engine.now_ms(), &mut Random::new(4)));
        for number in numbers {
            counters.at += 1;
            counters.events[number].sent_at = counters.at;
            counters.at += 1;
            counters
                .learn(number, Fate::Counted)
                .expect("because it is new");
        }
        let [_, second] = numbers;
        let (_, command) = counters.one(second);
        engine.call(&command);
        counters.break_off();
        let checked = counters.check(&mut engine);
        assert!(checked.is_err_and(|what| what.contains("was lost, and")));
    }
}
