//! What each command does; one file per command.

mod add;
mod all;
mod cancel;
mod dead;
mod done;
mod fail;
mod get;
mod limits;
mod progress;
mod push;
mod queue;
mod snooze;
mod take;
mod timers;

pub(crate) use dead::SWEEP;
pub(crate) use limits::{FLUSH, OPEN, OPEN_GROUP};
pub(crate) use timers::{DEADLINE, FORGET, LEASE_END, WAKE};

use compact_str::CompactString;
use tidegate_engine::contract::Name;
use tidegate_engine::{CountDef, Stop, Tx};

use crate::Refusal;
use crate::hand::Hand;
use crate::reply::JobReceipt;
use crate::table::{Lease, Stand, Word};

/// A job, or the refusal that there is none.
fn hand_of<'a>(tx: &mut Tx<'_>, queue: &'a Name, id: &'a Name) -> Result<Hand<'a>, Stop<Refusal>> {
    let hand = Hand::of(tx, queue.as_str(), id.as_str())?;
    Ok(hand.ok_or(Refusal::UnknownJob)?)
}

/// What a worker finds that says something about a job under a lease.
enum Leased<'a> {
    /// It has the job.
    Has(Hand<'a>),
    /// It has said the same before.
    Repeats(Hand<'a>),
}

/// A job that is taken under this lease, about which its worker says a last word; or the refusal that it is not.
fn leased<'a>(
    tx: &mut Tx<'_>,
    (queue, id): (&'a Name, &'a Name),
    lease: &Name,
    word: Option<Word>,
) -> Result<Leased<'a>, Stop<Refusal>> {
    let mut hand = hand_of(tx, queue, id)?;
    let lease: Option<u64> = lease.as_str().parse().ok();
    let Some(own) = hand.job.lease.as_mut().filter(|own| Some(own.id) == lease) else {
        return Err(Refusal::LeaseOver.into());
    };
    if let Stand::Running(until_ms) = hand.job.stand
        && tx.now_ms() < until_ms
    {
        own.word = word;
        return Ok(Leased::Has(hand));
    }
    if word.is_some() && own.word == word {
        return Ok(Leased::Repeats(hand));
    }
    if matches!(hand.job.stand, Stand::Cancelled(_)) && own.word.is_none() {
        return Err(Refusal::JobCancelled.into());
    }
    Err(Refusal::LeaseOver.into())
}

fn receipt_of(hand: &Hand<'_>, repeated: bool) -> JobReceipt {
    let Hand { name, id, job, .. } = hand;
    let due_at_ms = match job.stand {
        Stand::Scheduled(due_ms) => Some(due_ms),
        Stand::Ready(_)
        | Stand::Running(_)
        | Stand::Done(_)
        | Stand::Dead(_)
        | Stand::Cancelled(_)
        | Stand::Blocked(_)
        | Stand::Waiting(_) => None,
    };
    JobReceipt {
        queue: CompactString::new(name),
        id: CompactString::new(id),
        state: job.stand.state().word(),
        due_at_ms,
        tries: job.tries.into(),
        repeated,
    }
}

/// Stores a job, and tells what has become of it.
fn stored(tx: &mut Tx<'_>, hand: Hand<'_>) -> JobReceipt {
    let receipt = receipt_of(&hand, false);
    hand.put(tx);
    receipt
}

/// A lease that begins.
fn new_lease(id: u64, member: &Name) -> Lease {
    Lease {
        id,
        member: member.compact(),
        word: None,
    }
}

/// Jobs that were done.
pub(crate) const DONE: CountDef = CountDef {
    name: "done",
    doc: "Jobs that were done.",
};
/// Tries of which the worker said that they have failed.
pub(crate) const FAILED: CountDef = CountDef {
    name: "failed",
    doc: "Tries of jobs of which whoever made them said that they have failed.",
};
/// Leases that have ended by themselves.
pub(crate) const LEASES_ENDED: CountDef = CountDef {
    name: "leases_ended",
    doc: "Leases of jobs that have ended without a word.",
};
