//! The gate: answers wait here until everything that they rest on is durable.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::edge::Raised;
use crate::key::Slot;
use crate::log::Lsn;
use crate::mail::Post;
use crate::reader::ScanJob;
use crate::sink::{Answer, ReplySink};
use crate::stream::ToldEvent;

/// The answers of one batch, rendered.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) bytes: Vec<u8>,
    answers: Vec<Answer>,
    sinks: Vec<Arc<dyn ReplySink>>,
    /// For the edge.
    raised: Vec<Raised>,
    /// Slots that are watched, of which rows have changed.
    changed: Vec<Slot>,
    others: Others,
}

/// What leaves a partition beside answers.
#[derive(Default)]
pub(crate) struct Others {
    pub(crate) scans: Vec<ScanJob>,
    pub(crate) post: Vec<Post>,
    /// For subscribers.
    pub(crate) events: Vec<Arc<ToldEvent>>,
}

impl Answers {
    /// Adds the answer whose bytes were just appended to `bytes`.
    pub(crate) fn push(
        &mut self,
        sink: Arc<dyn ReplySink>,
        token: u64,
        status: crate::contract::Status,
    ) {
        self.answers.push(Answer {
            token,
            status,
            end: self.bytes.len(),
        });
        self.sinks.push(sink);
    }

    /// Takes over what was appended to `bytes` of others since they had so many.
    pub(crate) fn move_from(&mut self, others: &mut Self, since: usize) {
        self.bytes.extend_from_slice(&others.bytes[since..]);
        others.bytes.truncate(since);
    }

    pub(crate) fn push_scan(&mut self, scan: ScanJob) {
        self.others.scans.push(scan);
    }

    pub(crate) fn push_post(&mut self, post: Post) {
        self.others.post.push(post);
    }

    pub(crate) fn push_event(&mut self, event: Arc<ToldEvent>) {
        self.others.events.push(event);
    }

    /// Adds a flag; of many of one kind and key in a row, as in a rush, the last is enough.
    pub(crate) fn push_flag(&mut self, raised: Raised) {
        match self.raised.last_mut() {
            Some(last) if last.is_of(&raised) => *last = raised,
            Some(_) | None => self.raised.push(raised),
        }
    }

    /// Adds a slot that is watched and has changed; of many changes in a row one is enough.
    pub(crate) fn push_changed(&mut self, slot: Slot) {
        if self.changed.last() != Some(&slot) {
            self.changed.push(slot);
        }
    }

    /// Bytes that it takes at the gate.
    pub(crate) fn weight(&self) -> usize {
        let events: usize = self.others.events.iter().map(|event| event.bytes()).sum();
        let raised: usize = self.raised.iter().map(Raised::bytes).sum();
        let changed = self.changed.len() * size_of::<Slot>();
        self.bytes.len() + self.answers.len() * ANSWER_BYTES + events + raised + changed
    }

    /// How much somebody waits for.
    pub(crate) fn len(&self) -> usize {
        self.answers.len() + self.others.scans.len() + self.others.post.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        let tells = !self.raised.is_empty() || !self.changed.is_empty();
        self.len() == 0 && self.others.events.is_empty() && !tells
    }

    /// Delivers everything, answers of one connection in one run, and leaves empty buffers.
    fn release(&mut self, others: &mut Others) {
        let mut first = 0;
        let mut start = 0;
        for run in self.sinks.chunk_by(Arc::ptr_eq) {
            let answers = &self.answers[first..first + run.len()];
            run[0].deliver(answers, start, &self.bytes);
            first += run.len();
            start = self.answers[first - 1].end;
        }
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES_MAX);
        self.answers.clear();
        self.sinks.clear();
        others.scans.append(&mut self.others.scans);
        others.post.append(&mut self.others.post);
        others.events.append(&mut self.others.events);
    }
}

/// What an answer takes beside its bytes.
const ANSWER_BYTES: usize = size_of::<Answer>() + size_of::<Arc<dyn ReplySink>>();

/// Batches of answers, each with the position that it rests on.
#[derive(Default)]
pub(crate) struct Gate {
    waiting: VecDeque<(Lsn, Answers)>,
    /// Buffers to use again.
    empty: Vec<Answers>,
}

/// Buffers kept for another batch.
const EMPTY_MAX: usize = 4;

/// Bytes that each of them may keep: a full batch of small answers.
const KEPT_BYTES_MAX: usize = 256 * 1024;

impl Gate {
    /// Empty buffers for the next batch.
    pub(crate) fn buffers(&mut self) -> Answers {
        self.empty.pop().unwrap_or_default()
    }

    /// Holds answers until `rests_on` is durable.
    pub(crate) fn hold(&mut self, rests_on: Lsn, answers: Answers) {
        debug_assert!(
            self.waiting
                .back()
                .is_none_or(|(before, _)| *before <= rests_on)
        );
        self.waiting.push_back((rests_on, answers));
    }

    /// Buffers that were not needed.
    pub(crate) fn take_back(&mut self, empty: Answers) {
        if self.empty.len() < EMPTY_MAX {
            self.empty.push(empty);
        }
    }

    /// Lets out what rests on nothing beyond `durable`; gives how many bytes that were. Flags go up before
    /// answers leave, and changes are told between: who has an answer finds nothing older at the edge, and who
    /// is told of a change neither. What is no answer comes back to be sent on.
    pub(crate) fn open(
        &mut self,
        durable: Lsn,
        others: &mut Others,
        mut tell: impl FnMut(&mut Vec<Raised>, &mut Vec<Slot>),
    ) -> usize {
        let mut bytes = 0;
        while let Some((rests_on, _)) = self.waiting.front()
            && *rests_on <= durable
            && let Some((_, mut answers)) = self.waiting.pop_front()
        {
            bytes += answers.weight();
            tell(&mut answers.raised, &mut answers.changed);
            answers.release(others);
            self.take_back(answers);
        }
        bytes
    }

    /// The first event that waits here.
    pub(crate) fn first_event(&self) -> Option<&ToldEvent> {
        let waiting = self.waiting.iter();
        let mut firsts = waiting.filter_map(|(_, answers)| answers.others.events.first());
        firsts.next().map(|event| &**event)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
