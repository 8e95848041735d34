//! What is done to which row, and the law that tells of it.
//!
//! The rows: SKU `a`, holds `h1` (confirmed, one of three returned), `h2` (expired), `h3` (released)
//! and `h4` (held). Its flow: set, hold, confirm, return, hold, hold, release, add, hold, expire. Of
//! another SKU, all of which is in the archive: `g1` (confirmed) and `g2` (released); set, hold, confirm,
//! hold, release. What of its flow is missing in front may have been dropped.

use tidegate_engine::testing::mutations::Mutation::{self, Copy, Field, Move, Remove};
use tidegate_engine::testing::mutations::Value::{Bytes, Nothing, Number, Text};
use tidegate_engine::testing::mutations::{Case, Which};

/// What can happen to a table without that any other row tells of it.
pub(crate) const UNTOLD: &[(&str, &str)] = &[
    // The oldest go when there are too many.
    ("engine.events", "removed"),
    // Who is behind it is told nothing then.
    ("engine.event_floors", "removed"),
    // That is what an acknowledgement does.
    ("engine.outbox", "removed"),
    // Only the letters that come again would tell.
    ("engine.received", "removed"),
    ("engine.dead_letters", "removed"),
];

const fn case(table: &'static str, row: usize, mutation: Mutation, law: &'static str) -> Case {
    Case {
        table,
        row: Which::At(row),
        mutation,
        law,
    }
}

const SKUS: &str = "stock.skus";
const HOLDS: &str = "stock.holds";
const INDEX: &str = "stock.by_state";
const FLOW: &str = "stock.flow";
const BUYERS: &str = "stock.buyers";
const ADDS: &str = "stock.adds";
const RETURNS: &str = "stock.returns";
const TIMERS: &str = "engine.timers";
const EVENTS: &str = "engine.events";
const FLOORS: &str = "engine.event_floors";
const OUTBOX: &str = "engine.outbox";
const RECEIVED: &str = "engine.received";
const DEAD: &str = "engine.dead_letters";
const DROPPED: &str = "engine.dropped";
const HOLDS_ARCHIVE: &str = "stock.holds_archive";
const FLOW_ARCHIVE: &str = "stock.flow_archive";
const LEFT: &str = "stock.left";
const IDLE_TIMERS: &str = "engine.idle_timers";

/// Long after anything that has happened, and long before.
const LATE: u64 = 2_000_000_000_000;
const EARLY: u64 = 1_700_000_000_000;

pub(crate) const CASES: &[Case] = &[
    case(
        HOLDS_ARCHIVE,
        0,
        Remove,
        "hold g1: the archive says None of it",
    ),
    case(
        HOLDS_ARCHIVE,
        0,
        Copy(b"\x01", b"\x09"),
        "hold g1: in the archive, where it is not said to be",
    ),
    case(
        HOLDS_ARCHIVE,
        0,
        Field(0, Text("g9")),
        "hold g1: the archive says Some",
    ),
    case(
        HOLDS,
        4,
        Field(9, Number(1)),
        "hold g1: in the archive, where it is not said to be",
    ),
    case(HOLDS, 4, Field(4, Number(1)), "hold g1: the archive says"),
    case(FLOW_ARCHIVE, 1, Remove, "flow 3: 2 was due"),
    case(
        FLOW_ARCHIVE,
        4,
        Copy(b"\x05", b"\x06"),
        "its flow has left up to 5, the archive has Some(6)",
    ),
    case(FLOW_ARCHIVE, 1, Copy(b"Qh", b"Qi"), "flow 2: 6 was due"),
    case(
        FLOW_ARCHIVE,
        1,
        Field(2, Number(3)),
        "flow 2: hold g1 3 is not what its row says",
    ),
    case(LEFT, 0, Remove, "left in state Confirmed"),
    case(
        LEFT,
        0,
        Field(5, Number(99)),
        "counted as archived for its buyers, 99 have left",
    ),
    case(LEFT, 0, Copy(b"z", b"y"), "stock.left: in slot"),
    case(LEFT, 0, Move(b"z", b"y"), "stock.left: in slot"),
    case(SKUS, 0, Field(7, Number(3)), "stock a: flow 1: 4 was due"),
    case(
        BUYERS,
        0,
        Field(1, Number(1)),
        "stock a buyer b: 1 counted as archived, 0 are",
    ),
    case(
        IDLE_TIMERS,
        3,
        Remove,
        "stock a: timers for its flow from [], Some(1) was due",
    ),
    case(
        IDLE_TIMERS,
        1,
        Remove,
        "stock a hold h1: in state Confirmed, 0 timers for the archive",
    ),
    case(
        IDLE_TIMERS,
        1,
        Copy(b"h1", b"h4"),
        "stock a hold h4: in state Held, 1 timers for the archive",
    ),
    case(DROPPED, 2, Remove, "book x old is lost"),
    case(
        DROPPED,
        2,
        Copy(b"\x0f\xfa", b"\x0f\xf4"),
        "no structure has such an archive",
    ),
    case(
        DROPPED,
        2,
        Move(b"\x0f\xfa", b"\x0f\xf9"),
        "no structure has such an archive",
    ),
    case(IDLE_TIMERS, 0, Remove, "book x new is lost, or its timer"),
    case(
        IDLE_TIMERS,
        0,
        Copy(b"new", b"old"),
        "book x old is lost, or its timer",
    ),
    case(
        IDLE_TIMERS,
        0,
        Move(b"\xff\x02", b"\xff\x01"),
        "no structure has such a timer",
    ),
    case(SKUS, 0, Remove, "stock a: rows of a SKU that is not there"),
    case(SKUS, 0, Copy(b"a\0", b"b\0"), "stock.skus: in slot"),
    case(
        SKUS,
        0,
        Field(0, Number(26)),
        "stock a: 26 units, the flow ends with 25",
    ),
    case(
        SKUS,
        0,
        Field(0, Number(1)),
        "stock a: oversold: 19 held and 2 sold of 1",
    ),
    case(
        SKUS,
        0,
        Field(1, Number(18)),
        "stock a: 18 held, its holds add up to 19",
    ),
    case(
        SKUS,
        0,
        Field(2, Number(3)),
        "stock a: 3 sold, its holds add up to 2",
    ),
    case(
        SKUS,
        0,
        Field(3, Number(0)),
        "stock a: nothing has declared it",
    ),
    case(
        SKUS,
        0,
        Field(3, Number(3)),
        "stock a: 3 as version, the flow ends with 2",
    ),
    case(
        SKUS,
        0,
        Field(5, Number(5)),
        "stock a: 5 holds made, its holds add up to 4",
    ),
    case(
        SKUS,
        0,
        Field(6, Number(9)),
        "stock a: 9 changes, the flow ends with 10",
    ),
    case(
        HOLDS,
        0,
        Remove,
        "stock a: a return names the hold h1, which is not there",
    ),
    case(HOLDS, 3, Remove, "stock a: 19 held, its holds add up to 0"),
    case(
        HOLDS,
        1,
        Copy(b"h2", b"h9"),
        "stock a hold h9: in state Expired, it is not in the index",
    ),
    case(
        HOLDS,
        1,
        Field(1, Number(1)),
        "stock a hold h2: in state Held, expiry timer: false",
    ),
    case(
        HOLDS,
        3,
        Field(1, Number(3)),
        "stock a hold h4: in state Released, expiry timer: true",
    ),
    case(
        HOLDS,
        2,
        Field(1, Number(4)),
        "stock a hold h3: in state Expired, its first step",
    ),
    case(
        HOLDS,
        1,
        Field(2, Number(7)),
        "stock a hold h2: in state Expired, it is not in the index",
    ),
    case(
        HOLDS,
        1,
        Field(3, Number(7)),
        "stock a: flow 5: hold h2 1 is not what its row says",
    ),
    case(
        HOLDS,
        0,
        Field(4, Number(2)),
        "stock a hold h1: 2 returned, its returns add up to 1",
    ),
    case(
        HOLDS,
        0,
        Field(4, Number(3)),
        "stock a hold h1: 3 of 3 returned in state Confirmed",
    ),
    case(
        HOLDS,
        0,
        Field(5, Text("c")),
        "stock a buyer c: 2 had, none counted",
    ),
    case(
        HOLDS,
        3,
        Field(6, Number(LATE)),
        "stock a hold h4: made at 2000000000000",
    ),
    case(
        HOLDS,
        3,
        Field(6, Number(EARLY)),
        "stock a: flow 9: hold h4 19 is not what its row says",
    ),
    case(
        HOLDS,
        3,
        Field(7, Number(LATE)),
        "stock a hold h4: in state Held, expiry timer: false",
    ),
    case(
        HOLDS,
        2,
        Field(7, Number(EARLY)),
        "stock a hold h3: made at",
    ),
    case(
        HOLDS,
        1,
        Field(7, Number(LATE)),
        "stock a hold h2: in state Expired, expires at",
    ),
    case(
        HOLDS,
        1,
        Field(8, Nothing),
        "stock a hold h2: in state Expired, its first step: None",
    ),
    case(
        INDEX,
        0,
        Remove,
        "stock a hold h4: in state Held, it is not in the index as that",
    ),
    case(
        INDEX,
        0,
        Copy(b"\x01\0", b"\x05\0"),
        "stock a: the index names h4 in state 5, at 4",
    ),
    case(
        INDEX,
        0,
        Move(b"\x04", b"\x09"),
        "stock a: the index names h4 in state 1, at 9",
    ),
    case(
        INDEX,
        0,
        Field(0, Text("h1")),
        "stock a: the index names h1 in state 1, at 4",
    ),
    case(FLOW, 0, Remove, "stock a: flow 2: 1 was due"),
    case(FLOW, 9, Remove, "stock a: 10 changes, the flow ends with 9"),
    case(
        FLOW,
        9,
        Copy(b"\x0a", b"\x0b"),
        "stock a: flow 11: the hold h2 ends a second time",
    ),
    case(
        FLOW,
        4,
        Field(0, Number(4)),
        "stock a: flow 5: confirm 1 ends at",
    ),
    case(
        FLOW,
        6,
        Field(0, Number(6)),
        "stock a hold h3: in state Released since",
    ),
    case(
        FLOW,
        4,
        Field(1, Text("h4")),
        "stock a: flow 5: hold h4 1 is not what its row says",
    ),
    case(
        FLOW,
        0,
        Field(1, Text("h4")),
        "stock a: flow 1: set h4 20 is not what its row says",
    ),
    case(
        FLOW,
        3,
        Field(1, Text("r9")),
        "stock a: return r9 of 1: only the flow tell of it",
    ),
    case(
        FLOW,
        7,
        Field(2, Number(6)),
        "stock a: flow 8: add a1 6 is not what its row says",
    ),
    case(
        FLOW,
        7,
        Field(3, Number(2)),
        "stock a: flow 8: begins at 2; 17 was due",
    ),
    case(
        FLOW,
        7,
        Field(4, Number(2)),
        "stock a: flow 8: add 5 ends at 2; 22 was due",
    ),
    case(
        FLOW,
        4,
        Field(5, Number(EARLY)),
        "stock a: flow 5: is earlier than the one before",
    ),
    case(
        FLOW,
        9,
        Field(5, Number(LATE)),
        "stock a: its flow goes up to 2000000000000 ms",
    ),
    case(BUYERS, 0, Remove, "stock a buyer b: 21 had, none counted"),
    case(
        BUYERS,
        0,
        Copy(b"b", b"c"),
        "stock a buyer c: 21 counted, 0 had",
    ),
    case(
        BUYERS,
        0,
        Field(0, Number(20)),
        "stock a buyer b: 20 counted, 21 had",
    ),
    case(ADDS, 0, Remove, "stock a: 0 adds, the flow ends with 1"),
    case(
        ADDS,
        0,
        Copy(b"a1", b"a2"),
        "stock a: 2 adds, the flow ends with 1",
    ),
    case(
        ADDS,
        0,
        Field(1, Number(4)),
        "stock a: flow 8: add a1 5 is not what its row says",
    ),
    case(
        ADDS,
        0,
        Field(2, Number(4)),
        "stock a: flow 8: add a1 5 is not what its row says",
    ),
    case(
        RETURNS,
        0,
        Remove,
        "stock a hold h1: 1 returned, its returns add up to 0",
    ),
    case(
        RETURNS,
        0,
        Copy(b"r1", b"r2"),
        "stock a: return r2 of 1: only the returns tell of it",
    ),
    case(
        RETURNS,
        0,
        Move(b"h1", b"h9"),
        "stock a: a return names the hold h9, which is not there",
    ),
    case(
        RETURNS,
        0,
        Field(1, Number(2)),
        "stock a hold h1: 1 returned, its returns add up to 2",
    ),
    case(
        TIMERS,
        0,
        Remove,
        "stock a hold h4: in state Held, expiry timer: false",
    ),
    case(
        TIMERS,
        0,
        Copy(b"h4", b"h1"),
        "stock a hold h1: an expiry timer at",
    ),
    case(
        TIMERS,
        0,
        Move(b"\x01\x01a", b"\x01\x07a"),
        "no structure has such a timer",
    ),
    case(
        TIMERS,
        0,
        Move(b"\x01\x01a", b"\x01\x01b"),
        "the timers: in slot",
    ),
    case(EVENTS, 0, Copy(b"\0\0", b"\xff\0"), " ms, its number of "),
    case(
        EVENTS,
        0,
        Field(0, Number(EARLY)),
        "of 1700000000000 ms, its number of",
    ),
    case(
        EVENTS,
        0,
        Field(1, Text("rained")),
        "no structure tells of rained",
    ),
    case(EVENTS, 0, Field(2, Text("b")), "b is of another slot"),
    case(
        EVENTS,
        0,
        Field(4, Text("note")),
        "no structure tells of stock_low",
    ),
    case(
        FLOORS,
        0,
        Field(0, Number(u64::MAX >> 1)),
        "a later stock_low was dropped",
    ),
    case(FLOORS, 0, Field(0, Number(0)), "is no id of partition"),
    case(
        FLOORS,
        0,
        Copy(b"stock_low", b"rained"),
        "floor of events stock\\x00rained\\x00",
    ),
    case(OUTBOX, 0, Copy(b"\0", b""), "that is no number"),
    case(
        OUTBOX,
        0,
        Move(b"\x03\xc7", b"\x7f\xc7"),
        "is an id of a time that has not come",
    ),
    case(
        OUTBOX,
        0,
        Field(0, Number(0x7702)),
        "it is none of kind 0x7702",
    ),
    case(
        OUTBOX,
        0,
        Field(2, Bytes(b"?")),
        "it is none of kind 0xff01",
    ),
    case(
        RECEIVED,
        0,
        Move(b"\0", b"\x01"),
        "there is no such partition",
    ),
    case(
        RECEIVED,
        0,
        Copy(b"\0", b"\x01"),
        "there is no such partition",
    ),
    case(
        RECEIVED,
        0,
        Field(0, Number(u64::MAX)),
        "is an id of a time that has not come",
    ),
    case(
        RECEIVED,
        0,
        Field(0, Number(0x3ff << 12)),
        "is no id of partition",
    ),
    case(DEAD, 0, Copy(b"\0", b""), "that is no number"),
    case(DEAD, 0, Field(0, Number(LATE)), "dead letter"),
    case(
        DEAD,
        0,
        Field(1, Number(0x7702)),
        "it is none of kind 0x7702 that would run here",
    ),
    case(
        DEAD,
        0,
        Field(3, Bytes(b"x")),
        "it is none of kind 0xff01 that would run here",
    ),
    case(
        DEAD,
        0,
        Field(4, Bytes(b"?")),
        "it is none of kind 0xff01 that would run here",
    ),
    case(
        DEAD,
        1,
        Field(5, Number(0)),
        "it is waiting, and its replay is due",
    ),
    case(DEAD, 1, Field(6, Number(LATE)), "it cannot be replaying"),
    case(DEAD, 1, Field(6, Number(EARLY)), "it cannot be replaying"),
    case(DEAD, 1, Field(7, Number(0)), "after 0 replays"),
    case(
        TIMERS,
        1,
        Remove,
        "it is replaying, and its replay is not due",
    ),
    case(
        TIMERS,
        1,
        Move(b"\0", b"\x07"),
        "nothing was set aside under this number",
    ),
];
