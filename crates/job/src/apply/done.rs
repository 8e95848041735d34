//! `JOB.DONE`: a job is done.

use tidegate_engine::contract::{Apply, Bytes, Name, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::{Leased, leased, receipt_of, stored};
use crate::Refusal;
use crate::body::keep;
use crate::command::Done;
use crate::hand::{Hand, To};
use crate::refusal::{JOB_CANCELLED, LEASE_OVER, UNKNOWN_JOB};
use crate::reply::JobReceipt;
use crate::table::{Which, Word};

impl Apply for Done {
    type Reply = JobReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_JOB, JOB_CANCELLED, LEASE_OVER];

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
        let result = self.result.as_ref().map(Bytes::as_slice);
        done(tx, (&self.queue, &self.id), &self.lease, result)
    }
}

/// A job is done, if its lease lasts.
pub(super) fn done(
    tx: &mut Tx<'_>,
    job: (&Name, &Name),
    lease: &Name,
    result: Option<&[u8]>,
) -> Result<JobReceipt, Stop<Refusal>> {
    let mut hand = match leased(tx, job, lease, Some(Word::Done))? {
        Leased::Has(hand) => hand,
        Leased::Repeats(hand) => return Ok(receipt_of(&hand, true)),
    };
    hand.job.error = None;
    if let Some(result) = result {
        let place = (hand.name, hand.id, Which::Result);
        hand.job.result = Some(keep(tx, place, result));
    }
    hand.go(tx, To::Rest { is_done: true })?;
    tx.count(&super::DONE);
    Ok(stored(tx, hand))
}
