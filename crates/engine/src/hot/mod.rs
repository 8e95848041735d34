//! Hot keys: those that make much of their partition's work, which has one writer, or that are asked for much at
//! the edge. Each partition keeps two sketches of bounded size, of a sample: one command in [`HOT_SAMPLE_EVERY`] that
//! its executor runs, letters among them and timers not, and as many of those that the edge answers. What is not
//! sampled costs a counter that there is anyway, or one of the executor's own.

mod list;
mod sketch;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use list::ListHot;
use sketch::{Counted, Counts, Sketch};

use crate::inbox::Envelope;
use crate::limits::{HOT_PER_SECOND_MIN, HOT_SAMPLE_EVERY, HOT_SHARE_PERMILLE, HOT_SPAN_MS_MIN};
use compact_str::CompactString;

/// The hot keys of one partition.
pub(crate) struct HotKeys {
    at_partition: Mutex<Sketch>,
    at_edge: Mutex<Sketch>,
}

/// Where requests about a key are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredAt {
    /// By the partition of the key.
    Partition,
    /// From memory, at the edge.
    Edge,
}

impl AnsweredAt {
    const ALL: [Self; 2] = [Self::Partition, Self::Edge];

    /// Its word in every front.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Edge => "edge",
        }
    }
}

/// How hot keys of one partition are that are answered in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotFigures {
    /// The partition.
    pub partition: u16,
    /// Where they are answered.
    pub answered: AnsweredAt,
    /// How much of the work the hottest makes, in thousandths; 0 if none is asked for often.
    pub share_permille: u64,
    /// How many surely make a tenth of it.
    pub keys: u64,
}

impl HotKeys {
    pub(crate) fn new(now_ms: u64) -> Self {
        let sketch = || Mutex::new(Sketch::new(now_ms));
        Self {
            at_partition: sketch(),
            at_edge: sketch(),
        }
    }

    /// One that was sampled makes so much work.
    pub(crate) fn count(&self, at: AnsweredAt, of: (usize, &str), work: usize, now_ms: u64) {
        self.sketch(at).count(of, work as u64, now_ms);
    }

    fn counts(&self, at: AnsweredAt, now_ms: u64) -> Counts {
        self.sketch(at).counts(now_ms)
    }

    fn sketch(&self, at: AnsweredAt) -> MutexGuard<'_, Sketch> {
        let sketch = match at {
            AnsweredAt::Partition => &self.at_partition,
            AnsweredAt::Edge => &self.at_edge,
        };
        sketch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How hot keys are, of this partition.
    pub(crate) fn figures(&self, partition: u16, now_ms: u64) -> [HotFigures; 2] {
        AnsweredAt::ALL.map(|answered| {
            let counts = self.counts(answered, now_ms);
            let often = counts.keys.iter();
            let often = often.filter(|key| counts.per_second(key) >= HOT_PER_SECOND_MIN);
            let shares = often.clone().map(|key| counts.permille(key.work));
            let is_hot = |key: &&Counted| counts.sure_permille(key) >= HOT_SHARE_PERMILLE;
            HotFigures {
                partition,
                answered,
                share_permille: shares.max().unwrap_or_default(),
                keys: often.filter(is_hot).count() as u64,
            }
        })
    }
}

impl Counts {
    fn permille(&self, work: u64) -> u64 {
        (1_000 * work).checked_div(self.all_work).unwrap_or(0)
    }

    /// The share that a key has at least.
    fn sure_permille(&self, key: &Counted) -> u64 {
        self.permille(key.work - key.error)
    }

    /// About how many requests a second there are.
    fn per_second(&self, key: &Counted) -> u64 {
        1_000 * HOT_SAMPLE_EVERY * key.requests / self.span_ms.max(HOT_SPAN_MS_MIN)
    }
}

/// Which of the commands that a partition runs is the next of the sample.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    passed: u64,
}

impl Sampler {
    /// The key of a command that is about to run, if it is to be of the sample; one that turns out to wait is not,
    /// and the next one is.
    pub(crate) fn look(&mut self, envelope: &Envelope) -> Option<CompactString> {
        self.passed += 1;
        if self.passed < HOT_SAMPLE_EVERY {
            return None;
        }
        let key = std::str::from_utf8(envelope.key()?).ok()?;
        Some(CompactString::new(key))
    }

    /// It was.
    pub(crate) fn begin_again(&mut self) {
        self.passed = 0;
    }
}
