//! Mail is taken in exactly once, in its order, whatever happens on the way.

use tidegate_engine::disk::FaultDisk;
use tidegate_engine::limits::{BATCH_COMMANDS_MAX, OPEN_SHARE_PERCENT, OUTBOX_LETTERS_MAX};
use tidegate_engine::testing::{Canary, ManualClock, Stepper, TOY};
use tidegate_engine::{Progress, Random};

fn fresh() -> Stepper {
    Stepper::fresh(&[TOY])
}

fn figure(engine: &Stepper, name: &str) -> i64 {
    let figures = engine.audit().figures;
    figures
        .iter()
        .find(|figure| figure.name == name)
        .map_or(0, |figure| figure.value)
}

/// Shares sent, received and thanked for, over all notes.
fn shares(engine: &Stepper) -> [i64; 3] {
    ["note.sent", "note.received", "note.thanked"].map(|name| figure(engine, name))
}

#[test]
fn letter_is_taken_in_and_answered_by_one_back() {
    let mut engine = fresh();
    assert_eq!(
        engine.call("NOTE.SHARE a b"),
        "key=a sent=1 received=0 thanked=0"
    );
    assert_eq!(
        engine.call("NOTE.SHARES b"),
        "key=b sent=0 received=1 thanked=0"
    );
    assert_eq!(
        engine.call("NOTE.SHARES a"),
        "key=a sent=1 received=0 thanked=1"
    );
    assert_eq!(figure(&engine, "engine.outbox"), 0);
}

#[test]
fn letter_leaves_only_once_its_transaction_is_durable() {
    let mut engine = fresh();
    engine.call("NOTE.SHARES b");
    let share = engine.submit("NOTE.SHARE a b").unwrap();
    while engine.execute() {}
    let read = engine.submit("NOTE.SHARES b").unwrap();
    while engine.execute() {}
    assert_eq!(engine.answer(share), None);
    assert_eq!(
        engine.answer(read).unwrap().1,
        "key=b sent=0 received=0 thanked=0"
    );
    engine.settle();
    assert_eq!(
        engine.call("NOTE.SHARES b"),
        "key=b sent=0 received=1 thanked=0"
    );
}

#[test]
fn letter_in_the_outbox_is_sent_again_by_a_start() {
    let mut engine = fresh();
    engine.call("NOTE.SHARES b");
    engine.submit("NOTE.SHARE a b").unwrap();
    for _ in 0..3 {
        engine.execute();
    }
    engine.write().unwrap();
    let mut engine = engine.reopen().unwrap();
    engine.settle();
    assert_eq!(shares(&engine), [1, 1, 1]);
}

#[test]
fn letter_in_the_base_is_sent_again_by_a_start() {
    let mut engine = fresh();
    engine.call("NOTE.SHARES b");
    for key in 0..40 {
        engine.submit(&format!("NOTE.SHARE a{key} b{key}")).unwrap();
    }
    engine.execute();
    engine.execute();
    engine.write().unwrap();
    engine.ask_checkpoint();
    while engine.checkpoint_step().unwrap() == Progress::Made {
        engine.execute();
        engine.write().unwrap();
    }
    let mut engine = engine.reopen().unwrap();
    engine.settle();
    assert_eq!(shares(&engine), [40, 40, 40]);
    assert_eq!(figure(&engine, "engine.outbox"), 0);
}

#[test]
fn letter_whose_row_is_in_the_base_is_forgotten_there_too() {
    let mut engine = fresh();
    engine.call("NOTE.SHARES b");
    for key in 0..40 {
        engine.submit(&format!("NOTE.SHARE a{key} b{key}")).unwrap();
    }
    engine.execute();
    engine.execute();
    engine.write().unwrap();
    engine.checkpoint_under_way();
    // They are taken in, and nothing of that is durable: no acknowledgement has left.
    assert!(figure(&engine, "engine.outbox") >= 40);
    engine.settle();
    assert_eq!(shares(&engine), [40, 40, 40]);
    assert_eq!(figure(&engine, "engine.outbox"), 0);
    engine.checkpoint();
    let mut engine = engine.reopen().unwrap();
    assert_eq!(figure(&engine, "engine.outbox"), 0, "in the base");
    engine.settle();
    assert_eq!(shares(&engine), [40, 40, 40]);
}

#[test]
fn acknowledgements_that_come_at_once_are_taken_in_by_several_batches() {
    let mut engine = fresh();
    engine.call("NOTE.SHARES b");
    let letters = BATCH_COMMANDS_MAX as i64 + 100;
    for _ in 0..letters {
        engine.submit("NOTE.SHARE a b").unwrap();
    }
    while engine.execute() {}
    engine.write().unwrap();
    for _ in 0..8 {
        engine.execute();
    }
    assert_eq!(shares(&engine), [letters, letters, 0]);
    // Each was answered by a letter back. All are acknowledged in one moment, and what comes of that is not
    // written: nothing else is.
    engine.write().unwrap();
    let mut forgotten = Vec::new();
    let mut before = figure(&engine, "engine.outbox");
    assert_eq!(before, 2 * letters);
    for _ in 0..8 {
        engine.execute();
        let after = figure(&engine, "engine.outbox");
        forgotten.push(before - after);
        before = after;
    }
    forgotten.retain(|count| *count > 0);
    assert_eq!(forgotten, [BATCH_COMMANDS_MAX as i64, 100]);
    engine.settle();
    assert_eq!(shares(&engine), [letters; 3]);
    assert_eq!(figure(&engine, "engine.outbox"), 0);
}

/// Random shares, checkpoints and power losses: gives what was sent, received and thanked for.
fn crash_run(seed: u64, canary: Option<Canary>) -> [i64; 3] {
    let mut random = Random::new(seed);
    let (disk, clock) = (FaultDisk::default(), ManualClock::default());
    let open = || {
        let mut engine = Stepper::open(&[TOY], &disk, &clock).unwrap();
        canary
            .into_iter()
            .for_each(|canary| engine.break_rule(canary));
        engine
    };
    let mut engine = open();
    for _ in 0..12 {
        for _ in 0..random.below(20) {
            let (a, b) = (random.below(6), random.below(6));
            engine.submit(&format!("NOTE.SHARE k{a} k{b}")).unwrap();
            if random.chance(1, 3) {
                engine.execute();
            }
            if random.chance(1, 3) {
                engine.write().unwrap();
            }
        }
        if random.chance(1, 3) {
            engine.checkpoint();
        }
        disk.crash(&mut random);
        disk.calm();
        engine = open();
    }
    engine.settle();
    shares(&engine)
}

#[test]
fn letters_are_taken_in_exactly_once_whatever_crashes() {
    for seed in 0..60 {
        let [sent, received, thanked] = crash_run(seed, None);
        assert!(sent > 0);
        assert_eq!((received, thanked), (sent, sent), "seed {seed}");
    }
}

#[test]
fn letter_that_is_taken_in_twice_is_noticed() {
    let seen = (0..60).any(|seed| {
        let [sent, received, _] = crash_run(seed, Some(Canary::RepeatMail));
        received > sent
    });
    assert!(seen);
}

#[test]
fn full_outbox_is_busy_for_commands_that_send_and_for_no_other() {
    let mut engine = fresh();
    engine.call("NOTE.PUT k 1 text");
    let room = OUTBOX_LETTERS_MAX * OPEN_SHARE_PERCENT / 100;
    let mut tokens = Vec::new();
    for _ in 0..=room {
        tokens.push(engine.submit("NOTE.SHARE k other").unwrap());
        if tokens.len().is_multiple_of(500) {
            engine.execute();
            engine.execute();
        }
    }
    let read = engine.submit("NOTE.GET k").unwrap();
    engine.settle();
    let answers = tokens.iter().map(|token| engine.answer(*token).unwrap().1);
    let busy = answers.filter(|answer| answer == "busy").count();
    assert!(busy > 0);
    assert!(engine.answer(read).unwrap().1.contains("times=1"));
    let [sent, received, thanked] = shares(&engine);
    assert_eq!([received, thanked], [sent, sent]);
    assert_eq!(usize::try_from(sent).unwrap() + busy, tokens.len());
    assert!(
        engine.call("NOTE.SHARE k other").contains("sent="),
        "there is room again"
    );
}

#[test]
fn two_partitions_that_fill_each_other_with_mail_come_to_an_end() {
    let mut engine = fresh();
    let mut tokens = Vec::new();
    for n in 0..4_000 {
        let (a, b) = (n % 40, (n * 7) % 40);
        tokens.push(engine.submit(&format!("NOTE.SHARE k{a} k{b}")).unwrap());
    }
    engine.settle();
    let done = tokens
        .iter()
        .filter(|token| engine.answer(**token).unwrap().1.contains("sent="));
    let done = i64::try_from(done.count()).unwrap();
    assert_eq!(shares(&engine), [done, done, done]);
}

/// Many letters from `a` to `b` arrive at a log without room: 512 at once, and the others once a read
/// of `b` waits for the base.
fn without_room() -> Stepper {
    let mut engine = fresh();
    engine.call("NOTE.PUT b 1 text");
    engine.checkpoint();
    engine.disk.limit_bytes(Some(0));
    let fill = |engine: &mut Stepper, round: u32| {
        let text = "x".repeat(100);
        for n in 0..2_300 {
            engine
                .submit(&format!("NOTE.PUT k{round}-{n} 1 {text}"))
                .unwrap();
        }
        while engine.execute() {}
        engine.write().unwrap();
    };
    fill(&mut engine, 1);
    for _ in 0..600 {
        engine.submit("NOTE.SHARE a b").unwrap();
    }
    fill(&mut engine, 2);
    engine.execute_without_base();
    assert_eq!(shares(&engine), [600, 0, 0]);
    engine
}

#[test]
fn letters_held_back_for_want_of_room_stay_before_those_that_wait_for_the_base() {
    let mut engine = without_room();
    let read = engine.submit("NOTE.GET b").unwrap();
    for _ in 0..4 {
        engine.execute_without_base();
    }
    assert_eq!(engine.answer(read), None);
    engine.disk.limit_bytes(None);
    engine.write().unwrap();
    for _ in 0..4 {
        engine.execute_without_base();
    }
    engine.settle();
    assert!(engine.answer(read).unwrap().1.contains("times=1"));
    assert_eq!(shares(&engine), [600, 600, 600]);
}

#[test]
fn letters_held_back_for_want_of_room_keep_no_executor_from_ending() {
    let mut engine = without_room();
    engine.door().stop();
    for _ in 0..10 {
        engine.execute();
        engine.write().unwrap();
    }
    assert!(engine.is_quiet());
    engine.disk.limit_bytes(None);
    let mut engine = engine.reopen().unwrap();
    engine.settle();
    assert_eq!(shares(&engine), [600, 600, 600]);
}
