//! Leading values of a dimension, and what is hot.

use crate::talk::{engine, next_minute, says};

/// Counts some events, each with key, amount, how long ago, and the value of dimension `d`.
const EVENTS: [(&str, u64, u64, &str); 5] = [
    ("a", 8, 0, "x"),
    ("b", 20, 2_000, "y"),
    ("c", 64, 10_000, "x"),
    ("b", 1, 0, "z"),
    ("c", 1_000, 30_000, "y"),
];

fn told() -> (tidegate_engine::testing::Stepper, u64) {
    let mut engine = engine(&["COUNTER.CREATE v BUCKETS 1s:20s,1m:1d SHARDS 4 TOP 2 DIMS d,e"]);
    let now_ms = next_minute(&mut engine);
    for (key, amount, ago_ms, value) in EVENTS {
        let at_ms = now_ms - ago_ms;
        let add = format!("COUNTER.ADD v * {key} AMOUNT {amount} AT {at_ms} DIMS d={value}");
        says(&mut engine, &add, "counted");
    }
    (engine, now_ms)
}

#[test]
fn what_happened_a_half_life_ago_is_half_as_hot() {
    let (mut engine, now_ms) = told();
    let keys = "keys=[{key=b score_milli=11000} {key=a score_milli=8000}] exact=true";
    says(&mut engine, "COUNTER.HOT v COUNT 2 HALF_LIFE 2s", keys);
    let of_all = "keys=[{key=b score_milli=11000} {key=a score_milli=8000}]";
    says(&mut engine, "COUNTER.HOT v COUNT 2 HALF_LIFE 2000", of_all);
    let begins = format!(
        "half_life_ms=2000 level_ms=1000 from_ms={}",
        now_ms - 20_000
    );
    says(&mut engine, "COUNTER.HOT v COUNT 1 HALF_LIFE 2s", &begins);
    says(
        &mut engine,
        "COUNTER.HOT v COUNT 1 HALF_LIFE 1s",
        &format!("from_ms={}", now_ms - 10_000),
    );
    says(&mut engine, "COUNTER.HOT v COUNT 1", "half_life_ms=5000 ");
    says(
        &mut engine,
        "COUNTER.HOT v COUNT 1 HALF_LIFE 10s",
        "keys=[{key=c score_milli=32000}]",
    );
    engine.pass_ms(2_000);
    let halved = "keys=[{key=b score_milli=5500} {key=a score_milli=4000}]";
    says(&mut engine, "COUNTER.HOT v COUNT 2 HALF_LIFE 2s", halved);
    engine.pass_ms(60_000);
    says(
        &mut engine,
        "COUNTER.HOT v COUNT 2",
        "keys=[] exact=true missed_at_most_milli=0",
    );
}

#[test]
fn who_does_not_say_how_many_is_told_what_a_counter_of_few_leading_keys_knows() {
    let (mut engine, now_ms) = told();
    let hot = "keys=[{key=b score_milli=11000} {key=a score_milli=8000}] exact=true";
    says(&mut engine, "COUNTER.HOT v HALF_LIFE 2s", hot);
    let top = format!("COUNTER.TOP v FROM {now_ms} TO {}", now_ms + 1);
    let all = "keys=[{key=a count=8} {key=b count=1}] exact=true";
    says(&mut engine, &top, all);
    says(&mut engine, "COUNTER.CREATE none TOP 0", "name=none");
    let top = top.replace(" v ", " none ");
    says(&mut engine, &top, "no_top max=0");
}

#[test]
fn an_event_ahead_of_now_is_as_hot_as_one_of_now() {
    let mut engine = engine(&["COUNTER.CREATE v BUCKETS 1s:1h"]);
    let at_ms = engine.now_ms() + 60_000;
    says(
        &mut engine,
        &format!("COUNTER.ADD v * a AMOUNT 3 AT {at_ms}"),
        "counted",
    );
    says(
        &mut engine,
        "COUNTER.HOT v",
        "keys=[{key=a score_milli=3000}]",
    );
}

#[test]
fn values_of_a_dimension_lead_by_what_all_shards_count_for_them() {
    let (mut engine, now_ms) = told();
    let top = |from_ms: u64, rest: &str| {
        format!("COUNTER.TOP v FROM {from_ms} TO {} {rest}", now_ms + 60_000)
    };
    let all = "values=[{value=y count=1020} {value=x count=72} {value=z count=1}] keys=[] exact=true missed_at_most=0";
    says(&mut engine, &top(now_ms - 60_000, "BY d"), all);
    let two = "values=[{value=x count=8} {value=z count=1}] keys=[] exact=true ";
    says(&mut engine, &top(now_ms, "COUNT 2 BY d"), two);
    says(
        &mut engine,
        &top(now_ms, "BY e"),
        "values=[] keys=[] exact=true ",
    );
    let hot = "values=[{value=x score_milli=10000} {value=y score_milli=10000}] keys=[] exact=true missed_at_most_milli=0";
    says(&mut engine, "COUNTER.HOT v COUNT 2 HALF_LIFE 2s BY d", hot);
}

#[test]
fn what_is_beyond_the_limit_of_values_may_be_of_any_of_them() {
    let mut engine = engine(&["COUNTER.CREATE v SHARDS 1 VALUES 1 TOP 0 DIMS d BUCKETS 1s:1h"]);
    let now_ms = next_minute(&mut engine);
    for (amount, value) in [(4, "x"), (2, "y"), (1, "z")] {
        let add = format!("COUNTER.ADD v * a AMOUNT {amount} AT {now_ms} DIMS d={value}");
        says(&mut engine, &add, "counted");
    }
    let top = format!("COUNTER.TOP v FROM {now_ms} TO {} BY d", now_ms + 1);
    let said = "values=[{value=x count=4}] keys=[] exact=false missed_at_most=3";
    says(&mut engine, &top, said);
    let said = "values=[{value=x score_milli=4000}] keys=[] exact=false missed_at_most_milli=3000";
    says(&mut engine, "COUNTER.HOT v BY d", said);
}

#[test]
fn what_a_counter_cannot_tell_is_refused() {
    let (mut engine, now_ms) = told();
    for (command, words) in [
        ("COUNTER.HOT v COUNT 3", "no_top max=2"),
        ("COUNTER.HOT v COUNT 3 BY d", "name=v"),
        ("COUNTER.HOT v BY f", "unknown_dimension"),
        ("COUNTER.HOT x", "unknown_counter"),
        (
            "COUNTER.HOT v HALF_LIFE 999",
            "invalid: half_life_ms must be 1000 to",
        ),
        ("COUNTER.HOT v HALF_LIFE 100y COUNT 1", "name=v"),
        (
            &format!("COUNTER.TOP v FROM {now_ms} TO {} BY f", now_ms + 1),
            "unknown_dimension",
        ),
    ] {
        says(&mut engine, command, words);
    }
}
