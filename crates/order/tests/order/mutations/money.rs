//! The same of rows about money, and of calls to providers.
//!
//! What no row tells: the hash of a request; when a provider says that it was paid; which webhooks came; how
//! often a provider was asked, but that it was; whether a try rests before units are claimed again. The number
//! of a payment or a refund, and the provider, are told while a call or a review has them too: afterwards only
//! the provider knows them. Of a call nobody tells what is sent, under which key, and how long it is tried.

use tidegate_engine::testing::mutations::Case;
use tidegate_engine::testing::mutations::Mutation::{self, Copy, Field, Move, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Bool, Bytes, Missing, Nothing, Number, Text};
use tidegate_engine::testing::mutations::Which::{Key, Row};

use super::cases::{EARLY, LATE, case};

const fn order(id: &'static [u8], mutation: Mutation, law: &'static str) -> Case {
    case("order.orders", Key(id), mutation, law)
}

const fn payment(key: &'static [u8], mutation: Mutation, law: &'static str) -> Case {
    case("order.payments", Key(key), mutation, law)
}

const fn refund(key: &'static [u8], mutation: Mutation, law: &'static str) -> Case {
    case("order.refunds", Key(key), mutation, law)
}

const fn review(mutation: Mutation, law: &'static str) -> Case {
    case("order.reviews", Row(b"\x65stuck"), mutation, law)
}

/// The call that is to make the payment of `begun`, which rests.
const fn call(mutation: Mutation, law: &'static str) -> Case {
    case("engine.calls", Row(b"\x65begun"), mutation, law)
}

const PAID: &[u8] = b"sold\0p\0";
const OPEN: &[u8] = b"sold\0q\0";
const BEGUN: &[u8] = b"begun\0p\0";
const ASKED: &[u8] = b"unpaid\0q\0";
const DONE: &[u8] = b"sold\0part\0";
const GOING: &[u8] = b"back\0all\0";

pub(crate) const MONEY: &[Case] = &[
    order(
        b"kept\0",
        Field(15, Number(1)),
        "order kept: in state Reserved until",
    ),
    order(
        b"kept\0",
        Field(16, Missing),
        "order kept: in state Reserved until",
    ),
    order(
        b"kept\0",
        Field(16, Number(LATE)),
        "order kept: in state Reserved until",
    ),
    order(
        b"sold\0",
        Field(17, Nothing),
        "order sold: names the payments []",
    ),
    order(
        b"unpaid\0",
        Field(18, Number(1)),
        "order unpaid: counts (1, 1) payments that are open",
    ),
    order(
        b"unpaid\0",
        Field(19, Number(2)),
        "order unpaid: counts (2, 2) payments that are open",
    ),
    order(b"sold\0", Field(20, Nothing), "and the refunds []"),
    order(
        b"taken\0",
        Field(21, Missing),
        "order taken: in state Taking, with None",
    ),
    order(
        b"taken\0",
        Within(&[21, 0], Text("x")),
        "order taken: cannot be taking so",
    ),
    order(
        b"taken\0",
        Within(&[21, 1], Number(0)),
        "order taken: cannot be taking so",
    ),
    order(
        b"back\0",
        Field(22, Missing),
        "order back: refunded from None, and was Some(Paid)",
    ),
    order(
        b"back\0",
        Field(22, Number(9)),
        "order back: refunded from Some(Fulfilled), and was Some(Paid)",
    ),
    order(
        b"sold\0",
        Field(22, Number(9)),
        "order sold: in state Paid, with None",
    ),
    order(
        b"back\0",
        Within(&[12, 4, 2], Number(3)),
        "order back: refunded from Some(Paid)",
    ),
    order(
        b"sold\0",
        Within(&[8, 0, 3], Number(2)),
        "order sold: lines refunded for Some(200), by its refunds 100",
    ),
    order(
        b"sold\0",
        Within(&[8, 0, 3], Number(3)),
        "order sold: lines refunded for None",
    ),
    payment(PAID, Remove, "order sold: names the payments"),
    payment(PAID, Copy(b"p", b"x"), "order sold: names the payments"),
    payment(PAID, Move(b"sold", b"salt"), "order.payments: in slot"),
    payment(
        b"wrong\0p\0",
        Field(1, Number(5)),
        "order wrong: a person is to look at",
    ),
    payment(
        BEGUN,
        Field(1, Number(5)),
        "order begun: a call of what it does not have",
    ),
    payment(
        BEGUN,
        Field(2, Text("other")),
        "order begun: a call of what it does not have",
    ),
    payment(
        PAID,
        Field(3, Number(3)),
        "order sold: payment p cannot be so",
    ),
    payment(
        PAID,
        Field(4, Number(EARLY)),
        "order sold: payment p cannot be so",
    ),
    payment(
        PAID,
        Field(4, Number(LATE)),
        "order sold: payment p cannot be so",
    ),
    payment(
        PAID,
        Field(5, Number(0)),
        "order sold: is Paid, by 0 payments",
    ),
    payment(
        OPEN,
        Field(5, Number(1)),
        "order sold: counts (1, 0) payments that are open",
    ),
    payment(
        OPEN,
        Field(5, Number(2)),
        "order sold: is Paid, by 2 payments",
    ),
    payment(
        b"wrong\0p\0",
        Field(5, Number(6)),
        "order wrong: a person is to look at",
    ),
    payment(
        b"back\0p\0",
        Field(5, Number(5)),
        "order back: a person is to look at",
    ),
    payment(
        PAID,
        Field(6, Bool(false)),
        "order sold: payment p cannot be so",
    ),
    payment(
        BEGUN,
        Field(7, Text("u")),
        "order begun: payment p cannot be so",
    ),
    payment(
        PAID,
        Field(8, Missing),
        "order sold: payment p cannot be so",
    ),
    payment(
        PAID,
        Field(8, Number(99)),
        "order sold: payment p cannot be so",
    ),
    payment(
        b"back\0p\0",
        Field(8, Number(251)),
        "order back: payment p cannot be so",
    ),
    payment(
        BEGUN,
        Field(9, Number(5)),
        "order begun: payment p cannot be so",
    ),
    payment(
        PAID,
        Field(10, Number(5)),
        "order sold: payment p: (5, 0) refunded and pending",
    ),
    payment(
        BEGUN,
        Field(11, Bool(false)),
        "order begun: payment p: being made and asked",
    ),
    payment(
        ASKED,
        Field(12, Bool(false)),
        "order unpaid: payment q: being made and asked",
    ),
    payment(
        PAID,
        Field(12, Bool(true)),
        "order sold: payment p: being made and asked",
    ),
    payment(
        ASKED,
        Field(13, Number(0)),
        "order unpaid: payment q cannot be so",
    ),
    payment(
        OPEN,
        Field(14, Number(LATE)),
        "order sold, payment q: asked next at Some(2000000000000)",
    ),
    payment(
        OPEN,
        Field(14, Missing),
        "order sold, payment q: asked next at None",
    ),
    payment(
        OPEN,
        Field(15, Bool(true)),
        "order sold: counts (1, 0) payments that are open",
    ),
    payment(
        PAID,
        Field(15, Bool(true)),
        "order sold: a payment that is over is unpaid after its time",
    ),
    payment(
        BEGUN,
        Within(&[16, 0], Number(7)),
        "order begun: payment p cannot be so",
    ),
    payment(
        PAID,
        Field(17, Number(1)),
        "order sold: payment p: (100, 1) refunded and pending",
    ),
    refund(DONE, Remove, "and the refunds"),
    refund(DONE, Copy(b"part", b"parts"), "and the refunds"),
    refund(DONE, Move(b"sold", b"salt"), "order.refunds: in slot"),
    refund(
        DONE,
        Field(0, Number(0)),
        "order sold: refund part cannot be so",
    ),
    refund(
        b"stuck\0all\0",
        Field(1, Number(5)),
        "order stuck: a person is to look at",
    ),
    refund(
        DONE,
        Field(2, Text("q")),
        "order sold: payment p: (100, 0) refunded and pending",
    ),
    refund(
        DONE,
        Field(3, Number(5)),
        "order sold: payment p: (100, 0) refunded and pending",
    ),
    refund(
        DONE,
        Field(4, Number(EARLY)),
        "order sold: refund part cannot be so",
    ),
    refund(
        DONE,
        Field(4, Number(LATE)),
        "order sold: refund part cannot be so",
    ),
    refund(
        GOING,
        Field(5, Number(4)),
        "order back: is Refunding, a refund of it under way: false",
    ),
    refund(
        DONE,
        Field(5, Number(3)),
        "order sold: refund part: nobody is asked to make it",
    ),
    refund(
        DONE,
        Field(5, Number(6)),
        "order sold: refund part cannot be so",
    ),
    refund(
        GOING,
        Field(6, Bool(false)),
        "order back: is Refunding, a refund of it under way: false",
    ),
    refund(
        GOING,
        Field(7, Bool(true)),
        "order back: payment p: (250, 0) refunded and pending",
    ),
    refund(
        DONE,
        Field(8, Number(4)),
        "order sold: refund part cannot be so",
    ),
    refund(
        DONE,
        Field(11, Number(5)),
        "order sold: refund part cannot be so",
    ),
    refund(
        GOING,
        Field(11, Missing),
        "order back: refund all cannot be so",
    ),
    review(Remove, "order stuck: a person is to look at []"),
    review(Copy(b"", b"\0"), "order.reviews: in slot"),
    review(
        Field(0, Text("salt")),
        "reviews of order salt, of which there is none so",
    ),
    review(Field(1, Text("x")), "cannot be so: Review"),
    review(Field(2, Missing), "cannot be so: Review"),
    review(Field(2, Text("x")), "cannot be so: Review"),
    review(Field(3, Number(0)), "cannot be so: Review"),
    review(Field(4, Number(5)), "cannot be so: Review"),
    review(Field(5, Number(EARLY)), "cannot be so: Review"),
    review(Field(5, Number(LATE)), "cannot be so: Review"),
    review(
        Field(6, Number(1)),
        "order stuck: a person is to look at []",
    ),
    review(Field(7, Text("USD")), "cannot be so: Review"),
    review(Field(8, Number(1)), "cannot be so: Review"),
    call(
        Remove,
        "order begun: payment p: being made and asked (true, false), by calls (false, false)",
    ),
    call(Copy(b"", b"\0"), ": that is no number"),
    call(
        Field(0, Number(EARLY)),
        "of 1700000000000 ms, its number of",
    ),
    call(
        Field(1, Text("other")),
        "order begun: a call of what it does not have",
    ),
    call(
        Field(2, Text("query")),
        "order begun: a call of what it does not have",
    ),
    call(
        Field(3, Text("5")),
        "order begun: a call of what it does not have",
    ),
    call(
        Within(&[5, 1], Number(1)),
        "its history is not that of 2 tries",
    ),
    call(
        Within(&[6, 0], Number(0x0209)),
        "what comes of it goes to nobody of this slot",
    ),
    call(
        Within(&[6, 1], Text("x")),
        "what comes of it goes to nobody of this slot",
    ),
    call(
        Field(7, Bytes(b"")),
        "order begun: a call of what it does not have",
    ),
    call(
        Field(8, Number(0)),
        "it is calling, and its next try is due at Some(",
    ),
    call(Field(9, Number(LATE)), "its history is not that of 2 tries"),
    call(Field(10, Number(3)), "its history is not that of 3 tries"),
    call(Field(11, Number(2)), "its history is not that of 2 tries"),
    call(
        Field(12, Missing),
        "it is resting, and its next try is due at Some(",
    ),
    call(Field(13, Nothing), "its history is not that of 2 tries"),
    call(
        Within(&[13, 0, 0], Number(LATE)),
        "its history is not that of 2 tries",
    ),
    case(
        "engine.timers",
        Key(OPEN),
        Remove,
        "order sold, payment q: asked next at",
    ),
    case(
        "engine.calls",
        Row(b"\x64back"),
        Remove,
        "order back: refund all: nobody is asked to make it",
    ),
];
