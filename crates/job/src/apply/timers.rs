//! What comes with time: jobs that are due, leases that end, deadlines that pass, and jobs that are forgotten.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use crate::fate::Rest;
use crate::hand::{Hand, To};
use crate::table::{DOMAIN, Stand};

/// A scheduled job is due.
pub(crate) const WAKE: Timer = Timer::new(DOMAIN, 1, wake, reads_of);
/// The lease of a running job ends.
pub(crate) const LEASE_END: Timer = Timer::new(DOMAIN, 2, end_lease, reads_of);
/// The deadline of a job that has not ended passes.
pub(crate) const DEADLINE: Timer = Timer::new(DOMAIN, 3, pass_deadline, reads_of);
/// A job that was done or cancelled is kept no longer.
pub(crate) const FORGET: Timer = Timer::idle(DOMAIN, 4, forget, reads_of);

fn key_of<'a>(mut owner: KeyReader<'a>) -> (&'a str, &'a str) {
    let (queue, id) = (owner.text(), owner.text());
    (queue.unwrap_or_default(), id.unwrap_or_default())
}

fn reads_of(reads: &mut Reads<'_>, owner: KeyReader<'_>) {
    let (queue, id) = key_of(owner);
    Hand::reads(reads, queue, id);
}

fn wake(tx: &mut Tx<'_>, owner: KeyReader<'_>) -> Result<(), Missing> {
    let (queue, id) = key_of(owner);
    let Some(mut hand) = Hand::of(tx, queue, id)? else {
        return Ok(());
    };
    if let Stand::Scheduled(due_ms) = hand.job.stand
        && due_ms <= tx.now_ms()
    {
        match hand.job.recurs {
            None => hand.go(tx, To::Line)?,
            Some(_) => hand.recur(tx, due_ms)?,
        }
        hand.put(tx);
    }
    Ok(())
}

fn end_lease(tx: &mut Tx<'_>, owner: KeyReader<'_>) -> Result<(), Missing> {
    let (queue, id) = key_of(owner);
    let Some(mut hand) = Hand::of(tx, queue, id)? else {
        return Ok(());
    };
    if let Stand::Running(until_ms) = hand.job.stand
        && until_ms <= tx.now_ms()
    {
        let error = Some("its lease has ended".to_owned());
        hand.fail(tx, error, Rest::Usual)?;
        tx.count(&super::LEASES_ENDED);
        hand.put(tx);
    }
    Ok(())
}

fn pass_deadline(tx: &mut Tx<'_>, owner: KeyReader<'_>) -> Result<(), Missing> {
    let (queue, id) = key_of(owner);
    let Some(mut hand) = Hand::of(tx, queue, id)? else {
        return Ok(());
    };
    if !hand.job.stand.has_ended() && hand.is_past_deadline(tx.now_ms()) {
        hand.expire(tx)?;
        hand.put(tx);
    }
    Ok(())
}

fn forget(tx: &mut Tx<'_>, owner: KeyReader<'_>) -> Result<(), Missing> {
    let (queue, id) = key_of(owner);
    let Some(hand) = Hand::of(tx, queue, id)? else {
        return Ok(());
    };
    if let Stand::Done(until_ms) | Stand::Cancelled(until_ms) = hand.job.stand
        && until_ms <= tx.now_ms()
    {
        hand.forget(tx)?;
    }
    Ok(())
}
