//! `JOB.FAIL`: a job has failed, and is tried again after a rest, or is dead.

use tidegate_engine::contract::{Apply, Millis, Name, Payload, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::{Leased, leased, receipt_of, stored};
use crate::Refusal;
use crate::command::Fail;
use crate::fate::Rest;
use crate::hand::Hand;
use crate::refusal::{JOB_CANCELLED, LEASE_OVER, UNKNOWN_JOB};
use crate::reply::JobReceipt;
use crate::table::Word;
use crate::words::Retry;

impl Apply for Fail {
    type Reply = JobReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_JOB, JOB_CANCELLED, LEASE_OVER];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        Hand::reads(reads, self.queue.as_str(), self.id.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<JobReceipt, Stop<Refusal>> {
        let error = self.error.as_ref().map(Payload::as_str);
        let rest = rest_of(self.retry, self.delay_ms);
        failed(tx, (&self.queue, &self.id), &self.lease, (error, rest))
    }
}

/// What whoever says that a job has failed wants of it.
pub(super) fn rest_of(retry: Option<Retry>, delay_ms: Option<Millis>) -> Rest {
    match (retry, delay_ms) {
        (Some(Retry::No), _) => Rest::Never,
        (Some(Retry::Yes) | None, Some(delay_ms)) => Rest::For(delay_ms.get()),
        (Some(Retry::Yes) | None, None) => Rest::Usual,
    }
}

/// A job has failed, if its lease lasts.
pub(super) fn failed(
    tx: &mut Tx<'_>,
    job: (&Name, &Name),
    lease: &Name,
    (error, rest): (Option<&str>, Rest),
) -> Result<JobReceipt, Stop<Refusal>> {
    let mut hand = match leased(tx, job, lease, Some(Word::Failed))? {
        Leased::Has(hand) => hand,
        Leased::Repeats(hand) => return Ok(receipt_of(&hand, true)),
    };
    hand.fail(tx, error.map(str::to_owned), rest)?;
    tx.count(&super::FAILED);
    Ok(stored(tx, hand))
}
