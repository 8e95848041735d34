//! The law of topics that are deleted, broken once.

use tidegate_engine::contract::Domain;
use tidegate_engine::testing::mutations::Mutation::{Copy, Field, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Number, Text};
use tidegate_engine::testing::mutations::{Case, Folder, assert_all_tried, case};
use tidegate_engine::testing::{ManualClock, Stepper};
use tidegate_topic::TOPIC;

use crate::support::leases::Leases;

const DOMAINS: &[Domain] = &[TOPIC];

const GONE: &str = "topic.gone";
const TIMERS: &str = "engine.idle_timers";

const LATE: u64 = ManualClock::START_MS + 1_000_000_000;

/// Topic `z` is deleted, and nothing of it has gone: lease 1 of its group `g` has message 1, and 2 is dead letter 1.
/// Topic `y` is deleted, and all of it has gone.
fn folder() -> Folder {
    let mut engine = Stepper::fresh(DOMAINS);
    let mut leases = Leases::default();
    for command in [
        "TOPIC.CREATE y PARTS 2",
        "TOPIC.DELETE y",
        "TOPIC.CREATE z",
        "TOPIC.GROUP z g LEASE 3600000 TRIES 1",
        "TOPIC.PUBLISH z m1 1",
        "TOPIC.PUBLISH z m2 1",
        "TOPIC.READ z g me",
        "TOPIC.READ z g me",
        "TOPIC.NACK z g 2.2",
    ] {
        let answer = leases.call(&mut engine, command);
        assert!(answer.contains('='), "{command}: {answer}");
    }
    engine.suspend_timers(true);
    let answer = engine.call("TOPIC.DELETE z");
    assert!(answer.contains("repeated=false"), "{answer}");
    engine.checkpoint();
    engine.seal().unwrap();
    Folder::of(engine, DOMAINS)
}

const CASES: &[Case] = &[
    case(
        GONE,
        b"z\0",
        Remove,
        "topic z: rows of a topic that is not there",
    ),
    case(GONE, b"z\0", Copy(b"z\0", b"b\0"), "topic.gone: in slot"),
    case(GONE, b"z\0", Within(&[0, 0], Number(3)), "topic z: it says"),
    case(
        GONE,
        b"z\0",
        Within(&[2, 0, 2], Number(0)),
        "topic z group g: it went with its topic, and is left as",
    ),
    case(
        GONE,
        b"z\0",
        Within(&[2, 0, 0], Text("f")),
        "topic z group g: it went with its topic, and is left as None",
    ),
    case(GONE, b"z\0", Field(4, Number(2)), "topic z: of it is left"),
    case(
        GONE,
        b"z\0",
        Field(6, Number(LATE)),
        "topic z: of it is left",
    ),
    case(
        GONE,
        b"z\0",
        Within(&[0, 20], Number(0)),
        "topic z group g before move 1: it was moved 0 times",
    ),
    case(TIMERS, b"\x04\x08z\0", Remove, "topic z: of it is left"),
    case(
        GONE,
        b"y\0",
        Field(6, Number(0)),
        "for forgetting 0, which has none then",
    ),
    case("topic.told", b"y\0", Remove, "split of 4/y"),
];

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
}

#[test]
fn every_table_of_deleting_has_a_row_removed_added_and_changed() {
    assert_all_tried(&[GONE], CASES, &[]);
}
