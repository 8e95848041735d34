//! Every law of streams, broken once: a row of each table is removed, added and changed, and `check` names the law that
//! is broken. So are the ids of messages, and what is deleted.

use tidegate_engine::contract::Domain;
use tidegate_engine::tables_of;
use tidegate_engine::testing::Stepper;
use tidegate_engine::testing::mutations::Mutation::{Copy, Field, Move, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Bool, Bytes, Nothing, Number, Text};
use tidegate_engine::testing::mutations::{Case, Folder, assert_all_tried, case};
use tidegate_topic::{STREAM, TOPIC};

const DOMAINS: &[Domain] = &[TOPIC, STREAM];

const NAMES: &str = "stream.names";
const GROUPS: &str = "stream.groups";
const PENDING: &str = "stream.pending";
const MESSAGES: &str = "topic.messages";
const PARTS: &str = "topic.parts";

/// Stream `a` with entries 1-0 to 70-0, of which 69-0 was deleted. Of its group `g` the consumer `me` has 1-0 and 2-0, and
/// `you` 64-0 to 66-0, which lie in another chunk; so it goes on at 67-0. Group `h` has been given nothing.
fn folder() -> Folder {
    let mut engine = Stepper::fresh(DOMAINS);
    for n in 1..=70 {
        engine.call(&format!("XADD a {n} x y"));
    }
    for (command, answer) in [
        ("XGROUP CREATE a g 0", "OK"),
        ("XGROUP CREATE a h 0", "OK"),
        ("XREADGROUP GROUP g me COUNT 2 STREAMS a >", "a=[[1-0"),
        ("XGROUP SETID a g 63", "OK"),
        ("XREADGROUP GROUP g you COUNT 3 STREAMS a >", "a=[[64-0"),
        ("XDEL a 69", "1"),
    ] {
        let answered = engine.call(command);
        assert!(answered.starts_with(answer), "{command}: {answered}");
    }
    engine.checkpoint();
    engine.seal().unwrap();
    Folder::of(engine, DOMAINS)
}

const CASES: &[Case] = &[
    case(NAMES, b"a\0", Remove, "stream a: it names the groups []"),
    case(NAMES, b"a\0", Copy(b"a\0", b"b\0"), "stream.names: in slot"),
    case(
        NAMES,
        b"a\0",
        Within(&[0, 0], Text("f")),
        "stream a: it names the groups [\"f\"",
    ),
    case(
        GROUPS,
        b"g\0",
        Remove,
        "stream a group g: pending of a group that is not there",
    ),
    case(GROUPS, b"h\0", Remove, "stream a: it names the groups"),
    case(
        GROUPS,
        b"h\0",
        Copy(b"h\0", b"i\0"),
        "stream a: it names the groups",
    ),
    case(
        GROUPS,
        b"h\0",
        Move(b"a\0", b"b\0"),
        "stream.groups: in slot",
    ),
    case(
        GROUPS,
        b"g\0",
        Within(&[0, 0], Number(1)),
        "it goes on behind 2-0, which it was not given",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(1, Number(72)),
        "group g: it goes on at 72, behind 70",
    ),
    case(
        GROUPS,
        b"h\0",
        Field(1, Number(0)),
        "group h: it goes on at 0",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(2, Number(4)),
        "group g: 4 are pending, there are 5",
    ),
    case(
        GROUPS,
        b"g\0",
        Within(&[3, 0, 3], Number(3)),
        "3 are pending of consumer me, there are 2",
    ),
    case(
        GROUPS,
        b"g\0",
        Within(&[3, 0, 0], Text("you")),
        "its consumers are not in order",
    ),
    case(
        GROUPS,
        b"g\0",
        Within(&[3, 1, 4], Number(5)),
        "pending of {1: 3}, who are no consumers",
    ),
    case(
        GROUPS,
        b"g\0",
        Within(&[3, 1, 4], Number(0)),
        "two consumers have the number 0",
    ),
    case(
        GROUPS,
        b"g\0",
        Within(&[4, 1], Number(2)),
        "group g: it names the chunks [0, 2], there are [0, 1]",
    ),
    case(
        PENDING,
        b"g\0",
        Remove,
        "it names the chunks [0, 1], there are [1]",
    ),
    case(
        PENDING,
        b"\x01",
        Field(0, Nothing),
        "nothing is pending in chunk 1",
    ),
    case(
        PENDING,
        b"\x01",
        Copy(b"g\0", b"i\0"),
        "group i: pending of a group that is not there",
    ),
    case(
        PENDING,
        b"\x01",
        Copy(b"a\0", b"b\0"),
        "stream.pending: in slot",
    ),
    case(
        PENDING,
        b"\x01",
        Within(&[0, 0, 0], Number(63)),
        "in chunk 1 there is Pending",
    ),
    case(
        PENDING,
        b"\x01",
        Within(&[0, 2, 0], Number(71)),
        "in chunk 1 there is Pending",
    ),
    case(
        PENDING,
        b"\x01",
        Within(&[0, 0, 0], Number(65)),
        "there is Pending { position: 65",
    ),
    case(
        PENDING,
        b"\x01",
        Within(&[0, 0, 1, 0], Number(9)),
        "is pending, of 64-0",
    ),
    case(
        PENDING,
        b"\x01",
        Within(&[0, 0, 2], Number(0)),
        "3 are pending of consumer you, there are 2",
    ),
    case(
        MESSAGES,
        b"\x03",
        Within(&[16, 0], Number(2)),
        "topic a message 3: entry 2-0, behind 2-0",
    ),
    case(
        MESSAGES,
        b"\x45",
        Field(17, Bool(false)),
        "its messages add up to",
    ),
    case(
        MESSAGES,
        b"\x45",
        Field(7, Bytes(b"x")),
        "message 69: it is deleted, and there is something of it",
    ),
    case(
        MESSAGES,
        b"\x46",
        Within(&[16, 0], Number(99)),
        "its messages add up to",
    ),
    case(
        PARTS,
        b"a\0",
        Within(&[16, 0], Number(99)),
        "its messages add up to",
    ),
    case(
        PARTS,
        b"a\0",
        Field(17, Number(2)),
        "its messages add up to",
    ),
];

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
}

#[test]
fn every_table_has_a_row_removed_added_and_changed() {
    let tables = tables_of(DOMAINS).into_iter().map(|table| table.name());
    let tables: Vec<_> = tables.filter(|name| name.starts_with("stream.")).collect();
    let own: Vec<_> = CASES
        .iter()
        .copied()
        .filter(|case| tables.contains(&case.table))
        .collect();
    assert_all_tried(&tables, &own, &[]);
}
