//! What queues and groups of their jobs let begin.

use std::collections::BTreeMap;

use crate::support::{Desk, field};
use tidegate_engine::Random;

fn add_all(desk: &mut Desk, ids: &[&str]) {
    for id in ids {
        desk.call(&format!("JOB.ADD q {id} x"));
    }
}

#[test]
fn paused_queue_gives_nothing_and_takes_jobs_in() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q a x");
    let lease = desk.take("q");
    assert_eq!(field(&desk.call("JOB.PAUSE q"), "state"), "paused");
    assert_eq!(field(&desk.call("JOB.PAUSE q"), "state"), "paused");
    add_all(&mut desk, &["b", "c"]);
    assert_eq!(desk.taken("q COUNT 9"), [""; 0]);
    let told = desk.call(&format!("JOB.DONE q a {lease}"));
    assert_eq!(field(&told, "state"), "done", "what runs goes on");
    let waits = ["w", "v"].map(|who| desk.submit(&format!("JOB.TAKE {who} 1 q WAIT 900")));
    assert_eq!(field(&desk.call("JOB.RESUME q"), "state"), "open");
    for wait in waits {
        let told = desk.engine().answer(wait);
        assert!(told.is_some(), "there is one for each of them");
    }
    desk.balances();
}

#[test]
fn draining_queue_takes_no_job_and_has_the_others_done() {
    let mut desk = Desk::new();
    add_all(&mut desk, &["a", "b"]);
    assert_eq!(field(&desk.call("JOB.DRAIN q"), "state"), "draining");
    assert_eq!(desk.call("JOB.ADD q c x"), "queue_draining");
    assert!(desk.call("JOB.ADD q a x").ends_with("repeated=true"));
    assert_eq!(desk.taken("q COUNT 9"), ["a", "b"]);
    desk.call("JOB.RESUME q");
    assert!(desk.call("JOB.ADD q c x").ends_with("repeated=false"));
    for command in ["JOB.PAUSE", "JOB.RESUME", "JOB.DRAIN"] {
        assert_eq!(desk.call(&format!("{command} none")), "unknown_queue");
    }
}

#[test]
fn limits_are_declared_as_a_whole_and_only_if_they_are_as_expected() {
    let mut desk = Desk::new();
    let told = desk.call("JOB.SET q CONCURRENCY 3 RATE 5 IF 0");
    let limits = "limits={concurrency=3 rate=5 per_ms=1000 burst=1} \
                  group_limits={concurrency=0 rate=0 per_ms=0 burst=0} batch=- version=1";
    assert!(told.ends_with(limits), "{told}");
    assert_eq!(
        desk.call("JOB.SET q CONCURRENCY 3 IF 0"),
        "version_changed version=1"
    );
    assert!(
        desk.call("JOB.SET q CONCURRENCY 3 RATE 5")
            .ends_with("version=1")
    );
    let told = desk.call("JOB.SET q IF 1");
    assert!(
        told.ends_with("version=2") && !told.contains("=3"),
        "{told}"
    );
    desk.balances();
}

#[test]
fn so_many_jobs_run_at_once_and_each_that_ends_makes_room() {
    for end in ["DONE", "FAIL", "SNOOZE", "CANCEL", "lease"] {
        let mut desk = Desk::new();
        desk.call("JOB.SET q CONCURRENCY 2");
        for id in ["a", "b", "c", "d"] {
            desk.call(&format!("JOB.ADD q {id} x TIMEOUT 1000 BACKOFF 9000"));
        }
        let told = desk.call("JOB.TAKE w 1 q COUNT 9");
        assert_eq!(told.matches("id=").count(), 2);
        let lease = field(&told, "lease").to_owned();
        assert_eq!(desk.taken("q COUNT 9"), [""; 0]);
        let waits = desk.submit("JOB.TAKE w 1 q WAIT 5000");
        assert_eq!(desk.engine().answer(waits), None);
        match end {
            "CANCEL" => desk.call("JOB.CANCEL q a"),
            "SNOOZE" => desk.call(&format!("JOB.SNOOZE q a {lease} 9000")),
            "lease" => {
                desk.call(&format!("JOB.PROGRESS q b {lease}"));
                desk.pass(1_000);
                String::new()
            }
            word => desk.call(&format!("JOB.{word} q a {lease}")),
        };
        let told = desk.engine().answer(waits).unwrap().1;
        assert_eq!(field(&told, "id"), "c", "{end}");
        desk.balances();
    }
}

#[test]
fn so_many_jobs_are_taken_in_a_time_and_who_waits_is_told() {
    let mut desk = Desk::new();
    desk.call("JOB.SET q RATE 2 PER 1000 BURST 3");
    add_all(&mut desk, &["a", "b", "c", "d", "e", "f"]);
    assert_eq!(desk.taken("q COUNT 9"), ["a", "b", "c"]);
    let waits = [(); 3].map(|()| desk.submit("JOB.TAKE w 1 q WAIT 9000"));
    for (at, id) in [(500, "d"), (1_000, "e"), (1_500, "f")] {
        let answered = waits
            .iter()
            .filter(|wait| desk.engine().answer(**wait).is_some());
        assert_eq!(
            answered.count(),
            usize::try_from(at / 500 - 1).unwrap(),
            "before {at}"
        );
        desk.pass(500);
        let told = waits.map(|wait| desk.engine().answer(wait));
        let ids: Vec<_> = told
            .iter()
            .flatten()
            .map(|told| field(&told.1, "id"))
            .collect();
        assert_eq!(ids.last(), Some(&id), "at {at}");
        desk.balances();
    }
}

#[test]
fn who_takes_what_others_may_take_too_leaves_no_one_waiting() {
    let mut desk = Desk::new();
    desk.call("JOB.SET q RATE 1 PER 1000 BURST 2");
    let waits = [(); 4].map(|()| desk.submit("JOB.TAKE w 1 q WAIT 9000"));
    add_all(&mut desk, &["a", "b", "c", "d"]);
    for answered in [2, 3, 4] {
        let told = waits
            .iter()
            .filter(|wait| desk.engine().answer(**wait).is_some());
        assert_eq!(told.count(), answered);
        desk.pass(1_000);
    }
}

#[test]
fn so_many_of_a_group_are_ready_or_run_and_the_others_wait_in_their_order() {
    let mut desk = Desk::new();
    desk.call("JOB.SET q GROUPCONCURRENCY 1");
    for (id, how) in [
        ("a1", "GROUP a"),
        ("a2", "GROUP a PRIORITY 9"),
        ("b1", "GROUP b"),
        ("a3", "GROUP a"),
        ("free", ""),
    ] {
        desk.call(&format!("JOB.ADD q {id} x {how}"));
    }
    assert_eq!(desk.listed("blocked"), ["a2", "a3"]);
    let told = desk.call("JOB.GET q a3");
    assert_eq!(
        (field(&told, "state"), field(&told, "group")),
        ("blocked", "a")
    );
    let told = desk.call("JOB.TAKE w 1 q COUNT 9");
    assert_eq!(told.matches("id=").count(), 3, "{told}");
    let lease = field(&told, "lease").to_owned();
    let waits = desk.submit("JOB.TAKE w 1 q WAIT 900");
    desk.call(&format!("JOB.DONE q b1 {lease}"));
    assert_eq!(desk.engine().answer(waits), None, "that is another group");
    desk.call(&format!("JOB.FAIL q a1 {lease} DELAY 50"));
    let told = desk.engine().answer(waits).unwrap().1;
    assert_eq!(
        field(&told, "id"),
        "a2",
        "who has failed stands behind the others"
    );
    desk.balances();
    desk.call("JOB.CANCEL q a3");
    desk.pass(50);
    assert_eq!(desk.listed("blocked"), ["a1"]);
    let lease = field(&told, "lease");
    desk.call(&format!("JOB.DONE q a2 {lease}"));
    assert_eq!(desk.taken("q"), ["a1"]);
    desk.balances();
}

#[test]
fn so_many_of_a_group_become_ready_in_a_time() {
    let mut desk = Desk::new();
    desk.call("JOB.SET q GROUPRATE 1 GROUPPER 1000");
    for id in ["a", "b", "c"] {
        desk.call(&format!("JOB.ADD q {id} x GROUP g"));
    }
    for id in ["a", "b", "c"] {
        desk.balances();
        assert_eq!(desk.taken("q COUNT 9"), [id]);
        desk.pass(999);
        assert_eq!(desk.taken("q COUNT 9"), [""; 0]);
        desk.pass(1);
    }
    desk.balances();
}

#[test]
fn who_waits_in_a_group_is_let_in_once_its_limit_is_lifted() {
    let mut desk = Desk::new();
    desk.call("JOB.SET q GROUPCONCURRENCY 1");
    for number in 0..40 {
        desk.call(&format!("JOB.ADD q j{number} x GROUP g"));
    }
    desk.call("JOB.SET q");
    let lease = desk.take("q");
    desk.call(&format!("JOB.DONE q j0 {lease}"));
    for _ in 0..5 {
        desk.balances();
        desk.pass(1);
    }
    assert_eq!(field(&desk.call("JOB.QUEUE q"), "ready"), "39");
    desk.balances();
}

/// Jobs with and without groups, limits that change, workers that do all that they can: no limit is ever passed, and in
/// the end all is done.
#[test]
fn no_limit_is_passed_and_nobody_waits_for_ever() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut desk = Desk::new();
        desk.call("JOB.SET q CONCURRENCY 2 GROUPCONCURRENCY 1");
        let mut leases: BTreeMap<String, String> = BTreeMap::new();
        for step in 0..120 {
            match random.below(12) {
                0..=4 => {
                    let group = match random.below(4) {
                        0 => String::new(),
                        group => format!("GROUP g{group}"),
                    };
                    let how = if random.chance(1, 3) { "DELAY 30" } else { "" };
                    desk.call(&format!(
                        "JOB.ADD q j{step} x TIMEOUT 200 BACKOFF 20 RETRIES 50 {how} {group}"
                    ));
                }
                5..=7 => {
                    let told = desk.call(&format!("JOB.TAKE w 1 q COUNT {}", 1 + random.below(3)));
                    let ids = told.split("id=").skip(1);
                    for id in ids.map(|rest| rest.split(' ').next().unwrap()) {
                        leases.insert(id.to_owned(), field(&told, "lease").to_owned());
                    }
                }
                8..=9 => {
                    let at = random.below(leases.len().max(1) as u64);
                    let some = leases.iter().nth(usize::try_from(at).unwrap());
                    if let Some((id, lease)) = some {
                        let word =
                            ["DONE", "FAIL", "DONE"][usize::try_from(random.below(3)).unwrap()];
                        desk.call(&format!("JOB.{word} q {id} {lease}"));
                    }
                }
                10 => {
                    desk.pass(random.below(300));
                    if random.chance(1, 8) {
                        desk.engine().checkpoint();
                    }
                }
                _ => {
                    if random.chance(1, 3) {
                        let (concurrency, of_group) = (1 + random.below(4), random.below(4));
                        desk.call(&format!(
                            "JOB.SET q CONCURRENCY {concurrency} GROUPCONCURRENCY {of_group}"
                        ));
                    } else {
                        desk.call(&format!("JOB.CANCEL q j{}", random.below(step + 1)));
                    }
                }
            }
            desk.balances();
        }
        desk.call("JOB.SET q CONCURRENCY 2 GROUPCONCURRENCY 1");
        desk.pass(300);
        for _ in 0..400 {
            let told = desk.call("JOB.TAKE w 1 q COUNT 9");
            let taken = told.matches("id=").count();
            assert!(taken <= 2, "seed {seed}: {told}");
            let ids: Vec<_> = told
                .split("id=")
                .skip(1)
                .map(|rest| rest.split(' ').next().unwrap())
                .collect();
            for id in ids {
                let lease = field(&told, "lease");
                desk.call(&format!("JOB.DONE q {id} {lease}"));
            }
            desk.pass(30);
        }
        let told = desk.call("JOB.QUEUE q");
        for state in ["scheduled", "blocked", "ready", "running", "dead"] {
            assert_eq!(field(&told, state), "0", "seed {seed}: {told}");
        }
        desk.balances();
    }
}
