//! `JOB.GET`: one job, now or once it has ended.

use std::borrow::Cow;

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::hand_of;
use crate::Refusal;
use crate::body::kept;
use crate::command::Get;
use crate::hand::{Hand, word_of_job};
use crate::recur::{Missed, Recurs, Rhythm};
use crate::refusal::UNKNOWN_JOB;
use crate::reply::{JobDetails, RecursInfo};
use crate::table::{BODIES, JOBS, Job, Kept, QUEUES, Stand, Which};

impl Apply for Get {
    type Reply = JobDetails;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_JOB];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let (queue, id) = (self.queue.as_str(), self.id.as_str());
        reads.row(&QUEUES, queue);
        let Some(job) = reads.get(&JOBS, (queue, id)) else {
            return;
        };
        for (kept, which) in [(job.payload, Which::Payload), (job.result, Which::Result)] {
            if let Some(Kept::Beside(_)) = kept {
                reads.row(&BODIES, (queue, id, which.key()));
            }
        }
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn awaits(&self) -> Cow<'_, str> {
        String::from(word_of_job(self.queue.as_str(), self.id.as_str())).into()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<JobDetails, Stop<Refusal>> {
        let hand = hand_of(tx, &self.queue, &self.id)?;
        if !hand.job.stand.has_ended() && tx.may_wait() {
            return Err(Stop::Wait);
        }
        Ok(self.details(tx, &hand)?)
    }
}

impl Get {
    fn details(&self, tx: &mut Tx<'_>, hand: &Hand<'_>) -> Result<JobDetails, Missing> {
        let Hand { name, id, job, .. } = hand;
        let payload = kept(tx, (name, id, Which::Payload), job.payload.as_ref())?;
        let result = kept(tx, (name, id, Which::Result), job.result.as_ref())?;
        let (due_at_ms, until_ms, kept_until_ms) = times_of(job);
        Ok(JobDetails {
            queue: self.queue.compact(),
            id: self.id.compact(),
            state: job.stand.state().word(),
            priority: job.priority.into(),
            group: job.group.clone(),
            waits_for: job.waits_for,
            parent: job.parent.as_ref().map(|parent| parent.id.clone()),
            tries: job.tries.into(),
            retries: job.terms().retries.into(),
            recurs: job.recurs.as_deref().map(recurs_info),
            created_at_ms: job.created_at_ms,
            due_at_ms,
            until_ms,
            deadline_ms: job.deadline_ms,
            ended_at_ms: job.ended_at_ms,
            kept_until_ms,
            member: job.lease.as_ref().map(|lease| lease.member.clone()),
            note: job.note.clone(),
            error: job.error.clone(),
            payload,
            result,
        })
    }
}

fn recurs_info(recurs: &Recurs) -> RecursInfo {
    let (every_ms, cron, zone) = match &recurs.rhythm {
        Rhythm::Every(every_ms) => (Some(*every_ms), None, None),
        Rhythm::Cron(cron, zone) => (None, Some(cron.clone()), Some(zone.clone())),
    };
    RecursInfo {
        every_ms,
        cron,
        zone,
        missed: match recurs.missed {
            Missed::One => "one",
            Missed::All => "all",
            Missed::None => "none",
        },
    }
}

/// When it is due, when its lease ends, and until when it is kept, of which it has one at most.
fn times_of(job: &Job) -> (Option<u64>, Option<u64>, Option<u64>) {
    match job.stand {
        Stand::Scheduled(due_ms) => (Some(due_ms), None, None),
        Stand::Running(until_ms) => (None, Some(until_ms), None),
        Stand::Done(until_ms) | Stand::Cancelled(until_ms) => (None, None, Some(until_ms)),
        Stand::Ready(_) | Stand::Dead(_) | Stand::Blocked(_) | Stand::Waiting(_) => {
            (None, None, None)
        }
    }
}
