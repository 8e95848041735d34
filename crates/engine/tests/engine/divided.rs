//! Requests that divide: one answer of several works, each in a partition of its own.

use std::collections::BTreeSet;

use tidegate_engine::limits::{INBOX_COMMANDS_MAX, OPEN_SHARE_PERCENT, OUTBOX_LETTERS_MAX};
use tidegate_engine::testing::toy::WRITINGS_MAX;
use tidegate_engine::testing::{ManualClock, Stepper, TOY};
use tidegate_engine::{Random, Slot, disk::FaultDisk};

fn fresh() -> Stepper {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.SHARES a"); // Its clock is promised: commands run at their first step.
    engine
}

fn said(engine: &Stepper, token: u64) -> Option<String> {
    engine.answer(token).map(|(_, said)| said)
}

fn refused(engine: &Stepper, code: &str) -> u64 {
    let figures = engine.door().domain_figures();
    let note = figures.filter(|figures| figures.name == "note");
    let refusals = note.flat_map(|figures| figures.refusals);
    let of_code = refusals.filter(|(name, _)| *name == code);
    of_code.map(|(_, many)| many).sum()
}

/// Writes a note as often as it can be.
fn fill_note(engine: &mut Stepper, key: &str) {
    for time in 0..WRITINGS_MAX {
        engine.call(&format!("NOTE.PUT {key} {time} full"));
    }
}

/// Fills the outbox of a key's partition: nothing of it is written, so no letter leaves.
fn fill_outbox(engine: &mut Stepper, key: &str) {
    for sent in 0..=OUTBOX_LETTERS_MAX {
        engine.submit(&format!("NOTE.SHARE {key} other")).unwrap();
        if sent.is_multiple_of(500) {
            engine.execute();
        }
    }
    for _ in 0..4 {
        engine.execute();
    }
}

#[test]
fn keys_of_these_tests_lie_in_several_partitions() {
    let partitions = ["a", "b", "c"].map(|key| Slot::of(key.as_bytes()).0 / 1024);
    let partitions: BTreeSet<_> = partitions.into_iter().collect();
    assert_eq!(partitions.len(), 3);
}

#[test]
fn items_of_several_partitions_are_answered_as_one_in_the_order_of_the_request() {
    let mut engine = fresh();
    let notes = "notes=[{key=c text=x times=1} {key=a text=y times=1} {key=b text=z times=1} \
                 {key=a text=w times=2}]";
    assert_eq!(engine.call("NOTE.PUTALL 4 c x a y b z a w"), notes);
    let notes = "notes=[{key=b text=z times=1} {key=c text=x times=1}]";
    assert_eq!(engine.call("NOTE.GETALL 2 b c"), notes);
}

#[test]
fn items_of_one_slot_are_one_work() {
    let mut engine = fresh();
    let commands = |engine: &Stepper| engine.door().domain_figures().nth(1).unwrap().commands;
    let before = commands(&engine);
    assert_eq!(
        engine.call("NOTE.PUTALL 2 a x a y"),
        "notes=[{key=a text=x times=1} {key=a text=y times=2}]"
    );
    assert_eq!(commands(&engine), before + 1);
    engine.call("NOTE.PUTALL 3 a x b y b z");
    assert_eq!(commands(&engine), before + 3);
}

#[test]
fn answer_leaves_once_the_last_piece_is_durable() {
    let mut engine = fresh();
    engine.call("NOTE.PUT c 1 before");
    engine.checkpoint();
    let written = engine.submit("NOTE.PUTALL 3 a x b y c z").unwrap();
    // The row of c has to be fetched first.
    for _ in 0..4 {
        engine.execute_without_base();
    }
    engine.write().unwrap();
    engine.execute_without_base();
    let read = engine.submit("NOTE.GET a").unwrap();
    engine.execute_without_base();
    let a = "key=a text=x times=1";
    assert_eq!(said(&engine, read).as_deref(), Some(a), "it is durable");
    assert_eq!(said(&engine, written), None, "two of three are");
    engine.settle();
    let notes = "notes=[{key=a text=x times=1} {key=b text=y times=1} {key=c text=z times=2}]";
    assert_eq!(said(&engine, written).as_deref(), Some(notes));
}

#[test]
fn what_is_asked_behind_it_finds_it_done() {
    let mut engine = fresh();
    let written = engine.submit("NOTE.PUTALL 3 a x b y c z").unwrap();
    let reads = ["a", "b", "c"].map(|key| engine.submit(&format!("NOTE.GET {key}")).unwrap());
    engine.settle();
    assert!(said(&engine, written).is_some());
    for read in reads {
        assert!(said(&engine, read).unwrap().ends_with("times=1"));
    }
}

#[test]
fn one_without_room_for_all_pieces_is_busy_and_has_done_nothing() {
    let mut engine = fresh();
    engine.clock.advance_ms(10_000); // Beyond what is promised: nothing runs.
    for _ in 0..INBOX_COMMANDS_MAX * OPEN_SHARE_PERCENT / 100 {
        engine.submit("NOTE.PUT b 1 text").unwrap();
    }
    // Room that was reserved for the others is given back each time.
    for _ in 0..INBOX_COMMANDS_MAX {
        let busy = engine.submit("NOTE.PUTALL 3 a x b y c z").unwrap();
        assert_eq!(said(&engine, busy).as_deref(), Some("busy"));
    }
    let others = engine.submit("NOTE.PUTALL 2 a x c z").unwrap();
    engine.settle();
    assert_eq!(
        said(&engine, others).as_deref(),
        Some("notes=[{key=a text=x times=1} {key=c text=z times=1}]")
    );
    assert_eq!(engine.door().waiting(), 0);
}

#[test]
fn refusal_of_one_piece_is_told_with_what_was_done_and_what_is_left() {
    let mut engine = fresh();
    fill_note(&mut engine, "b");
    let partly = "partly_done done=2 of=4 because=note_full left=[2 4]";
    assert_eq!(engine.call("NOTE.PUTALL 4 a x b y c z b w"), partly);
    assert_eq!(refused(&engine, "partly_done"), 1);
    let notes = "notes=[{key=a text=x times=1} {key=b text=full times=3} {key=c text=z times=1}]";
    assert_eq!(engine.call("NOTE.GETALL 3 a b c"), notes);
}

#[test]
fn refusal_of_all_pieces_is_a_refusal_as_nothing_was_done() {
    let mut engine = fresh();
    for key in ["a", "b"] {
        fill_note(&mut engine, key);
    }
    assert_eq!(engine.call("NOTE.PUTALL 2 a x b y"), "note_full times=3");
    assert_eq!(refused(&engine, "partly_done"), 0);
}

#[test]
fn query_of_which_a_piece_is_refused_is_refused() {
    let mut engine = fresh();
    engine.call("NOTE.PUT a 1 x");
    assert_eq!(engine.call("NOTE.GETALL 2 a b"), "unknown_note");
}

#[test]
fn piece_without_room_where_it_runs_is_told_with_what_was_done() {
    let mut engine = fresh();
    fill_outbox(&mut engine, "b");
    let partly = engine.submit("NOTE.PUTALL 3 a x b y c z").unwrap();
    let busy = engine.submit("NOTE.PUTALL 2 b x b y").unwrap();
    engine.execute();
    engine.settle();
    let told = "partly_done done=2 of=3 because=busy left=[2]";
    assert_eq!(said(&engine, partly).as_deref(), Some(told));
    assert_eq!(said(&engine, busy).as_deref(), Some("busy"));
    assert_eq!(engine.call("NOTE.GET b"), "unknown_note");
}

#[test]
fn busy_where_all_pieces_run_is_busy_as_nothing_was_done() {
    let mut engine = fresh();
    for key in ["a", "b"] {
        fill_outbox(&mut engine, key);
    }
    let busy = engine.submit("NOTE.PUTALL 2 a x b y").unwrap();
    engine.execute();
    engine.settle();
    assert_eq!(said(&engine, busy).as_deref(), Some("busy"));
    assert_eq!(engine.call("NOTE.GETALL 2 a b"), "unknown_note");
}

/// What was answered is there after a crash, whichever partition was how far.
#[test]
fn answered_request_is_durable_as_a_whole() {
    let mut answered = 0;
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let (disk, clock) = (FaultDisk::default(), ManualClock::default());
        let mut engine = Stepper::open(&[TOY], &disk, &clock).unwrap();
        let tokens: Vec<u64> = (0..6)
            .map(|n| {
                let words = format!("NOTE.PUTALL 3 a{n} x b{n} y c{n} z");
                let token = engine.submit(&words).unwrap();
                for _ in 0..random.below(3) {
                    engine.execute();
                }
                if random.chance(1, 3) {
                    engine.write().unwrap();
                }
                token
            })
            .collect();
        engine.execute();
        let told = (0..6).filter(|n| said(&engine, tokens[*n]).is_some());
        let told: Vec<_> = told.collect();
        disk.crash(&mut random);
        disk.calm();
        let mut engine = Stepper::open(&[TOY], &disk, &clock).unwrap();
        for n in told {
            answered += 1;
            let read = engine.call(&format!("NOTE.GETALL 3 a{n} b{n} c{n}"));
            assert!(read.starts_with("notes=["), "seed {seed}: {read}");
        }
    }
    assert!(answered > 60, "{answered}");
}
