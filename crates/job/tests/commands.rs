//! Every command, every "no" that it can give, and what comes with time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use support::{Desk, field};
use tidegate_engine::contract::Status;
use tidegate_job::{AHEAD_MS_MAX, JOB, STEP_MAX, TAKE_BYTES_MAX};

#[test]
fn job_is_added_taken_and_done() {
    let mut desk = Desk::new();
    assert_eq!(
        desk.call("JOB.ADD q a hello"),
        "queue=q id=a state=ready due_at_ms=- tries=0 repeated=false"
    );
    let taken = desk.call("JOB.TAKE w 1 q");
    let lease = field(&taken, "lease").to_owned();
    let now = desk.now();
    assert_eq!(
        taken,
        format!(
            "queue=q lease={lease} jobs=[{{id=a payload=hello tries=1 priority=4 created_at_ms={now} until_ms={}}}]",
            now + 60_000
        )
    );
    assert_eq!(desk.call("JOB.TAKE w 1 q"), "queue=- lease=- jobs=[]");
    assert_eq!(
        desk.call(&format!("JOB.DONE q a {lease} RESULT fine")),
        "queue=q id=a state=done due_at_ms=- tries=1 repeated=false"
    );
    let told = desk.call("JOB.GET q a");
    assert_eq!(field(&told, "result"), "fine");
    assert_eq!(field(&told, "payload"), "-");
    desk.balances();
}

#[test]
fn every_command_refuses_what_it_must_and_leaves_no_trace() {
    let far = "9999999999999";
    let cases = [
        ("JOB.ADD q ready other", "id_conflict"),
        ("JOB.ADD q b x AT 5 DELAY 5", "invalid_time"),
        (&*format!("JOB.ADD q b x AT {far}"), "invalid_time"),
        ("JOB.ADD q b x DEADLINE 5", "deadline_passed"),
        ("JOB.GET q none", "unknown_job"),
        ("JOB.GET none a", "unknown_job"),
        ("JOB.LIST none ready", "unknown_queue"),
        ("JOB.QUEUE none", "unknown_queue"),
        ("JOB.DONE q none 1", "unknown_job"),
        ("JOB.DONE q ready 1", "lease_over"),
        ("JOB.DONE q running 1", "lease_over"),
        ("JOB.DONE q running x", "lease_over"),
        ("JOB.FAIL q done 1", "lease_over"),
        ("JOB.SNOOZE q dead 1 5", "lease_over"),
        ("JOB.PROGRESS q cancelled 1", "lease_over"),
        ("JOB.CANCEL q none", "unknown_job"),
        ("JOB.CANCEL q done", "job_ended state=done"),
        ("JOB.CANCEL q dead", "job_ended state=dead"),
        ("JOB.REPLAY q none", "unknown_job"),
        ("JOB.REPLAY q ready", "not_dead state=ready"),
        ("JOB.REPLAY q scheduled", "not_dead state=scheduled"),
        ("JOB.REPLAY q running", "not_dead state=running"),
        ("JOB.REPLAY q done", "not_dead state=done"),
        ("JOB.DROP q cancelled", "not_dead state=cancelled"),
        ("JOB.REPLAYALL none", "unknown_queue"),
        ("JOB.DROPALL none", "unknown_queue"),
    ];
    let mut desk = Desk::in_all_states();
    let before = desk.call("JOB.QUEUE q");
    for (command, refusal) in cases {
        let told = desk.call(command);
        assert!(told.starts_with(refusal), "{command}: {told}");
    }
    assert_eq!(desk.call("JOB.QUEUE q"), before);
    desk.balances();
}

#[test]
fn fields_out_of_their_range_are_refused() {
    let mut desk = Desk::new();
    for (command, wrong) in [
        (
            "JOB.ADD q a x PRIORITY 10",
            "invalid: priority must be 0 to 9, not 10",
        ),
        (
            "JOB.ADD q a x RETRIES 1001",
            "invalid: retries must be 0 to 1000, not 1001",
        ),
        (
            "JOB.ADD q a x TIMEOUT 0",
            "invalid: timeout_ms must be 1 to 86400000, not 0",
        ),
        (
            "JOB.ADD q a x UNIQUE maybe",
            "invalid: unique must be one of kept live",
        ),
        (
            "JOB.TAKE w 1 q COUNT 101",
            "invalid: count must be 1 to 100, not 101",
        ),
        (
            "JOB.LIST q asleep",
            "invalid: state must be one of scheduled ready running done dead cancelled blocked",
        ),
        (
            "JOB.LIST q ready AFTER 7",
            "invalid: after must be a `next` that a page of this list has given",
        ),
    ] {
        assert_eq!(desk.call(command), wrong);
    }
}

#[test]
fn same_add_is_told_again_what_has_become_of_its_job() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q a x PRIORITY 7");
    assert!(
        desk.call("JOB.ADD q a x PRIORITY 7")
            .ends_with("state=ready due_at_ms=- tries=0 repeated=true")
    );
    assert_eq!(desk.call("JOB.ADD q a x"), "id_conflict");
    let lease = desk.take("q");
    desk.call(&format!("JOB.DONE q a {lease}"));
    assert!(
        desk.call("JOB.ADD q a x PRIORITY 7")
            .ends_with("state=done due_at_ms=- tries=1 repeated=true")
    );
    assert_eq!(field(&desk.call("JOB.QUEUE q"), "added"), "1");
}

#[test]
fn id_is_free_again_once_its_job_is_forgotten_or_where_only_live_ones_count() {
    let mut desk = Desk::new();
    for (number, told) in [(1, "repeated=false"), (1, "repeated=true")] {
        assert!(
            desk.call("JOB.ADD q a x KEEP 1000").ends_with(told),
            "{number}"
        );
    }
    desk.call("JOB.CANCEL q a");
    desk.pass(999);
    assert!(
        desk.call("JOB.ADD q a x KEEP 1000")
            .ends_with("repeated=true")
    );
    desk.pass(1);
    assert_eq!(desk.call("JOB.GET q a"), "unknown_job");
    assert!(desk.call("JOB.ADD q a y").ends_with("repeated=false"));
    assert_eq!(desk.call("JOB.ADD q a z UNIQUE live"), "id_conflict");
    let lease = desk.take("q");
    assert_eq!(desk.call("JOB.ADD q a z UNIQUE live"), "id_conflict");
    desk.call(&format!("JOB.DONE q a {lease} RESULT old"));
    assert!(
        desk.call("JOB.ADD q a z UNIQUE live")
            .ends_with("state=ready due_at_ms=- tries=0 repeated=false")
    );
    assert_eq!(field(&desk.call("JOB.GET q a"), "payload"), "z");
    assert_eq!(field(&desk.call("JOB.QUEUE q"), "done"), "0");
    desk.balances();
}

#[test]
fn minted_ids_are_new_ones() {
    let mut desk = Desk::new();
    let one = desk.call("JOB.ADD q * x");
    let other = desk.call("JOB.ADD q * x");
    assert_ne!(field(&one, "id"), field(&other, "id"));
}

#[test]
fn highest_priority_goes_first_and_then_who_came_first() {
    let mut desk = Desk::new();
    for (id, priority) in [("a", 4), ("b", 0), ("c", 9), ("d", 4), ("e", 9)] {
        desk.call(&format!("JOB.ADD q {id} x PRIORITY {priority}"));
    }
    assert_eq!(desk.taken("q COUNT 3"), ["c", "e", "a"]);
    assert_eq!(desk.taken("q COUNT 3"), ["d", "b"]);
}

#[test]
fn no_more_is_taken_at_once_than_fits_an_answer() {
    let mut desk = Desk::new();
    let long = "x".repeat(usize::try_from(TAKE_BYTES_MAX).unwrap() / 4);
    for id in ["a", "b", "c", "d", "e", "f"] {
        desk.call(&format!("JOB.ADD q {id} {long}"));
    }
    assert_eq!(desk.taken("q COUNT 6"), ["a", "b", "c", "d"]);
    assert_eq!(desk.taken("q COUNT 6"), ["e", "f"]);
    desk.balances();
}

#[test]
fn job_is_due_at_its_time_and_not_before() {
    let mut desk = Desk::new();
    let now = desk.now();
    let told = desk.call("JOB.ADD q a x DELAY 500");
    assert_eq!(field(&told, "due_at_ms"), (now + 500).to_string());
    let at = format!("JOB.ADD q b x AT {}", now + 300);
    assert_eq!(field(&desk.call(&at), "state"), "scheduled");
    assert_eq!(field(&desk.call("JOB.ADD q c x AT 5"), "state"), "ready");
    assert_eq!(desk.taken("q COUNT 9"), ["c"]);
    desk.pass(299);
    assert_eq!(desk.taken("q COUNT 9"), [""; 0]);
    desk.pass(1);
    assert_eq!(desk.taken("q COUNT 9"), ["b"]);
    desk.pass(200);
    assert_eq!(desk.taken("q COUNT 9"), ["a"]);
    desk.balances();
}

#[test]
fn job_may_lie_ten_years_ahead_and_survives_a_restart() {
    let mut desk = Desk::new();
    desk.call(&format!("JOB.ADD q a x DELAY {AHEAD_MS_MAX}"));
    desk.engine().checkpoint();
    desk.reopen();
    assert_eq!(field(&desk.call("JOB.GET q a"), "state"), "scheduled");
    desk.pass(AHEAD_MS_MAX);
    assert_eq!(desk.taken("q"), ["a"]);
}

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
fn who_leaves_a_line_from_between_leaves_no_trace_in_it() {
    // Every order in which five may leave, as far as it matters which are gone.
    for mask in 0..32_u32 {
        for backwards in [false, true] {
            let mut desk = Desk::new();
            let ids = ["a", "b", "c", "d", "e"];
            for id in ids {
                desk.call(&format!("JOB.ADD q {id} x"));
            }
            let mut gone: Vec<_> = (0..5).filter(|at| mask >> at & 1 == 1).collect();
            if backwards {
                gone.reverse();
            }
            for at in &gone {
                desk.call(&format!("JOB.CANCEL q {}", ids[*at]));
                desk.balances();
            }
            desk.call("JOB.ADD q f x");
            let mut left: Vec<_> = (0..5)
                .filter(|at| mask >> at & 1 == 0)
                .map(|at| ids[at])
                .collect();
            left.push("f");
            assert_eq!(desk.listed("ready"), left);
            assert_eq!(desk.taken("q COUNT 9"), left, "without {gone:?}");
            desk.balances();
        }
    }
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
    assert_eq!((status, &*told), (Status::Done, "queue=- lease=- jobs=[]"));
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

#[test]
fn dead_jobs_are_replayed_or_dropped_one_by_one_and_all() {
    let mut desk = Desk::new();
    let many = STEP_MAX * 2 + 5;
    let die = |desk: &mut Desk, from: u64, many: u64| {
        for number in from..from + many {
            desk.call(&format!("JOB.ADD q j{number} x RETRIES 0"));
            let lease = desk.take("q");
            desk.call(&format!("JOB.FAIL q j{number} {lease} ERROR broken"));
        }
    };
    die(&mut desk, 0, many);
    assert_eq!(field(&desk.call("JOB.QUEUE q"), "dead"), many.to_string());
    let told = desk.call("JOB.REPLAY q j3");
    assert_eq!(
        told,
        "queue=q id=j3 state=ready due_at_ms=- tries=0 repeated=false"
    );
    desk.call("JOB.DROP q j4");
    assert_eq!(desk.call("JOB.GET q j4"), "unknown_job");
    desk.balances();
    let told = desk.call("JOB.REPLAYALL q");
    assert_eq!(told, format!("queue=q dead={} repeated=false", many - 2));
    desk.balances();
    for _ in 0..5 {
        desk.pass(1);
    }
    let told = desk.call("JOB.QUEUE q");
    assert_eq!(
        (field(&told, "dead"), field(&told, "ready")),
        ("0", &*(many - 1).to_string())
    );
    desk.balances();
    assert_eq!(desk.call("JOB.DROPALL q"), "queue=q dead=0 repeated=false");
    for _ in 0..many - 1 {
        let taken = desk.call("JOB.TAKE w 1 q");
        let (id, lease) = (field(&taken, "id"), field(&taken, "lease"));
        desk.call(&format!("JOB.FAIL q {id} {lease}"));
    }
    desk.call("JOB.DROPALL q");
    for _ in 0..5 {
        desk.pass(1);
    }
    let told = desk.call("JOB.QUEUE q");
    assert_eq!((field(&told, "dead"), field(&told, "ready")), ("0", "0"));
    assert_eq!(desk.call("JOB.GET q j0"), "unknown_job");
    desk.balances();
}

#[test]
fn who_dies_while_all_dead_are_seen_to_is_not_one_of_them() {
    let mut desk = Desk::new();
    for number in 0..STEP_MAX + 2 {
        desk.call(&format!("JOB.ADD q j{number} x RETRIES 0"));
        let lease = desk.take("q");
        desk.call(&format!("JOB.FAIL q j{number} {lease}"));
    }
    desk.call("JOB.ADD q late x RETRIES 0");
    let lease = desk.take("q");
    desk.call("JOB.DROPALL q");
    assert_eq!(desk.call("JOB.REPLAYALL q"), "sweep_under_way");
    assert!(desk.call("JOB.DROPALL q").ends_with("repeated=true"));
    // The place of the last one is that of who dies next.
    desk.call(&format!("JOB.DROP q j{}", STEP_MAX + 1));
    desk.balances();
    desk.call(&format!("JOB.FAIL q late {lease}"));
    for _ in 0..5 {
        desk.pass(1);
    }
    assert_eq!(desk.listed("dead"), ["late"]);
    desk.balances();
}

#[test]
fn long_payloads_and_results_lie_beside_their_job_and_go_with_it() {
    let mut desk = Desk::new();
    let (long, result) = ("p".repeat(5_000), "r".repeat(5_000));
    desk.call(&format!("JOB.ADD q a {long} KEEP 1000"));
    desk.balances();
    let taken = desk.call("JOB.TAKE w 1 q");
    assert_eq!(field(&taken, "payload"), long);
    let lease = field(&taken, "lease");
    desk.call(&format!("JOB.DONE q a {lease} RESULT {result}"));
    desk.balances();
    assert_eq!(field(&desk.call("JOB.GET q a"), "result"), result);
    desk.pass(1_000);
    assert_eq!(desk.call("JOB.GET q a"), "unknown_job");
    desk.balances();
}

#[test]
fn jobs_are_listed_by_state_in_pages() {
    let mut desk = Desk::in_all_states();
    for state in ["scheduled", "ready", "running", "done", "dead", "cancelled"] {
        assert_eq!(desk.listed(state), [state]);
    }
    for number in 0..7 {
        desk.call(&format!("JOB.ADD q r{number} x PRIORITY {number}"));
        desk.call(&format!("JOB.ADD q s{number} x DELAY {}", 900 - number));
        desk.call(&format!("JOB.ADD other o{number} x DELAY {}", 900 - number));
    }
    let ready = ["r6", "r5", "ready", "r4", "r3", "r2", "r1", "r0"];
    assert_eq!(desk.listed("ready"), ready);
    let scheduled = ["s6", "s5", "s4", "s3", "s2", "s1", "s0", "scheduled"];
    assert_eq!(desk.listed("scheduled"), scheduled);
}

#[test]
fn jobs_are_found_by_what_people_know_them_by() {
    let mut desk = Desk::new();
    for (id, payload, error) in [
        ("mail-1", "to-mia", "no-route"),
        ("mail-2", "to-tom", "no-route"),
        ("call-1", "to-mia", "busy"),
    ] {
        desk.call(&format!("JOB.ADD q {id} {payload} RETRIES 0"));
        let lease = desk.take("q");
        desk.call(&format!("JOB.FAIL q {id} {lease} ERROR {error}"));
    }
    for (pattern, ids) in [
        ("mail", &["mail-1", "mail-2"][..]),
        ("mia", &["mail-1", "call-1"]),
        ("route", &["mail-1", "mail-2"]),
        ("nothing", &[]),
    ] {
        assert_eq!(
            desk.listed(&format!("dead MATCH {pattern}")),
            ids,
            "{pattern}"
        );
    }
}

#[test]
fn queues_are_listed_with_their_jobs() {
    let mut desk = Desk::in_all_states();
    desk.call("JOB.ADD p a x");
    let none = "{concurrency=0 rate=0 per_ms=0 burst=0}";
    let rest = format!("blocked=0 state=open limits={none} group_limits={none} version=0");
    let expected = format!(
        "items=[{{queue=p added=1 scheduled=0 ready=1 running=0 done=0 dead=0 cancelled=0 {rest}}} \
         {{queue=q added=6 scheduled=1 ready=1 running=1 done=1 dead=1 cancelled=1 {rest}}}] next=-"
    );
    assert_eq!(desk.call("JOB.QUEUES"), expected);
    assert!(desk.call("JOB.QUEUES LIMIT 1").ends_with("next=p"));
    assert!(
        desk.call("JOB.QUEUES PREFIX q")
            .starts_with("items=[{queue=q ")
    );
}

#[test]
fn all_is_as_it_was_after_a_restart_from_the_base_and_from_the_log() {
    for checkpoint in [true, false] {
        let mut desk = Desk::in_all_states();
        let states = ["scheduled", "ready", "running", "done", "dead", "cancelled"];
        let all = |desk: &mut Desk| states.map(|id| desk.call(&format!("JOB.GET q {id}")));
        let before = all(&mut desk);
        if checkpoint {
            desk.engine().checkpoint();
        }
        desk.reopen();
        assert_eq!(all(&mut desk), before);
        assert_eq!(desk.taken("q COUNT 9"), ["ready"]);
        desk.balances();
    }
}

#[test]
fn rows_that_only_the_base_has_are_fetched() {
    let mut desk = Desk::in_all_states();
    desk.engine().checkpoint();
    let lease = desk.lease.clone();
    assert_eq!(
        desk.call("JOB.CANCEL q ready").split(' ').nth(2),
        Some("state=cancelled")
    );
    desk.engine().checkpoint();
    desk.call(&format!("JOB.DONE q running {lease}"));
    desk.engine().checkpoint();
    desk.call("JOB.REPLAY q dead");
    desk.engine().checkpoint();
    desk.pass(1_000_000);
    assert_eq!(desk.taken("q COUNT 9"), ["dead", "scheduled"]);
    desk.balances();
}

#[test]
fn domain_keeps_its_number() {
    assert_eq!((JOB.name, JOB.number), ("job", 5));
}
