//! `JOB.PROGRESS`: a job is still worked on.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::{Leased, leased};
use crate::Refusal;
use crate::command::Progress;
use crate::hand::{Hand, To};
use crate::refusal::{JOB_CANCELLED, LEASE_OVER, UNKNOWN_JOB};
use crate::reply::LeaseReceipt;

impl Apply for Progress {
    type Reply = LeaseReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_JOB, JOB_CANCELLED, LEASE_OVER];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        Hand::reads(reads, self.queue.as_str(), self.id.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<LeaseReceipt, Stop<Refusal>> {
        let job = (&self.queue, &self.id);
        let mut hand = match leased(tx, job, &self.lease, None)? {
            Leased::Has(hand) => hand,
            Leased::Repeats(_) => return Err(Refusal::LeaseOver.into()),
        };
        if let Some(note) = &self.note {
            hand.job.note = Some(note.as_str().to_owned());
        }
        let until_ms = hand.lease_until_ms(tx.now_ms());
        hand.go(tx, To::Work { until_ms })?;
        hand.put(tx);
        Ok(LeaseReceipt {
            queue: self.queue.compact(),
            id: self.id.compact(),
            until_ms,
        })
    }
}
