//! What is finished goes to an archive, from there it is read, and there it is dropped by slices.

use std::sync::Arc;

use tidegate_engine::base::{Base, PlainBase};
use tidegate_engine::disk::{Disk, FaultDisk};
use tidegate_engine::limits::{BATCH_IDLE_TIMERS_MAX, BATCH_TIMERS_MAX};
use tidegate_engine::testing::shelf::SHELVES;
use tidegate_engine::testing::{Stepper, TOY, keeping};
use tidegate_engine::{Random, Retention, Slot, check, tables_of};

fn fresh() -> Stepper {
    Stepper::fresh(&[TOY])
}

#[track_caller]
fn assert_sound(engine: &Stepper) {
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

/// Files of slices.
fn slices(disk: &FaultDisk) -> usize {
    let names = disk.list().unwrap();
    let of_shelf = names.iter().filter(|name| name.starts_with("base-0ffa-"));
    of_shelf.count()
}

#[test]
fn finished_row_moves_to_the_archive_and_is_read_from_there() {
    let mut engine = fresh();
    engine.call("NOTE.STORE k one text");
    engine.pass_ms(SHELVES.after_ms - 1);
    assert_eq!(
        engine.call("NOTE.STORED k one"),
        "book=one text=text is_shelved=false"
    );
    engine.pass_ms(1);
    let shelved = "book=one text=text is_shelved=true";
    assert_eq!(engine.call("NOTE.STORED k one"), shelved);
    engine.checkpoint();
    assert_eq!(engine.call("NOTE.STORED k one"), shelved);
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("NOTE.STORED k one"), shelved);
    assert_eq!(engine.call("NOTE.STORE k one other"), shelved);
    assert_sound(&engine);
}

#[test]
fn idle_timer_fires_from_the_base_and_after_a_restart() {
    for is_reopened in [false, true] {
        let mut engine = fresh();
        for book in 0..200 {
            engine.call(&format!("NOTE.STORE k b{book} text"));
        }
        engine.checkpoint();
        if is_reopened {
            engine = engine.reopen().unwrap();
        }
        engine.call("NOTE.STORE k late text");
        engine.pass_ms(SHELVES.after_ms + 1_000);
        for book in ["b0", "b150", "late"] {
            let answer = engine.call(&format!("NOTE.STORED k {book}"));
            assert!(answer.ends_with("is_shelved=true"), "{answer}");
        }
        assert_sound(&engine);
    }
}

#[test]
fn commands_of_a_slot_do_not_wait_for_what_its_idle_timers_need() {
    let mut engine = fresh();
    engine.call("NOTE.STORE k one text");
    engine.checkpoint();
    engine.call("NOTE.PUT k 1 text TTL 60000");
    engine.clock.advance_ms(SHELVES.after_ms + 1_000);
    // The first batch finds that the timer's row is to be read; nothing is read.
    engine.execute_without_base();
    engine.write().unwrap();
    engine.execute_without_base();
    let put = engine.submit("NOTE.PUT k 2 text").unwrap();
    engine.execute_without_base();
    engine.write().unwrap();
    engine.execute_without_base();
    assert_eq!(engine.answer(put).unwrap().1, "key=k text=text times=2");
    engine.settle();
    assert!(
        engine
            .call("NOTE.STORED k one")
            .ends_with("is_shelved=true")
    );
}

/// Books of one slot that wait to be shelved, more than one batch shelves.
fn backlog() -> Stepper {
    let mut engine = fresh();
    for book in 0..3 * BATCH_IDLE_TIMERS_MAX {
        engine
            .submit(&format!("NOTE.STORE k b{book:04} text"))
            .unwrap();
    }
    engine.settle();
    engine.suspend_timers(true);
    engine.pass_ms(SHELVES.after_ms);
    engine.suspend_timers(false);
    engine
}

#[test]
fn backlog_of_idle_timers_keeps_no_opening_command_out() {
    let mut engine = backlog();
    let mut tokens = Vec::new();
    let mut fired = Vec::new();
    for step in 0..3 {
        let before = engine.door().metrics().timers_fired.get();
        tokens.push(engine.submit(&format!("NOTE.PUT k{step} 1 text")).unwrap());
        engine.execute();
        fired.push(engine.door().metrics().timers_fired.get() - before);
    }
    assert_eq!(fired, [BATCH_IDLE_TIMERS_MAX as u64; 3]);
    engine.settle();
    for token in tokens {
        assert!(engine.answer(token).unwrap().1.contains("times=1"));
    }
}

#[test]
fn idle_timers_fire_behind_all_ordinary_ones_that_are_due() {
    let mut engine = fresh();
    let names = (0..).map(|n| format!("k{n}"));
    let mut of_slot_0 = names.filter(|name| Slot::of(name.as_bytes()) == Slot(0));
    let first = of_slot_0.next().unwrap();
    engine.call(&format!("NOTE.STORE {first} one text"));
    let ordinary = BATCH_TIMERS_MAX + 10;
    for name in of_slot_0.take(ordinary) {
        let put = format!("NOTE.PUT {name} 1 text TTL {}", 2 * SHELVES.after_ms);
        engine.submit(&put).unwrap();
    }
    engine.settle();
    engine.suspend_timers(true);
    engine.pass_ms(3 * SHELVES.after_ms);
    engine.suspend_timers(false);
    let mut fired = || {
        engine.execute();
        engine.door().metrics().timers_fired.get()
    };
    assert_eq!(fired(), BATCH_TIMERS_MAX as u64);
    assert_eq!(fired(), ordinary as u64 + 1);
}

#[test]
fn pages_go_over_all_slices_in_the_order_of_ids() {
    let mut engine = fresh();
    let mut random = Random::new(5);
    let mut ids: Vec<String> = (0..40).map(|n| format!("b{n:02}")).collect();
    for at in (1..ids.len()).rev() {
        ids.swap(at, random.below(at as u64 + 1) as usize);
    }
    for (at, id) in ids.iter().enumerate() {
        engine.call(&format!("NOTE.STORE k {id} text"));
        engine.call(&format!("NOTE.STORE other {id} text"));
        engine.pass_ms(1_000);
        if at % 7 == 0 {
            engine.checkpoint();
        }
    }
    engine.pass_ms(SHELVES.after_ms);
    ids.sort();
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = engine.call(&format!("NOTE.SHELF k LIMIT 7{after}"));
        let (items, next) = page.split_once("] next=").unwrap();
        let books = items.split("book=").skip(1);
        found.extend(books.map(|book| book.split(' ').next().unwrap().to_owned()));
        if next == "-" {
            break;
        }
        after = format!(" AFTER {next}");
    }
    assert_eq!(found, ids);
    assert_sound(&engine);
}

#[test]
fn slice_is_dropped_when_its_time_has_come_and_its_ids_stay() {
    let mut engine = fresh();
    engine.call("NOTE.STORE k old text");
    engine.pass_ms(SHELVES.after_ms);
    engine.checkpoint();
    engine.call("NOTE.STORE k new text");
    engine.pass_ms(SHELVES.after_ms);
    engine.checkpoint();
    assert_eq!(slices(&engine.disk), 2);
    engine.pass_ms(SHELVES.keep_ms);
    // Whether or not the files are still there.
    assert_eq!(slices(&engine.disk), 2);
    assert_eq!(engine.call("NOTE.STORED k old"), "book_dropped");
    assert_eq!(engine.call("NOTE.STORE k old other"), "book_dropped");
    assert!(engine.call("NOTE.STORED k new").contains("text=text"));
    assert_eq!(engine.call("NOTE.SHELF k").matches("book=").count(), 1);
    assert_sound(&engine);
    engine.checkpoint();
    assert_eq!(slices(&engine.disk), 1);
    assert_eq!(engine.call("NOTE.STORED k old"), "book_dropped");
    assert_sound(&engine);
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("NOTE.STORED k old"), "book_dropped");
    assert!(engine.call("NOTE.STORED k new").contains("text=text"));
    assert_sound(&engine);
}

#[test]
fn what_was_dropped_is_not_expected_again_when_it_is_to_be_kept_longer() {
    let mut engine = fresh();
    engine.call("NOTE.STORE k old text");
    engine.pass_ms(SHELVES.after_ms);
    engine.checkpoint();
    engine.pass_ms(SHELVES.keep_ms + SHELVES.slice_ms);
    engine.call("NOTE.STORE k new text");
    engine.checkpoint();
    assert_eq!(slices(&engine.disk), 0);
    let longer = Retention {
        keep_ms: 10 * SHELVES.keep_ms,
        ..SHELVES
    };
    let (disk, clock) = (engine.disk.clone(), engine.clock.clone());
    drop(engine);
    let mut engine = Stepper::open(&[keeping(TOY, longer)], &disk, &clock).unwrap();
    assert_eq!(engine.call("NOTE.STORED k old"), "book_dropped");
    assert_sound(&engine);
    engine.pass_ms(SHELVES.keep_ms + 2 * SHELVES.slice_ms);
    assert!(engine.call("NOTE.STORED k new").contains("text=text"));
    assert_sound(&engine);
}

#[test]
fn record_of_a_dropped_slice_that_is_replayed_changes_nothing() {
    let mut engine = fresh();
    engine.call("NOTE.STORE k old text");
    engine.pass_ms(SHELVES.after_ms);
    // The log has it, and the base does not.
    let mut engine = engine.reopen().unwrap();
    engine.pass_ms(SHELVES.keep_ms + SHELVES.slice_ms);
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("NOTE.STORED k old"), "book_dropped");
    engine.checkpoint();
    engine.call("NOTE.STORE k new text");
    engine.checkpoint();
    assert_eq!(slices(&engine.disk), 0);
    assert_sound(&engine);
}

/// Books in the archive, as `check` counts them.
fn checked(disk: &FaultDisk) -> i64 {
    let base = PlainBase::open(Arc::new(disk.clone()), &tables_of(&[TOY])).unwrap();
    let base: Arc<dyn Base> = Arc::new(base);
    let audit = check(disk, &base, &[TOY]).unwrap().audit;
    assert_eq!(audit.faults, Vec::<String>::new());
    let mut figures = audit.figures.iter();
    figures.find(|at| at.name == "note.shelf").unwrap().value
}

#[test]
fn check_knows_no_servers_times_and_reads_all_that_is_there() {
    let mut engine = fresh();
    engine.call("NOTE.STORE k old text");
    engine.pass_ms(SHELVES.after_ms);
    engine.checkpoint();
    engine.pass_ms(SHELVES.keep_ms + SHELVES.slice_ms);
    assert_eq!(engine.call("NOTE.STORED k old"), "book_dropped");
    assert_eq!(checked(&engine.disk), 1);
    engine.call("NOTE.STORE k new text");
    engine.checkpoint();
    assert_eq!(checked(&engine.disk), 0);
}
