//! Counts that somebody corrects, and the list of who did.

use std::collections::BTreeMap;

use tidegate_counter::COUNTER;
use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_topic::TOPIC;

const DECLARED: &str = "COUNTER.CREATE v SHARDS 2 TOP 2 BUCKETS 1s:1h,1m:1d LATE_MS 1d DIMS d";

fn engine() -> Stepper {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    let answer = engine.call(DECLARED);
    assert!(answer.starts_with("name=v "), "{answer}");
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

#[test]
fn bucket_is_corrected_in_all_levels_and_who_did_is_listed() {
    let mut engine = engine();
    let at_ms = engine.now_ms();
    let correct = |key: &str, from: u64, to: u64| {
        format!("COUNTER.CORRECT v {key} AT {at_ms} FROM {from} TO {to} BY ann")
    };
    let minute_ms = at_ms / 60_000 * 60_000;
    let minute = format!(
        "COUNTER.RANGE v a FROM {minute_ms} TO {} STEP 60000",
        at_ms + 1
    );
    for (command, words) in [
        (format!("COUNTER.ADD v * a AMOUNT 7 AT {at_ms}"), "counted"),
        (correct("a", 7, 5), "key=a bucket_ms="),
        ("COUNTER.GET v a".to_owned(), "count=5 "),
        ("COUNTER.GET v *".to_owned(), "count=5 "),
        (minute.clone(), "counts=[5] "),
        (correct("a", 7, 5), "count_changed count=5"),
        (correct("a", 5, 5), "from=5 to=5 "),
        (correct("b", 0, 9), "from=0 to=9 "),
        ("COUNTER.GET v *".to_owned(), "count=14 "),
        (correct("a", 5, 0), "from=5 to=0 "),
        ("COUNTER.GET v a".to_owned(), "count=0 "),
        (minute, "counts=[0] "),
        (correct("*", 0, 1), "key_reserved"),
        (correct("a", 1, 0), "count_changed count=0"),
        (
            "COUNTER.CORRECT v a AT 7 FROM 0 TO 1 BY ann".to_owned(),
            "not_kept",
        ),
        (
            format!(
                "COUNTER.CORRECT v a AT {} FROM 0 TO 1 BY ann",
                at_ms + 70_000
            ),
            "too_far_ahead",
        ),
        (
            "COUNTER.CORRECT x a AT 7 FROM 0 TO 1 BY ann".to_owned(),
            "unknown_counter",
        ),
        ("COUNTER.AUDIT x".to_owned(), "unknown_counter"),
    ] {
        says(&mut engine, &command, words);
    }
    let listed = engine.call("COUNTER.AUDIT v");
    assert_eq!(listed.matches("by=ann").count(), 3, "{listed}");
    let page = engine.call("COUNTER.AUDIT v LIMIT 1");
    let (_, next) = page.split_once("next=").unwrap();
    let rest = engine.call(&format!("COUNTER.AUDIT v AFTER {next}"));
    assert_eq!(rest.matches("by=ann").count(), 2, "{rest}");
}

#[test]
fn bucket_that_only_a_wider_level_keeps_is_corrected_there() {
    let mut engine = engine();
    let at_ms = engine.now_ms();
    says(
        &mut engine,
        &format!("COUNTER.ADD v * a AMOUNT 7 AT {at_ms}"),
        "counted",
    );
    engine.pass_ms(2 * 3_600_000);
    let correct = format!("COUNTER.CORRECT v a AT {at_ms} FROM 7 TO 8 BY ann");
    says(&mut engine, &correct, "width_ms=60000 from=7 to=8");
    says(&mut engine, "COUNTER.GET v a", "count=8 ");
}

#[test]
fn key_that_led_and_was_corrected_leaves_its_place_to_the_next_one() {
    let mut engine = engine();
    let at_ms = engine.now_ms();
    let minute_ms = at_ms / 60_000 * 60_000;
    for (key, amount) in [("a", 9), ("b", 7), ("c", 5), ("d", 3)] {
        says(
            &mut engine,
            &format!("COUNTER.ADD v * {key} AMOUNT {amount} AT {at_ms}"),
            "counted",
        );
    }
    let top = format!(
        "COUNTER.TOP v FROM {minute_ms} TO {} COUNT 2",
        minute_ms + 60_000
    );
    says(
        &mut engine,
        &top,
        "keys=[{key=a count=9} {key=b count=7}] exact=true",
    );
    says(
        &mut engine,
        &format!("COUNTER.CORRECT v a AT {at_ms} FROM 9 TO 1 BY ann"),
        "to=1 ",
    );
    says(
        &mut engine,
        &top,
        "keys=[{key=b count=7} {key=c count=5}] exact=true",
    );
}

#[test]
fn random_corrections_and_events_keep_the_laws() {
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let mut engine = engine();
        let mut counts = BTreeMap::<(String, u64), u64>::new();
        for _ in 0..60 {
            engine.pass_ms(random.below(400));
            if random.chance(1, 20) {
                engine.checkpoint();
            }
            let (key, ago_ms) = (format!("k{}", random.below(7)), random.below(3) * 1_000);
            let at_ms = (engine.now_ms() - ago_ms) / 1_000 * 1_000;
            let count = counts.entry((key.clone(), at_ms)).or_default();
            if random.chance(1, 2) {
                let amount = 1 + random.below(6);
                *count += amount;
                let add = format!("COUNTER.ADD v * {key} AMOUNT {amount} AT {at_ms}");
                says(&mut engine, &add, "counted");
            } else {
                let to = random.below(2) * random.below(8);
                let correct =
                    format!("COUNTER.CORRECT v {key} AT {at_ms} FROM {count} TO {to} BY ann");
                *count = to;
                says(&mut engine, &correct, &format!("to={to} "));
            }
        }
        for n in 0..7 {
            let key = format!("k{n}");
            let of_key = counts.iter().filter(|((of, _), _)| *of == key);
            let sum: u64 = of_key.map(|(_, count)| count).sum();
            says(
                &mut engine,
                &format!("COUNTER.GET v {key}"),
                &format!(" count={sum} "),
            );
        }
    }
}

#[test]
fn counter_whose_values_are_facts_is_not_corrected() {
    let mut engine = engine();
    engine.call("COUNTER.CREATE f DIMS d FACTS d");
    let at_ms = engine.now_ms();
    engine.call("COUNTER.ADD f * a");
    let correct = format!("COUNTER.CORRECT f a AT {at_ms} FROM 1 TO 2 BY ann");
    says(&mut engine, &correct, "has_facts");
    says(&mut engine, "COUNTER.GET f a", "count=1 ");
}
