//! A counter that is dropped is gone with all that it has counted, and its name may be had again.

use tidegate_counter::COUNTER;
use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_topic::TOPIC;

use crate::talk::{engine, says};

const DECLARED: &str = "COUNTER.CREATE v SHARDS 3 TOP 3 BUCKETS 1s:20s,1m:1h,1h:1d LATE_MS 1d DEDUPE_MS 5s DIMS d,f FACTS f UNIQUE yes";

/// Random events, old and new, of every kind of rows.
fn fill(engine: &mut Stepper, random: &mut Random, events: u64) {
    for n in 0..events {
        let at_ms = engine.now_ms() - random.below(100_000_000);
        let (key, value, who) = (random.below(90), random.below(4), random.below(900));
        let add = format!("COUNTER.ADD v e{n} k{key} AT {at_ms} BY w{who} DIMS d=x{value}");
        let answer = engine.call(&add);
        assert!(answer.starts_with("name=v"), "{answer}");
        if n % 7 == 0 {
            let fact = format!("COUNTER.FACT v k{key} f=y{value}");
            assert!(engine.call(&fact).starts_with("name=v"), "{fact}");
        }
        if n % 100 == 50 {
            engine.pass_ms(random.below(3_000));
        }
    }
}

/// Tables of counters that have rows, with how many.
fn left(engine: &Stepper) -> Vec<(&'static str, i64)> {
    let figures = engine.audit().figures.into_iter();
    let tables = figures.filter(|figure| figure.name.starts_with("counter."));
    let left = tables.filter(|figure| figure.value > 0);
    left.map(|figure| (figure.name, figure.value)).collect()
}

fn assert_lawful(engine: &Stepper) {
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

/// One step after the other until nothing goes any more, with the laws at each.
fn step_on(engine: &mut Stepper, random: &mut Random) -> u64 {
    let mut steps = 0;
    while engine.execute() {
        steps += 1;
        engine.write().unwrap();
        if random.chance(1, 5) {
            assert_lawful(engine);
        }
    }
    engine.settle();
    steps
}

#[test]
fn all_rows_of_a_dropped_counter_go_and_its_name_may_be_had_again() {
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let mut engine = engine(&[
            DECLARED,
            "COUNTER.CREATE other SHARDS 2",
            "COUNTER.ADD other e1 a",
        ]);
        engine.pass_ms(random.below(100_000_000));
        fill(&mut engine, &mut random, 400);
        engine.checkpoint();
        engine.suspend_timers(true);
        engine.pass_ms(random.below(200_000)); // Some rows are to go by themselves by now.
        says(
            &mut engine,
            "COUNTER.DROP v",
            "name=v state=dropped repeated=false",
        );
        says(
            &mut engine,
            "COUNTER.DROP v",
            "name=v state=dropped repeated=true",
        );
        for gone in [
            "COUNTER.GET v k1",
            "COUNTER.GET v *",
            "COUNTER.ADD v * k1",
            "COUNTER.ADD v * k2",
            "COUNTER.ADD v * k3",
            "COUNTER.HOT v COUNT 1",
            "COUNTER.LATE v",
        ] {
            says(&mut engine, gone, "unknown_counter");
        }
        says(&mut engine, "COUNTER.LIST PREFIX v", "items=[] ");
        engine.suspend_timers(false);
        step_on(&mut engine, &mut random);
        engine.pass_ms(10_000);
        assert_lawful(&engine);
        says(&mut engine, "COUNTER.DROP v", "unknown_counter");
        says(&mut engine, "COUNTER.LIST", "items=[{name=other ");
        says(&mut engine, "COUNTER.ADD v * k1", "unknown_counter");
        says(
            &mut engine,
            "COUNTER.CREATE v SHARDS 4",
            "shards_differ shards=3",
        );
        says(&mut engine, DECLARED, "name=v");
        for key in ["*", "k1", "k2", "k3"] {
            says(&mut engine, &format!("COUNTER.GET v {key}"), "count=0 ");
        }
        says(&mut engine, "COUNTER.ADD v e1 k1", "repeated=false");
        says(&mut engine, "COUNTER.GET v *", "count=1 ");
        says(&mut engine, "COUNTER.GET other *", "count=1 ");
        engine.pass_ms(100_000);
        says(&mut engine, "COUNTER.GET v *", "count=1 ");
    }
}

#[test]
fn nothing_is_left_of_a_dropped_counter_but_that_its_shards_know_it() {
    let mut random = Random::new(9);
    let mut engine = engine(&[DECLARED]);
    engine.pass_ms(90_000_000);
    fill(&mut engine, &mut random, 500);
    says(&mut engine, "COUNTER.DROP v", "state=dropped");
    engine.pass_ms(10_000);
    assert_eq!(left(&engine), [("counter.counters", 3)]);
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    engine.call(&DECLARED.replace("SHARDS 3", "SHARDS 1"));
    fill(&mut engine, &mut random, 100);
    says(&mut engine, "COUNTER.DROP v", "state=dropped");
    engine.pass_ms(10_000);
    assert_eq!(left(&engine), []);
    says(&mut engine, "COUNTER.CREATE v SHARDS 5", "shards=5");
}

#[test]
fn a_crash_on_the_way_leaves_nothing_behind() {
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let mut engine = engine(&[DECLARED]);
        fill(&mut engine, &mut random, 300);
        let token = engine.submit("COUNTER.DROP v").unwrap();
        for _ in 0..random.below(8) {
            engine.execute();
            if random.chance(1, 2) {
                engine.write().unwrap();
            }
        }
        if random.chance(1, 3) {
            engine.checkpoint();
        }
        let is_answered = engine.answer(token).is_some();
        engine.disk.crash(&mut random);
        let mut engine = engine.reopen().unwrap();
        engine.settle();
        assert_lawful(&engine);
        if !is_answered {
            engine.call("COUNTER.DROP v");
        }
        engine.pass_ms(10_000);
        assert_lawful(&engine);
        assert_eq!(left(&engine), [("counter.counters", 3)], "seed {seed}");
    }
}

#[test]
fn who_declares_it_again_waits_until_it_is_gone() {
    let mut engine = engine(&[DECLARED]);
    fill(&mut engine, &mut Random::new(3), 100);
    engine.suspend_timers(true);
    says(&mut engine, "COUNTER.DROP v", "state=dropped");
    let token = engine.submit(DECLARED).unwrap();
    engine.settle();
    assert!(engine.answer(token).is_none(), "its rows are still to go");
    engine.suspend_timers(false);
    engine.pass_ms(2_000);
    let (_, answer) = engine.answer(token).unwrap();
    assert!(answer.starts_with("name=v"), "{answer}");
    says(&mut engine, "COUNTER.GET v *", "count=0 ");
}

#[test]
fn what_was_corrected_and_what_was_sent_to_a_topic_goes_with_a_counter() {
    let mut engine = engine(&["COUNTER.CREATE v SHARDS 3 RAW kept"]);
    let at_ms = engine.now_ms();
    for key in ["a", "b", "c", "d", "e"] {
        engine.call(&format!("COUNTER.ADD v * {key} AT {at_ms}"));
        let correct = format!("COUNTER.CORRECT v {key} AT {at_ms} FROM 1 TO 3 BY ann");
        assert!(engine.call(&correct).contains(" to=3 "));
    }
    engine.settle();
    assert!(
        left(&engine)
            .iter()
            .any(|(name, _)| *name == "counter.corrections")
    );
    engine.call("COUNTER.DROP v");
    says(&mut engine, "COUNTER.AUDIT v", "unknown_counter");
    says(&mut engine, "COUNTER.LATE v", "unknown_counter");
    step_on(&mut engine, &mut Random::new(1));
    assert_lawful(&engine);
    says(&mut engine, "COUNTER.AUDIT v", "unknown_counter");
    let left = left(&engine);
    let gone = ["counter.raw", "counter.corrected", "counter.corrections"];
    assert!(
        !left.iter().any(|(name, _)| gone.contains(name)),
        "{left:?}"
    );
}
