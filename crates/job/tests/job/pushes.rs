//! Which queues are pushed, and how that is told.

use crate::support::{Desk, field};

#[test]
fn queue_is_pushed_to_a_receiver_that_the_settings_name_until_it_is_pulled() {
    let mut desk = Desk::new();
    let unknown = desk.call("JOB.PUSH q nobody");
    assert_eq!(unknown, "unknown_receiver");
    assert_eq!(
        desk.call("JOB.QUEUE q"),
        "unknown_queue",
        "nothing is left of it"
    );
    let told = desk.call("JOB.PUSH q r");
    for (name, value) in [
        ("queue", "q"),
        ("receiver", "r"),
        ("in_flight", "16"),
        ("again_ms", "10000"),
    ] {
        assert_eq!(field(&told, name), value);
    }
    desk.pass(50);
    assert_eq!(
        desk.call("JOB.PUSH q r"),
        told,
        "the same again changes nothing"
    );
    let other = desk.call("JOB.PUSH q r INFLIGHT 3 AGAIN 2000");
    assert_ne!(field(&other, "since_ms"), field(&told, "since_ms"));
    desk.call("JOB.PUSH p r");
    let list = desk.call("JOB.PUSHES LIMIT 1");
    assert!(
        list.contains("queue=p") && list.contains("next=p"),
        "{list}"
    );
    let list = desk.call("JOB.PUSHES AFTER p");
    assert!(list.contains(&other), "{list}");
    assert_eq!(field(&desk.call("JOB.QUEUE q"), "ready"), "0");
    assert_eq!(field(&desk.call("JOB.PULL q"), "repeated"), "false");
    assert_eq!(field(&desk.call("JOB.PULL q"), "repeated"), "true");
    assert!(!desk.call("JOB.PUSHES").contains("queue=q"));
    desk.balances();
}

#[test]
fn bounds_of_a_push_are_refused() {
    let mut desk = Desk::new();
    for wrong in ["INFLIGHT 0", "INFLIGHT 1001", "AGAIN 999", "AGAIN 3600001"] {
        let told = desk.engine().submit(&format!("JOB.PUSH q r {wrong}"));
        assert!(told.is_err(), "{wrong}");
    }
}
