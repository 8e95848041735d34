//! Timers: durable rows ordered by due time within their slot, and the agenda over them.
//!
//! A timer's row key is `slot ‖ due time ‖ timer id ‖ owner`. The agenda is derived memory: for each
//! slot where its first timer may be, at the earliest. What it finds there may be gone (a timer that
//! was cancelled leaves the agenda alone) or may lie in the base: then the slot waits until some of
//! its timers were read, and everything else of the slot waits with it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::key::{KeyReader, RowKey, Slot};
use crate::reader::FetchedTimers;
use crate::row::Nothing;
use crate::table::Table;
use crate::tables::{Snapshot, Tables};

/// Those that commands may have to wait for.
pub(crate) const TIMERS: Table<Nothing> = Table::ordered(0, 0, "engine.timers");
/// Those that nobody waits for.
pub(crate) const IDLE_TIMERS: Table<Nothing> = Table::ordered(0, 7, "engine.idle_timers");

/// Where the first timer of every slot that has any may be.
pub(crate) struct Agenda {
    /// Where the timers lie.
    table: &'static Table<Nothing>,
    /// When each slot is to be looked at; not those that wait.
    by_time: BTreeSet<(u64, Slot)>,
    slots: BTreeMap<Slot, Line>,
}

/// The timers of a slot.
#[derive(Debug)]
struct Line {
    /// When it is to be looked at.
    look_ms: Option<u64>,
    /// It is not looked at until something was read.
    is_waiting: bool,
    /// None in memory stands before this key.
    from: RowKey,
    /// The first ones of the base, as far as they were read.
    read: VecDeque<RowKey>,
    /// The base may have more from here on.
    unread: Option<RowKey>,
}

/// A timer taken from its row key.
pub(crate) struct Due {
    pub(crate) key: RowKey,
    pub(crate) slot: Slot,
    pub(crate) timer: u16,
}

impl Due {
    pub(crate) fn of(key: RowKey) -> Option<Self> {
        let mut parts = key.parts();
        parts.number()?;
        let timer = u16::from(parts.byte()?) << 8 | u16::from(parts.byte()?);
        let slot = key.slot();
        Some(Self { key, slot, timer })
    }

    /// When.
    pub(crate) fn due_ms(&self) -> u64 {
        due_ms(&self.key)
    }

    /// The parts that the timer was set with.
    pub(crate) fn owner(&self) -> KeyReader<'_> {
        KeyReader::new(&self.key.as_bytes()[12..])
    }
}

/// What a slot has to offer first.
enum First {
    /// A timer.
    Timer(RowKey),
    /// Perhaps one from this key on, in the base.
    Unread(RowKey),
    None,
}

/// What is to be done about time that has passed.
pub(crate) enum Turn {
    /// This timer fires.
    Fire(Due),
    /// The timers of a slot have to be read from this key on; the slot waits.
    Read(Slot, RowKey),
    /// Nothing.
    None,
}

/// When the timer under a key is due, or could be from this key on.
fn due_ms(key: &RowKey) -> u64 {
    key.parts().number().unwrap_or(0)
}

fn key_at(slot: Slot, due_ms: u64) -> RowKey {
    RowKey::from_bytes(&[&slot.0.to_be_bytes()[..], &due_ms.to_be_bytes()].concat())
}

impl Line {
    fn new(from: RowKey) -> Self {
        Self {
            look_ms: None,
            is_waiting: false,
            from,
            read: VecDeque::new(),
            unread: None,
        }
    }

    /// Finds the first timer of the slot, in memory and in what was read of the base.
    fn first(&mut self, slot: Slot, (table, tables): Rows<'_>) -> First {
        // What memory knows to be gone is gone.
        while let Some(key) = self.read.front()
            && tables.get(table, key.as_bytes()) == Ok(None)
        {
            self.read.pop_front();
        }
        let in_memory = tables.first_from(table, self.from.as_bytes());
        let in_memory = in_memory.filter(|key| key.slot() == slot);
        self.from = in_memory.clone().unwrap_or_else(|| key_at(slot, u64::MAX));
        let known = match (in_memory, self.read.front()) {
            (Some(a), Some(b)) => Some(a.min(b.clone())),
            (a, b) => a.or(b.cloned()),
        };
        match (known, &self.unread) {
            (Some(key), Some(unread)) if *unread < key => First::Unread(unread.clone()),
            (None, Some(unread)) => First::Unread(unread.clone()),
            (Some(key), _) => First::Timer(key),
            (None, None) => First::None,
        }
    }
}

/// A table of timers, among all tables.
type Rows<'a> = (&'static Table<Nothing>, &'a mut Tables);

impl Agenda {
    /// An agenda over the rows that a start has found in one of the tables of timers.
    pub(crate) fn rearm(table: &'static Table<Nothing>, rows: &Snapshot, slots: &[Slot]) -> Self {
        let mut agenda = Self {
            table,
            by_time: BTreeSet::new(),
            slots: BTreeMap::new(),
        };
        let mut next = slots.first().map(|slot| key_at(*slot, 0));
        while let Some(key) = next.and_then(|from| rows.key_from(table, &from)) {
            let slot = key.slot();
            let after = slots.iter().find(|own| **own > slot);
            next = after.map(|slot| key_at(*slot, 0));
            if slots.contains(&slot) {
                let look_ms = due_ms(&key);
                let mut line = Line::new(key.clone());
                line.unread = Some(key);
                agenda.slots.insert(slot, line);
                agenda.set(slot, Some(look_ms));
            }
        }
        agenda
    }

    /// Notes that a slot has a timer at `due_ms`.
    pub(crate) fn note(&mut self, slot: Slot, due_ms: u64) {
        let line = self.slots.entry(slot);
        let line = line.or_insert_with(|| Line::new(key_at(slot, due_ms)));
        if due_ms <= self::due_ms(&line.from) {
            line.from = line.from.clone().min(key_at(slot, due_ms));
        }
        if !line.is_waiting && line.look_ms.is_none_or(|look_ms| due_ms < look_ms) {
            self.set(slot, Some(due_ms));
        }
    }

    fn set(&mut self, slot: Slot, look_ms: Option<u64>) {
        let Some(line) = self.slots.get_mut(&slot) else {
            return;
        };
        if let Some(before) = std::mem::replace(&mut line.look_ms, look_ms) {
            self.by_time.remove(&(before, slot));
        }
        if let Some(look_ms) = look_ms {
            self.by_time.insert((look_ms, slot));
        }
    }

    /// Looks at a slot, which waits no more.
    pub(crate) fn look(&mut self, tables: &mut Tables, slot: Slot) {
        if let Some(line) = self.slots.get_mut(&slot) {
            line.is_waiting = false;
            self.first(tables, slot);
        }
    }

    /// Enters a slot with the time at which its first timer may be due, and gives that timer.
    fn first(&mut self, tables: &mut Tables, slot: Slot) -> First {
        let Some(line) = self.slots.get_mut(&slot) else {
            return First::None;
        };
        let first = line.first(slot, (self.table, tables));
        match &first {
            First::Timer(key) | First::Unread(key) => {
                let look_ms = due_ms(key);
                self.set(slot, Some(look_ms));
            }
            First::None => {
                self.set(slot, None);
                self.slots.remove(&slot);
            }
        }
        first
    }

    /// When something may be due next.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.by_time.first().map(|(due_ms, _)| *due_ms)
    }

    /// What is to be done first about the time up to `now_ms`. A timer stays until its row is
    /// removed.
    pub(crate) fn turn(&mut self, tables: &mut Tables, now_ms: u64) -> Turn {
        loop {
            let Some((look_ms, slot)) = self.by_time.first().copied() else {
                return Turn::None;
            };
            if look_ms > now_ms {
                return Turn::None;
            }
            match self.first(tables, slot) {
                First::Timer(key) if due_ms(&key) == look_ms => {
                    let due = Due::of(key);
                    return Turn::Fire(due.expect("because a timer's key is written by one place"));
                }
                First::Unread(from) if due_ms(&from) <= now_ms => {
                    self.wait(slot);
                    return Turn::Read(slot, from);
                }
                // Nothing as early as that: the slot has entered again with its true next time.
                First::Timer(_) | First::Unread(_) | First::None => {}
            }
        }
    }

    /// A slot waits for the rows of its first timer, until [`Agenda::look`].
    pub(crate) fn wait(&mut self, slot: Slot) {
        self.set(slot, None);
        if let Some(line) = self.slots.get_mut(&slot) {
            line.is_waiting = true;
        }
    }

    /// Timers of a slot that are due and known, first first: at most `most`.
    pub(crate) fn known(
        &self,
        tables: &mut Tables,
        slot: Slot,
        now_ms: u64,
        most: usize,
    ) -> Vec<Due> {
        let Some(line) = self.slots.get(&slot) else {
            return Vec::new();
        };
        let mut keys: Vec<RowKey> = line.read.iter().take(most).cloned().collect();
        let mut from = line.from.clone();
        while keys.len() < most
            && let Some(key) = tables.first_from(self.table, from.as_bytes())
            && key.slot() == slot
        {
            from = RowKey::from_bytes(&[key.as_bytes(), &[0]].concat());
            keys.push(key);
        }
        keys.retain(|key| due_ms(key) <= now_ms);
        keys.into_iter().filter_map(Due::of).collect()
    }

    /// Timers of a slot have been read; the slot waits on, until [`Agenda::look`].
    pub(crate) fn read(&mut self, fetched: FetchedTimers) {
        if let Some(line) = self.slots.get_mut(&fetched.slot) {
            line.read = fetched.keys;
            line.unread = fetched.more_from;
        }
    }

    /// Timers that were in memory are in the base now, wherever they stand.
    pub(crate) fn thaw(&mut self) {
        for line in self.slots.values_mut() {
            let firsts = [Some(&line.from), line.read.front(), line.unread.as_ref()];
            line.unread = firsts.into_iter().flatten().min().cloned();
            line.read.clear();
        }
    }
}
