//! `JOB.SET`, `PAUSE`, `RESUME`, `DRAIN`: what a queue lets begin.

use tidegate_engine::contract::{Apply, Name, RefusalDef, Timer};
use tidegate_engine::{KeyReader, Missing, Reads, Stop, Tx};

use crate::Refusal;
use crate::command::{Drain, Pause, Resume, Set};
use crate::group::Gate;
use crate::hand::word_of_takers;
use crate::limits::{Halt, Limit, Limits};
use crate::refusal::{UNKNOWN_QUEUE, VERSION_CHANGED};
use crate::reply::QueueInfo;
use crate::table::{DOMAIN, QUEUES};

/// A queue lets its next job begin.
pub(crate) const OPEN: Timer = Timer::new(DOMAIN, 6, open, |reads, mut owner| {
    reads.row(&QUEUES, owner.text().unwrap_or_default());
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
    const REFUSALS: &'static [RefusalDef] = &[VERSION_CHANGED];

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
        }
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
        queue.offer_all(tx, name);
        tx.put(&QUEUES, name, &queue);
    }
    Ok(queue.info(name))
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
