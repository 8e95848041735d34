//! Lines and lists: who stands where, and what people find and do there.

use crate::support::{Desk, field};
use tidegate_job::STEP_MAX;

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
    let rest = format!(
        "blocked=0 waiting=0 state=open limits={none} group_limits={none} batch=- version=0"
    );
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
