//! Adding jobs and taking them, every "no" that a command can give, and what a restart keeps.

use crate::support::{Desk, field};
use tidegate_job::{AHEAD_MS_MAX, JOB, TAKE_BYTES_MAX};

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
            "queue=q lease={lease} group=- jobs=[{{id=a payload=hello tries=1 priority=4 created_at_ms={now} until_ms={}}}]",
            now + 60_000
        )
    );
    assert_eq!(
        desk.call("JOB.TAKE w 1 q"),
        "queue=- lease=- group=- jobs=[]"
    );
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
            "invalid: state must be one of scheduled ready running done dead cancelled blocked waiting",
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
