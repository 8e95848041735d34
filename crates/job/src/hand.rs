//! A job in hand, with its queue: it goes from one place to another, and the rows that say so go with it.

use compact_str::{CompactString, format_compact};
use tidegate_engine::{Missing, Reads, Tx};

use crate::apply::{DEADLINE, FORGET, LEASE_END, WAKE};
use crate::event::JobDied;
use crate::group::Gate;
use crate::limits::Limits;
use crate::line::{DEAD_LINE, Of, PARENT_LINE, line_of};
use crate::mail::ChildEnded;
use crate::table::{BODIES, JOBS, Job, Kept, QUEUES, Queue, Stand, Which};

/// Where a job goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// It is due then.
    Wait { due_ms: u64 },
    /// It may be taken.
    Line,
    /// It is taken until then.
    Work { until_ms: u64 },
    /// It is done, or cancelled, and kept for a while.
    Rest { is_done: bool },
    /// It waits for people.
    Dead,
    /// It waits for its children.
    Children,
}

/// A job of a queue, and the queue.
pub(crate) struct Hand<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: &'a str,
    pub(crate) queue: Queue,
    pub(crate) job: Job,
}

/// What those wait for who would take a job of a queue. No name has this character.
pub(crate) fn word_of_takers(queue: &str) -> CompactString {
    format_compact!("{queue}\u{1}")
}

/// What those wait for who would know what came of a job.
pub(crate) fn word_of_job(queue: &str, id: &str) -> CompactString {
    format_compact!("{queue}\u{2}{id}")
}

impl<'a> Hand<'a> {
    /// A job that is there.
    pub(crate) fn of(tx: &mut Tx<'_>, name: &'a str, id: &'a str) -> Result<Option<Self>, Missing> {
        let queue = tx.get(&QUEUES, name)?;
        let job = tx.get(&JOBS, (name, id))?;
        Ok(queue.zip(job).map(|(queue, job)| Self {
            name,
            id,
            queue,
            job,
        }))
    }

    /// Names the rows that most commands about a job read.
    pub(crate) fn reads(reads: &mut Reads<'_>, name: &str, id: &str) {
        let Some(queue) = reads.get(&QUEUES, name) else {
            return reads.row(&JOBS, (name, id));
        };
        if let Some(job) = reads.get(&JOBS, (name, id)) {
            read_neighbours(reads, name, &queue, &job);
            if let Some(group) = &job.group {
                Gate::reads(reads, name, group);
            }
        }
    }

    /// It goes to another place.
    pub(crate) fn go(&mut self, tx: &mut Tx<'_>, to: To) -> Result<(), Missing> {
        let ran = matches!(self.job.stand, Stand::Running(_));
        self.leave(tx)?;
        if !matches!(to, To::Work { .. }) {
            self.leave_group(tx)?;
            if ran && self.queue.limits().queue.concurrency > 0 {
                tx.tell_some(&word_of_takers(self.name), 1);
            }
        }
        self.enter(tx, to)
    }

    /// It stands nowhere, and goes to a place.
    pub(crate) fn enter(&mut self, tx: &mut Tx<'_>, to: To) -> Result<(), Missing> {
        self.job.stand = match to {
            To::Wait { due_ms } => {
                tx.wake_at(&WAKE, due_ms, (self.name, self.id));
                self.queue.scheduled += 1;
                Stand::Scheduled(due_ms)
            }
            To::Line => self.line_up(tx)?,
            To::Work { until_ms } => {
                tx.wake_at(&LEASE_END, until_ms, (self.name, self.id));
                self.queue.running += 1;
                Stand::Running(until_ms)
            }
            To::Rest { is_done } => self.rest(tx, is_done),
            To::Dead => self.die(tx),
            To::Children => {
                let line = self.queue.line(PARENT_LINE);
                Stand::Waiting(line.push(tx, Of::Queue(self.name), self.id))
            }
        };
        Ok(())
    }

    /// It may be taken, or waits in the line of its group until it may.
    fn line_up(&mut self, tx: &mut Tx<'_>) -> Result<Stand, Missing> {
        let Limits {
            group: limit,
            batch,
            ..
        } = self.queue.limits();
        let bytes = self.job.payload_bytes();
        if let (Some(group), Some(batch)) = (&self.job.group, batch) {
            let mut gate = Gate::of(tx, self.name, group)?;
            let is_free = gate.row.line.live == 0 && gate.row.admitted == 0;
            let is_due = self.queue.flushes() || bytes >= batch.bytes;
            if !(is_free && is_due) {
                let place = gate.push(tx, self.id, bytes);
                self.queue.blocked += 1;
                gate.gather(tx, &mut self.queue, &batch)?;
                gate.put(tx);
                return Ok(Stand::Blocked(place));
            }
            // It would be let in at once, and has no row yet from which that could be done.
            self.job.is_admitted = true;
            gate.row.admitted += 1;
            gate.put(tx);
        } else if let Some(group) = self.job.group.clone().filter(|_| !limit.is_none()) {
            let mut gate = Gate::of(tx, self.name, &group)?;
            self.job.is_admitted = gate.admit(&limit, tx.now_ms());
            if !self.job.is_admitted {
                let place = gate.push(tx, self.id, bytes);
                gate.open_in_time(tx, &limit);
                gate.put(tx);
                self.queue.blocked += 1;
                return Ok(Stand::Blocked(place));
            }
            gate.put(tx);
        }
        let line = self.queue.line(line_of(self.job.priority));
        let place = line.push(tx, Of::Queue(self.name), self.id);
        tx.tell_some(&word_of_takers(self.name), 1);
        Ok(Stand::Ready(place))
    }

    /// It is no more one of those that its group has let in: others may be.
    pub(crate) fn leave_group(&mut self, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let is_admitted = std::mem::take(&mut self.job.is_admitted);
        if let Some(group) = self.job.group.clone().filter(|_| is_admitted) {
            let mut gate = Gate::of(tx, self.name, &group)?;
            gate.row.admitted -= 1;
            gate.let_in(tx, &mut self.queue)?;
            gate.put(tx);
        }
        Ok(())
    }

    /// Leaves the place where it stands.
    fn leave(&mut self, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let key = (self.name, self.id);
        match self.job.stand {
            Stand::Scheduled(due_ms) => {
                tx.cancel(&WAKE, due_ms, key);
                self.queue.scheduled -= 1;
            }
            Stand::Ready(place) => {
                let line = self.queue.line(line_of(self.job.priority));
                line.leave(tx, Of::Queue(self.name), place)?;
            }
            Stand::Running(until_ms) => {
                tx.cancel(&LEASE_END, until_ms, key);
                self.queue.running -= 1;
            }
            Stand::Done(until_ms) => {
                tx.cancel(&FORGET, until_ms, key);
                self.queue.done -= 1;
            }
            Stand::Dead(place) => {
                let line = self.queue.line(DEAD_LINE);
                line.leave(tx, Of::Queue(self.name), place)?;
                let tail = line.tail;
                if let Some(sweep) = &mut self.queue.sweep {
                    sweep.end = sweep.end.min(tail); // Who dies from now on stands behind it.
                }
            }
            Stand::Cancelled(until_ms) => {
                tx.cancel(&FORGET, until_ms, key);
                self.queue.cancelled -= 1;
            }
            Stand::Waiting(place) => {
                let line = self.queue.line(PARENT_LINE);
                line.leave(tx, Of::Queue(self.name), place)?;
            }
            Stand::Blocked(place) => {
                let group = self.job.group.clone().unwrap_or_default();
                let mut gate = Gate::of(tx, self.name, &group)?;
                let bytes = self.job.payload_bytes();
                gate.leave(tx, &mut self.queue, (place, bytes))?;
                gate.put(tx);
                self.queue.blocked -= 1;
            }
        }
        Ok(())
    }

    /// It has ended, and what is to be done need not be known any more.
    fn rest(&mut self, tx: &mut Tx<'_>, is_done: bool) -> Stand {
        let until_ms = tx.now_ms() + self.job.terms().keep_ms;
        tx.wake_at(&FORGET, until_ms, (self.name, self.id));
        self.end(tx);
        self.tell_parent(tx);
        self.drop_body(tx, Which::Payload);
        if is_done {
            self.queue.done += 1;
            Stand::Done(until_ms)
        } else {
            self.queue.cancelled += 1;
            Stand::Cancelled(until_ms)
        }
    }

    fn die(&mut self, tx: &mut Tx<'_>) -> Stand {
        self.end(tx);
        let event = JobDied {
            id: CompactString::new(self.id),
            tries: self.job.tries.into(),
            error: self.job.error.as_deref().map(CompactString::new),
        };
        tx.emit(self.name, &event);
        let line = self.queue.line(DEAD_LINE);
        Stand::Dead(line.push(tx, Of::Queue(self.name), self.id))
    }

    fn end(&mut self, tx: &mut Tx<'_>) {
        self.job.ended_at_ms = Some(tx.now_ms());
        if let Some(deadline_ms) = self.job.deadline_ms {
            tx.cancel(&DEADLINE, deadline_ms, (self.name, self.id));
        }
        tx.tell(&word_of_job(self.name, self.id));
    }

    /// It has ended, or is dropped, and its parent waits for it no more.
    fn tell_parent(&self, tx: &mut Tx<'_>) {
        if let Some(parent) = &self.job.parent {
            let id = parent.id.clone();
            tx.send(&parent.queue, &ChildEnded { id });
        }
    }

    /// It is gone, with all that it has.
    pub(crate) fn forget(mut self, tx: &mut Tx<'_>) -> Result<(), Missing> {
        if let Stand::Dead(_) = self.job.stand {
            self.tell_parent(tx);
        }
        self.leave(tx)?;
        self.drop_body(tx, Which::Payload);
        self.drop_body(tx, Which::Result);
        tx.remove(&JOBS, (self.name, self.id));
        tx.put(&QUEUES, self.name, self.queue);
        Ok(())
    }

    /// Stores it, and its queue; gives the queue back, for its next job.
    pub(crate) fn put(self, tx: &mut Tx<'_>) -> Queue {
        tx.put(&JOBS, (self.name, self.id), &self.job);
        tx.put(&QUEUES, self.name, &self.queue);
        self.queue
    }

    fn drop_body(&mut self, tx: &mut Tx<'_>, which: Which) {
        let kept = match which {
            Which::Payload => &mut self.job.payload,
            Which::Result => &mut self.job.result,
        };
        if let Some(Kept::Beside(_)) = kept.take() {
            tx.remove(&BODIES, (self.name, self.id, which.key()));
        }
    }
}

/// Names what may change beside a job that leaves the line in which it stands.
fn read_neighbours(reads: &mut Reads<'_>, name: &str, queue: &Queue, job: &Job) {
    let (number, place) = match job.stand {
        Stand::Ready(place) => (line_of(job.priority), place),
        Stand::Dead(place) => (DEAD_LINE, place),
        Stand::Waiting(place) => (PARENT_LINE, place),
        Stand::Scheduled(_)
        | Stand::Running(_)
        | Stand::Done(_)
        | Stand::Cancelled(_)
        | Stand::Blocked(_) => return,
    };
    if let Some(line) = queue.line_at(number) {
        line.read_beside(reads, Of::Queue(name), place);
    }
}
