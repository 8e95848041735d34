//! The laws of facts, broken once.

use tidegate_counter::COUNTER;
use tidegate_engine::contract::Domain;
use tidegate_engine::testing::Stepper;
use tidegate_engine::testing::mutations::Mutation::{self, Copy, Field, Move, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Bytes, Number};
use tidegate_engine::testing::mutations::{Case, Folder, assert_all_tried, case};
use tidegate_topic::TOPIC;

const DOMAINS: &[Domain] = &[COUNTER, TOPIC];

/// Counter `v`, in one shard: a fact is known of `a`, and what was counted before it is moved; that of `b` is being moved.
fn folder() -> Folder {
    let mut engine = Stepper::fresh(DOMAINS);
    engine.call("COUNTER.CREATE v SHARDS 1 BUCKETS 1h:1d TOP 0 DIMS f FACTS f");
    for key in ["a", "b"] {
        engine.call(&format!("COUNTER.ADD v * {key}"));
    }
    engine.call("COUNTER.FACT v a f=x");
    engine.pass_ms(10);
    engine.suspend_timers(true);
    let answer = engine.call("COUNTER.FACT v b f=y");
    assert!(answer.contains("moving=true"), "{answer}");
    engine.checkpoint();
    engine.seal().unwrap();
    Folder::of(engine, DOMAINS)
}

const FACTS: &str = "counter.facts";
const FACT_LISTS: &str = "counter.fact_lists";
const FACT_PAGES: &str = "counter.fact_pages";
const MOVES: &str = "counter.moves";

const EVERY: &[u8] = b"v\0";
/// Another counter, which is not there.
const OTHER: Mutation = Copy(b"v\0", b"x\0");
const ABSENT: &str = "counter x: rows of a counter that is not there";
const LISTED: &str = "are listed as";
const UNKNOWN: &str = "of which f is not known";

const CASES: &[Case] = &[
    case(FACTS, b"a\0", Remove, LISTED),
    case(FACTS, b"a\0", Copy(b"a\0", b"z\0"), LISTED),
    case(
        FACTS,
        b"a\0",
        Within(&[0, 0], Bytes(b"g\0x\0")),
        "facts about a that it cannot have here",
    ),
    case(FACT_LISTS, EVERY, Remove, LISTED),
    case(FACT_LISTS, EVERY, OTHER, ABSENT),
    case(FACT_LISTS, EVERY, Field(0, Number(5)), LISTED),
    case(FACT_PAGES, EVERY, Remove, LISTED),
    case(FACT_PAGES, EVERY, OTHER, ABSENT),
    case(FACT_PAGES, EVERY, Field(0, Bytes(b"a\0")), LISTED),
    case(MOVES, EVERY, Remove, "is moving"),
    case(MOVES, EVERY, Copy(b"b\0", b"c\0"), UNKNOWN),
    case(MOVES, EVERY, Move(b"b\0", b"c\0"), UNKNOWN),
    case("engine.idle_timers", b"\x07\x06v\0", Remove, "is moving"),
    case(
        "counter.open",
        b"a\x01f=x\0",
        Within(&[0, 0, 2], Bytes(&[])),
        "values of f of \"a\" add up to",
    ),
];

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
}

#[test]
fn every_table_of_facts_has_a_row_removed_added_and_changed() {
    assert_all_tried(&[FACTS, FACT_LISTS, FACT_PAGES, MOVES], CASES, &[]);
}
