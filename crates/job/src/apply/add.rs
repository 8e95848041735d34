//! `JOB.ADD`: a job, due now or later.

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{Apply, Id, RefusalDef, Request};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::receipt_of;
use crate::apply::DEADLINE;
use crate::body::keep;
use crate::command::Add;
use crate::early;
use crate::group::Gate;
use crate::hand::{Hand, To};
use crate::limits::Halt;
use crate::recur::{Missed, Recurs, Rhythm, Wrong};
use crate::refusal::{
    DEADLINE_PASSED, ID_CONFLICT, INVALID_FAMILY, INVALID_RECURRENCE, INVALID_TIME, QUEUE_DRAINING,
};
use crate::reply::JobReceipt;
use crate::table::{EARLY, JOBS, Job, Parent, QUEUES, Stand, Which};
use crate::terms::Terms;
use crate::words::Unique;
use crate::{AHEAD_MS_MAX, RECURRING_ID_BYTES_MAX, Refusal};

impl Apply for Add {
    type Reply = JobReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        ID_CONFLICT,
        INVALID_FAMILY,
        INVALID_RECURRENCE,
        INVALID_TIME,
        DEADLINE_PASSED,
        QUEUE_DRAINING,
    ];

    fn key(&self) -> &str {
        self.queue.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        match &self.id {
            Id::Chosen(id) => {
                Hand::reads(reads, self.queue.as_str(), id.as_str());
                reads.row(&EARLY, (self.queue.as_str(), id.as_str()));
            }
            Id::Mint => reads.row(&QUEUES, self.queue.as_str()),
        }
        if let Some(group) = &self.group {
            Gate::reads(reads, self.queue.as_str(), group.as_str());
        }
    }

    /// One that it takes the place of may have a parent.
    fn letters(&self) -> usize {
        usize::from(self.unique == Some(Unique::Live))
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<JobReceipt, Stop<Refusal>> {
        let (name, content) = (self.queue.as_str(), self.content().0);
        let id = self.id_of(tx)?;
        let earlier = Hand::of(tx, name, &id)?;
        if let Some(earlier) = earlier.as_ref().filter(|earlier| !self.replaces(earlier)) {
            if earlier.job.content != content {
                return Err(Refusal::IdConflict.into());
            }
            return Ok(receipt_of(earlier, true));
        }
        let parent = self.parent(&id)?;
        let recurs = self.recurs(&id)?;
        let due_ms = self.due_ms(tx.now_ms(), recurs.as_ref())?;
        if let Some(earlier) = earlier {
            earlier.forget(tx)?;
        }
        let mut queue = tx.get(&QUEUES, name)?.unwrap_or_default();
        if queue.halt == Some(Halt::Draining) {
            return Err(Refusal::QueueDraining.into());
        }
        queue.added += 1;
        let mut job = self.job(tx, &id, (content, queue.added));
        job.recurs = recurs.map(Box::new);
        job.parent = parent.map(Box::new);
        job.waits_for = job.waits_for.saturating_sub(early::take(tx, name, &id)?);
        let mut hand = Hand {
            name,
            id: &id,
            queue,
            job,
        };
        if let Some(deadline_ms) = hand.job.deadline_ms {
            tx.wake_at(&DEADLINE, deadline_ms, (name, &*id));
        }
        let to = match due_ms {
            Some(due_ms) => To::Wait { due_ms },
            None if hand.job.waits_for > 0 => To::Children,
            None => To::Line,
        };
        hand.enter(tx, to)?;
        let receipt = receipt_of(&hand, false);
        hand.put(tx);
        Ok(receipt)
    }
}

impl Add {
    /// Whether an earlier job of the same id makes room for it.
    fn replaces(&self, earlier: &Hand<'_>) -> bool {
        earlier.job.stand.has_ended() && self.unique == Some(Unique::Live)
    }

    /// The id that the caller chose, or a fresh one.
    fn id_of(&self, tx: &mut Tx<'_>) -> Result<CompactString, Missing> {
        if let Id::Chosen(id) = &self.id {
            return Ok(id.compact());
        }
        loop {
            // Callers may have chosen what would have been minted.
            let minted = tx.mint().to_compact_string();
            if tx.get(&JOBS, (self.queue.as_str(), &*minted))?.is_none() {
                return Ok(minted);
            }
        }
    }

    /// When it is due, if that is later.
    fn due_ms(&self, now_ms: u64, recurs: Option<&Recurs>) -> Result<Option<u64>, Refusal> {
        let asked_ms = match (self.at_ms, self.delay_ms) {
            (Some(_), Some(_)) => return Err(Refusal::InvalidTime),
            (Some(at_ms), None) => Some(at_ms.get().max(now_ms)),
            (None, Some(delay_ms)) => Some(now_ms + delay_ms.get()),
            (None, None) => None,
        };
        let due_ms = match recurs {
            Some(recurs) => recurs.first_ms(asked_ms, now_ms).map_err(wrong)?,
            None => asked_ms.unwrap_or(now_ms),
        };
        if due_ms > now_ms + AHEAD_MS_MAX {
            return Err(Refusal::InvalidTime);
        }
        let is_behind = |deadline_ms: u64| deadline_ms <= due_ms;
        if self
            .deadline_ms
            .is_some_and(|deadline_ms| is_behind(deadline_ms.get()))
        {
            return Err(Refusal::DeadlinePassed);
        }
        Ok((due_ms > now_ms || recurs.is_some()).then_some(due_ms))
    }

    /// The job that waits for it, if there is one.
    fn parent(&self, id: &str) -> Result<Option<Parent>, Refusal> {
        let recurs = self.every_ms.is_some() || self.cron.is_some();
        let has_time = recurs || self.at_ms.is_some() || self.delay_ms.is_some();
        let queue = self.parent_queue.as_ref().unwrap_or(&self.queue);
        let parent = self.parent.as_ref().map(|parent| Parent {
            queue: queue.compact(),
            id: parent.compact(),
        });
        let is_its_own = |parent: &Parent| parent.queue == self.queue.as_str() && parent.id == id;
        let is_wrong = self.children.is_some() && has_time
            || parent.is_none() && self.parent_queue.is_some()
            || parent.is_some() && recurs
            || parent.as_ref().is_some_and(is_its_own);
        if is_wrong {
            return Err(Refusal::InvalidFamily);
        }
        Ok(parent)
    }

    /// When it recurs, if it does.
    fn recurs(&self, id: &str) -> Result<Option<Recurs>, Refusal> {
        let of_options = Refusal::InvalidRecurrence { wrong: "options" };
        let rhythm = match (self.every_ms, &self.cron) {
            (None, None) if self.zone.is_none() && self.missed.is_none() => return Ok(None),
            (Some(every_ms), None) if self.zone.is_none() => Rhythm::Every(every_ms.get()),
            (None, Some(cron)) => {
                let zone = self.zone.as_ref().map_or("UTC", |zone| zone.as_str());
                Rhythm::Cron(cron.as_str().to_owned(), zone.to_owned())
            }
            (Some(_) | None, Some(_) | None) => return Err(of_options),
        };
        if self.deadline_ms.is_some() {
            return Err(of_options);
        }
        if id.len() > RECURRING_ID_BYTES_MAX {
            return Err(Refusal::InvalidRecurrence { wrong: "id" });
        }
        let missed = self.missed.unwrap_or(Missed::One);
        Ok(Some(Recurs { rhythm, missed }))
    }

    /// The job as it is added: it stands nowhere yet.
    fn job(&self, tx: &mut Tx<'_>, id: &str, (content, number): (u64, u64)) -> Job {
        let (min, max) = (self.backoff_ms.get(), self.backoff_max_ms.get());
        let terms = Terms {
            retries: u32::try_from(self.retries.get()).unwrap_or(u32::MAX),
            backoff_ms: min,
            backoff_max_ms: max.max(min),
            timeout_ms: self.timeout_ms.get(),
            keep_ms: self.keep_ms.get(),
        };
        let place = (self.queue.as_str(), id, Which::Payload);
        let payload = keep(tx, place, self.payload.as_slice());
        Job {
            content,
            stand: Stand::Scheduled(0),
            number,
            priority: u8::try_from(self.priority.get()).unwrap_or(u8::MAX),
            created_at_ms: tx.now_ms(),
            payload: Some(payload),
            terms: terms.stored(),
            deadline_ms: self.deadline_ms.map(|deadline_ms| deadline_ms.get()),
            tries: 0,
            lease: None,
            error: None,
            note: None,
            result: None,
            ended_at_ms: None,
            group: self.group.as_ref().map(|group| group.as_str().to_owned()),
            is_admitted: false,
            recurs: None,
            waits_for: self.children.map_or(0, |children| children.get()),
            parent: None,
        }
    }
}

fn wrong(wrong: Wrong) -> Refusal {
    let wrong = wrong.word();
    Refusal::InvalidRecurrence { wrong }
}
