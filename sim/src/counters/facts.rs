//! A counter of whose keys facts are told, before their events, between them and behind them: what came before the first
//! fact is of its value, and what comes later of that which is known then.
//!
//! So it matters in which order a key hears of both, and of a key one thing is asked at a time. What was asked when the
//! process ended is asked once more before anything else of its key.

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;

use super::{numbers_in, total_of, totals};
use crate::sales::word;

const NAME: &str = "plays";

/// Keys, and values of the dimension that is known of them.
const KEYS: u64 = 4;
const VALUES: u64 = 3;

/// What an event counts for of whose key nothing is known.
const NO_FACT: &str = "?";

/// The widest level, and how long it is kept, in milliseconds.
const LEVEL_MS: (u64, u64) = (600_000, 3 * 24 * 3_600_000);

/// Events of a run: counts are compared with all of them.
const EVENTS_MAX: u64 = 120;

/// Seconds within which everything that is to be moved is.
const ROUNDS_MAX: u64 = 60;

/// Something that changes what is known of a key.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// An event of this amount.
    Add(u64),
    /// A fact.
    Tell(u64),
}

#[derive(Clone, Debug)]
struct Asked {
    token: u64,
    command: String,
    /// Nothing if it only asks.
    step: Option<Step>,
}

#[derive(Debug, Default)]
struct Key {
    fact: Option<u64>,
    /// What was counted for each value.
    counted: BTreeMap<String, u64>,
    /// Its events that were counted, as they were sent.
    events: Vec<String>,
    asked: Option<Asked>,
    /// What may have been done before the process ended.
    in_doubt: Option<Asked>,
}

#[derive(Default)]
pub(super) struct Facts {
    keys: BTreeMap<u64, Key>,
    sent: u64,
}

fn value(number: u64) -> String {
    format!("x{number}")
}

impl Key {
    /// It was done.
    fn take(&mut self, step: Step, command: &str) {
        match step {
            Step::Add(amount) => {
                self.events.push(command.to_owned());
                let value = self.fact.map_or(NO_FACT.to_owned(), value);
                *self.counted.entry(value).or_default() += amount;
            }
            Step::Tell(fact) => {
                let before = self.counted.remove(NO_FACT).unwrap_or(0);
                if before > 0 {
                    *self.counted.entry(value(fact)).or_default() += before;
                }
                self.fact = Some(fact);
            }
        }
    }
}

impl Facts {
    pub(super) fn declare(engine: &mut Stepper) {
        engine.call(&format!(
            "COUNTER.CREATE {NAME} SHARDS 2 BUCKETS 1s:20s,10s:2m,10m:3d LATE_MS 1d DEDUPE_MS 2d DIMS d FACTS d"
        ));
    }

    pub(super) fn may_ask(&self) -> bool {
        (0..KEYS).any(|number| self.is_free(number))
    }

    fn is_free(&self, number: u64) -> bool {
        let key = self.keys.get(&number);
        key.is_none_or(|key| key.asked.is_none() && key.in_doubt.is_none())
    }

    /// Something about a key of which nothing is asked.
    pub(super) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
        let from = random.below(KEYS);
        let mut numbers = (from..from + KEYS).map(|number| number % KEYS);
        let number = numbers.find(|number| self.is_free(*number));
        let number = number.expect("because it may ask");
        let has_room = self.sent < EVENTS_MAX;
        let key = self.keys.entry(number).or_default();
        let again = (!key.events.is_empty()).then(|| random.below(key.events.len() as u64));
        let (step, command) = match (random.below(10), again) {
            (0..5, _) if has_room => {
                self.sent += 1;
                let (id, amount) = (self.sent, 1 + random.below(5));
                let at_ms = engine.now_ms() - random.below(40_000);
                let command =
                    format!("COUNTER.ADD {NAME} e{id} k{number} AMOUNT {amount} AT {at_ms}");
                (Some(Step::Add(amount)), command)
            }
            (5..7, _) => {
                let fact = random.below(VALUES);
                let command = format!("COUNTER.FACT {NAME} k{number} d={}", value(fact));
                (Some(Step::Tell(fact)), command)
            }
            (7, Some(again)) => (None, key.events[again as usize].clone()),
            _ => (None, range(&format!("k{number}"), engine.now_ms())),
        };
        let token = engine.submit(&command);
        let token = token.expect("because the command is well formed");
        key.asked = Some(Asked {
            token,
            command,
            step,
        });
    }

    /// Takes note of what was answered; gives how many answers there were.
    pub(super) fn collect(&mut self, engine: &Stepper) -> Result<u64, String> {
        let mut answers = 0;
        for key in self.keys.values_mut() {
            let answered = key.asked.as_ref().map(|asked| asked.token);
            let Some((status, answer)) = answered.and_then(|token| engine.answer(token)) else {
                continue;
            };
            answers += 1;
            let asked = key.asked.take().expect("because it was answered");
            if !matches!(status, Status::Busy | Status::Unavailable) {
                let heard = hear(key, &asked, &answer);
                heard.map_err(|what| format!("{}\n  {answer}\n  {what}", asked.command))?;
            }
        }
        Ok(answers)
    }

    /// The process has ended: nobody will be answered.
    pub(super) fn break_off(&mut self) {
        for key in self.keys.values_mut() {
            let asked = key.asked.take().filter(|asked| asked.step.is_some());
            key.in_doubt = key.in_doubt.take().or(asked);
        }
    }

    /// What was in doubt is asked once more, and then each value has what it is to have.
    pub(super) fn check(&mut self, engine: &mut Stepper) -> Result<(), String> {
        self.ask_again(engine)?;
        let mut all: BTreeMap<String, u64> = BTreeMap::new();
        let mut is_moving = false;
        for (number, key) in &self.keys {
            let facts = engine.call(&format!("COUNTER.FACTS {NAME} k{number}"));
            let told = facts.split("value=").nth(1).map(|rest| {
                let end = rest.find([' ', '}']);
                rest[..end.unwrap_or(rest.len())].to_owned()
            });
            if told != key.fact.map(value) {
                return Err(format!("of k{number} {:?} is known: {facts}", key.fact));
            }
            let moves = word(&facts, "moving") != Some("false");
            is_moving |= moves;
            let expected = (!moves).then_some(&key.counted);
            check_totals(engine, (&format!("k{number}"), sum(&key.counted)), expected)?;
            for (value, count) in &key.counted {
                *all.entry(value.clone()).or_default() += count;
            }
        }
        let expected = (!is_moving).then_some(&all);
        check_totals(engine, ("*", sum(&all)), expected)
    }

    fn ask_again(&mut self, engine: &mut Stepper) -> Result<(), String> {
        for key in self.keys.values_mut() {
            let Some(asked) = key.in_doubt.take() else {
                continue;
            };
            let answer = engine.call(&asked.command);
            let heard = hear_again(key, &asked, &answer);
            heard.map_err(|what| format!("{}\n  {answer}\n  {what}", asked.command))?;
        }
        Ok(())
    }

    /// Everything that is to be moved is, and is where it belongs.
    pub(super) fn drain(&mut self, engine: &mut Stepper) -> Result<(), String> {
        for _ in 0..ROUNDS_MAX {
            let mut keys = self.keys.keys();
            let moving = keys.find(|number| {
                let facts = engine.call(&format!("COUNTER.FACTS {NAME} k{number}"));
                word(&facts, "moving") != Some("false")
            });
            if moving.is_none() {
                return self.check(engine);
            }
            engine.pass_ms(1_000);
        }
        Err(format!("{NAME}: it is moved without end"))
    }
}

fn hear(key: &mut Key, asked: &Asked, answer: &str) -> Result<(), String> {
    let is_repeated = answer.contains("repeated=true");
    match asked.step {
        Some(step @ Step::Add(_)) => {
            if is_repeated || word(answer, "state") != Some("counted") {
                return Err("it was sent for the first time".to_owned());
            }
            key.take(step, &asked.command);
        }
        Some(step @ Step::Tell(fact)) => {
            if word(answer, "moving").is_none() || is_repeated != (key.fact == Some(fact)) {
                return Err(format!("{:?} was known", key.fact));
            }
            key.take(step, &asked.command);
        }
        None if asked.command.starts_with("COUNTER.ADD") => {
            if !is_repeated {
                return Err("it was counted before".to_owned());
            }
        }
        None => check_sum(answer, sum(&key.counted))?,
    }
    Ok(())
}

/// It may have been done before.
fn hear_again(key: &mut Key, asked: &Asked, answer: &str) -> Result<(), String> {
    let is_done = word(answer, "state") == Some("counted") || word(answer, "moving").is_some();
    match asked.step {
        Some(step) if is_done => key.take(step, &asked.command),
        Some(_) | None => return Err("it was not done".to_owned()),
    }
    Ok(())
}

fn sum(counted: &BTreeMap<String, u64>) -> u64 {
    counted.values().sum()
}

/// Everything that is kept, in steps as wide as there are, by value.
fn range(key: &str, now_ms: u64) -> String {
    let (width_ms, keep_ms) = LEVEL_MS;
    let from_ms = (now_ms - keep_ms) / width_ms * width_ms;
    let to_ms = now_ms + 2_000;
    format!("COUNTER.RANGE {NAME} {key} FROM {from_ms} TO {to_ms} STEP {width_ms} BY d")
}

/// At every moment the values add up to what there is.
fn check_sum(answer: &str, count: u64) -> Result<(), String> {
    let of_values: u64 = totals(answer).values().sum();
    let counts: u64 = numbers_in(answer, " counts=[").into_iter().flatten().sum();
    if (total_of(answer), of_values, counts) == (count, count, count) {
        return Ok(());
    }
    Err(format!(
        "{count} were counted, and {of_values} are told by value"
    ))
}

fn check_totals(
    engine: &mut Stepper,
    (key, count): (&str, u64),
    expected: Option<&BTreeMap<String, u64>>,
) -> Result<(), String> {
    let answer = engine.call(&range(key, engine.now_ms()));
    check_sum(&answer, count).map_err(|what| format!("{NAME} {key}: {answer}\n  {what}"))?;
    let mut told = totals(&answer);
    told.retain(|_, total| *total > 0);
    match expected {
        Some(expected) if *expected != told => {
            Err(format!("{NAME} {key}: {answer}\n  not {expected:?}"))
        }
        Some(_) | None => Ok(()),
    }
}
