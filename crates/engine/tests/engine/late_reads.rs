//! What the base is asked for comes late, and the base has changed meanwhile.

use tidegate_engine::limits::CLOCK_AHEAD_MS;
use tidegate_engine::testing::{Stepper, TOY};

/// An engine whose base says that the note `door` faded after one writing, and that has forgotten it.
fn faded_once() -> Stepper {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.PUT door 1 a TTL 10");
    engine.pass_ms(10);
    for _ in 0..3 {
        engine.checkpoint(); // What a checkpoint has taken along is remembered for a while.
    }
    engine
}

fn run(engine: &mut Stepper) {
    while engine.execute_without_base() {
        engine.write().unwrap();
    }
    engine.write().unwrap();
}

/// A whole checkpoint, while nothing is read.
fn checkpoint(engine: &mut Stepper) {
    let before = engine.door().metrics().checkpoints.get();
    engine.ask_checkpoint();
    while engine.door().metrics().checkpoints.get() == before {
        run(engine);
        engine.checkpoint_step().unwrap();
    }
}

#[test]
fn row_that_was_read_before_a_checkpoint_and_comes_after_it_is_read_again() {
    let mut engine = faded_once();
    engine.call("NOTE.PUT door 2 b TTL 10");
    engine.call("NOTE.PUT door 3 c TTL 10");
    let last = engine.submit("NOTE.LAST door").unwrap();
    run(&mut engine);
    assert!(engine.is_waiting(last));
    assert!(engine.read_one());
    // The note fades again, which writes the row that was read. A checkpoint takes it along.
    engine.clock.advance_ms(10);
    run(&mut engine);
    checkpoint(&mut engine);
    assert!(engine.bring(0), "a checkpoint has ended meanwhile");
    engine.settle();
    assert_eq!(engine.answer(last).unwrap().1, "times=2");
}

#[test]
fn timers_that_were_read_before_a_checkpoint_and_come_after_it_are_read_again() {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.pass_ms(CLOCK_AHEAD_MS); // From now on it promises so far ahead.
    engine.call("NOTE.PUT door 1 a TTL 1000");
    engine.checkpoint();
    engine.call("NOTE.STAY door TTL 2000");
    // A checkpoint begins: it takes along the second timer, and that the first one is cancelled.
    engine.ask_checkpoint();
    engine.checkpoint_step().unwrap();
    run(&mut engine);
    engine.clock.advance_ms(1_000);
    run(&mut engine);
    assert!(engine.read_one(), "the slot's first timers are asked for");
    checkpoint(&mut engine);
    assert!(engine.bring(0), "a checkpoint has ended meanwhile");
    engine.settle();
    engine.pass_ms(1_000);
    assert_eq!(engine.call("NOTE.LAST door"), "times=1");
}

#[test]
fn rows_that_come_in_another_order_than_they_were_asked_for_are_each_ones_own() {
    let mut engine = Stepper::fresh(&[TOY]);
    let keys: Vec<_> = (0..8).map(|n| format!("k{n}")).collect();
    for key in &keys {
        engine.call(&format!("NOTE.PUT {key} 1 text-{key}"));
    }
    for _ in 0..3 {
        engine.checkpoint();
    }
    let mut asked = Vec::new();
    for key in &keys {
        asked.push((key, engine.submit(&format!("NOTE.GET {key}")).unwrap()));
        run(&mut engine);
        assert!(engine.read_one(), "{key} is not in memory");
    }
    while engine.late() > 0 {
        engine.bring(engine.late() - 1);
        run(&mut engine);
    }
    for (key, token) in asked {
        let answer = engine.answer(token).unwrap().1;
        assert_eq!(answer, format!("key={key} text=text-{key} times=1"));
    }
}
