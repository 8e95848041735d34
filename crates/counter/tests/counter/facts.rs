//! Facts about keys: what is counted for them, and what becomes of what was counted before they were known.

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;

use crate::talk::{engine, says};

const DECLARED: &str =
    "COUNTER.CREATE v SHARDS 3 TOP 3 BUCKETS 1s:20s,5s:60s,60s:5d LATE_MS 45s DIMS c,d FACTS d";

/// An event that was counted, and for which value of `d`.
struct Counted {
    key: String,
    amount: u64,
    value: Option<String>,
}

/// What is known of keys, and what was counted.
#[derive(Default)]
struct Oracle {
    facts: BTreeMap<String, String>,
    counted: Vec<Counted>,
}

impl Oracle {
    fn add(&mut self, key: &str, amount: u64) {
        self.counted.push(Counted {
            key: key.to_owned(),
            amount,
            value: self.facts.get(key).cloned(),
        });
    }

    fn tell(&mut self, key: &str, value: &str) {
        self.facts.insert(key.to_owned(), value.to_owned());
        let of_key = self.counted.iter_mut().filter(|one| one.key == key);
        for one in of_key.filter(|one| one.value.is_none()) {
            one.value = Some(value.to_owned());
        }
    }

    fn totals(&self, key: &str) -> BTreeMap<String, u64> {
        let mut totals = BTreeMap::new();
        let is_asked = |one: &&Counted| key == "*" || one.key == key;
        for one in self.counted.iter().filter(is_asked) {
            let value = one.value.as_deref().unwrap_or("?");
            *totals.entry(value.to_owned()).or_default() += one.amount;
        }
        totals
    }
}

/// What is told of each value.
fn told(answer: &str, word: &str) -> BTreeMap<String, u64> {
    let (mut value, mut told) = (None, BTreeMap::new());
    let words = answer.split([' ', '[', ']', '{', '}']);
    for (name, word_of) in words.filter_map(|word| word.split_once('=')) {
        if name == "value" {
            value = Some(word_of.to_owned());
        } else if name == word
            && let Some(value) = value.take()
        {
            told.insert(value, word_of.parse().unwrap());
        }
    }
    told
}

fn check(engine: &mut Stepper, oracle: &Oracle, since_ms: u64, seed: u64) {
    let span = format!("FROM {since_ms} TO {}", engine.now_ms() + 60_000);
    for key in ["*", "k0", "k1", "k2", "k3"] {
        let answer = engine.call(&format!("COUNTER.RANGE v {key} {span} STEP 86400000 BY d"));
        assert_eq!(
            told(&answer, "total"),
            oracle.totals(key),
            "seed {seed}: {key} {answer}"
        );
    }
    let answer = engine.call(&format!("COUNTER.TOP v {span} COUNT 9 BY d"));
    assert_eq!(
        told(&answer, "count"),
        oracle.totals("*"),
        "seed {seed}: {answer}"
    );
}

fn one_run(seed: u64) {
    let mut random = Random::new(seed);
    let (mut engine, mut oracle) = (engine(&[DECLARED]), Oracle::default());
    let since_ms = engine.now_ms() - 60_000;
    for step in 0..120 {
        let key = format!("k{}", random.below(4));
        if random.chance(1, 12) {
            let value = format!("x{}", random.below(3));
            let tell = format!("COUNTER.FACT v {key} d={value}");
            engine.suspend_timers(random.chance(1, 2));
            says(&mut engine, &tell, "name=v key=k");
            oracle.tell(&key, &value);
        } else {
            let (ago_ms, amount) = (random.below(45_000), 1 + random.below(5));
            let at_ms = engine.now_ms() - ago_ms;
            let add = format!("COUNTER.ADD v * {key} AMOUNT {amount} AT {at_ms} DIMS c=y");
            says(&mut engine, &add, "state=counted");
            oracle.add(&key, amount);
        }
        if random.chance(1, 15) {
            engine.checkpoint();
        }
        if random.chance(1, 30) {
            engine.disk.crash(&mut random);
            engine = engine.reopen().unwrap();
            engine.settle();
        }
        if step % 10 == 9 {
            engine.suspend_timers(false);
            engine.pass_ms(1 + random.below(20_000));
            check(&mut engine, &oracle, since_ms, seed);
        }
    }
}

#[test]
fn events_count_for_what_was_known_of_their_key_and_for_what_became_known_first() {
    for seed in 0..12 {
        one_run(seed);
    }
}

#[test]
fn what_had_no_fact_is_moved_in_steps_and_adds_up_at_each() {
    let mut random = Random::new(4);
    let mut engine =
        engine(&["COUNTER.CREATE v SHARDS 1 TOP 2 BUCKETS 1s:1d,1h:5d LATE_MS 1d DIMS d FACTS d"]);
    let since_ms = engine.now_ms() - 90_000_000;
    for _ in 0..60 {
        let at_ms = engine.now_ms() - random.below(80_000_000);
        for key in ["a", "b"] {
            let add = format!("COUNTER.ADD v * {key} AT {at_ms}");
            assert!(engine.call(&add).contains("counted"));
        }
    }
    engine.checkpoint();
    engine.suspend_timers(true);
    let words = "facts=[{dim=d value=x}] repeated=false moving=true";
    says(&mut engine, "COUNTER.FACT v a d=x", words);
    engine.suspend_timers(false);
    let mut steps = 0;
    while engine.execute() {
        steps += 1;
        engine.write().unwrap();
        assert_eq!(engine.audit().faults, Vec::<String>::new());
    }
    assert!(steps > 20, "{steps} steps");
    engine.settle();
    says(
        &mut engine,
        "COUNTER.FACTS v a",
        "repeated=false moving=false",
    );
    let span = format!("FROM {since_ms} TO {}", engine.now_ms());
    for (key, of) in [("a", "{value=x counts"), ("b", "{value=? counts")] {
        let range = format!("COUNTER.RANGE v {key} {span} STEP 86400000 BY d");
        says(&mut engine, &range, of);
        let answer = engine.call(&range);
        assert_eq!(told(&answer, "total").values().sum::<u64>(), 60, "{answer}");
    }
}

#[test]
fn fact_is_told_once_and_another_one_holds_from_then_on() {
    let mut engine = engine(&[
        "COUNTER.CREATE v DIMS c,d,e FACTS d,e BUCKETS 1m:1d",
        "COUNTER.CREATE plain DIMS d",
    ]);
    let now_ms = engine.now_ms();
    for (command, words) in [
        ("COUNTER.FACTS v a", "facts=[] repeated=false moving=false"),
        ("COUNTER.ADD v * a AMOUNT 1", "counted"),
        (
            "COUNTER.FACT v a d=x",
            "facts=[{dim=d value=x}] repeated=false",
        ),
        (
            "COUNTER.FACT v a d=x",
            "facts=[{dim=d value=x}] repeated=true",
        ),
        ("COUNTER.ADD v * a AMOUNT 2", "counted"),
        (
            "COUNTER.FACT v a d=y",
            "facts=[{dim=d value=y}] repeated=false",
        ),
        ("COUNTER.ADD v * a AMOUNT 4 DIMS c=z", "counted"),
        (
            "COUNTER.FACT v a e=u",
            "facts=[{dim=d value=y} {dim=e value=u}] repeated=false",
        ),
        ("COUNTER.ADD v * b AMOUNT 8", "counted"),
        ("COUNTER.ADD v * a DIMS d=x", "dimension_of_facts"),
        ("COUNTER.FACT v a c=x", "unknown_dimension"),
        ("COUNTER.FACT v a f=x", "unknown_dimension"),
        ("COUNTER.FACT v a d=?", "value_reserved"),
        ("COUNTER.FACT v * d=x", "key_reserved"),
        ("COUNTER.FACT v a d", "invalid: facts must be name=value"),
        ("COUNTER.FACT plain a d=x", "unknown_dimension"),
        ("COUNTER.FACT x a d=x", "unknown_counter"),
        ("COUNTER.FACTS x a", "unknown_counter"),
        ("COUNTER.CREATE w DIMS c FACTS d", "unknown_dimension"),
    ] {
        says(&mut engine, command, words);
    }
    engine.pass_ms(10);
    let top = format!("COUNTER.TOP v FROM {now_ms} TO {} BY", now_ms + 1);
    for (by, words) in [
        (
            "d",
            "values=[{value=? count=8} {value=y count=4} {value=x count=3}] ",
        ),
        ("e", "values=[{value=? count=8} {value=u count=7}] "),
        ("c", "values=[{value=z count=4}] "),
    ] {
        says(&mut engine, &format!("{top} {by}"), words);
    }
}

#[test]
fn facts_beyond_the_limit_of_values_count_together() {
    let mut engine = engine(&["COUNTER.CREATE v SHARDS 1 VALUES 1 DIMS d FACTS d BUCKETS 1m:1d"]);
    let now_ms = engine.now_ms();
    for key in ["a", "b", "c"] {
        says(&mut engine, &format!("COUNTER.ADD v * {key}"), "counted");
    }
    for key in ["a", "b"] {
        says(
            &mut engine,
            &format!("COUNTER.FACT v {key} d=of-{key}"),
            "name=v",
        );
        engine.pass_ms(10);
    }
    let top = format!("COUNTER.TOP v FROM {now_ms} TO {} BY d", now_ms + 1);
    let said =
        "values=[{value=? count=1} {value=of-a count=1}] keys=[] exact=false missed_at_most=1";
    says(&mut engine, &top, said);
}
