//! A backup is the state at one checkpoint, whatever goes on meanwhile; and it can be restored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tidegate_engine::backup::{
    Backup, BackupError, Contents, RestoreError, begin_restore, restore, verify,
};
use tidegate_engine::base::PlainBase;
use tidegate_engine::disk::{Disk, FaultDisk};
use tidegate_engine::testing::shelf::SHELVES;
use tidegate_engine::testing::{ManualClock, Stepper, TOY, keeping};
use tidegate_engine::{OpenError, Random, Retention, tables_of};

const AT_ONCE: Duration = Duration::ZERO;

/// Settles the engine, and gives all that the backup has written.
fn taken(engine: &mut Stepper, mut backup: Backup) -> Vec<u8> {
    engine.settle();
    engine.settle(); // A checkpoint that was under way ends first.
    assert!(backup.wait(AT_ONCE).unwrap());
    written(backup)
}

fn written(backup: Backup) -> Vec<u8> {
    let mut bytes = Vec::new();
    let contents = backup.write_to(&mut bytes).unwrap();
    assert_eq!(verify(&*bytes, &tables_of(&[TOY])).unwrap(), contents);
    bytes
}

fn try_restore(bytes: &[u8], disk: &FaultDisk) -> Result<Contents, RestoreError> {
    let tables = tables_of(&[TOY]);
    begin_restore(disk)?;
    let base = PlainBase::open(Arc::new(disk.clone()), &tables)?;
    restore(bytes, (disk, &base), &tables)
}

fn restored(bytes: &[u8], clock: &ManualClock) -> Stepper {
    let disk = FaultDisk::default();
    try_restore(bytes, &disk).unwrap();
    Stepper::open(&[TOY], &disk, clock).unwrap()
}

fn figure(engine: &Stepper, name: &str) -> i64 {
    let figures = engine.audit().figures;
    let figure = figures.iter().find(|figure| figure.name == name);
    figure.map_or(0, |figure| figure.value)
}

#[test]
fn backup_holds_what_was_answered_before_and_nothing_from_behind_the_checkpoint() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut engine = Stepper::fresh(&[TOY]);
        let mut times: BTreeMap<u64, u32> = BTreeMap::new();
        let mut id = 0;
        let put = |engine: &mut Stepper, random: &mut Random, id: &mut u32| {
            let key = random.below(40);
            *id += 1;
            let token = engine.submit(&format!("NOTE.PUT k{key} {id} text TTL 900000"));
            (key, token.unwrap())
        };
        let mut sent = Vec::new();
        for _ in 0..random.below(60) {
            sent.push(put(&mut engine, &mut random, &mut id));
            if random.chance(1, 10) {
                engine.checkpoint();
            }
        }
        engine.settle();
        for (key, token) in sent {
            if !engine.answer(token).unwrap().1.starts_with("note_full") {
                *times.entry(key).or_default() += 1;
            }
        }
        let mut backup = engine.door().backup().unwrap();
        engine.checkpoint_step().unwrap(); // It begins: every partition sets its rows aside first.
        let mut is_ready = false;
        while !is_ready {
            for _ in 0..random.below(5) {
                put(&mut engine, &mut random, &mut id);
            }
            engine.execute();
            if random.chance(1, 2) {
                engine.write().unwrap();
            }
            engine.checkpoint_step().unwrap();
            is_ready = backup.wait(AT_ONCE).unwrap();
        }
        for _ in 0..random.below(60) {
            put(&mut engine, &mut random, &mut id);
        }
        engine.checkpoint();
        let mut copy = restored(&written(backup), &engine.clock);
        for key in 0..40 {
            let read = copy.call(&format!("NOTE.GET k{key}"));
            match times.get(&key) {
                Some(times) => assert!(read.ends_with(&format!("times={times}")), "{seed}: {read}"),
                None => assert_eq!(read, "unknown_note", "seed {seed}"),
            }
        }
    }
}

#[test]
fn checkpoint_that_began_before_the_backup_was_asked_for_is_not_its_own() {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.PUT a 1 text");
    engine.ask_checkpoint();
    engine.checkpoint_step().unwrap();
    engine.execute();
    engine.submit("NOTE.PUT b 1 text").unwrap();
    engine.execute();
    engine.write().unwrap();
    let backup = engine.door().backup().unwrap();
    let bytes = taken(&mut engine, backup);
    let mut copy = restored(&bytes, &engine.clock);
    for key in ["a", "b"] {
        assert!(copy.call(&format!("NOTE.GET {key}")).contains("times=1"));
    }
}

#[test]
fn mail_that_is_on_its_way_arrives_once_in_the_copy() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut engine = Stepper::fresh(&[TOY]);
        let mut backup = None;
        for step in 0..60 {
            let (a, b) = (random.below(20), random.below(20));
            engine.submit(&format!("NOTE.SHARE k{a} k{b}")).unwrap();
            if step == 30 {
                backup = Some(engine.door().backup().unwrap());
            }
            engine.execute();
            if random.chance(1, 2) {
                engine.write().unwrap();
            }
            engine.checkpoint_step().unwrap();
        }
        let bytes = taken(&mut engine, backup.unwrap());
        let mut copy = restored(&bytes, &engine.clock);
        copy.settle();
        copy.settle(); // The last step of the one may have sent an acknowledgement.
        let sent = figure(&copy, "note.sent");
        assert!((30..60).contains(&sent), "seed {seed}: {sent}");
        for name in ["note.received", "note.thanked"] {
            assert_eq!(figure(&copy, name), sent, "seed {seed}: {name}");
        }
        assert_eq!(figure(&copy, "engine.outbox"), 0);
    }
}

#[test]
fn copy_goes_on_behind_positions_and_time_of_the_original() {
    let mut engine = Stepper::fresh(&[TOY]);
    for key in 0..20 {
        engine.call(&format!("NOTE.PUT k{key} 1 text TTL 5000"));
    }
    let backup = engine.door().backup().unwrap();
    let bytes = taken(&mut engine, backup);
    let promised_ms = verify(&*bytes, &tables_of(&[TOY]))
        .unwrap()
        .head
        .clock_up_to_ms;
    assert!(promised_ms >= engine.now_ms());
    // A machine whose clock is behind: time goes on from the promise.
    engine.clock.set_wall_ms(ManualClock::START_MS - 60_000);
    let mut copy = restored(&bytes, &engine.clock);
    assert!(copy.now_ms() >= promised_ms);
    assert_eq!(copy.report.records, 0);
    copy.call("NOTE.PUT k0 2 text TTL 900000");
    copy.checkpoint();
    let mut copy = copy.reopen().unwrap();
    copy.pass_ms(6_000);
    assert!(copy.call("NOTE.GET k0").ends_with("times=2"));
    assert_eq!(copy.call("NOTE.GET k1"), "unknown_note");
    let backup = copy.door().backup().unwrap();
    let again = taken(&mut copy, backup);
    let mut copy = restored(&again, &copy.clock);
    assert!(copy.call("NOTE.GET k0").ends_with("times=2"));
}

#[test]
fn one_backup_at_a_time_and_a_place_that_is_left_is_free() {
    let mut engine = Stepper::fresh(&[TOY]);
    let mut first = engine.door().backup().unwrap();
    assert!(matches!(engine.door().backup(), Err(BackupError::Busy)));
    assert!(!first.wait(AT_ONCE).unwrap());
    drop(first);
    let mut second = engine.door().backup().unwrap();
    engine.settle();
    assert!(second.wait(AT_ONCE).unwrap());
    assert!(matches!(engine.door().backup(), Err(BackupError::Busy)));
    written(second);
    let mut last = engine.door().backup().unwrap();
    engine.door().stop();
    assert!(matches!(engine.door().backup(), Err(BackupError::Stopping)));
    engine.finish_checkpoints();
    assert!(matches!(last.wait(AT_ONCE), Err(BackupError::Stopping)));
}

#[test]
fn damaged_or_cut_off_backup_is_refused_and_the_folder_stays_unusable() {
    let mut engine = Stepper::fresh(&[TOY]);
    for key in 0..50 {
        engine.call(&format!("NOTE.PUT k{key} 1 text"));
    }
    let backup = engine.door().backup().unwrap();
    let sound = taken(&mut engine, backup);
    let mut flipped = sound.clone();
    let middle = sound.len() / 2;
    flipped[middle] ^= 1;
    for damaged in [&flipped[..], &sound[..middle], &sound[..sound.len() - 1]] {
        let disk = FaultDisk::default();
        let told = try_restore(damaged, &disk).unwrap_err().to_string();
        assert!(told.contains("damaged in frame "), "{told}");
        assert!(told.contains(", at byte "), "{told}");
        let refused = Stepper::open(&[TOY], &disk, &engine.clock).err().unwrap();
        assert!(matches!(refused, OpenError::Unfinished(_)), "{refused}");
        try_restore(&sound, &disk).unwrap();
        let mut copy = Stepper::open(&[TOY], &disk, &engine.clock).unwrap();
        assert!(copy.call("NOTE.GET k49").contains("times=1"));
    }
}

#[test]
fn restore_that_loses_power_anywhere_leaves_nothing_that_opens_and_is_run_again() {
    let mut engine = Stepper::fresh(&[TOY]);
    for key in 0..20 {
        engine.call(&format!("NOTE.PUT k{key} 1 text"));
    }
    let backup = engine.door().backup().unwrap();
    let bytes = taken(&mut engine, backup);
    let mut random = Random::new(5);
    let mut has_finished = false;
    for operations in 0..200 {
        let disk = FaultDisk::default();
        disk.fail_power_after(operations);
        has_finished = try_restore(&bytes, &disk).is_ok();
        disk.crash(&mut random);
        disk.calm();
        if disk.list().unwrap().is_empty() {
            continue; // Nothing had begun.
        }
        match Stepper::open(&[TOY], &disk, &engine.clock) {
            Ok(mut copy) => assert!(copy.call("NOTE.GET k19").contains("times=1")),
            Err(refused) => {
                assert!(matches!(refused, OpenError::Unfinished(_)), "{refused}");
                try_restore(&bytes, &disk).unwrap();
                let mut copy = Stepper::open(&[TOY], &disk, &engine.clock).unwrap();
                assert!(copy.call("NOTE.GET k19").contains("times=1"));
            }
        }
        if has_finished {
            break;
        }
    }
    assert!(has_finished);
}

#[test]
fn folder_with_something_in_it_is_not_restored_into() {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.PUT k 1 text");
    let backup = engine.door().backup().unwrap();
    let bytes = taken(&mut engine, backup);
    let refused = try_restore(&bytes, &engine.disk).unwrap_err();
    assert!(
        matches!(refused, RestoreError::NotEmpty { .. }),
        "{refused}"
    );
    let mut engine = engine.reopen().unwrap();
    assert!(engine.call("NOTE.GET k").contains("times=1"));
}

#[test]
fn table_that_this_version_does_not_have_is_told_by_name() {
    let mut engine = Stepper::fresh(&[TOY]);
    let backup = engine.door().backup().unwrap();
    let bytes = taken(&mut engine, backup);
    let told = verify(&*bytes, &tables_of(&[])).unwrap_err().to_string();
    assert!(told.contains("table note.notes is not known"), "{told}");
}

/// The copy still has the rows of a slice that its checkpoint has dropped: they go with the next one.
#[test]
fn what_is_dropped_stays_dropped_in_a_copy_though_it_is_to_be_kept_longer() {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.STORE k old text");
    engine.pass_ms(SHELVES.after_ms);
    engine.checkpoint();
    engine.pass_ms(SHELVES.keep_ms);
    engine.call("NOTE.STORE k new text");
    engine.pass_ms(SHELVES.after_ms);
    let backup = engine.door().backup().unwrap();
    let bytes = taken(&mut engine, backup);
    let disk = FaultDisk::default();
    let contents = try_restore(&bytes, &disk).unwrap();
    let mut tables = contents.tables.iter();
    assert_eq!(tables.find(|at| at.name == "note.shelf").unwrap().rows, 2);
    let longer = Retention {
        keep_ms: 10 * SHELVES.keep_ms,
        ..SHELVES
    };
    let mut copy = Stepper::open(&[keeping(TOY, longer)], &disk, &engine.clock).unwrap();
    for is_gone in [false, true] {
        assert_eq!(copy.call("NOTE.STORED k old"), "book_dropped");
        assert!(copy.call("NOTE.STORED k new").contains("is_shelved=true"));
        assert_eq!(copy.call("NOTE.SHELF k").matches("book=").count(), 1);
        assert_eq!(copy.audit().faults, Vec::<String>::new());
        let names = disk.list().unwrap();
        let slices = names.iter().filter(|name| name.starts_with("base-0ffa-"));
        assert_eq!(slices.count(), if is_gone { 1 } else { 2 });
        copy.call("NOTE.PUT other 1 text");
        copy.checkpoint();
    }
}
