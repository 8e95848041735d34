//! Calls to the outside: made at least once, under one number, and what comes of them taken in once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tidegate_engine::limits::{CALL_HISTORY_MAX, CALL_REST_MAX_MS, CALLS_MAX};
use tidegate_engine::testing::{Stepper, TOY};
use tidegate_engine::{Report, Said, Try};

fn fresh() -> Stepper {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.GET nothing");
    engine
}

/// What is to be tried, which is one.
fn the_try(engine: &Stepper) -> Try {
    let mut tries = engine.courier.take();
    assert_eq!(tries.len(), 1, "{tries:?}");
    tries.remove(0)
}

fn answer(engine: &mut Stepper, tried: &Try, status: u16, body: &str) {
    let body = body.as_bytes().to_vec().into();
    let said = Said { status, body };
    engine.courier.report(tried, Report::Answer(said));
    engine.settle();
}

fn nothing(engine: &mut Stepper, tried: &Try, retry_after_ms: Option<u64>) {
    let why = format!("try {} came to nothing", tried.nth);
    let report = Report::Nothing {
        why,
        retry_after_ms,
    };
    engine.courier.report(tried, report);
    engine.settle();
}

/// Tries and fails until nothing is to be tried any more within a day.
fn fail_until_given_up(engine: &mut Stepper) -> Vec<Try> {
    let mut failed = Vec::new();
    for _ in 0..24 * 60 {
        for tried in engine.courier.take() {
            nothing(engine, &tried, None);
            failed.push(tried);
        }
        engine.pass_ms(CALL_REST_MAX_MS);
    }
    failed
}

fn heard(engine: &mut Stepper, key: &str) -> String {
    assert_eq!(engine.audit().faults, Vec::<String>::new());
    engine.call(&format!("NOTE.ANSWERS {key}"))
}

#[test]
fn call_leaves_once_it_is_durable() {
    let mut engine = fresh();
    engine.submit("NOTE.ASK a why").unwrap();
    while engine.execute() {}
    assert_eq!(engine.courier.take(), Vec::new());
    engine.settle();
    let tried = the_try(&engine);
    assert_eq!((&*tried.service, &*tried.action), ("oracle", "ask"));
    assert_eq!((&*tried.about, tried.nth), ("why", 1));
    assert_eq!(tried.body.as_slice(), b"?");
}

#[test]
fn answer_is_taken_in_once_however_often_it_comes() {
    let mut engine = fresh();
    engine.call("NOTE.ASK a why");
    let tried = the_try(&engine);
    answer(&mut engine, &tried, 404, "nobody");
    answer(&mut engine, &tried, 200, "because");
    assert_eq!(heard(&mut engine, "a"), "last=404:nobody times=1");
    assert_eq!(engine.call("CALL.LIST"), "items=[] next=-");
}

#[test]
fn call_without_an_answer_is_tried_again_under_its_number_after_a_start_too() {
    let mut engine = fresh();
    engine.call("NOTE.ASK a why");
    let first = the_try(&engine);
    let mut engine = engine.reopen().unwrap();
    engine.settle();
    let again = the_try(&engine);
    assert_eq!(
        (again.number, again.nth),
        (first.number, 1),
        "it was not known"
    );
    nothing(&mut engine, &again, Some(20_000));
    assert_eq!(engine.courier.take(), Vec::new(), "it rests");
    let mut engine = engine.reopen().unwrap();
    engine.settle();
    assert_eq!(engine.courier.take(), Vec::new(), "it still rests");
    engine.pass_ms(CALL_REST_MAX_MS);
    let second = the_try(&engine);
    assert_eq!((second.number, second.nth), (first.number, 2));
    answer(&mut engine, &second, 200, "because");
    assert_eq!(heard(&mut engine, "a"), "last=200:because times=1");
}

#[test]
fn report_of_a_try_that_is_over_changes_nothing() {
    let mut engine = fresh();
    engine.call("NOTE.ASK a why");
    let first = the_try(&engine);
    nothing(&mut engine, &first, None);
    engine.pass_ms(CALL_REST_MAX_MS);
    let second = the_try(&engine);
    nothing(&mut engine, &first, None);
    assert!(engine.call("CALL.LIST").contains("state=calling"));
    answer(&mut engine, &second, 200, "because");
    assert_eq!(heard(&mut engine, "a"), "last=200:because times=1");
}

#[test]
fn call_rests_as_long_as_the_other_side_asks_for() {
    let mut engine = fresh();
    engine.call("NOTE.ASK a why");
    let tried = the_try(&engine);
    nothing(&mut engine, &tried, Some(20_000));
    engine.pass_ms(19_999);
    assert_eq!(engine.courier.take(), Vec::new());
    engine.pass_ms(1);
    the_try(&engine);
}

#[test]
fn call_that_is_given_up_is_listed_with_its_history_and_can_be_tried_again() {
    let mut engine = fresh();
    engine.call("NOTE.ASK a why TRIES 3");
    assert_eq!(fail_until_given_up(&mut engine).len(), 3);
    assert_eq!(heard(&mut engine, "a"), "last=given_up times=1");
    let listed = engine.call("CALL.LIST STATE given_up");
    for nth in 1..=3 {
        assert!(
            listed.contains(&format!("why=try {nth} came to nothing")),
            "{listed}"
        );
    }
    let (_, id) = listed.split_once("id=").unwrap();
    let id = id.split(' ').next().unwrap().to_owned();
    let receipt = format!("id={id} state=calling tries=4 repeated=");
    assert_eq!(
        engine.call(&format!("CALL.RETRY {id}")),
        format!("{receipt}false")
    );
    assert_eq!(
        engine.call(&format!("CALL.RETRY {id}")),
        format!("{receipt}true")
    );
    assert_eq!(engine.call(&format!("CALL.DROP {id}")), "call_under_way");
    let tried = the_try(&engine);
    answer(&mut engine, &tried, 200, "because");
    assert_eq!(heard(&mut engine, "a"), "last=200:because times=2");
    assert_eq!(engine.call(&format!("CALL.RETRY {id}")), "unknown_call");
}

#[test]
fn call_that_is_dropped_stays_listed_and_is_not_tried_any_more() {
    let mut engine = fresh();
    engine.call("NOTE.ASK a why TRIES 1");
    fail_until_given_up(&mut engine);
    let listed = engine.call("CALL.LIST");
    let (_, id) = listed.split_once("id=").unwrap();
    let id = id.split(' ').next().unwrap().to_owned();
    let receipt = format!("id={id} state=dropped tries=1 repeated=");
    assert_eq!(
        engine.call(&format!("CALL.DROP {id}")),
        format!("{receipt}false")
    );
    assert_eq!(
        engine.call(&format!("CALL.DROP {id}")),
        format!("{receipt}true")
    );
    assert_eq!(engine.call(&format!("CALL.RETRY {id}")), "call_dropped");
    let mut engine = engine.reopen().unwrap();
    engine.settle();
    assert_eq!(engine.courier.take(), Vec::new());
    assert!(engine.call("CALL.LIST STATE dropped").contains(&id));
    assert_eq!(heard(&mut engine, "a"), "last=given_up times=1");
}

#[test]
fn call_of_who_asks_again_by_itself_leaves_nothing_once_given_up() {
    let mut engine = fresh();
    engine.call("NOTE.ASK a why TRIES 1 KEPT 0");
    fail_until_given_up(&mut engine);
    assert_eq!(heard(&mut engine, "a"), "last=given_up times=1");
    assert_eq!(engine.call("CALL.LIST"), "items=[] next=-");
}

#[test]
fn call_is_given_up_when_its_time_is_over_and_only_its_last_tries_are_remembered() {
    let mut engine = fresh();
    engine.call("NOTE.ASK a why FOR 3600000 TRIES 100");
    let tries = fail_until_given_up(&mut engine).len();
    assert!((50..=70).contains(&tries), "{tries}");
    assert_eq!(heard(&mut engine, "a"), "last=given_up times=1");
    let listed = engine.call("CALL.LIST");
    assert_eq!(listed.matches("came to nothing").count(), CALL_HISTORY_MAX);
}

#[test]
fn more_calls_than_there_is_room_for_are_told_busy_and_room_comes_back() {
    let mut engine = fresh();
    let mut asked = 0;
    while engine.call("NOTE.ASK a why") == "key=a" {
        asked += 1;
    }
    assert_eq!(asked, CALLS_MAX * 80 / 100);
    let tries = engine.courier.take();
    answer(&mut engine, &tries[0], 200, "because");
    assert_eq!(engine.call("NOTE.ASK a why"), "key=a");
    assert_eq!(engine.call("NOTE.ASK a why"), "busy");
    let mut engine = engine.reopen().unwrap();
    engine.settle();
    assert_eq!(engine.call("NOTE.ASK a why"), "busy", "a start counts them");
}

#[test]
fn answer_that_stops_the_process_twice_is_set_aside() {
    let mut engine = fresh();
    engine.call("NOTE.ASK a panic");
    for _ in 0..2 {
        engine.settle();
        let tried = the_try(&engine);
        let answered = catch_unwind(AssertUnwindSafe(|| answer(&mut engine, &tried, 200, "")));
        assert!(answered.is_err(), "it panics");
        engine.strike();
        engine = engine.reopen().unwrap();
    }
    engine.settle();
    let tried = the_try(&engine);
    answer(&mut engine, &tried, 200, "");
    assert!(engine.call("DEAD.LIST").contains("key=a"));
    assert_eq!(heard(&mut engine, "a"), "last= times=0");
    assert_eq!(engine.call("CALL.LIST"), "items=[] next=-");
}

#[test]
fn calls_behind_a_checkpoint_are_found_again() {
    let mut engine = fresh();
    engine.call("NOTE.ASK a why");
    engine.call("NOTE.ASK b why");
    let tries = engine.courier.take();
    nothing(&mut engine, &tries[1], Some(20_000));
    engine.checkpoint();
    let mut engine = engine.reopen().unwrap();
    engine.checkpoint();
    answer(&mut engine, &tries[0], 200, "because");
    assert_eq!(heard(&mut engine, "a"), "last=200:because times=1");
    drop(engine.courier.take());
    engine.pass_ms(CALL_REST_MAX_MS);
    let tried = the_try(&engine);
    answer(&mut engine, &tried, 200, "too");
    assert_eq!(heard(&mut engine, "b"), "last=200:too times=1");
}
