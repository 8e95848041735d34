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
use crate::group::Gate;
use crate::hand::{Hand, To, word_of_takers};
use crate::limits::{Batch, May};
use crate::line::Of;
use crate::reply::{TakenJob, TakenJobs};
use crate::table::{BODIES, GROUPS, JOBS, Job, Kept, QUEUES, Queue, Which};
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
                let group = read_job(reads, name, &id);
                if let (Some(group), Some(batch)) = (group, queue.limits().batch) {
                    read_others(reads, (name, &group), batch.jobs);
                }
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
        let mut basket = Basket::default();
        if let Some(queue) = tx.get(&QUEUES, name)? {
            let queue = self.take(tx, (name, queue), &mut basket)?;
            leave_rest(tx, name, queue);
        }
        if basket.jobs.is_empty() && tx.may_wait() {
            return Err(Stop::Wait);
        }
        Ok(TakenJobs {
            queue: basket.lease.is_some().then(|| CompactString::new(name)),
            lease: basket.lease.map(|lease| lease.to_compact_string()),
            group: basket.group,
            jobs: basket.jobs,
        })
    }
}

/// What is taken.
#[derive(Default)]
struct Basket {
    lease: Option<u64>,
    /// That of all of them, where they are taken together.
    group: Option<String>,
    jobs: Vec<TakenJob>,
    bytes: u64,
}

impl Basket {
    /// Whether there is room for one more, of so many bytes at most. A single one always has room.
    fn has_room(&mut self, job: &Job, bytes_max: u64) -> bool {
        self.bytes += job.payload_bytes();
        self.jobs.is_empty() || self.bytes <= bytes_max
    }
}

impl Take {
    fn queue_at(&self, place: u16) -> &Name {
        &self.queues.items()[usize::from(place)].queue
    }

    /// Takes what may be taken at once of a queue; gives what is left of it.
    fn take(
        &self,
        tx: &mut Tx<'_>,
        (name, mut queue): (&str, Queue),
        basket: &mut Basket,
    ) -> Result<Queue, Missing> {
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
            let batch = queue.limits().batch.filter(|_| job.is_admitted);
            // What is taken together is an answer of its own.
            let is_alone = batch.is_some() && !basket.jobs.is_empty();
            if is_alone || !basket.has_room(&job, TAKE_BYTES_MAX) {
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
            basket.group = batch.and(hand.job.group.clone());
            queue = self.take_one(tx, hand, basket)?;
            if let Some(batch) = batch {
                return self.take_others(tx, (name, &id), &batch, basket);
            }
        }
        Ok(queue)
    }

    /// Takes those that wait in the group of a job that was taken; then others of it may be let in.
    fn take_others(
        &self,
        tx: &mut Tx<'_>,
        (name, first): (&str, &str),
        batch: &Batch,
        basket: &mut Basket,
    ) -> Result<Queue, Missing> {
        let group = basket.group.clone().unwrap_or_default();
        while (basket.jobs.len() as u64) < batch.jobs {
            let gate = Gate::of(tx, name, &group)?;
            if gate.row.line.live == 0 {
                break;
            }
            let id = gate.row.line.first(tx, gate.line())?;
            let hand = Hand::of(tx, name, &id)?;
            let mut hand = hand.expect("because a job stands in line until it leaves it");
            if hand.is_past_deadline(tx.now_ms()) {
                hand.expire(tx)?; // As above.
                hand.put(tx);
            } else if basket.has_room(&hand.job, batch.bytes) {
                self.take_one(tx, hand, basket)?;
            } else {
                break;
            }
        }
        let first = Hand::of(tx, name, first)?;
        let mut first = first.expect("because it was taken just now");
        first.leave_group(tx)?;
        Ok(first.put(tx))
    }

    fn take_one(
        &self,
        tx: &mut Tx<'_>,
        mut hand: Hand<'_>,
        basket: &mut Basket,
    ) -> Result<Queue, Missing> {
        let lease = *basket.lease.get_or_insert_with(|| tx.mint());
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
        basket.jobs.push(TakenJob {
            id: CompactString::new(hand.id),
            payload: payload.unwrap_or_else(|| Vec::new().into()),
            tries: tries.into(),
            priority: priority.into(),
            created_at_ms,
            until_ms,
        });
        Ok(hand.put(tx))
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

/// Names the rows of a job that is perhaps taken; gives the key of its group.
fn read_job(reads: &mut Reads<'_>, name: &str, id: &str) -> Option<String> {
    let job = reads.get(&JOBS, (name, id))?;
    if let Some(Kept::Beside(_)) = job.payload {
        reads.row(&BODIES, (name, id, Which::Payload.key()));
    }
    job.group
}

/// Names the rows of those that wait in a group.
fn read_others(reads: &mut Reads<'_>, (name, key): (&str, &str), many: u64) {
    if let Some(group) = reads.get(&GROUPS, (name, key)) {
        for id in group.line.read_first(reads, Of::Group(name, key), many) {
            read_job(reads, name, &id);
        }
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
