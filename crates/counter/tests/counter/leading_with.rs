//! Keys that lead among events of one value.

use std::fmt::Write as _;

use tidegate_engine::testing::Stepper;

use crate::talk::{engine, next_minute, says};

/// Of the minute that begins.
fn top(now_ms: u64, more: &str) -> String {
    format!("COUNTER.TOP v FROM {now_ms} TO {} {more}", now_ms + 1)
}

fn add(engine: &mut Stepper, events: &[(&str, u64, &str)]) {
    for (key, amount, value) in events {
        let add = format!("COUNTER.ADD v * {key} AMOUNT {amount} DIMS d={value}");
        says(engine, &add, "counted");
    }
}

#[test]
fn keys_lead_by_what_they_have_of_the_value() {
    let mut engine = engine(&["COUNTER.CREATE v BUCKETS 1m:1h SHARDS 4 TOP 3 DIMS d,e"]);
    let now_ms = next_minute(&mut engine);
    let events = [
        ("a", 8, "x"),
        ("b", 20, "y"),
        ("c", 5, "x"),
        ("a", 1, "y"),
        ("b", 1, "x"),
    ];
    add(&mut engine, &events);
    says(
        &mut engine,
        "COUNTER.ADD v * f AMOUNT 99 DIMS e=x",
        "counted",
    );
    for (more, words) in [
        (
            "COUNT 2 WITH d=x",
            "values=- keys=[{key=a count=8} {key=c count=5}] exact=true missed_at_most=0",
        ),
        (
            "COUNT 3 WITH d=y",
            "keys=[{key=b count=20} {key=a count=1}] exact=true missed_at_most=0",
        ),
        ("COUNT 4 WITH d=z", "no_top"),
        ("WITH d=z", "keys=[] exact=true missed_at_most=0"),
        ("COUNT 3 WITH f=z", "unknown_dimension"),
        ("COUNT 3 WITH d=x BY e", "by_and_with"),
    ] {
        says(&mut engine, &top(now_ms, more), words);
    }
}

#[test]
fn value_that_is_counted_with_others_may_be_all_of_them() {
    let mut engine = engine(&["COUNTER.CREATE v BUCKETS 1m:1h SHARDS 1 DIMS d VALUES 1"]);
    let now_ms = next_minute(&mut engine);
    add(&mut engine, &[("a", 8, "x"), ("b", 20, "y"), ("c", 3, "z")]);
    let of_x = "keys=[{key=a count=8}] exact=true missed_at_most=0";
    says(&mut engine, &top(now_ms, "WITH d=x"), of_x);
    let of_y = "keys=[] exact=false missed_at_most=23";
    says(&mut engine, &top(now_ms, "WITH d=y"), of_y);
}

#[test]
fn what_has_no_fact_yet_has_leading_keys() {
    let mut engine = engine(&["COUNTER.CREATE v BUCKETS 1m:1h SHARDS 1 DIMS d FACTS d"]);
    let now_ms = next_minute(&mut engine);
    for command in [
        "COUNTER.FACT v a d=x",
        "COUNTER.ADD v * a AMOUNT 5",
        "COUNTER.ADD v * b AMOUNT 4",
    ] {
        says(&mut engine, command, "name=v");
    }
    let unknown = "keys=[{key=b count=4}] exact=true";
    says(&mut engine, &top(now_ms, "WITH d=?"), unknown);
    says(
        &mut engine,
        &top(now_ms, "WITH d=x"),
        "keys=[{key=a count=5}] exact=true",
    );
}

/// Five thousand keys have one each of `x`, three of them more; one of them has some of `y`, and another one of `z`.
#[test]
fn of_many_keys_those_are_looked_at_that_lead_among_all() {
    let mut engine = engine(&["COUNTER.CREATE v BUCKETS 1m:1h SHARDS 1 TOP 3 DIMS d"]);
    let now_ms = next_minute(&mut engine);
    for from in (0..5_000).step_by(500) {
        let mut batch = "COUNTER.ADDALL v 500".to_owned();
        for n in from..from + 500 {
            write!(batch, " * k{n} 1 \"\" \"\" d=x").unwrap();
        }
        assert!(engine.call(&batch).contains("counted=500"));
    }
    let events = [
        ("k7", 499, "x"),
        ("k9", 399, "x"),
        ("k11", 3, "y"),
        ("k100", 2, "z"),
    ];
    add(&mut engine, &events);
    for (value, words) in [
        // The third of all keys has 4: another one cannot have more of it.
        (
            "x",
            "keys=[{key=k7 count=500} {key=k9 count=400}] exact=true missed_at_most=4",
        ),
        // What leads among all has all that there is of it.
        ("y", "keys=[{key=k11 count=3}] exact=true missed_at_most=0"),
        ("z", "keys=[] exact=false missed_at_most=2"),
    ] {
        let with = top(now_ms, &format!("COUNT 2 WITH d={value}"));
        says(&mut engine, &with, words);
    }
    // A correction changes what keys have, and not what they have of a value.
    let correct = format!("COUNTER.CORRECT v k1 AT {now_ms} FROM 1 TO 2 BY ann");
    says(&mut engine, &correct, "to=2 ");
    let beyond = format!("exact=false missed_at_most={}", 5_000 - 3);
    says(&mut engine, &top(now_ms, "COUNT 2 WITH d=x"), &beyond);
}
