//! `JOB.CANCEL`: a job is not to be done any more.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::{hand_of, receipt_of, stored};
use crate::Refusal;
use crate::command::Cancel;
use crate::hand::{Hand, To};
use crate::refusal::{JOB_ENDED, UNKNOWN_JOB};
use crate::reply::JobReceipt;
use crate::table::{JobState, Stand};

impl Apply for Cancel {
    type Reply = JobReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_JOB, JOB_ENDED];

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
        let mut hand = hand_of(tx, &self.queue, &self.id)?;
        let ended_as = match hand.job.stand {
            Stand::Scheduled(_)
            | Stand::Ready(_)
            | Stand::Running(_)
            | Stand::Blocked(_)
            | Stand::Waiting(_) => None,
            Stand::Cancelled(_) => return Ok(receipt_of(&hand, true)),
            Stand::Done(_) => Some(JobState::Done),
            Stand::Dead(_) => Some(JobState::Dead),
        };
        if let Some(state) = ended_as {
            return Err(Refusal::JobEnded { state }.into());
        }
        hand.go(tx, To::Rest { is_done: false })?;
        Ok(stored(tx, hand))
    }
}
