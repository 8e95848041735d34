//! Rows go to the base and leave memory, and nobody can tell but by what is read and written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tidegate_engine::base::{Base, LsmBase, PlainBase};
use tidegate_engine::disk::{Disk, FaultDisk};
use tidegate_engine::limits::{
    BASE_BACKLOG_MAX, BASE_REST_MS, BASE_RUNS_MAX, CHECKPOINT_EVERY_MS_DEFAULT, PACE_PAUSES_MAX,
    PACE_ROWS, PAYLOAD_BYTES_MAX,
};
use tidegate_engine::testing::{ManualClock, SPACE, Stepper, TOY};
use tidegate_engine::{Did, LogError, OpenError, Progress, Random, Slot, tables_of};

fn fresh() -> Stepper {
    Stepper::fresh(&[TOY])
}

fn fetched(engine: &Stepper) -> u64 {
    engine.door().metrics().rows_fetched.get()
}

fn segments(disk: &FaultDisk) -> usize {
    let names = disk.list().unwrap();
    names.iter().filter(|name| name.starts_with("log-")).count()
}

#[test]
fn row_that_a_command_names_is_fetched_before_it_runs() {
    let mut engine = fresh();
    for id in 1..=3 {
        engine.call(&format!("NOTE.PUT k {id} text"));
    }
    engine.checkpoint();
    assert_eq!(engine.call("NOTE.PUT k 4 text"), "note_full times=3");
    assert_eq!(fetched(&engine), 1, "once, for the row that it names");
}

#[test]
fn rows_of_one_table_may_take_the_room_of_all_that_were_read() {
    let mut engine = fresh();
    let text = "x".repeat(100);
    for key in 0..1_500 {
        engine.call(&format!("NOTE.PUT key{key} 1 {text}"));
    }
    engine.checkpoint();
    for _ in 0..2 {
        for key in 0..1_500 {
            let note = engine.call(&format!("NOTE.GET key{key}"));
            assert!(note.ends_with("times=1"), "{note}");
        }
    }
    assert_eq!(fetched(&engine), 1_500, "each once");
}

#[test]
fn row_found_missing_on_the_way_is_fetched_and_the_command_runs_again() {
    let mut engine = fresh();
    for key in 0..50 {
        engine.call(&format!("NOTE.PUT some{key} 1 text"));
    }
    engine.call("NOTE.PUT k 1 text");
    engine.checkpoint();
    for _ in 0..2 {
        // NOTE.GET names no rows.
        assert_eq!(engine.call("NOTE.GET k"), "key=k text=text times=1");
    }
    assert_eq!(fetched(&engine), 1, "the second time it is in memory");
    for _ in 0..2 {
        assert_eq!(engine.call("NOTE.GET other"), "unknown_note");
    }
    assert_eq!(
        fetched(&engine),
        2,
        "that there is none is remembered as well"
    );
}

#[test]
fn commands_of_one_key_keep_their_order_while_the_first_waits_for_the_base() {
    let mut engine = fresh();
    engine.call("NOTE.PUT k 1 text");
    engine.checkpoint();
    let tokens: Vec<_> = (2..=4)
        .map(|id| engine.submit(&format!("NOTE.PUT k {id} text{id}")).unwrap())
        .collect();
    engine.settle();
    let answers: Vec<_> = tokens
        .iter()
        .map(|token| engine.answer(*token).unwrap().1)
        .collect();
    let expected = [
        "key=k text=text2 times=2",
        "key=k text=text3 times=3",
        "note_full times=3",
    ];
    assert_eq!(answers, expected);
}

#[test]
fn timer_fires_from_the_base() {
    let mut engine = fresh();
    for key in 0..200 {
        engine.call(&format!("NOTE.PUT k{key} 1 text TTL {}", 1_000 + key));
    }
    engine.checkpoint();
    engine.call("NOTE.PUT late 1 text TTL 5000");
    engine.pass_ms(1_100);
    assert_eq!(engine.call("NOTE.GET k100"), "unknown_note");
    assert!(engine.call("NOTE.GET k101").contains("times=1"));
    let mut engine = engine.reopen().unwrap();
    engine.pass_ms(900);
    assert_eq!(engine.call("NOTE.GET k199"), "unknown_note");
    assert!(engine.call("NOTE.GET late").contains("times=1"));
    engine.pass_ms(4_000);
    assert_eq!(engine.call("NOTE.GET late"), "unknown_note");
}

#[test]
fn timer_that_was_taken_to_the_base_can_be_cancelled() {
    let mut engine = fresh();
    engine.call("NOTE.PUT k 1 text TTL 1000");
    engine.checkpoint();
    engine.call("NOTE.STAY k TTL 10000");
    engine.checkpoint();
    engine.pass_ms(5_000);
    assert!(engine.call("NOTE.GET k").contains("times=1"));
    engine.pass_ms(6_000);
    assert_eq!(engine.call("NOTE.GET k"), "unknown_note");
}

#[test]
fn many_timers_of_one_slot_fire_from_the_base_in_the_order_of_their_times() {
    let mut engine = fresh();
    let names = (0..).map(|n| format!("k{n}"));
    let of_slot_0 = names.filter(|name| Slot::of(name.as_bytes()) == Slot(0));
    let keys: Vec<_> = of_slot_0.take(300).collect();
    for (at, key) in keys.iter().enumerate() {
        engine.call(&format!("NOTE.PUT {key} 1 text TTL {}", 2_000 - at));
        if at % 70 == 0 {
            engine.checkpoint();
        }
    }
    engine.pass_ms(1_850);
    let stand = |engine: &mut Stepper| {
        let read = |key: &String| engine.call(&format!("NOTE.GET {key}"));
        let answers: Vec<_> = keys.iter().map(read).collect();
        answers
            .iter()
            .filter(|answer| answer.contains("times=1"))
            .count()
    };
    assert_eq!(stand(&mut engine), 150);
    engine.pass_ms(150);
    assert_eq!(stand(&mut engine), 0);
    engine.pass_ms(1);
    let page = engine.call("EVENT.LIST LIMIT 1000");
    let faded: Vec<_> = page
        .split("key=")
        .skip(1)
        .map(|item| item.split(' ').next().unwrap())
        .collect();
    let expected: Vec<_> = keys.iter().rev().collect();
    assert_eq!(faded, expected);
}

#[test]
fn scan_pages_over_rows_in_memory_and_in_the_base() {
    let mut engine = fresh();
    for key in (0..20).step_by(2) {
        engine.call(&format!("NOTE.PUT k{key:02} 1 old"));
    }
    engine.checkpoint();
    for key in (0..20).step_by(3) {
        engine.call(&format!("NOTE.PUT k{key:02} 2 new"));
    }
    let mut keys = Vec::new();
    let mut page = engine.call("NOTE.LIST LIMIT 4");
    loop {
        let found = page.split("key=").skip(1).map(|item| item[..3].to_owned());
        keys.extend(found);
        let next = page.rsplit_once("next=").unwrap().1.to_owned();
        if next == "-" {
            break;
        }
        page = engine.call(&format!("NOTE.LIST LIMIT 4 AFTER {next}"));
    }
    let mut expected: Vec<_> = (0..20).filter(|key| key % 2 == 0 || key % 3 == 0).collect();
    expected.sort_unstable();
    let expected: Vec<_> = expected.iter().map(|key| format!("k{key:02}")).collect();
    assert_eq!(keys, expected);
    assert!(
        engine
            .call("NOTE.LIST LIMIT 20")
            .contains("key=k06 text=new times=2")
    );
}

#[test]
fn log_is_trimmed_and_a_start_reads_what_is_left_of_it() {
    let mut engine = fresh();
    for key in 0..20_000 {
        engine.submit(&format!("NOTE.PUT k{key} 1 text")).unwrap();
        if key % 100 == 0 {
            engine.settle();
        }
    }
    engine.settle();
    let before = segments(&engine.disk);
    assert!(before > 2, "{before} segments");
    engine.checkpoint();
    assert_eq!(segments(&engine.disk), 1);
    engine.call("NOTE.PUT last 1 text");
    let mut engine = engine.reopen().unwrap();
    assert!(
        engine.report.records < 200,
        "{} records",
        engine.report.records
    );
    assert!(engine.call("NOTE.GET k19999").contains("times=1"));
    assert!(engine.call("NOTE.GET last").contains("times=1"));
}

#[test]
fn missing_segment_before_the_log_or_behind_it_is_noticed() {
    let mut engine = fresh();
    for key in 0..10_000 {
        engine.submit(&format!("NOTE.PUT k{key} 1 text")).unwrap();
        if key % 100 == 0 {
            engine.settle();
        }
    }
    engine.settle();
    let names = || -> Vec<_> {
        let names = engine.disk.list().unwrap();
        names
            .into_iter()
            .filter(|name| name.starts_with("log-"))
            .collect()
    };
    let first = names()[0].clone();
    let disk = engine.disk.clone();
    disk.remove(&first).unwrap();
    let told = engine.reopen().err().unwrap().to_string();
    assert!(told.contains("the segments before are missing"), "{told}");

    let mut engine = fresh();
    engine.call("NOTE.PUT k 1 text");
    engine.checkpoint();
    let disk = engine.disk.clone();
    for name in disk.list().unwrap() {
        if name.starts_with("log-") {
            disk.remove(&name).unwrap();
        }
    }
    let error = engine.reopen().err().unwrap();
    assert!(matches!(error, OpenError::Log(_)), "{error}");
}

#[test]
fn log_that_ends_before_what_the_base_holds_is_refused() {
    let mut engine = fresh();
    engine.call("NOTE.PUT a 1 text");
    let saved: Vec<_> = engine.disk.list().unwrap();
    let segment = saved
        .iter()
        .find(|name| name.starts_with("log-"))
        .unwrap()
        .clone();
    let file = engine.disk.open(&segment).unwrap();
    let mut old = vec![0; usize::try_from(file.size().unwrap()).unwrap()];
    file.read_at(0, &mut old).unwrap();
    for key in 0..50 {
        engine.call(&format!("NOTE.PUT k{key} 1 text"));
    }
    engine.checkpoint();
    let disk = engine.disk.clone();
    let mut file = disk.open(&segment).unwrap();
    file.write_at(0, &old).unwrap();
    let error = engine.reopen().err().unwrap();
    assert!(
        matches!(error, OpenError::Log(LogError::Short { .. })),
        "{error}"
    );
}

#[test]
fn events_are_kept_over_checkpoints_and_a_restart() {
    let mut engine = fresh();
    for round in 0..3 {
        for key in 0..50 {
            engine.call(&format!("NOTE.PUT k{round}-{key} 1 text TTL 10"));
        }
        engine.pass_ms(100);
        engine.checkpoint();
    }
    let mut engine = engine.reopen().unwrap();
    engine.pass_ms(10);
    let page = engine.call("EVENT.LIST LIMIT 1000");
    assert_eq!(page.matches("name=faded").count(), 150);
}

/// Random commands, checkpoints that stop half-way, power losses and restarts: what was answered is
/// there.
#[test]
fn whatever_was_answered_survives_a_crash_within_a_checkpoint() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let (disk, clock) = (FaultDisk::default(), ManualClock::default());
        let mut engine = Stepper::open(&[TOY], &disk, &clock).unwrap();
        let mut times = [0_u32; 8];
        for _ in 0..6 {
            for _ in 0..random.below(30) {
                let key = usize::try_from(random.below(8)).unwrap();
                let id = random.next_u64();
                let answer = engine.call(&format!("NOTE.PUT k{key} {id} text TTL 1000000"));
                if answer.contains("times=") && !answer.contains("note_full") {
                    times[key] += 1;
                }
            }
            engine.ask_checkpoint();
            disk.fail_power_after(random.below(60));
            for _ in 0..random.below(12) {
                engine.execute();
                if engine.write().is_err() || engine.checkpoint_step().is_err() {
                    break;
                }
            }
            disk.crash(&mut random);
            disk.calm();
            engine = Stepper::open(&[TOY], &disk, &clock).unwrap();
            for (key, times) in times.iter().enumerate().filter(|(_, times)| **times > 0) {
                let read = engine.call(&format!("NOTE.GET k{key}"));
                assert!(
                    read.ends_with(&format!("times={times}")),
                    "seed {seed}: {read}"
                );
            }
        }
    }
}

#[test]
fn checkpoint_goes_on_once_a_full_disk_has_room() {
    let mut engine = fresh();
    engine.call("NOTE.PUT k 1 text");
    engine.ask_checkpoint();
    engine.disk.limit_bytes(Some(0));
    let mut seen_full = false;
    for _ in 0..20 {
        engine.execute();
        engine.write().unwrap();
        seen_full |= engine.checkpoint_step().unwrap() == Progress::Full;
    }
    assert!(seen_full);
    assert_eq!(engine.door().metrics().checkpoints.get(), 0);
    engine.disk.limit_bytes(None);
    engine.settle();
    assert_eq!(engine.door().metrics().checkpoints.get(), 1);
    assert!(engine.call("NOTE.GET k").contains("times=1"));
}

/// An engine whose base has a disk of its own.
fn over_another_disk() -> (Stepper, FaultDisk) {
    let disk = FaultDisk::default();
    let base = PlainBase::open(Arc::new(disk.clone()), &tables_of(&[TOY])).unwrap();
    let engine = Stepper::open_over(
        &[TOY],
        &FaultDisk::default(),
        &ManualClock::default(),
        (SPACE, false),
        Arc::new(base),
    );
    (engine.unwrap(), disk)
}

#[test]
fn memory_that_a_full_disk_keeps_full_is_told_as_a_full_disk_until_a_checkpoint_ends() {
    let (mut engine, disk) = over_another_disk();
    let is_full = |engine: &Stepper| engine.door().is_disk_full();
    let failed = |engine: &Stepper| engine.door().metrics().checkpoints_failed.get();
    disk.limit_bytes(Some(0));
    let text = "x".repeat(PAYLOAD_BYTES_MAX);
    let mut attach = |key: usize| engine.call(&format!("NOTE.ATTACH k{key} {text}"));
    let refused = (0..100)
        .map(&mut attach)
        .position(|answer| answer == "disk_full");
    let refused = refused.expect("memory takes only so much");
    assert!(is_full(&engine) && failed(&engine) > 0);
    assert!(
        engine.call("NOTE.ATTACHED k0").contains("xxx"),
        "reads go on"
    );
    assert_eq!(engine.door().metrics().checkpoints.get(), 0);

    disk.limit_bytes(None);
    engine.settle();
    assert!(!is_full(&engine));
    assert!(engine.door().metrics().checkpoints.get() > 0);
    let before = failed(&engine);
    let again = engine.call(&format!("NOTE.ATTACH k{refused} {text}"));
    assert!(again.contains("bytes="), "{again}");
    assert_eq!(failed(&engine), before);
}

#[test]
fn memory_that_no_full_disk_keeps_full_is_busy() {
    let (mut engine, _disk) = over_another_disk();
    let text = "x".repeat(PAYLOAD_BYTES_MAX);
    let refused = (0..100).find_map(|key| {
        let token = engine
            .submit(&format!("NOTE.ATTACH k{key} {text}"))
            .unwrap();
        while engine.execute() || engine.write().unwrap() == Did::Wrote {}
        let (_, answer) = engine.answer(token)?;
        (!answer.contains("bytes=")).then_some(answer)
    });
    assert_eq!(refused.as_deref(), Some("busy"));
    assert!(!engine.door().is_disk_full());
}

#[test]
fn executors_are_woken_once_memory_is_free_again() {
    let mut engine = fresh();
    engine.call("NOTE.PUT k 1 text");
    let wakes = engine.count_wakes();
    engine.ask_checkpoint();
    while engine.door().metrics().checkpoints.get() == 0 {
        engine.execute();
        engine.write().unwrap();
        wakes.store(0, Ordering::Relaxed);
        engine.checkpoint_step().unwrap();
    }
    assert!(wakes.load(Ordering::Relaxed) > 0);
}

#[test]
fn rows_of_the_log_that_a_start_has_read_are_counted() {
    let mut engine = fresh();
    engine.call("NOTE.PUT k 1 text TTL 1000000");
    let mut engine = engine.reopen().unwrap();
    engine.pass_ms(1);
    assert_eq!(engine.door().metrics().checkpoints.get(), 0);
    engine.pass_ms(CHECKPOINT_EVERY_MS_DEFAULT + 10_000);
    assert_eq!(engine.door().metrics().checkpoints.get(), 1, "for age");
}

/// An engine with more rows changed than a checkpoint takes between two looks, and how often it pauses.
fn paced() -> (Stepper, Arc<AtomicU32>) {
    let mut engine = fresh();
    for key in 0..PACE_ROWS + 1 {
        engine.call(&format!("NOTE.PUT k{key} 1 text"));
    }
    let pauses = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&pauses);
    engine.set_pause(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    (engine, pauses)
}

#[test]
fn checkpoint_of_an_idle_engine_pauses_as_often_as_it_may_and_ends() {
    let (mut engine, pauses) = paced();
    let before = engine.door().metrics().checkpoints.get();
    engine.checkpoint();
    assert_eq!(engine.door().metrics().checkpoints.get(), before + 1);
    assert_eq!(pauses.load(Ordering::Relaxed), PACE_PAUSES_MAX);
}

#[test]
fn checkpoint_that_is_not_ahead_of_those_who_change_rows_never_pauses() {
    let (mut engine, pauses) = paced();
    engine.ask_checkpoint();
    engine.checkpoint_step().unwrap();
    engine.execute();
    let text = "x".repeat(PAYLOAD_BYTES_MAX);
    for key in 0..12 {
        engine
            .submit(&format!("NOTE.ATTACH k{key} {text}"))
            .unwrap();
        engine.execute();
        engine.write().unwrap();
    }
    engine.settle();
    assert_eq!(pauses.load(Ordering::Relaxed), 0);
}

#[test]
fn last_checkpoint_of_an_engine_that_stops_never_pauses() {
    let (mut engine, pauses) = paced();
    engine.door().stop();
    engine.checkpoint();
    assert_eq!(pauses.load(Ordering::Relaxed), 0);
}

/// An engine over a base of files that nobody merges unless it is told to.
fn over_files() -> (Stepper, Arc<LsmBase>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let base = LsmBase::open(folder.path(), &tables_of(&[TOY]), (1 << 20, 64)).unwrap();
    let base = Arc::new(base);
    let engine = Stepper::open_over(
        &[TOY],
        &FaultDisk::default(),
        &ManualClock::default(),
        (SPACE, false),
        Arc::clone(&base) as Arc<dyn Base>,
    );
    (engine.unwrap(), base, folder)
}

#[test]
fn base_that_is_behind_has_a_rest_between_checkpoints_until_it_was_put_in_order() {
    let (mut engine, base, _folder) = over_files();
    for text in 0..BASE_RUNS_MAX + 3 {
        engine.call(&format!("NOTE.ATTACH k {text}"));
        engine.checkpoint();
    }
    let checkpoints = |engine: &Stepper| engine.door().metrics().checkpoints.get();
    let before = checkpoints(&engine);
    let rest_ms = base.backlog() as u64 * BASE_REST_MS;
    assert!(rest_ms > 0);
    let fill = |engine: &mut Stepper| {
        let text = "x".repeat(PAYLOAD_BYTES_MAX);
        for key in 0..16 {
            let attach = format!("NOTE.ATTACH k{key} {text}");
            engine.submit(&attach).unwrap();
            engine.settle();
        }
    };
    fill(&mut engine);
    engine.pass_ms(rest_ms - 1);
    assert_eq!(checkpoints(&engine), before);
    engine.pass_ms(1);
    assert_eq!(checkpoints(&engine), before + 1);
    while base.backlog() > 0 {
        engine.tend();
    }
    fill(&mut engine);
    assert!(checkpoints(&engine) > before + 1, "at once");
}

#[test]
fn base_that_can_take_no_more_in_gets_no_checkpoint_until_some_of_it_was_put_in_order() {
    let (mut engine, base, _folder) = over_files();
    while base.backlog() < BASE_BACKLOG_MAX {
        engine.call("NOTE.ATTACH k text");
        engine.checkpoint();
    }
    let checkpoints = |engine: &Stepper| engine.door().metrics().checkpoints.get();
    let before = checkpoints(&engine);
    engine.call("NOTE.ATTACH k text");
    engine.checkpoint();
    engine.pass_ms(CHECKPOINT_EVERY_MS_DEFAULT + 10_000);
    assert_eq!(checkpoints(&engine), before, "neither asked for nor old");
    engine.tend();
    engine.settle();
    assert_eq!(checkpoints(&engine), before + 1);
    assert!(engine.call("NOTE.ATTACHED k").contains("text"));
}

#[test]
fn checkpoint_for_which_somebody_may_wait_never_pauses() {
    let (mut engine, pauses) = paced();
    let text = "x".repeat(PAYLOAD_BYTES_MAX);
    for key in 0..24 {
        // More than is lent to anybody.
        engine
            .submit(&format!("NOTE.ATTACH k{key} {text}"))
            .unwrap();
        engine.execute();
        engine.write().unwrap();
    }
    engine.checkpoint();
    assert_eq!(pauses.load(Ordering::Relaxed), 0);
}
