//! `JOB.DONEALL` and `JOB.FAILALL`: how jobs that were taken together have ended, each as it has.

use tidegate_engine::contract::{Apply, Bytes, Name, Payload, RefusalDef, Refuse, Request};
use tidegate_engine::{Reads, Stop, Tx};

use super::done::done;
use super::fail::{failed, rest_of};
use crate::command::{DoneAll, FailAll};
use crate::hand::Hand;
use crate::refusal::{TOO_LARGE, UNKNOWN_QUEUE};
use crate::reply::{EndedJob, EndedJobs, JobReceipt};
use crate::table::QUEUES;
use crate::{INLINE_BYTES_MAX, LET_IN_BYTES_MAX, RESULTS_BYTES_MAX, Refusal};

/// Bytes of rows that change with each job that ends, with names of the longest each: its own, that of its queue and
/// of its group, places in lines, timers, and what its parent is told.
const ROWS_BYTES: usize = INLINE_BYTES_MAX + 4 * 1024;

/// Bytes of those that are let in for them: the last one is begun below the limit.
const LET_IN_BYTES: usize = LET_IN_BYTES_MAX + INLINE_BYTES_MAX + 6 * 1024;

impl Apply for DoneAll {
    type Reply = EndedJobs;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[TOO_LARGE, UNKNOWN_QUEUE];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        for job in self.jobs.items() {
            Hand::reads(reads, self.queue.as_str(), job.id.as_str());
        }
    }

    fn letters(&self) -> usize {
        self.jobs.items().len()
    }

    fn writes(&self) -> usize {
        Request::bytes(self) + self.jobs.items().len() * ROWS_BYTES + LET_IN_BYTES
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<EndedJobs, Stop<Refusal>> {
        let results = self
            .jobs
            .items()
            .iter()
            .filter_map(|job| job.result.as_ref());
        let bytes: usize = results.map(|result| result.as_slice().len()).sum();
        if bytes > RESULTS_BYTES_MAX {
            let bytes = bytes as u64;
            return Err(Refusal::TooLarge { bytes }.into());
        }
        ended(tx, &self.queue, self.jobs.items(), |tx, job| {
            let result = job.result.as_ref().map(Bytes::as_slice);
            let said = done(tx, (&self.queue, &job.id), &self.lease, result);
            (&job.id, said)
        })
    }
}

impl Apply for FailAll {
    type Reply = EndedJobs;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_QUEUE];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        for job in self.jobs.items() {
            Hand::reads(reads, self.queue.as_str(), job.id.as_str());
        }
    }

    fn writes(&self) -> usize {
        Request::bytes(self) + self.jobs.items().len() * ROWS_BYTES + LET_IN_BYTES
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<EndedJobs, Stop<Refusal>> {
        ended(tx, &self.queue, self.jobs.items(), |tx, job| {
            let error = job.error.as_ref().map(Payload::as_str);
            let how = (error, rest_of(self.retry, self.delay_ms));
            let said = failed(tx, (&self.queue, &job.id), &self.lease, how);
            (&job.id, said)
        })
    }
}

/// Says it of each job by itself.
fn ended<'a, T>(
    tx: &mut Tx<'_>,
    queue: &Name,
    items: &'a [T],
    say: impl Fn(&mut Tx<'_>, &'a T) -> (&'a Name, Result<JobReceipt, Stop<Refusal>>),
) -> Result<EndedJobs, Stop<Refusal>> {
    if tx.get(&QUEUES, queue.as_str())?.is_none() {
        return Err(Refusal::UnknownQueue.into());
    }
    let mut jobs = Vec::with_capacity(items.len());
    for item in items {
        let (id, said) = say(tx, item);
        let (state, repeated, refused) = match said {
            Ok(receipt) => (Some(receipt.state), receipt.repeated, None),
            Err(Stop::Refused(refusal)) => (None, false, Some(refusal.def().code)),
            Err(stop) => return Err(stop),
        };
        jobs.push(EndedJob {
            id: id.compact(),
            state,
            repeated,
            refused,
        });
    }
    Ok(EndedJobs {
        queue: queue.compact(),
        jobs,
    })
}
