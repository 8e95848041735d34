//! How many different ones came, against sets of who did.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_counter::COUNTER;
use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_sketch::{Coupon, Sketch};
use tidegate_topic::TOPIC;

const HOUR_MS: u64 = 3_600_000;

/// Hours for two days, half days for a week.
const DECLARED: &str =
    "COUNTER.CREATE v BUCKETS 60s:1h,1h:2d,12h:7d SHARDS 3 TOP 0 LATE_MS 2d UNIQUE yes";

fn engine() -> Stepper {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    let answer = engine.call(DECLARED);
    assert!(answer.contains(" unique=true "), "{answer}");
    engine
}

fn figure(answer: &str, name: &str) -> u64 {
    let mut words = answer.split(' ');
    let of = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let of = of.and_then(|number| number.parse().ok());
    of.unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// Who came to which key in which hour.
#[derive(Default)]
struct Oracle(BTreeMap<(String, u64), BTreeSet<u64>>);

impl Oracle {
    fn add(&mut self, key: &str, at_ms: u64, who: u64) {
        let of = (key.to_owned(), at_ms / HOUR_MS);
        self.0.entry(of).or_default().insert(who);
    }

    /// What is told of those who came to any of the keys in these hours.
    fn unique(&self, keys: &[&str], hours: std::ops::Range<u64>) -> u64 {
        let is_asked = |key: &str| keys.contains(&"*") || keys.contains(&key);
        let sets = self.0.iter();
        let sets = sets.filter(|((key, hour), _)| is_asked(key) && hours.contains(hour));
        let who: BTreeSet<_> = sets.flat_map(|(_, who)| who).collect();
        let who = who.into_iter().map(|who| Coupon::of(name(*who).as_bytes()));
        who.collect::<Sketch>().estimate().count
    }
}

fn name(who: u64) -> String {
    format!("who-{who}")
}

fn ask(engine: &mut Stepper, keys: &[&str], hours: std::ops::Range<u64>) -> String {
    let (count, keys) = (keys.len(), keys.join(" "));
    let (from_ms, to_ms) = (hours.start * HOUR_MS, hours.end * HOUR_MS);
    engine.call(&format!(
        "COUNTER.UNIQUE v {count} {keys} FROM {from_ms} TO {to_ms}"
    ))
}

fn one_run(seed: u64) {
    let mut random = Random::new(seed);
    let (mut engine, mut oracle) = (engine(), Oracle::default());
    let people = [5, 60, 150, 4_000][(seed % 4) as usize];
    let keys = ["a", "b", "c", "d"];
    for step in 0..400_u64 {
        if random.chance(1, 10) {
            engine.pass_ms(random.below(HOUR_MS / 2));
        }
        if random.chance(1, 40) {
            engine.checkpoint();
        }
        if random.chance(1, 80) {
            engine.disk.crash(&mut random);
            engine = engine
                .reopen()
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            engine.settle();
        }
        let now_ms = engine.now_ms();
        let key = keys[random.below(4) as usize];
        let (at_ms, who) = (now_ms - random.below(12 * HOUR_MS), random.below(people));
        let answer = engine.call(&format!(
            "COUNTER.ADD v * {key} AT {at_ms} BY {}",
            name(who)
        ));
        assert!(answer.contains("state=counted"), "{answer}");
        oracle.add(key, at_ms, who);
        if !step.is_multiple_of(16) {
            continue;
        }
        let now = now_ms / HOUR_MS;
        let from = now - random.below(30);
        let hours = from..from + 1 + random.below(now + 1 - from);
        for keys in [
            &["*"][..],
            &["a"],
            &["b", "d"],
            &["none"],
            &["c", "none", "a"],
        ] {
            let answer = ask(&mut engine, keys, hours.clone());
            let expected = oracle.unique(keys, hours.clone());
            let unique = figure(&answer, "unique");
            assert_eq!(
                unique, expected,
                "seed {seed}, step {step}: {keys:?} {answer}"
            );
            assert!(figure(&answer, "standard_error_ppm") < 8_126, "{answer}");
        }
        let faults = engine.audit().faults;
        assert_eq!(faults, Vec::<String>::new(), "seed {seed}, step {step}");
    }
}

#[test]
fn who_came_is_told_as_by_one_sketch_of_all_of_them_over_any_span_and_any_keys() {
    for seed in 0..8 {
        one_run(seed);
    }
}

#[test]
fn many_are_told_within_three_standard_errors() {
    let mut engine = engine();
    let now_ms = engine.now_ms();
    for who in 0..3_000_u64 {
        for key in ["a", "b"].iter().take(1 + (who % 2) as usize) {
            let add = format!("COUNTER.ADD v * {key} BY {}", name(who));
            engine.submit(&add).unwrap();
        }
        if who.is_multiple_of(100) {
            engine.settle();
        }
    }
    engine.settle();
    let hours = now_ms / HOUR_MS..engine.now_ms() / HOUR_MS + 1;
    for (key, size) in [("a", 3_000_u64), ("b", 1_500), ("*", 3_000)] {
        let answer = ask(&mut engine, &[key], hours.clone());
        let off = figure(&answer, "unique").abs_diff(size);
        let allowed = 3 * figure(&answer, "standard_error_ppm") * size / 1_000_000 + 1;
        assert!(off <= allowed, "{key}: {answer}");
    }
}

#[test]
fn who_is_counted_as_long_as_the_wide_levels_keep_it() {
    let mut engine = engine();
    let hour = engine.now_ms() / HOUR_MS;
    for who in 0..200 {
        engine.call(&format!("COUNTER.ADD v * a BY {}", name(who)));
    }
    let answer = ask(&mut engine, &["a"], hour..hour + 1);
    assert_eq!(figure(&answer, "unique"), 200, "{answer}");
    // Then an hour is not kept, and half a day is told.
    engine.pass_ms(50 * HOUR_MS);
    let answer = ask(&mut engine, &["a"], hour..hour + 1);
    assert_eq!(figure(&answer, "unique"), 200, "{answer}");
    let span_ms = figure(&answer, "to_ms") - figure(&answer, "from_ms");
    assert_eq!(span_ms, 12 * HOUR_MS, "{answer}");
    engine.pass_ms(8 * 24 * HOUR_MS);
    let answer = ask(&mut engine, &["a"], hour..hour + 1);
    assert_eq!(figure(&answer, "unique"), 0, "{answer}");
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

#[test]
fn an_event_that_is_repeated_or_late_or_by_nobody_changes_nothing() {
    let mut engine = engine();
    let now_ms = engine.now_ms();
    let late_ms = now_ms - 49 * HOUR_MS;
    for event in [
        "e1 a BY ann",
        "e1 a BY ann",
        "e1 a BY bob",
        "* a",
        &format!("* a AT {late_ms} BY cid"),
    ] {
        engine.call(&format!("COUNTER.ADD v {event}"));
    }
    let now = now_ms / HOUR_MS;
    for key in ["a", "*"] {
        let answer = ask(&mut engine, &[key], now - 60..now + 1);
        assert_eq!(figure(&answer, "unique"), 1, "{answer}");
    }
}

#[test]
fn a_counter_that_does_not_count_them_says_so() {
    let mut engine = engine();
    engine.call("COUNTER.CREATE plain BUCKETS 1h:2d");
    engine.call("COUNTER.CREATE narrow BUCKETS 1m:2d UNIQUE yes SHARDS 1");
    engine.call("COUNTER.ADD plain * a BY ann");
    engine.call("COUNTER.ADD narrow * a BY ann");
    let span = "FROM 0 TO 32000000000000";
    for (command, words) in [
        ("COUNTER.UNIQUE plain 1 a", "no_unique"),
        ("COUNTER.UNIQUE none 1 a", "unknown_counter"),
        ("COUNTER.UNIQUE narrow 1 a", "too_many_buckets"),
    ] {
        let answer = engine.call(&format!("{command} {span}"));
        assert!(answer.starts_with(words), "{command}: {answer}");
    }
    let answer = engine.call("COUNTER.UNIQUE v 1 a FROM 5 TO 5");
    assert!(answer.starts_with("empty_span"), "{answer}");
    // Where no level is an hour wide the last one has them.
    let (from_ms, to_ms) = (engine.now_ms() - 60_000, engine.now_ms() + 60_000);
    let ask = format!("COUNTER.UNIQUE narrow 1 a FROM {from_ms} TO {to_ms}");
    let answer = engine.call(&ask);
    assert_eq!(figure(&answer, "unique"), 1, "{answer}");
}
