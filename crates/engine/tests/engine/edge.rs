//! What a transaction tells the edge is known there once it is durable, and not for ever.

use tidegate_engine::Watch;
use tidegate_engine::contract::{Raw, Status, Values, Work};
use tidegate_engine::testing::{Stepper, TOY};

fn fresh() -> Stepper {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.SHARES a");
    engine
}

fn run(engine: &mut Stepper) {
    while engine.execute() {}
}

/// What is answered without a step of the engine, if anything is.
fn at_edge(engine: &mut Stepper) -> Option<String> {
    let token = engine.submit("NOTE.HOISTED a").unwrap();
    let (status, said) = engine.answer(token)?;
    assert_eq!(status, Status::Done);
    Some(said)
}

#[test]
fn flag_goes_up_once_it_is_durable_and_until_then_the_partition_is_asked() {
    let mut engine = fresh();
    let token = engine.submit("NOTE.HOIST a news").unwrap();
    run(&mut engine);
    assert_eq!(at_edge(&mut engine), None);
    run(&mut engine);
    assert_eq!(engine.answer(token), None);
    engine.write().unwrap();
    run(&mut engine);
    assert_eq!(at_edge(&mut engine).unwrap(), "what=news by=edge");
    let metrics = engine.door().metrics();
    assert_eq!(metrics.requests_at_edge.get(), 1);
}

#[test]
fn flag_comes_down_by_itself_when_lowered_and_with_a_restart() {
    let mut engine = fresh();
    engine.call("NOTE.HOIST a news FOR 200");
    engine.clock.advance_ms(199);
    engine.settle();
    assert_eq!(engine.call("NOTE.HOISTED a"), "what=news by=edge");
    engine.clock.advance_ms(1);
    engine.settle();
    assert_eq!(engine.call("NOTE.HOISTED a"), "what=news by=partition");

    engine.call("NOTE.HOIST a more FOR 100000");
    assert_eq!(engine.call("NOTE.HOISTED a"), "what=more by=edge");
    engine.call("NOTE.HOIST a down");
    assert_eq!(engine.call("NOTE.HOISTED a"), "what=down by=partition");

    engine.call("NOTE.HOIST a last FOR 100000");
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("NOTE.HOISTED a"), "what=last by=partition");
}

#[test]
fn time_is_told_without_a_step_of_the_engine() {
    let mut engine = fresh();
    engine.clock.advance_ms(7);
    let token = engine.submit("TIME.GET").unwrap();
    let now = tidegate_engine::testing::ManualClock::START_MS + 7;
    let told = (Status::Done, format!("now_ms={now}"));
    assert_eq!(engine.answer(token), Some(told));
}

#[test]
fn command_that_is_refused_raises_nothing() {
    let mut engine = fresh();
    engine.call("NOTE.HOIST a news");
    engine.call("NOTE.HOIST a no");
    assert_eq!(engine.call("NOTE.HOISTED a"), "what=news by=edge");
}

#[test]
fn flag_that_says_nothing_of_its_command_goes_up_though_that_is_refused_once_what_was_before_is_durable()
 {
    let mut engine = fresh();
    let token = engine.submit("NOTE.HOIST a news").unwrap();
    let refused = engine.submit("NOTE.HOIST a surely").unwrap();
    run(&mut engine);
    assert_eq!((engine.answer(token), engine.answer(refused)), (None, None));
    assert_eq!(at_edge(&mut engine), None);
    engine.settle();
    assert!(engine.answer(refused).unwrap().1.starts_with("note_full"));
    assert_eq!(at_edge(&mut engine).unwrap(), "what=surely by=edge");
}

/// What is answered about a note: that it never said anything, by the edge, or something by its partition.
fn told_of(engine: &mut Stepper, key: &str) -> String {
    engine.call(&format!("NOTE.HOISTED {key}"))
}

const NOBODY: &str = "what= by=edge";

#[test]
fn edge_knows_which_keys_there_are_over_a_restart_and_a_checkpoint() {
    let mut engine = fresh();
    assert_eq!(told_of(&mut engine, "a"), NOBODY);
    let token = engine.submit("NOTE.HOIST a news FOR 1").unwrap();
    run(&mut engine);
    assert_eq!(at_edge(&mut engine), None, "though it is not durable yet");
    engine.settle();
    engine.pass_ms(1);
    assert!(engine.answer(token).is_some());
    let by_partition = "what=news by=partition";
    assert_eq!(told_of(&mut engine, "a"), by_partition);

    let mut engine = engine.reopen().unwrap();
    assert_eq!(told_of(&mut engine, "a"), by_partition, "from the log");
    assert_eq!(told_of(&mut engine, "b"), NOBODY);
    engine.checkpoint();
    assert_eq!(told_of(&mut engine, "a"), by_partition);
    engine.call("NOTE.HOIST c more FOR 1");
    let mut engine = engine.reopen().unwrap();
    let unknown = "what= by=partition";
    assert_eq!(told_of(&mut engine, "b"), unknown, "the base is not read");
    engine.tend();
    for (key, expected) in [
        ("a", by_partition),
        ("b", NOBODY),
        ("c", "what=more by=partition"),
    ] {
        assert_eq!(told_of(&mut engine, key), expected, "{key}");
    }
}

/// The same note as a watch wants it.
fn watch(engine: &Stepper, key: &str) -> Watch {
    let def = TOY.requests.iter().find(|def| def.resp == "NOTE.GET");
    let values = [Some(Raw::Text(key.as_bytes()))];
    let Ok(Work::Call(call)) = def.unwrap().read(&Values(&values)) else {
        unreachable!("because it is a query");
    };
    engine.door().watch(&*call)
}

#[test]
fn change_is_counted_once_it_is_durable_and_before_it_is_answered() {
    let mut engine = fresh();
    let (watch, other) = (watch(&engine, "a"), watch(&engine, "b"));
    let token = engine.submit("NOTE.PUT a 1 text").unwrap();
    run(&mut engine);
    assert_eq!((watch.changes(), engine.answer(token)), (0, None));
    engine.write().unwrap();
    run(&mut engine);
    assert!(engine.answer(token).is_some());
    assert_eq!((watch.changes(), other.changes()), (1, 0));
}

#[test]
fn what_reads_or_is_refused_is_no_change_and_nothing_is_counted_while_nobody_watches() {
    let mut engine = fresh();
    engine.call("NOTE.PUT a 0 text");
    let first = watch(&engine, "a");
    assert!(engine.call("NOTE.GET a").starts_with("key=a"));
    engine.call("NOTE.HOISTED a");
    engine.call("NOTE.HOIST a no");
    assert_eq!(first.changes(), 0);
    drop(first);
    engine.call("NOTE.PUT a 1 text");
    let second = watch(&engine, "a");
    assert_eq!(second.changes(), 0);
    engine.call("NOTE.PUT a 2 text");
    assert_eq!(second.changes(), 1);
}

#[test]
fn timer_and_letter_change_what_is_watched() {
    let mut engine = fresh();
    let (from, to) = (watch(&engine, "a"), watch(&engine, "b"));
    engine.call("NOTE.PUT a 1 text TTL 200");
    engine.call("NOTE.SHARE a b");
    engine.settle();
    let (before, shared) = (from.changes(), to.changes());
    assert!(shared > 0);
    engine.pass_ms(300);
    engine.settle();
    assert!(from.changes() > before);
}
