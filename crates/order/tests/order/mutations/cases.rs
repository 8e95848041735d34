//! What is done to which row, and the law that tells of it.

use tidegate_engine::testing::mutations::Case;
use tidegate_engine::testing::mutations::Mutation::{self, Copy, Field, Move, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Missing, Nothing, Number, Text};
use tidegate_engine::testing::mutations::Which::{self, Key, Row};

pub(crate) const fn case(
    table: &'static str,
    row: Which,
    mutation: Mutation,
    law: &'static str,
) -> Case {
    Case {
        table,
        row,
        mutation,
        law,
    }
}

const fn order(id: &'static [u8], mutation: Mutation, law: &'static str) -> Case {
    case("order.orders", Key(id), mutation, law)
}

const fn listed(buyer: &'static [u8], mutation: Mutation, law: &'static str) -> Case {
    case("order.listed", Key(buyer), mutation, law)
}

const fn place(mutation: Mutation, law: &'static str) -> Case {
    case("order.places", Key(b"mia\0"), mutation, law)
}

const fn part(mutation: Mutation, law: &'static str) -> Case {
    case("stock.parts", Key(b"last\0"), mutation, law)
}

const fn line(mutation: Mutation, law: &'static str) -> Case {
    case("stock.line", Key(b"last\0"), mutation, law)
}

const fn place_in_line(mutation: Mutation, law: &'static str) -> Case {
    case("stock.places", Key(b"last\0"), mutation, law)
}

const fn hold(id: &'static [u8], mutation: Mutation, law: &'static str) -> Case {
    case("stock.holds", Key(id), mutation, law)
}

const fn sku(mutation: Mutation, law: &'static str) -> Case {
    case("stock.skus", Key(b"last\0"), mutation, law)
}

const fn letter(row: &'static [u8], mutation: Mutation, law: &'static str) -> Case {
    case("engine.outbox", Row(row), mutation, law)
}

/// Long after anything that has happened, and long before.
pub(crate) const LATE: u64 = 2_000_000_000_000;
pub(crate) const EARLY: u64 = 1_700_000_000_000;

const KEPT: &[u8] = b"kept\0";
const REFUSED: &[u8] = b"refused\0";
const CANCELLED: &[u8] = b"cancelled\0";
const PLACING: &[u8] = b"placing\0";

/// The first living order of a list, and the first finished one.
const LIVING: &[u8] = b"mia\0\0";
const FINISHED: &[u8] = b"mia\0\x01";

/// What `placing` has of `last`.
const DOUBTED: &[u8] = b"last\0\x01placing\x01";
/// What `kept` has of `a`.
const OWNED: &[u8] = b"a\0\x01kept\x01";

pub(crate) const CASES: &[Case] = &[
    order(
        KEPT,
        Remove,
        "stock a hold kept: the owner 2.1/kept/1 or its mail is nowhere",
    ),
    order(
        REFUSED,
        Remove,
        "the list of buyer mia: the order refused of mia,",
    ),
    order(KEPT, Copy(b"kept", b"kapt"), "order.orders: in slot"),
    order(KEPT, Move(b"kept", b"kapt"), "order.orders: in slot"),
    order(
        KEPT,
        Field(1, Number(5)),
        "order kept: its place 5 in a buyer's list",
    ),
    order(
        KEPT,
        Field(2, Number(4)),
        "order kept: in state Cancelled, version 2, with",
    ),
    order(
        CANCELLED,
        Field(2, Number(2)),
        "order cancelled: in state Reserved, version 3, with",
    ),
    order(
        KEPT,
        Field(3, Number(3)),
        "order kept: in state Reserved, version 3, with",
    ),
    order(
        KEPT,
        Field(4, Number(2)),
        "order kept: attempt 2, and was placed 1 times",
    ),
    order(
        PLACING,
        Field(4, Number(2)),
        "stock last hold placing: the answer that will come to who has 1 of 1/last",
    ),
    order(
        KEPT,
        Field(5, Number(64)),
        "order kept: in state Reserved, 64 of 3 things",
    ),
    order(
        PLACING,
        Field(5, Number(3)),
        "order placing: in state Placing, 3 of 13 things",
    ),
    order(
        KEPT,
        Field(6, Text("tom")),
        "the list of buyer mia: the order kept of mia,",
    ),
    order(
        KEPT,
        Field(7, Text("USD")),
        "the list of buyer mia: the order kept of mia,",
    ),
    order(
        KEPT,
        Field(8, Nothing),
        "order kept: costs 350, and its lines do not",
    ),
    order(
        KEPT,
        Within(&[8, 0, 0], Text("d")),
        "order kept: 1 of 1/d for the owner 2.1/kept/1 is nowhere",
    ),
    order(
        KEPT,
        Within(&[8, 1, 1], Number(3)),
        "order kept: 3 of 1/b for the owner 2.1/kept/1 is nowhere",
    ),
    order(
        KEPT,
        Within(&[8, 1, 2], Number(3)),
        "order kept: costs 350, and its lines do not",
    ),
    order(
        KEPT,
        Field(9, Number(3)),
        "order kept: costs 3, and its lines do not",
    ),
    order(
        KEPT,
        Field(10, Number(3)),
        "order kept: in state Reserved until Some(",
    ),
    order(
        KEPT,
        Field(11, Number(LATE)),
        "order kept: in state Reserved until Some(2000000000000), with timers [Some(",
    ),
    order(
        KEPT,
        Field(11, Missing),
        "order kept: in state Reserved until None, expires at",
    ),
    order(
        PLACING,
        Field(11, Number(LATE)),
        "order placing: in state Placing until Some(2000000000000), expires at",
    ),
    order(
        CANCELLED,
        Field(11, Number(LATE)),
        "order cancelled: in state Cancelled until Some(2000000000000), expires at",
    ),
    order(
        KEPT,
        Field(12, Nothing),
        "order kept: in state Reserved, version 2, with []",
    ),
    order(
        CANCELLED,
        Within(&[12, 1, 0], Number(3)),
        "order cancelled: in state Cancelled, version 3, with",
    ),
    order(
        CANCELLED,
        Within(&[12, 1, 1], Number(EARLY)),
        "order cancelled: its history runs back, or ahead",
    ),
    order(
        CANCELLED,
        Within(&[12, 2, 1], Number(LATE)),
        "order cancelled: its history runs back, or ahead",
    ),
    order(
        REFUSED,
        Within(&[12, 0, 1], Number(EARLY)),
        "the list of buyer mia: the order refused of mia,",
    ),
    order(
        REFUSED,
        Field(13, Missing),
        "order refused: in state Refused for None",
    ),
    order(
        REFUSED,
        Within(&[13, 1], Text("z")),
        "order refused: in state Refused for Some(",
    ),
    order(
        REFUSED,
        Within(&[13, 2], Number(99)),
        "order refused: in state Refused for Some(",
    ),
    order(
        PLACING,
        Field(14, Nothing),
        "stock last hold placing: the answer that will come to who has 1 of 1/last",
    ),
    order(
        PLACING,
        Within(&[14, 0, 1], Text("z")),
        "order placing: in state Placing, asked by",
    ),
    order(
        b"ended\0",
        Field(23, Number(2)),
        "order ended: the word that letter 1 of 2.1/ended/1 was heard by all is nowhere",
    ),
    order(
        KEPT,
        Field(23, Number(1)),
        "order kept: in state Reserved, letters 0b1 to be heard",
    ),
    listed(LIVING, Remove, "order kept: its place"),
    listed(FINISHED, Remove, "order refused: its place"),
    listed(LIVING, Copy(LIVING, FINISHED), "order.listed: in slot"),
    listed(
        LIVING,
        Copy(b"mia\0\0\x03", b"mia\0\0\x04"),
        "the list of buyer mia: the order kept of mia,",
    ),
    listed(LIVING, Move(b"mia", b"moa"), "order.listed: in slot"),
    listed(
        LIVING,
        Field(0, Text("k")),
        "the list of buyer mia: the order k of mia,",
    ),
    listed(LIVING, Field(1, Number(4)), "order.listed: in slot"),
    listed(FINISHED, Field(1, Number(5)), "order refused: its place"),
    listed(LIVING, Field(2, Number(9)), "order kept: its place"),
    listed(
        LIVING,
        Field(3, Number(9)),
        "the list of buyer mia: the order kept of mia,",
    ),
    listed(
        LIVING,
        Field(4, Text("USD")),
        "the list of buyer mia: the order kept of mia,",
    ),
    listed(
        LIVING,
        Field(5, Number(9)),
        "the list of buyer mia: the order kept of mia,",
    ),
    listed(LIVING, Field(6, Number(LATE)), "order kept: its place"),
    listed(LIVING, Field(6, Missing), "order kept: its place"),
    listed(FINISHED, Field(6, Number(LATE)), "order refused: its place"),
    place(Remove, "and its place says None"),
    place(Copy(b"mia\0", b"mia\0\x01"), "order.places: in slot"),
    place(Copy(b"mia", b"moa"), "order.places: in slot"),
    place(
        Copy(b"mia\0\x03", b"mia\0\x04"),
        ", and nothing stands there",
    ),
    place(
        Field(0, Number(9)),
        "and its place says Some(InPart { version: 9, part: 1 })",
    ),
    place(
        Field(1, Number(0)),
        "and its place says Some(InPart { version: 2, part: 0 })",
    ),
    case(
        "engine.timers",
        Key(KEPT),
        Remove,
        "order kept: in state Reserved until Some(",
    ),
    case(
        "engine.timers",
        Key(KEPT),
        Copy(b"kept", b"kapt"),
        "order kapt: timers at",
    ),
    part(
        Remove,
        "hold \u{1}placing\u{1}2.1: part 1 of a claim in doubt is not it",
    ),
    part(
        Copy(b"\x01", b"\x02"),
        "stock last: part 2 of a claim in doubt is \u{1}placing\u{1}2.1, which is not",
    ),
    part(
        Copy(b"\x01", b"\x02"),
        "stock last: part 2 of a claim, and Claims",
    ),
    part(
        Move(b"\x01", b"\x02"),
        "hold \u{1}placing\u{1}2.1: part 1 of a claim in doubt is not it",
    ),
    part(Copy(b"last", b"lost"), "stock.parts: in slot"),
    part(
        Field(0, Text("h")),
        "hold \u{1}placing\u{1}2.1: part 1 of a claim in doubt is not it",
    ),
    line(Remove, "stock last: in line stand [], it says Claims"),
    line(
        Copy(b"\x01", b"\x02"),
        "stock last: in line stand [1, 2], it says Claims",
    ),
    line(
        Move(b"\x01", b"\x02"),
        "stock last: in line stand [2], it says Claims",
    ),
    line(Copy(b"last", b"lost"), "stock.line: in slot"),
    line(
        Within(&[0, 0, 1], Text("o")),
        "stock last in line o: the owner 2.1/o/1 or its mail is nowhere",
    ),
    line(
        Within(&[0, 1], Number(2)),
        "stock last in line waiting (2): the owner 2.1/waiting/2",
    ),
    line(
        Within(&[1, 0, 0], Number(2)),
        "stock last: who stands at 1 waits for Some(Thing",
    ),
    line(
        Within(&[1, 0, 1], Text("a")),
        "stock last: who stands at 1 waits for Some(Thing",
    ),
    line(
        Within(&[1, 0, 2], Number(0)),
        "stock last: who stands first has what it waits for, and is not served",
    ),
    line(
        Within(&[1, 0, 2], Number(2)),
        "stock last: who stands first waits for what cannot come",
    ),
    line(
        Field(1, Nothing),
        "stock last: who stands at 1 waits for None",
    ),
    place_in_line(
        Remove,
        "stock last: waiting stands at 1 in line, and its place says None",
    ),
    place_in_line(
        Copy(b"waiting", b"wailing"),
        "stock last: wailing has place 1 in line, and does not stand there",
    ),
    place_in_line(Copy(b"last", b"lost"), "stock.places: in slot"),
    place_in_line(
        Field(0, Number(2)),
        "stock last: waiting stands at 1 in line, and its place says Some(2)",
    ),
    hold(
        OWNED,
        Remove,
        "order kept: 1 of 1/a for the owner 2.1/kept/1 is nowhere",
    ),
    hold(
        OWNED,
        Field(3, Number(2)),
        "order kept: 1 of 1/a for the owner 2.1/kept/1 is nowhere",
    ),
    hold(OWNED, Field(7, Number(LATE)), ": expires at 2000000000000"),
    hold(
        OWNED,
        Field(10, Missing),
        ": expires at 18446744073709551615",
    ),
    hold(
        OWNED,
        Within(&[10, 0, 0, 0], Number(0x0202)),
        "stock a hold kept: the owner 2.2/kept/1 or its mail is nowhere",
    ),
    hold(
        OWNED,
        Within(&[10, 0, 0, 1], Text("placing")),
        "it is of another owner, placing",
    ),
    hold(
        OWNED,
        Within(&[10, 0, 1], Number(2)),
        "it is of another owner, kept (2)",
    ),
    hold(
        OWNED,
        Within(&[10, 0, 1], Number(2)),
        "stock a hold kept: the owner 2.1/kept/2 or its mail is nowhere",
    ),
    hold(
        OWNED,
        Within(&[10, 1], Number(9)),
        "part 9 of a claim in doubt is not it",
    ),
    hold(
        DOUBTED,
        Within(&[10, 1], Number(0)),
        "stock last: part 1 of a claim in doubt is \u{1}placing",
    ),
    sku(
        Field(0, Number(2)),
        "stock last: who stands first has what it waits for, and is not served",
    ),
    sku(
        Field(8, Missing),
        "stock last: 0 units in doubt, its parts have 1",
    ),
    sku(
        Within(&[8, 0], Number(0)),
        "stock last: 0 units in doubt, its parts have 1",
    ),
    sku(
        Within(&[8, 1], Number(0)),
        "stock last: part 1 of a claim, and Claims",
    ),
    sku(
        Within(&[8, 2], Number(0)),
        "stock last: who stands first waits, and nobody was asked",
    ),
    sku(
        Within(&[8, 2], Number(2)),
        "stock last: part 1 of a claim, and Claims",
    ),
    sku(
        Within(&[8, 3], Number(2)),
        "stock last: in line stand [1], it says Claims",
    ),
    sku(
        Within(&[8, 4], Number(0)),
        "stock last: in line stand [1], it says Claims",
    ),
    sku(
        Within(&[8, 5], Number(0)),
        "stock last: in line stand [1], it says Claims",
    ),
    letter(
        b"\x19\x01\x02\x01\x61a",
        Remove,
        "stock a hold ended: the owner 2.1/ended/1 or its mail is nowhere",
    ),
    letter(b"\x19\x02\x05\x01\x63zoe", Remove, "order ended: its place"),
];
