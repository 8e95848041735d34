//! Large requests: what a record, an outbox, an inbox and the gate take of them.

use tidegate_engine::contract::Status;
use tidegate_engine::disk::FaultDisk;
use tidegate_engine::limits::{
    ANSWERS_BYTES_MAX, LETTER_BYTES_MAX, OPEN_SHARE_PERCENT, OUTBOX_BYTES_MAX, PAYLOAD_BYTES_MAX,
};
use tidegate_engine::testing::toy::FORWARDED_BYTES_MAX;
use tidegate_engine::testing::{ManualClock, Stepper, TOY};
use tidegate_engine::{PartitionId, Random, Slot, SlotMap, Space};

const MIB: u64 = 1024 * 1024;

/// Segments that take records of any size.
const WIDE: Space = Space {
    segment: 12 * MIB,
    reserve: 6 * MIB,
    ahead: 4 * MIB,
};

fn open(disk: &FaultDisk, clock: &ManualClock) -> Stepper {
    Stepper::open_with(&[TOY], disk, clock, (WIDE, false)).unwrap()
}

/// An engine whose clock is promised, so that commands run at their first step.
fn started() -> Stepper {
    let mut engine = open(&FaultDisk::default(), &ManualClock::default());
    engine.call("NOTE.GET nothing");
    engine
}

fn reopen(engine: Stepper) -> Stepper {
    let (disk, clock) = (engine.disk.clone(), engine.clock.clone());
    drop(engine);
    open(&disk, &clock)
}

fn text(length: usize) -> String {
    "x".repeat(length)
}

fn attach(engine: &mut Stepper, key: &str, bytes: usize) -> u64 {
    let command = format!("NOTE.ATTACH {key} {}", text(bytes));
    engine.submit(&command).unwrap()
}

fn attached(engine: &mut Stepper, key: &str) -> usize {
    let answer = engine.call(&format!("NOTE.ATTACHED {key}"));
    answer.len() - format!("key={key} text=").len()
}

/// The record of a batch takes 447 KiB of small rows, and then somebody hands over 900 KiB.
#[test]
fn largest_payload_behind_a_nearly_full_batch_goes_into_the_next_record() {
    let mut engine = started();
    let small = attach(&mut engine, "k", 447 * 1024);
    let large = attach(&mut engine, "k", PAYLOAD_BYTES_MAX);
    engine.settle();
    assert_eq!(engine.answer(small).unwrap().1, "key=k bytes=457728");
    assert_eq!(engine.answer(large).unwrap().1, "key=k bytes=921600");
    let mut engine = reopen(engine);
    assert_eq!(engine.report.records, 2);
    assert_eq!(attached(&mut engine, "k"), PAYLOAD_BYTES_MAX, "replayed");
    engine.checkpoint();
    assert_eq!(attached(&mut engine, "k"), PAYLOAD_BYTES_MAX, "fetched");
    let mut engine = reopen(engine);
    assert_eq!(attached(&mut engine, "k"), PAYLOAD_BYTES_MAX, "of the base");
}

/// Names of notes that one partition owns.
fn of_one_partition<const N: usize>() -> [String; N] {
    let slots = SlotMap::even(4);
    let names = (0..1_000).map(|n| format!("n{n}"));
    let mut own = names.filter(|name| slots.owner(Slot::of(name.as_bytes())) == PartitionId(1));
    std::array::from_fn(|_| own.next().unwrap())
}

/// What is attached grows, and is written as a whole, by commands and letters that say nothing of
/// that: they are taken back once that does not fit.
#[test]
fn what_writes_more_than_it_said_goes_into_the_next_record() {
    for command in ["NOTE.EXTEND", "NOTE.FORWARD another"] {
        let mut engine = started();
        let [small, large] = of_one_partition();
        attach(&mut engine, &small, 400 * 1024);
        attach(&mut engine, &large, 800 * 1024);
        engine.settle();
        for key in [&small, &large, &small, &large] {
            let text = text(1024);
            engine.submit(&format!("{command} {key} {text}")).unwrap();
        }
        for _ in 0..3 {
            engine.settle();
        }
        let mut engine = reopen(engine);
        assert_eq!(attached(&mut engine, &small), 402 * 1024);
        assert_eq!(attached(&mut engine, &large), 802 * 1024);
    }
}

#[test]
fn largest_letters_and_payloads_of_one_burst_are_all_taken_in() {
    let mut engine = started();
    for n in 0..40 {
        let text = text(FORWARDED_BYTES_MAX);
        engine
            .submit(&format!("NOTE.FORWARD a b{n} {text}"))
            .unwrap();
        if n % 4 == 0 {
            attach(&mut engine, &format!("c{n}"), 500 * 1024);
        }
    }
    engine.settle();
    let mut engine = reopen(engine);
    for n in 0..40 {
        let bytes = attached(&mut engine, &format!("b{n}"));
        assert_eq!(bytes, FORWARDED_BYTES_MAX, "{n}");
    }
    let longer = text(FORWARDED_BYTES_MAX + 1);
    let refused = engine.call(&format!("NOTE.FORWARD a b {longer}"));
    assert_eq!(refused, format!("too_long bytes={FORWARDED_BYTES_MAX}"));
}

#[test]
fn random_sizes_end_as_the_last_of_each_key_says() {
    let mut engine = started();
    let mut random = Random::new(11);
    for _ in 0..4 {
        let mut last = [0; 6];
        for _ in 0..30 {
            let (key, bytes) = (random.below(6), random.below(PAYLOAD_BYTES_MAX as u64));
            let bytes = usize::try_from(bytes).unwrap();
            last[usize::try_from(key).unwrap()] = bytes;
            let key = format!("k{key}");
            let token = attach(&mut engine, &key, bytes);
            if engine.answer(token).is_some() {
                engine.settle(); // Its inbox was full.
                attach(&mut engine, &key, bytes);
            } else if random.chance(1, 4) {
                engine.execute();
            }
        }
        engine.settle();
        engine = reopen(engine);
        for (key, bytes) in last.into_iter().enumerate().filter(|(_, bytes)| *bytes > 0) {
            assert_eq!(attached(&mut engine, &format!("k{key}")), bytes);
        }
    }
}

#[test]
fn outbox_is_bounded_in_bytes_and_has_room_again_once_letters_were_taken_in() {
    let mut engine = started();
    let forward = format!("NOTE.FORWARD a b {}", text(FORWARDED_BYTES_MAX));
    let all = OUTBOX_BYTES_MAX / LETTER_BYTES_MAX;
    let tokens: Vec<u64> = (0..all).map(|_| engine.submit(&forward).unwrap()).collect();
    // Nothing is written: what was sent stays in the outbox.
    for _ in 0..100 {
        engine.execute();
    }
    let small = engine.submit("NOTE.FORWARD a b little").unwrap();
    // Letters and acknowledgements go to and fro.
    for _ in 0..100 {
        engine.settle();
    }
    let busy = |token: &&u64| engine.answer(**token).unwrap().0 == Status::Busy;
    let sent = all - tokens.iter().filter(busy).count();
    let most = OUTBOX_BYTES_MAX * OPEN_SHARE_PERCENT / 100 / LETTER_BYTES_MAX;
    assert!((most - 2..=most).contains(&sent), "{sent} of {most}");
    assert_eq!(engine.answer(small).unwrap().0, Status::Done, "it fits");
    let again = engine.call(&forward);
    assert_eq!(again, format!("key=a bytes={FORWARDED_BYTES_MAX}"));
}

#[test]
fn answers_that_wait_for_a_sync_are_bounded_in_bytes() {
    let mut engine = started();
    attach(&mut engine, "k", PAYLOAD_BYTES_MAX);
    engine.settle();
    // From here on everything rests on a record that is not written.
    engine.submit("NOTE.PUT k 1 text").unwrap();
    engine.execute();
    let all = 2 * ANSWERS_BYTES_MAX / PAYLOAD_BYTES_MAX;
    let read = |engine: &mut Stepper| {
        let token = engine.submit("NOTE.ATTACHED k").unwrap();
        engine.execute();
        token
    };
    let tokens: Vec<u64> = (0..all).map(|_| read(&mut engine)).collect();
    let put = engine.submit("NOTE.PUT k 2 text").unwrap();
    let stay = engine.submit("NOTE.STAY k").unwrap();
    let told: Vec<_> = tokens
        .iter()
        .filter_map(|token| engine.answer(*token))
        .collect();
    assert!(told.iter().all(|(status, _)| *status == Status::Busy));
    let most = ANSWERS_BYTES_MAX / PAYLOAD_BYTES_MAX * OPEN_SHARE_PERCENT / 100;
    let waiting = all - told.len();
    assert!((most..most + 4).contains(&waiting), "{waiting} wait");
    assert_eq!(engine.answer(put).unwrap().0, Status::Busy);
    engine.settle();
    assert_eq!(engine.answer(stay).unwrap().0, Status::Done);
    assert_eq!(engine.answer(tokens[0]).unwrap().0, Status::Done);
    assert_eq!(
        attached(&mut engine, "k"),
        PAYLOAD_BYTES_MAX,
        "there is room"
    );
}
