//! What becomes of a job: it is tried again, or is dead, or is ready once more, or one comes of it that recurs.

use compact_str::format_compact;
use tidegate_engine::{Missing, Tx};

use crate::body::{keep, kept};
use crate::early;
use crate::hand::{Hand, To};
use crate::limits::Halt;
use crate::table::{JOBS, Job, Which};

/// How long a job rests that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// As its backoff has it.
    Usual,
    For(u64),
    /// It is dead.
    Never,
}

impl Hand<'_> {
    /// A try has failed: it is tried again after a rest, or is dead.
    pub(crate) fn fail(
        &mut self,
        tx: &mut Tx<'_>,
        error: Option<String>,
        rest: Rest,
    ) -> Result<(), Missing> {
        let (terms, tries) = (self.job.terms(), self.job.tries);
        self.job.error = error;
        let rest_ms = match rest {
            Rest::Usual => Some(terms.rest_ms(self.job.number, tries)),
            Rest::For(rest_ms) => Some(rest_ms),
            Rest::Never => None,
        };
        match rest_ms.filter(|_| tries <= terms.retries) {
            Some(rest_ms) => {
                let due_ms = tx.now_ms() + rest_ms;
                self.go(tx, To::Wait { due_ms })
            }
            None => self.go(tx, To::Dead),
        }
    }

    /// It is ready as if it had never been tried.
    pub(crate) fn replay(&mut self, tx: &mut Tx<'_>) -> Result<(), Missing> {
        self.job.tries = 0;
        self.job.deadline_ms = None;
        self.job.waits_for = 0;
        self.job.ended_at_ms = None;
        let to = match &self.job.recurs {
            None => To::Line,
            Some(recurs) => match recurs.first_ms(None, tx.now_ms()) {
                Ok(due_ms) => To::Wait { due_ms },
                Err(_) => To::Dead, // As it was.
            },
        };
        self.go(tx, to)
    }

    /// A job that recurs is due: one comes of it, and it is due next.
    pub(crate) fn recur(&mut self, tx: &mut Tx<'_>, due_ms: u64) -> Result<(), Missing> {
        let Some(recurs) = &self.job.recurs else {
            return Ok(());
        };
        match recurs.turn(due_ms, tx.now_ms()) {
            Ok((slot_ms, due_ms)) => {
                self.go(tx, To::Wait { due_ms })?;
                let takes_jobs = self.queue.halt != Some(Halt::Draining);
                match slot_ms.filter(|_| takes_jobs) {
                    Some(slot_ms) => self.spawn(tx, slot_ms),
                    None => Ok(()),
                }
            }
            Err(wrong) => {
                let error = format!("it recurs no more: {}", wrong.word());
                self.fail(tx, Some(error), Rest::Never)
            }
        }
    }

    /// Adds the job that comes of one that recurs at this time, once.
    fn spawn(&mut self, tx: &mut Tx<'_>, slot_ms: u64) -> Result<(), Missing> {
        let (name, id) = (self.name, format_compact!("{}@{slot_ms}", self.id));
        if tx.get(&JOBS, (name, &*id))?.is_some() {
            return Ok(());
        }
        early::take(tx, name, &id)?; // It waits for no children.
        let place = (name, self.id, Which::Payload);
        let payload = kept(tx, place, self.job.payload.as_ref())?;
        let payload = payload.map(|bytes| keep(tx, (name, &id, Which::Payload), &bytes));
        let mut queue = std::mem::take(&mut self.queue);
        queue.added += 1;
        let job = Job {
            number: queue.added,
            created_at_ms: tx.now_ms(),
            payload,
            recurs: None,
            ..self.job.clone()
        };
        let mut hand = Hand {
            name,
            id: &id,
            queue,
            job,
        };
        hand.enter(tx, To::Line)?;
        self.queue = hand.put(tx);
        Ok(())
    }

    /// Whether nobody may begin or end it any more.
    pub(crate) fn is_past_deadline(&self, now_ms: u64) -> bool {
        self.job
            .deadline_ms
            .is_some_and(|deadline_ms| deadline_ms <= now_ms)
    }

    /// Its deadline has passed.
    pub(crate) fn expire(&mut self, tx: &mut Tx<'_>) -> Result<(), Missing> {
        self.fail(tx, Some("its deadline has passed".to_owned()), Rest::Never)
    }

    /// When a lease ends that begins now, or lasts anew.
    pub(crate) fn lease_until_ms(&self, now_ms: u64) -> u64 {
        let until_ms = now_ms + self.job.terms().timeout_ms;
        self.job
            .deadline_ms
            .map_or(until_ms, |deadline_ms| deadline_ms.min(until_ms))
    }
}
