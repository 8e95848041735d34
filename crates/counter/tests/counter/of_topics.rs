//! Which topics are sources of a counter.

use tidegate_counter::COUNTER;
use tidegate_engine::contract::Domain;
use tidegate_engine::testing::Stepper;
use tidegate_engine::testing::mutations::Mutation::{Copy, Field, Within};
use tidegate_engine::testing::mutations::Value::{Bool, Number, Text};
use tidegate_engine::testing::mutations::{Case, Folder, assert_all_tried, case};
use tidegate_topic::TOPIC;

use crate::talk::{engine, says};

const DOMAINS: &[Domain] = &[COUNTER, TOPIC];

#[test]
fn topics_are_sources_until_they_are_taken_away_or_the_counter_is_dropped() {
    let mut engine = engine(&[
        "COUNTER.CREATE v SHARDS 2 RAW kept",
        "COUNTER.CREATE w SHARDS 1",
    ]);
    for (command, words) in [
        ("COUNTER.SOURCE x t", "unknown_counter"),
        ("COUNTER.SOURCE v kept", "source_is_raw"),
        (
            "COUNTER.SOURCE v t GROUP g",
            "name=v topic=t group=g in_flight=500 ",
        ),
        ("COUNTER.SOURCE w kept", "name=w topic=kept group=w "),
        (
            "COUNTER.SOURCE v s INFLIGHT 7",
            "topic=s group=v in_flight=7 ",
        ),
        (
            "COUNTER.SOURCES",
            "{name=v sources=[{topic=s group=v in_flight=7 ",
        ),
        ("COUNTER.SOURCES AFTER v LIMIT 1", "[{name=w "),
        ("COUNTER.SOURCES PREFIX w", "[{name=w "),
        ("COUNTER.SOURCE v s", "topic=s group=v in_flight=500 "),
        ("COUNTER.UNSOURCE v s", "name=v topic=s repeated=false"),
        ("COUNTER.UNSOURCE v s", "name=v topic=s repeated=true"),
        ("COUNTER.UNSOURCE x s", "unknown_counter"),
        ("COUNTER.SOURCES PREFIX v", "[{topic=t group=g "),
        ("COUNTER.DROP v", "state=dropped"),
        ("COUNTER.SOURCE v t", "unknown_counter"),
        ("COUNTER.UNSOURCE w kept", "repeated=false"),
        ("COUNTER.SOURCES", "items=[] "),
    ] {
        says(&mut engine, command, words);
    }
}

#[test]
fn source_that_is_declared_again_as_it_is_stays_and_otherwise_begins_anew() {
    let mut engine = engine(&["COUNTER.CREATE v SHARDS 1"]);
    let since = |engine: &Stepper| format!("since_ms={}", engine.now_ms());
    let began = since(&engine);
    says(&mut engine, "COUNTER.SOURCE v t", &began);
    engine.pass_ms(1_000);
    says(&mut engine, "COUNTER.SOURCE v t", &began);
    let anew = since(&engine);
    says(&mut engine, "COUNTER.SOURCE v t GROUP g", &anew);
}

#[test]
fn counter_has_up_to_sixteen_sources() {
    let mut engine = engine(&["COUNTER.CREATE v SHARDS 1"]);
    for n in 0..16 {
        says(&mut engine, &format!("COUNTER.SOURCE v t{n}"), "name=v");
    }
    says(&mut engine, "COUNTER.SOURCE v t16", "too_many_sources");
    says(&mut engine, "COUNTER.SOURCE v t15 GROUP g", "group=g");
}

/// Counter `v` has the topics `a` and `b` as sources, and `w`, in two shards, keeps its events in topic `t`.
fn folder() -> Folder {
    let mut engine = engine(&[
        "COUNTER.CREATE v SHARDS 1",
        "COUNTER.CREATE w SHARDS 2 RAW t",
        "COUNTER.SOURCE v a",
        "COUNTER.SOURCE v b",
        "COUNTER.SOURCE w s",
    ]);
    engine.checkpoint();
    engine.seal().unwrap();
    Folder::of(engine, DOMAINS)
}

const SOURCES: &str = "counter.sources";

const NOBODY: &str = "counter v: a source as nobody could have said";

const CASES: &[Case] = &[
    case(
        SOURCES,
        b"v\0",
        Copy(b"v\0", b"x\0"),
        "counter x: rows of a counter that is not there",
    ),
    case(
        SOURCES,
        b"v\0",
        Within(&[0, 0, 0], Text("x")),
        "in no order",
    ),
    case(SOURCES, b"v\0", Within(&[0, 0, 1], Text("")), NOBODY),
    case(SOURCES, b"v\0", Within(&[0, 0, 2], Number(0)), NOBODY),
    case(SOURCES, b"v\0", Within(&[0, 0, 2], Number(501)), NOBODY),
    case(
        SOURCES,
        b"w\0",
        Within(&[0, 0, 0], Text("t")),
        "counter w: topic t is a source, and keeps its events",
    ),
    case(
        "counter.counters",
        b"v\0",
        Field(13, Bool(true)),
        "counter v: 2 sources of what has none",
    ),
];

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
}

#[test]
fn table_of_sources_has_a_row_added_and_changed() {
    // A counter may have none.
    assert_all_tried(&[SOURCES], CASES, &[(SOURCES, "removed")]);
}
