//! Recomputes every law of the domain from the rows themselves.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use tidegate_engine::contract::{Audit, Books};
use tidegate_engine::{KeyReader, Row, Table};

use super::row::{GROUPS, Group, NAMES, PENDING, Pending, PendingChunk, chunk_of};
use crate::audit::{no_key, split};
use crate::table::{GONE, GroupNames, MESSAGES, Message, PARTS, Part};

/// What a slot has of one stream.
#[derive(Default)]
struct Rows {
    part: Option<Part>,
    names: Option<GroupNames>,
    groups: BTreeMap<CompactString, GroupRows>,
}

/// What it has of a group.
#[derive(Default)]
struct GroupRows {
    group: Option<Group>,
    chunks: BTreeMap<u64, PendingChunk>,
}

type Fault<'a> = &'a mut dyn FnMut(String);

/// Checks the laws of this domain over the rows of one slot.
pub(super) fn audit(books: &Books<'_>) -> Audit {
    let mut audit = Audit::default();
    let mut pending = 0;
    for (name, rows) in by_stream(books, &mut audit.faults) {
        let mut fault = |what: String| audit.faults.push(format!("stream {name}{what}"));
        rows.check(&mut fault);
        pending += rows.entries().count();
    }
    audit.add("stream.pending", i64::try_from(pending).unwrap_or(i64::MAX));
    audit
}

fn text(key: &mut KeyReader<'_>) -> Option<CompactString> {
    key.text().map(CompactString::new)
}

/// The rows of the streams that have groups, by name, beside their messages.
fn by_stream(books: &Books<'_>, faults: &mut Vec<String>) -> BTreeMap<CompactString, Rows> {
    let mut streams: BTreeMap<CompactString, Rows> = BTreeMap::new();
    each(
        books,
        &NAMES,
        faults,
        |_| Some(()),
        |name, (), row| {
            streams.entry(name).or_default().names = Some(row);
        },
    );
    each(books, &GROUPS, faults, text, |name, group, row| {
        let groups = &mut streams.entry(name).or_default().groups;
        groups.entry(group).or_default().group = Some(row);
    });
    let of_chunk = |key: &mut KeyReader<'_>| text(key).zip(key.number());
    each(
        books,
        &PENDING,
        faults,
        of_chunk,
        |name, (group, number), row| {
            let groups = &mut streams.entry(name).or_default().groups;
            groups.entry(group).or_default().chunks.insert(number, row);
        },
    );
    // Faults of topics are told by the other domain.
    let others = &mut Vec::new();
    each(
        books,
        &PARTS,
        others,
        |_| Some(()),
        |name, (), row| {
            if let Some(rows) = streams.get_mut(&name) {
                rows.part = Some(row);
            }
        },
    );
    each(
        books,
        &GONE,
        others,
        |_| Some(()),
        |name, (), gone| {
            if let Some(rows) = streams.get_mut(&name) {
                rows.part = Some(gone.part);
            }
        },
    );
    let number = |key: &mut KeyReader<'_>| key.number();
    each(
        books,
        &MESSAGES,
        others,
        number,
        |name, position, message| {
            if let Some(rows) = streams.get(&name) {
                let mut fault = |what: String| faults.push(format!("stream {name}{what}"));
                rows.look_at(position, &message, &mut fault);
            }
        },
    );
    streams
}

/// Every row of a table whose key is one.
fn each<R: Row, P>(
    books: &Books<'_>,
    table: &Table<R>,
    faults: &mut Vec<String>,
    parts: impl Fn(&mut KeyReader<'_>) -> Option<P>,
    mut take: impl FnMut(CompactString, P, R),
) {
    for (key, row) in books.each(table) {
        match split(books, key.parts(), &parts) {
            Some((name, parts)) => take(name, parts, row),
            None => faults.push(no_key(table.def().name(), &key)),
        }
    }
}

impl Rows {
    fn entries(&self) -> impl Iterator<Item = &Pending> {
        self.groups.values().flat_map(GroupRows::entries)
    }

    /// A message beside what is known of it in groups.
    fn look_at(&self, position: u64, message: &Message, fault: Fault<'_>) {
        let id = message.id_at(position);
        for (name, rows) in &self.groups {
            let entry = rows.entry(position);
            if entry.is_some_and(|entry| entry.id != id) {
                fault(format!(" group {name}: {entry:?} is pending, of {id}"));
            }
            let is_passed = |group: &Group| position < group.next && id > group.last;
            if rows.group.as_ref().is_some_and(is_passed) {
                fault(format!(
                    " group {name}: it goes on behind {id}, which it was not given"
                ));
            }
        }
    }

    fn check(&self, fault: Fault<'_>) {
        let Some(part) = &self.part else {
            fault(": groups of a topic that is not there".to_owned());
            return;
        };
        let names = self.names.as_ref().map_or(&[][..], |names| &names.names);
        let is_counted = part.stream_groups == names.len() as u64;
        let is_none = self.names.is_some() && names.is_empty();
        if !names.iter().eq(self.groups.keys()) || is_none || !is_counted {
            let there: Vec<_> = self.groups.keys().collect();
            fault(format!(
                ": it names the groups {names:?}, and counts {}, there are {there:?}",
                part.stream_groups
            ));
        }
        for (name, rows) in &self.groups {
            let mut fault = |what: String| fault(format!(" group {name}{what}"));
            rows.check(part, &mut fault);
        }
    }
}

impl GroupRows {
    fn entries(&self) -> impl Iterator<Item = &Pending> {
        self.chunks.values().flat_map(|chunk| &chunk.entries)
    }

    fn entry(&self, position: u64) -> Option<&Pending> {
        let chunk = self.chunks.get(&chunk_of(position))?;
        chunk
            .entries
            .iter()
            .find(|entry| entry.position == position)
    }

    fn check(&self, part: &Part, fault: Fault<'_>) {
        let Some(group) = &self.group else {
            fault(": pending of a group that is not there".to_owned());
            return;
        };
        if !group.chunks.iter().eq(self.chunks.keys()) {
            let there: Vec<_> = self.chunks.keys().collect();
            fault(format!(
                ": it names the chunks {:?}, there are {there:?}",
                group.chunks
            ));
        }
        if group.next == 0 || group.next > part.last + 1 {
            fault(format!(
                ": it goes on at {}, behind {}",
                group.next, part.last
            ));
        }
        self.check_entries(part, fault);
        self.check_counts(group, fault);
    }

    /// They lie where they are to be, in order.
    fn check_entries(&self, part: &Part, fault: Fault<'_>) {
        for (number, chunk) in &self.chunks {
            if chunk.entries.is_empty() {
                fault(format!(": nothing is pending in chunk {number}"));
            }
            for entry in &chunk.entries {
                if chunk_of(entry.position) != *number || entry.position > part.last {
                    fault(format!(": in chunk {number} there is {entry:?}"));
                }
            }
        }
        let entries = self.entries().zip(self.entries().skip(1));
        for (one, next) in entries {
            if one.position >= next.position || one.id >= next.id {
                fault(format!(": behind {one:?} there is {next:?}"));
            }
        }
    }

    /// The group counts them, and each consumer his own.
    fn check_counts(&self, group: &Group, fault: Fault<'_>) {
        let mut of_each: BTreeMap<u8, u64> = BTreeMap::new();
        for entry in self.entries() {
            *of_each.entry(entry.consumer).or_default() += 1;
        }
        let has = self.entries().count() as u64;
        if group.pending != has {
            fault(format!(": {} are pending, there are {has}", group.pending));
        }
        let mut numbers = BTreeSet::new();
        for consumer in &group.consumers {
            let number = consumer.number;
            if !numbers.insert(number) {
                fault(format!(": two consumers have the number {number}"));
            }
            let has = of_each.remove(&number).unwrap_or(0);
            if consumer.pending != has {
                let (name, says) = (&consumer.name, consumer.pending);
                fault(format!(
                    ": {says} are pending of consumer {name}, there are {has}"
                ));
            }
        }
        if !of_each.is_empty() {
            fault(format!(": pending of {of_each:?}, who are no consumers"));
        }
        if !group
            .consumers
            .is_sorted_by(|one, next| one.name < next.name)
        {
            fault(format!(
                ": its consumers are not in order: {:?}",
                group.consumers
            ));
        }
    }
}
