//! Many keys in one call: each as it would be answered alone.

use crate::talk::{engine, next_minute, says};

/// The items of an answer, each as it is told alone.
fn items(answer: &str) -> &str {
    let items = answer.strip_prefix("items=[{").unwrap();
    items.split_once("}] as_of_ms=").unwrap().0
}

#[test]
fn many_keys_are_answered_as_each_is_alone_and_in_the_order_in_which_they_are_asked_for() {
    let mut engine = engine(&["COUNTER.CREATE v SHARDS 5 UNIQUE yes BUCKETS 1m:1h,1h:1d"]);
    let now_ms = next_minute(&mut engine);
    let keys = ["a", "d", "*", "none", "b", "a", "c"];
    for (nth, key) in ["a", "b", "c", "d", "a", "c"].iter().enumerate() {
        let add = format!("COUNTER.ADD v * {key} AMOUNT {} BY w{nth}", 1 << nth);
        says(&mut engine, &add, "counted");
    }
    let span = format!("FROM {} TO {}", now_ms - 120_000, now_ms + 60_000);
    for (all, one, is_list, rest) in [
        ("GETALL", "GET", false, ""),
        ("RANGEALL", "RANGE", false, &*span),
        ("RANGEALL", "RANGE", false, &format!("{span} STEP 3600000")),
        ("UNIQUEALL", "UNIQUE", true, &*span),
    ] {
        let many = keys.join(" ");
        let answer = engine.call(&format!("COUNTER.{all} v {} {many} {rest}", keys.len()));
        let alone = keys.map(|key| {
            let count = if is_list { "1 " } else { "" };
            let answer = engine.call(&format!("COUNTER.{one} v {count}{key} {rest}"));
            answer.trim_end().to_owned()
        });
        assert_eq!(items(&answer), alone.join("} {"), "{all}");
    }
    let counts = engine.call("COUNTER.GETALL v 2 c a");
    assert!(
        counts.contains("key=c count=36 ") && counts.contains("key=a count=17 "),
        "{counts}"
    );
}

#[test]
fn what_one_key_is_refused_all_are() {
    let mut engine = engine(&["COUNTER.CREATE v SHARDS 2 BUCKETS 1s:1d"]);
    let now_ms = next_minute(&mut engine);
    let keys: Vec<String> = (0..100).map(|n| format!("k{n}")).collect();
    let keys = keys.join(" ");
    let range = |keys: &str, seconds: u64| {
        let to_ms = now_ms + 1_000 * seconds;
        format!("COUNTER.RANGEALL v {keys} FROM {now_ms} TO {to_ms} STEP 1000")
    };
    for (command, words) in [
        ("COUNTER.GETALL x 1 a", "unknown_counter"),
        ("COUNTER.GETALL v 0", "invalid: "),
        (
            &*format!("COUNTER.GETALL v 101 {keys} a"),
            "must have 1 to 100 items, not 101",
        ),
        (
            &*format!("COUNTER.GETALL v 100 {keys}"),
            "items=[{name=v key=k0 count=0 ",
        ),
        ("COUNTER.UNIQUEALL v 1 a FROM 0 TO 1", "no_unique"),
        ("COUNTER.RANGEALL v 1 a FROM 1 TO 1", "empty_span"),
        ("COUNTER.RANGEALL v 1 a FROM 0 TO 1 STEP 1500", "wrong_step"),
        (&range("1 a", 1_500), "total=0"),
        (&range("1 a", 1_501), "too_many_steps steps=1501 max=1500"),
        (&range(&format!("100 {keys}"), 200), "total=0"),
        (
            &range(&format!("100 {keys}"), 201),
            "too_many_steps steps=20100 max=20000",
        ),
    ] {
        says(&mut engine, command, words);
    }
}
