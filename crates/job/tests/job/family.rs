//! Jobs that wait for others.

use tidegate_job::EARLY_MS;

use crate::support::{Desk, field};

fn state(desk: &mut Desk, queue: &str, id: &str) -> String {
    field(&desk.call(&format!("JOB.GET {queue} {id}")), "state").to_owned()
}

/// Takes all that is ready and has it done.
fn work(desk: &mut Desk, queue: &str) -> Vec<String> {
    let told = desk.call(&format!("JOB.TAKE w 1 {queue} COUNT 99"));
    let ids = told.split("id=").skip(1);
    let ids: Vec<_> = ids
        .map(|rest| rest.split(' ').next().unwrap().to_owned())
        .collect();
    for id in &ids {
        let lease = field(&told, "lease");
        desk.call(&format!("JOB.DONE {queue} {id} {lease}"));
    }
    ids
}

#[test]
fn parent_is_ready_once_its_children_have_ended_wherever_they_are() {
    let mut desk = Desk::new();
    let told = desk.call("JOB.ADD main p x CHILDREN 3");
    assert_eq!(field(&told, "state"), "waiting");
    desk.call("JOB.ADD main a x PARENT p");
    desk.call("JOB.ADD other b x PARENT p PARENTQUEUE main");
    desk.call("JOB.ADD other c x PARENT p PARENTQUEUE main DELAY 50");
    assert_eq!(work(&mut desk, "main"), ["a"]);
    assert_eq!(work(&mut desk, "other"), ["b"]);
    let told = desk.call("JOB.GET main p");
    assert_eq!(
        (field(&told, "state"), field(&told, "waits_for")),
        ("waiting", "1")
    );
    desk.balances();
    desk.pass(50);
    assert_eq!(field(&desk.call("JOB.GET other c"), "parent"), "p");
    assert_eq!(work(&mut desk, "other"), ["c"]);
    assert_eq!(work(&mut desk, "main"), ["p"]);
    desk.balances();
}

#[test]
fn who_waits_for_jobs_is_told_of_the_parent() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD main p x CHILDREN 1");
    desk.call("JOB.ADD other a x PARENT p PARENTQUEUE main");
    let waits = desk.submit("JOB.TAKE w 1 main WAIT 900");
    work(&mut desk, "other");
    let told = desk.engine().answer(waits).unwrap().1;
    assert_eq!(field(&told, "id"), "p");
}

#[test]
fn child_that_is_cancelled_or_dropped_has_ended_and_a_dead_one_has_not() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q p x CHILDREN 3");
    for id in ["cancelled", "dropped", "replayed"] {
        desk.call(&format!("JOB.ADD q {id} x PARENT p RETRIES 0"));
    }
    desk.call("JOB.CANCEL q cancelled");
    for id in ["dropped", "replayed"] {
        let lease = desk.take("q");
        desk.call(&format!("JOB.FAIL q {id} {lease}"));
    }
    assert_eq!(field(&desk.call("JOB.GET q p"), "waits_for"), "2");
    desk.call("JOB.DROP q dropped");
    assert_eq!(field(&desk.call("JOB.GET q p"), "waits_for"), "1");
    desk.call("JOB.REPLAY q replayed");
    assert_eq!(field(&desk.call("JOB.GET q p"), "waits_for"), "1");
    assert_eq!(work(&mut desk, "q"), ["replayed"]);
    assert_eq!(work(&mut desk, "q"), ["p"]);
    desk.balances();
}

#[test]
fn all_that_are_dropped_at_once_have_ended() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q p x CHILDREN 5");
    for number in 0..5 {
        desk.call(&format!("JOB.ADD q j{number} x PARENT p RETRIES 0"));
        let lease = desk.take("q");
        desk.call(&format!("JOB.FAIL q j{number} {lease}"));
    }
    desk.call("JOB.DROPALL q");
    assert_eq!(state(&mut desk, "q", "p"), "ready");
    desk.balances();
}

#[test]
fn child_counts_once_however_often_it_is_said_to_be_done() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q p x CHILDREN 2");
    desk.call("JOB.ADD q a x PARENT p");
    let lease = desk.take("q");
    for _ in 0..3 {
        desk.call(&format!("JOB.DONE q a {lease}"));
        desk.call("JOB.ADD q a x PARENT p");
    }
    desk.pass(600_000); // It is forgotten.
    assert_eq!(field(&desk.call("JOB.GET q p"), "waits_for"), "1");
    desk.balances();
}

#[test]
fn parent_may_be_cancelled_or_pass_its_deadline_while_it_waits() {
    let mut desk = Desk::new();
    let deadline = desk.now() + 50;
    desk.call("JOB.ADD q p x CHILDREN 1");
    desk.call(&format!("JOB.ADD q d x CHILDREN 1 DEADLINE {deadline}"));
    assert_eq!(desk.listed("waiting"), ["p", "d"]);
    desk.call("JOB.CANCEL q p");
    desk.pass(50);
    assert_eq!(state(&mut desk, "q", "d"), "dead");
    desk.balances();
    desk.call("JOB.ADD q a x PARENT p");
    desk.call("JOB.ADD q b x PARENT d");
    desk.call("JOB.ADD q c x PARENT nobody");
    assert_eq!(work(&mut desk, "q"), ["a", "b", "c"]);
    assert_eq!(state(&mut desk, "q", "p"), "cancelled");
    desk.call("JOB.REPLAY q d");
    desk.balances();
    assert_eq!(work(&mut desk, "q"), ["d"], "it waits for nobody any more");
    desk.balances();
}

#[test]
fn families_that_cannot_be_are_refused() {
    let mut desk = Desk::new();
    for words in [
        "CHILDREN 1 DELAY 5",
        "CHILDREN 1 AT 5",
        "CHILDREN 1 EVERY 5000",
        "PARENTQUEUE q",
        "PARENT p EVERY 5000",
        "PARENT a",
        "PARENT a PARENTQUEUE q",
    ] {
        assert_eq!(
            desk.call(&format!("JOB.ADD q a x {words}")),
            "invalid_family",
            "{words}"
        );
    }
    let told = desk.call("JOB.ADD q a x PARENT a PARENTQUEUE other CHILDREN 2");
    assert_eq!(field(&told, "state"), "waiting");
}

#[test]
fn parent_hears_of_its_children_though_everything_stops_in_between() {
    for writes in 0..6 {
        let mut desk = Desk::new();
        desk.call("JOB.ADD main p x CHILDREN 2");
        for id in ["a", "b"] {
            desk.call(&format!("JOB.ADD other {id} x PARENT p PARENTQUEUE main"));
        }
        let told = desk.call("JOB.TAKE w 1 other COUNT 2");
        let lease = field(&told, "lease").to_owned();
        for id in ["a", "b"] {
            let words = format!("JOB.DONE other {id} {lease}");
            desk.engine().submit(&words).unwrap();
            for _ in 0..writes {
                desk.engine().execute();
                desk.engine().write().unwrap();
            }
            desk.reopen();
            // Who was not answered says it again.
            desk.call(&words);
        }
        assert_eq!(state(&mut desk, "main", "p"), "ready", "{writes} writes");
        desk.balances();
    }
}

#[test]
fn child_that_has_ended_before_its_parent_was_added_counts() {
    let mut desk = Desk::new();
    for id in ["a", "b"] {
        desk.call(&format!("JOB.ADD other {id} x PARENT p PARENTQUEUE main"));
    }
    assert_eq!(work(&mut desk, "other"), ["a", "b"]);
    desk.balances();
    assert_eq!(desk.call("JOB.GET main p"), "unknown_job");
    let told = desk.call("JOB.ADD main p x CHILDREN 3");
    assert_eq!(field(&told, "state"), "waiting");
    let told = desk.call("JOB.GET main p");
    assert_eq!(field(&told, "waits_for"), "1");
    desk.balances();
    desk.call("JOB.ADD other c x PARENT p PARENTQUEUE main");
    assert_eq!(work(&mut desk, "other"), ["c"]);
    assert_eq!(work(&mut desk, "main"), ["p"]);
    desk.balances();
}

#[test]
fn parent_whose_children_have_all_ended_before_is_ready_at_once() {
    let mut desk = Desk::new();
    for id in ["cancelled", "done", "dropped"] {
        desk.call(&format!("JOB.ADD q {id} x PARENT p RETRIES 0"));
    }
    desk.call("JOB.CANCEL q cancelled");
    assert_eq!(work(&mut desk, "q"), ["done", "dropped"]);
    let waits = desk.submit("JOB.TAKE w 1 q WAIT 900");
    let told = desk.call("JOB.ADD q p x CHILDREN 2");
    assert_eq!(
        field(&told, "state"),
        "ready",
        "more have ended than it asks for"
    );
    let told = desk.engine().answer(waits).unwrap().1;
    assert_eq!(field(&told, "id"), "p");
    desk.balances();
}

/// Only the next one of that id is their parent, and only for a while.
#[test]
fn child_that_ended_early_counts_once_and_not_for_ever() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q a x PARENT p");
    work(&mut desk, "q");
    desk.call("JOB.ADD q p x KEEP 1");
    assert_eq!(work(&mut desk, "q"), ["p"]);
    desk.pass(1_000); // It is forgotten.
    desk.balances();
    let told = desk.call("JOB.ADD q p x CHILDREN 1");
    assert_eq!(field(&told, "state"), "waiting");
    desk.call("JOB.ADD q b x PARENT r");
    work(&mut desk, "q");
    desk.pass(EARLY_MS - 1);
    desk.balances();
    desk.call("JOB.ADD q c x PARENT r");
    work(&mut desk, "q");
    desk.pass(1);
    desk.balances();
    let told = desk.call("JOB.ADD q r x CHILDREN 1");
    assert_eq!(field(&told, "state"), "waiting");
}

#[test]
fn parent_hears_of_early_children_though_everything_stops_in_between() {
    for writes in 0..8 {
        let mut desk = Desk::new();
        desk.call("JOB.ADD other a x PARENT p PARENTQUEUE main");
        let lease = desk.take("other");
        let done = format!("JOB.DONE other a {lease}");
        desk.engine().submit(&done).unwrap();
        for _ in 0..writes {
            desk.engine().execute();
            desk.engine().write().unwrap();
        }
        desk.reopen();
        desk.balances();
        desk.call(&done);
        desk.call("JOB.ADD main p x CHILDREN 1");
        assert_eq!(state(&mut desk, "main", "p"), "ready", "{writes} writes");
        desk.balances();
    }
}

/// A job that comes of one that recurs waits for nobody, and is its children's parent all the same.
#[test]
fn job_that_recurs_is_there_for_children_that_ended_before() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q beat x EVERY 5000");
    let slot_ms = desk.now() + 5_000;
    desk.call(&format!("JOB.ADD q a x PARENT beat@{slot_ms}"));
    assert_eq!(work(&mut desk, "q"), ["a"]);
    desk.balances();
    desk.pass(5_000);
    assert_eq!(work(&mut desk, "q"), [format!("beat@{slot_ms}")]);
    desk.balances();
}
