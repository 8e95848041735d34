//! Every law of stock and of the engine, broken once: a row of each table is removed, added and
//! changed, each field of it in turn, and `check` names the law that is broken.

mod cases;
mod folder;
mod split;

use cases::{CASES, UNTOLD};
use folder::folder;
use tidegate_engine::testing::mutations::Which::At;
use tidegate_engine::testing::mutations::{Mutation, Value, assert_all_tried};

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
}

#[test]
fn every_table_has_a_row_removed_added_and_changed_unless_no_row_can_tell() {
    assert_all_tried(&folder::tables(), CASES, UNTOLD);
}

#[test]
fn check_names_the_law_that_a_mutated_row_of_a_split_sku_breaks() {
    split::folder().check_cases(split::CASES);
    assert_all_tried(&folder::OF_SPLITS, split::CASES, &[]);
}

#[test]
fn timer_that_was_set_aside_stands_for_one_that_is_set() {
    let folder = folder();
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
        let timer = folder.mutate(table, At(row), Mutation::Remove);
        assert_ne!(folder.faults(), Vec::<String>::new());
        let dead = "engine.dead_letters";
        let kind =
            kind.map(|kind| folder.mutate(dead, At(1), Mutation::Field(1, Value::Number(kind))));
        let owner = folder.mutate(dead, At(1), Mutation::Field(3, Value::Bytes(owner)));
        assert_eq!(folder.faults(), Vec::<String>::new());
        folder.put(dead, owner);
        kind.into_iter().for_each(|kind| folder.put(dead, kind));
        folder.put(table, timer);
    }
    assert_eq!(folder.faults(), Vec::<String>::new());
}
