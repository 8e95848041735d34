//! Jobs of a group that are taken together.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use support::{Desk, field};
use tidegate_engine::Random;

/// A queue in which three jobs of a group are taken together, or what there is after a second, or ten.
fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.call("JOB.SET q AGGREGATE 3 GRACE 1000 MAXDELAY 10000 MAXBYTES 10");
    desk
}

fn add(desk: &mut Desk, ids: &[&str], group: &str) {
    for id in ids {
        let told = desk.call(&format!(
            "JOB.ADD q {id} x GROUP {group} BACKOFF 1 KEEP 100000000"
        ));
        assert!(told.contains("state="), "{told}");
    }
}

const NOBODY: [&str; 0] = [];

#[test]
fn so_many_jobs_of_a_group_are_taken_under_one_lease_and_each_has_its_own_end() {
    let mut desk = desk();
    add(&mut desk, &["a1", "a2"], "a");
    add(&mut desk, &["b1"], "b");
    assert_eq!(field(&desk.call("JOB.QUEUE q"), "blocked"), "3");
    assert_eq!(desk.taken("q COUNT 9"), NOBODY);
    add(&mut desk, &["a3", "a4"], "a");
    desk.call("JOB.ADD q alone x PRIORITY 0");
    let told = desk.call("JOB.TAKE w 1 q");
    let ids: Vec<_> = told.split(" id=").skip(1).map(|rest| &rest[..2]).collect();
    let lease = field(&told, "lease").to_owned();
    assert_eq!(field(&told, "group"), "a");
    assert!(
        told.contains("id=a1") && told.contains("id=a2") && told.contains("id=a3"),
        "{told}"
    );
    assert!(!told.contains("id=a4") && ids.len() <= 3, "{told}");
    assert_eq!(desk.taken("q COUNT 9"), ["alone"]);
    desk.call(&format!("JOB.DONE q a1 {lease} RESULT one"));
    desk.call(&format!("JOB.FAIL q a2 {lease} RETRY no"));
    assert_eq!(field(&desk.call("JOB.GET q a1"), "result"), "one");
    assert_eq!(field(&desk.call("JOB.GET q a2"), "state"), "dead");
    assert_eq!(field(&desk.call("JOB.GET q a3"), "state"), "running");
    desk.balances();
}

#[test]
fn ends_of_several_jobs_are_said_at_once_each_as_it_is() {
    let mut desk = desk();
    add(&mut desk, &["a1", "a2", "a3"], "a");
    let lease = desk.take("q");
    desk.call("JOB.CANCEL q a3");
    let told = desk.call(&format!("JOB.DONEALL q {lease} 4 a1 one a2 \"\" a3 x a9 x"));
    assert_eq!(
        told,
        "queue=q jobs=[{id=a1 state=done repeated=false refused=-} \
         {id=a2 state=done repeated=false refused=-} \
         {id=a3 state=- repeated=false refused=job_cancelled} \
         {id=a9 state=- repeated=false refused=unknown_job}]"
    );
    let results = ["a1", "a2"].map(|id| desk.call(&format!("JOB.GET q {id}")));
    assert_eq!(
        results.map(|job| field(&job, "result").to_owned()),
        ["one", "-"]
    );
    let told = desk.call(&format!("JOB.DONEALL q {lease} 1 a1 one"));
    assert!(told.contains("repeated=true"), "{told}");
    let told = desk.call(&format!("JOB.FAILALL q {lease} 1 a1 why"));
    assert!(told.contains("refused=lease_over"), "{told}");

    add(&mut desk, &["b1", "b2", "b3"], "b");
    let lease = desk.take("q");
    let told = desk.call(&format!(
        "JOB.FAILALL q {lease} 2 b1 why b2 \"\" DELAY 5000"
    ));
    assert_eq!(told.matches("state=scheduled").count(), 2, "{told}");
    let told = desk.call(&format!("JOB.FAILALL q {lease} 1 b3 why RETRY no"));
    assert!(told.contains("state=dead"), "{told}");
    assert_eq!(field(&desk.call("JOB.GET q b1"), "error"), "why");
    assert_eq!(field(&desk.call("JOB.GET q b2"), "error"), "-");
    assert_eq!(desk.call("JOB.DONEALL nowhere 1 1 a x"), "unknown_queue");
    let long = "x".repeat(300 * 1024);
    let told = desk.call(&format!("JOB.DONEALL q {lease} 2 b1 {long} b2 {long}"));
    assert_eq!(told, "too_large bytes=614400 max=524288");
    desk.balances();
}

#[test]
fn jobs_wait_until_none_has_come_for_a_while_or_the_first_has_waited_too_long() {
    let mut desk = desk();
    add(&mut desk, &["a1"], "a");
    desk.pass(600);
    add(&mut desk, &["a2"], "a");
    desk.pass(999);
    assert_eq!(desk.taken("q"), NOBODY);
    let waits = desk.submit("JOB.TAKE w 1 q WAIT 5000");
    desk.pass(1);
    let (_, told) = desk.engine().answer(waits).unwrap();
    assert!(told.contains("id=a1") && told.contains("id=a2"), "{told}");

    desk.call("JOB.SET q AGGREGATE 100 GRACE 1000 MAXDELAY 2500");
    for id in ["b1", "b2", "b3"] {
        add(&mut desk, &[id], "b");
        assert_eq!(desk.taken("q"), NOBODY);
        desk.pass(900);
    }
    assert_eq!(desk.taken("q"), ["b1", "b2", "b3"], "2,500 ms are over");
    desk.balances();
}

#[test]
fn jobs_are_taken_once_their_payloads_are_long_enough_and_no_more_than_that() {
    let mut desk = desk();
    for (id, payload) in [("a1", "123456"), ("a2", "123456")] {
        desk.call(&format!("JOB.ADD q {id} {payload} GROUP a"));
    }
    assert_eq!(desk.taken("q COUNT 9"), ["a1"], "two would be 12 bytes");
    assert_eq!(desk.taken("q COUNT 9"), NOBODY);
    desk.call("JOB.ADD q b1 1234567890123 GROUP b");
    assert_eq!(
        desk.taken("q COUNT 9"),
        ["b1"],
        "a single one may be longer"
    );
    desk.pass(1_000);
    assert_eq!(desk.taken("q COUNT 9"), ["a2"]);
    desk.balances();
}

#[test]
fn what_gathers_is_given_out_at_once_when_the_queue_drains() {
    let mut desk = desk();
    for group in 0..100 {
        add(&mut desk, &[&format!("j{group}")], &format!("g{group}"));
    }
    assert_eq!(desk.taken("q"), NOBODY);
    desk.call("JOB.DRAIN q");
    desk.pass(1);
    desk.balances();
    let told = desk.call("JOB.TAKE w 1 q");
    desk.call(&format!("JOB.FAIL q j0 {} DELAY 1", field(&told, "lease")));
    for group in 1..100 {
        assert_eq!(desk.taken("q"), [format!("j{group}")]);
    }
    desk.pass(1);
    assert_eq!(desk.taken("q"), ["j0"], "what comes again waits for nobody");
    desk.balances();
}

#[test]
fn job_that_goes_before_it_is_taken_leaves_the_others_to_be_taken() {
    let mut desk = desk();
    add(&mut desk, &["a1", "a2", "a3"], "a");
    desk.call("JOB.CANCEL q a1");
    assert_eq!(desk.taken("q"), NOBODY, "there are two now");
    add(&mut desk, &["a4"], "a");
    desk.call("JOB.CANCEL q a3");
    assert_eq!(desk.taken("q"), ["a2", "a4"], "they were ready before that");
    desk.pass(60_000); // Their leases end, and they rest.
    desk.pass(10);
    assert_eq!(desk.taken("q"), NOBODY, "they gather again");
    desk.pass(1_000);
    let again = desk.taken("q");
    assert_eq!(again.len(), 2, "they come again together: {again:?}");
    desk.balances();
}

#[test]
fn jobs_that_gather_are_let_in_when_they_are_taken_by_themselves_again() {
    let mut desk = desk();
    add(&mut desk, &["a1", "a2"], "a");
    let told = desk.call("JOB.SET q AGGREGATE 3 GROUPCONCURRENCY 1");
    assert_eq!(told, "conflicting_limits");
    desk.reopen();
    desk.call("JOB.SET q");
    desk.pass(1_000);
    assert_eq!(desk.taken("q"), ["a1"]);
    assert_eq!(desk.taken("q"), ["a2"]);
    desk.balances();
}

/// Jobs with and without groups, terms that change, workers that do all that they can: no answer has jobs of two groups
/// or more than may be taken together, and in the end all is done.
#[test]
fn nothing_is_lost_and_nobody_waits_for_ever() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut desk = desk();
        let mut most = 3;
        for step in 0..120 {
            match random.below(10) {
                0..=4 => {
                    let group = match random.below(4) {
                        0 => String::new(),
                        group => format!("GROUP g{group}"),
                    };
                    let how = if random.chance(1, 4) {
                        "DELAY 300"
                    } else {
                        "DEADLINE 99999999999999"
                    };
                    let payload = &"xxxxxxx"[..usize::try_from(1 + random.below(6)).unwrap()];
                    desk.call(&format!(
                        "JOB.ADD q j{step} {payload} TIMEOUT 200 BACKOFF 20 RETRIES 50 {how} {group}"
                    ));
                }
                5 | 6 => {
                    let told = desk.call("JOB.TAKE w 1 q");
                    let ids = told.split("id=").skip(1);
                    let ids: Vec<_> = ids.map(|rest| rest.split(' ').next().unwrap()).collect();
                    assert!(ids.len() as u64 <= most, "seed {seed}: {told}");
                    for id in ids {
                        let word = ["DONE", "FAIL"][usize::from(random.chance(1, 3))];
                        desk.call(&format!("JOB.{word} q {id} {}", field(&told, "lease")));
                    }
                }
                7 => {
                    desk.pass(random.below(1_500));
                    if random.chance(1, 8) {
                        desk.engine().checkpoint();
                    }
                }
                8 => {
                    desk.call(&format!("JOB.CANCEL q j{}", random.below(step + 1)));
                }
                _ => {
                    if random.chance(1, 4) {
                        most = [1, 2, 5][usize::try_from(random.below(3)).unwrap()];
                        desk.call(&format!("JOB.SET q AGGREGATE {most} MAXBYTES 12"));
                    } else if random.chance(1, 2) {
                        desk.call("JOB.DRAIN q");
                    } else {
                        desk.call("JOB.RESUME q");
                    }
                }
            }
            desk.balances();
        }
        for _ in 0..400 {
            let told = desk.call("JOB.TAKE w 1 q");
            let ids = told.split("id=").skip(1);
            for id in ids.map(|rest| rest.split(' ').next().unwrap()) {
                desk.call(&format!("JOB.DONE q {id} {}", field(&told, "lease")));
            }
            desk.pass(300);
        }
        let told = desk.call("JOB.QUEUE q");
        for state in ["scheduled", "blocked", "ready", "running", "dead"] {
            assert_eq!(field(&told, state), "0", "seed {seed}: {told}");
        }
        desk.balances();
    }
}
