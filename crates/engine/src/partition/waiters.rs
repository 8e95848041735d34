//! Commands that have run and are answered later: once their key is told, or their time is over.
//!
//! What they did is kept and durable; only the answer waits, in memory. So a restart forgets who waited,
//! as it drops their connections, and whoever asks again is answered from the rows.

use std::collections::{BTreeSet, HashMap};

use compact_str::CompactString;

use super::Partition;
use crate::contract::Class;
use crate::hash::Seeded;
use crate::inbox::{Envelope, Errand, Turn};
use crate::limits::{WAITERS_BYTES_MAX, WAITERS_MAX};

pub(super) struct Waiters {
    waiting: HashMap<u64, Waiter, Seeded>,
    /// Who waits to be told of a key, in the order in which they came.
    by_key: HashMap<CompactString, Vec<u64>, Seeded>,
    by_time: BTreeSet<(u64, u64)>,
    /// Numbers given so far.
    last: u64,
    bytes: usize,
}

struct Waiter {
    envelope: Envelope,
    until_ms: u64,
}

impl Waiters {
    pub(super) fn new(seed: Seeded) -> Self {
        Self {
            waiting: HashMap::with_hasher(seed),
            by_key: HashMap::with_hasher(seed),
            by_time: BTreeSet::new(),
            last: 0,
            bytes: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether one more may wait: reads leave half of the room to what changes something.
    pub(super) fn has_room(&self, class: Class) -> bool {
        let parts = match class {
            Class::Reads => 2,
            Class::Opens | Class::Finishes => 1,
        };
        self.waiting.len() < WAITERS_MAX / parts && self.bytes < WAITERS_BYTES_MAX / parts
    }

    /// When the first one's time is over.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.by_time.first().map(|(until_ms, _)| *until_ms)
    }

    /// Keeps a command that is answered later, and by then at the latest.
    fn keep(&mut self, envelope: Envelope, until_ms: u64) {
        let Some(key) = key_of(&envelope) else {
            return;
        };
        self.last += 1;
        let of_key = self.by_key.entry(key).or_default();
        of_key.push(self.last);
        self.by_time.insert((until_ms, self.last));
        self.bytes += envelope.bytes();
        let waiter = Waiter { envelope, until_ms };
        self.waiting.insert(self.last, waiter);
    }

    /// Takes out those who wait for a key, in order; they run again.
    fn told(&mut self, key: &str) -> Vec<Envelope> {
        let numbers = self.by_key.remove(key).unwrap_or_default();
        let mut told = Vec::with_capacity(numbers.len());
        for number in numbers {
            if let Some(Waiter { envelope, until_ms }) = self.waiting.remove(&number) {
                self.by_time.remove(&(until_ms, number));
                self.bytes -= envelope.bytes();
                let turn = Turn::Told { until_ms };
                told.push(Envelope { turn, ..envelope });
            }
        }
        told
    }

    /// Takes out those whose time is over; they run a last time.
    fn over(&mut self, now_ms: u64) -> Vec<Envelope> {
        let mut over = Vec::new();
        while let Some((until_ms, number)) = self.by_time.first().copied()
            && until_ms <= now_ms
        {
            self.by_time.remove(&(until_ms, number));
            let Some(Waiter { envelope, .. }) = self.waiting.remove(&number) else {
                continue;
            };
            self.bytes -= envelope.bytes();
            self.forget(&envelope, number);
            let turn = Turn::Last;
            over.push(Envelope { turn, ..envelope });
        }
        over
    }

    fn forget(&mut self, envelope: &Envelope, number: u64) {
        if let Some(key) = key_of(envelope)
            && let Some(of_key) = self.by_key.get_mut(&key)
        {
            of_key.retain(|one| *one != number);
            if of_key.is_empty() {
                self.by_key.remove(&key);
            }
        }
    }
}

/// What a command waits for; only commands are answered later.
fn key_of(envelope: &Envelope) -> Option<CompactString> {
    match &envelope.work {
        Errand::Call { call, .. } => Some(CompactString::new(call.awaits())),
        Errand::Scan(_) | Errand::Letter(_) | Errand::Report(_) => None,
    }
}

impl Partition {
    /// A command has run and is answered later.
    pub(super) fn answer_later(&mut self, envelope: Envelope, now_ms: u64) {
        let Errand::Call { call, .. } = &envelope.work else {
            unreachable!("because only commands are answered later");
        };
        let until_ms = match envelope.turn {
            Turn::First => now_ms + call.waits_ms(),
            Turn::Told { until_ms } => until_ms,
            Turn::Last => unreachable!("because the last run is answered"),
        };
        self.waiters.keep(envelope, until_ms);
        self.state.is_awaited = true;
    }

    /// What a key is about has changed: those who wait for it run again, before what came behind them.
    pub(super) fn tell(&mut self, keys: &[CompactString]) {
        for key in keys {
            for envelope in self.waiters.told(key).into_iter().rev() {
                self.lanes.put_back(envelope);
            }
        }
        self.state.is_awaited = !self.waiters.is_empty();
    }

    /// Those whose time is over run a last time.
    pub(super) fn end_waits(&mut self, now_ms: u64) {
        for envelope in self.waiters.over(now_ms).into_iter().rev() {
            self.lanes.put_back(envelope);
        }
        self.state.is_awaited = !self.waiters.is_empty();
    }
}
