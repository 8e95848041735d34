//! Jobs of a group that are taken together.

use crate::support::{Desk, field};
use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_engine::testing::mutations::{Folder, Mutation, Value, Which};
use tidegate_job::JOB;

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

/// A queue in which one job is running of each of 100 groups, and 16 more wait; the lease of those that run.
fn hundred_groups(desk: &mut Desk) -> String {
    desk.call("JOB.SET q GROUPCONCURRENCY 1");
    let payload = "x".repeat(600);
    for number in 0..1_700 {
        let group = number % 100;
        desk.call(&format!("JOB.ADD q j{number} {payload} GROUP g{group}"));
    }
    let told = desk.call("JOB.TAKE w 1 q COUNT 100");
    assert_eq!(told.matches("id=").count(), 100);
    field(&told, "lease").to_owned()
}

#[test]
fn jobs_that_end_together_let_all_in_who_may_be_since_a_limit_was_lifted() {
    for word in ["DONEALL", "FAILALL"] {
        let mut desk = Desk::new();
        let lease = hundred_groups(&mut desk);
        desk.call("JOB.SET q");
        let jobs: Vec<_> = (0..100).map(|number| format!("j{number} x")).collect();
        let how = if word == "FAILALL" { " RETRY no" } else { "" };
        let told = desk.call(&format!("JOB.{word} q {lease} 100 {}{how}", jobs.join(" ")));
        assert_eq!(told.matches("refused=-").count(), 100, "{told}");
        desk.pass(1);
        let told = desk.call("JOB.QUEUE q");
        assert_eq!(
            (field(&told, "ready"), field(&told, "blocked")),
            ("1600", "0")
        );
        desk.balances();
    }
}

/// A name of so many bytes as one may have.
fn long(name: &str) -> String {
    format!("{name:n<128}")
}

/// Whatever its jobs are called and have said, what they write together fits a record.
#[test]
fn jobs_with_the_longest_of_everything_end_together() {
    for word in ["DONEALL", "FAILALL"] {
        let mut desk = Desk::new();
        let (queue, parents) = (long("q"), long("p"));
        let (kilobyte, payload) = ("x".repeat(1_024), "x".repeat(1_025));
        desk.call(&format!("JOB.SET {queue} GROUPCONCURRENCY 1"));
        for (round, payload) in [("a", &payload), ("b", &kilobyte)] {
            for number in 0..100 {
                let (id, group) = (
                    long(&format!("{round}{number}")),
                    long(&format!("g{number}")),
                );
                let parent = long(&format!("parent{number}"));
                desk.call(&format!("JOB.ADD {parents} {parent} x CHILDREN 2"));
                let told = desk.call(&format!(
                    "JOB.ADD {queue} {id} {payload} GROUP {group} RETRIES 1 BACKOFF 5000 \
                     DEADLINE 99999999999999 PARENT {parent} PARENTQUEUE {parents}"
                ));
                assert!(told.contains("state="), "{told}");
            }
        }
        let member = long("w");
        let told = desk.call(&format!("JOB.TAKE {member} 1 {queue} COUNT 100"));
        let lease = field(&told, "lease").to_owned();
        let mut jobs = String::new();
        for number in 0..100 {
            let id = long(&format!("a{number}"));
            desk.call(&format!(
                "JOB.PROGRESS {queue} {id} {lease} NOTE {kilobyte}"
            ));
            let said = "r".repeat(if word == "DONEALL" { 5_242 } else { 1_024 });
            jobs += &format!(" {id} {said}");
        }
        desk.call(&format!("JOB.SET {queue}"));
        let told = desk.call(&format!("JOB.{word} {queue} {lease} 100{jobs}"));
        assert_eq!(told.matches("refused=-").count(), 100, "{told}");
        desk.pass(1);
        let told = desk.call(&format!("JOB.QUEUE {queue}"));
        assert_eq!(
            (field(&told, "ready"), field(&told, "blocked")),
            ("100", "0")
        );
        desk.balances();
    }
}

#[test]
fn what_gathers_in_a_queue_that_drains_is_let_in_though_it_is_taken_by_itself_by_then() {
    let mut desk = Desk::new();
    desk.call("JOB.SET q AGGREGATE 100 GRACE 1000000");
    let payload = "x".repeat(1_000);
    for number in 0..1_600 {
        let group = number % 64;
        desk.call(&format!("JOB.ADD q j{number} {payload} GROUP g{group}"));
    }
    desk.engine().submit("JOB.DRAIN q").unwrap();
    desk.engine().submit("JOB.SET q").unwrap();
    desk.engine().settle();
    desk.pass(1);
    let told = desk.call("JOB.QUEUE q");
    assert_eq!(
        (field(&told, "ready"), field(&told, "blocked")),
        ("1600", "0")
    );
    desk.balances();
}

#[test]
fn group_whose_row_is_of_before_bytes_were_counted_gives_out_what_waits_in_it() {
    let mut desk = Desk::new();
    desk.call("JOB.SET q GROUPCONCURRENCY 1");
    for id in ["a1", "a2", "a3"] {
        desk.call(&format!("JOB.ADD q {id} four GROUP a"));
    }
    let lease = desk.take("q");
    desk.engine().checkpoint();
    let (disk, clock) = (desk.engine().disk.clone(), desk.engine().clock.clone());
    let folder = Folder::of(desk.close(), &[JOB]);
    for field in [4, 5, 6] {
        let mutation = Mutation::Field(field, Value::Number(0));
        folder.mutate("job.groups", Which::At(0), mutation);
    }
    assert_eq!(folder.faults(), Vec::<String>::new());
    let mut desk = Desk::over(Stepper::open(&[JOB], &disk, &clock).unwrap());
    desk.call("JOB.ADD q a4 four GROUP a");
    desk.balances();
    desk.call("JOB.CANCEL q a4");
    desk.balances();
    desk.call(&format!("JOB.DONE q a1 {lease}"));
    for id in ["a2", "a3"] {
        let told = desk.call("JOB.TAKE w 1 q");
        assert_eq!(field(&told, "id"), id);
        desk.call(&format!("JOB.DONE q {id} {}", field(&told, "lease")));
        desk.balances();
    }
}

#[test]
fn jobs_wait_no_longer_than_is_said_now_though_it_was_longer_before() {
    let mut desk = Desk::new();
    desk.call("JOB.SET q AGGREGATE 100 GRACE 86400000 MAXDELAY 86400000");
    add(&mut desk, &["a1"], "a");
    desk.call("JOB.SET q AGGREGATE 100 GRACE 1000 MAXDELAY 10000");
    add(&mut desk, &["a2"], "a");
    desk.pass(999);
    assert_eq!(desk.taken("q"), NOBODY);
    desk.pass(1);
    assert_eq!(desk.taken("q"), ["a1", "a2"]);
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
