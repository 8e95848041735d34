//! `JOB.SET`, `PAUSE`, `RESUME`, `DRAIN`: what a queue lets begin.

use tidegate_engine::contract::{Apply, Name, RefusalDef, Timer};
use tidegate_engine::{KeyReader, Missing, Reads, Stop, Tx};

use crate::command::{Drain, Pause, Resume, Set};
use crate::group::Gate;
use crate::hand::word_of_takers;
use crate::limits::{Batch, Halt, Limit, Limits};
use crate::line::{GATHER_LINE, Of};
use crate::refusal::{CONFLICTING_LIMITS, UNKNOWN_QUEUE, VERSION_CHANGED};
use crate::reply::QueueInfo;
use crate::table::{DOMAIN, QUEUES, Queue};
use crate::{Refusal, STEP_MAX};

/// A queue lets its next job begin.
pub(crate) const OPEN: Timer = Timer::new(DOMAIN, 6, open, |reads, mut owner| {
    reads.row(&QUEUES, owner.text().unwrap_or_default());
});

/// What gathers in groups of a queue that drains is let in, some groups at a time.
pub(crate) const FLUSH: Timer = Timer::new(DOMAIN, 8, flush, |reads, mut owner| {
    let name = owner.text().unwrap_or_default();
    let queue = reads.get(&QUEUES, name);
    let line = queue.as_ref().and_then(|queue| queue.line_at(GATHER_LINE));
    for key in line.map_or_else(Vec::new, |line| {
        line.read_first(reads, Of::Queue(name), STEP_MAX)
    }) {
        Gate::reads(reads, name, &key);
    }
});

/// A group lets its next job in, or is forgotten.
pub(crate) const OPEN_GROUP: Timer = Timer::new(DOMAIN, 7, open_group, |reads, mut owner| {
    let (name, key) = (owner.text(), owner.text());
    reads.row(&QUEUES, name.unwrap_or_default());
    Gate::reads(reads, name.unwrap_or_default(), key.unwrap_or_default());
});

impl Apply for Set {
    type Reply = QueueInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[VERSION_CHANGED, CONFLICTING_LIMITS];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&QUEUES, self.queue.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<QueueInfo, Stop<Refusal>> {
        let name = self.queue.as_str();
        let mut queue = tx.get(&QUEUES, name)?.unwrap_or_default();
        let version = queue.version;
        if self
            .if_version
            .is_some_and(|expected| expected.get() != version)
        {
            return Err(Refusal::VersionChanged { version }.into());
        }
        let limits = self.limits();
        if limits.batch.is_some() && !limits.group.is_none() {
            return Err(Refusal::ConflictingLimits.into());
        }
        if limits != queue.limits() || version == 0 {
            queue.limits = (limits != Limits::default()).then(|| Box::new(limits));
            queue.version += 1;
            queue.offer_all(tx, name);
            tx.put(&QUEUES, name, &queue);
        }
        Ok(queue.info(name))
    }
}

impl Set {
    fn limits(&self) -> Limits {
        let limit = |concurrency: u64, rate: u64, per_ms: u64, burst: u64| Limit {
            concurrency,
            rate,
            per_ms: if rate > 0 { per_ms } else { 0 },
            burst: if rate > 0 { burst } else { 0 },
        };
        Limits {
            queue: limit(
                self.concurrency.get(),
                self.rate.get(),
                self.per_ms.get(),
                self.burst.get(),
            ),
            group: limit(
                self.group_concurrency.get(),
                self.group_rate.get(),
                self.group_per_ms.get(),
                self.group_burst.get(),
            ),
            batch: self.batch(),
        }
    }

    /// A job that is taken together with none is taken by itself.
    fn batch(&self) -> Option<Batch> {
        let jobs = self.aggregate.get();
        (jobs > 1).then(|| Batch {
            jobs,
            bytes: self.max_bytes.get(),
            grace_ms: self.grace_ms.get(),
            delay_ms: self.max_delay_ms.get(),
        })
    }
}

impl Apply for Pause {
    type Reply = QueueInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_QUEUE];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&QUEUES, self.queue.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<QueueInfo, Stop<Refusal>> {
        halt(tx, &self.queue, Some(Halt::Paused))
    }
}

impl Apply for Drain {
    type Reply = QueueInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_QUEUE];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&QUEUES, self.queue.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<QueueInfo, Stop<Refusal>> {
        halt(tx, &self.queue, Some(Halt::Draining))
    }
}

impl Apply for Resume {
    type Reply = QueueInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_QUEUE];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&QUEUES, self.queue.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<QueueInfo, Stop<Refusal>> {
        halt(tx, &self.queue, None)
    }
}

/// A queue does this, or all again, from now on.
fn halt(tx: &mut Tx<'_>, name: &Name, halt: Option<Halt>) -> Result<QueueInfo, Stop<Refusal>> {
    let name = name.as_str();
    let queue = tx.get(&QUEUES, name)?;
    let mut queue = queue.ok_or(Refusal::UnknownQueue)?;
    if queue.halt != halt {
        queue.halt = halt;
        queue.flush_at(tx, name, tx.now_ms());
        queue.offer_all(tx, name);
        tx.put(&QUEUES, name, &queue);
    }
    Ok(queue.info(name))
}

impl Queue {
    /// If it drains, and anything gathers, that is let in at this time.
    fn flush_at(&mut self, tx: &mut Tx<'_>, name: &str, at_ms: u64) {
        let gathers = self.line_at(GATHER_LINE).is_some_and(|line| line.live > 0);
        if self.flushes() && gathers && self.flushes_at_ms.is_none() {
            tx.wake_at(&FLUSH, at_ms, name);
            self.flushes_at_ms = Some(at_ms);
        }
    }
}

fn flush(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let name = owner.text().unwrap_or_default();
    let Some(mut queue) = tx.get(&QUEUES, name)? else {
        return Ok(());
    };
    queue.flushes_at_ms = None;
    for _ in 0..STEP_MAX {
        let line = queue.line_at(GATHER_LINE).copied();
        let Some(line) = line.filter(|line| line.live > 0 && queue.flushes()) else {
            break;
        };
        let key = line.first(tx, Of::Queue(name))?;
        let mut gate = Gate::of(tx, name, &key)?;
        gate.let_in(tx, &mut queue)?;
        gate.put(tx);
    }
    queue.flush_at(tx, name, tx.now_ms() + 1);
    tx.put(&QUEUES, name, queue);
    Ok(())
}

fn open(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let name = owner.text().unwrap_or_default();
    if let Some(mut queue) = tx.get(&QUEUES, name)? {
        queue.opens_at_ms = None;
        tx.tell_some(&word_of_takers(name), 1);
        tx.put(&QUEUES, name, queue);
    }
    Ok(())
}

fn open_group(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, key) = (owner.text(), owner.text());
    let (name, key) = (name.unwrap_or_default(), key.unwrap_or_default());
    let Some(mut queue) = tx.get(&QUEUES, name)? else {
        return Ok(());
    };
    let mut gate = Gate::of(tx, name, key)?;
    gate.row.opens_at_ms = None;
    gate.let_in(tx, &mut queue)?;
    gate.put(tx);
    tx.put(&QUEUES, name, queue);
    Ok(())
}
