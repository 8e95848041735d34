//! Commands that look in several places, and wait in all of them.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_engine::contract::Status;
use tidegate_engine::limits::WAITERS_MAX;
use tidegate_engine::testing::{Stepper, TOY};
use tidegate_engine::{Random, Slot};

/// Of three partitions.
const PLACES: &str = "3 a b c";

fn fresh() -> Stepper {
    Stepper::fresh(&[TOY])
}

fn told(engine: &Stepper, token: u64) -> Option<String> {
    engine.answer(token).map(|(status, told)| {
        assert_eq!(status, Status::Done, "{told}");
        told
    })
}

#[test]
fn places_of_these_tests_lie_in_several_partitions() {
    let partitions = ["a", "b", "c", "d"].map(|key| Slot::of(key.as_bytes()).0 / 1024);
    let partitions: BTreeSet<_> = partitions.into_iter().collect();
    assert!(partitions.len() >= 3, "{partitions:?}");
}

#[test]
fn first_place_that_has_something_is_taken_from() {
    let mut engine = fresh();
    engine.call("NOTE.PUT c 1 late");
    engine.call("NOTE.PUT b 1 early");
    assert_eq!(engine.call("NOTE.SEIZE 3 a b c"), "key=b text=early");
    assert_eq!(engine.call("NOTE.SEIZE 3 a b c"), "key=c text=late");
    assert_eq!(engine.call("NOTE.SEIZE 3 a b c"), "key=- text=-");
}

#[test]
fn who_waits_in_several_places_is_told_in_each_of_them() {
    for place in ["a", "b", "c"] {
        let mut engine = fresh();
        let seized = engine
            .submit(&format!("NOTE.SEIZE {PLACES} WAIT 500"))
            .unwrap();
        engine.settle();
        assert_eq!(engine.answer(seized), None);
        engine.call(&format!("NOTE.PUT {place} 1 it"));
        let answer = format!("key={place} text=it");
        assert_eq!(told(&engine, seized), Some(answer));
    }
}

#[test]
fn what_comes_while_it_is_on_its_way_is_not_missed() {
    for steps in 0..24 {
        for place in ["a", "b", "c"] {
            let mut engine = fresh();
            let seized = engine
                .submit(&format!("NOTE.SEIZE {PLACES} WAIT 500"))
                .unwrap();
            for step in 0..steps {
                engine.execute();
                if step % 2 == 1 {
                    engine.write().unwrap();
                }
            }
            engine.submit(&format!("NOTE.PUT {place} 1 it")).unwrap();
            engine.settle();
            let answer = format!("key={place} text=it");
            assert_eq!(told(&engine, seized), Some(answer), "{steps} steps");
        }
    }
}

#[test]
fn one_thing_is_for_one_of_those_who_wait_the_one_who_came_first() {
    let mut engine = fresh();
    let waits = ["2 a b", "1 a", "3 c b a"].map(|places| {
        let words = format!("NOTE.SEIZE {places} WAIT 900");
        let waits = engine.submit(&words).unwrap();
        engine.settle();
        waits
    });
    for number in 1..=3 {
        engine.call(&format!("NOTE.PUT a {number} n{number}"));
        let answered = waits.iter().filter(|wait| engine.answer(**wait).is_some());
        assert_eq!(answered.count(), number);
    }
    for (number, wait) in (1..).zip(waits) {
        let answer = format!("key=a text=n{number}");
        assert_eq!(told(&engine, wait), Some(answer));
    }
}

#[test]
fn who_has_waited_long_enough_is_answered_once_wherever_that_is_seen_first() {
    let mut engine = fresh();
    let seized = engine
        .submit(&format!("NOTE.SEIZE {PLACES} WAIT 200"))
        .unwrap();
    engine.settle();
    engine.pass_ms(199);
    assert_eq!(engine.answer(seized), None);
    engine.pass_ms(1);
    assert_eq!(told(&engine, seized), Some("key=- text=-".to_owned()));
    engine.call("NOTE.PUT b 1 later");
    assert_eq!(engine.call("NOTE.SEIZE 1 b"), "key=b text=later");
}

#[test]
fn when_the_engine_stops_who_waits_in_several_places_is_answered() {
    let mut engine = fresh();
    let words = format!("NOTE.SEIZE {PLACES} WAIT 900");
    let seized = engine.submit(&words).unwrap();
    engine.settle();
    engine.door().stop();
    engine.settle();
    assert_eq!(told(&engine, seized), Some("key=- text=-".to_owned()));
    assert!(engine.is_quiet());
}

#[test]
fn who_looks_elsewhere_sees_nothing_before_it_is_durable() {
    let mut engine = fresh();
    engine.call("NOTE.PUT a 1 only");
    let first = engine.submit("NOTE.SEIZE 1 a").unwrap();
    let second = engine.submit("NOTE.SEIZE 2 a b").unwrap();
    for _ in 0..8 {
        engine.execute();
    }
    assert_eq!(engine.answer(first), None);
    assert_eq!(
        engine.answer(second),
        None,
        "that there is none rests on what the first one has done"
    );
    engine.settle();
    assert_eq!(told(&engine, first), Some("key=a text=only".to_owned()));
    assert_eq!(told(&engine, second), Some("key=- text=-".to_owned()));
}

#[test]
fn what_comes_is_not_for_one_who_is_gone() {
    for places in ["1 a", "3 c b a"] {
        let mut engine = fresh();
        let [gone, there] = [(); 2].map(|()| {
            let words = format!("NOTE.SEIZE {places} WAIT 900");
            let token = engine.submit(&words).unwrap();
            engine.settle();
            token
        });
        engine.leave(gone);
        engine.call("NOTE.PUT a 1 it");
        assert_eq!(told(&engine, there), Some("key=a text=it".to_owned()));
        assert_eq!(engine.answer(gone).unwrap().0, Status::Busy);
    }
}

#[test]
fn who_is_gone_takes_nothing_when_its_time_is_over_either() {
    let mut engine = fresh();
    let gone = engine.submit("NOTE.SEIZE 1 a WAIT 100").unwrap();
    engine.settle();
    engine.leave(gone);
    engine.pass_ms(100);
    assert_eq!(engine.answer(gone).unwrap().0, Status::Busy);
}

#[test]
fn what_was_asked_by_one_who_is_gone_is_done_all_the_same() {
    let mut engine = fresh();
    engine.call("NOTE.PUT a 1 it");
    let gone = engine.submit("NOTE.SEIZE 1 a").unwrap();
    engine.leave(gone);
    engine.settle();
    assert_eq!(told(&engine, gone), Some("key=a text=it".to_owned()));
}

#[test]
fn marks_of_those_who_found_something_elsewhere_do_not_fill_the_room() {
    let mut engine = fresh();
    for round in 0..=WAITERS_MAX {
        let seized = engine.submit("NOTE.SEIZE 2 a b WAIT 1000").unwrap();
        engine.settle();
        let put = format!("NOTE.PUT b {round} it");
        engine.submit(&put).unwrap();
        engine.settle();
        let answer = "key=b text=it".to_owned();
        assert_eq!(told(&engine, seized), Some(answer), "round {round}");
    }
}

/// Notes come and are sought in random places: each is taken once, and nobody waits where there is one.
#[test]
fn nothing_is_taken_twice_and_nobody_waits_where_there_is_something() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut engine = fresh();
        let keys = ["a", "b", "c", "d"];
        let mut waits: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
        let (mut written, mut taken) = (BTreeSet::new(), BTreeSet::new());
        for step in 0..60 {
            let from = random.below(4) as usize;
            if random.chance(1, 2) {
                let key = keys[from];
                let put = engine
                    .submit(&format!("NOTE.PUT {key} {step} t{step}"))
                    .unwrap();
                if random.chance(1, 2) {
                    engine.settle();
                }
                let _ = put;
                written.insert(format!("t{step}"));
            } else {
                let many = 1 + random.below(4 - from as u64) as usize;
                let places = &keys[from..from + many];
                let words = format!("NOTE.SEIZE {many} {} WAIT 1000", places.join(" "));
                waits.insert(engine.submit(&words).unwrap(), places.to_vec());
            }
            for _ in 0..random.below(3) {
                engine.execute();
            }
            if random.chance(1, 4) {
                engine.settle();
            }
        }
        engine.settle();
        let left: BTreeSet<&str> = keys
            .into_iter()
            .filter(|key| engine.call(&format!("NOTE.GET {key}")) != "unknown_note")
            .collect();
        for (token, places) in waits {
            match told(&engine, token) {
                Some(answer) => {
                    let text = answer.rsplit('=').next().unwrap().to_owned();
                    assert!(written.contains(&text), "seed {seed}: {answer}");
                    assert!(taken.insert(text), "seed {seed}: {answer} twice");
                }
                None => assert!(
                    !places.iter().any(|place| left.contains(place)),
                    "seed {seed}: {places:?} wait, and there are {left:?}"
                ),
            }
        }
    }
}
