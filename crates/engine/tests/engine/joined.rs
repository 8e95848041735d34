//! Commands that are done as one: those of one kind about one key that stand behind each other.

use tidegate_engine::limits::JOINED_BYTES_MAX;
use tidegate_engine::testing::{Stepper, TOY};

/// What these are answered that come in one batch, one word each.
fn said(engine: &mut Stepper, commands: &[&str]) -> Vec<String> {
    let submit = |command: &&str| engine.submit(command).unwrap();
    let tokens: Vec<_> = commands.iter().map(submit).collect();
    engine.settle();
    let answer = |token: &u64| engine.answer(*token).unwrap().1;
    tokens.iter().map(answer).collect()
}

fn fresh() -> Stepper {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.SHARES a"); // Its clock is promised: commands run at their first step.
    engine
}

#[test]
fn commands_that_stand_behind_each_other_are_done_as_one_and_each_is_answered() {
    let mut engine = fresh();
    let sums = said(
        &mut engine,
        &["NOTE.TALLY a x 1", "NOTE.TALLY a y 5", "NOTE.TALLY a x 2"],
    );
    assert_eq!(
        sums,
        ["sum=1 together=3", "sum=5 together=3", "sum=3 together=3"]
    );
    assert_eq!(engine.call("NOTE.TALLY a x 1"), "sum=4 together=1");
}

#[test]
fn another_command_between_them_keeps_its_place() {
    let mut engine = fresh();
    let sums = said(
        &mut engine,
        &[
            "NOTE.TALLY a x 1",
            "NOTE.TALLY a x 1",
            "NOTE.PUT a 1 text",
            "NOTE.TALLY a x 1",
            "NOTE.TALLY a x 1",
        ],
    );
    assert_eq!(sums[1], "sum=2 together=2");
    assert_eq!(sums[2], "key=a text=text times=1");
    assert_eq!(sums[4], "sum=4 together=2");
}

#[test]
fn one_of_another_key_is_not_done_with_them() {
    // Keys of one slot, so of one partition.
    let slot = |key: &str| tidegate_engine::Slot::of(key.as_bytes());
    let other = (0..).map(|n| format!("b{n}"));
    let other = other
        .into_iter()
        .find(|key| slot(key) == slot("a"))
        .unwrap();
    let mut engine = fresh();
    let tally = format!("NOTE.TALLY {other} x 1");
    let sums = said(
        &mut engine,
        &[
            "NOTE.TALLY a x 1",
            "NOTE.TALLY a x 1",
            &tally,
            "NOTE.TALLY a x 1",
        ],
    );
    assert_eq!(
        sums,
        [
            "sum=1 together=2",
            "sum=2 together=2",
            "sum=1 together=1",
            "sum=3 together=1"
        ]
    );
}

#[test]
fn one_that_is_refused_leaves_no_trace_and_the_others_are_done() {
    let mut engine = fresh();
    let sums = said(
        &mut engine,
        &["NOTE.TALLY a x 1", "NOTE.TALLY a x 13", "NOTE.TALLY a x 2"],
    );
    assert_eq!(
        sums,
        ["sum=1 together=3", "note_full times=3", "sum=3 together=3"]
    );
    let figures = engine.door().domain_figures().find(|of| of.name == "note");
    let figures = figures.unwrap();
    let refusals: Vec<_> = figures
        .refusals
        .into_iter()
        .filter(|(_, many)| *many > 0)
        .collect();
    assert_eq!(refusals, [("note_full", 1)]);
}

#[test]
fn those_that_cannot_be_done_as_one_are_done_one_by_one_in_their_order() {
    let mut engine = fresh();
    let sums = said(
        &mut engine,
        &["NOTE.TALLY a x 1", "NOTE.TALLY a x 99", "NOTE.TALLY a x 2"],
    );
    assert_eq!(
        sums,
        [
            "sum=1 together=1",
            "sum=100 together=1",
            "sum=102 together=1"
        ]
    );
    let sums = said(&mut engine, &["NOTE.TALLY a x 1", "NOTE.TALLY a x 1"]);
    assert_eq!(
        sums[1], "sum=104 together=2",
        "those behind them are done as one again"
    );
}

#[test]
fn rows_that_they_need_from_the_base_are_fetched_at_once_for_all() {
    let mut engine = fresh();
    for item in ["x", "y", "z"] {
        engine.call(&format!("NOTE.TALLY a {item} 5"));
    }
    engine.checkpoint();
    let mut engine = engine.reopen().unwrap();
    engine.call("NOTE.SHARES a");
    let tokens = ["x", "y", "z"].map(|item| {
        let tally = format!("NOTE.TALLY a {item} 1");
        engine.submit(&tally).unwrap()
    });
    engine.execute_without_base();
    while engine.read_one() {}
    assert_eq!(engine.door().metrics().rows_fetched.get(), 3);
    while engine.late() > 0 {
        engine.bring(0);
    }
    engine.settle();
    let answers = tokens.map(|token| engine.answer(token).unwrap().1);
    assert_eq!(answers, ["sum=6 together=3"; 3]);
}

#[test]
fn so_many_are_done_as_one_as_a_record_has_room_for() {
    let mut engine = fresh();
    let half = format!("NOTE.TALLY a x {}", JOINED_BYTES_MAX / 2);
    let sums = said(&mut engine, &[&*half; 5]);
    let together: Vec<_> = sums
        .iter()
        .map(|sum| sum.split("together=").nth(1))
        .collect();
    assert_eq!(
        together,
        [Some("2"), Some("2"), Some("2"), Some("2"), Some("1")]
    );
}

#[test]
fn those_that_write_more_than_they_have_said_are_done_one_by_one() {
    let mut engine = fresh();
    let tallies = [
        "NOTE.TALLY a vast1 1",
        "NOTE.TALLY a vast2 1",
        "NOTE.TALLY a vast3 1",
    ];
    assert_eq!(said(&mut engine, &tallies), ["sum=1 together=1"; 3]);
}

#[test]
fn what_was_answered_is_there_after_a_restart() {
    let mut engine = fresh();
    said(&mut engine, &["NOTE.TALLY a x 1"; 40]);
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("NOTE.TALLY a x 1"), "sum=41 together=1");
}
