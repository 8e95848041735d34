//! A command may be answered later: what it did is kept, and only its answer waits.

use tidegate_engine::contract::Status;
use tidegate_engine::limits::WAITERS_MAX;
use tidegate_engine::testing::{Stepper, TOY};

fn fresh() -> Stepper {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.SHARES a");
    engine
}

/// Runs what can be run, and has none of it written: no letter leaves.
fn run(engine: &mut Stepper) {
    // What one executor has for another is seen in its next turn.
    for _ in 0..4 {
        while engine.execute() {}
    }
}

#[test]
fn answer_comes_once_the_key_is_told() {
    let mut engine = fresh();
    let greeting = engine.submit("NOTE.GREET a b").unwrap();
    run(&mut engine);
    engine.write().unwrap();
    run(&mut engine);
    assert_eq!(engine.answer(greeting), None);
    engine.settle();
    let answer = (Status::Done, "key=a sent=1 received=0 thanked=1".to_owned());
    assert_eq!(engine.answer(greeting), Some(answer));
}

#[test]
fn answer_waits_until_what_it_rests_on_is_durable() {
    let mut engine = fresh();
    let greeting = engine.submit("NOTE.GREET a b").unwrap();
    // There, and back: each time what was done is durable before the letter leaves.
    for _ in 0..2 {
        run(&mut engine);
        engine.write().unwrap();
    }
    run(&mut engine);
    assert_eq!(engine.answer(greeting), None);
    engine.write().unwrap();
    run(&mut engine);
    assert_eq!(engine.answer(greeting).unwrap().0, Status::Done);
}

#[test]
fn who_has_waited_long_enough_is_told_to_ask_again() {
    let mut engine = fresh();
    let greeting = engine.submit("NOTE.GREET a b WAIT 200").unwrap();
    run(&mut engine);
    engine.clock.advance_ms(199);
    run(&mut engine);
    assert_eq!(engine.answer(greeting), None);
    engine.clock.advance_ms(1);
    run(&mut engine);
    engine.write().unwrap();
    run(&mut engine);
    let answer = (Status::Pending, "pending a".to_owned());
    assert_eq!(engine.answer(greeting), Some(answer));
    engine.settle();
    assert_eq!(
        engine.call("NOTE.SHARES a"),
        "key=a sent=1 received=0 thanked=1",
        "what it did is kept"
    );
}

#[test]
fn who_does_not_wait_is_told_at_once_and_what_it_did_is_kept() {
    let mut engine = fresh();
    let greeting = engine.submit("NOTE.GREET a b WAIT 0").unwrap();
    engine.settle();
    assert_eq!(engine.answer(greeting).unwrap().0, Status::Pending);
    assert_eq!(
        engine.call("NOTE.SHARES a"),
        "key=a sent=1 received=0 thanked=1"
    );
}

#[test]
fn those_who_wait_for_one_key_are_answered_in_their_order() {
    let mut engine = fresh();
    let greetings = [(); 3].map(|()| engine.submit("NOTE.GREET a b").unwrap());
    engine.settle();
    let last = "key=a sent=3 received=0 thanked=3".to_owned();
    for greeting in greetings {
        assert_eq!(engine.answer(greeting), Some((Status::Done, last.clone())));
    }
}

#[test]
fn when_the_engine_stops_nobody_is_left_waiting() {
    let mut engine = fresh();
    let greeting = engine.submit("NOTE.GREET a b WAIT 1000").unwrap();
    run(&mut engine);
    engine.door().stop();
    run(&mut engine);
    engine.write().unwrap();
    run(&mut engine);
    assert_eq!(engine.answer(greeting).unwrap().0, Status::Pending);
}

#[test]
fn read_waits_for_what_is_not_there_yet() {
    let mut engine = fresh();
    let waits = ["NOTE.AWAIT a", "NOTE.AWAIT b"].map(|words| engine.submit(words).unwrap());
    engine.settle();
    assert_eq!(waits.map(|token| engine.answer(token)), [None, None]);
    engine.call("NOTE.PUT a 1 hello");
    engine.pass_ms(100);
    let written = (Status::Done, "key=a text=hello times=1".to_owned());
    let unknown = (Status::NotFound, "unknown_note".to_owned());
    let answers = waits.map(|token| engine.answer(token).unwrap());
    assert_eq!(answers, [written, unknown]);
}

#[test]
fn only_so_many_reads_wait_and_the_next_is_told_busy() {
    let mut engine = fresh();
    let waits: Vec<_> = (0..=WAITERS_MAX / 2)
        .map(|_| {
            let waits = engine.submit("NOTE.AWAIT a WAIT 1000").unwrap();
            engine.execute();
            waits
        })
        .collect();
    run(&mut engine);
    let (last, others) = waits.split_last().unwrap();
    assert_eq!(engine.answer(*last).unwrap().0, Status::Busy);
    assert!(others.iter().all(|token| engine.answer(*token).is_none()));
    engine.call("NOTE.PUT a 1 hello");
    let is_done = |token: &u64| engine.answer(*token).unwrap().0 == Status::Done;
    assert!(others.iter().all(is_done));
    let again = engine.submit("NOTE.AWAIT a").unwrap();
    engine.settle();
    assert_eq!(engine.answer(again).unwrap().0, Status::Done);
}
