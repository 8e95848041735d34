//! The rows of one slot, by topic and group, but for messages, which may be more than memory holds.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use tidegate_engine::contract::{Books, Timer};
use tidegate_engine::{KeyReader, Row, RowKey, Table};

use super::messages::Seen;
use crate::apply::{APPEAR, BLOCKED_GOES, LEASE_END, LINE_GOES, LOOK_AT_LAG, REST_OVER, RETAIN};
use crate::emptying::{EMPTY, FORGET};
use crate::table::{
    BLOCKED, DEAD, DELAYED, Dead, GONE, GROUP_NAMES, GROUPS, Gone, Group, GroupNames, IDS, KEYS,
    LEASES, Lease, Message, OPEN, PARTS, PINS, PUSHES, Part, Published, Pushes, READY, RESTING,
    Resting, SCHEMAS, STEERED, SchemaRow, Steered, TOLD, TOPICS, Told, Topic, Waiting,
};

/// All rows of one topic.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) topic: Option<Topic>,
    pub(super) part: Option<Part>,
    pub(super) schema: Option<SchemaRow>,
    pub(super) ids: BTreeMap<CompactString, Published>,
    /// The last position of each key.
    pub(super) keys: BTreeMap<CompactString, u64>,
    pub(super) delayed: BTreeMap<u64, Message>,
    /// Timers of delayed messages.
    pub(super) appears: Timers,
    /// The timer of what need not be kept.
    pub(super) retains: Timers,
    /// How many groups pin each position.
    pub(super) pins: BTreeMap<u64, u64>,
    pub(super) groups: BTreeMap<CompactString, GroupRows>,
    pub(super) pushes: Option<Pushes>,
    pub(super) told: Option<Told>,
    /// The groups that it names.
    pub(super) names: Option<GroupNames>,
    pub(super) gone: Option<Gone>,
    /// The timer by which what it had goes.
    pub(super) empties: Timers,
    /// The timer by which it is forgotten.
    pub(super) forgets: Timers,
    /// What its messages say.
    pub(super) seen: Seen,
}

/// All rows of one group.
#[derive(Default)]
pub(super) struct GroupRows {
    pub(super) group: Option<Group>,
    pub(super) dead: BTreeMap<u64, Dead>,
    pub(super) steered: BTreeMap<u64, Steered>,
    /// What is open, and what was before the group was moved, by how often it had been.
    pub(super) works: BTreeMap<u64, WorkRows>,
    /// When it is looked at whether it lags.
    pub(super) looks: Timers,
}

/// What is open of a group.
#[derive(Default)]
pub(super) struct WorkRows {
    pub(super) open: BTreeSet<u64>,
    pub(super) leases: BTreeMap<u64, Lease>,
    pub(super) ready: BTreeMap<u64, Waiting>,
    pub(super) resting: BTreeMap<u64, Resting>,
    /// What is blocked by each position.
    pub(super) blocked: BTreeMap<u64, u64>,
    pub(super) lease_ends: Timers,
    pub(super) rests_over: Timers,
    /// What was in line from these places on goes.
    pub(super) lines_go: Timers,
    /// What these positions have blocked goes.
    pub(super) blocked_go: Timers,
}

impl Rows {
    /// What its messages add up to, also if it was deleted.
    pub(super) fn part(&self) -> Option<Part> {
        self.part.or(self.gone.as_ref().map(|gone| gone.part))
    }

    /// Its groups that are there.
    pub(super) fn names_there(&self) -> impl Iterator<Item = &CompactString> {
        let groups = self.groups.iter();
        let there = groups.filter(|(_, rows)| rows.group.is_some());
        there.map(|(name, _)| name)
    }

    /// Whether a group has an audit list.
    pub(super) fn has_steered(&self) -> bool {
        self.groups.values().any(|group| !group.steered.is_empty())
    }
}

impl GroupRows {
    /// Positions that are to be kept for it.
    pub(super) fn pinned(&self) -> impl Iterator<Item = u64> + '_ {
        let dead = self.dead.values().map(|dead| dead.position);
        let waiting = self.works.values().flat_map(WorkRows::waiting);
        let replayed = waiting.filter(|of| of.is_replay);
        dead.chain(replayed.map(|of| of.position))
    }

    /// Whether a position is open.
    pub(super) fn is_open(&self, position: u64) -> bool {
        let mut works = self.works.values();
        works.any(|work| work.open.contains(&position))
    }
}

impl WorkRows {
    /// Everything that has a message, with how often it was tried.
    fn waiting(&self) -> impl Iterator<Item = Waiting> + '_ {
        let leased = self.leases.values().flat_map(|lease| &lease.items);
        let leased = leased.map(|item| item.of);
        let in_line = self.ready.values().copied();
        let resting = self.resting.values().map(|row| row.of);
        leased.chain(in_line).chain(resting)
    }
}

/// Timers of one kind.
#[derive(Default)]
pub(super) struct Timers {
    /// For which number each is set, and when it is due.
    set: BTreeSet<(u64, u64)>,
    /// Those that were set aside: they stand for those that are set.
    aside: BTreeSet<u64>,
}

impl Timers {
    /// The numbers for which there is one.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        let set = self.set.iter().map(|(number, _)| *number);
        set.chain(self.aside.iter().copied())
    }

    /// Checks that there is a timer for each of these, and no other.
    pub(super) fn check(
        &self,
        due: impl Iterator<Item = (u64, u64)>,
        what: &str,
        fault: super::Fault<'_>,
    ) {
        let due: BTreeSet<_> = due.collect();
        for (number, at_ms) in due.difference(&self.set) {
            if !self.aside.contains(number) {
                fault(format!(": {what} {number} has no timer at {at_ms}"));
            }
        }
        for (number, at_ms) in self.set.difference(&due) {
            fault(format!(
                ": a timer at {at_ms} for {what} {number}, which has none then"
            ));
        }
    }
}

/// Rows by topic. A key that is none of its table's, or lies in the slot of another topic, is told.
pub(super) fn by_topic(
    books: &Books<'_>,
    faults: &mut Vec<String>,
) -> BTreeMap<CompactString, Rows> {
    let mut sort = Sort {
        books,
        topics: BTreeMap::new(),
        faults,
    };
    let none = |_: &mut KeyReader<'_>| Some(());
    let number = |key: &mut KeyReader<'_>| key.number();
    sort.table(&TOPICS, none, |rows, (), topic| rows.topic = Some(topic));
    sort.table(&PARTS, none, |rows, (), part| rows.part = Some(part));
    sort.table(&SCHEMAS, none, |rows, (), schema| {
        rows.schema = Some(schema)
    });
    sort.table(&IDS, text, |rows, id, published| {
        rows.ids.insert(id, published);
    });
    sort.table(&KEYS, text, |rows, key, last| {
        rows.keys.insert(key, last.position);
    });
    sort.table(&DELAYED, number, |rows, number, message| {
        rows.delayed.insert(number, message);
    });
    sort.table(&PINS, number, |rows, position, pin| {
        rows.pins.insert(position, pin.groups);
    });
    sort.table(&PUSHES, none, |rows, (), pushes| {
        rows.pushes = Some(pushes);
    });
    sort.table(&TOLD, none, |rows, (), told| rows.told = Some(told));
    sort.table(&GROUP_NAMES, none, |rows, (), names| {
        rows.names = Some(names);
    });
    sort.table(&GONE, none, |rows, (), gone| rows.gone = Some(gone));
    sort.timers(&EMPTY, none, |rows, ()| (&mut rows.empties, 0));
    sort.timers(&FORGET, none, |rows, ()| (&mut rows.forgets, 0));
    sort.groups();
    sort.timers(&RETAIN, none, |rows, ()| (&mut rows.retains, 0));
    sort.timers(&APPEAR, number, |rows, number| (&mut rows.appears, number));
    sort.timers(&LOOK_AT_LAG, text, |rows, group| {
        (&mut group_of(rows, group).looks, 0)
    });
    sort.timers(&LEASE_END, worked, |rows, (at, number)| {
        (&mut work_of(rows, at).lease_ends, number)
    });
    sort.timers(&REST_OVER, worked, |rows, (at, number)| {
        (&mut work_of(rows, at).rests_over, number)
    });
    sort.timers(&LINE_GOES, worked, |rows, (at, place)| {
        (&mut work_of(rows, at).lines_go, place)
    });
    sort.timers(&BLOCKED_GOES, worked, |rows, (at, position)| {
        (&mut work_of(rows, at).blocked_go, position)
    });
    sort.topics
}

fn text(key: &mut KeyReader<'_>) -> Option<CompactString> {
    key.text().map(CompactString::new)
}

/// A group, and a number of it.
fn numbered(key: &mut KeyReader<'_>) -> Option<(CompactString, u64)> {
    text(key).zip(key.number())
}

fn group_of(rows: &mut Rows, group: CompactString) -> &mut GroupRows {
    rows.groups.entry(group).or_default()
}

/// A group, and how often it had been moved.
type At = (CompactString, u64);

/// What is open of a group, and a number of that.
fn worked(key: &mut KeyReader<'_>) -> Option<(At, u64)> {
    let (group, moves) = Group::of_work(key.text()?)?;
    Some(((CompactString::new(group), moves), key.number()?))
}

fn work_of(rows: &mut Rows, (group, moves): At) -> &mut WorkRows {
    group_of(rows, group).works.entry(moves).or_default()
}

/// The topic of a key, and the parts behind it, if that is the whole key and the topic belongs into this slot.
pub(crate) fn split<P>(
    books: &Books<'_>,
    mut key: KeyReader<'_>,
    parts: impl Fn(&mut KeyReader<'_>) -> Option<P>,
) -> Option<(CompactString, P)> {
    let name = text(&mut key)?;
    let parts = parts(&mut key)?;
    let is_whole = key.rest().is_empty() && books.is_home_of(&name);
    is_whole.then_some((name, parts))
}

/// What is told of a key that is none.
pub(crate) fn no_key(of: &str, key: &RowKey) -> String {
    let (slot, key) = (key.slot().0, key.parts().rest().escape_ascii());
    format!("{of}: in slot {slot} there is no key {key}")
}

struct Sort<'a> {
    books: &'a Books<'a>,
    topics: BTreeMap<CompactString, Rows>,
    faults: &'a mut Vec<String>,
}

impl Sort<'_> {
    fn groups(&mut self) {
        self.table(&GROUPS, text, |rows, group, row| {
            group_of(rows, group).group = Some(row);
        });
        self.table(&OPEN, worked, |rows, (at, chunk), row| {
            work_of(rows, at).open.extend(row.positions(chunk));
        });
        self.table(&LEASES, worked, |rows, (at, number), row| {
            work_of(rows, at).leases.insert(number, row);
        });
        self.table(&READY, worked, |rows, (at, place), row| {
            work_of(rows, at).ready.insert(place, row);
        });
        self.table(&RESTING, worked, |rows, (at, position), row| {
            work_of(rows, at).resting.insert(position, row);
        });
        self.table(&BLOCKED, worked, |rows, (at, before), row| {
            work_of(rows, at).blocked.insert(before, row.position);
        });
        self.table(&STEERED, numbered, |rows, (group, number), row| {
            group_of(rows, group).steered.insert(number, row);
        });
        self.table(&DEAD, numbered, |rows, (group, number), row| {
            group_of(rows, group).dead.insert(number, row);
        });
    }

    fn table<R: Row, P>(
        &mut self,
        table: &Table<R>,
        parts: impl Fn(&mut KeyReader<'_>) -> Option<P>,
        put: impl Fn(&mut Rows, P, R),
    ) {
        for (key, row) in self.books.each(table) {
            match split(self.books, key.parts(), &parts) {
                Some((name, parts)) => put(self.topics.entry(name).or_default(), parts, row),
                None => self.faults.push(no_key(table.def().name(), &key)),
            }
        }
    }

    fn timers<P>(
        &mut self,
        timer: &Timer,
        parts: impl Fn(&mut KeyReader<'_>) -> Option<P>,
        of: impl Fn(&mut Rows, P) -> (&mut Timers, u64),
    ) {
        for timer in self.books.timers(timer) {
            match split(self.books, timer.owner(), &parts) {
                Some((name, parts)) => {
                    let (timers, number) = of(self.topics.entry(name).or_default(), parts);
                    timers.set.insert((number, timer.due_ms()));
                }
                None => self.faults.push(no_key("the timers", timer.key())),
            }
        }
        for timer in self.books.timers_set_aside(timer) {
            // One of another key is no stand-in for any: the engine's own laws tell of it.
            if let Some((name, parts)) = split(self.books, timer.owner(), &parts)
                && let Some(rows) = self.topics.get_mut(&name)
            {
                let (timers, number) = of(rows, parts);
                timers.aside.insert(number);
            }
        }
    }
}
