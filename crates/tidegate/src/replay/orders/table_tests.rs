//! Claims about the table.

use super::*;
use crate::replay::books::Books;
use crate::replay::malformed::Malformed;
use crate::replay::orders::list::LeftOut;
use crate::replay::orders::report::OrdersRun;
use crate::replay::orders::tally::OrderTally;
use crate::replay::report::{Measured, Refusal};

fn count(orders: u64, lines: u64, units: u64) -> OrderCount {
    OrderCount {
        orders,
        lines,
        units,
    }
}

fn report() -> OrdersReport {
    OrdersReport {
        file: "a.csv".into(),
        server: "127.0.0.1:7379".into(),
        journal: None,
        stock_share: "0.9".into(),
        cancel_share: "0.1".into(),
        cancel_all: false,
        in_flight: 1,
        in_all: count(5_406, 139_132, 1_234_567),
        tally: OrderTally {
            reserved: count(3_000, 60_000, 400_000),
            sold_out: count(2_406, 79_132, 834_567),
            cancelled: count(300, 6_000, 40_000),
            ..OrderTally::default()
        },
        held: count(2_700, 54_000, 360_000),
        left_out: LeftOut {
            returns: Count {
                lines: 2_951,
                units: 31_000,
            },
            too_long: Count::default(),
        },
        refusals: Vec::new(),
        malformed: Malformed::default(),
        run: OrdersRun {
            orders: 5_406,
            orders_per_s: 432,
            measured: Measured {
                answers: 12_000,
                busy: 0,
                connections_lost: 0,
                elapsed_ms: 12_510,
                latency_p50_us: 1_234,
                latency_p99_us: 5_678,
            },
        },
        books: OrderBooks {
            stock: Books {
                balance: true,
                skus: 2,
                ..Books::default()
            },
            ..OrderBooks::default()
        },
    }
}

#[test]
fn the_figures_line_up() {
    let head = "                    orders       lines         units\n";
    let figures = "\
orders               5,406     139,132     1,234,567
reserved             3,000      60,000       400,000
sold out             2,406      79,132       834,567
cancelled              300       6,000        40,000
still reserved       2,700      54,000       360,000
returns           left out       2,951        31,000
malformed                            0
throughput        432 orders/s (5,406 orders in 12.51 s)
in flight         1 order: the same figures on every run
latency           p50 1.23 ms, p99 5.67 ms
books balance     yes
";
    assert_eq!(report().to_string(), format!("{head}{figures}"));
}

#[test]
fn what_does_not_go_as_it_should_is_told_with_its_reasons() {
    let mut report = report();
    report.in_flight = 64;
    report.tally.refused = count(1, 2, 3);
    report.refusals = vec![Refusal {
        record: 7,
        why: "IDCONFLICT".into(),
    }];
    let row = |state: &str| OrderRow {
        state: state.into(),
        total: 525,
    };
    report.books.stock.balance = false;
    (report.books.orders, report.books.orders_differing) = (2, 1);
    report.books.order_differences = vec![OrderDifference {
        order: "536365".into(),
        expected: row("cancelled"),
        server: Some(row("reserved")),
        listed: None,
    }];
    let text = report.to_string();
    assert!(
        text.contains(
            "\nrefused                  1           2             3\n  record 7: IDCONFLICT\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("in flight         64 orders: who comes first"),
        "{text}"
    );
    let (_, shown) = text.split_once("books balance").expect("there");
    let lines: Vec<_> = shown.lines().map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "no",
            "1 of 2 orders differ; the first:",
            "536365",
            "by the answers: cancelled, total 525",
            "on the server:  reserved, total 525",
            "in the list:    no such order",
        ]
    );
}
