//! Jobs that recur: at an interval, or as a cron expression has it.

use crate::support::{Desk, field};
use tidegate_engine::testing::ManualClock;
use tidegate_job::{EVERY_MS_MIN, RECURRING_ID_BYTES_MAX};

/// 15 January 2027, 8 o'clock in UTC.
const START: u64 = ManualClock::START_MS;

const HOUR: u64 = 3_600_000;

#[test]
fn job_comes_of_one_that_recurs_each_time_that_it_is_due() {
    let mut desk = Desk::new();
    let told = desk.call("JOB.ADD q beat tick EVERY 5000 PRIORITY 7 GROUP g");
    assert_eq!(field(&told, "state"), "scheduled");
    let first = desk.now() + 5_000;
    assert_eq!(field(&told, "due_at_ms"), first.to_string());
    assert_eq!(desk.taken("q"), [""; 0]);
    for turn in 0..3 {
        desk.pass(4_999);
        assert_eq!(desk.taken("q"), [""; 0]);
        desk.pass(1);
        let told = desk.call("JOB.TAKE w 1 q COUNT 9");
        let id = format!("beat@{}", first + turn * 5_000);
        assert_eq!(
            (field(&told, "id"), field(&told, "payload")),
            (&*id, "tick")
        );
        assert_eq!(field(&told, "priority"), "7");
        assert_eq!(told.matches("id=").count(), 1);
        let told = desk.call(&format!("JOB.GET q {id}"));
        assert_eq!((field(&told, "recurs"), field(&told, "group")), ("-", "g"));
        desk.balances();
    }
    let told = desk.call("JOB.GET q beat");
    assert!(
        told.contains("recurs={every_ms=5000 cron=- zone=- missed=one}"),
        "{told}"
    );
}

#[test]
fn cron_expression_is_read_in_its_zone() {
    let mut desk = Desk::new();
    // In RESP an expression is one argument; here blanks would part it.
    for (id, how, due) in [
        ("utc", "CRON @daily", START + 16 * HOUR),
        ("berlin", "CRON @daily TZ Europe/Berlin", START + 15 * HOUR),
        ("tokyo", "CRON @daily TZ Asia/Tokyo", START + 7 * HOUR),
    ] {
        let told = desk.call(&format!("JOB.ADD q {id} x {how}"));
        assert_eq!(field(&told, "due_at_ms"), due.to_string(), "{id}");
    }
    desk.pass(16 * HOUR);
    let mut taken = desk.taken("q COUNT 9");
    taken.sort();
    let at = |hours| START + hours * HOUR;
    let expected = [("berlin", at(15)), ("tokyo", at(7)), ("utc", at(16))];
    assert_eq!(taken, expected.map(|(id, at_ms)| format!("{id}@{at_ms}")));
    desk.balances();
}

#[test]
fn recurrence_may_begin_at_a_time() {
    let mut desk = Desk::new();
    let told = desk.call("JOB.ADD q a x EVERY 9000 DELAY 100");
    assert_eq!(field(&told, "due_at_ms"), (START + 100).to_string());
    let told = desk.call(&format!("JOB.ADD q b x CRON @hourly AT {}", START + HOUR));
    assert_eq!(field(&told, "due_at_ms"), (START + HOUR).to_string());
}

#[test]
fn what_cannot_recur_so_is_refused() {
    let mut desk = Desk::new();
    let long = "x".repeat(RECURRING_ID_BYTES_MAX + 1);
    let late = START + HOUR;
    for (words, wrong) in [
        ("JOB.ADD q a x CRON daily", "cron"),
        ("JOB.ADD q a x CRON @daily TZ Mars/Phobos", "zone"),
        ("JOB.ADD q a x CRON @daily EVERY 5000", "options"),
        ("JOB.ADD q a x EVERY 5000 TZ UTC", "options"),
        ("JOB.ADD q a x TZ UTC", "options"),
        ("JOB.ADD q a x MISSED all", "options"),
        (
            &*format!("JOB.ADD q a x EVERY 5000 DEADLINE {late}"),
            "options",
        ),
        (&*format!("JOB.ADD q {long} x EVERY 5000"), "id"),
    ] {
        assert_eq!(
            desk.call(words),
            format!("invalid_recurrence wrong={wrong}"),
            "{words}"
        );
    }
    let soon = format!("JOB.ADD q a x EVERY {}", EVERY_MS_MIN - 1);
    assert!(desk.call(&soon).starts_with("invalid: every_ms"));
    let longest = &long[1..];
    let told = desk.call(&format!("JOB.ADD q {longest} x EVERY 5000"));
    assert_eq!(field(&told, "state"), "scheduled");
    desk.pass(5_000);
    assert_eq!(desk.taken("q").len(), 1, "its id is one still");
}

#[test]
fn what_recurs_is_cancelled_and_what_has_come_of_it_stays() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q beat tick EVERY 5000");
    desk.pass(5_000);
    assert_eq!(field(&desk.call("JOB.CANCEL q beat"), "state"), "cancelled");
    desk.pass(50_000);
    assert_eq!(desk.taken("q COUNT 9").len(), 1);
    desk.balances();
}

#[test]
fn times_that_were_missed_are_made_up_for_as_it_was_said() {
    for (missed, turns) in [("one", 14..=14), ("all", 2..=14)] {
        let mut desk = Desk::new();
        desk.call(&format!(
            "JOB.ADD q beat tick EVERY 60000 TIMEOUT 9000000 MISSED {missed}"
        ));
        desk.pass(60_000);
        assert_eq!(desk.taken("q"), [format!("beat@{}", START + 60_000)]);
        // It stands still for long, and then goes on.
        desk.engine().checkpoint();
        desk.engine().clock.advance_ms(13 * 60_000);
        desk.reopen();
        desk.pass(0);
        let expected = turns.map(|turn| format!("beat@{}", START + turn * 60_000));
        assert_eq!(
            desk.taken("q COUNT 99"),
            expected.collect::<Vec<_>>(),
            "{missed}"
        );
        desk.pass(60_000);
        assert_eq!(desk.taken("q COUNT 99").len(), 1, "it goes on as before");
        desk.balances();
    }
}

#[test]
fn time_that_is_more_than_a_minute_late_is_passed_over_where_that_was_said() {
    let mut desk = Desk::new();
    desk.call(&format!("JOB.ADD q beat tick EVERY {HOUR} MISSED none"));
    desk.engine().checkpoint();
    desk.engine().clock.advance_ms(2 * HOUR + 60_001);
    desk.reopen();
    desk.pass(0);
    assert_eq!(desk.taken("q COUNT 9"), [""; 0]);
    let told = desk.call("JOB.GET q beat");
    assert_eq!(field(&told, "due_at_ms"), (START + 3 * HOUR).to_string());
}

#[test]
fn queue_that_drains_lets_nothing_come_of_what_recurs() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q beat tick EVERY 5000");
    desk.call("JOB.DRAIN q");
    desk.pass(5_000);
    assert_eq!(desk.taken("q"), [""; 0]);
    desk.call("JOB.RESUME q");
    desk.pass(5_000);
    assert_eq!(desk.taken("q").len(), 1);
    desk.balances();
}

#[test]
fn job_under_the_id_of_a_time_is_that_of_this_time() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q beat tick EVERY 5000");
    desk.call(&format!(
        "JOB.ADD q beat@{} other DELAY 9000",
        START + 5_000
    ));
    desk.pass(5_000);
    assert_eq!(desk.taken("q COUNT 9"), [""; 0]);
    desk.balances();
}

#[test]
fn long_payload_of_what_recurs_is_that_of_each_that_comes_of_it() {
    let mut desk = Desk::new();
    let long = "p".repeat(5_000);
    desk.call(&format!("JOB.ADD q beat {long} EVERY 5000"));
    desk.engine().checkpoint();
    for _ in 0..2 {
        desk.pass(5_000);
        let told = desk.call("JOB.TAKE w 1 q");
        assert_eq!(field(&told, "payload"), long);
        desk.balances();
    }
}

#[test]
fn what_recurs_is_listed_as_scheduled() {
    let mut desk = Desk::new();
    desk.call("JOB.ADD q beat tick EVERY 5000");
    desk.call("JOB.ADD q once x DELAY 9000");
    assert_eq!(desk.listed("scheduled"), ["beat", "once"]);
    let told = desk.call("JOB.LIST q scheduled LIMIT 1");
    assert_eq!(field(&told, "recurs"), "true");
    assert_eq!(field(&desk.call("JOB.QUEUE q"), "scheduled"), "2");
}
