//! What is done to which row, and the law that tells of it.

use tidegate_engine::testing::ManualClock;
use tidegate_engine::testing::mutations::Mutation::{Copy, Field, Move, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Bool, Bytes, Number, Text};
use tidegate_engine::testing::mutations::{Case, case};

const TOPICS: &str = "topic.topics";
const PARTS: &str = "topic.parts";
const MESSAGES: &str = "topic.messages";
const IDS: &str = "topic.ids";
const KEYS: &str = "topic.keys";
const STEERED: &str = "topic.steered";
const SCHEMAS: &str = "topic.schemas";
const PUSHES: &str = "topic.pushes";
const PINS: &str = "topic.pins";
const DELAYED: &str = "topic.delayed";
const GROUPS: &str = "topic.groups";
const OPEN: &str = "topic.open";
const LEASES: &str = "topic.leases";
const READY: &str = "topic.ready";
const RESTING: &str = "topic.resting";
const BLOCKED: &str = "topic.blocked";
const DEAD: &str = "topic.dead";
const TOLD: &str = "topic.told";
const GROUP_NAMES: &str = "topic.group_names";
const TIMERS: &str = "engine.timers";

const LATE: u64 = ManualClock::START_MS + 1_000_000_000;
const EARLY: u64 = ManualClock::START_MS - 1;

pub(crate) const CASES: &[Case] = &[
    case(
        GROUP_NAMES,
        b"a\0",
        Remove,
        "topic a: it names the groups [], there are [\"g\", \"h\"]",
    ),
    case(
        GROUP_NAMES,
        b"a\0",
        Within(&[0, 0], Text("f")),
        "topic a: it names the groups [\"f\", \"h\"]",
    ),
    case(
        GROUP_NAMES,
        b"a\0",
        Copy(b"a\0", b"b\0"),
        "topic.group_names: in slot",
    ),
    case(TOLD, b"p\0", Remove, "split of 4/p"),
    case(TOLD, b"p\0", Copy(b"p\0", b"q\0"), "topic.told: in slot"),
    case(TOLD, b"p\0", Field(0, Number(0)), "it has told nothing"),
    case(
        TOPICS,
        b"p\x02",
        Field(0, Number(7)),
        "part p\u{2}1.2 at version 1",
    ),
    case(
        TOPICS,
        b"a\0",
        Remove,
        "topic a: rows of a topic that is not there",
    ),
    case(
        TOPICS,
        b"a\0",
        Copy(b"a\0", b"b\0"),
        "topic.topics: in slot",
    ),
    case(
        TOPICS,
        b"a\0",
        Move(b"a\0", b"b\0"),
        "topic.topics: in slot",
    ),
    case(
        TOPICS,
        b"a\0",
        Field(4, Number(3)),
        "topic a: 3 groups, there are 2",
    ),
    case(
        PARTS,
        b"a\0",
        Remove,
        "topic a: rows of a topic that is not there",
    ),
    case(PARTS, b"a\0", Copy(b"a\0", b"b\0"), "topic.parts: in slot"),
    case(PARTS, b"a\0", Field(0, Number(8)), "its messages add up to"),
    case(PARTS, b"a\0", Field(1, Number(8)), "its messages add up to"),
    case(PARTS, b"a\0", Field(2, Number(1)), "its messages add up to"),
    case(
        PARTS,
        b"a\0",
        Field(3, Number(EARLY)),
        "its messages add up to",
    ),
    case(
        PARTS,
        b"a\0",
        Field(11, Bool(false)),
        "that it has a schema is false, and there is Some(Ok",
    ),
    case(
        SCHEMAS,
        b"a\0",
        Remove,
        "that it has a schema is true, and there is None",
    ),
    case(
        SCHEMAS,
        b"a\0",
        Copy(b"a\0", b"b\0"),
        "topic.schemas: in slot",
    ),
    case(
        SCHEMAS,
        b"a\0",
        Field(0, Text("{\"not\":1}")),
        "that it has a schema is true, and there is Some(Err",
    ),
    case(MESSAGES, b"\x03", Remove, "topic a message 4: 3 was due"),
    case(
        MESSAGES,
        b"\x07",
        Copy(b"\x07", b"\x09"),
        "topic a message 9: 8 was due",
    ),
    case(
        MESSAGES,
        b"a\0",
        Move(b"a\0", b"b\0"),
        "topic.messages: in slot",
    ),
    case(
        MESSAGES,
        b"\x04",
        Field(0, Text("m9")),
        "message 4: under its id m9 there is None",
    ),
    case(
        MESSAGES,
        b"\x04",
        Field(1, Number(9)),
        "message 4: its ids are \"m4\" and 9",
    ),
    case(
        MESSAGES,
        b"\x03",
        Field(1, Number(0)),
        "message 3: its ids are \"\" and 0",
    ),
    case(
        MESSAGES,
        b"\x02",
        Field(2, Text("j")),
        "message 2: behind 1 in its key, it is behind 0",
    ),
    case(
        MESSAGES,
        b"\x04",
        Field(3, Number(LATE)),
        "message 4: published at",
    ),
    case(
        MESSAGES,
        b"\x04",
        Field(3, Number(EARLY)),
        "message 4: published at",
    ),
    case(
        MESSAGES,
        b"\x05",
        Field(5, Number(1)),
        "message 5: behind 1 in its key, it is behind 4",
    ),
    case(
        MESSAGES,
        b"\x05",
        Field(7, Bytes(b"xx")),
        "its messages add up to",
    ),
    case(
        IDS,
        b"m4\0",
        Remove,
        "message 4: under its id m4 there is None",
    ),
    case(
        IDS,
        b"m4\0",
        Copy(b"m4", b"m9"),
        "the id m9 is of no message",
    ),
    case(
        IDS,
        b"m4\0",
        Field(1, Number(5)),
        "message 4: under its id m4",
    ),
    case(
        IDS,
        b"m4\0",
        Field(2, Number(EARLY)),
        "message 4: under its id m4",
    ),
    case(IDS, b"d1\0", Remove, "under its id d1 there is None"),
    case(
        IDS,
        b"d1\0",
        Field(1, Number(5)),
        "under its id d1 there is Some",
    ),
    case(GROUPS, b"h\0", Field(24, Number(0)), "for 0 ms"),
    case(
        GROUPS,
        b"p\0q\0",
        Field(29, Number(4)),
        "of the parts 0b100 it says that they lag, there are 0b10",
    ),
    case(
        GROUPS,
        b"a\0g\0",
        Field(29, Number(2)),
        "of the parts 0b10 it says that they lag, there are 0b0",
    ),
    case(
        GROUPS,
        b"h\0",
        Field(25, Number(LATE)),
        "lag 0 has no timer at",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(27, Number(1)),
        "looked at from chunk 1 on",
    ),
    case(
        STEERED,
        b"h\0",
        Remove,
        "entries 1 to 1 of its audit list are []",
    ),
    case(
        STEERED,
        b"h\0",
        Copy(b"\x01", b"\x02"),
        "audit list are [1, 2]",
    ),
    case(
        STEERED,
        b"h\0",
        Field(0, Number(1)),
        "its audit list is not of one at version 2",
    ),
    case(
        STEERED,
        b"h\0",
        Field(5, Number(2)),
        "its audit list is not of one at version 2",
    ),
    case(
        PUSHES,
        b"a\0",
        Copy(b"a\0", b"b\0"),
        "topic.pushes: in slot",
    ),
    case(PUSHES, b"a\0", Within(&[0, 0, 0], Text("x")), "in no order"),
    case(
        PUSHES,
        b"a\0",
        Within(&[0, 1, 0], Text("x")),
        "a push as nobody could have said",
    ),
    case(
        PUSHES,
        b"a\0",
        Within(&[0, 0, 1], Text("")),
        "a push as nobody could have said",
    ),
    case(
        PUSHES,
        b"a\0",
        Within(&[0, 0, 2], Number(0)),
        "a push as nobody could have said",
    ),
    case(
        PUSHES,
        b"a\0",
        Within(&[0, 0, 3], Number(2)),
        "a push as nobody could have said",
    ),
    case(
        LEASES,
        b"h\0",
        Remove,
        "group h before move 1: open, and leased",
    ),
    case(
        GROUPS,
        b"h\0",
        Field(21, Number(0)),
        "group h: 0 open, there are 1",
    ),
    case(
        GROUPS,
        b"h\0",
        Field(23, Number(0)),
        "entries 1 to 0 of its audit list are [1]",
    ),
    case(PINS, b"\x06", Remove, "pinned are {}, and are to be {6: 1}"),
    case(
        PINS,
        b"\x06",
        Copy(b"\x06", b"\x05"),
        "and are to be {6: 1}",
    ),
    case(
        PINS,
        b"\x06",
        Field(0, Number(2)),
        "pinned are {6: 2}, and are to be {6: 1}",
    ),
    case(
        PARTS,
        b"a\0",
        Field(4, Number(2)),
        "message 1: it lies before 2, and nothing pins it",
    ),
    case(
        PARTS,
        b"a\0",
        Field(5, Number(EARLY)),
        "its messages add up to",
    ),
    case(PARTS, b"a\0", Field(6, Number(1)), "and looks at it never"),
    case(
        PARTS,
        b"a\0",
        Field(9, Number(LATE)),
        "retention 0 has no timer at",
    ),
    case(
        PARTS,
        b"a\0",
        Field(10, Number(2)),
        "its messages add up to",
    ),
    case(KEYS, b"k\0", Remove, "1 keys, its messages have 2"),
    case(
        KEYS,
        b"k\0",
        Copy(b"k", b"l"),
        "3 keys, its messages have 2",
    ),
    case(
        KEYS,
        b"k\0",
        Field(0, Number(1)),
        "differs Some((\"k\", 1))",
    ),
    case(DELAYED, b"a\0", Remove, "a timer at"),
    case(
        DELAYED,
        b"a\0",
        Copy(b"a\0", b"b\0"),
        "topic.delayed: in slot",
    ),
    case(DELAYED, b"a\0", Field(3, Number(LATE)), "has no timer at"),
    case(
        DELAYED,
        b"a\0",
        Field(0, Text("d2")),
        "under its id d2 there is None",
    ),
    case(
        GROUPS,
        b"g\0",
        Remove,
        "group g: rows of a group that is not there",
    ),
    case(
        GROUPS,
        b"g\0",
        Copy(b"g\0", b"i\0"),
        "topic a: 2 groups, there are 3",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(7, Number(7)),
        "goes on at 7, began at 1, 7 is open",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(7, Number(9)),
        "goes on at 9, began at 1, 7 is open",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(8, Number(5)),
        "group g: 5 open, there are 6",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(10, Number(2)),
        "group g: 2 leased, there are 3",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(11, Number(1)),
        "places in line from 1 to 3",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(12, Number(4)),
        "places in line from 2 to 4",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(13, Number(0)),
        "group g: 0 at rest, there are 1",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(14, Number(0)),
        "group g: 0 blocked, there are 1",
    ),
    case(GROUPS, b"g\0", Field(15, Number(0)), "dead letter 1, of 0"),
    case(
        GROUPS,
        b"g\0",
        Field(16, Number(0)),
        "group g: 0 dead, there are 1",
    ),
    case(
        GROUPS,
        b"g\0",
        Field(2, Number(2)),
        "blocked by 4, though it knows no order",
    ),
    case(
        GROUPS,
        b"h\0",
        Field(19, Number(5)),
        "goes on at 3, began at 5",
    ),
    case(OPEN, b"g\0", Remove, "are not the same: Some(1)"),
    case(
        OPEN,
        b"g\0",
        Copy(b"g\0", b"i\0"),
        "group i: rows of a group that is not there",
    ),
    case(
        OPEN,
        b"g\0",
        Field(0, Bytes(&[0x3e; 64])),
        "are not the same",
    ),
    case(LEASES, b"0\x04", Remove, "are not the same: Some(4)"),
    case(
        LEASES,
        b"0\x04",
        Copy(b"0\x04", b"0\x03"),
        "4 is Leased(269737367961612292, 0) and Leased(269737367961612291, 0)",
    ),
    case(
        LEASES,
        b"0\x04",
        Field(1, Number(LATE)),
        "lease 269737367961612292 has no timer at",
    ),
    case(
        LEASES,
        b"0\x02",
        Within(&[2, 1, 1], Number(0)),
        "2 is Leased(269737367961612290, 0), and before it 1 is",
    ),
    case(
        LEASES,
        b"0\x02",
        Within(&[2, 1, 0, 1], Number(1)),
        "lease 269737367961612290: Leased",
    ),
    case(
        LEASES,
        b"0\x02",
        Within(&[2, 1, 0, 0], Number(3)),
        "3 is Resting and Leased",
    ),
    case(READY, b"\x02", Remove, "are not the same: Some(7)"),
    case(
        READY,
        b"\x02",
        Copy(b"\x02", b"\x05"),
        "7 is InLine and InLine",
    ),
    case(READY, b"\x02", Field(0, Number(5)), "5 is"),
    case(RESTING, b"\x03", Remove, "are not the same: Some(3)"),
    case(RESTING, b"\x03", Copy(b"\x03", b"\x08"), "at 8 rests"),
    case(
        RESTING,
        b"\x03",
        Field(1, Number(LATE)),
        "at rest 3 has no timer at",
    ),
    case(RESTING, b"\x03", Within(&[0, 1], Number(0)), "at 3 rests"),
    case(
        RESTING,
        b"\x03",
        Within(&[0, 0], Number(7)),
        "7 is Resting and InLine",
    ),
    case(BLOCKED, b"\x04", Remove, "are not the same: Some(5)"),
    case(
        BLOCKED,
        b"\x04",
        Copy(b"\x04", b"\x03"),
        "5 is BlockedBy(4) and BlockedBy(3)",
    ),
    case(
        BLOCKED,
        b"\x04",
        Move(b"\x04", b"\x03"),
        "5 is BlockedBy(3), and before it 4 is",
    ),
    case(
        BLOCKED,
        b"\x04",
        Field(0, Number(7)),
        "7 is BlockedBy(4) and InLine",
    ),
    case(DEAD, b"\x01", Remove, "group g: 1 dead, there are 0"),
    case(
        DEAD,
        b"\x01",
        Copy(b"\x01", b"\x02"),
        "group g: 1 dead, there are 2",
    ),
    case(DEAD, b"\x01", Field(0, Number(7)), "dead letter 1, of 1"),
    case(DEAD, b"\x01", Field(0, Number(8)), "dead letter 1, of 1"),
    case(DEAD, b"\x01", Field(1, Number(0)), "dead letter 1, of 1"),
    // The timers of leases are the second kind, those of rests the third, of topics, the fourth domain.
    case(
        TIMERS,
        b"\x000\x04",
        Remove,
        "lease 269737367961612292 has no timer",
    ),
    case(
        TIMERS,
        b"\x000\x04",
        Copy(b"\x000\x04", b"\x000\x08"),
        "for lease 269737367961612296, which has none then",
    ),
    case(TIMERS, b"\x04\x03a\0g\0", Remove, "at rest 3 has no timer"),
    case(TIMERS, b"\x04\x01a\0", Remove, "has no timer at"),
    case(
        TIMERS,
        b"\x04\x01a\0",
        Copy(b"a\0", b"b\0"),
        "the timers: in slot",
    ),
];
