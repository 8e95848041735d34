//! `JOB.REPLAY`, `JOB.DROP`, and the same for all: what people do about dead jobs.

use tidegate_engine::contract::{Apply, Name, RefusalDef, Timer};
use tidegate_engine::{KeyReader, Missing, Reads, Stop, Tx};

use super::{hand_of, receipt_of, stored};
use crate::command::{DropAll, DropJob, Replay, ReplayAll};
use crate::hand::Hand;
use crate::line::{DEAD_LINE, Of};
use crate::refusal::{NOT_DEAD, SWEEP_UNDER_WAY, UNKNOWN_JOB, UNKNOWN_QUEUE};
use crate::reply::{JobReceipt, QueueReceipt};
use crate::table::{DOMAIN, JOBS, JobState, QUEUES, Queue, Stand, Sweep};
use crate::{Refusal, STEP_MAX};

/// All dead jobs of a queue are replayed or dropped, some at a time.
pub(crate) const SWEEP: Timer = Timer::idle(DOMAIN, 5, sweep, reads_of_sweep);

impl Apply for Replay {
    type Reply = JobReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_JOB, NOT_DEAD];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        Hand::reads(reads, self.queue.as_str(), self.id.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<JobReceipt, Stop<Refusal>> {
        let mut hand = dead_hand_of(tx, &self.queue, &self.id)?;
        hand.replay(tx)?;
        Ok(stored(tx, hand))
    }
}

impl Apply for DropJob {
    type Reply = JobReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_JOB, NOT_DEAD];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        Hand::reads(reads, self.queue.as_str(), self.id.as_str());
    }

    fn letters(&self) -> usize {
        1
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<JobReceipt, Stop<Refusal>> {
        let hand = dead_hand_of(tx, &self.queue, &self.id)?;
        let receipt = receipt_of(&hand, false);
        hand.forget(tx)?;
        Ok(receipt)
    }
}

fn dead_hand_of<'a>(
    tx: &mut Tx<'_>,
    queue: &'a Name,
    id: &'a Name,
) -> Result<Hand<'a>, Stop<Refusal>> {
    let hand = hand_of(tx, queue, id)?;
    match hand.job.stand.state() {
        JobState::Dead => Ok(hand),
        state @ (JobState::Scheduled
        | JobState::Ready
        | JobState::Running
        | JobState::Done
        | JobState::Cancelled
        | JobState::Blocked
        | JobState::Waiting) => Err(Refusal::NotDead { state }.into()),
    }
}

impl Apply for ReplayAll {
    type Reply = QueueReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_QUEUE, SWEEP_UNDER_WAY];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&QUEUES, self.queue.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<QueueReceipt, Stop<Refusal>> {
        begin(tx, &self.queue, true)
    }
}

impl Apply for DropAll {
    type Reply = QueueReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_QUEUE, SWEEP_UNDER_WAY];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&QUEUES, self.queue.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<QueueReceipt, Stop<Refusal>> {
        begin(tx, &self.queue, false)
    }
}

/// Begins with all jobs that are dead by now, or adds them to those with which it has begun.
fn begin(tx: &mut Tx<'_>, name: &Name, replays: bool) -> Result<QueueReceipt, Stop<Refusal>> {
    let queue = tx.get(&QUEUES, name.as_str())?;
    let mut queue = queue.ok_or(Refusal::UnknownQueue)?;
    if queue.sweep.is_some_and(|sweep| sweep.replays != replays) {
        return Err(Refusal::SweepUnderWay.into());
    }
    let dead = queue.count(JobState::Dead);
    let repeated = queue.sweep.is_some();
    if let Some(line) = queue.line_at(DEAD_LINE).filter(|line| line.live > 0) {
        let due_ms = queue.sweep.map_or(tx.now_ms(), |sweep| sweep.due_ms);
        if !repeated {
            tx.wake_at(&SWEEP, due_ms, name.as_str());
        }
        let end = line.tail;
        queue.sweep = Some(Sweep {
            end,
            replays,
            due_ms,
        });
        tx.put(&QUEUES, name.as_str(), queue);
    }
    Ok(QueueReceipt {
        queue: name.compact(),
        dead,
        repeated,
    })
}

fn reads_of_sweep(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let name = owner.text().unwrap_or_default();
    let queue = reads.get(&QUEUES, name);
    let Some(line) = queue.as_ref().and_then(|queue| queue.line_at(DEAD_LINE)) else {
        return;
    };
    for id in line.read_first(reads, Of::Queue(name), STEP_MAX) {
        reads.row(&JOBS, (name, &*id));
    }
}

fn sweep(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let name = owner.text().unwrap_or_default();
    for _ in 0..STEP_MAX {
        let Some(queue) = tx.get(&QUEUES, name)? else {
            return Ok(());
        };
        let Some(sweep) = queue.sweep else {
            return Ok(());
        };
        if !sweep_one(tx, name, queue, sweep)? {
            return Ok(());
        }
    }
    if let Some(mut queue) = tx.get(&QUEUES, name)?
        && let Some(sweep) = &mut queue.sweep
    {
        sweep.due_ms = tx.now_ms() + 1;
        tx.wake_at(&SWEEP, sweep.due_ms, name);
        tx.put(&QUEUES, name, queue);
    }
    Ok(())
}

/// Replays or drops the oldest dead job; `false` if there is none left of those that are meant.
fn sweep_one(tx: &mut Tx<'_>, name: &str, mut queue: Queue, sweep: Sweep) -> Result<bool, Missing> {
    let line = queue.line_at(DEAD_LINE).copied();
    let Some(line) = line.filter(|line| line.live > 0 && line.head < sweep.end) else {
        queue.sweep = None;
        tx.put(&QUEUES, name, queue);
        return Ok(false);
    };
    let id = line.first(tx, Of::Queue(name))?;
    let hand = Hand::of(tx, name, &id)?;
    let mut hand = hand.expect("because a job stands in line until it leaves it");
    debug_assert!(matches!(hand.job.stand, Stand::Dead(_)), "{name}: {id}");
    if sweep.replays {
        hand.replay(tx)?;
        hand.put(tx);
    } else {
        hand.forget(tx)?;
    }
    Ok(true)
}
