//! `JOB.TAKE`: jobs that are ready, under a lease.
//!
//! It finishes rather than opens work: each job was let in when it was added, and what holds up its being taken holds up
//! its end. So it is not told BUSY where finishing commands are not.

use std::borrow::Cow;

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{Apply, Name, Never, RefusalDef, Request};
use tidegate_engine::{Missing, Place, Random, Reads, Slot, Splits, Stop, Tx};

use super::new_lease;
use crate::body::kept;
use crate::command::Take;
use crate::hand::{Hand, To, word_of_takers};
use crate::limits::May;
use crate::line::Of;
use crate::reply::{TakenJob, TakenJobs};
use crate::table::{BODIES, JOBS, Job, Kept, QUEUES, Queue, Which};
use crate::words::Order;
use crate::{INLINE_BYTES_MAX, TAKE_BYTES_MAX};

/// Bytes of rows that change with each job that is taken: its own, its place in line, and its timer.
const ROWS_BYTES: usize = INLINE_BYTES_MAX + 2 * 1024;

impl Apply for Take {
    type Reply = TakenJobs;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.queue_at(0).as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let name = self.queue_at(reads.place()).as_str();
        let Some(queue) = reads.get(&QUEUES, name) else {
            return;
        };
        let mut left = self.count.get();
        for line in queue.lines_of_ready() {
            for id in line.read_first(reads, Of::Queue(name), left) {
                read_job(reads, name, &id);
            }
            left = left.saturating_sub(line.live);
            if left == 0 {
                return;
            }
        }
    }

    fn writes(&self) -> usize {
        let jobs = usize::try_from(self.count.get()).unwrap_or(usize::MAX);
        Request::bytes(self) + jobs.saturating_mul(ROWS_BYTES)
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn awaits(&self) -> Cow<'_, str> {
        String::from(word_of_takers(Apply::key(self))).into()
    }

    fn round(&self, _splits: &Splits, nth: u64) -> Option<Vec<Place>> {
        let queues = self.queues.items();
        if queues.len() == 1 {
            return None;
        }
        let mut places: Vec<_> = (0..)
            .zip(queues)
            .map(|(at, item)| place_of(at, &item.queue))
            .collect();
        if self.order == Some(Order::Weighted) {
            shuffle(&mut places, nth);
        }
        let mut seen = Vec::new();
        places.retain(|place| {
            let is_new = !seen.contains(&place.awaits);
            seen.push(place.awaits.clone());
            is_new
        });
        Some(places)
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<TakenJobs, Stop<Never>> {
        let name = self.queue_at(tx.place()).as_str();
        let jobs = match tx.get(&QUEUES, name)? {
            Some(queue) => self.take(tx, name, queue)?,
            None => Vec::new(),
        };
        if jobs.is_empty() && tx.may_wait() {
            return Err(Stop::Wait);
        }
        let lease = jobs.first().map(|(lease, _)| lease.to_compact_string());
        Ok(TakenJobs {
            queue: lease.is_some().then(|| CompactString::new(name)),
            lease,
            jobs: jobs.into_iter().map(|(_, job)| job).collect(),
        })
    }
}

impl Take {
    fn queue_at(&self, place: u16) -> &Name {
        &self.queues.items()[usize::from(place)].queue
    }

    /// Takes what may be taken at once of a queue; gives each with the lease.
    fn take(
        &self,
        tx: &mut Tx<'_>,
        name: &str,
        mut queue: Queue,
    ) -> Result<Vec<(u64, TakenJob)>, Missing> {
        let (mut jobs, mut bytes) = (Vec::new(), 0);
        for _ in 0..self.count.get() {
            let Some(line) = queue.first_line().copied() else {
                break;
            };
            let May::Begin { next_us } = queue.may_begin(tx.now_ms()) else {
                break;
            };
            let id = line.first(tx, Of::Queue(name))?;
            let job = tx.get(&JOBS, (name, &*id))?;
            let job = job.expect("because a job stands in line until it leaves it");
            bytes += job.payload.as_ref().map_or(0, Kept::len);
            if bytes > TAKE_BYTES_MAX && !jobs.is_empty() {
                break;
            }
            let mut hand = Hand {
                name,
                id: &id,
                queue,
                job,
            };
            if hand.is_past_deadline(tx.now_ms()) {
                hand.expire(tx)?; // Its timer has not fired yet.
                queue = hand.put(tx);
                continue;
            }
            hand.queue.expected_us = next_us;
            let lease = jobs.first().map(|(lease, _)| *lease);
            let lease = lease.unwrap_or_else(|| tx.mint());
            let (taken, after) = self.take_one(tx, lease, hand)?;
            jobs.push((lease, taken));
            queue = after;
        }
        leave_rest(tx, name, queue);
        Ok(jobs)
    }

    fn take_one(
        &self,
        tx: &mut Tx<'_>,
        lease: u64,
        mut hand: Hand<'_>,
    ) -> Result<(TakenJob, Queue), Missing> {
        let until_ms = hand.lease_until_ms(tx.now_ms());
        hand.job.tries += 1;
        hand.job.lease = Some(new_lease(lease, &self.member));
        hand.job.note = None;
        hand.go(tx, To::Work { until_ms })?;
        let place = (hand.name, hand.id, Which::Payload);
        let payload = kept(tx, place, hand.job.payload.as_ref())?;
        let Job {
            tries,
            priority,
            created_at_ms,
            ..
        } = hand.job;
        let taken = TakenJob {
            id: CompactString::new(hand.id),
            payload: payload.unwrap_or_else(|| Vec::new().into()),
            tries: tries.into(),
            priority: priority.into(),
            created_at_ms,
            until_ms,
        };
        Ok((taken, hand.put(tx)))
    }
}

/// What is left of a queue that has limits is for others, now or once it may begin.
fn leave_rest(tx: &mut Tx<'_>, name: &str, mut queue: Queue) {
    if queue.limits().queue.is_none() || queue.first_line().is_none() {
        return; // Each of the others was told of a job of its own.
    }
    match queue.may_begin(tx.now_ms()) {
        May::Begin { .. } => tx.tell_some(&word_of_takers(name), 1),
        May::At { at_ms } if queue.opens_at_ms.is_none() => {
            queue.open_at(tx, name, at_ms);
            tx.put(&QUEUES, name, queue);
        }
        May::At { .. } | May::Full => {}
    }
}

fn place_of(number: u16, queue: &Name) -> Place {
    Place {
        slot: Slot::of(queue.as_str().as_bytes()),
        number,
        awaits: word_of_takers(queue.as_str()),
    }
}

/// Names the rows of a job that is perhaps taken.
fn read_job(reads: &mut Reads<'_>, name: &str, id: &str) {
    if let Some(job) = reads.get(&JOBS, (name, id))
        && let Some(Kept::Beside(_)) = job.payload
    {
        reads.row(&BODIES, (name, id, Which::Payload.key()));
    }
}

/// Puts places in an order by chance, of this number (Fisher and Yates; Durstenfeld 1964).
fn shuffle(places: &mut [Place], nth: u64) {
    let mut random = Random::new(nth);
    for last in (1..places.len()).rev() {
        let other = random.below(last as u64 + 1);
        places.swap(last, usize::try_from(other).unwrap_or_default());
    }
}
