//! The topic that keeps the events which a counter counts.

use tidegate_counter::COUNTER;
use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_topic::TOPIC;

const DECLARED: &str =
    "COUNTER.CREATE v SHARDS 3 TOP 2 BUCKETS 1s:1h,1m:1d LATE_MS 1m DIMS d RAW events";

fn engine(declared: &str) -> Stepper {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    let answer = engine.call(declared);
    assert!(answer.ends_with(" raw=events"), "{answer}");
    engine
}

/// Asks, and looks for words in the answer.
fn says(engine: &mut Stepper, command: &str, words: &str) {
    let answer = engine.call(command);
    assert!(
        answer.contains(words),
        "{command}\n answered {answer}\n not {words}"
    );
    let faults = engine.audit().faults;
    assert_eq!(faults, Vec::<String>::new(), "after {command}");
}

/// What stands behind a name in an answer, wherever it does.
fn all_of(answer: &str, name: &str) -> u64 {
    let behind = answer.split(name).skip(1);
    let numbers = behind.map(|words| {
        let end = words.find(|char: char| !char.is_ascii_digit());
        words[..end.unwrap_or(words.len())].parse::<u64>().unwrap()
    });
    numbers.sum()
}

#[test]
fn event_that_is_counted_is_a_message_once_and_no_other_one_is() {
    let mut engine = engine(DECLARED);
    let now_ms = engine.now_ms();
    for (command, words) in [
        ("TOPIC.GET events", "first=1 last=0 "),
        ("COUNTER.ADD v e1 a AMOUNT 2 BY mia DIMS d=x", "counted"),
        (
            "COUNTER.ADD v e1 a AMOUNT 2 BY mia DIMS d=x",
            "repeated=true",
        ),
        ("COUNTER.ADD v e1 a", "id_conflict"),
        ("COUNTER.ADD v * a AT 7", "late"),
        ("COUNTER.ADD v * *", "key_reserved"),
        ("TOPIC.GET events", " last=1 "),
        ("COUNTER.RAW v", "topic=events shards=[{shard=0 "),
        ("COUNTER.RAW x", "unknown_counter"),
    ] {
        says(&mut engine, command, words);
    }
    let event = format!(
        r#"payload=[{{"event":"e1","key":"a","amount":2,"at_ms":{now_ms},"by":"mia","dims":{{"d":"x"}}}}]"#
    );
    says(
        &mut engine,
        "TOPIC.BROWSE events",
        &event.replace('"', "\\\""),
    );
    says(
        &mut engine,
        "TOPIC.BROWSE events",
        r#"headers={"counter":"v","shard":""#,
    );
    says(&mut engine, "COUNTER.CREATE plain", " raw=-");
    says(&mut engine, "COUNTER.RAW plain", "no_raw");
    says(
        &mut engine,
        "COUNTER.CREATE plain RAW events",
        "counter_differs",
    );
}

#[test]
fn events_of_a_batch_are_one_message_of_each_shard() {
    let mut engine = engine(DECLARED);
    let items: Vec<_> = (0..30)
        .map(|n| format!("e{n} k{n} 1 \"\" \"\" \"\""))
        .collect();
    let batch = format!("COUNTER.ADDALL v 30 {}", items.join(" "));
    says(&mut engine, &batch, "counted=30 ");
    says(&mut engine, &batch, "counted=0 repeated=30 ");
    says(&mut engine, "TOPIC.GET events", " last=3 ");
    let raw = engine.call("COUNTER.RAW v");
    assert_eq!(
        (all_of(&raw, "letters="), all_of(&raw, "events=")),
        (3, 30),
        "{raw}"
    );
}

#[test]
fn topic_that_is_there_stays_as_it_was_declared() {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    engine.call("TOPIC.CREATE events RETAIN_COUNT 2 PARTS 3 OWNER me");
    engine.call(DECLARED);
    for n in 0..4 {
        says(&mut engine, &format!("COUNTER.ADD v e{n} a"), "counted");
    }
    says(&mut engine, "TOPIC.GET events", " owner=me ");
    engine.pass_ms(2_000);
    let browsed = engine.call("TOPIC.BROWSE events");
    assert_eq!(browsed.matches("{position=").count(), 2, "{browsed}");
}

/// Amounts of all messages, and what was counted.
fn both(engine: &mut Stepper) -> (u64, u64) {
    let kept = engine.call("TOPIC.BROWSE events LIMIT 1000");
    let counted = engine.call("COUNTER.GET v *");
    (all_of(&kept, "amount\\\":"), all_of(&counted, " count="))
}

#[test]
fn whatever_the_power_failed_at_counter_and_topic_have_the_same_events() {
    for class in ["synced", "relaxed"] {
        for operations in 0..40 {
            let random = &mut Random::new(operations);
            let mut engine = engine(&format!("{DECLARED} CLASS {class}"));
            engine.disk.fail_power_after(operations);
            for n in 0..12 {
                let key = random.below(5);
                let token = engine.submit(&format!("COUNTER.ADD v e{n} k{key} AMOUNT {}", n + 1));
                token.unwrap();
                engine.execute();
                if engine.write().is_err() {
                    break;
                }
            }
            engine.disk.crash(random);
            engine.disk.calm();
            let mut engine = engine.reopen().unwrap();
            engine.settle();
            let (kept, counted) = both(&mut engine);
            assert_eq!(kept, counted, "{class}, power failed after {operations}");
            assert_eq!(engine.audit().faults, Vec::<String>::new());
        }
    }
}

/// Messages of the topic, by position.
fn positions(engine: &mut Stepper) -> Vec<String> {
    let answer = engine.call("TOPIC.BROWSE events");
    let items = answer.split("position=").skip(1);
    items
        .map(|rest| rest.split(' ').next().unwrap().to_owned())
        .collect()
}

#[test]
fn topic_that_is_deleted_while_it_keeps_events_is_declared_again_by_those_that_come() {
    for parts in [1, 3] {
        let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
        says(
            &mut engine,
            &format!("TOPIC.CREATE events PARTS {parts} RETAIN_MS 9000000"),
            "version=1",
        );
        says(&mut engine, DECLARED, "raw=events");
        for n in 1..4 {
            says(&mut engine, &format!("COUNTER.ADD v e{n} a"), "counted");
        }
        let before = positions(&mut engine);
        assert_eq!(before.len(), 3);
        engine.suspend_timers(true);
        says(&mut engine, "TOPIC.DELETE events", "repeated=false");
        for n in 4..6 {
            says(&mut engine, &format!("COUNTER.ADD v e{n} a"), "counted");
        }
        says(&mut engine, "TOPIC.GET events", "unknown_topic");
        says(&mut engine, "TOPIC.CREATE events", "being_deleted");
        engine.suspend_timers(false);
        engine.settle();
        says(&mut engine, "TOPIC.GET events", "version=1 ");
        says(&mut engine, "TOPIC.GET events", "retain_ms=- ");
        says(&mut engine, "TOPIC.GET events", &format!("parts={parts} "));
        let after = positions(&mut engine);
        assert_eq!(after.len(), 2);
        assert!(!after.iter().any(|position| before.contains(position)));
        for key in ["k1", "k2", "k3", "k4", "k5", "k6"] {
            let publish = format!("TOPIC.PUBLISH events {key} x KEY {key}");
            says(&mut engine, &publish, "repeated=false");
        }
        says(&mut engine, "TOPIC.DELETE events", "repeated=false");
        engine.settle();
        says(&mut engine, "TOPIC.GET events", "unknown_topic");
        says(&mut engine, "COUNTER.ADD v e6 a", "counted");
        assert_eq!(positions(&mut engine).len(), 1);
        says(
            &mut engine,
            "TOPIC.PUBLISH events k1 x KEY k1",
            "repeated=false",
        );
        says(&mut engine, "COUNTER.GET v a", "count=6 ");
    }
}

#[test]
fn topic_that_was_deleted_is_declared_again_when_a_counter_names_it() {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    says(&mut engine, "TOPIC.CREATE events PARTS 3", "version=1");
    says(&mut engine, "TOPIC.PUBLISH events m x", "repeated=false");
    says(&mut engine, "TOPIC.DELETE events", "repeated=false");
    for _ in 0..26 {
        engine.pass_ms(3_600_000);
    }
    says(&mut engine, DECLARED, "raw=events");
    says(&mut engine, "TOPIC.GET events", "bytes=0 ");
    says(&mut engine, "TOPIC.GET events", "parts=3 ");
    says(&mut engine, "TOPIC.PUBLISH events m x", "repeated=false");
}
