//! Every law of counters, broken once: a row of each table is removed, added and changed, and `check` names the law
//! that is broken.

use tidegate_counter::COUNTER;
use tidegate_engine::contract::Domain;
use tidegate_engine::tables_of;
use tidegate_engine::testing::Stepper;
use tidegate_engine::testing::mutations::Mutation::{self, Copy, Field, Move, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Bytes, Number};
use tidegate_engine::testing::mutations::{Case, Folder, assert_all_tried, case};
use tidegate_topic::TOPIC;

const DOMAINS: &[Domain] = &[COUNTER, TOPIC];

/// Counter `v`, in one shard, has counted keys `a`, `b` and `c` in one second, and one event too late, and `a` was
/// corrected; `w` has two shards, with nothing counted, and topic `t` is to keep its events; `o` has counted `a` in two blocks.
fn folder() -> Folder {
    let mut engine = Stepper::fresh(DOMAINS);
    for (command, words) in [
        (
            "COUNTER.CREATE v SHARDS 1 BUCKETS 1s:1h,2s:1h TOP 2 DEDUPE_MS 1h DIMS d",
            "name=v",
        ),
        (
            "COUNTER.CREATE w SHARDS 2 BUCKETS 1s:1h,2s:1h TOP 2 DEDUPE_MS 1h RAW t",
            "name=w",
        ),
        (
            "COUNTER.CREATE o SHARDS 1 BUCKETS 1s:1h,2s:1h TOP 0 LATE_MS 1h",
            "name=o",
        ),
        ("COUNTER.ADD o * a AT 1799999900000", "counted"),
        ("COUNTER.ADD o * a", "counted"),
        ("COUNTER.ADD v e1 a AMOUNT 2", "counted"),
        ("COUNTER.ADD v e2 b AMOUNT 2", "counted"),
        ("COUNTER.ADD v * c DIMS d=x", "counted"),
        ("COUNTER.ADD v * a AT 1", "late"),
        (
            "COUNTER.CORRECT v a AT 1800000000000 FROM 2 TO 3 BY ann",
            "to=3 ",
        ),
    ] {
        let answer = engine.call(command);
        assert!(answer.contains(words), "{command}: {answer}");
    }
    engine.checkpoint();
    engine.seal().unwrap();
    Folder::of(engine, DOMAINS)
}

const COUNTERS: &str = "counter.counters";
const OPEN: &str = "counter.open";
const BLOCKS: &str = "counter.blocks";
const HEADS: &str = "counter.heads";
const KEYS: &str = "counter.keys";
const LEADERS: &str = "counter.leaders";
const IDS: &str = "counter.ids";
const ID_PAGES: &str = "counter.id_pages";
const GENERATIONS: &str = "counter.generations";
const LATE: &str = "counter.late";
const LATE_EVENTS: &str = "counter.late_events";
const VALUES: &str = "counter.values";
const DIMENSIONS: &str = "counter.dimensions";
const RAW: &str = "counter.raw";
const CORRECTED: &str = "counter.corrected";
const CORRECTIONS: &str = "counter.corrections";
const TIMERS: &str = "engine.idle_timers";

/// Another counter, which is not there.
const OTHER: Mutation = Copy(b"v\0", b"x\0");
const ABSENT: &str = "counter x: rows of a counter that is not there";
/// A level that is not there.
const THIRD: Mutation = Copy(b"v\0\0", b"v\0\x02");
const NO_BLOCK: &str = "rows of a block that is not there";
const EVERY: &[u8] = b"v\0";
const EVERY_O: &[u8] = b"o\0";

const CASES: &[Case] = &[
    case(
        COUNTERS,
        EVERY,
        Remove,
        "counter v: rows of a counter that is not there",
    ),
    case(COUNTERS, EVERY, OTHER, "counter under no key of its"),
    case(COUNTERS, EVERY, Field(0, Number(2)), "counter v"),
    case(
        COUNTERS,
        EVERY,
        Field(4, Number(1_800_000)),
        "has the timers",
    ),
    case(COUNTERS, b"w\x021.2", Remove, "counter w\u{2}1.2 of 2"),
    case(COUNTERS, b"w\x021.2", Field(2, Number(3)), "counter w"),
    case(COUNTERS, b"w\x021.2", Field(6, Number(1)), "1 shards told"),
    case(COUNTERS, b"w\0", Remove, "counter w"),
    case(
        COUNTERS,
        b"w\0",
        Field(6, Number(2)),
        "counter w: 2 shards told",
    ),
    case(OPEN, b"v\0a\0", Remove, "there are"),
    case(OPEN, b"v\0a\0", Copy(b"a\0", b"z\0"), "there are"),
    case(
        OPEN,
        b"v\0a\0",
        Copy(b"v\0", b"o\0"),
        "of which none is there",
    ),
    case(
        OPEN,
        b"v\0a\0",
        Within(&[0, 0, 2], Bytes(&[1, 3])),
        "keys add up to",
    ),
    case(
        OPEN,
        b"v\0a\0",
        Within(&[0, 0, 2], Bytes(&[0, 4])),
        "its narrower buckets add up",
    ),
    case(
        OPEN,
        b"o\0a\0",
        Within(&[0, 0, 1], Number(28_124_998)),
        "has a row or one behind it",
    ),
    case(
        OPEN,
        b"o\0a\0",
        Within(&[0, 0, 0], Number(1)),
        "open blocks are",
    ),
    case(OPEN, b"o\0a\0", Remove, "no block of key a is open"),
    case(BLOCKS, EVERY_O, Remove, "there are"),
    case(BLOCKS, EVERY_O, Copy(b"a\0", b"z\0"), "there are"),
    case(
        BLOCKS,
        EVERY_O,
        Field(0, Bytes(&[])),
        "nothing counted of key a",
    ),
    case(BLOCKS, EVERY_O, Field(0, Bytes(&[1, 3])), "keys add up to"),
    case(BLOCKS, EVERY_O, Copy(b"o\0\0", b"o\0\x02"), NO_BLOCK),
    case(HEADS, EVERY, Remove, NO_BLOCK),
    case(HEADS, EVERY, THIRD, NO_BLOCK),
    case(HEADS, EVERY, Field(0, Bytes(&[])), "keys add up to"),
    case(HEADS, EVERY, Field(1, Bytes(&[])), "and the least is 0"),
    case(HEADS, EVERY, Field(2, Number(6)), "6 keys, lists"),
    case(HEADS, EVERY, Field(3, Number(1)), "is going before"),
    case(KEYS, EVERY, Remove, "pages 0..1 of keys"),
    case(KEYS, EVERY, THIRD, NO_BLOCK),
    case(KEYS, EVERY, Field(0, Bytes(b"a\0b\0z\0")), "5 keys, lists"),
    case(
        KEYS,
        EVERY,
        Field(0, Bytes(b"a\0b\0b\0c\0")),
        "5 keys, lists",
    ),
    case(LEADERS, EVERY, Remove, "0 of 2 leading keys"),
    case(LEADERS, EVERY, THIRD, "leading keys of nothing"),
    case(LEADERS, EVERY, Field(0, Bytes(b"a\0a\0")), "a leads twice"),
    case(
        LEADERS,
        EVERY,
        Field(0, Bytes(b"a\0c\0")),
        "others with 2 at most",
    ),
    case(LEADERS, EVERY, Field(1, Bytes(&[])), "a had 0, and has"),
    case(
        LEADERS,
        EVERY,
        Field(1, Bytes(&[100, 1])),
        "a had 100, and has",
    ),
    case(
        LEADERS,
        EVERY,
        Field(0, Bytes(b"a\0z\0")),
        "z leads twice, or has nothing",
    ),
    case(IDS, EVERY, Remove, "2 ids, and 1 others"),
    case(IDS, EVERY, OTHER, ABSENT),
    case(
        IDS,
        EVERY,
        Field(0, Number(3_600_000)),
        "when its generation was over",
    ),
    case(ID_PAGES, EVERY, Remove, "has 0 ids"),
    case(ID_PAGES, EVERY, OTHER, ABSENT),
    case(
        ID_PAGES,
        EVERY,
        Field(0, Bytes(&[7; 32])),
        "others are remembered",
    ),
    case(GENERATIONS, EVERY, Remove, "of ids is not there"),
    case(GENERATIONS, EVERY, OTHER, ABSENT),
    case(GENERATIONS, EVERY, Field(0, Number(3)), "has 2 ids"),
    case(GENERATIONS, EVERY, Field(1, Number(1)), "has 2 ids"),
    case(LATE, EVERY, Remove, "late events 1..=0"),
    case(LATE, EVERY, OTHER, ABSENT),
    case(LATE, EVERY, Field(0, Number(2)), "late events 1..=2"),
    case(LATE_EVENTS, EVERY, Remove, "late events 1..=1"),
    case(LATE_EVENTS, EVERY, OTHER, ABSENT),
    case(
        LATE_EVENTS,
        EVERY,
        Move(b"\x01", b"\x02"),
        "late events 1..=1",
    ),
    case(VALUES, EVERY, Remove, "others are listed"),
    case(VALUES, EVERY, Copy(b"x\0", b"y\0"), "others are listed"),
    case(VALUES, EVERY, Move(b"x\0", b"y\0"), "others are listed"),
    case(DIMENSIONS, EVERY, Remove, "which is no value"),
    case(DIMENSIONS, EVERY, OTHER, ABSENT),
    case(
        DIMENSIONS,
        EVERY,
        Field(0, Number(2)),
        "dimension d says 2 values",
    ),
    case(
        OPEN,
        b"c\x01d=x\0",
        Within(&[0, 0, 2], Bytes(&[1, 3])),
        "keys add up to",
    ),
    case(CORRECTED, EVERY, Remove, "corrections 1..=0"),
    case(CORRECTED, EVERY, OTHER, ABSENT),
    case(CORRECTED, EVERY, Field(0, Number(2)), "corrections 1..=2"),
    case(CORRECTIONS, EVERY, Remove, "corrections 1..=1"),
    case(CORRECTIONS, EVERY, OTHER, ABSENT),
    case(
        CORRECTIONS,
        EVERY,
        Move(b"\x01", b"\x02"),
        "corrections 1..=1",
    ),
    case(
        CORRECTIONS,
        EVERY,
        Field(4, Number(2)),
        "has changed nothing",
    ),
    case(RAW, b"w\0", Remove, "None went to topic \"t\""),
    case(RAW, b"w\0", Copy(b"w\0", b"x\0"), ABSENT),
    case(RAW, b"w\0", Field(0, Number(1)), "letters: 1"),
    case(TIMERS, b"\x07\0v\0", Remove, "and its timers are"),
    case(TIMERS, b"\x07\x01v\0", Remove, "has the timers"),
];

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
}

#[test]
fn every_table_has_a_row_removed_added_and_changed() {
    let tables = tables_of(DOMAINS).into_iter().map(|table| table.name());
    let elsewhere = [
        "counter.sketch",
        "counter.emptying",
        "counter.fact",
        "counter.moves",
        "counter.sources",
    ];
    let is_own = |name: &&str| {
        name.starts_with("counter.") && !elsewhere.iter().any(|other| name.starts_with(other))
    };
    let tables: Vec<_> = tables.filter(is_own).collect();
    assert_all_tried(&tables, CASES, &[]);
}
