//! A queue beside an engine: what was added is taken by one worker at a time, not before it is due, until it has
//! ended, and never again after that was acknowledged.
//!
//! As with topics what is checked is what was told, and what was asked for behind that.

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;

use crate::sales::word;
use crate::topics::{first_number, items};

const QUEUE: &str = "work";

/// Jobs of it that run at once.
const CONCURRENCY: usize = 3;

/// Tries of a job.
const TRIES: u64 = 4;

/// How long it is kept when it has ended: for ever, to a run.
const KEEP_MS: u64 = 300 * 24 * 3_600_000;

/// Commands that may be under way.
const ASKED_MAX: usize = 4;

const JOBS_MAX: u64 = 80;

/// Rounds after which everything was done.
const ROUNDS_MAX: usize = 400;

/// Every so many jobs there is a parent, and the two behind it are its children.
const FAMILY: u64 = 9;

#[derive(Default)]
struct Job {
    /// That it is there was acknowledged.
    is_added: bool,
    /// It is not taken earlier.
    due_ms: u64,
    /// That it has ended was acknowledged by this moment.
    ended_at: Option<u64>,
    /// Somebody was given it, and has not said what came of it.
    runs: Option<Runs>,
    /// Somebody has asked for that.
    may_be_cancelled: bool,
}

struct Runs {
    until_ms: u64,
    /// When that was heard.
    heard_at: u64,
}

enum About {
    Add(String),
    Take,
    /// It ends if that is acknowledged.
    End(String),
    Other,
}

struct Asked {
    token: u64,
    about: About,
    /// When it was sent.
    at: u64,
}

/// How much later what is added for later is due.
const DELAY_MS: u64 = 1_200;

#[derive(Default)]
pub(crate) struct Jobs {
    /// Moments: one passes with each answer.
    at: u64,
    sent: u64,
    asked: Vec<Asked>,
    jobs: BTreeMap<String, Job>,
    /// Jobs that somebody has, and their leases.
    leases: Vec<(String, String)>,
}

impl Jobs {
    /// With an odd seed jobs of a group are taken together, of which one more may run then.
    pub(crate) fn declare(engine: &mut Stepper, seed: u64) {
        let limits = if seed.is_multiple_of(2) {
            format!("CONCURRENCY {CONCURRENCY} GROUPCONCURRENCY 1")
        } else {
            format!("CONCURRENCY {} AGGREGATE 2 GRACE 700", CONCURRENCY - 1)
        };
        engine.call(&format!("JOB.SET {QUEUE} {limits}"));
        engine.call(&format!(
            "JOB.ADD {QUEUE} tick p EVERY 20000 KEEP {KEEP_MS}"
        ));
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.asked.len() < ASKED_MAX
    }

    pub(crate) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
        let (about, command) = match random.below(12) {
            0..4 if self.sent < JOBS_MAX => self.add(engine.now_ms(), random),
            0..8 => Self::take(random),
            11 if random.chance(1, 3) => self.cancel(random),
            _ => match self.some_lease(random) {
                Some(lease) => self.say(lease, random),
                None => Self::take(random),
            },
        };
        self.submit(engine, about, &command);
    }

    fn submit(&mut self, engine: &mut Stepper, about: About, command: &str) {
        let token = engine.submit(command);
        let token = token.expect("because the command is well formed");
        let at = self.at;
        self.asked.push(Asked { token, about, at });
    }

    /// Adds a job, or one of the last ones again.
    fn add(&mut self, now_ms: u64, random: &mut Random) -> (About, String) {
        self.sent += 1;
        let number = self.sent - random.below(3).min(self.sent - 1);
        // In every other family the children come first.
        let number = match number % FAMILY {
            place @ 0..3 if number / FAMILY % 2 == 1 => number - place + (place + 1) % 3,
            _ => number,
        };
        let id = format!("j{number}");
        let delay_ms = if number % FAMILY == 3 { DELAY_MS } else { 0 };
        let due_ms = now_ms + delay_ms;
        self.jobs.entry(id.clone()).or_insert_with(|| Job {
            due_ms,
            ..Job::default()
        });
        (About::Add(id), command_to_add(number))
    }

    fn cancel(&mut self, random: &mut Random) -> (About, String) {
        let id = format!("j{}", 1 + random.below(self.sent.max(1)));
        if let Some(job) = self.jobs.get_mut(&id) {
            job.may_be_cancelled = true;
            job.runs = None;
        }
        let command = format!("JOB.CANCEL {QUEUE} {id}");
        (About::End(id), command)
    }

    fn take(random: &mut Random) -> (About, String) {
        let (count, wait_ms) = (1 + random.below(3), random.below(2) * 500);
        let command = format!("JOB.TAKE w 1 {QUEUE} COUNT {count} WAIT {wait_ms}");
        (About::Take, command)
    }

    fn some_lease(&mut self, random: &mut Random) -> Option<(String, String)> {
        if self.leases.is_empty() {
            return None;
        }
        let at = random.below(self.leases.len() as u64) as usize;
        Some(self.leases.swap_remove(at))
    }

    /// A worker says what came of its job.
    fn say(&mut self, (id, lease): (String, String), random: &mut Random) -> (About, String) {
        if let Some(job) = self.jobs.get_mut(&id) {
            job.runs = None;
        }
        let job = format!("{QUEUE} {id} {lease}");
        match random.below(8) {
            0 => (About::Other, format!("JOB.FAIL {job} ERROR broken")),
            1 => (About::End(id), format!("JOB.FAIL {job} RETRY no")),
            2 => (About::Other, format!("JOB.SNOOZE {job} 500")),
            _ => (About::End(id), format!("JOB.DONE {job} RESULT r")),
        }
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
            if status == Status::Done {
                let heard = self.hear(&asked, &answer, engine.now_ms());
                heard.map_err(|what| format!("{QUEUE}: {answer}\n  {what}"))?;
            }
        }
        Ok(self.at - before)
    }

    fn hear(&mut self, asked: &Asked, answer: &str, now_ms: u64) -> Result<(), String> {
        match &asked.about {
            About::Add(id) => {
                let job = self.jobs.entry(id.clone()).or_default();
                job.is_added = true;
            }
            About::End(id) => {
                let at = self.at;
                let job = self.jobs.entry(id.clone()).or_default();
                job.ended_at.get_or_insert(at);
            }
            About::Take => return self.taken(asked.at, answer, now_ms),
            About::Other => {}
        }
        Ok(())
    }

    /// What was asked for then was given by now.
    fn taken(&mut self, sent: u64, answer: &str, now_ms: u64) -> Result<(), String> {
        let lease = word(answer, "lease").unwrap_or_default().to_owned();
        let at = self.at;
        for item in items(answer, "{id=") {
            let id = item.split(' ').next().unwrap_or_default().to_owned();
            let number = |name| word(item, name).and_then(first_number);
            let (tries, until_ms) = (number("tries").unwrap_or(0), number("until_ms"));
            let is_of_tick = id.starts_with("tick@");
            let job = match self.jobs.get_mut(&id) {
                Some(job) => job,
                None if is_of_tick => self.jobs.entry(id.clone()).or_default(),
                None => return Err(format!("{id} was never added")),
            };
            job.is_added = true;
            if !is_of_tick && !(1..=TRIES).contains(&tries) {
                return Err(format!("try {tries} of {TRIES}"));
            }
            if job.ended_at.is_some_and(|at| at <= sent) {
                return Err(format!("{id} had ended before it was asked for"));
            }
            if now_ms < job.due_ms {
                return Err(format!("{id} is due at {}, and it is {now_ms}", job.due_ms));
            }
            let is_running = |runs: &Runs| runs.heard_at <= sent && now_ms < runs.until_ms;
            if job.runs.as_ref().is_some_and(is_running) {
                return Err(format!("somebody has {id}"));
            }
            let until_ms = until_ms.filter(|_| !job.may_be_cancelled);
            job.runs = until_ms.map(|until_ms| Runs {
                until_ms,
                heard_at: at,
            });
            self.leases.push((id, lease.clone()));
        }
        let running = |job: &&Job| job.runs.as_ref().is_some_and(|runs| now_ms < runs.until_ms);
        let running = self.jobs.values().filter(running).count();
        if running > CONCURRENCY {
            return Err(format!("{running} run at once, of {CONCURRENCY}"));
        }
        Ok(())
    }

    /// The process has ended: nobody will be answered.
    pub(crate) fn break_off(&mut self) {
        self.asked.clear();
    }

    /// What was added is there, and what has ended stays so.
    pub(crate) fn check(&self, engine: &mut Stepper) -> Result<(), String> {
        for (id, job) in self.jobs.iter().filter(|(_, job)| job.is_added) {
            let answer = engine.call(&format!("JOB.GET {QUEUE} {id}"));
            let state = word(&answer, "state").unwrap_or_default();
            let has_ended = ["done", "dead", "cancelled"].contains(&state);
            if state.is_empty() || (job.ended_at.is_some() && !has_ended) {
                return Err(format!(
                    "{QUEUE} {id}: {answer}, after it was told otherwise"
                ));
            }
        }
        Ok(())
    }

    /// Everything that was added comes to an end.
    pub(crate) fn drain(&mut self, engine: &mut Stepper) -> Result<(), String> {
        engine.call(&format!("JOB.CANCEL {QUEUE} tick"));
        for number in 1..=self.sent.next_multiple_of(FAMILY) + 2 {
            // Parents wait for children that may never have come.
            engine.call(&command_to_add(number));
            self.jobs.entry(format!("j{number}")).or_default();
        }
        for _ in 0..ROUNDS_MAX {
            engine.pass_ms(1_000);
            engine.call(&format!("JOB.REPLAYALL {QUEUE}"));
            let sent = self.at;
            self.at += 1;
            // Those that have died once begin anew.
            self.jobs.values_mut().for_each(|job| job.ended_at = None);
            let answer = engine.call(&format!("JOB.TAKE w 1 {QUEUE} COUNT 100"));
            let taken = self.taken(sent, &answer, engine.now_ms());
            taken.map_err(|what| format!("{QUEUE}: {answer}\n  {what}"))?;
            for (id, lease) in std::mem::take(&mut self.leases) {
                engine.call(&format!("JOB.DONE {QUEUE} {id} {lease}"));
                if let Some(job) = self.jobs.get_mut(&id) {
                    job.runs = None;
                }
            }
            if self.not_ended(engine).is_empty() {
                return Ok(());
            }
        }
        let open = self.not_ended(engine);
        Err(format!("{QUEUE}: there is no end of jobs: {open:#?}"))
    }

    /// What is told of the jobs that were added and have not ended.
    fn not_ended(&self, engine: &mut Stepper) -> Vec<String> {
        let added = self.jobs.iter().filter(|(_, job)| job.is_added);
        let told = added.map(|(id, _)| engine.call(&format!("JOB.GET {QUEUE} {id}")));
        let has_ended = |answer: &String| {
            let mut states = ["state=done", "state=cancelled"].iter();
            states.any(|state| answer.contains(state))
        };
        told.filter(|answer| !has_ended(answer)).collect()
    }
}

/// The same for each number: two of a family are children of the first, another one comes later, two are in groups.
fn command_to_add(number: u64) -> String {
    let (retries, priority) = (TRIES - 1, number % 3 + 3);
    let more = match number % FAMILY {
        0 => " CHILDREN 2".to_owned(),
        1 | 2 => parent_of(number).map_or(String::new(), |parent| format!(" PARENT j{parent}")),
        3 => format!(" DELAY {DELAY_MS}"),
        in_group @ (4 | 5) => format!(" GROUP g{in_group}"),
        _ => String::new(),
    };
    format!(
        "JOB.ADD {QUEUE} j{number} p{number} PRIORITY {priority} RETRIES {retries} BACKOFF 300 TIMEOUT 900 \
         KEEP {KEEP_MS}{more}"
    )
}

/// The parent of a job, if it has one.
fn parent_of(number: u64) -> Option<u64> {
    let is_child = matches!(number % FAMILY, 1 | 2) && number > FAMILY;
    is_child.then_some(number / FAMILY * FAMILY)
}
