//! A stepped engine for tests: one thread, a disk that faults, a clock set by hand.
//!
//! The executor, log, gate and recovery are the production ones; only who steps them differs.

mod entropy;
mod late;
pub mod mutations;
pub mod shelf;
pub mod toy;
mod watch;

pub use toy::TOY;
pub use watch::line_of;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use self::entropy::SeededEntropy;
use crate::archive::Retention;
use crate::archive_times::AllArchiveTimes;
use crate::base::{Base, PlainBase};
use crate::checkpoint::{CheckpointError, Checkpointer, Progress};
use crate::clock::Clock;
use crate::contract::{
    Audit, Domain, FieldKind, Invalid, Outcome, Raw, Renderer, RequestDef, Status, Values, Writer,
    balance,
};
use crate::courier::Courier;
use crate::disk::FaultDisk;
use crate::engine::{
    Config, Door, Engine, Executor, Next, OpenError, Tender, Writer as LogStep, tables_of, with_own,
};
use crate::limits::{CHECKPOINT_EVERY_MS_DEFAULT, MEMORY_BYTES_MIN};
use crate::log::Space;
use crate::log::{Did, LogError, LogReport};
use crate::memory::Memory;
use crate::running::Running;
use crate::settings::Settings;
use crate::share::Shares;
use crate::sink::{Answer, ReplySink};
use crate::strikes::Strikes;
use crate::table::TableDef;

/// The domain with archives that are kept otherwise.
#[must_use]
pub fn keeping(domain: Domain, retention: Retention) -> Domain {
    let kept = |def: &TableDef| {
        let mut def = *def;
        def.retention = def.retention.map(|_| retention.checked());
        def
    };
    let tables = domain.tables.iter().map(kept);
    Domain {
        tables: Box::leak(tables.collect()),
        ..domain
    }
}

/// A clock that moves when told to.
#[derive(Clone, Debug)]
pub struct ManualClock {
    monotonic_us: Arc<AtomicU64>,
    wall_ms: Arc<AtomicU64>,
}

impl Default for ManualClock {
    fn default() -> Self {
        let wall_ms = Arc::new(AtomicU64::new(Self::START_MS));
        Self {
            monotonic_us: Arc::default(),
            wall_ms,
        }
    }
}

impl ManualClock {
    /// Where a fresh clock stands.
    pub const START_MS: u64 = 1_800_000_000_000;

    /// Time passes.
    pub fn advance_ms(&self, ms: u64) {
        self.monotonic_us.fetch_add(ms * 1_000, Ordering::Relaxed);
        self.wall_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Somebody sets the wall clock.
    pub fn set_wall_ms(&self, ms: u64) {
        self.wall_ms.store(ms, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn monotonic_us(&self) -> u64 {
        self.monotonic_us.load(Ordering::Relaxed)
    }

    fn wall_ms(&self) -> u64 {
        self.wall_ms.load(Ordering::Relaxed)
    }
}

/// Writes outcomes as one line for people: `name=value …`, lists in brackets.
struct Line;

impl Renderer for Line {
    fn render(&self, outcome: &Outcome<'_>, out: &mut Vec<u8>) {
        let mut line = LineWriter::default();
        match outcome {
            Outcome::Reply(reply) => reply.write_to(&mut line),
            Outcome::Refused(refusal) => {
                line.word(refusal.words().unwrap_or(refusal.def().code));
                refusal.facts(&mut line);
            }
            Outcome::Fault(fault) => line.word(fault.code()),
            Outcome::Pending(key) => line.word(format_args!("pending {key}")),
        }
        out.extend_from_slice(line.text.trim_end().as_bytes());
    }
}

#[derive(Default)]
struct LineWriter {
    text: String,
    closers: Vec<&'static str>,
}

impl LineWriter {
    fn word(&mut self, word: impl std::fmt::Display) {
        write!(self.text, "{word} ").expect("because a string takes all that is written");
    }

    fn open(&mut self, opener: &str, closer: &'static str) {
        self.text.push_str(opener);
        self.closers.push(closer);
    }
}

impl Writer for LineWriter {
    fn map(&mut self, _len: usize) {
        let (opener, closer) = if self.closers.is_empty() {
            ("", "")
        } else {
            ("{", "} ")
        };
        self.open(opener, closer);
    }
    fn name(&mut self, name: &str) {
        self.text.push_str(name);
        self.text.push('=');
    }
    fn list(&mut self, _len: usize) {
        self.open("[", "] ");
    }
    fn end(&mut self) {
        let trimmed = self.text.trim_end().len();
        let closer = self.closers.pop().unwrap_or_default();
        if !closer.is_empty() {
            self.text.truncate(trimmed);
        }
        self.text.push_str(closer);
    }
    fn text(&mut self, text: &str) {
        self.word(text);
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.escape_ascii());
    }
    fn integer(&mut self, value: i64) {
        self.word(value);
    }
    fn boolean(&mut self, value: bool) {
        self.word(value);
    }
    fn null(&mut self) {
        self.word("-");
    }
}

/// Takes answers down.
#[derive(Default)]
pub(crate) struct Recorder {
    answers: Mutex<BTreeMap<u64, (Status, String)>>,
    /// Tokens of those who take no answer any more.
    gone: Mutex<BTreeSet<u64>>,
}

impl Recorder {
    /// The answer to a token, if it was given.
    pub(crate) fn answer(&self, token: u64) -> Option<(Status, String)> {
        let taken = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        taken.get(&token).cloned()
    }
}

impl ReplySink for Recorder {
    fn renderer(&self) -> &dyn Renderer {
        &Line
    }

    /// Each request is as of a connection of its own.
    fn is_next(&self, _token: u64) -> bool {
        true
    }

    fn is_gone(&self, token: u64) -> bool {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.contains(&token)
    }

    fn deliver(&self, answers: &[Answer], start: usize, bytes: &[u8]) {
        let mut taken = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut start = start;
        for answer in answers {
            let text = String::from_utf8_lossy(&bytes[start..answer.end]).into_owned();
            let twice = taken.insert(answer.token, (answer.status, text));
            assert_eq!(twice, None, "a request is answered once");
            start = answer.end;
        }
    }
}

/// How often something may go to an executor which had had its turn before nothing is said to happen any more: a
/// command goes twice through all of its places.
const HOPS_MAX: usize = 32;

/// Little space: tests open many engines, and write what is executed before they execute more.
pub const SPACE: Space = Space {
    segment: 512 * 1024,
    reserve: 256 * 1024,
    ahead: 128 * 1024,
};

/// A rule that an engine under test breaks, so that its tests can be seen to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canary {
    /// Answers leave before what they rest on is durable.
    AnswerBeforeSync,
    /// A timer that is due vanishes.
    LoseTimer,
    /// A refused command leaves what it has written.
    SkipUndo,
    /// A letter that was taken in is taken in once more when it comes again.
    RepeatMail,
}

/// An engine that a test steps.
pub struct Stepper {
    door: Door,
    executors: Vec<Executor>,
    writer: LogStep,
    checkpointer: Checkpointer,
    tenders: [Tender; 3],
    strikes: Strikes,
    domains: Vec<Domain>,
    settings: Settings,
    recorder: Arc<Recorder>,
    next_token: u64,
    late: Vec<late::Late>,
    /// Calls to the outside.
    pub courier: Courier,
    /// What the log held when it was opened.
    pub report: LogReport,
    /// The disk beneath.
    pub disk: FaultDisk,
    /// The clock.
    pub clock: ManualClock,
}

impl Stepper {
    /// An engine on a disk and a clock, with four partitions.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open(
        domains: &[Domain],
        disk: &FaultDisk,
        clock: &ManualClock,
    ) -> Result<Self, OpenError> {
        Self::open_with(domains, disk, clock, (SPACE, false))
    }

    /// As [`Stepper::open`], with a log of this space, and following a clock that has jumped if told
    /// to.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_with(
        domains: &[Domain],
        disk: &FaultDisk,
        clock: &ManualClock,
        log: (Space, bool),
    ) -> Result<Self, OpenError> {
        let base = PlainBase::open(Arc::new(disk.clone()), &tables_of(domains))?;
        Self::open_over(domains, disk, clock, log, Arc::new(base))
    }

    /// As [`Stepper::open_with`], over this base.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_over(
        domains: &[Domain],
        disk: &FaultDisk,
        clock: &ManualClock,
        log: (Space, bool),
        base: Arc<dyn Base>,
    ) -> Result<Self, OpenError> {
        Self::open_told(domains, disk, clock, log, (base, Settings::default()))
    }

    /// As [`Stepper::open_over`], with settings for domains.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_told(
        domains: &[Domain],
        disk: &FaultDisk,
        clock: &ManualClock,
        (space, accept_clock_jump): (Space, bool),
        (base, settings): (Arc<dyn Base>, Settings),
    ) -> Result<Self, OpenError> {
        let config = Config {
            partitions: 4,
            executors: 2,
            space,
            memory: Memory::of(MEMORY_BYTES_MIN),
            shares: Shares::new(),
            archives: AllArchiveTimes::new(),
            settings: settings.clone(),
            checkpoint_every_ms: CHECKPOINT_EVERY_MS_DEFAULT,
            seed: 7,
            entropy: Arc::new(SeededEntropy::new(7)),
            reading: Arc::default(),
            accept_clock_jump,
        };
        let at_once = Box::new(|_: &'static str, work: Box<dyn FnOnce() + Send>| work());
        let (disk, clock) = (disk.clone(), clock.clone());
        let engine = Engine::open(
            &config,
            (Arc::new(disk.clone()), base),
            Arc::new(clock.clone()),
            domains,
            at_once,
        )?;
        Ok(Self {
            door: engine.door,
            executors: engine.executors,
            writer: engine.writer,
            checkpointer: engine.checkpointer,
            tenders: engine.tenders,
            strikes: engine.strikes,
            domains: domains.to_vec(),
            settings,
            recorder: Arc::default(),
            next_token: 1,
            late: Vec::new(),
            courier: engine.courier,
            report: engine.report,
            disk,
            clock,
        })
    }

    /// A fresh engine on a fresh disk.
    #[must_use]
    pub fn fresh(domains: &[Domain]) -> Self {
        Self::fresh_told(domains, Settings::default())
    }

    /// The same, with settings for domains.
    #[must_use]
    pub fn fresh_told(domains: &[Domain], settings: Settings) -> Self {
        let disk = FaultDisk::default();
        let base = PlainBase::open(Arc::new(disk.clone()), &tables_of(domains));
        let base = Arc::new(base.expect("because an empty disk opens"));
        let clock = ManualClock::default();
        let opened = Self::open_told(domains, &disk, &clock, (SPACE, false), (base, settings));
        opened.expect("because an empty disk opens")
    }

    /// Stops this engine and opens another on the same disk.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn reopen(self) -> Result<Self, OpenError> {
        let Self {
            domains,
            disk,
            clock,
            settings,
            ..
        } = self;
        let base = PlainBase::open(Arc::new(disk.clone()), &tables_of(&domains))?;
        let told = (Arc::new(base) as Arc<dyn Base>, settings);
        Self::open_told(&domains, &disk, &clock, (SPACE, false), told)
    }

    /// The door, for submitting by hand.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// Submits a command given as words, of which `""` is the empty one; gives the token of its answer.
    ///
    /// # Errors
    /// The field that is missing or wrong.
    pub fn submit(&mut self, words: &str) -> Result<u64, Invalid> {
        let words = words.split_whitespace();
        let words: Vec<&str> = words
            .map(|word| if word == "\"\"" { "" } else { word })
            .collect();
        let (at, def) = find(self.door.domains(), words[0]);
        let list = list_of(&def, &words[1..]);
        let values = values_of(&def, &words[1..], &list);
        let work = def.read(&Values(&values))?;
        self.door.check(&work)?;
        let token = self.next_token;
        self.next_token += 1;
        let sink: Arc<dyn ReplySink> = Arc::clone(&self.recorder) as Arc<dyn ReplySink>;
        self.door.submit(at, &def, work, &sink, token);
        Ok(token)
    }

    /// Whether executors have taken in whatever has come.
    #[must_use]
    pub fn is_taken_in(&self) -> bool {
        self.door.is_empty()
    }

    /// Engine time.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.door.now_ms()
    }

    /// Breaks a rule from now on, to see it noticed.
    pub fn break_rule(&mut self, canary: Canary) {
        for executor in &mut self.executors {
            executor.break_rule(canary);
        }
    }

    /// Steps every executor once, reads whatever is waited for, and gives subscribers what has come.
    pub fn execute(&mut self) -> bool {
        let more = self.execute_without_base() | self.read_all();
        self.door.tell_step(false);
        more
    }

    /// Steps every executor once. What they ask the base for is not read yet.
    pub fn execute_without_base(&mut self) -> bool {
        let mut more = false;
        for executor in &mut self.executors {
            more |= executor.step() == Next::Now;
        }
        more
    }

    /// Whether nothing keeps the executors from ending.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.executors.iter().all(Executor::is_quiet)
    }

    /// Counts from now on how often an executor is woken. Once only.
    #[must_use]
    pub fn count_wakes(&mut self) -> Arc<AtomicU64> {
        let wakes = Arc::new(AtomicU64::new(0));
        for executor in &self.executors {
            let wakes = Arc::clone(&wakes);
            executor.set_waker(Box::new(move || {
                wakes.fetch_add(1, Ordering::Relaxed);
            }));
        }
        wakes
    }

    /// Steps the checkpointer once.
    ///
    /// # Errors
    /// The base, the mark or the log failed.
    pub fn checkpoint_step(&mut self) -> Result<Progress, CheckpointError> {
        self.checkpointer.step()
    }

    /// What a checkpoint does where it is ahead.
    pub fn set_pause(&mut self, pause: impl FnMut() + Send + 'static) {
        self.checkpointer.set_pause(Box::new(pause));
    }

    /// Asks for a checkpoint though none is due.
    pub fn ask_checkpoint(&self) {
        self.checkpointer.ask();
    }

    /// Says that no further checkpoint comes.
    pub fn finish_checkpoints(&self) {
        self.checkpointer.finish();
    }

    /// Notes what this thread was running when it panicked, as a process does before it ends.
    pub fn strike(&self) {
        let running = Running::here().expect("because something was running");
        let noted = self.strikes.note(&running);
        noted.expect("because no fault was injected");
    }

    /// Steps what keeps the base in order.
    pub fn tend(&mut self) {
        for tender in &mut self.tenders {
            let tended = tender.step();
            tended.expect("because no file is damaged");
        }
    }

    /// Takes all rows to the base, so that nothing is known of them in memory any more.
    pub fn checkpoint(&mut self) {
        self.settle();
        self.ask_checkpoint();
        self.settle();
    }

    /// Takes to the base what is written, though more is under way: what comes of letters that leave
    /// meanwhile is not written, and not in the base.
    pub fn checkpoint_under_way(&mut self) {
        self.ask_checkpoint();
        let ended = self.door.metrics().checkpoints.get();
        while self.door.metrics().checkpoints.get() == ended {
            let went_on = self.checkpoint_step();
            went_on.expect("because no fault was injected");
            self.execute();
        }
    }

    /// Steps the log writer once.
    ///
    /// # Errors
    /// The log failed.
    pub fn write(&mut self) -> Result<Did, LogError> {
        self.writer.step()
    }

    /// Covers the last group with a mark, as an idle writer does.
    ///
    /// # Errors
    /// The log failed.
    pub fn seal(&mut self) -> Result<(), LogError> {
        self.writer.seal()
    }

    /// Steps everything until nothing more happens at this moment.
    pub fn settle(&mut self) {
        let mut idle_rounds = 0;
        loop {
            let more = self.execute();
            let wrote = self.write().expect("because no fault was injected") == Did::Wrote;
            let went_on = self
                .checkpoint_step()
                .expect("because no fault was injected");
            let is_idle = !(more || wrote || went_on == Progress::Made);
            idle_rounds = if is_idle { idle_rounds + 1 } else { 0 };
            // What left for an executor which had had its turn is seen in the next round.
            if is_idle && (self.door.is_empty() || idle_rounds > HOPS_MAX) {
                return;
            }
        }
    }

    /// The answer to a token, if it has left the gate.
    #[must_use]
    pub fn answer(&self, token: u64) -> Option<(Status, String)> {
        self.recorder.answer(token)
    }

    /// Who has asked this takes no answer any more.
    pub fn leave(&self, token: u64) {
        let gone = self.recorder.gone.lock();
        gone.unwrap_or_else(PoisonError::into_inner).insert(token);
    }

    /// Runs one command to its durable answer.
    pub fn call(&mut self, words: &str) -> String {
        match self.submit(words) {
            Ok(token) => {
                self.settle();
                self.answer(token)
                    .expect("because a settled engine has answered")
                    .1
            }
            Err(Invalid { field, message, .. }) => format!("invalid: {field} {message}"),
        }
    }

    /// Time passes, and whatever is due happens.
    pub fn pass_ms(&mut self, ms: u64) {
        self.clock.advance_ms(ms);
        self.settle();
    }

    /// From now on (or no more) timers do not fire, as if a backlog kept them waiting.
    pub fn suspend_timers(&mut self, suspended: bool) {
        for executor in &mut self.executors {
            executor.suspend_timers(suspended);
        }
    }

    /// Recomputes all laws from the rows.
    #[must_use]
    pub fn audit(&self) -> Audit {
        let domains = with_own(&self.domains);
        let audit = balance(|tell: &mut dyn FnMut(Audit)| {
            let mut executors = self.executors.iter();
            executors.try_for_each(|executor| executor.audit(&domains, tell))
        });
        audit.expect("because no file is damaged")
    }
}

/// The bytes of a row or a letter, as they are stored, in hexadecimal.
#[must_use]
pub fn hex(row: &impl minicbor::Encode<()>) -> String {
    let bytes = minicbor::to_vec(row).expect("because writing to memory does not fail");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn find(domains: &[Domain], name: &str) -> (usize, RequestDef) {
    let all = domains.iter().enumerate();
    let mut named = all.flat_map(|(at, domain)| domain.requests.iter().map(move |def| (at, *def)));
    named
        .find(|(_, def)| def.resp == name)
        .unwrap_or_else(|| panic!("no request {name}"))
}

/// The values of the items of a request's list, if it has one: they stand where its position is, or behind its word.
fn list_of<'a>(def: &RequestDef, words: &[&'a str]) -> Vec<Option<Raw<'a>>> {
    if def.is_spoken() {
        let all = words.iter().map(|word| Some(Raw::Text(word.as_bytes())));
        return all.collect();
    }
    let fields = def.fields.iter().enumerate();
    let mut lists = fields.filter_map(|(at, field)| match field.kind {
        FieldKind::List { fields, .. } => Some((at, field, fields.len())),
        FieldKind::Name
        | FieldKind::Id
        | FieldKind::Payload { .. }
        | FieldKind::Bytes { .. }
        | FieldKind::Address
        | FieldKind::Integer { .. }
        | FieldKind::Grammar(_)
        | FieldKind::Word(_) => None,
    });
    let Some((at, field, width)) = lists.next() else {
        return Vec::new();
    };
    let at = match field.word {
        Some(own) => words.iter().position(|word| *word == own).map(|at| at + 1),
        None => Some(at),
    };
    let Some(count) = at.and_then(|at| words.get(at)) else {
        return Vec::new();
    };
    let items: usize = count.parse().expect("a list begins with its count");
    let values = words[at.unwrap_or_default() + 1..]
        .iter()
        .take(items * width);
    values
        .map(|word| Some(Raw::Text(word.as_bytes())))
        .collect()
}

fn values_of<'a>(
    def: &RequestDef,
    words: &[&'a str],
    list: &'a [Option<Raw<'a>>],
) -> Vec<Option<Raw<'a>>> {
    if def.is_spoken() {
        return vec![Some(Raw::List(list))];
    }
    let mut values = vec![None; def.fields.len()];
    let mut words = words.iter();
    for (value, field) in values.iter_mut().zip(def.fields) {
        if field.word.is_some() {
            continue;
        }
        if let FieldKind::List { .. } = field.kind {
            words.by_ref().take(list.len() + 1).for_each(drop);
            *value = (field.required || !list.is_empty()).then_some(Raw::List(list));
        } else {
            *value = words.next().map(|word| Raw::Text(word.as_bytes()));
        }
    }
    while let (Some(word), Some(value)) = (words.next(), words.next()) {
        let at = def.fields.iter().position(|field| field.word == Some(word));
        let at = at.unwrap_or_else(|| panic!("{} has no option {word}", def.resp));
        values[at] = if let FieldKind::List { .. } = def.fields[at].kind {
            words.by_ref().take(list.len()).for_each(drop);
            Some(Raw::List(list))
        } else {
            Some(Raw::Text(value.as_bytes()))
        };
    }
    values
}
