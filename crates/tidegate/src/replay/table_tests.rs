//! Claims about the table.

use super::*;
use crate::ending::Found;
use crate::replay::books::Books;
use crate::replay::malformed::Malformed;
use crate::replay::tally::Tally;

fn count(lines: u64, units: u64) -> Count {
    Count { lines, units }
}

fn report() -> Report {
    Report {
        file: "a.csv".into(),
        server: "127.0.0.1:7379".into(),
        journal: Some("a.csv.journal".into()),
        stock_share: "0.9".into(),
        lines: 142_083,
        tally: Tally {
            held: count(120_000, 1_234_567),
            sold_out: count(20_000, 90_000),
            returned: count(1_050, 3_000),
            unmatched: count(930, 4_000),
            unmatched_guests: count(105, 200),
            done: 142_082,
            not_sent: 1_032,
            ..Tally::default()
        },
        refusals: Vec::new(),
        malformed: Malformed {
            lines: 1,
            first: [(7, "quantity 0".to_owned())].into(),
        },
        run: Run {
            lines: 141_000,
            lines_per_s: 44_262,
            measured: Measured {
                answers: 260_000,
                busy: 0,
                connections_lost: 0,
                elapsed_ms: 3_210,
                latency_p50_us: 1_234,
                latency_p99_us: 5_678,
            },
        },
        books: Books {
            balance: true,
            skus: 2,
            ..Books::default()
        },
    }
}

#[test]
fn the_figures_line_up() {
    let head = "                       lines         units\n";
    let figures = "\
lines                142,083
held                 120,000     1,234,567
sold out              20,000        90,000
returned               1,050         3,000
no order left            930         4,000
guest returns            105           200
malformed                  1
  line 7: quantity 0
in two rows               -3
throughput        44,262 lines/s (141,000 lines in 3.21 s)
not sent          1,032 returns without an order, 50 lines of earlier runs, 1 malformed lines
latency           p50 1.23 ms, p99 5.67 ms
journal           a.csv.journal
books balance     yes
";
    assert_eq!(report().to_string(), format!("{head}{figures}"));
}

#[test]
fn books_that_do_not_balance_are_shown_from_both_sides() {
    let mut report = report();
    let expected = Units {
        total: 9,
        available: 2,
        held: 0,
        sold: 7,
    };
    report.books = Books {
        balance: false,
        known_before: 0,
        skus: 2,
        differing: 2,
        differences: vec![
            Difference {
                sku: "X".into(),
                expected,
                server: Some(Units {
                    held: 1,
                    ..expected
                }),
            },
            Difference {
                sku: "Y".into(),
                expected,
                server: None,
            },
        ],
    };
    let text = report.to_string();
    let (_, shown) = text.split_once("books balance").expect("there");
    let lines: Vec<_> = shown.lines().map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "no",
            "2 of 2 SKUs differ; the first:",
            "X",
            "by the answers: total 9, available 2, held 0, sold 7",
            "on the server:  total 9, available 2, held 1, sold 7",
            "Y",
            "by the answers: total 9, available 2, held 0, sold 7",
            "on the server:  no such SKU",
        ]
    );
}

#[test]
fn books_of_a_server_that_knew_the_ids_are_no_alarm_and_no_yes() {
    let mut report = report();
    report.books = Books {
        known_before: 1_234,
        ..Books::default()
    };
    let text = report.to_string();
    let (_, shown) = text.split_once("books balance").expect("there");
    assert!(
        shown.starts_with("     cannot be told\n  1,234 answers"),
        "{shown}"
    );
    assert_eq!(report.found(), Found::Unsound);
}

#[test]
fn a_run_that_sent_nothing_says_why() {
    let why = |lines, skus| {
        let mut report = report();
        report.run.measured.answers = 0;
        (report.lines, report.books.skus) = (lines, skus);
        report.to_string()
    };
    assert!(why(0, 0).contains("nothing to send: the file has no lines"));
    assert!(why(3, 0).contains("nothing to send: no line of the file orders anything"));
    assert!(why(3, 1).contains("nothing to send: the journal has every answer"));
}
