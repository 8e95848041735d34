//! Groups and a queue that are pushed: the worker that brings what is ready, and the courier, run as they are; what they
//! send goes to receivers that are quick or slow, fail, break off, say that they are at it, or never answer.
//!
//! Receivers live on when the engine's process ends. What they have said then may not have been recorded, and comes again;
//! what was recorded, or said while the process lives on, does not. At the end everything is taken, or a dead letter.

mod ledger;
mod process;
mod receiver;
#[cfg(test)]
mod tests;
mod thing;

use std::collections::BTreeSet;

use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;
use tidegate_engine::{Clock, Random};

use crate::sales::word;
use crate::topics::{first_number, items};

use ledger::Ledger;
use process::Process;
pub(crate) use process::receivers;
use receiver::{Act, Brought, Desk};
use thing::{GROUPS, TRIES, Thing, key_of};

const TOPIC: &str = "posts";
const QUEUE: &str = "mail";

/// How long leases last: calls that hang are given up long before.
const LEASE_MS: u64 = 8_000;

/// When a receiver is asked again that is at it, at the earliest.
const AGAIN_MS_MIN: u64 = 1_000;

/// Behind such a pause of the process it cannot be said what it has kept: leases may have ended.
const PAUSE_MS_MAX: u64 = 2_000;

/// Commands that may be under way.
const ASKED_MAX: usize = 3;

/// Messages and jobs of a run.
const MESSAGES_MAX: u64 = 60;
const JOBS_MAX: u64 = 40;

/// What receivers have in hand, of which some is answered at once.
const ANSWERED_AT_ONCE: u64 = 4;

/// Rounds in which everything comes to its end once all is well, and how long each takes, in milliseconds.
const ROUNDS_MAX: usize = 400;
const ROUND_MS: u64 = 500;

/// A key that fails at the end as long as others go on, and when it may be asked for again, in seconds.
const FAILING_KEY: u64 = 1;
const FAILING_REST_S: u64 = 900;

enum About {
    Message(u64),
    Job(u64),
    Terms,
}

#[derive(Default)]
pub(crate) struct Pushes {
    process: Option<Process>,
    desk: Desk,
    in_hand: Vec<Brought>,
    ledger: Ledger,
    asked: Vec<(u64, About)>,
    messages_sent: u64,
    jobs_sent: u64,
    /// Jobs of which it was told that they are there.
    jobs: BTreeSet<u64>,
    /// How often something was brought.
    pub(crate) brought: u64,
}

impl Pushes {
    /// In every other world jobs of a group are taken together.
    pub(crate) fn declare(engine: &mut Stepper, seed: u64) {
        engine.call(&format!("TOPIC.CREATE {TOPIC}"));
        for group in GROUPS {
            engine.call(&format!(
                "TOPIC.GROUP {TOPIC} {group} ORDER {group} LEASE {LEASE_MS} TRIES {TRIES} REST 100 REST_MAX 400"
            ));
        }
        let limits = ["CONCURRENCY 3", "AGGREGATE 2 GRACE 500"][(seed % 2) as usize];
        engine.call(&format!("JOB.SET {QUEUE} {limits}"));
        Self::push_all(engine);
    }

    fn push_all(engine: &mut Stepper) {
        for group in GROUPS {
            engine.call(&push_group(group, 3));
        }
        engine.call(&push_queue(3));
    }

    /// How often something was brought that had been before.
    pub(crate) fn brought_again(&self) -> u64 {
        self.ledger.again
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.asked.len() < ASKED_MAX
    }

    pub(crate) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
        let (about, command) = match random.below(10) {
            0..5 if self.messages_sent < MESSAGES_MAX => self.publish(random),
            0..9 if self.jobs_sent < JOBS_MAX => self.add(random),
            _ => (About::Terms, terms(random)),
        };
        let token = engine.submit(&command);
        let token = token.expect("because the command is well formed");
        self.asked.push((token, about));
    }

    /// Publishes a message, or one of the last ones again.
    fn publish(&mut self, random: &mut Random) -> (About, String) {
        self.messages_sent += 1;
        let id = self.messages_sent - random.below(3).min(self.messages_sent - 1);
        let key = key_of(id).map_or(String::new(), |key| format!(" KEY k{key}"));
        (
            About::Message(id),
            format!("TOPIC.PUBLISH {TOPIC} m{id} m{id}{key}"),
        )
    }

    fn add(&mut self, random: &mut Random) -> (About, String) {
        self.jobs_sent += 1;
        let id = self.jobs_sent - random.below(3).min(self.jobs_sent - 1);
        (About::Job(id), command_to_add(id))
    }

    /// Takes note of what was answered; gives how many answers there were.
    pub(crate) fn collect(&mut self, engine: &Stepper) -> Result<u64, String> {
        let before = self.asked.len();
        for (token, about) in std::mem::take(&mut self.asked) {
            let Some((status, answer)) = engine.answer(token) else {
                self.asked.push((token, about));
                continue;
            };
            if status == Status::Done {
                self.hear(&about, &answer)
                    .map_err(|what| format!("{TOPIC}: {answer}\n  {what}"))?;
            }
        }
        Ok((before - self.asked.len()) as u64)
    }

    fn hear(&mut self, about: &About, answer: &str) -> Result<(), String> {
        match about {
            About::Message(id) => {
                let position = word(answer, "position").and_then(first_number);
                let position = position.ok_or("it has no position")?;
                let known = self.ledger.positions.insert(*id, position);
                if known.is_some_and(|known| known != position) {
                    return Err(format!("m{id} was at {known:?}"));
                }
            }
            About::Job(id) => {
                self.jobs.insert(*id);
            }
            About::Terms => {}
        }
        Ok(())
    }

    /// What is ready is brought, and what was answered is told to the engine.
    pub(crate) fn go_on(&mut self, engine: &Stepper) -> Result<(), String> {
        let desk = &self.desk;
        let process = self
            .process
            .get_or_insert_with(|| Process::start(engine, desk));
        if process.turn(engine) > PAUSE_MS_MAX {
            self.ledger.begin_life();
        }
        for one in self.desk.take()? {
            self.brought += 1;
            self.in_hand.retain(Brought::is_awaited);
            let now_us = engine.clock.monotonic_us();
            let came = self.ledger.came(&one, &self.in_hand, now_us);
            came.map_err(|what| {
                format!("{:?} was brought as try {}: {what}", one.thing, one.attempt)
            })?;
            self.in_hand.push(one);
        }
        Ok(())
    }

    /// Receivers do something about what they have.
    pub(crate) fn answer_some(
        &mut self,
        engine: &Stepper,
        random: &mut Random,
    ) -> Result<(), String> {
        self.go_on(engine)?;
        for _ in 0..random.below(ANSWERED_AT_ONCE) {
            self.in_hand.retain(Brought::is_awaited);
            if self.in_hand.is_empty() {
                break;
            }
            let at = random.below(self.in_hand.len() as u64) as usize;
            if self.in_hand[at].hangs {
                continue;
            }
            match act(self.in_hand[at].thing, random) {
                Some(act) => {
                    let one = self.in_hand.swap_remove(at);
                    self.answer(one, &act, engine);
                }
                None => self.in_hand[at].hangs = true,
            }
        }
        self.go_on(engine)
    }

    fn answer(&mut self, one: Brought, act: &Act, engine: &Stepper) {
        let thing = one.thing;
        if one.answer(act) {
            self.ledger.said(thing, act, engine.clock.monotonic_us());
        }
    }

    /// The process has ended: nobody hears what its receivers would have answered, nor what was asked.
    pub(crate) fn break_off(&mut self) {
        self.process = None;
        self.asked.clear();
        self.in_hand.clear();
        self.desk = Desk::default();
        self.ledger.begin_life();
    }

    /// What the engine has as done was taken, and what it gave up was tried or refused.
    pub(crate) fn check(&mut self, engine: &mut Stepper) -> Result<(), String> {
        for id in self.jobs.clone() {
            let answer = engine.call(&format!("JOB.GET {QUEUE} j{id}"));
            self.check_job(id, &answer)
                .map_err(|what| format!("{QUEUE} j{id}: {answer}\n  {what}"))?;
        }
        for (group, name) in GROUPS.iter().enumerate() {
            let dead = dead(engine, name);
            let acked = figure(engine, name, "acked");
            self.ledger
                .settled(group, acked, &dead)
                .map_err(|what| format!("{TOPIC} {name}: {what}"))?;
        }
        Ok(())
    }

    fn check_job(&mut self, id: u64, answer: &str) -> Result<(), String> {
        let thing = Thing::Job { id };
        let state = word(answer, "state").unwrap_or_default();
        match state {
            "done" => {
                let result = word(answer, "result").filter(|result| *result != "-");
                self.ledger.is_done(thing, result.unwrap_or_default())
            }
            "dead" => {
                let tries = word(answer, "tries").and_then(first_number);
                self.ledger.is_dead(thing, tries.unwrap_or(0))
            }
            "scheduled" | "waiting" | "blocked" | "ready" | "running" => Ok(()),
            _ => Err("it was told to be there".to_owned()),
        }
    }

    /// Everything comes to its end: while one key fails all others do, and then this one, too.
    pub(crate) fn drain(&mut self, engine: &mut Stepper) -> Result<(), String> {
        Self::push_all(engine);
        self.drain_all_but(engine, Some(FAILING_KEY))?;
        engine.pass_ms((FAILING_REST_S + 1) * 1_000);
        self.drain_all_but(engine, None)?;
        self.check(engine)
    }

    fn drain_all_but(&mut self, engine: &mut Stepper, failing: Option<u64>) -> Result<(), String> {
        for _ in 0..ROUNDS_MAX {
            self.go_on(engine)?;
            for one in std::mem::take(&mut self.in_hand) {
                let fails = failing.is_some() && one.thing.line() == failing;
                let act = if fails {
                    Act::Answer(503, String::new(), Some(FAILING_REST_S))
                } else if one.thing.is_poison() {
                    Act::Answer(500, String::new(), None)
                } else {
                    Act::Answer(200, "drained".to_owned(), None)
                };
                self.answer(one, &act, engine);
            }
            self.go_on(engine)?;
            engine.pass_ms(ROUND_MS);
            if self.open(engine, failing).is_empty() {
                return Ok(());
            }
        }
        let open = self.open(engine, failing);
        let (groups, pushes) = (
            engine.call(&format!("TOPIC.GROUPS {TOPIC}")),
            engine.call("TOPIC.PUSHES"),
        );
        Err(format!(
            "there is no end of what is pushed: {open:?}\n  {groups}\n  {pushes}"
        ))
    }

    /// What was told to be there, and is neither done nor dead; but for a key that fails.
    fn open(&self, engine: &mut Stepper, failing: Option<u64>) -> Vec<Thing> {
        let mut open = Vec::new();
        for (group, name) in GROUPS.iter().enumerate() {
            let dead = dead(engine, name);
            let all = self.ledger.positions.iter();
            let left = all.filter(|(_, position)| !dead.contains(position));
            let left = left.map(|(id, _)| Thing::Message { group, id: *id });
            let left = left.filter(|thing| !self.ledger.is_taken(*thing));
            open.extend(left.filter(|thing| failing.is_none() || thing.line() != failing));
            if failing.is_none() && figure(engine, name, "lag") > 0 && open.is_empty() {
                open.push(Thing::Message { group, id: 0 }); // Taken, and not settled.
            }
        }
        for id in &self.jobs {
            let answer = engine.call(&format!("JOB.GET {QUEUE} j{id}"));
            let state = word(&answer, "state").unwrap_or_default();
            if !["done", "dead"].contains(&state) {
                open.push(Thing::Job { id: *id });
            }
        }
        open
    }
}

/// What a receiver does about something; nothing if it never answers.
fn act(thing: Thing, random: &mut Random) -> Option<Act> {
    let answer = |status, body: &str| Some(Act::Answer(status, body.to_owned(), None));
    match random.below(20) {
        0 => None,
        1 => Some(Act::Break),
        _ if thing.is_poison() => answer(500, "poison"),
        2 => answer(500, "trouble"),
        3 => Some(Act::Answer(503, "later".to_owned(), Some(1))),
        4 => answer(410, "gone"),
        5 => answer(409, "never"),
        6 | 7 => answer(425, "working"),
        8 => answer(204, ""),
        other => answer(200, &format!("r{other}")),
    }
}

fn push_group(group: &str, in_flight: u64) -> String {
    format!("TOPIC.PUSH {TOPIC} {group} post INFLIGHT {in_flight}")
}

fn push_queue(in_flight: u64) -> String {
    format!("JOB.PUSH {QUEUE} work INFLIGHT {in_flight} AGAIN {AGAIN_MS_MIN}")
}

/// Something is pushed otherwise from now on, or not at all.
fn terms(random: &mut Random) -> String {
    let group = GROUPS[random.below(GROUPS.len() as u64) as usize];
    let in_flight = 1 + random.below(4);
    match random.below(8) {
        0 => format!("TOPIC.PULL {TOPIC} {group}"),
        1 => format!("JOB.PULL {QUEUE}"),
        2..5 => push_group(group, in_flight),
        _ => push_queue(in_flight),
    }
}

/// The same for each number; each third is of one of two groups.
fn command_to_add(id: u64) -> String {
    let group = match id % 3 {
        0 => format!(" GROUP g{}", id % 2),
        _ => String::new(),
    };
    let retries = TRIES - 1;
    format!(
        "JOB.ADD {QUEUE} j{id} j{id} RETRIES {retries} BACKOFF 300 BACKOFFMAX 300 TIMEOUT {LEASE_MS} KEEP 30000000000{group}"
    )
}

/// What is told of a group under a name.
fn figure(engine: &mut Stepper, group: &str, name: &str) -> u64 {
    let answer = engine.call(&format!("TOPIC.GROUPS {TOPIC}"));
    let mut groups = items(&answer, "{group=");
    let of_it = groups.find(|item| item.split(' ').next() == Some(group));
    let figure = of_it
        .and_then(|item| word(item, name))
        .and_then(first_number);
    figure.unwrap_or(u64::MAX)
}

/// Positions of the dead letters of a group.
fn dead(engine: &mut Stepper, group: &str) -> BTreeSet<u64> {
    let answer = engine.call(&format!("TOPIC.DEAD {TOPIC} {group} LIMIT 100"));
    let positions = items(&answer, "{number=");
    let positions = positions.filter_map(|item| word(item, "position").and_then(first_number));
    positions.collect()
}
