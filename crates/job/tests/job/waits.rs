//! Who waits for a job, or for the end of one; and which queue is looked at.

use crate::support::{Desk, field};
use tidegate_engine::contract::Status;

#[test]
fn one_who_waits_takes_what_comes() {
    let mut desk = Desk::new();
    let waits = desk.submit("JOB.TAKE w 1 q WAIT 500");
    assert_eq!(desk.engine().answer(waits), None);
    desk.call("JOB.ADD q a x DELAY 100");
    assert_eq!(desk.engine().answer(waits), None);
    desk.pass(100);
    let (status, told) = desk.engine().answer(waits).unwrap();
    assert_eq!((status, field(&told, "tries")), (Status::Done, "1"));
    let waits = desk.submit("JOB.TAKE w 1 q WAIT 500");
    desk.pass(500);
    let (status, told) = desk.engine().answer(waits).unwrap();
    assert_eq!(
        (status, &*told),
        (Status::Done, "queue=- lease=- group=- jobs=[]")
    );
}

#[test]
fn each_job_is_for_one_of_those_who_wait() {
    let mut desk = Desk::new();
    let waits = [(); 3].map(|()| desk.submit("JOB.TAKE w 1 q WAIT 900"));
    let elsewhere = desk.submit("JOB.TAKE w 2 p q WAIT 900");
    for id in ["a", "b", "c", "d"] {
        desk.call(&format!("JOB.ADD q {id} x"));
    }
    let mut ids = waits
        .map(|wait| desk.engine().answer(wait).unwrap().1)
        .to_vec();
    ids.push(desk.engine().answer(elsewhere).unwrap().1);
    let ids: Vec<_> = ids
        .iter()
        .map(|told| field(told, "id").to_owned())
        .collect();
    assert_eq!(ids, ["a", "b", "c", "d"], "in the order in which they came");
    desk.balances();
}

#[test]
fn first_queue_that_has_a_job_is_taken_from() {
    let mut desk = Desk::new();
    for queue in ["low", "high"] {
        desk.call(&format!("JOB.ADD {queue} a-{queue} x"));
        desk.call(&format!("JOB.ADD {queue} b-{queue} x"));
    }
    assert_eq!(desk.taken_of("2 high low COUNT 9"), ["a-high", "b-high"]);
    assert_eq!(desk.taken_of("2 high low"), ["a-low"]);
    assert_eq!(desk.taken_of("3 none high low ORDER strict"), ["b-low"]);
    assert_eq!(desk.taken_of("3 none high low"), [""; 0]);
}

#[test]
fn in_a_weighted_order_queues_are_first_as_often_as_they_are_named() {
    let mut desk = Desk::new();
    for number in 0..200 {
        for queue in ["low", "high"] {
            desk.call(&format!("JOB.ADD {queue} {queue}-{number} x"));
        }
    }
    let mut high = 0;
    for _ in 0..120 {
        let taken = desk.taken_of("4 low high high high ORDER weighted");
        high += usize::from(taken[0].starts_with("high"));
    }
    assert!(
        (75..=105).contains(&high),
        "{high} of 120, of which 90 are due"
    );
    desk.balances();
}

#[test]
fn end_of_a_job_is_waited_for() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q a x");
    let waits = desk.submit("JOB.GET q a WAIT 800");
    let lease = desk.take("q");
    assert_eq!(desk.engine().answer(waits), None);
    desk.call(&format!("JOB.DONE q a {lease} RESULT it"));
    let told = desk.engine().answer(waits).unwrap().1;
    assert_eq!(
        (field(&told, "state"), field(&told, "result")),
        ("done", "it")
    );
    desk.call("JOB.ADD q b x");
    let waits = desk.submit("JOB.GET q b WAIT 800");
    desk.call("JOB.CANCEL q b");
    let told = desk.engine().answer(waits).unwrap().1;
    assert_eq!(field(&told, "state"), "cancelled");
    desk.call("JOB.ADD q c x");
    let waits = desk.submit("JOB.GET q c WAIT 800");
    desk.pass(800);
    let told = desk.engine().answer(waits).unwrap().1;
    assert_eq!(field(&told, "state"), "ready", "as it is then");
}

#[test]
fn who_would_know_of_an_end_does_not_take_what_is_told_to_takers() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q q x DELAY 900");
    let ends = desk.submit("JOB.GET q q WAIT 5000");
    let takes = desk.submit("JOB.TAKE w 1 q WAIT 5000");
    desk.call("JOB.ADD q b x");
    assert!(desk.engine().answer(takes).is_some());
    assert_eq!(desk.engine().answer(ends), None);
}
