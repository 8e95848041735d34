//! Every law of jobs, broken once: a row of each table is removed, added and changed, and `check` names the law that is
//! broken.

use crate::support::Desk;
use tidegate_engine::contract::Domain;
use tidegate_engine::testing::ManualClock;
use tidegate_engine::testing::mutations::Mutation::{self, Copy, Field, Move, Remove, Within};
use tidegate_engine::testing::mutations::Value::{Bool, Missing, Nothing, Number, Text};
use tidegate_engine::testing::mutations::Which::Key;
use tidegate_engine::testing::mutations::{Case, Folder, assert_all_tried};
use tidegate_job::{JOB, STEP_MAX};

const DOMAINS: &[Domain] = &[JOB];

const LATE: u64 = ManualClock::START_MS + 1_000_000_000;

/// With a job in each state, named after it, in `q`; a long payload; a job with a deadline; a line with a gap of two; and
/// a queue `s` whose dead are being dropped, and that has limits: a job runs and another one waits until it may be taken,
/// two wait in group `g`, and group `h` has its timer only. Of `nobody`, a job that is not there, a child has ended.
fn folder() -> Folder {
    let mut desk = Desk::in_all_states();
    let long = "p".repeat(2_000);
    desk.call(&format!("JOB.ADD q long {long} DELAY 60000"));
    let deadline = desk.now() + 90_000;
    desk.call(&format!(
        "JOB.ADD q urgent x PRIORITY 9 DEADLINE {deadline}"
    ));
    for id in ["l1", "l2", "l3", "l4"] {
        desk.call(&format!("JOB.ADD q {id} x PRIORITY 0"));
    }
    desk.call("JOB.ADD q beat x EVERY 100000");
    desk.call("JOB.ADD q parent x CHILDREN 2");
    desk.call("JOB.PUSH q r");
    desk.call("JOB.SET t AGGREGATE 5 GRACE 1000000");
    for number in 0..=STEP_MAX {
        desk.call(&format!("JOB.ADD t j{number} xx GROUP g{number}"));
    }
    desk.call("JOB.DRAIN t");
    desk.call("JOB.CANCEL q l2");
    desk.call("JOB.CANCEL q l3");
    for number in 0..=STEP_MAX {
        desk.call(&format!("JOB.ADD s j{number} x RETRIES 0"));
        let lease = desk.take("s");
        desk.call(&format!("JOB.FAIL s j{number} {lease}"));
    }
    desk.call("JOB.DROPALL s");
    desk.call("JOB.SET s RATE 1 PER 100000 GROUPCONCURRENCY 1 GROUPRATE 1 GROUPPER 50000");
    for id in ["g1", "g2", "g3"] {
        desk.call(&format!("JOB.ADD s {id} x GROUP g"));
    }
    desk.call("JOB.ADD s h1 x GROUP h");
    desk.call("JOB.CANCEL s h1");
    desk.call("JOB.TAKE w 1 s");
    desk.call("JOB.ADD s free x");
    desk.call("JOB.TAKE w 1 s");
    desk.call("JOB.ADD s early x PARENT nobody");
    desk.call("JOB.CANCEL s early");
    desk.engine().checkpoint();
    Folder::of(desk.close(), DOMAINS)
}

const fn row(
    table: &'static str,
    key: &'static [u8],
    mutation: Mutation,
    law: &'static str,
) -> Case {
    Case {
        table,
        row: Key(key),
        mutation,
        law,
    }
}

const fn queue(mutation: Mutation, law: &'static str) -> Case {
    row("job.queues", b"q\0", mutation, law)
}

const fn push(mutation: Mutation, law: &'static str) -> Case {
    row("job.pushes", b"q\0", mutation, law)
}

/// The last group of `t`, whose job waits.
const fn gathers(mutation: Mutation, law: &'static str) -> Case {
    row("job.groups", b"t\0g64\0", mutation, law)
}

const fn job(id: &'static [u8], mutation: Mutation, law: &'static str) -> Case {
    row("job.jobs", id, mutation, law)
}

const READY: &[u8] = b"q\0ready\0";
const RUNNING: &[u8] = b"q\0running\0";
const SCHEDULED: &[u8] = b"q\0scheduled\0";
const DONE: &[u8] = b"q\0done\0";
const DEAD: &[u8] = b"q\0dead\0";
const CANCELLED: &[u8] = b"q\0cancelled\0";
const URGENT: &[u8] = b"q\0urgent\0";

const G1: &[u8] = b"s\0g1\0";
const G2: &[u8] = b"s\0g2\0";
const GROUP: &[u8] = b"s\0g\0";
const GROUP_H: &[u8] = b"s\0h\0";

/// The places of the line of priority 0: a job, both ends of a gap, and a job.
const FIRST: &[u8] = b"q\0\x09\0\0\0\0\0\0\0\0";
const GAP: &[u8] = b"q\0\x09\0\0\0\0\0\0\0\x01";
const GAP_END: &[u8] = b"q\0\x09\0\0\0\0\0\0\0\x02";
const LAST: &[u8] = b"q\0\x09\0\0\0\0\0\0\0\x03";

const CASES: &[Case] = &[
    row(
        "job.early",
        b"nobody",
        Remove,
        "job nobody: a timer at 1800604800000 for children that ended early, and none did",
    ),
    row(
        "job.early",
        b"nobody",
        Copy(b"nobody", b"early"),
        "job early: 1 children ended before it was there",
    ),
    row(
        "job.early",
        b"nobody",
        Field(0, Number(0)),
        "job nobody: 0 children ended before it was there",
    ),
    row(
        "job.early",
        b"nobody",
        Field(1, Number(LATE)),
        "job nobody: its children have no timer at",
    ),
    queue(Remove, "job q: rows of a queue that is not there"),
    queue(Copy(b"q", b"r"), "job r: a row of it lies in another slot"),
    queue(Field(0, Number(1)), "of 1 that were added"),
    queue(Field(1, Nothing), "it says 0"),
    queue(Within(&[1, 0, 0], Number(7)), "where it is not in use"),
    queue(Within(&[1, 2, 1], Number(9)), "it says 2"),
    queue(
        Within(&[1, 2, 2], Number(9)),
        "job q: line 9 has nothing at 4",
    ),
    queue(Within(&[1, 2, 3], Number(9)), "it says 9"),
    queue(Field(2, Number(9)), "3 jobs are scheduled, it says 9"),
    queue(Field(3, Number(9)), "1 jobs are running, it says 9"),
    queue(Field(4, Number(9)), "1 jobs are done, it says 9"),
    queue(Field(5, Number(9)), "3 jobs are cancelled, it says 9"),
    row(
        "job.queues",
        b"s\0",
        Field(6, Missing),
        "job s: its dead are seen to at None",
    ),
    row(
        "job.queues",
        b"s\0",
        Within(&[6, 0], Number(99)),
        "behind the last of them",
    ),
    row(
        "job.queues",
        b"s\0",
        Within(&[6, 2], Number(LATE)),
        "job s: its dead are seen to at",
    ),
    job(READY, Remove, "ready is at 4 of line 5, and should not be"),
    job(
        READY,
        Copy(b"ready", b"reody"),
        "job reody: it is not at 4 of line 5",
    ),
    job(
        READY,
        Move(b"ready", b"reody"),
        "job reody: it is not at 4 of line 5",
    ),
    job(READY, Within(&[1, 0], Number(3)), "jobs are running"),
    job(
        READY,
        Within(&[1, 1, 0], Number(7)),
        "job ready: it is not at 7 of line 5",
    ),
    job(READY, Field(2, Number(0)), "job ready: number 0"),
    job(READY, Field(2, Number(1)), "two jobs have the number 1"),
    job(
        READY,
        Field(3, Number(3)),
        "job ready: it is not at 4 of line 6",
    ),
    job(READY, Field(3, Number(10)), "job ready: of priority 10"),
    job(READY, Field(4, Number(LATE)), "job ready: made at"),
    job(READY, Field(5, Missing), "with a payload: false"),
    job(
        READY,
        Field(8, Number(99)),
        "job ready: tried 99 times of 11",
    ),
    job(READY, Field(13, Number(LATE)), "job ready: in state Ready"),
    job(
        b"q\0beat\0",
        Within(&[1, 0], Number(3)),
        "job beat: it recurs, in state Running",
    ),
    job(
        b"q\0beat\0",
        Field(7, Number(LATE)),
        "job beat: it recurs, in state Scheduled",
    ),
    job(
        b"q\0parent\0",
        Field(17, Number(0)),
        "job parent: in state Waiting(0), it waits for 0",
    ),
    job(
        b"q\0parent\0",
        Within(&[1, 1, 0], Number(3)),
        "job parent: it is not at 3 of line 11",
    ),
    job(READY, Field(17, Number(1)), "it waits for 1 children"),
    job(
        SCHEDULED,
        Within(&[1, 1, 0], Number(LATE)),
        "job scheduled: it has no timer Wake",
    ),
    job(
        RUNNING,
        Within(&[1, 1, 0], Number(LATE)),
        "job running: it has no timer LeaseEnd",
    ),
    job(RUNNING, Field(8, Number(0)), "and nobody has taken it"),
    job(RUNNING, Field(9, Missing), "and nobody has taken it"),
    job(
        RUNNING,
        Within(&[9, 2], Number(1)),
        "its lease is ended by a word, and it runs",
    ),
    job(
        DONE,
        Within(&[1, 1, 0], Number(LATE)),
        "job done: it has no timer Forget",
    ),
    job(DONE, Field(13, Missing), "job done: in state Done"),
    job(DONE, Field(13, Number(1)), "job done: made at"),
    job(
        DEAD,
        Within(&[1, 1, 0], Number(7)),
        "job dead: it is not at 7 of line 10",
    ),
    job(
        CANCELLED,
        Within(&[1, 1, 0], Number(LATE)),
        "job cancelled: it has no timer Forget",
    ),
    job(URGENT, Field(7, Missing), "job urgent: a timer Deadline"),
    job(
        URGENT,
        Field(7, Number(LATE)),
        "job urgent: it has no timer Deadline",
    ),
    job(
        b"q\0long\0",
        Within(&[5, 1, 0], Number(7)),
        "job long: Payload of Some(7) bytes",
    ),
    row(
        "job.queues",
        b"s\0",
        Field(7, Number(9)),
        "2 jobs are blocked, it says 9",
    ),
    row(
        "job.queues",
        b"s\0",
        Field(12, Missing),
        "a timer opens group \"\" at",
    ),
    row("job.queues", b"s\0", Field(12, Number(LATE)), "it opens at"),
    job(G1, Field(14, Missing), "let in by group \"\""),
    job(
        G1,
        Field(15, Bool(false)),
        "0 of its jobs were let in, it says 1",
    ),
    job(G1, Within(&[1, 0], Number(1)), "let in by group \"g\""),
    job(
        G2,
        Field(15, Bool(true)),
        "job g2: in state Blocked(0), let in by",
    ),
    job(
        G2,
        Within(&[1, 1, 0], Number(1)),
        "job g2: it is not at 1 of the line of its group",
    ),
    row("job.groups", GROUP, Remove, "let in by group \"g\""),
    row(
        "job.groups",
        GROUP,
        Copy(b"g", b"i"),
        "job s group i: 0 of its jobs were let in, it says 1",
    ),
    row(
        "job.groups",
        GROUP,
        Field(0, Number(2)),
        "1 of its jobs were let in, it says 2",
    ),
    row(
        "job.groups",
        GROUP,
        Within(&[1, 3], Number(9)),
        "group g: its line has 2 jobs",
    ),
    row(
        "job.groups",
        GROUP_H,
        Field(3, Missing),
        "none of its jobs was let in, and it has no timer",
    ),
    row(
        "job.groups",
        GROUP_H,
        Field(3, Number(LATE)),
        "job s group h: it opens at",
    ),
    row(
        "job.group_lines",
        GROUP,
        Remove,
        "job s group g: its line has nothing at 0",
    ),
    row(
        "job.group_lines",
        GROUP,
        Copy(b"g\0", b"k\0"),
        "group k: its line has something at 0",
    ),
    row(
        "job.group_lines",
        GROUP,
        Move(b"\0\0", b"\0\x05"),
        "job g2: it is not at 0 of the line of its group",
    ),
    row(
        "job.lines",
        FIRST,
        Remove,
        "job l1: it is not at 0 of line 9",
    ),
    row(
        "job.lines",
        FIRST,
        Copy(b"\0\x09", b"\0\x08"),
        "line 8 has something at 0",
    ),
    row(
        "job.lines",
        FIRST,
        Move(b"\0\0", b"\0\x04"),
        "job l1: it is not at 0 of line 9",
    ),
    row("job.lines", GAP, Remove, "line 9 has nothing at 1"),
    row(
        "job.lines",
        GAP,
        Within(&[1, 0], Number(1)),
        "line 9 has a gap at 2 that touches another one",
    ),
    row(
        "job.lines",
        GAP,
        Within(&[1, 0], Number(3)),
        "line 9 has a gap at 1 that touches",
    ),
    row(
        "job.lines",
        GAP_END,
        Remove,
        "line 9 has a gap from 1 to 2 that is none",
    ),
    row(
        "job.lines",
        GAP_END,
        Within(&[1, 0], Number(0)),
        "line 9 has a gap from 1 to 2 that is none",
    ),
    row(
        "job.lines",
        LAST,
        Remove,
        "job l4: it is not at 3 of line 9",
    ),
    row(
        "job.bodies",
        b"long",
        Remove,
        "job long: Payload of Some(2000) bytes beside it, there are None",
    ),
    row(
        "job.bodies",
        b"long",
        Copy(b"long", b"lang"),
        "job lang: bytes beside it",
    ),
    row(
        "job.bodies",
        b"long",
        Move(b"\0\x01", b"\0\x02"),
        "job long: Payload of Some(2000)",
    ),
    row(
        "engine.timers",
        b"scheduled",
        Remove,
        "job scheduled: it has no timer Wake",
    ),
    row(
        "engine.timers",
        b"scheduled",
        Copy(b"scheduled", b"ready\0\0\0\0"),
        "job ready: a timer Wake",
    ),
    row(
        "engine.timers",
        b"running",
        Remove,
        "job running: it has no timer LeaseEnd",
    ),
    push(
        Copy(b"q\0", b"r\0"),
        "job r: a row of it lies in another slot",
    ),
    push(Field(0, Text("")), "it is pushed as nobody could say"),
    push(Field(1, Number(1_001)), "it is pushed as nobody could say"),
    push(Field(2, Number(999)), "it is pushed as nobody could say"),
    push(Field(3, Number(LATE)), "it is pushed as nobody could say"),
    gathers(Field(4, Number(LATE)), "those that wait came from"),
    gathers(Field(5, Number(1)), "those that wait came from"),
    gathers(Field(6, Number(9)), "2 bytes wait in its line, it says 9"),
    gathers(Field(7, Number(9)), "it gathers at 9, where there is None"),
    gathers(Field(7, Missing), "of those that gather, and should not be"),
    row(
        "job.queues",
        b"t\0",
        Field(13, Missing),
        "job t: what gathers is let in at None",
    ),
    row(
        "engine.timers",
        b"urgent",
        Remove,
        "job urgent: it has no timer Deadline",
    ),
    row(
        "engine.idle_timers",
        b"done",
        Remove,
        "job done: it has no timer Forget",
    ),
    row(
        "engine.idle_timers",
        b"s\0",
        Remove,
        "job s: its dead are seen to at Some",
    ),
];

/// A queue that is not pushed is no worse.
const UNTOLD: &[(&str, &str)] = &[("job.pushes", "removed")];

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
}

#[test]
fn every_table_has_a_row_removed_added_and_changed() {
    let tables: Vec<_> = JOB.tables.iter().map(|table| table.name()).collect();
    assert_all_tried(&tables, CASES, UNTOLD);
}

#[test]
fn timer_that_was_set_aside_stands_for_one_that_is_set() {
    let folder = folder();
    for (table, owner, kind) in [
        ("engine.timers", &b"q\0scheduled\0"[..], 0x0501_u16),
        ("engine.timers", b"q\0running\0", 0x0502),
        ("engine.timers", b"q\0urgent\0", 0x0503),
        ("engine.idle_timers", b"q\0done\0", 0x0504),
        ("engine.idle_timers", b"s\0", 0x0505),
        ("engine.timers", b"s\0", 0x0506),
        ("engine.timers", b"s\0h\0", 0x0507),
        ("engine.timers", b"t\0", 0x0508),
    ] {
        let mut timers = folder.rows(table).into_iter();
        let name = [&kind.to_be_bytes(), owner].concat();
        let (row_key, bytes) = timers.find(|(of, _)| of[10..] == name).unwrap();
        // Slot, due time and number of the timer stand in front of what it was set with.
        let slot = row_key[..2].to_vec();
        folder.put(table, vec![(row_key.clone(), None)]);
        assert_ne!(folder.faults(), Vec::<String>::new());
        let dead_key = [&slot[..], &7u64.to_be_bytes()].concat();
        let dead = dead_letter(kind, owner);
        folder.put("engine.dead_letters", vec![(dead_key.clone(), Some(dead))]);
        // The number of the dead letter is nobody's; that is the engine's affair.
        let faults = folder.faults().into_iter();
        let of_jobs: Vec<_> = faults.filter(|fault| fault.starts_with("job")).collect();
        assert_eq!(of_jobs, Vec::<String>::new());
        folder.put("engine.dead_letters", vec![(dead_key, None)]);
        folder.put(table, vec![(row_key, Some(bytes))]);
    }
}

/// The row of a timer that was set aside and waits.
fn dead_letter(kind: u16, owner: &[u8]) -> Vec<u8> {
    let mut row = minicbor::Encoder::new(Vec::new());
    let encoded = row.map(5).and_then(|row| {
        row.u8(0)?.u64(LATE)?;
        row.u8(1)?.u16(kind)?;
        row.u8(2)?.bool(false)?;
        row.u8(3)?.bytes(owner)?;
        row.u8(4)?.bytes(&[])
    });
    encoded.unwrap();
    row.into_writer()
}
