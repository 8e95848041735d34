//! Claims about planning.

use super::*;

fn plan(lines: &[(&str, &str, &str, &str)]) -> Plan {
    let mut builder = Builder::default();
    for (at, (invoice, customer, sku, quantity)) in (2..).zip(lines) {
        let fields = Fields {
            invoice: invoice.as_bytes(),
            customer: customer.as_bytes(),
            sku: sku.as_bytes(),
            quantity: quantity.as_bytes(),
            unit_price: None,
        };
        builder.record(at, fields, None).expect("few records");
    }
    builder
        .finish("0.9".parse().expect("a share"))
        .expect("small enough")
}

fn kinds(plan: &Plan) -> Vec<(Kind, u32)> {
    plan.lines
        .iter()
        .map(|line| (line.kind, line.units))
        .collect()
}

#[test]
fn a_negative_quantity_or_a_c_invoice_returns_and_the_rest_orders() {
    let plan = plan(&[
        ("1", "a", "X", "5"),
        ("2", "a", "X", "-2"),
        ("C3", "a", "X", "-1"),
        ("C3", "a", "X", "4"),
    ]);
    let expected = [
        (Kind::Order, 5),
        (Kind::Return, 2),
        (Kind::Return, 1),
        (Kind::Return, 4),
    ];
    assert_eq!(kinds(&plan), expected);
    assert_eq!(plan.skus[0].demand, 5, "what returns is no demand");
    assert_eq!(plan.skus[0].total, 5, "ceil(0.9 × 5)");
}

#[test]
fn records_are_numbered_within_their_invoice_wherever_it_goes_on() {
    let plan = plan(&[
        ("1", "a", "X", "5"),
        ("2", "", "X", "5"),
        ("1", "a", "", "5"),
        ("1", "a", "Y", "5"),
        ("2", "", "POST", "1"),
    ]);
    let ids: Vec<_> = plan.lines.iter().map(|line| plan.hold_id(line)).collect();
    assert_eq!(
        ids,
        ["1:1", "2:1", "1:3", "2:2"],
        "the malformed one has taken 1:2"
    );
    assert_eq!(plan.return_id(&plan.lines[3], 7), "2:2:7");
    assert_eq!(plan.buyer(&plan.lines[0]), "a");
    assert_eq!(plan.buyer(&plan.lines[1]), "guest:2");
}

#[test]
fn every_malformed_line_is_counted_and_the_first_few_are_shown_by_line() {
    let long = "x".repeat(129);
    let plan = plan(&[
        ("", "a", "X", "1"),
        ("1", "a", "", "1"),
        ("1", "a", "a\tb", "1"),
        ("1", "a", &long, "1"),
        ("1", "a", "X", "1.5"),
        ("1", "a", "X", "0"),
        ("1", "a", "X", "1000000001"),
        ("1", "a", "X", "-99999999999999999999"),
        ("1", "a", "X", "1000000000"),
    ]);
    assert_eq!(plan.records, 9);
    assert_eq!(plan.lines.len(), 1);
    assert_eq!(plan.malformed.lines, 8);
    let shown: Vec<_> = plan
        .malformed
        .first
        .iter()
        .map(|(at, why)| format!("{at}: {why}"))
        .collect();
    assert_eq!(
        shown,
        [
            "2: no invoice",
            "3: no sku",
            "4: control characters in the sku",
            "5: the sku is longer than 128 bytes",
            "6: quantity \"1.5\" is not an integer",
        ]
    );
}

#[test]
fn quantities_are_read_as_written() {
    assert_eq!(quantity(b" +7 "), Ok(7));
    assert_eq!(quantity(b"-1000000000"), Ok(-1_000_000_000));
    assert_eq!(quantity(b"0"), Err(Fault::Zero));
    assert_eq!(quantity(b"-0"), Err(Fault::Zero));
    for text in ["", "-", "1e3", "1,000", "--1", "0x1"] {
        assert!(
            matches!(quantity(text.as_bytes()), Err(Fault::NotAnInteger(_))),
            "{text}"
        );
    }
    for text in [
        "1000000001",
        "-1000000001",
        "4294967297",
        "99999999999999999999",
    ] {
        assert!(
            matches!(quantity(text.as_bytes()), Err(Fault::TooMany(_))),
            "{text}"
        );
    }
}

#[test]
fn prices_are_read_to_the_last_minor_unit() {
    for (text, minor) in [
        ("2.55", 255),
        (" 3 ", 300),
        ("0", 0),
        ("0.5", 50),
        ("1.500", 150),
        ("10000000000", 1_000_000_000_000),
    ] {
        assert_eq!(price(text.as_bytes()), Ok(minor), "{text}");
    }
    for text in [
        "",
        ".",
        ".5",
        "-1",
        "+1",
        "1e3",
        "1,50",
        "2.555",
        "10000000000.01",
    ] {
        let refused = Err(Fault::NotAPrice(text.to_owned()));
        assert_eq!(price(text.as_bytes()), refused, "{text}");
    }
}

#[test]
fn a_record_that_is_broken_as_a_whole_still_takes_its_number() {
    let mut builder = Builder::default();
    let fields = Fields {
        invoice: b"1",
        customer: b"",
        sku: b"X",
        quantity: b"1",
        unit_price: None,
    };
    builder
        .record(2, fields, Some(Fault::NotUtf8))
        .expect("few records");
    builder.record(3, fields, None).expect("few records");
    let plan = builder
        .finish("1".parse().expect("a share"))
        .expect("small enough");
    assert_eq!(plan.hold_id(&plan.lines[0]), "1:2");
    assert_eq!(plan.lines[0].record, 2);
}

#[test]
fn a_sku_that_could_not_hold_its_share_is_named() {
    let mut builder = Builder::default();
    let fields = Fields {
        invoice: b"1",
        customer: b"",
        sku: b"X",
        quantity: b"1000000000",
        unit_price: None,
    };
    for at in 2..4 {
        builder.record(at, fields, None).expect("few records");
    }
    let refused = builder
        .finish("1".parse().expect("a share"))
        .expect_err("2,000,000,000 units");
    assert_eq!(
        refused,
        TooLarge::Units {
            sku: "X".into(),
            units: 2_000_000_000
        }
    );
}

#[test]
fn names_that_leave_no_room_for_numbers_are_malformed() {
    let invoice = "9".repeat(NAME_BYTES_MAX + 1);
    assert_eq!(plan(&[(&invoice, "a", "X", "1")]).malformed.lines, 1);
    let widest = format!("{}:{}:{}", "9".repeat(NAME_BYTES_MAX), u32::MAX, u32::MAX);
    assert!(widest.len() <= 128);
}
