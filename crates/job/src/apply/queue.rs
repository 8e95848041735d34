//! `JOB.QUEUE`: a queue, and how many of its jobs are in which state.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use crate::Refusal;
use crate::command::GetQueue;
use crate::limits::{Halt, Limit};
use crate::refusal::UNKNOWN_QUEUE;
use crate::reply::{BatchInfo, LimitInfo, QueueInfo};
use crate::table::{JobState, QUEUES, Queue};

impl Apply for GetQueue {
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
        let queue = tx.get(&QUEUES, self.queue.as_str())?;
        let queue = queue.ok_or(Refusal::UnknownQueue)?;
        Ok(queue.info(self.queue.as_str()))
    }
}

impl Queue {
    pub(crate) fn info(&self, name: &str) -> QueueInfo {
        let limits = self.limits();
        QueueInfo {
            queue: CompactString::new(name),
            added: self.added,
            scheduled: self.count(JobState::Scheduled),
            ready: self.count(JobState::Ready),
            running: self.count(JobState::Running),
            done: self.count(JobState::Done),
            dead: self.count(JobState::Dead),
            cancelled: self.count(JobState::Cancelled),
            blocked: self.count(JobState::Blocked),
            waiting: self.count(JobState::Waiting),
            state: match self.halt {
                None => "open",
                Some(Halt::Paused) => "paused",
                Some(Halt::Draining) => "draining",
            },
            limits: limit_info(&limits.queue),
            group_limits: limit_info(&limits.group),
            batch: limits.batch.map(|batch| BatchInfo {
                jobs: batch.jobs,
                grace_ms: batch.grace_ms,
                max_delay_ms: batch.delay_ms,
                max_bytes: batch.bytes,
            }),
            version: self.version,
        }
    }
}

fn limit_info(limit: &Limit) -> LimitInfo {
    LimitInfo {
        concurrency: limit.concurrency,
        rate: limit.rate,
        per_ms: limit.per_ms,
        burst: limit.burst,
    }
}
