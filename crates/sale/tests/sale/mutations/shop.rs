//! The laws of what is sold.

use tidegate_engine::testing::mutations::Mutation::{Copy, Field, Move, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Missing, Number, Text};
use tidegate_engine::testing::mutations::{Case, Folder, Mutation, Which};
use tidegate_engine::testing::{ManualClock, Stepper};

use super::{DOMAINS, EARLY, LATE, row};

/// With a sale `shop` of `tee` and `cap` that runs. By her first token mia has bought a tee, the second is for a
/// cap; the token of tom for a tee is void, he has one for three caps; and lea waits.
pub(super) fn folder() -> Folder {
    let mut engine = Stepper::fresh(DOMAINS);
    engine.call("STOCK.SET tee 1");
    engine.call("STOCK.SET cap 4");
    let (starts, ends) = (
        ManualClock::START_MS + 1_000,
        ManualClock::START_MS + 600_000,
    );
    engine.call(&format!(
        "SALE.CREATE shop {starts} {ends} RATE 1000 MAX 3 INSIDE 2 GOODS 2 tee 2000 cap 500"
    ));
    let tickets = ["mia", "tom", "lea"].map(|buyer| {
        let told = engine.call(&format!("SALE.JOIN shop {buyer}"));
        word(&told, "ticket").to_owned()
    });
    pass(&mut engine, 1_200);
    // Who stands last in the order that was drawn waits: the others buy.
    let position = |engine: &mut Stepper, ticket: &str| {
        let told = engine.call(&format!("SALE.POSITION shop {ticket}"));
        word(&told, "state").to_owned()
    };
    let mut inside: Vec<_> = ["mia", "tom", "lea"].into_iter().zip(tickets).collect();
    inside.retain(|(_, ticket)| position(&mut engine, ticket) == "admitted");
    let [(first, ticket), (second, other)] = inside.try_into().expect("two are admitted");
    let told = engine.call(&format!("SALE.TOKEN shop {first} {ticket} tee 1"));
    let (nonce, token) = (word(&told, "nonce"), word(&told, "token"));
    engine.call(&format!("SALE.BUY shop {nonce} tee {first} {token}"));
    engine.settle();
    engine.call(&format!("SALE.TOKEN shop {first} {ticket} cap 1"));
    engine.call(&format!("SALE.TOKEN shop {second} {other} tee 1"));
    engine.call(&format!("SALE.TOKEN shop {second} {other} cap 3"));
    pass(&mut engine, 200);
    engine.checkpoint_under_way();
    Folder::of(engine, DOMAINS)
}

fn word<'a>(told: &'a str, name: &str) -> &'a str {
    let mut words = told.split_whitespace();
    let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {name} in {told}"))
}

fn pass(engine: &mut Stepper, ms: u64) {
    for _ in 0..ms.div_ceil(10) {
        engine.clock.advance_ms(10);
        engine.settle();
    }
}

const SALES: &str = "sale.sales";
/// There is one order.
const ANY: &[u8] = b"\0";
const SHOP: &[u8] = b"shop\0";

pub(super) const CASES: &[Case] = &[
    row(
        SALES,
        SHOP,
        Field(15, Missing),
        "it sells nothing, and has goods or tokens",
    ),
    row(SALES, SHOP, Within(&[15, 1], Number(1)), "2 units for"),
    row(
        SALES,
        SHOP,
        Within(&[15, 5], Number(3)),
        "3 goods, 2 of them on sale",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 6], Number(1)),
        "1 of 2 goods are on sale, with timers at []",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 7], Number(1)),
        "of 1 goods, which add up to",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 8, 0], Number(99)),
        "of 2 goods, which add up to",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 8, 1], Number(99)),
        "of 2 goods, which add up to",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 8, 2], Number(99)),
        "of 2 goods, which add up to",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 9], Number(0)),
        "1 tokens are spent, of 1 bought",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 10], Number(2)),
        "1 tokens are spent, of 2 bought and 0 ended",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 11], Number(1)),
        "1 tokens are spent, of 1 bought and 1 ended",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 13, 0], Number(99)),
        "3 entrants, and its gate is",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 13, 1], Number(9)),
        "3 entrants, and its gate is",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 13, 2, 0, 2], Number(9)),
        "3 entrants, and its gate is",
    ),
    row(
        SALES,
        SHOP,
        Within(&[15, 13, 3], Number(5)),
        "its gate is looked at again at Some(5)",
    ),
    row(
        "sale.goods",
        b"shop\0tee",
        Remove,
        "2 goods, 2 of them on sale, and rows of [2, 1]",
    ),
    row(
        "sale.goods",
        b"shop\0tee",
        Copy(b"tee", b"tie"),
        "and rows of [2, 3]",
    ),
    row(
        "sale.goods",
        b"shop\0tee",
        Field(0, Number(9)),
        "and rows of [2, 2]",
    ),
    row(
        "sale.goods",
        b"shop\0tee",
        Within(&[2, 0], Number(9)),
        "which add up to",
    ),
    row(
        "sale.skus",
        b"shop\0",
        Remove,
        "2 goods, 2 of them on sale, and rows of [1, 2]",
    ),
    row(
        "sale.skus",
        b"shop\0\0\0\0\0\0\0\0\x01",
        Copy(b"\x01", b"\x09"),
        "and rows of [3, 2]",
    ),
    row(
        "sale.skus",
        b"shop\0",
        Field(0, Text("hat")),
        "and rows of [2, 2]",
    ),
    row(
        "sale.shelves",
        b"tee\0shop",
        Remove,
        "the shelf of tee for sale shop, or its letter is nowhere",
    ),
    row(
        "sale.shelves",
        b"tee\0shop",
        Copy(b"shop", b"shap"),
        "sale shap, tee: None until",
    ),
    row(
        "sale.shelves",
        b"tee\0shop",
        Move(b"tee", b"tie"),
        "in slot",
    ),
    row(
        "sale.shelves",
        b"tee\0shop",
        Field(5, Number(LATE)),
        "sale shop, tee: None until",
    ),
    row("sale.voids", b"tee\0shop", Remove, "and nothing ends then"),
    row(
        "sale.voids",
        b"tee\0shop",
        Copy(b"shop", b"shap"),
        "sale shap, tee: Some",
    ),
    row(
        "sale.voids",
        b"tee\0shop",
        Field(0, Number(EARLY)),
        "sale shop, tee: Some",
    ),
    row("engine.timers", b"tee\0shop", Remove, "with timers at []"),
    of_buyer(
        Within(&[2, 0, 0], Number(7)),
        "that the seller counts 1 in order",
    ),
    of_buyer(Within(&[2, 0, 1], Text("hat")), "TokenRow"),
    of_buyer(Within(&[2, 0, 2], Number(0)), "TokenRow"),
    of_buyer(
        Within(&[2, 0, 4], Number(0)),
        "0 tokens are spent, of 1 bought",
    ),
    of_buyer(Within(&[2, 0, 5], Number(99)), "TokenRow"),
    of_buyer(Within(&[2, 1, 4], Number(1)), "a letter about the token"),
    of_buyer(Within(&[2, 1, 4], Number(2)), "is nowhere"),
    of_buyer(Within(&[2, 1, 2], Number(9)), "10 units for"),
    row(
        "order.orders",
        ANY,
        Field(24, Missing),
        "in state Reserved, version 1, with",
    ),
    row("order.orders", ANY, Remove, "is nowhere"),
    row(
        "stock.skus",
        b"tee",
        Field(10, Number(5)),
        "1 who watch are told at Some(5) ms",
    ),
];

/// Of the row of who has bought a tee.
const fn of_buyer(mutation: Mutation, law: &'static str) -> Case {
    Case {
        table: "sale.entrants",
        row: Which::Row(b"\x63tee"),
        mutation,
        law,
    }
}
