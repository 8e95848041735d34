//! The laws of limits.

use tidegate_engine::testing::mutations::Mutation::{Copy, Field, Move, Within};
use tidegate_engine::testing::mutations::Value::{Missing, Number};
use tidegate_engine::testing::mutations::{Case, Folder};
use tidegate_engine::testing::{ManualClock, Stepper};

use super::{DOMAINS, row};

const OPENED_US: u64 = ManualClock::START_MS * 1_000;

/// With a sale `few` of tees, which runs: mia has entered from an address, and has a token.
pub(super) fn folder() -> Folder {
    let mut engine = Stepper::fresh(DOMAINS);
    engine.call("STOCK.SET tee 9");
    let (starts, ends) = (ManualClock::START_MS + 100, ManualClock::START_MS + 600_000);
    engine.call(&format!(
        "SALE.CREATE few {starts} {ends} RATE 1000 GOODS 1 tee 2000 PER_ADDRESS 60"
    ));
    let told = engine.call("SALE.JOIN few mia FROM 192.0.2.7");
    let ticket = told
        .split_whitespace()
        .find_map(|word| word.strip_prefix("ticket="));
    let ticket = ticket.expect("she has entered");
    for _ in 0..40 {
        engine.clock.advance_ms(10);
        engine.settle();
    }
    let told = engine.call(&format!("SALE.TOKEN few mia {ticket} tee 1"));
    assert!(told.contains("token="), "{told}");
    engine.checkpoint_under_way();
    Folder::of(engine, DOMAINS)
}

const ARRIVALS: &str = "sale.arrivals";
const FEW: &[u8] = b"few\0";
const MIA: &[u8] = b"few\0mia";

pub(super) const CASES: &[Case] = &[
    row(
        "sale.sales",
        FEW,
        Field(16, Missing),
        "of its addresses has Arrival",
    ),
    row(
        "sale.sales",
        FEW,
        Within(&[16, 0], Number(0)),
        "the next token of mia is expected at Some",
    ),
    row(
        "sale.sales",
        FEW,
        Within(&[16, 1], Number(0)),
        "of its addresses has Arrival",
    ),
    row(
        "sale.entrants",
        MIA,
        Field(4, Number(OPENED_US)),
        "the next token of mia is expected at Some",
    ),
    row(
        "sale.entrants",
        MIA,
        Field(4, Number(OPENED_US + 600_000_000)),
        "the next token of mia is expected at Some",
    ),
    row(
        ARRIVALS,
        FEW,
        Field(0, Number(OPENED_US)),
        "of its addresses has Arrival",
    ),
    row(
        ARRIVALS,
        FEW,
        Field(0, Number(OPENED_US + 600_000_000)),
        "of its addresses has Arrival",
    ),
    row(
        ARRIVALS,
        FEW,
        Copy(b"few\0\0\0\0\0\0", b"few\0\0\0\0\0\x01"),
        "of its addresses has Arrival",
    ),
    row(
        ARRIVALS,
        FEW,
        Move(b"few", b"fev"),
        "sale fev: a row of it lies in another slot",
    ),
];
