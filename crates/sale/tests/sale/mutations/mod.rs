//! Every law of sales, broken once: a row of each table is removed, added and changed, and `check` names the
//! law that is broken.

use tidegate_engine::contract::Domain;
use tidegate_engine::testing::mutations::Mutation::{self, Copy, Field, Move, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Bytes, Missing, Number, Text};
use tidegate_engine::testing::mutations::Which::Key;
use tidegate_engine::testing::mutations::{Case, Folder, assert_all_tried};
use tidegate_engine::testing::{ManualClock, Stepper};
use tidegate_order::ORDER;
use tidegate_sale::SALE;
use tidegate_stock::STOCK;

mod checks;
mod guard;
mod shop;

const DOMAINS: &[Domain] = &[STOCK, ORDER, SALE];

const EARLY: u64 = ManualClock::START_MS - 1;
const LATE: u64 = ManualClock::START_MS + 1_000_000_000;

/// With four sales in which mia and tom have entered: `open` has not started, `begun` has just now, `half` is being
/// drawn, and `drawn` is; there pia came after the start.
fn folder() -> Folder {
    let mut engine = Stepper::fresh(DOMAINS);
    let start = ManualClock::START_MS + 1_000;
    for (sale, starts) in [("open", 60_000), ("drawn", 0), ("half", 10), ("begun", 11)] {
        let (starts, ends) = (start + starts, start + 600_000);
        engine.call(&format!("SALE.CREATE {sale} {starts} {ends} RATE 1"));
        engine.call(&format!("SALE.JOIN {sale} mia"));
        engine.call(&format!("SALE.JOIN {sale} tom"));
    }
    let mut pass = |ms| {
        engine.clock.advance_ms(ms);
        engine.settle();
    };
    [1_000, 1, 1, 8, 1].into_iter().for_each(&mut pass);
    engine.call("SALE.JOIN drawn pia");
    engine.checkpoint_under_way();
    Folder::of(engine, DOMAINS)
}

const fn sale(name: &'static [u8], mutation: Mutation, law: &'static str) -> Case {
    row("sale.sales", name, mutation, law)
}

const fn row(
    table: &'static str,
    key: &'static [u8],
    mutation: Mutation,
    law: &'static str,
) -> Case {
    Case {
        table,
        row: Key(key),
        mutation,
        law,
    }
}

const CASES: &[Case] = &[
    sale(
        b"open\0",
        Remove,
        "sale open: rows of a sale that is not there",
    ),
    sale(
        b"open\0",
        Copy(b"open", b"opan"),
        "sale opan: a row of it lies in another slot",
    ),
    sale(
        b"open\0",
        Move(b"open", b"opan"),
        "sale opan: a row of it lies in another slot",
    ),
    sale(b"open\0", Field(1, Number(LATE)), "sale open: opens at"),
    sale(b"open\0", Field(2, Number(LATE)), "sale open: opens at"),
    sale(
        b"open\0",
        Field(3, Number(ManualClock::START_MS)),
        "sale open: timers of its start are due at",
    ),
    sale(b"drawn\0", Field(3, Number(LATE)), "sale drawn: opens at"),
    sale(b"open\0", Field(4, Number(EARLY)), "sale open: opens at"),
    sale(b"open\0", Field(5, Number(0)), "admits 0 a second"),
    sale(
        b"open\0",
        Field(6, Bytes(&[0; 32])),
        "sale open: the hash of its list is not that of its 2 entrants",
    ),
    sale(
        b"open\0",
        Field(10, Number(u64::MAX)),
        "2 entrants, it says 18446744073709551615",
    ),
    sale(
        b"drawn\0",
        Within(&[12, 2], Number(u64::MAX)),
        "sale drawn: it has started as",
    ),
    sale(
        b"half\0",
        Within(&[13, 1, 0], Number(u64::MAX)),
        "sale half: group 0 of its order is not that of its lots",
    ),
    sale(
        b"drawn\0",
        Field(7, Bytes(&[0; 32])),
        "sale drawn: group 0 of its order is not that of its lots",
    ),
    sale(
        b"half\0",
        Field(7, Bytes(&[0; 32])),
        "sale half: what its steps have found",
    ),
    sale(
        b"begun\0",
        Field(8, Text("stars")),
        "sale begun: its draw is at",
    ),
    sale(
        b"open\0",
        Field(9, Text("sky")),
        "sale open: a beacon that it does not wait for",
    ),
    sale(
        b"open\0",
        Field(10, Number(9)),
        "sale open: 2 entrants, it says 9",
    ),
    sale(
        b"begun\0",
        Field(11, Bytes(&[0; 32])),
        "sale begun: the hash of its list is not that of its 2 entrants",
    ),
    sale(
        b"drawn\0",
        Field(12, Missing),
        "sale drawn: timers of its start are due at [], not",
    ),
    sale(
        b"drawn\0",
        Within(&[12, 0], Number(EARLY)),
        "sale drawn: it has started as",
    ),
    sale(
        b"drawn\0",
        Within(&[12, 0], Number(LATE)),
        "pia is entrant 3, and entered on the other side of the start",
    ),
    sale(
        b"drawn\0",
        Within(&[12, 2], Number(1)),
        "sale drawn: the hash of its list is not that of its 1 entrants",
    ),
    sale(
        b"half\0",
        Field(13, Missing),
        "sale half: its draw is at None",
    ),
    sale(
        b"half\0",
        Within(&[13, 1, 1], Number(1)),
        "sale half: 1 stand in order, its groups have 0",
    ),
    sale(
        b"begun\0",
        Within(&[13, 1, 0], Number(1)),
        "sale begun: what its steps have found",
    ),
    sale(
        b"drawn\0",
        Field(14, Missing),
        "and people are admitted by None",
    ),
    sale(
        b"drawn\0",
        Within(&[14, 0], Number(EARLY)),
        "sale drawn: people are admitted by Pace",
    ),
    sale(
        b"drawn\0",
        Within(&[14, 1], Number(9)),
        "sale drawn: people are admitted by Pace",
    ),
    row(
        "sale.entrants",
        b"drawn\0mia",
        Remove,
        "sale drawn: 2 entrants, it says 3",
    ),
    row(
        "sale.entrants",
        b"drawn\0mia",
        Copy(b"mia", b"mya"),
        "of 3, or another one is",
    ),
    row(
        "sale.entrants",
        b"drawn\0mia",
        Field(0, Number(2)),
        "tom is entrant 2 of 3, or another one is",
    ),
    row(
        "sale.entrants",
        b"drawn\0mia",
        Field(0, Number(0)),
        "mia is entrant 0 of 3, or another one is",
    ),
    row(
        "sale.entrants",
        b"drawn\0mia",
        Field(1, Number(EARLY)),
        "sale drawn: mia entered at",
    ),
    row(
        "sale.entrants",
        b"drawn\0pia",
        Field(1, Number(ManualClock::START_MS)),
        "pia is entrant 3, and entered on the other side",
    ),
    row(
        "sale.scattered",
        b"half\0",
        Remove,
        "sale half: what its steps have found",
    ),
    row(
        "sale.scattered",
        b"half\0",
        Copy(b"half\0\0\0\0\0\0\0\0\0", b"half\0\0\0\0\0\0\0\0\x01"),
        "sale half: what its steps have found",
    ),
    row(
        "sale.scattered",
        b"half\0",
        Move(b"\0\0\0\0\0\0\0\0", b"\0\0\0\0\0\0\0\x01"),
        "sale half: step 1 has found",
    ),
    row(
        "sale.groups",
        b"drawn\0",
        Remove,
        "sale drawn: group 0 of its order is not that of its lots",
    ),
    row(
        "sale.groups",
        b"drawn\0",
        Copy(b"\0\0\0\0\0\0\0\0", b"\0\0\0\0\0\0\0\x01"),
        "sale drawn: more groups in order than its draw, 1",
    ),
    row(
        "sale.groups",
        b"drawn\0",
        Field(0, Number(5)),
        "sale drawn: group 0 of its order is not that of its lots",
    ),
    row(
        "sale.groups",
        b"drawn\0",
        Field(1, Bytes(&[7; 24])),
        "sale drawn: group 0 of its order is not that of its lots",
    ),
    row(
        "engine.timers",
        b"open\0",
        Remove,
        "sale open: timers of its start are due at [], not",
    ),
    row(
        "engine.timers",
        b"half\0",
        Remove,
        "sale half: 0 timers of its draw, not 1",
    ),
];

/// What no law can tell: that an address has not been counted is as if its time had passed.
const UNTOLD: &[(&str, &str)] = &[("sale.arrivals", "removed")];

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
    shop::folder().check_cases(shop::CASES);
    guard::folder().check_cases(guard::CASES);
    checks::folder().check_cases(checks::CASES);
}

#[test]
fn every_table_has_a_row_removed_added_and_changed() {
    let tables: Vec<_> = SALE.tables.iter().map(|table| table.name()).collect();
    let cases = [CASES, shop::CASES, guard::CASES, checks::CASES].concat();
    assert_all_tried(&tables, &cases, UNTOLD);
}

#[test]
fn timer_that_was_set_aside_stands_for_one_that_is_set() {
    let folder = folder();
    for (key, kind) in [(&b"open\0"[..], 0x0301), (b"half\0", 0x0302)] {
        let timer = folder.rows("engine.timers").into_iter();
        let mut timer = timer.filter(|(of, _)| of.windows(key.len()).any(|part| part == key));
        let (row_key, bytes) = timer.next().unwrap();
        // Slot, due time and number of the timer stand in front of what it was set with.
        let (slot, owner) = (row_key[..2].to_vec(), row_key[12..].to_vec());
        folder.put("engine.timers", vec![(row_key.clone(), None)]);
        assert_ne!(folder.faults(), Vec::<String>::new());
        let dead_key = [&slot[..], &7u64.to_be_bytes()].concat();
        let dead = dead_letter(kind, &owner);
        folder.put("engine.dead_letters", vec![(dead_key.clone(), Some(dead))]);
        // The number of the dead letter is nobody's; that is the engine's affair.
        let faults = folder.faults().into_iter();
        let of_sales: Vec<_> = faults.filter(|fault| fault.starts_with("sale")).collect();
        assert_eq!(of_sales, Vec::<String>::new());
        folder.put("engine.dead_letters", vec![(dead_key, None)]);
        folder.put("engine.timers", vec![(row_key, Some(bytes))]);
    }
}

/// The row of a timer that was set aside and waits.
fn dead_letter(kind: u16, owner: &[u8]) -> Vec<u8> {
    let mut row = minicbor::Encoder::new(Vec::new());
    let encoded = row.map(5).and_then(|row| {
        row.u8(0)?.u64(LATE)?;
        row.u8(1)?.u16(kind)?;
        row.u8(2)?.bool(false)?;
        row.u8(3)?.bytes(owner)?;
        row.u8(4)?.bytes(&[])
    });
    encoded.unwrap();
    row.into_writer()
}
