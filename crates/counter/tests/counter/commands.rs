//! Each request, answered as its documentation says.

use tidegate_counter::COUNTER;
use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_topic::TOPIC;

use crate::talk::{next_minute, says};

const SMALL: &str =
    "COUNTER.CREATE v BUCKETS 1000:1m,10s:10m,60s:1h SHARDS 4 TOP 2 LATE_MS 30s DEDUPE_MS 5s";

fn engine() -> Stepper {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    let answer = engine.call(SMALL);
    assert!(answer.starts_with("name=v "), "{answer}");
    engine
}

/// How many rows a table of counters has.
fn rows_of(engine: &Stepper, table: &str) -> i64 {
    let figures = engine.audit().figures.into_iter();
    let of_table = |name: &str| name.strip_prefix("counter.") == Some(table);
    let mut rows = figures.filter(|figure| of_table(figure.name));
    rows.next().unwrap().value
}

#[test]
fn counter_is_declared_once_and_for_ever() {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    for (command, words) in [
        (
            "COUNTER.CREATE a",
            "levels=[{width_ms=60000 keep_ms=172800000} {width_ms=3600000 keep_ms=7776000000} {width_ms=86400000 keep_ms=157680000000}] shards=8 top=100 unique=false late_ms=86400000 dedupe_ms=3600000 dims=[] facts=[] values=100 class=synced",
        ),
        ("COUNTER.CREATE a SHARDS 8 TOP 100", "name=a "),
        ("COUNTER.CREATE a SHARDS 15", "counter_differs"),
        ("COUNTER.CREATE a TOP 0", "counter_differs"),
        ("COUNTER.CREATE a BUCKETS 1m:2d", "counter_differs"),
        (
            "COUNTER.CREATE b SHARDS 1 BUCKETS 1s:1h",
            "shards=1 top=100 unique=false late_ms=3600000 dedupe_ms=3600000 dims=[] facts=[] values=100 ",
        ),
        (
            "COUNTER.CREATE c BUCKETS 1s:1h LATE_MS 2h",
            "late_too_long max_ms=3600000",
        ),
        (
            "COUNTER.CREATE c DIMS a,b,a",
            "invalid: dims must be 1 to 4 different names",
        ),
        (
            "COUNTER.CREATE c DIMS a,,b",
            "invalid: dims must be 1 to 4 different names",
        ),
        (
            "COUNTER.CREATE c DIMS a=b",
            "invalid: dims must be 1 to 4 different names",
        ),
        (
            "COUNTER.CREATE c DIMS a,b,c,d,e",
            "invalid: dims must be 1 to 4 different names",
        ),
        (
            "COUNTER.CREATE d DIMS a,b VALUES 7",
            "dims=[a b] facts=[] values=7 class=synced",
        ),
        ("COUNTER.CREATE d DIMS b,a VALUES 7", "counter_differs"),
        ("COUNTER.CREATE r CLASS relaxed", "class=relaxed"),
        ("COUNTER.CREATE r", "counter_differs"),
        ("COUNTER.ADD r * a", "repeated=false class=relaxed"),
        (
            "COUNTER.ADDALL r 1 * a \"\" \"\" \"\" \"\"",
            "refused=[] class=relaxed",
        ),
        ("COUNTER.ADD a * a", "repeated=false class=synced"),
        (
            "COUNTER.CREATE c BUCKETS 1s",
            "invalid: buckets must be levels as",
        ),
        (
            "COUNTER.CREATE c SHARDS 65",
            "invalid: shards must be 1 to 64, not 65",
        ),
        (
            "COUNTER.CREATE c DEDUPE_MS 8d",
            "invalid: dedupe_ms must be 1000 to 604800000 ms, not 691200000",
        ),
        (
            "COUNTER.CREATE c LATE_MS soon",
            "invalid: late_ms must be milliseconds, or a number with",
        ),
        ("COUNTER.CREATE c UNIQUE no CLASS synced", "name=c "),
        ("COUNTER.LIST", "name=a "),
        ("COUNTER.LIST LIMIT 1", "next=a"),
        ("COUNTER.LIST AFTER a LIMIT 1", "items=[{name=b "),
        ("COUNTER.LIST PREFIX c", "items=[{name=c "),
    ] {
        says(&mut engine, command, words);
    }
}

#[test]
fn events_are_counted_for_their_key_and_for_all() {
    let mut engine = engine();
    let now_ms = next_minute(&mut engine);
    for (command, words) in [
        (
            "COUNTER.ADD v * a",
            "name=v key=a state=counted repeated=false class=synced as_of_ms=",
        ),
        ("COUNTER.ADD v * a AMOUNT 5", "state=counted"),
        ("COUNTER.ADD v * b BY mia", "state=counted"),
        ("COUNTER.GET v a", "name=v key=a count=6 kept_from_ms="),
        ("COUNTER.GET v b", "count=1 "),
        ("COUNTER.GET v c", "count=0 "),
        ("COUNTER.GET v *", "key=* count=7 "),
        ("COUNTER.ADD x * a", "unknown_counter"),
        ("COUNTER.GET x a", "unknown_counter"),
        ("COUNTER.GET x *", "unknown_counter"),
        ("COUNTER.ADD v * *", "key_reserved"),
        ("COUNTER.ADD v * a DIMS country=de", "unknown_dimension"),
        (
            "COUNTER.ADD v * a DIMS country",
            "invalid: dims must be name=value",
        ),
        (
            "COUNTER.ADD v * a AMOUNT 0",
            "invalid: amount must be 1 to 1000000000, not 0",
        ),
        ("COUNTER.ADD v * a AMOUNT 1000000001", "invalid: amount"),
        ("COUNTER.GET v a", "count=6 "),
    ] {
        says(&mut engine, command, words);
    }
    let kept = format!(
        "kept_from_ms={} exact=true rows={{memory=1 disk=0}} as_of_ms={now_ms}",
        now_ms - 3_600_000
    );
    says(&mut engine, "COUNTER.GET v *", &kept);
}

#[test]
fn id_is_known_for_as_long_as_was_declared_and_no_longer() {
    let mut engine = engine();
    for (command, words) in [
        ("COUNTER.ADD v e1 a", "state=counted repeated=false"),
        ("COUNTER.ADD v e1 a", "state=counted repeated=true"),
        ("COUNTER.ADD v e1 b", "state=counted repeated=false"),
        ("COUNTER.ADD v e1 a AMOUNT 2", "id_conflict"),
        ("COUNTER.ADD v e1 a BY mia", "id_conflict"),
        ("COUNTER.ADD v e1 a AT 5", "id_conflict"),
        ("COUNTER.GET v *", "count=2 "),
    ] {
        says(&mut engine, command, words);
    }
    engine.pass_ms(4_999);
    says(&mut engine, "COUNTER.ADD v e1 a", "repeated=true");
    engine.pass_ms(1);
    says(
        &mut engine,
        "COUNTER.ADD v e1 a AMOUNT 2",
        "state=counted repeated=false",
    );
    says(&mut engine, "COUNTER.GET v a", "count=3 ");
    says(&mut engine, "COUNTER.ADD v e1 a AMOUNT 2", "repeated=true");
}

#[test]
fn ids_that_are_over_are_forgotten_in_steps() {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    engine.call("COUNTER.CREATE v SHARDS 1 DEDUPE_MS 5s");
    for n in 0..700 {
        engine.call(&format!("COUNTER.ADD v e{n} a"));
    }
    assert_eq!(rows_of(&engine, "ids"), 700);
    engine.checkpoint();
    engine.pass_ms(11_000);
    for rows in ["ids", "id_pages", "generations"] {
        assert_eq!(rows_of(&engine, rows), 0, "{rows}");
    }
    assert_eq!(engine.audit().faults, Vec::<String>::new());
    says(&mut engine, "COUNTER.GET v a", "count=700 ");
}

#[test]
fn event_that_is_too_late_is_listed_and_not_counted() {
    let mut engine = engine();
    let now_ms = next_minute(&mut engine);
    let add = |id: &str, at_ms: u64| format!("COUNTER.ADD v {id} a AMOUNT 3 AT {at_ms}");
    says(&mut engine, &add("e1", now_ms - 30_000), "state=counted");
    says(
        &mut engine,
        &add("e2", now_ms - 30_001),
        "state=late repeated=false",
    );
    says(
        &mut engine,
        &add("e2", now_ms - 30_001),
        "state=late repeated=true",
    );
    says(&mut engine, &add("*", 0), "state=late");
    says(&mut engine, &add("*", now_ms + 60_000), "state=counted");
    says(
        &mut engine,
        &add("*", now_ms + 60_001),
        "too_far_ahead max_ms=60000",
    );
    says(&mut engine, "COUNTER.GET v a", "count=6 ");
    let late = engine.call("COUNTER.LATE v");
    let first = format!(
        "event=e2 key=a amount=3 at_ms={} came_at_ms={now_ms}",
        now_ms - 30_001
    );
    assert!(
        late.contains(&first) && late.contains("event=- key=a"),
        "{late}"
    );
    let page = engine.call("COUNTER.LATE v LIMIT 1");
    let (_, next) = page.trim_end().rsplit_once("next=").unwrap();
    says(
        &mut engine,
        &format!("COUNTER.LATE v AFTER {next}"),
        "items=[{place=",
    );
    says(
        &mut engine,
        &format!("COUNTER.LATE v AFTER {next}"),
        "event=- ",
    );
    says(
        &mut engine,
        "COUNTER.LATE v AFTER 1",
        "invalid: after must be what a page",
    );
    says(&mut engine, "COUNTER.LATE x", "unknown_counter");
}

#[test]
fn list_of_late_events_keeps_the_newest() {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    engine.call("COUNTER.CREATE v SHARDS 1");
    for half in [0, 500] {
        let mut batch = "COUNTER.ADDALL v 500".to_owned();
        for n in half..half + 500 {
            batch.push_str(&format!(" * k{n} \"\" {n} \"\" \"\""));
        }
        says(&mut engine, &batch, "counted=0 repeated=0 late=500 ");
    }
    says(&mut engine, "COUNTER.ADD v * a AT 7", "state=late");
    says(&mut engine, "COUNTER.LATE v LIMIT 1", "key=k1 ");
}

#[test]
fn range_has_a_number_for_each_step() {
    let mut engine = engine();
    let now_ms = next_minute(&mut engine);
    for (ago_ms, amount) in [(0, 1), (999, 2), (1_000, 4), (10_000, 8), (29_999, 16)] {
        let at_ms = now_ms - ago_ms;
        says(
            &mut engine,
            &format!("COUNTER.ADD v * a AMOUNT {amount} AT {at_ms}"),
            "counted",
        );
    }
    says(
        &mut engine,
        &format!("COUNTER.ADD v * b AT {now_ms}"),
        "counted",
    );
    let range = |key: &str, from_ms: u64, to_ms: u64, step: &str| {
        format!("COUNTER.RANGE v {key} FROM {from_ms} TO {to_ms} {step}")
    };
    let (from_ms, to_ms) = (now_ms - 3_000, now_ms + 1_000);
    for (key, step, words) in [
        (
            "a",
            "",
            "step_ms=1000 begins_ms=- level_ms=1000 kept_from_ms=",
        ),
        ("a", "", "counts=[0 0 6 1] total=7 "),
        ("*", "", "counts=[0 0 6 2] total=8 "),
        ("c", "", "counts=[0 0 0 0] total=0 "),
        ("a", "STEP 2000", "counts=[0 6 1] total=7 "),
        (
            "a",
            "STEP 10000",
            "step_ms=10000 begins_ms=- level_ms=10000 ",
        ),
        ("a", "STEP 10000", "counts=[14 1] total=15 "),
        ("*", "STEP 20000", "counts=[14 2] total=16 "),
        ("a", "STEP 60000", "level_ms=60000 "),
        ("a", "STEP 60000", "counts=[30 1] total=31 "),
        ("a", "STEP 1500", "wrong_step"),
        ("x", "STEP 0", "invalid: step_ms"),
    ] {
        says(&mut engine, &range(key, from_ms, to_ms, step), words);
    }
    says(&mut engine, &range("a", to_ms, to_ms, ""), "empty_span");
    says(&mut engine, &range("*", to_ms, from_ms, ""), "empty_span");
    says(
        &mut engine,
        &range("a", 0, to_ms, "STEP 1000"),
        "too_many_steps steps=",
    );
    says(
        &mut engine,
        "COUNTER.RANGE x a FROM 0 TO 1",
        "unknown_counter",
    );
    says(
        &mut engine,
        "COUNTER.RANGE x * FROM 0 TO 1",
        "unknown_counter",
    );
}

#[test]
fn range_takes_the_finest_level_that_keeps_it_and_says_what_is_not_kept() {
    let mut engine = engine();
    let begin_ms = next_minute(&mut engine);
    says(&mut engine, "COUNTER.ADD v * a", "counted");
    engine.pass_ms(60_000);
    let range = |to_ms: u64| format!("COUNTER.RANGE v a FROM {begin_ms} TO {to_ms}");
    let now_ms = begin_ms + 60_000;
    says(&mut engine, &range(now_ms), "level_ms=1000 ");
    engine.pass_ms(1_000);
    says(&mut engine, &range(now_ms), "level_ms=10000 ");
    says(&mut engine, &range(now_ms), "counts=[1 0 0 0 0 0] total=1 ");
    engine.pass_ms(601_000);
    says(&mut engine, &range(now_ms), "level_ms=60000 ");
    engine.pass_ms(3_660_000 - 662_000 - 1);
    says(&mut engine, &range(now_ms), "counts=[1] total=1 ");
    engine.pass_ms(1);
    says(&mut engine, &range(now_ms), "counts=[-] total=0 ");
    says(&mut engine, "COUNTER.GET v a", "count=0 ");
    says(&mut engine, "COUNTER.GET v *", "count=0 ");
}

#[test]
fn leading_keys_are_those_of_the_span() {
    let mut engine = engine();
    let now_ms = next_minute(&mut engine);
    for (key, amount, ago_ms) in [
        ("a", 5, 0),
        ("b", 7, 0),
        ("c", 6, 0),
        ("d", 1, 0),
        ("d", 20, 20_000),
    ] {
        let at_ms = now_ms - ago_ms;
        says(
            &mut engine,
            &format!("COUNTER.ADD v * {key} AMOUNT {amount} AT {at_ms}"),
            "counted",
        );
    }
    let top = |from_ms: u64, to_ms: u64, count: u64| {
        format!("COUNTER.TOP v FROM {from_ms} TO {to_ms} COUNT {count}")
    };
    let minute = (now_ms, now_ms + 60_000);
    says(
        &mut engine,
        &top(minute.0, minute.1, 2),
        "keys=[{key=b count=7} {key=c count=6}] exact=true ",
    );
    says(
        &mut engine,
        &top(now_ms - 60_000, minute.1, 1),
        "keys=[{key=d count=21}] exact=true ",
    );
    says(
        &mut engine,
        &top(now_ms + 500, now_ms + 501, 1),
        &format!(
            "from_ms={now_ms} to_ms={} values=- keys=[{{key=b",
            now_ms + 1_000
        ),
    );
    says(
        &mut engine,
        &top(now_ms - 50_000, now_ms - 40_000, 1),
        "keys=[] exact=true missed_at_most=0",
    );
    says(&mut engine, &top(now_ms, now_ms, 1), "empty_span");
    says(&mut engine, &top(minute.0, minute.1, 3), "no_top max=2");
    says(&mut engine, "COUNTER.TOP x FROM 0 TO 1", "unknown_counter");
}

#[test]
fn batch_counts_each_event_and_names_those_that_it_refuses() {
    let mut engine = engine();
    let now_ms = next_minute(&mut engine);
    let ahead_ms = now_ms + 100_000;
    let batch = format!(
        "COUNTER.ADDALL v 7 e1 a 2 \"\" \"\" \"\" e1 a 2 \"\" \"\" \"\" e2 b \"\" {now_ms} mia \"\" * * \"\" \"\" \"\" \"\" \
         * c \"\" {ahead_ms} \"\" \"\" e1 a 3 \"\" \"\" \"\" * d \"\" 5 \"\" \"\""
    );
    let refused = "refused=[{item=4 code=key_reserved} {item=5 code=too_far_ahead} {item=6 code=id_conflict}]";
    says(
        &mut engine,
        &batch,
        &format!("counted=2 repeated=1 late=1 {refused}"),
    );
    says(
        &mut engine,
        &batch,
        &format!("counted=0 repeated=3 late=1 {refused}"),
    );
    says(&mut engine, "COUNTER.GET v *", "count=3 ");
    says(
        &mut engine,
        "COUNTER.ADDALL x 1 * a \"\" \"\" \"\" \"\"",
        "unknown_counter",
    );
    says(&mut engine, "COUNTER.ADDALL v 0", "invalid: ");
}

#[test]
fn batch_that_is_too_much_for_a_record_is_refused_and_leaves_no_trace() {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    engine.call("COUNTER.CREATE v SHARDS 1 BUCKETS 1s:1d,2s:1d,4s:1d,8s:1d,16s:1d,32s:1d");
    let mut batch = "COUNTER.ADDALL v 500".to_owned();
    for n in 0..500 {
        batch.push_str(&format!(" e{n} {n:0128} \"\" \"\" \"\" \"\""));
    }
    says(&mut engine, &batch, "too_large bytes=");
    says(&mut engine, "COUNTER.GET v *", "count=0 ");
}

#[test]
fn block_goes_in_steps_once_none_of_its_buckets_is_kept() {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    engine.call("COUNTER.CREATE v SHARDS 1 BUCKETS 1s:10s TOP 3");
    for n in 0..600 {
        engine.call(&format!("COUNTER.ADD v * k{n}"));
    }
    says(&mut engine, "COUNTER.GET v *", "count=600 ");
    engine.checkpoint();
    engine.pass_ms(74_000);
    says(&mut engine, "COUNTER.GET v *", "count=0 ");
    says(&mut engine, "COUNTER.ADD v * k1", "counted");
    engine.pass_ms(80_000);
    for rows in ["blocks", "heads", "keys", "leaders"] {
        assert_eq!(rows_of(&engine, rows), 0, "{rows}");
    }
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

#[test]
fn events_are_counted_by_the_values_of_their_dimensions_too() {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    engine.call("COUNTER.CREATE v SHARDS 1 DIMS country,device VALUES 2 BUCKETS 1m:1d");
    let now_ms = next_minute(&mut engine);
    for (key, amount, country) in [
        ("a", 1, "de"),
        ("a", 2, "fr"),
        ("b", 4, "de"),
        ("a", 8, "it"),
        ("a", 16, "es"),
    ] {
        let add = format!("COUNTER.ADD v * {key} AMOUNT {amount} DIMS country={country}");
        says(&mut engine, &add, "counted");
    }
    says(&mut engine, "COUNTER.ADD v * a AMOUNT 32", "counted");
    says(
        &mut engine,
        "COUNTER.ADD v * a DIMS language=de",
        "unknown_dimension",
    );
    says(&mut engine, "COUNTER.GET v *", "count=63 ");
    let range = |key: &str, by: &str| {
        format!(
            "COUNTER.RANGE v {key} FROM {now_ms} TO {} BY {by}",
            now_ms + 60_000
        )
    };
    let of_a = "counts=[59] total=59 values=[{value=fr counts=[2] total=2} {value=de counts=[1] total=1} {value=- counts=[24] total=24}]";
    says(&mut engine, &range("a", "country"), of_a);
    let of_all = "counts=[63] total=63 values=[{value=de counts=[5] total=5} {value=fr counts=[2] total=2} {value=- counts=[24] total=24}]";
    says(&mut engine, &range("*", "country"), of_all);
    says(&mut engine, &range("a", "device"), "total=59 values=[] ");
    says(&mut engine, &range("a", "language"), "unknown_dimension");
    says(
        &mut engine,
        "COUNTER.RANGE x a FROM 0 TO 1 BY country",
        "unknown_counter",
    );
    says(
        &mut engine,
        &format!("COUNTER.TOP v FROM {now_ms} TO {}", now_ms + 1),
        "keys=[{key=a count=59} {key=b count=4}] ",
    );
}

/// 2026-03-29 has 23 hours in Berlin, and begins at 23:00 UTC.
const DAY_IN_MARCH_MS: u64 = 1_774_738_800_000;

#[test]
fn days_begin_where_they_do_in_a_time_zone() {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    engine.call("COUNTER.CREATE v BUCKETS 1h:20y,1d:20y LATE_MS 20y");
    let now_ms = engine.now_ms();
    assert!(now_ms > DAY_IN_MARCH_MS, "{now_ms}");
    let hour_ms = 3_600_000;
    for (hour, amount) in [(-1, 1), (0, 2), (22, 4), (23, 8), (46, 16), (47, 32)] {
        let at_ms = DAY_IN_MARCH_MS.strict_add_signed(hour * hour_ms);
        says(
            &mut engine,
            &format!("COUNTER.ADD v * a AMOUNT {amount} AT {at_ms}"),
            "counted",
        );
    }
    let (from_ms, to_ms) = (DAY_IN_MARCH_MS + 5, DAY_IN_MARCH_MS + 40 * 3_600_000);
    let range = |rest: &str| format!("COUNTER.RANGE v a FROM {from_ms} TO {to_ms} {rest}");
    let begins = format!(
        "begins_ms=[{DAY_IN_MARCH_MS} {}]",
        DAY_IN_MARCH_MS + 23 * 3_600_000
    );
    says(&mut engine, &range("TZ Europe/Berlin"), &begins);
    says(&mut engine, &range("TZ Europe/Berlin"), "level_ms=3600000 ");
    says(
        &mut engine,
        &range("TZ Europe/Berlin"),
        "counts=[6 24] total=30 ",
    );
    says(
        &mut engine,
        &range("TZ Europe/Berlin STEP 172800000"),
        "counts=[30] total=30 ",
    );
    says(&mut engine, &range("TZ UTC"), "level_ms=86400000 ");
    says(&mut engine, &range("TZ Asia/Kolkata"), "wrong_step");
    says(
        &mut engine,
        &range("TZ Europe/Berlin STEP 3600000"),
        "wrong_step",
    );
    says(
        &mut engine,
        &range("TZ Europe/Atlantis"),
        "invalid: zone must be a time zone",
    );
    says(
        &mut engine,
        "COUNTER.RANGE v a FROM 0 TO 1790000000000 TZ UTC",
        "too_many_steps steps=",
    );
}

#[test]
fn relaxed_counter_answers_before_what_it_recorded_is_durable_and_a_synced_one_does_not() {
    for (class, is_answered) in [("relaxed", true), ("synced", false)] {
        let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
        let create = format!("COUNTER.CREATE v SHARDS 1 CLASS {class}");
        assert!(engine.call(&create).contains(class));
        let token = engine.submit("COUNTER.ADD v e1 a").unwrap();
        while engine.execute() {}
        assert_eq!(engine.answer(token).is_some(), is_answered, "{class}");
        engine.disk.crash(&mut Random::new(1));
        let mut engine = engine.reopen().unwrap();
        engine.settle();
        says(
            &mut engine,
            "COUNTER.ADD v e1 a",
            "state=counted repeated=false",
        );
        says(&mut engine, "COUNTER.GET v a", "count=1 ");
    }
}
