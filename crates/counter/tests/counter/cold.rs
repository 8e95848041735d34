//! Counting while what it needs lies on disk only.

use tidegate_engine::testing::Stepper;

use crate::talk::{engine, next_minute, says};

/// Its answer, the rows that it had to fetch, and how often it had to ask for some.
fn asked(engine: &mut Stepper, command: &str) -> (String, u64, u32) {
    let before = engine.door().metrics().rows_fetched.get();
    let token = engine.submit(command).unwrap();
    let mut times = 0;
    loop {
        while engine.execute_without_base() {}
        if !engine.read_one() {
            break;
        }
        while engine.read_one() {}
        while engine.late() > 0 {
            engine.bring(0);
        }
        times += 1;
    }
    engine.settle();
    let (_, answer) = engine.answer(token).unwrap();
    let rows = engine.door().metrics().rows_fetched.get() - before;
    (answer, rows, times)
}

/// A counter of four leading keys, of which two have the least, that has counted alike two hours ago and now, all of it on disk
/// only. With both moments.
fn cold() -> (Stepper, u64, u64) {
    let create = "COUNTER.CREATE v SHARDS 1 BUCKETS 1m:1d,1h:1d TOP 4 DEDUPE_MS 1s";
    let mut engine = engine(&[create]);
    let now_ms = next_minute(&mut engine);
    let then_ms = now_ms - 7_200_000;
    let leading = [
        ("a", 90),
        ("b", 80),
        ("c", 60),
        ("d", 60),
        ("e", 5),
        ("f", 5),
    ];
    for at_ms in [then_ms, now_ms] {
        for (key, amount) in leading {
            let add = format!("COUNTER.ADD v * {key} AMOUNT {amount} AT {at_ms}");
            says(&mut engine, &add, "counted");
        }
    }
    engine.checkpoint();
    (engine.reopen().unwrap(), then_ms, now_ms)
}

#[test]
fn rows_that_a_batch_needs_are_fetched_together() {
    let (mut engine, then_ms, now_ms) = cold();
    for at_ms in [then_ms, now_ms] {
        let add = format!("COUNTER.ADD v * a AT {at_ms}");
        says(&mut engine, &add, "counted");
    }
    let none = "\"\" \"\"";
    let entry = |key: &str, amount: u64| {
        format!("* {key} {amount} {then_ms} {none} * {key} 2 {now_ms} {none}")
    };
    let batch = format!("COUNTER.ADDALL v 4 {} {}", entry("e", 1), entry("f", 1));
    let (answer, rows, times) = asked(&mut engine, &batch);
    assert!(answer.contains("counted=4 "), "{answer}");
    assert_eq!(times, 1, "what is open and what was counted then, of both");
    assert!(
        rows <= 8,
        "{rows} rows: no more than those, and where new keys would be listed"
    );
}

#[test]
fn keys_that_come_among_the_leading_ones_are_compared_with_all_that_may_have_the_least_at_once() {
    let (mut engine, then_ms, _) = cold();
    let none = "\"\" \"\"";
    let rising = format!("* e 70 {then_ms} {none} * f 57 {then_ms} {none}");
    let batch = format!("COUNTER.ADDALL v 2 {rising}");
    let (answer, rows, times) = asked(&mut engine, &batch);
    assert!(answer.contains("counted=2 "), "{answer}");
    assert_eq!(
        times, 3,
        "the counter; what the two have, and the lists; what those who lead have"
    );
    let of_each_key = 2; // Hours lie in the row of what is open, minutes of two hours ago in one of their own.
    assert_eq!(
        rows,
        1 + 2 + 2 + (2 + 4) * of_each_key,
        "with heads and lists of both levels"
    );
    let top = format!("COUNTER.TOP v FROM {then_ms} TO {} COUNT 4", then_ms + 1);
    let said = "keys=[{key=a count=90} {key=b count=80} {key=e count=75} {key=f count=62}]";
    says(&mut engine, &top, said);
}
