//! How far a partition may be ahead of the log, and who wakes it when it waits for that.
//!
//! An executor says that it looks ([`Shared::looks`]), looks whether there is something to run and whether it is too far
//! ahead, and sleeps if nothing may run. What comes, or becomes durable, behind its look rings for it. So it may sleep only
//! if what it waits for is still to come by then: that is asked again under the lock of the log's queue.

use crate::contract::Class;
use crate::limits::{AHEAD_BATCHES_MAX, AHEAD_BYTES_MAX};
use crate::shared::Shared;

/// Whether no further batch may run, of a partition that has `ahead` batches which are not durable; notes how many bytes
/// wait for each domain.
pub(super) fn is_too_far(shared: &Shared, ahead: u64, by_domain: &mut [usize]) -> bool {
    ahead >= AHEAD_BATCHES_MAX as u64
        || shared.log.bytes(by_domain) >= AHEAD_BYTES_MAX
        || ahead > 0 && !shared.has_answer_room(Class::Finishes)
}

/// Whether it is woken when that has changed. If not it has changed already: what was too much was of others, is being
/// written by now, and nobody would wake it for that.
pub(super) fn is_woken(shared: &Shared, ahead: u64) -> bool {
    shared.log.hurry() || ahead > 0
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::courier::{Report, Reported};
    use crate::engine::Writer;
    use crate::inbox::{Bag, Envelope, Errand};
    use crate::key::{PartitionId, Slot};
    use crate::log::{Group, Log, LogError, LogWriter, Lsn, Record, Room};
    use crate::testing::{Stepper, TOY};

    /// The partition of the executor that may go to sleep, and one of another executor.
    const OWN: PartitionId = PartitionId(0);
    const OTHER: PartitionId = PartitionId(3);

    /// Gives each order in which threads can go that have so many steps, as the threads' numbers.
    fn orders(steps: &[usize]) -> Vec<Vec<usize>> {
        if steps.iter().all(|left| *left == 0) {
            return vec![Vec::new()];
        }
        let open = (0..steps.len()).filter(|thread| steps[*thread] > 0);
        let begins_with = |thread: usize| {
            let mut left = steps.to_vec();
            left[thread] -= 1;
            let behind = orders(&left).into_iter();
            behind.map(move |order| [vec![thread], order].concat())
        };
        open.flat_map(begins_with).collect()
    }

    /// Something that happens while the log appends: the writer has taken a group then, and nothing of it is durable.
    type Meanwhile = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

    struct SlowLog(Meanwhile);

    impl Log for SlowLog {
        fn append(&mut self, _group: &Group) -> Result<(), LogError> {
            if let Some(happens) = self.0.lock().unwrap().take() {
                happens();
            }
            Ok(())
        }

        fn seal(&mut self) -> Result<(), LogError> {
            Ok(())
        }

        fn is_sealed(&self) -> bool {
            true
        }

        fn trim(&mut self, _applied: &[Lsn]) -> Result<(), LogError> {
            Ok(())
        }

        fn bytes(&self) -> u64 {
            0
        }

        fn room(&mut self) -> Result<Room, LogError> {
            Ok(Room::Enough)
        }
    }

    /// An executor that looks what there is to do, step by step, as a thread of its own.
    struct Looker {
        shared: Arc<Shared>,
        wakes: Arc<AtomicU64>,
        step: usize,
        /// How often it had been woken when it said that it looks.
        wakes_before: u64,
        /// The last position that it has executed.
        lsn: u64,
        ahead: u64,
        is_far: bool,
        sleeps: bool,
    }

    impl Looker {
        const STEPS: usize = 4;

        fn new(shared: &Arc<Shared>, lsn: u64) -> Self {
            let wakes = Arc::new(AtomicU64::new(0));
            let counted = Arc::clone(&wakes);
            let wake = move || {
                counted.fetch_add(1, Ordering::Relaxed);
            };
            let executor = shared.executor_of(OWN);
            assert_ne!(shared.executor_of(OTHER), executor, "it is of another one");
            shared.set_waker(executor, Box::new(wake));
            Self {
                shared: Arc::clone(shared),
                wakes,
                step: 0,
                wakes_before: 0,
                lsn,
                ahead: 0,
                is_far: false,
                sleeps: false,
            }
        }

        fn go_on(&mut self) {
            let shared = &self.shared;
            match self.step {
                0 => {
                    self.wakes_before = self.wakes.load(Ordering::Relaxed);
                    shared.looks(shared.executor_of(OWN));
                }
                1 => self.ahead = self.lsn - shared.durable(OWN).0,
                2 => self.is_far = is_too_far(shared, self.ahead, &mut []),
                _ => self.sleeps = self.is_far && is_woken(shared, self.ahead),
            }
            self.step += 1;
        }

        /// It sleeps, and nobody has woken it since it looked.
        fn sleeps_on(&self) -> bool {
            self.sleeps && self.wakes.load(Ordering::Relaxed) == self.wakes_before
        }
    }

    /// What another executor and the log writer do while this one looks.
    struct Threads {
        looker: Looker,
        shared: Arc<Shared>,
        record: Vec<u8>,
        of: PartitionId,
    }

    impl Threads {
        fn push(&self) {
            let record = Record {
                partition: self.of,
                lsn: self.shared.durable(self.of).next(),
                effects: &self.record,
            };
            self.shared.log.push(record, (1, true, 1), [].into_iter());
        }

        /// A thread goes on; the writer is stepped from outside, and any other one is that which pushes.
        fn go_on(&mut self, thread: usize) {
            match thread {
                LOOKER => self.looker.go_on(),
                _ => self.push(),
            }
        }
    }

    /// Numbers of threads; the other executor is the third one.
    const LOOKER: usize = 0;
    const WRITER: usize = 1;

    /// Runs threads in this order, and then the log writer until it has nothing to write. The writer's first step ends
    /// where it has taken a group, its second one where that is durable and it has woken whom it wakes.
    fn run(order: &[usize], of: PartitionId, bytes: usize) -> Looker {
        let engine = Stepper::fresh(&[TOY]);
        let shared = Arc::clone(&engine.door().shared);
        let meanwhile = Meanwhile::default();
        let inner = LogWriter::new(
            Box::new(SlowLog(Arc::clone(&meanwhile))),
            Arc::clone(&shared.log),
            Arc::clone(&shared.clock),
        );
        let mut writer = Writer::over(inner, Arc::clone(&shared));
        let lsn = shared.durable(OWN).0 + u64::from(of == OWN);
        let threads = Threads {
            looker: Looker::new(&shared, lsn),
            shared: Arc::clone(&shared),
            record: vec![0; bytes],
            of,
        };
        let threads = Arc::new(Mutex::new(threads));
        let mut parts = order.split(|thread| *thread == WRITER);
        let mut part = || parts.next().unwrap_or_default().to_vec();
        let go = |threads: &Mutex<Threads>, part: &[usize]| {
            part.iter()
                .for_each(|thread| threads.lock().unwrap().go_on(*thread));
        };
        go(&threads, &part());
        let (between, inside) = (part(), Arc::clone(&threads));
        *meanwhile.lock().unwrap() = Some(Box::new(move || go(&inside, &between)));
        writer.step().unwrap();
        let nothing_to_append = meanwhile.lock().unwrap().take();
        nothing_to_append.into_iter().for_each(|happens| happens());
        go(&threads, &part());
        while shared.log.is_wanted() {
            writer.step().unwrap();
        }
        drop(writer);
        let threads = Arc::into_inner(threads).expect("because nothing is under way");
        threads.into_inner().unwrap().looker
    }

    #[test]
    fn executor_that_is_too_far_ahead_is_woken_whatever_happens_while_it_goes_to_sleep() {
        let mut slept = 0;
        for of in [OTHER, OWN] {
            for order in orders(&[Looker::STEPS, 2, 1]) {
                let looker = run(&order, of, AHEAD_BYTES_MAX);
                assert!(
                    !looker.sleeps_on(),
                    "it sleeps for ever: {order:?} of {of:?}"
                );
                slept += u64::from(looker.sleeps);
            }
        }
        assert!(slept > 0, "it sleeps in some orders");
    }

    #[test]
    fn executor_goes_to_sleep_only_if_it_is_too_far_ahead() {
        for order in orders(&[Looker::STEPS, 2, 1]) {
            let looker = run(&order, OTHER, AHEAD_BYTES_MAX / 2);
            assert!(!looker.sleeps, "{order:?}");
        }
    }

    /// A letter comes while the executor looks whether there is one.
    #[test]
    fn executor_that_finds_nothing_is_woken_by_what_comes_behind_its_look() {
        for order in orders(&[2, 2]) {
            let engine = Stepper::fresh(&[TOY]);
            let shared = Arc::clone(&engine.door().shared);
            let mut looker = Looker::new(&shared, 0);
            let mut sender = [true, false].into_iter();
            for thread in order.clone() {
                match (thread, looker.step) {
                    (0, 0) => looker.go_on(),
                    (0, _) => looker.sleeps = shared.inbox(OWN).waiting() == 0,
                    _ if sender.next() == Some(true) => push_letter(&shared),
                    _ => shared.wake(OWN),
                }
            }
            assert!(!looker.sleeps_on(), "{order:?}");
        }
    }

    fn push_letter(shared: &Shared) {
        let reported = Reported {
            number: 1,
            nth: 1,
            report: Report::Nothing {
                why: String::new(),
                retry_after_ms: None,
            },
        };
        let envelope = Envelope::mail(Errand::Report(reported), Slot(0), "a report");
        shared.inbox(OWN).push_mail(&mut Bag::from(envelope));
    }
}
