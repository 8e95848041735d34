//! Every law of stock and of the engine, broken once: a row of each table is removed, added and
//! changed, each field of it in turn, and `check` names the law that is broken.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cases;
mod folder;

use std::collections::BTreeSet;

use cases::{CASES, UNTOLD};
use folder::Folder;

/// What is done to a row.
#[derive(Clone, Copy, Debug)]
enum Mutation {
    /// It is removed.
    Remove,
    /// A field of it is another value.
    Field(u64, Value),
    /// It lies under another key: where these bytes stood, those stand.
    Move(&'static [u8], &'static [u8]),
    /// It is there a second time, under another key.
    Copy(&'static [u8], &'static [u8]),
}

impl Mutation {
    /// What a table can suffer, in one word.
    fn word(self) -> &'static str {
        match self {
            Self::Remove => "removed",
            Self::Field(..) | Self::Move(..) => "changed",
            Self::Copy(..) => "added",
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Value {
    Number(u64),
    Text(&'static str),
    Bytes(&'static [u8]),
    /// An empty list.
    Nothing,
}

/// A row of a table that is mutated, and words of the law that it breaks.
struct Case {
    table: &'static str,
    /// Which of its rows, in the order of their keys.
    row: usize,
    mutation: Mutation,
    law: &'static str,
}

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    let folder = Folder::new();
    assert_eq!(folder.faults(), Vec::<String>::new());
    for Case {
        table,
        row,
        mutation,
        law,
    } in CASES
    {
        let undo = folder.mutate(table, *row, *mutation);
        let faults = folder.faults();
        assert!(
            faults.iter().any(|fault| fault.contains(law)),
            "{table} {row} {mutation:?}: expected {law:?} in {faults:#?}"
        );
        folder.put(table, undo);
    }
    assert_eq!(folder.faults(), Vec::<String>::new());
}

#[test]
fn every_table_has_a_row_removed_added_and_changed_unless_no_row_can_tell() {
    let tried: BTreeSet<_> = CASES
        .iter()
        .map(|case| (case.table, case.mutation.word()))
        .collect();
    let untold: BTreeSet<_> = UNTOLD.iter().copied().collect();
    for table in folder::tables() {
        for word in ["removed", "added", "changed"] {
            let is_tried = tried.contains(&(table, word));
            let is_untold = untold.contains(&(table, word));
            assert!(is_tried != is_untold, "{table} {word}");
        }
    }
}

#[test]
fn timer_that_was_set_aside_stands_for_one_that_is_set() {
    let folder = Folder::new();
    for (table, row, kind, owner) in [
        ("engine.timers", 0, None, &b"a\0h4\0"[..]),
        ("engine.idle_timers", 1, Some(0x0102), b"a\0h1\0"),
        (
            "engine.idle_timers",
            3,
            Some(0x0103),
            b"a\0\0\0\0\0\0\0\0\x01",
        ),
    ] {
        let timer = folder.mutate(table, row, Mutation::Remove);
        assert_ne!(folder.faults(), Vec::<String>::new());
        let dead = "engine.dead_letters";
        let kind = kind.map(|kind| folder.mutate(dead, 1, Mutation::Field(1, Value::Number(kind))));
        let owner = folder.mutate(dead, 1, Mutation::Field(3, Value::Bytes(owner)));
        assert_eq!(folder.faults(), Vec::<String>::new());
        folder.put(dead, owner);
        kind.into_iter().for_each(|kind| folder.put(dead, kind));
        folder.put(table, timer);
    }
    assert_eq!(folder.faults(), Vec::<String>::new());
}
