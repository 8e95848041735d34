//! Leases: how they end, and what becomes of a job then.

use crate::support::{Desk, field};

#[test]
fn lease_that_ends_is_a_try_that_has_failed() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q a x TIMEOUT 1000 RETRIES 1 BACKOFF 100");
    let lease = desk.take("q");
    desk.pass(1_000);
    assert_eq!(desk.call(&format!("JOB.DONE q a {lease}")), "lease_over");
    let told = desk.call("JOB.GET q a");
    assert_eq!(field(&told, "state"), "scheduled");
    assert!(told.contains("error=its lease has ended"), "{told}");
    let due: u64 = field(&told, "due_at_ms").parse().unwrap();
    let rest = due - desk.now();
    assert!((50..=100).contains(&rest), "{rest}");
    desk.pass(rest);
    let again = desk.take("q");
    assert_ne!(again, lease);
    desk.pass(1_000);
    let told = desk.call("JOB.GET q a");
    assert_eq!(
        (field(&told, "state"), field(&told, "tries")),
        ("dead", "2")
    );
    desk.balances();
}

#[test]
fn lease_that_has_ended_is_over_though_no_timer_has_fired() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q a x TIMEOUT 1000");
    let lease = desk.take("q");
    desk.engine().suspend_timers(true);
    desk.pass(1_000);
    for command in ["JOB.DONE q a", "JOB.FAIL q a", "JOB.PROGRESS q a"] {
        assert_eq!(desk.call(&format!("{command} {lease}")), "lease_over");
    }
    assert_eq!(
        desk.call(&format!("JOB.SNOOZE q a {lease} 5")),
        "lease_over"
    );
    assert_eq!(desk.taken("q"), [""; 0], "nobody has it twice");
}

#[test]
fn what_has_failed_rests_longer_each_time_and_is_dead_in_the_end() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q a x RETRIES 3 BACKOFF 1000 BACKOFFMAX 3000");
    for longest in [1_000, 2_000, 3_000] {
        let lease = desk.take("q");
        let told = desk.call(&format!("JOB.FAIL q a {lease} ERROR no-{longest}"));
        let due: u64 = field(&told, "due_at_ms").parse().unwrap();
        let rest = due - desk.now();
        assert!(
            (longest / 2..=longest).contains(&rest),
            "{rest} of {longest}"
        );
        desk.pass(rest - 1);
        assert_eq!(desk.taken("q"), [""; 0]);
        desk.pass(1);
    }
    let lease = desk.take("q");
    let told = desk.call(&format!("JOB.FAIL q a {lease} ERROR last DELAY 5"));
    assert_eq!(
        told,
        "queue=q id=a state=dead due_at_ms=- tries=4 repeated=false"
    );
    desk.pass(1);
    let events = desk.call("EVENT.LIST");
    assert!(
        events.contains("job_died") && events.contains("error=last"),
        "{events}"
    );
    desk.balances();
}

#[test]
fn whoever_fails_may_say_when_or_that_it_is_for_good() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q a x");
    let now = desk.now();
    let lease = desk.take("q");
    let told = desk.call(&format!("JOB.FAIL q a {lease} DELAY 70"));
    assert_eq!(field(&told, "due_at_ms"), (now + 70).to_string());
    desk.pass(70);
    let lease = desk.take("q");
    let told = desk.call(&format!("JOB.FAIL q a {lease} RETRY no"));
    assert_eq!(field(&told, "state"), "dead");
}

#[test]
fn last_word_under_a_lease_may_be_said_again_and_no_other() {
    for (word, repeated) in [
        (
            "JOB.DONE q a LEASE",
            "state=done due_at_ms=- tries=1 repeated=true",
        ),
        ("JOB.FAIL q a LEASE DELAY 9", "tries=1 repeated=true"),
        ("JOB.SNOOZE q a LEASE 9", "tries=0 repeated=true"),
    ] {
        let mut desk = Desk::new();
        desk.call("JOB.ADD q a x");
        let lease = desk.take("q");
        let said = |word: &str| word.replace("LEASE", &lease);
        desk.call(&said(word));
        let told = desk.call(&said(word));
        assert!(told.ends_with(repeated), "{told}");
        for other in [
            "JOB.DONE q a LEASE",
            "JOB.FAIL q a LEASE",
            "JOB.SNOOZE q a LEASE 9",
        ] {
            if other.split(' ').next() != word.split(' ').next() {
                assert_eq!(
                    desk.call(&said(other)),
                    "lease_over",
                    "{other} behind {word}"
                );
            }
        }
        assert_eq!(desk.call(&said("JOB.PROGRESS q a LEASE")), "lease_over");
        desk.balances();
    }
}

#[test]
fn snoozed_job_comes_again_and_this_was_no_try() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q a x RETRIES 0");
    for _ in 0..3 {
        let lease = desk.take("q");
        let told = desk.call(&format!("JOB.SNOOZE q a {lease} 40"));
        assert!(told.ends_with("tries=0 repeated=false"), "{told}");
        desk.pass(40);
    }
    assert_eq!(desk.taken("q"), ["a"]);
    desk.balances();
}

#[test]
fn progress_lengthens_the_lease_and_is_shown() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q a x TIMEOUT 100");
    let lease = desk.take("q");
    for _ in 0..5 {
        desk.pass(99);
        let now = desk.now();
        let told = desk.call(&format!("JOB.PROGRESS q a {lease} NOTE half"));
        assert_eq!(told, format!("queue=q id=a until_ms={}", now + 100));
    }
    assert_eq!(field(&desk.call("JOB.GET q a"), "note"), "half");
    let told = desk.call(&format!("JOB.DONE q a {lease}"));
    assert_eq!(field(&told, "state"), "done");
    desk.balances();
}

#[test]
fn job_is_cancelled_wherever_it_stands_and_its_worker_is_told() {
    let mut desk = Desk::in_all_states();
    let lease = desk.lease.clone();
    for id in ["scheduled", "ready", "running"] {
        let told = desk.call(&format!("JOB.CANCEL q {id}"));
        assert_eq!(field(&told, "state"), "cancelled");
        let again = desk.call(&format!("JOB.CANCEL q {id}"));
        assert!(again.ends_with("repeated=true"), "{again}");
    }
    for command in ["JOB.PROGRESS", "JOB.DONE", "JOB.FAIL"] {
        let told = desk.call(&format!("{command} q running {lease}"));
        assert_eq!(told, "job_cancelled");
    }
    assert_eq!(desk.taken("q COUNT 9"), [""; 0]);
    desk.pass(100_000);
    assert_eq!(desk.taken("q COUNT 9"), [""; 0]);
    desk.balances();
}

#[test]
fn nobody_begins_or_ends_a_job_from_its_deadline_on() {
    for (how, at) in [("", "ready"), ("DELAY 40", "scheduled"), ("", "running")] {
        let mut desk = Desk::new();
        let deadline = desk.now() + 50;
        desk.call(&format!(
            "JOB.ADD q a x {how} DEADLINE {deadline} TIMEOUT 9000"
        ));
        let lease = (at == "running").then(|| desk.take("q"));
        let told = desk.call("JOB.GET q a");
        assert_eq!(field(&told, "state"), at);
        if at == "running" {
            assert_eq!(field(&told, "until_ms"), deadline.to_string());
        }
        if at == "scheduled" {
            desk.pass(49);
        }
        let left = deadline - desk.now();
        desk.pass(left);
        let told = desk.call("JOB.GET q a");
        assert_eq!(field(&told, "state"), "dead", "{at}");
        assert!(told.contains("error=its deadline has passed"), "{told}");
        assert_eq!(desk.taken("q"), [""; 0]);
        if let Some(lease) = lease {
            assert_eq!(desk.call(&format!("JOB.DONE q a {lease}")), "lease_over");
        }
        desk.balances();
        desk.call("JOB.REPLAY q a");
        assert_eq!(desk.taken("q"), ["a"], "it has no deadline any more");
        desk.balances();
    }
}

#[test]
fn job_past_its_deadline_is_not_taken_though_no_timer_has_fired() {
    let mut desk = Desk::new();
    let deadline = desk.now() + 50;
    desk.call(&format!("JOB.ADD q a x DEADLINE {deadline}"));
    desk.call("JOB.ADD q b x");
    desk.engine().suspend_timers(true);
    desk.pass(50);
    assert_eq!(desk.taken("q"), [""; 0]);
    assert_eq!(desk.taken("q"), ["b"]);
    assert_eq!(field(&desk.call("JOB.GET q a"), "state"), "dead");
    desk.balances();
}
