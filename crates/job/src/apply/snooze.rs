//! `JOB.SNOOZE`: a job is given back, to be taken again later.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::{Leased, leased, receipt_of, stored};
use crate::Refusal;
use crate::command::Snooze;
use crate::hand::{Hand, To};
use crate::refusal::{JOB_CANCELLED, LEASE_OVER, UNKNOWN_JOB};
use crate::reply::JobReceipt;
use crate::table::Word;

impl Apply for Snooze {
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
        let job = (&self.queue, &self.id);
        let mut hand = match leased(tx, job, &self.lease, Some(Word::Snoozed))? {
            Leased::Has(hand) => hand,
            Leased::Repeats(hand) => return Ok(receipt_of(&hand, true)),
        };
        hand.job.tries -= 1;
        let due_ms = tx.now_ms() + self.delay_ms.get();
        hand.go(tx, To::Wait { due_ms })?;
        Ok(stored(tx, hand))
    }
}
