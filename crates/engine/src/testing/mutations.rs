//! Rows mutated beneath an engine, one at a time, to see that `check` names the law that this breaks.

use std::collections::BTreeSet;
use std::sync::Arc;

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use super::Stepper;
use crate::base::{Base, PlainBase};
use crate::contract::Domain;
use crate::disk::FaultDisk;
use crate::engine::{check, tables_of};

/// What is done to a row.
#[derive(Clone, Copy, Debug)]
pub enum Mutation {
    /// It is removed.
    Remove,
    /// A field of it is another value.
    Field(u64, Value),
    /// What lies at the end of this path, by the numbers of fields and the places in lists, is another value.
    Within(&'static [u64], Value),
    /// It lies under another key: where these bytes stood, the last time that they do, those stand.
    Move(&'static [u8], &'static [u8]),
    /// It is there a second time, under another key.
    Copy(&'static [u8], &'static [u8]),
}

impl Mutation {
    /// What a table can suffer, in one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Remove => "removed",
            Self::Field(..) | Self::Within(..) | Self::Move(..) => "changed",
            Self::Copy(..) => "added",
        }
    }
}

/// What a field may be given.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// A number.
    Number(u64),
    /// A text.
    Text(&'static str),
    /// Bytes.
    Bytes(&'static [u8]),
    /// Whether something is so.
    Bool(bool),
    /// An empty list.
    Nothing,
    /// What a field that may be missing is when it is.
    Missing,
}

/// Which row of a table.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// By its place in the order of their keys, from 0 on.
    At(usize),
    /// The first one whose key has these bytes.
    Key(&'static [u8]),
    /// The first one that has these bytes in itself.
    Row(&'static [u8]),
}

/// A row of a table that is mutated, and words of the law that it breaks.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The table's name.
    pub table: &'static str,
    /// Which of its rows.
    pub row: Which,
    /// What is done to it.
    pub mutation: Mutation,
    /// Words of a fault that `check` tells then.
    pub law: &'static str,
}

/// The first row of a table whose key has these bytes.
#[must_use]
pub const fn case(
    table: &'static str,
    key: &'static [u8],
    mutation: Mutation,
    law: &'static str,
) -> Case {
    Case {
        table,
        row: Which::Key(key),
        mutation,
        law,
    }
}

/// A key, and the row under it or none.
pub type KeyedRow = (Vec<u8>, Option<Vec<u8>>);

/// A folder whose rows can be mutated beneath the engine.
pub struct Folder {
    disk: FaultDisk,
    base: Arc<dyn Base>,
    domains: &'static [Domain],
}

impl Folder {
    /// Of an engine that has taken all of its rows to the base.
    ///
    /// # Panics
    /// If it cannot be read.
    #[must_use]
    pub fn of(engine: Stepper, domains: &'static [Domain]) -> Self {
        let disk = engine.disk.clone();
        drop(engine);
        let base = PlainBase::open(Arc::new(disk.clone()), &tables_of(domains));
        Self {
            disk,
            base: Arc::new(base.expect("because an engine has written it")),
            domains,
        }
    }

    /// Every law that is broken.
    ///
    /// # Panics
    /// If rows cannot be read at all.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let checked = check(&self.disk, &self.base, self.domains);
        checked.expect("because all rows can be read").audit.faults
    }

    /// Mutates one row after another, each of which is whole again before the next one is.
    ///
    /// # Panics
    /// If a law is broken from the start, or one that a mutation breaks is not named.
    pub fn check_cases(&self, cases: &[Case]) {
        assert_eq!(self.faults(), Vec::<String>::new());
        let untold: Vec<_> = cases.iter().filter_map(|case| self.untold(case)).collect();
        assert!(untold.is_empty(), "not named: {untold:#?}");
        assert_eq!(self.faults(), Vec::<String>::new());
    }

    /// The faults that a mutation causes, if none of them names the law.
    fn untold<'a>(&self, case: &'a Case) -> Option<(&'a Case, Vec<String>)> {
        let undo = self.mutate(case.table, case.row, case.mutation);
        let faults = self.faults();
        self.put(case.table, undo);
        let is_named = faults.iter().any(|fault| fault.contains(case.law));
        (!is_named).then_some((case, faults))
    }

    /// Mutates a row; gives what undoes it.
    ///
    /// # Panics
    /// If there is no such row, or nothing of it changes.
    pub fn mutate(&self, table: &str, row: Which, mutation: Mutation) -> Vec<KeyedRow> {
        let (key, bytes) = self.row(table, row);
        let (changed, undo) = match mutation {
            Mutation::Remove => (vec![(key.clone(), None)], vec![(key, Some(bytes))]),
            Mutation::Field(field, value) => changed(key, bytes, &[field], value),
            Mutation::Within(path, value) => changed(key, bytes, path, value),
            Mutation::Move(from, to) => {
                let other = replaced(&key, from, to);
                let changed = vec![(key.clone(), None), (other.clone(), Some(bytes.clone()))];
                (changed, vec![(key, Some(bytes)), (other, None)])
            }
            Mutation::Copy(from, to) => {
                let other = replaced(&key, from, to);
                (vec![(other.clone(), Some(bytes))], vec![(other, None)])
            }
        };
        assert_ne!(changed, undo, "{table} {row:?} {mutation:?}");
        self.put(table, changed);
        undo
    }

    fn row(&self, table: &str, row: Which) -> (Vec<u8>, Vec<u8>) {
        let mut rows = self.rows(table).into_iter();
        let found = match row {
            Which::At(at) => rows.nth(at),
            Which::Key(part) => rows.find(|(key, _)| has(key, part)),
            Which::Row(part) => rows.find(|(_, row)| has(row, part)),
        };
        found.unwrap_or_else(|| panic!("{table} has no row {row:?}"))
    }

    /// Every row of a table.
    ///
    /// # Panics
    /// If there is no such table.
    #[must_use]
    pub fn rows(&self, table: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let snapshot = self.base.snapshot();
        let rows = snapshot.range(self.id_of(table), &[], &[]);
        let rows = rows.map(|row| row.expect("because the base is whole"));
        rows.collect()
    }

    /// Puts rows, or removes them, beneath the engine.
    ///
    /// # Panics
    /// If there is no such table.
    pub fn put(&self, table: &str, mut rows: Vec<KeyedRow>) {
        rows.sort();
        let mut changes = rows.iter().map(|(key, row)| (&**key, row.as_deref()));
        let put = self.base.ingest(self.id_of(table), &mut changes);
        put.expect("because no fault was injected");
    }

    fn id_of(&self, name: &str) -> u16 {
        let tables = tables_of(self.domains);
        let table = tables.into_iter().find(|table| table.name() == name);
        let table = table.unwrap_or_else(|| panic!("there is no table {name}"));
        table.id()
    }
}

/// Asserts that of each of these tables a row is removed, one added and one changed, unless no law can
/// tell.
///
/// # Panics
/// If it is neither so, or both.
pub fn assert_all_tried(tables: &[&str], cases: &[Case], untold: &[(&str, &str)]) {
    let tried = cases.iter().map(|case| (case.table, case.mutation.word()));
    let tried: BTreeSet<_> = tried.collect();
    for table in tables {
        for word in ["removed", "added", "changed"] {
            let is_tried = tried.contains(&(*table, word));
            let is_untold = untold.contains(&(*table, word));
            assert!(is_tried != is_untold, "{table} {word}");
        }
    }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|bytes| bytes == part)
}

fn changed(
    key: Vec<u8>,
    bytes: Vec<u8>,
    path: &[u64],
    value: Value,
) -> (Vec<KeyedRow>, Vec<KeyedRow>) {
    let row = with_value(&bytes, path, value);
    (vec![(key.clone(), Some(row))], vec![(key, Some(bytes))])
}

/// A row, or a part of it, with another value at the end of a path through maps of numbered fields and lists.
fn with_value(row: &[u8], path: &[u64], value: Value) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    let Some((at, path)) = path.split_first() else {
        put_value(&mut out, value);
        return out.into_writer();
    };
    let mut found = false;
    for (number, part) in parts_of(row) {
        let is_it = number == *at;
        found |= is_it;
        let part = if is_it {
            with_value(part, path, value)
        } else {
            part.to_vec()
        };
        put_part(&mut out, is_map(row), number, &part);
    }
    if !found {
        // It may be missing, and is not any more.
        put_part(&mut out, is_map(row), *at, &with_value(&[], path, value));
    }
    let length = parts_of(row).len() as u64 + u64::from(!found);
    let mut whole = Encoder::new(Vec::new());
    let begun = if is_map(row) {
        whole.map(length)
    } else {
        whole.array(length)
    };
    begun.expect(WRITES);
    [whole.into_writer(), out.into_writer()].concat()
}

const WRITES: &str = "because writing to memory does not fail";
const ROW: &str = "because a row is maps of numbered fields and lists";

fn is_map(row: &[u8]) -> bool {
    Decoder::new(row).datatype().expect(ROW) == Type::Map
}

/// Fields by their numbers, or items by their places.
fn parts_of(row: &[u8]) -> Vec<(u64, &[u8])> {
    let mut from = Decoder::new(row);
    let is_map = is_map(row);
    let length = if is_map { from.map() } else { from.array() };
    let length = length.expect(ROW).expect(ROW);
    let part = |at| {
        let number = if is_map { from.u64().expect(ROW) } else { at };
        let start = from.position();
        from.skip().expect(ROW);
        (number, &row[start..from.position()])
    };
    (0..length).map(part).collect()
}

fn put_part(out: &mut Encoder<Vec<u8>>, is_field: bool, number: u64, part: &[u8]) {
    if is_field {
        out.u64(number).expect(WRITES);
    }
    out.writer_mut().extend_from_slice(part);
}

fn put_value(out: &mut Encoder<Vec<u8>>, value: Value) {
    let put = match value {
        Value::Number(number) => out.u64(number),
        Value::Text(text) => out.str(text),
        Value::Bytes(bytes) => out.bytes(bytes),
        Value::Bool(is_so) => out.bool(is_so),
        Value::Nothing => out.array(0),
        Value::Missing => out.null(),
    };
    put.expect(WRITES);
}

/// A key in which some bytes stand where others stood, the last time that they do.
fn replaced(key: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut starts = (2..=key.len() - from.len()).rev();
    let at = starts.find(|at| key[*at..].starts_with(from));
    let at =
        at.unwrap_or_else(|| panic!("{} is not in {}", from.escape_ascii(), key.escape_ascii()));
    [&key[..at], to, &key[at + from.len()..]].concat()
}
