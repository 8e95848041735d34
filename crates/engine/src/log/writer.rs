//! The log writer: takes what the executors have produced, and makes it durable as one group.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Group, Log, LogError, Lsn, Record, Room};
use crate::clock::EngineClock;
use crate::key::PartitionId;
use crate::limits::RELAXED_BYTES_MAX;

/// Records on their way to the log.
pub(crate) struct LogQueue {
    pending: Mutex<Pending>,
    arrived: Condvar,
}

#[derive(Default)]
struct Pending {
    group: Group,
    /// Bytes of the group by the domain that they were written for.
    by_domain: Vec<usize>,
    /// The last record of each partition in the group.
    tips: Vec<(PartitionId, Lsn)>,
    /// Replies that rest on the group.
    replies: usize,
    /// Who has asked meanwhile: for these replies, and for others that do not wait for it.
    asked: usize,
    /// The writer sleeps, and is to be woken once so many have asked.
    sleeper: Option<usize>,
    /// It is to be woken as well once all executors rest, if so many have asked.
    sleeps_while_awake: Option<usize>,
    /// Which executors sleep: they have run all that was there for them.
    resting: Vec<bool>,
    poked: bool,
    /// Something waits for the group to be durable. Another one can wait for the next that is urgent, or until the
    /// writer looks again.
    is_urgent: bool,
    /// An executor is held up until something is durable, be it of others.
    is_for_all: bool,
    stopping: bool,
    /// What is kept elsewhere by now.
    applied: Option<Vec<Lsn>>,
}

impl Pending {
    /// Whether the writer is to write at once.
    fn is_wanted(&self) -> bool {
        self.is_urgent || self.poked
    }

    fn all_rest(&self) -> bool {
        self.resting.iter().all(|rests| *rests)
    }

    /// Whether more is soon to come into the group, of so many who are expected to ask.
    fn is_awaited(&self, expected: usize) -> bool {
        let few = self.asked < half(expected);
        let some_run = self.asked < expected && !self.all_rest();
        (few || some_run) && !self.stopping
    }
}

/// How many have to have asked, of so many who are expected.
fn half(expected: usize) -> usize {
    expected / 2
}

impl LogQueue {
    /// One for the records of so many executors.
    pub(crate) fn new(executors: usize) -> Self {
        let pending = Pending {
            resting: vec![false; executors],
            ..Pending::default()
        };
        Self {
            pending: Mutex::new(pending),
            arrived: Condvar::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a batch's record, how many replies rest on it and whether anything does, how many have asked for its
    /// replies, and how much of it was written for each domain.
    pub(crate) fn push(
        &self,
        record: Record<'_>,
        (replies, is_urgent, asked): (usize, bool, usize),
        by_domain: impl Iterator<Item = usize>,
    ) {
        let mut pending = self.lock();
        pending.group.push(record);
        for (at, bytes) in by_domain.enumerate() {
            match pending.by_domain.get_mut(at) {
                Some(sum) => *sum += bytes,
                None => pending.by_domain.push(bytes),
            }
        }
        pending.replies += replies;
        pending.asked += asked;
        match pending
            .tips
            .iter_mut()
            .find(|(partition, _)| *partition == record.partition)
        {
            Some(tip) => tip.1 = record.lsn,
            None => pending.tips.push((record.partition, record.lsn)),
        }
        pending.is_urgent |= is_urgent || pending.group.records.len() >= RELAXED_BYTES_MAX;
        if pending.is_urgent {
            let asked = pending.asked;
            self.wake(pending, asked);
        }
    }

    /// An executor cannot go on before what waits is durable; `false` if nothing waits here (any more).
    pub(crate) fn hurry(&self) -> bool {
        let mut pending = self.lock();
        if pending.group.is_empty() {
            return false;
        }
        pending.is_for_all = true;
        if !pending.is_urgent {
            pending.is_urgent = true;
            self.wake(pending, usize::MAX);
        }
        true
    }

    /// Asks for a group though there may be no record: the clock needs a promise.
    pub(crate) fn poke(&self) {
        let mut pending = self.lock();
        (pending.poked, pending.is_for_all) = (true, true);
        self.wake(pending, usize::MAX);
    }

    /// Lets the writer drop what is kept elsewhere up to these positions.
    pub(crate) fn trim(&self, applied: Vec<Lsn>) {
        self.lock().applied = Some(applied);
        self.poke();
    }

    /// Wakes the writer if it sleeps and so many are enough for it. A wake-up is a system call.
    fn wake(&self, mut pending: MutexGuard<'_, Pending>, asked: usize) {
        let wakes = pending.sleeper.is_some_and(|enough| asked >= enough);
        if wakes {
            pending.sleeper = None;
        }
        drop(pending);
        if wakes {
            self.arrived.notify_one();
        }
    }

    /// An executor sleeps from here on, or no more.
    pub(crate) fn rest(&self, executor: usize, rests: bool) {
        let mut pending = self.lock();
        pending.resting[executor] = rests;
        let enough = pending.sleeps_while_awake;
        if enough.is_some_and(|enough| pending.asked >= enough) && pending.all_rest() {
            self.wake(pending, usize::MAX);
        }
    }

    /// Bytes that wait; those of each domain are put in `by_domain`.
    pub(crate) fn bytes(&self, by_domain: &mut [usize]) -> usize {
        let pending = self.lock();
        for (domain, bytes) in by_domain.iter_mut().zip(&pending.by_domain) {
            *domain = *bytes;
        }
        pending.group.records.len()
    }

    /// Who has asked since the last group was taken.
    fn asked(&self) -> usize {
        self.lock().asked
    }

    /// Whether a writer that waits would go on.
    #[cfg(test)]
    pub(crate) fn is_wanted(&self) -> bool {
        self.lock().is_wanted()
    }

    /// Lets a waiting writer return, for good.
    pub(crate) fn stop(&self) {
        let mut pending = self.lock();
        pending.stopping = true;
        self.wake(pending, usize::MAX);
    }

    /// Waits until there is something to write at once, or for this long; `false` once stopped and empty.
    fn wait(&self, at_most: Duration) -> bool {
        let idle = |pending: &mut Pending| {
            let idle = !pending.is_wanted() && !pending.stopping;
            pending.sleeper = idle.then_some(0);
            idle
        };
        let waited = self.arrived.wait_timeout_while(self.lock(), at_most, idle);
        let (mut pending, _) = waited.unwrap_or_else(PoisonError::into_inner);
        pending.sleeper = None;
        !pending.stopping || !pending.group.is_empty()
    }

    /// Waits until half of those who are expected have asked and all executors rest, or all of them have; or for this
    /// long.
    fn linger(&self, expected: usize, at_most: Duration) {
        let waits = |pending: &mut Pending| {
            let waits = pending.is_awaited(expected);
            pending.sleeper = waits.then_some(expected);
            pending.sleeps_while_awake = waits.then(|| half(expected));
            waits
        };
        let waited = self.arrived.wait_timeout_while(self.lock(), at_most, waits);
        let (mut pending, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (pending.sleeper, pending.sleeps_while_awake) = (None, None);
    }
}

/// What one step of the writer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// Wrote a group and made it durable.
    Wrote,
    /// Found nothing to write.
    Nothing,
    /// Found no room. What waits is kept.
    Full,
}

/// The one writer of a process's log.
pub(crate) struct LogWriter {
    log: Box<dyn Log>,
    queue: Arc<LogQueue>,
    clock: Arc<EngineClock>,
    taken: Group,
    tips: Vec<(PartitionId, Lsn)>,
    /// How many are soon to have asked, if those who were answered last ask again.
    expected: usize,
    /// Replies that rest on the group that is taken.
    replies_taken: usize,
    is_for_all: bool,
}

impl LogWriter {
    pub(crate) fn new(log: Box<dyn Log>, queue: Arc<LogQueue>, clock: Arc<EngineClock>) -> Self {
        let (taken, tips) = (Group::default(), Vec::new());
        Self {
            log,
            queue,
            clock,
            taken,
            tips,
            expected: 0,
            replies_taken: 0,
            is_for_all: false,
        }
    }

    /// Waits for work; `false` once stopped and everything is written.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        self.queue.wait(at_most)
    }

    /// Gives those who were just answered a moment to send more, so that one sync serves many: until half of them have.
    /// The others do while that is written, and so it goes on by halves. And while executors have more to run that goes
    /// into the group too: it costs them less than another group.
    pub(crate) fn linger(&self, at_most: Duration) {
        self.queue.linger(self.expected, at_most);
    }

    /// Writes what waits. `durable` is told the new tip of each partition.
    pub(crate) fn step(
        &mut self,
        durable: &mut dyn FnMut(PartitionId, Lsn),
    ) -> Result<Did, LogError> {
        let applied = self.queue.lock().applied.take();
        if let Some(applied) = applied {
            self.log.trim(&applied)?;
        }
        if self.taken.is_empty() {
            self.take();
        }
        if self.taken.is_empty() && !self.clock.wants_promise() {
            return Ok(Did::Nothing);
        }
        self.taken.clock_up_to_ms = self.clock.next_promise_ms();
        match self.log.append(&self.taken) {
            Ok(()) => {}
            Err(LogError::Full) => return Ok(Did::Full),
            Err(error) => return Err(error),
        }
        self.clock.promised(self.taken.clock_up_to_ms);
        self.taken.records.clear();
        // Whoever is answered now may ask again at once; whoever asked meanwhile waits already.
        self.expected = std::mem::take(&mut self.replies_taken) + self.queue.asked();
        for (partition, lsn) in self.tips.drain(..) {
            durable(partition, lsn);
        }
        Ok(Did::Wrote)
    }

    fn take(&mut self) {
        let mut pending = self.queue.lock();
        std::mem::swap(&mut pending.group, &mut self.taken);
        std::mem::swap(&mut pending.tips, &mut self.tips);
        pending.by_domain.fill(0);
        self.replies_taken = std::mem::take(&mut pending.replies);
        pending.asked = 0;
        (pending.poked, pending.is_urgent) = (false, false);
        self.is_for_all |= std::mem::take(&mut pending.is_for_all);
    }

    /// Whether executors may have waited for this step that have no record in what it wrote.
    pub(crate) fn was_for_all(&mut self) -> bool {
        std::mem::take(&mut self.is_for_all)
    }

    /// Covers the last group with a mark; `false` if there is no room for it.
    pub(crate) fn seal(&mut self) -> Result<bool, LogError> {
        match self.log.seal() {
            Ok(()) => Ok(true),
            Err(LogError::Full) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.log.is_sealed()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.log.bytes()
    }

    pub(crate) fn room(&mut self) -> Result<Room, LogError> {
        self.log.room()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_waits_for_half_and_then_as_long_as_an_executor_has_more_to_run() {
        let queue = LogQueue::new(2);
        let asked = |asked: usize| {
            let mut pending = queue.lock();
            pending.asked += asked;
            pending.is_awaited(5)
        };
        assert!(asked(1), "a fifth is few");
        queue.rest(0, true);
        queue.rest(1, true);
        assert!(asked(0), "it is few though nobody runs");
        assert!(!asked(1), "half have asked, and nothing runs");
        queue.rest(1, false);
        assert!(asked(2), "more may come of what runs");
        assert!(!asked(1), "nobody else is expected");
    }

    #[test]
    fn executor_that_rests_last_wakes_the_writer_if_half_have_asked() {
        let queue = LogQueue::new(2);
        let wakes = |executor: usize| {
            queue.rest(executor, true);
            queue.lock().sleeper.take().is_none()
        };
        let sleeps = |asked: usize| {
            let mut pending = queue.lock();
            pending.asked = asked;
            pending.resting.fill(false);
            (pending.sleeper, pending.sleeps_while_awake) = (Some(5), Some(half(5)));
        };
        sleeps(1);
        queue.rest(0, true);
        assert!(!wakes(1), "few have asked");
        sleeps(2);
        assert!(!wakes(0), "the other one runs");
        sleeps(2);
        queue.rest(0, true);
        assert!(wakes(1));
    }
}
