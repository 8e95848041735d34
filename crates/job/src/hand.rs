//! A job in hand, with its queue: it goes from one place to another, and the rows that say so go with it.

use compact_str::{CompactString, format_compact};
use minicbor::bytes::ByteVec;
use tidegate_engine::{Missing, Reads, Tx};

use crate::INLINE_BYTES_MAX;
use crate::apply::{DEADLINE, FORGET, LEASE_END, WAKE};
use crate::event::JobDied;
use crate::line::{DEAD_LINE, Line, line_of};
use crate::table::{BODIES, Body, JOBS, Job, JobState, Kept, LINES, QUEUES, Queue, Stand, Which};

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
        }
    }

    /// It goes to another place.
    pub(crate) fn go(&mut self, tx: &mut Tx<'_>, to: To) -> Result<(), Missing> {
        self.leave(tx)?;
        self.enter(tx, to);
        Ok(())
    }

    /// It stands nowhere, and goes to a place.
    pub(crate) fn enter(&mut self, tx: &mut Tx<'_>, to: To) {
        self.job.stand = match to {
            To::Wait { due_ms } => {
                tx.wake_at(&WAKE, due_ms, (self.name, self.id));
                self.queue.scheduled += 1;
                Stand::Scheduled(due_ms)
            }
            To::Line => {
                let line = self.queue.line(line_of(self.job.priority));
                let place = line.push(tx, self.name, self.id);
                tx.tell_some(&word_of_takers(self.name), 1);
                Stand::Ready(place)
            }
            To::Work { until_ms } => {
                tx.wake_at(&LEASE_END, until_ms, (self.name, self.id));
                self.queue.running += 1;
                Stand::Running(until_ms)
            }
            To::Rest { is_done } => self.rest(tx, is_done),
            To::Dead => self.die(tx),
        };
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
                line.leave(tx, self.name, place)?;
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
                line.leave(tx, self.name, place)?;
                let tail = line.tail;
                if let Some(sweep) = &mut self.queue.sweep {
                    sweep.end = sweep.end.min(tail); // Who dies from now on stands behind it.
                }
            }
            Stand::Cancelled(until_ms) => {
                tx.cancel(&FORGET, until_ms, key);
                self.queue.cancelled -= 1;
            }
        }
        Ok(())
    }

    /// It has ended, and what is to be done need not be known any more.
    fn rest(&mut self, tx: &mut Tx<'_>, is_done: bool) -> Stand {
        let until_ms = tx.now_ms() + self.job.terms().keep_ms;
        tx.wake_at(&FORGET, until_ms, (self.name, self.id));
        self.end(tx);
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
        let place = self.queue.line(DEAD_LINE).push(tx, self.name, self.id);
        Stand::Dead(place)
    }

    fn end(&mut self, tx: &mut Tx<'_>) {
        self.job.ended_at_ms = Some(tx.now_ms());
        if let Some(deadline_ms) = self.job.deadline_ms {
            tx.cancel(&DEADLINE, deadline_ms, (self.name, self.id));
        }
        tx.tell(&word_of_job(self.name, self.id));
    }

    /// A try has failed: it is tried again after a rest, or is dead.
    pub(crate) fn fail(
        &mut self,
        tx: &mut Tx<'_>,
        error: Option<String>,
        rest: Rest,
    ) -> Result<(), Missing> {
        let (terms, tries) = (self.job.terms(), self.job.tries);
        self.job.error = error;
        let rest_ms = match rest {
            Rest::Usual => Some(terms.rest_ms(self.job.number, tries)),
            Rest::For(rest_ms) => Some(rest_ms),
            Rest::Never => None,
        };
        match rest_ms.filter(|_| tries <= terms.retries) {
            Some(rest_ms) => {
                let due_ms = tx.now_ms() + rest_ms;
                self.go(tx, To::Wait { due_ms })
            }
            None => self.go(tx, To::Dead),
        }
    }

    /// It is ready as if it had never been tried.
    pub(crate) fn replay(&mut self, tx: &mut Tx<'_>) -> Result<(), Missing> {
        self.job.tries = 0;
        self.job.deadline_ms = None;
        self.job.ended_at_ms = None;
        self.go(tx, To::Line)
    }

    /// Whether nobody may begin or end it any more.
    pub(crate) fn is_past_deadline(&self, now_ms: u64) -> bool {
        self.job
            .deadline_ms
            .is_some_and(|deadline_ms| deadline_ms <= now_ms)
    }

    /// Its deadline has passed.
    pub(crate) fn expire(&mut self, tx: &mut Tx<'_>) -> Result<(), Missing> {
        self.fail(tx, Some("its deadline has passed".to_owned()), Rest::Never)
    }

    /// When a lease ends that begins now, or lasts anew.
    pub(crate) fn lease_until_ms(&self, now_ms: u64) -> u64 {
        let until_ms = now_ms + self.job.terms().timeout_ms;
        self.job
            .deadline_ms
            .map_or(until_ms, |deadline_ms| deadline_ms.min(until_ms))
    }

    /// It is gone, with all that it has.
    pub(crate) fn forget(mut self, tx: &mut Tx<'_>) -> Result<(), Missing> {
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

/// How long a job rests that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// As its backoff has it.
    Usual,
    For(u64),
    /// It is dead.
    Never,
}

/// Names what may change beside a job that leaves the line in which it stands.
fn read_neighbours(reads: &mut Reads<'_>, name: &str, queue: &Queue, job: &Job) {
    let (number, place) = match job.stand {
        Stand::Ready(place) => (line_of(job.priority), place),
        Stand::Dead(place) => (DEAD_LINE, place),
        Stand::Scheduled(_) | Stand::Running(_) | Stand::Done(_) | Stand::Cancelled(_) => return,
    };
    let line = queue.line_at(number);
    for beside in [place.checked_sub(1), Some(place + 1)]
        .into_iter()
        .flatten()
    {
        if line.is_some_and(|line| (line.head..line.tail).contains(&beside)) {
            reads.row(&LINES, (name, number, beside));
        }
    }
}

/// Keeps bytes in the row of a job, or beside it.
pub(crate) fn keep(tx: &mut Tx<'_>, (name, id, which): (&str, &str, Which), bytes: &[u8]) -> Kept {
    let kept = ByteVec::from(bytes.to_vec());
    if bytes.len() <= INLINE_BYTES_MAX {
        return Kept::Here(kept);
    }
    tx.put(&BODIES, (name, id, which.key()), Body { bytes: kept });
    Kept::Beside(bytes.len() as u64)
}

/// The bytes that were kept so.
pub(crate) fn kept(
    tx: &mut Tx<'_>,
    (name, id, which): (&str, &str, Which),
    row: Option<&Kept>,
) -> Result<Option<ByteVec>, Missing> {
    Ok(match row {
        None => None,
        Some(Kept::Here(bytes)) => Some(bytes.clone()),
        Some(Kept::Beside(_)) => {
            let body = tx.get(&BODIES, (name, id, which.key()))?;
            let body =
                body.expect("because the row says that it lies there, and is written with it");
            Some(body.bytes)
        }
    })
}

impl Kept {
    /// How many bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Here(bytes) => bytes.len() as u64,
            Self::Beside(bytes) => *bytes,
        }
    }
}

impl Queue {
    /// A line, which it has from now on.
    pub(crate) fn line(&mut self, number: u8) -> &mut Line {
        let at = match self.lines.binary_search_by_key(&number, |line| line.number) {
            Ok(at) => at,
            Err(at) => {
                self.lines.insert(at, Line::new(number));
                at
            }
        };
        &mut self.lines[at]
    }

    /// A line, if anybody has ever stood in it.
    pub(crate) fn line_at(&self, number: u8) -> Option<&Line> {
        self.lines.iter().find(|line| line.number == number)
    }

    /// Lines of priorities that have somebody in them, the highest first.
    pub(crate) fn lines_of_ready(&self) -> impl Iterator<Item = &Line> {
        let lines = self.lines.iter();
        lines.filter(|line| line.number < DEAD_LINE && line.live > 0)
    }

    /// The first of them.
    pub(crate) fn first_line(&self) -> Option<&Line> {
        self.lines_of_ready().next()
    }

    /// How many of its jobs are in a state.
    pub(crate) fn count(&self, state: JobState) -> u64 {
        let in_lines = |is_of: fn(&&Line) -> bool| {
            let lines = self.lines.iter().filter(is_of);
            lines.map(|line| line.live).sum()
        };
        match state {
            JobState::Scheduled => self.scheduled,
            JobState::Ready => in_lines(|line| line.number < DEAD_LINE),
            JobState::Running => self.running,
            JobState::Done => self.done,
            JobState::Dead => in_lines(|line| line.number == DEAD_LINE),
            JobState::Cancelled => self.cancelled,
        }
    }
}
