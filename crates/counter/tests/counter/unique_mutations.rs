//! Every law of sketches, broken once: a row of each of their tables is removed, added and changed, and `check` names the
//! law that is broken.

use tidegate_counter::COUNTER;
use tidegate_engine::contract::Domain;
use tidegate_engine::testing::Stepper;
use tidegate_engine::testing::mutations::Mutation::{self, Copy, Field, Remove};
use tidegate_engine::testing::mutations::Value::{Bytes, Number};
use tidegate_engine::testing::mutations::{Case, Folder, assert_all_tried, case};
use tidegate_topic::TOPIC;

const DOMAINS: &[Domain] = &[COUNTER, TOPIC];

/// Counter `u`, in one shard: 70 came to key `a`, which is a sketch that is split, and one more to `b`.
fn folder() -> Folder {
    let mut engine = Stepper::fresh(DOMAINS);
    engine.call("COUNTER.CREATE u SHARDS 1 BUCKETS 1h:2d TOP 0 UNIQUE yes");
    for who in 0..70 {
        engine.call(&format!("COUNTER.ADD u * a BY a{who}"));
    }
    engine.call("COUNTER.ADD u * b BY b");
    engine.checkpoint();
    engine.seal().unwrap();
    Folder::of(engine, DOMAINS)
}

const SKETCHES: &str = "counter.sketches";
const SKETCH_CHUNKS: &str = "counter.sketch_chunks";
const SKETCHED: &str = "counter.sketched";
const SKETCH_PAGES: &str = "counter.sketch_pages";

const EVERY: &[u8] = b"u\0";
/// Another counter, which is not there.
const OTHER: Mutation = Copy(b"u\0", b"x\0");
const ABSENT: &str = "counter x: rows of a counter that is not there";
const LISTED: &str = "sketches, and lists";
const UNION: &str = "and one of all of";

const CASES: &[Case] = &[
    case(SKETCHES, b"b\0", Remove, LISTED),
    case(SKETCHES, b"b\0", Copy(b"b\0", b"z\0"), LISTED),
    case(SKETCHES, b"b\0", Field(0, Bytes(&[1])), UNION),
    case(
        SKETCHES,
        b"a\0",
        Field(0, Bytes(&[1])),
        "of a sketch that is whole",
    ),
    case(SKETCH_CHUNKS, b"a\0", Remove, UNION),
    case(
        SKETCH_CHUNKS,
        b"a\0",
        Copy(b"a\0", b"b\0"),
        "of a sketch that is whole",
    ),
    case(SKETCH_CHUNKS, b"a\0", Field(0, Bytes(&[1])), "or of nobody"),
    case(SKETCHED, EVERY, Remove, "and should have none"),
    case(SKETCHED, EVERY, OTHER, ABSENT),
    case(
        SKETCHED,
        EVERY,
        Copy(b"u\0\0", b"u\0\x01"),
        "and should have none",
    ),
    case(SKETCHED, EVERY, Field(0, Number(9)), LISTED),
    case(SKETCH_PAGES, EVERY, Remove, LISTED),
    case(SKETCH_PAGES, EVERY, OTHER, ABSENT),
    case(SKETCH_PAGES, EVERY, Field(0, Bytes(b"*\0a\0")), LISTED),
    case(
        "engine.idle_timers",
        b"\x07\x02u\0",
        Remove,
        "of sketches has the timers",
    ),
];

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
}

#[test]
fn every_table_of_sketches_has_a_row_removed_added_and_changed() {
    let tables = [SKETCHES, SKETCH_CHUNKS, SKETCHED, SKETCH_PAGES];
    assert_all_tried(&tables, CASES, &[]);
}
