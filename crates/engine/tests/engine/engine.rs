//! What the engine promises, each claim on the production executor, log and gate, stepped over a
//! disk that keeps only what was synced.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tidegate_engine::Running;
use tidegate_engine::contract::Status;
use tidegate_engine::disk::{Disk, FaultDisk};
use tidegate_engine::limits::{
    BATCH_TIMERS_MAX, CLOCK_AHEAD_MS, INBOX_COMMANDS_MAX, OPEN_SHARE_PERCENT,
};
use tidegate_engine::testing::{ManualClock, SPACE, Stepper, TOY};
use tidegate_engine::{Did, LogError, OpenError, Random};

fn fresh() -> Stepper {
    Stepper::fresh(&[TOY])
}

/// An engine whose clock is promised, so that commands run at their first step.
fn started() -> Stepper {
    let mut engine = fresh();
    engine.call("NOTE.GET nothing");
    engine
}

#[test]
fn reply_waits_until_its_record_is_durable() {
    let mut engine = started();
    let put = engine.submit("NOTE.PUT k 1 hello").unwrap();
    engine.execute();
    engine.execute();
    assert_eq!(engine.answer(put), None, "executed, but nothing is written");
    assert_eq!(engine.write().unwrap(), Did::Wrote);
    engine.execute();
    assert_eq!(engine.answer(put).unwrap().1, "key=k text=hello times=1");
}

#[test]
fn read_and_refusal_wait_for_what_they_rest_on() {
    let mut engine = started();
    for id in 1..=3 {
        engine.submit(&format!("NOTE.PUT k {id} text")).unwrap();
    }
    let refused = engine.submit("NOTE.PUT k 4 text").unwrap();
    engine.execute();
    let read = engine.submit("NOTE.GET k").unwrap();
    engine.execute();
    assert_eq!(
        engine.answer(refused),
        None,
        "it rests on three writings that may be lost"
    );
    assert_eq!(engine.answer(read), None);
    engine.write().unwrap();
    engine.execute();
    assert_eq!(
        engine.answer(refused).unwrap(),
        (Status::Conflict, "note_full times=3".into())
    );
    assert_eq!(engine.answer(read).unwrap().1, "key=k text=text times=3");
}

#[test]
fn relaxed_answer_waits_for_what_was_there_before_and_not_for_what_it_has_written() {
    let mut engine = started();
    engine.submit("NOTE.PUT k 1 hello").unwrap();
    engine.execute();
    let early = engine.submit("NOTE.STAY k RELAXED 1").unwrap();
    engine.execute();
    assert_eq!(engine.answer(early), None, "the note may be lost");
    engine.write().unwrap();
    let stays = [(); 2].map(|()| {
        let stay = engine.submit("NOTE.STAY k RELAXED 1").unwrap();
        engine.execute(); // The second one is of another batch: it does not wait for the first one.
        stay
    });
    for stay in [early].into_iter().chain(stays) {
        assert_eq!(engine.answer(stay).unwrap().1, "key=k text=hello times=1");
    }
    let read = engine.submit("NOTE.GET k").unwrap();
    engine.execute();
    assert_eq!(engine.answer(read), None, "a stay may be lost");
    let put = engine.submit("NOTE.PUT k 2 there").unwrap();
    let behind = engine.submit("NOTE.STAY k RELAXED 1").unwrap();
    engine.execute();
    assert_eq!(
        engine.answer(behind),
        None,
        "it tells of the text before it"
    );
    engine.write().unwrap();
    engine.execute();
    assert_eq!(engine.answer(put), engine.answer(behind));
}

#[test]
fn read_of_durable_rows_needs_no_write() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 hello");
    let (syncs, bytes) = (engine.disk.syncs(), engine.disk.bytes_written());
    let read = engine.submit("NOTE.GET k").unwrap();
    engine.execute();
    assert_eq!(engine.answer(read).unwrap().1, "key=k text=hello times=1");
    assert_eq!(
        (engine.disk.syncs(), engine.disk.bytes_written()),
        (syncs, bytes)
    );
}

#[test]
fn refused_command_leaves_no_trace() {
    let mut engine = started();
    for id in 1..=3 {
        engine.call(&format!("NOTE.PUT k {id} third TTL 1000"));
    }
    assert_eq!(
        engine.call("NOTE.PUT k 4 fourth TTL 5000"),
        "note_full times=3"
    );
    assert_eq!(engine.call("NOTE.GET k"), "key=k text=third times=3");
    engine.pass_ms(1_000);
    assert_eq!(
        engine.call("NOTE.GET k"),
        "unknown_note",
        "the timer of the third stands"
    );
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("NOTE.GET k"), "unknown_note");
}

#[test]
fn commands_of_one_key_run_in_the_order_sent() {
    let mut engine = started();
    let texts = ["a", "b", "c"];
    let tokens = texts.map(|text| engine.submit(&format!("NOTE.PUT k 1 {text}")).unwrap());
    engine.settle();
    for (times, (text, token)) in (1..).zip(texts.into_iter().zip(tokens)) {
        let answer = engine.answer(token).unwrap().1;
        assert_eq!(answer, format!("key=k text={text} times={times}"));
    }
}

#[test]
fn scan_over_all_partitions_pages_in_the_order_of_keys() {
    let mut engine = started();
    let keys: Vec<String> = (0..50).map(|n| format!("key-{n:02}")).collect();
    for key in &keys {
        engine.call(&format!("NOTE.PUT {key} 1 text"));
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = engine.call(&format!("NOTE.LIST LIMIT 7{after}"));
        seen.extend(
            page.match_indices("key=")
                .map(|(at, _)| page[at + 4..at + 10].to_owned()),
        );
        let next = page.rsplit("next=").next().unwrap();
        if next == "-" {
            break;
        }
        after = format!(" AFTER {next}");
    }
    assert_eq!(seen, keys);
}

/// One run of random commands with a crash: everything answered is there afterwards.
fn crash_run(seed: u64) {
    let mut random = Random::new(seed);
    let mut engine = started();
    let mut answered: Vec<(String, u64)> = Vec::new();
    for round in 0..random.below(12) {
        let tokens: Vec<_> = (0..random.below(6))
            .map(|n| {
                let key = format!("k{round}-{n}");
                (
                    engine.submit(&format!("NOTE.PUT {key} 1 text")).unwrap(),
                    key,
                )
            })
            .collect();
        for _ in 0..random.below(4) {
            engine.execute();
            if random.chance(1, 2) {
                engine.write().unwrap();
            }
            if random.chance(1, 5) {
                engine.seal().unwrap();
            }
        }
        engine.execute();
        answered.extend(
            tokens
                .into_iter()
                .filter(|(t, _)| engine.answer(*t).is_some())
                .map(|(_, k)| (k, 1)),
        );
    }
    engine.disk.crash(&mut random);
    let mut engine = engine
        .reopen()
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    for (key, times) in &answered {
        let found = engine.call(&format!("NOTE.GET {key}"));
        assert_eq!(
            found,
            format!("key={key} text=text times={times}"),
            "seed {seed}"
        );
    }
    // What was carried over must be durable before it is answered from: crash at once again.
    let all = engine.call("NOTE.LIST LIMIT 1000");
    engine.disk.crash(&mut random);
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("NOTE.LIST LIMIT 1000"), all, "seed {seed}");
}

#[test]
fn whatever_was_answered_survives_a_crash() {
    for seed in 0..300 {
        crash_run(seed);
    }
}

#[test]
fn what_only_the_page_cache_held_is_synced_before_it_is_answered_from() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 hello");
    // Killed, not crashed: the last group is there but no mark covers it.
    let mut engine = engine.reopen().unwrap();
    assert!(engine.report.unsealed > 0);
    assert_eq!(engine.call("NOTE.GET k"), "key=k text=hello times=1");
    for seed in 0..20 {
        engine.disk.crash(&mut Random::new(seed));
        engine = engine.reopen().unwrap();
        assert_eq!(engine.call("NOTE.GET k"), "key=k text=hello times=1");
    }
}

fn segment(disk: &FaultDisk) -> String {
    disk.list()
        .unwrap()
        .into_iter()
        .rfind(|name| name.ends_with(".seg"))
        .unwrap()
}

/// Offset of the last group of a segment.
fn last_group(disk: &FaultDisk, name: &str) -> usize {
    let file = disk.open(name).unwrap();
    let mut bytes = vec![0; usize::try_from(file.size().unwrap()).unwrap()];
    file.read_at(0, &mut bytes).unwrap();
    bytes
        .windows(4)
        .rposition(|window| window == b"TGRP")
        .unwrap()
}

#[test]
fn damage_beyond_the_last_mark_is_a_torn_tail_and_is_cut() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 first");
    engine.call("NOTE.PUT k 2 second");
    let name = segment(&engine.disk);
    engine
        .disk
        .flip_bit(&name, last_group(&engine.disk, &name) + 60, 3);
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("NOTE.GET k"), "key=k text=first times=1");
}

#[test]
fn damage_of_an_acknowledged_group_is_refused_with_file_and_offset() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 first");
    let name = segment(&engine.disk);
    let at = last_group(&engine.disk, &name);
    engine.seal().unwrap(); // As an idle writer does: the last acknowledged group is covered.
    engine.disk.flip_bit(&name, at + 60, 3);
    let Err(OpenError::Log(LogError::Corrupt { path, offset, .. })) = engine.reopen() else {
        panic!("damage of acknowledged records went unnoticed");
    };
    assert_eq!((path, offset), (name, at as u64));
}

#[test]
fn every_flipped_bit_of_a_sealed_log_is_noticed() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 first");
    engine.seal().unwrap();
    let name = segment(&engine.disk);
    let end = last_group(&engine.disk, &name);
    let disk = engine.disk.clone();
    drop(engine);
    for at in 40..end {
        disk.flip_bit(&name, at, 5);
        let opened = Stepper::open(&[TOY], &disk, &ManualClock::default());
        let padding = opened.is_ok();
        if padding {
            // Zeros between groups carry nothing.
            let file = disk.open(&name).unwrap();
            let mut byte = [0];
            file.read_at(at as u64, &mut byte).unwrap();
            assert_eq!(
                byte[0],
                1 << 5,
                "byte {at} matters and its damage went unnoticed"
            );
        }
        disk.flip_bit(&name, at, 5);
        if padding {
            break; // A start has made a new segment; the old one no longer ends the log.
        }
    }
}

#[test]
fn failed_sync_is_final_and_nothing_is_answered() {
    let mut engine = started();
    let put = engine.submit("NOTE.PUT k 1 hello").unwrap();
    engine.execute();
    engine.disk.fail_syncs(true);
    assert!(matches!(engine.write(), Err(LogError::Io { .. })));
    engine.execute();
    assert_eq!(engine.answer(put), None);
}

#[test]
fn timers_are_armed_again_after_a_restart() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 hello TTL 10000");
    let mut engine = engine.reopen().unwrap();
    engine.pass_ms(7_000); // A start may begin two seconds ahead, where the log's promise ends.
    assert_eq!(engine.call("NOTE.GET k"), "key=k text=hello times=1");
    engine.pass_ms(3_000);
    assert_eq!(engine.call("NOTE.GET k"), "unknown_note");
    assert_eq!(engine.door().metrics().timers_fired.get(), 1);
}

#[test]
fn timer_fires_without_any_command() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 hello TTL 5000");
    engine.pass_ms(3_600_000);
    assert_eq!(engine.door().metrics().timers_fired.get(), 1);
}

#[test]
fn cancelled_timer_does_not_fire() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 hello TTL 1000");
    engine.call("NOTE.PUT k 2 again TTL 9000");
    engine.pass_ms(2_000);
    assert_eq!(engine.call("NOTE.GET k"), "key=k text=again times=2");
    assert_eq!(engine.door().metrics().timers_fired.get(), 0);
    engine.pass_ms(8_000);
    assert_eq!(engine.call("NOTE.GET k"), "unknown_note");
}

#[test]
fn opening_command_is_busy_while_timers_are_overdue() {
    let mut engine = started();
    engine.pass_ms(CLOCK_AHEAD_MS); // From now on it promises so far ahead.
    // Keys of one slot's partition would all do; enough keys make every partition overdue.
    for n in 0..BATCH_TIMERS_MAX * 8 {
        engine
            .submit(&format!("NOTE.PUT k{n} 1 text TTL 1000"))
            .unwrap();
    }
    engine.settle();
    engine.pass_ms(900);
    engine.clock.advance_ms(500);
    engine.execute();
    let put = engine.submit("NOTE.PUT k1 2 text").unwrap();
    let read = engine.submit("NOTE.GET k1").unwrap();
    assert_eq!(engine.answer(put).unwrap().0, Status::Busy);
    engine.settle();
    assert_eq!(
        engine.answer(read).unwrap().1,
        "unknown_note",
        "answered behind the timers"
    );
    assert_eq!(
        engine.call("NOTE.PUT k1 2 text"),
        "key=k1 text=text times=1"
    );
}

#[test]
fn full_inbox_is_busy_for_opening_commands_only() {
    let mut engine = started();
    let most = INBOX_COMMANDS_MAX * OPEN_SHARE_PERCENT / 100;
    for _ in 0..most {
        engine.submit("NOTE.PUT k 1 text").unwrap();
    }
    let put = engine.submit("NOTE.PUT k 1 text").unwrap();
    let read = engine.submit("NOTE.GET k").unwrap();
    assert_eq!(engine.answer(put).unwrap(), (Status::Busy, "busy".into()));
    engine.settle();
    assert_eq!(engine.answer(read).unwrap().1, "key=k text=text times=3");
}

#[test]
fn full_disk_refuses_opening_commands_before_they_run_and_service_resumes() {
    let mut engine = started();
    engine.disk.limit_bytes(Some(0));
    let text = "x".repeat(100);
    let put = |engine: &mut Stepper, n: u32| {
        let token = engine.submit(&format!("NOTE.PUT k{n} 1 {text}")).unwrap();
        engine.settle();
        engine.answer(token).unwrap().0
    };
    // The spare segment that was made at the start is used up first.
    let refused = (0..100_000).find(|n| put(&mut engine, *n) == Status::Unavailable);
    let refused = refused.expect("a disk without room has taken everything");
    let key = format!("k{refused}");
    assert_eq!(
        engine.call(&format!("NOTE.GET {key}")),
        "unknown_note",
        "refused, so not done"
    );
    assert_eq!(
        engine.call("NOTE.GET k1"),
        format!("key=k1 text={text} times=1"),
        "reads go on"
    );
    engine.disk.limit_bytes(None);
    engine.pass_ms(1_500); // The next clock record asks for room again.
    engine.call("NOTE.GET k1");
    engine.call("NOTE.GET k1");
    let again = engine.call(&format!("NOTE.PUT {key} 1 hello"));
    assert_eq!(again, format!("key={key} text=hello times=1"));
}

/// A disk on which notes are written until they are refused; they fade after `TTL` 30 s.
fn filled() -> (Stepper, u32) {
    let mut engine = started();
    engine.disk.limit_bytes(Some(0));
    let text = "x".repeat(100);
    let refused = (0..100_000).find(|n| {
        let put = format!("NOTE.PUT k{n} 1 {text} TTL 30000");
        engine.call(&put) == "disk_full"
    });
    (
        engine,
        refused.expect("a disk without room takes only so much"),
    )
}

#[test]
fn finishing_commands_end_before_the_log_is_spent_and_reads_go_on() {
    let (mut engine, notes) = filled();
    let stays = (0..100_000).find(|n| {
        let stay = format!("NOTE.STAY k{} TTL 60000", n % notes);
        engine.call(&stay) == "disk_full"
    });
    assert!(stays > Some(100), "{stays:?} had room of their own");
    assert!(engine.call("NOTE.GET k0").starts_with("key=k0"));
    engine.pass_ms(10_000);
    assert!(
        engine.call("NOTE.GET k0").starts_with("key=k0"),
        "later too"
    );
}

#[test]
fn timers_wait_before_the_log_is_spent_and_fire_when_there_is_room() {
    let (mut engine, notes) = filled();
    engine.pass_ms(31_000);
    let there = |engine: &mut Stepper| {
        let all = (0..notes).filter(|n| engine.call(&format!("NOTE.GET k{n}")) != "unknown_note");
        all.count()
    };
    let waiting = there(&mut engine);
    assert!(waiting > 0, "not all timers had room to fire");
    engine.disk.limit_bytes(None);
    engine.pass_ms(1_500);
    engine.pass_ms(1_500);
    assert_eq!(there(&mut engine), 0);
}

#[test]
fn full_disk_starts_again_to_be_read() {
    let (engine, _) = filled();
    let mut engine = engine.reopen().unwrap();
    assert!(engine.call("NOTE.GET k0").starts_with("key=k0"));
    assert_eq!(engine.call("NOTE.PUT new 1 text"), "disk_full");
    engine.disk.limit_bytes(None);
    engine.pass_ms(1_500);
    engine.pass_ms(1_500);
    assert_eq!(
        engine.call("NOTE.PUT new 1 text"),
        "key=new text=text times=1"
    );
}

#[test]
fn engine_time_never_runs_back_over_a_restart() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 hello TTL 60000");
    engine.clock.set_wall_ms(ManualClock::START_MS - 3_600_000);
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("NOTE.GET k"), "key=k text=hello times=1");
    engine.pass_ms(60_000);
    assert_eq!(
        engine.call("NOTE.GET k"),
        "unknown_note",
        "a minute has passed by its own clock"
    );
}

#[test]
fn wall_step_while_running_is_reported_and_not_followed() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 hello TTL 60000");
    engine
        .clock
        .set_wall_ms(ManualClock::START_MS + 365 * 24 * 3_600_000);
    engine.pass_ms(1_000);
    assert_eq!(engine.call("NOTE.GET k"), "key=k text=hello times=1");
    assert!(engine.door().clock_stepped_ms() > 0);
}

#[test]
fn start_a_year_later_is_refused_unless_accepted() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 hello");
    engine
        .clock
        .set_wall_ms(ManualClock::START_MS + 365 * 24 * 3_600_000);
    let (disk, clock) = (engine.disk.clone(), engine.clock.clone());
    assert!(matches!(engine.reopen(), Err(OpenError::Clock(_))));
    let mut engine = Stepper::open_with(&[TOY], &disk, &clock, (SPACE, true)).unwrap();
    assert_eq!(engine.call("NOTE.GET k"), "unknown_note");
}

#[test]
fn same_commands_give_the_same_bytes() {
    let run = || {
        let mut engine = started();
        for n in 0..100 {
            engine
                .submit(&format!("NOTE.PUT k{} 1 text{n}", n % 40))
                .unwrap();
        }
        engine.settle();
        let file = engine.disk.open(&segment(&engine.disk)).unwrap();
        let mut bytes = vec![0; 100_000];
        file.read_at(0, &mut bytes).unwrap();
        bytes
    };
    assert!(run() == run(), "two runs of one seed differ");
}

#[test]
fn panic_of_domain_code_can_be_told_with_command_key_and_position() {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 text");
    assert_eq!(Running::here(), None);
    let run = AssertUnwindSafe(|| engine.call("NOTE.PUT k 2 panic"));
    assert!(catch_unwind(run).is_err());
    let told = Running::here().unwrap().to_string();
    assert!(
        told.starts_with("NOTE.PUT about k, in partition "),
        "{told}"
    );
    assert!(told.ends_with("behind position 1"), "{told}");
}
