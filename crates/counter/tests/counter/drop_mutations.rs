//! The law of counters that are dropped, broken once.

use tidegate_counter::COUNTER;
use tidegate_engine::contract::Domain;
use tidegate_engine::testing::Stepper;
use tidegate_engine::testing::mutations::Mutation::{Copy, Field, Move, Remove};
use tidegate_engine::testing::mutations::Value::{Bool, Number};
use tidegate_engine::testing::mutations::{Case, Folder, assert_all_tried, case};
use tidegate_topic::TOPIC;

const DOMAINS: &[Domain] = &[COUNTER, TOPIC];

/// Counter `v`, in two shards, is dropped, and none of its rows has gone.
fn folder() -> Folder {
    let mut engine = Stepper::fresh(DOMAINS);
    engine.call("COUNTER.CREATE v SHARDS 2 BUCKETS 1h:1d");
    for n in 0..20 {
        engine.call(&format!("COUNTER.ADD v * k{n}"));
    }
    engine.suspend_timers(true);
    let answer = engine.call("COUNTER.DROP v");
    assert!(answer.contains("state=dropped"), "{answer}");
    engine.checkpoint();
    engine.seal().unwrap();
    Folder::of(engine, DOMAINS)
}

const EMPTYING: &str = "counter.emptying";
const TIMERS: &str = "engine.idle_timers";

const CASES: &[Case] = &[
    case(EMPTYING, b"v\0", Remove, "1 timers by which it goes"),
    case(
        EMPTYING,
        b"v\0",
        Copy(b"v\0", b"x\0"),
        "counter x: rows of a counter that is not there",
    ),
    case(EMPTYING, b"v\0", Field(2, Number(2)), "2 shards told"),
    case(EMPTYING, b"v\x02", Field(3, Number(1)), "1 are empty"),
    case(
        "counter.counters",
        b"v\x02",
        Field(13, Bool(false)),
        "counter v\u{2}1.2 that counts",
    ),
    case(TIMERS, b"\x07\x05v\0", Remove, "goes with 0 timers"),
    case(
        TIMERS,
        b"\x07\x05v\x02",
        Move(b"v\x021.2\0", b"w\x021.2\0"),
        "counter w: rows of a counter that is not there",
    ),
];

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
}

#[test]
fn every_table_of_dropping_has_a_row_removed_added_and_changed() {
    assert_all_tried(&[EMPTYING], CASES, &[]);
}
