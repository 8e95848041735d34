//! Commands that have run and are answered later: once their key is told, or their time is over.
//!
//! What they did is kept and durable; only the answer waits, in memory. So a restart forgets who waited,
//! as it drops their connections, and whoever asks again is answered from the rows. One that waits in several
//! places waits in each of them by a mark that says where it is found.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use compact_str::CompactString;

use super::Partition;
use crate::contract::Class;
use crate::gate::Answers;
use crate::hash::Seeded;
use crate::inbox::{Envelope, Errand, Turn};
use crate::key::Slot;
use crate::limits::{WAITERS_BYTES_MAX, WAITERS_MAX};
use crate::mail::Post;
use crate::round::{Found, Seat};
use crate::shared::Shared;
use crate::tx::News;

pub(super) struct Waiters {
    /// By their numbers, which say who came first.
    waiting: HashMap<u64, Waiter, Seeded>,
    /// Who waits to be told of a key of a slot, in the order in which they came.
    by_key: BTreeMap<Key, VecDeque<u64>>,
    by_time: BTreeSet<(u64, u64)>,
    /// Numbers given so far.
    last: u64,
    bytes: usize,
    /// Marks made since it was looked which of them are of nobody any more.
    marks: usize,
}

/// What is told, and in which slot.
type Key = (Slot, CompactString);

struct Waiter {
    key: Key,
    until_ms: u64,
    who: Who,
}

enum Who {
    Here(Envelope),
    /// It waits in other places too; this is that of its places.
    Elsewhere(Arc<Seat>, usize),
}

impl Waiter {
    fn bytes(&self) -> usize {
        match &self.who {
            Who::Here(envelope) => envelope.bytes(),
            Who::Elsewhere(..) => size_of::<Self>() + self.key.1.len(),
        }
    }
}

/// Marks that may be of nobody any more before it is looked, beside half of those who wait.
const MARKS_UNSEEN_MAX: usize = 64;

impl Waiters {
    pub(super) fn new(seed: Seeded) -> Self {
        Self {
            waiting: HashMap::with_hasher(seed),
            by_key: BTreeMap::new(),
            by_time: BTreeSet::new(),
            last: 0,
            bytes: 0,
            marks: 0,
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

    /// Keeps a command that is answered later, and by then at the latest; where it stood before, if it did.
    fn keep(&mut self, envelope: Envelope, until_ms: u64) {
        let Errand::Call { call, .. } = &envelope.work else {
            unreachable!("because only commands are answered later");
        };
        let key = (envelope.slot, CompactString::new(call.awaits()));
        let before = match envelope.turn {
            Turn::Told { number, .. } if number > 0 => Some(number),
            Turn::First | Turn::Told { .. } | Turn::Last => None,
        };
        let who = Who::Here(envelope);
        self.add(before, Waiter { key, until_ms, who });
    }

    /// Marks where a command is found that waits here and elsewhere.
    fn mark(&mut self, key: Key, until_ms: u64, (seat, at): (Arc<Seat>, usize)) {
        self.marks += 1;
        if self.marks > MARKS_UNSEEN_MAX + self.waiting.len() / 2 {
            self.forget_gone();
        }
        let who = Who::Elsewhere(seat, at);
        self.add(None, Waiter { key, until_ms, who });
    }

    fn add(&mut self, before: Option<u64>, waiter: Waiter) {
        let number = before.unwrap_or(self.last + 1);
        self.last = self.last.max(number);
        let line = self.by_key.entry(waiter.key.clone()).or_default();
        let place = line.partition_point(|one| *one < number);
        line.insert(place, number);
        self.by_time.insert((waiter.until_ms, number));
        self.bytes += waiter.bytes();
        self.waiting.insert(number, waiter);
    }

    /// The keys of a slot that somebody waits for, of which the words begin so.
    fn keys_beginning<'a>(&'a self, from: &'a Key) -> impl Iterator<Item = &'a Key> {
        let (slot, word) = from;
        let keys = self.by_key.range(from..).map(|(key, _)| key);
        keys.take_while(move |key| key.0 == *slot && key.1.starts_with(word.as_str()))
    }

    /// Takes out those who are to know what a slot tells, in order; they run again.
    fn told_of(&mut self, slot: Slot, news: News) -> Vec<Envelope> {
        let key = (slot, news.word);
        if !news.is_beginning {
            return self.told(&key, news.most);
        }
        let keys: Vec<_> = self.keys_beginning(&key).cloned().collect();
        let told = keys.iter().map(|key| self.told(key, news.most));
        told.flatten().collect()
    }

    /// Takes out up to so many of those who wait for a key, in order; they run again.
    fn told(&mut self, key: &Key, most: usize) -> Vec<Envelope> {
        let mut told: Vec<Envelope> = Vec::new();
        let (mut at, mut there) = (0, 0);
        while there < most
            && let Some(number) = self.by_key.get(key).and_then(|line| line.get(at)).copied()
        {
            if let Some(envelope) = self.tell(number) {
                there += usize::from(!envelope.is_left());
                told.push(envelope);
            }
            // Who waits elsewhere too keeps the place here.
            at += usize::from(self.waiting.contains_key(&number));
        }
        told
    }

    /// One of those who wait is told; gives it if it runs again here.
    fn tell(&mut self, number: u64) -> Option<Envelope> {
        let until_ms = self.waiting.get(&number)?.until_ms;
        let found = match &self.waiting.get(&number)?.who {
            Who::Here(_) => {
                let turn = Turn::Told { until_ms, number };
                let Who::Here(envelope) = self.remove(number)?.who else {
                    return None;
                };
                return Some(Envelope { turn, ..envelope });
            }
            Who::Elsewhere(seat, at) => seat.tell(*at),
        };
        match found {
            Found::Here(envelope) => {
                let turn = Turn::Told {
                    until_ms,
                    number: 0,
                };
                Some(Envelope { turn, ..envelope })
            }
            Found::Away => None,
            Found::Gone => {
                self.remove(number);
                None
            }
        }
    }

    /// Takes out those whose time is over; they run a last time.
    fn over(&mut self, now_ms: u64) -> Vec<Envelope> {
        let mut over = Vec::new();
        while let Some((until_ms, number)) = self.by_time.first().copied()
            && until_ms <= now_ms
            && let Some(waiter) = self.remove(number)
        {
            let envelope = match waiter.who {
                Who::Here(envelope) => envelope,
                Who::Elsewhere(seat, at) => match seat.end(at) {
                    Found::Here(envelope) => envelope,
                    Found::Away | Found::Gone => continue,
                },
            };
            let turn = Turn::Last;
            over.push(Envelope { turn, ..envelope });
        }
        over
    }

    fn remove(&mut self, number: u64) -> Option<Waiter> {
        let waiter = self.waiting.remove(&number)?;
        self.by_time.remove(&(waiter.until_ms, number));
        self.bytes -= waiter.bytes();
        if let Some(line) = self.by_key.get_mut(&waiter.key) {
            if let Ok(at) = line.binary_search(&number) {
                line.remove(at);
            }
            if line.is_empty() {
                self.by_key.remove(&waiter.key);
            }
        }
        Some(waiter)
    }

    /// Removes marks of those who were answered elsewhere.
    fn forget_gone(&mut self) {
        self.marks = 0;
        let is_gone = |waiter: &Waiter| match &waiter.who {
            Who::Here(_) => false,
            Who::Elsewhere(seat, _) => seat.is_gone(),
        };
        let gone = self.waiting.iter().filter(|(_, waiter)| is_gone(waiter));
        let gone: Vec<u64> = gone.map(|(number, _)| *number).collect();
        for number in gone {
            self.remove(number);
        }
    }
}

impl Partition {
    /// A command has run and is answered later.
    pub(super) fn answer_later(
        &mut self,
        envelope: Envelope,
        now_ms: u64,
        shared: &Shared,
        answers: &mut Answers,
    ) {
        let Errand::Call { call, .. } = &envelope.work else {
            unreachable!("because only commands are answered later");
        };
        let until_ms = match envelope.turn {
            Turn::First => now_ms + call.waits_ms(),
            Turn::Told { until_ms, .. } => until_ms,
            Turn::Last => unreachable!("because the last run is answered"),
        };
        if envelope.round.is_some() {
            return self.go_round(envelope, (now_ms, until_ms), shared, answers);
        }
        self.waiters.keep(envelope, until_ms);
        self.state.is_awaited = true;
    }

    /// A command has found nothing in this one of its places: it goes on in the next one, or waits in all of them.
    fn go_round(
        &mut self,
        mut envelope: Envelope,
        (now_ms, until_ms): (u64, u64),
        shared: &Shared,
        answers: &mut Answers,
    ) {
        let Some(round) = &mut envelope.round else {
            return;
        };
        envelope.turn = Turn::Told {
            until_ms,
            number: 0,
        };
        if round.goes_on() {
            round.next();
        } else if until_ms <= now_ms || !self.waiters.has_room(envelope.class) {
            envelope.turn = Turn::Last; // It has waited elsewhere, or cannot wait here.
            return self.lanes.put_back(envelope);
        } else {
            if let Some(seat) = round.leave_seat() {
                let place = round.place();
                let key = (place.slot, place.awaits.clone());
                self.waiters.mark(key, until_ms, seat);
                self.state.is_awaited = true;
            }
            if !round.next() {
                match Seat::sit(envelope) {
                    Some(told) => envelope = told,
                    None => return,
                }
            }
        }
        self.send_on(envelope, shared, answers);
    }

    /// A command goes on in another place, which may be another partition's.
    fn send_on(&mut self, mut envelope: Envelope, shared: &Shared, answers: &mut Answers) {
        if let Some(round) = &envelope.round {
            envelope.slot = round.place().slot;
        }
        if shared.slots.owner(envelope.slot) == self.id {
            self.lanes.put_back(envelope);
        } else {
            answers.push_post(Post::Call(Box::new(envelope)));
        }
    }

    /// What keys of a slot are about has changed: up to so many of those who wait for them run again, before what
    /// came behind them.
    pub(super) fn tell(&mut self, slot: Slot, told: &mut Vec<News>) {
        for news in told.drain(..) {
            for envelope in self.waiters.told_of(slot, news).into_iter().rev() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_begin_so_are_found_in_their_slot() {
        let mut waiters = Waiters::new(Seeded::new(1));
        for (slot, word) in [(1, "a"), (1, "a/x"), (1, "a/y"), (1, "ab/x"), (2, "a/z")] {
            for at in 0..2 {
                waiters.mark((Slot(slot), word.into()), 1, (Arc::default(), at));
            }
        }
        let found = |word: &str| {
            let from = (Slot(1), word.into());
            let keys = waiters.keys_beginning(&from);
            keys.map(|(_, word)| word.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(found("a/"), ["a/x", "a/y"]);
        assert_eq!(found("a"), ["a", "a/x", "a/y", "ab/x"]);
        assert_eq!(found("b"), [""; 0]);
    }
}
