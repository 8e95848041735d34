//! A flood of one structure leaves the others their room and their turn.

use tidegate_engine::contract::Status;
use tidegate_engine::disk::FaultDisk;
use tidegate_engine::limits::{
    AHEAD_SHARED_BYTES_MAX, INBOX_COMMANDS_MAX, OPEN_SHARE_PERCENT, PAYLOAD_BYTES_MAX,
    SHED_LOOK_STEPS, SHED_NORMAL_PERCENT,
};
use tidegate_engine::testing::{ManualClock, Stepper, TOY};
use tidegate_engine::{PartitionId, Slot, SlotMap, Space};
use tidegate_stock::STOCK;

const MIB: u64 = 1024 * 1024;

/// Segments that take records of any size.
const WIDE: Space = Space {
    segment: 64 * MIB,
    reserve: 16 * MIB,
    ahead: 8 * MIB,
};

/// Both structures, a SKU with enough of it, and a clock that is promised.
fn started() -> Stepper {
    let (disk, clock) = (FaultDisk::default(), ManualClock::default());
    let opened = Stepper::open_with(&[STOCK, TOY], &disk, &clock, (WIDE, false));
    let mut engine = opened.expect("an empty disk opens");
    engine.call("STOCK.SET tee 100000");
    engine
}

/// A note that the same partition owns.
fn beside(sku: &str) -> String {
    let slots = SlotMap::even(4);
    let owner = |name: &str| -> PartitionId { slots.owner(Slot::of(name.as_bytes())) };
    let mut names = (0..1_000).map(|n| format!("n{n}"));
    let found = names.find(|name| owner(name) == owner(sku));
    found.expect("one of four owns it")
}

fn submit(engine: &mut Stepper, command: &str) -> u64 {
    engine.submit(command).expect("it can be read")
}

fn status(engine: &Stepper, token: u64) -> Option<Status> {
    engine.answer(token).map(|(status, _)| status)
}

fn figure(engine: &Stepper, name: &str) -> tidegate_engine::DomainFigures {
    let mut figures = engine.door().domain_figures();
    figures.find(|of| of.name == name).expect("registered")
}

#[test]
fn full_inbox_is_busy_for_who_has_filled_it_only_and_order_holds() {
    let mut engine = started();
    let note = beside("tee");
    let most = INBOX_COMMANDS_MAX / 100 * OPEN_SHARE_PERCENT;
    let put = format!("NOTE.PUT {note} 1 text");
    for _ in 0..most {
        submit(&mut engine, &put);
    }
    let refused = submit(&mut engine, &put);
    let finishing = submit(&mut engine, &format!("NOTE.STAY {note}"));
    let holds: Vec<u64> = (0..500)
        .map(|n| submit(&mut engine, &format!("STOCK.HOLD tee h{n} 1")))
        .collect();
    assert_eq!(status(&engine, refused), Some(Status::Busy));
    assert_eq!(figure(&engine, "note").busy, 1);
    assert_eq!(figure(&engine, "note").waiting, most as u64 + 1);
    engine.settle();
    for (n, hold) in holds.into_iter().enumerate() {
        let (status, line) = engine.answer(hold).expect("it is answered");
        assert_eq!(status, Status::Done, "{line}");
        let left = format!("available={} ", 100_000 - n - 1);
        assert!(line.contains(&left), "in the order sent: {line}");
    }
    assert_eq!(status(&engine, finishing), Some(Status::Done));
    assert_eq!(figure(&engine, "stock").busy, 0);
    let stock = figure(&engine, "stock");
    assert_eq!((stock.waiting, stock.commands), (0, 501));
    assert!(stock.row_bytes > 0 && stock.log_bytes > 0);
}

#[test]
fn large_commands_take_turns_with_the_small_ones_of_another() {
    let mut engine = started();
    let note = beside("tee");
    let attach = format!("NOTE.ATTACH {note} {}", "x".repeat(PAYLOAD_BYTES_MAX));
    let large: Vec<u64> = (0..6).map(|_| submit(&mut engine, &attach)).collect();
    let small: Vec<u64> = (0..100)
        .map(|n| submit(&mut engine, &format!("STOCK.HOLD tee h{n} 1")))
        .collect();
    // One group of the log is what one sync takes along.
    for _ in 0..20 {
        engine.execute();
    }
    engine.write().expect("no fault was injected");
    engine.execute();
    let done = |tokens: &[u64]| {
        let answered = tokens
            .iter()
            .filter(|token| engine.answer(**token).is_some());
        answered.count()
    };
    assert_eq!(done(&small), small.len(), "all of them were in it");
    let most = AHEAD_SHARED_BYTES_MAX / 2 / PAYLOAD_BYTES_MAX + 1;
    assert_eq!(done(&large), most, "and of the large ones their share");
    engine.settle();
    let unanswered = large.iter().find(|token| engine.answer(**token).is_none());
    assert_eq!(unanswered, None);
}

#[test]
fn domain_that_is_alone_has_all_of_the_log() {
    let mut engine = started();
    engine.pass_ms(2_000); // Since stock had work.
    engine.call("NOTE.ATTACH n small"); // The new time is promised.
    let attach = format!("NOTE.ATTACH n {}", "x".repeat(PAYLOAD_BYTES_MAX));
    let large: Vec<u64> = (0..6).map(|_| submit(&mut engine, &attach)).collect();
    for _ in 0..20 {
        engine.execute();
    }
    engine.write().expect("no fault was injected");
    engine.execute();
    let answered = large
        .iter()
        .filter(|token| engine.answer(**token).is_some());
    assert_eq!(answered.count(), large.len());
}

#[test]
fn memory_full_of_one_domains_rows_is_busy_for_that_domain_only() {
    let mut engine = started();
    let mut refused = 0;
    for n in 0..60 {
        let attach = format!("NOTE.ATTACH n{n} {}", "x".repeat(400 * 1024));
        let token = submit(&mut engine, &attach);
        // No checkpoint is made.
        while engine.execute() {}
        engine.write().expect("no fault was injected");
        engine.execute();
        refused += usize::from(status(&engine, token) == Some(Status::Busy));
    }
    assert!((5..55).contains(&refused), "{refused}");
    let hold = submit(&mut engine, "STOCK.HOLD tee h 1");
    engine.execute();
    engine.write().expect("no fault was injected");
    engine.execute();
    assert_eq!(status(&engine, hold), Some(Status::Done));
    engine.settle();
    engine.checkpoint();
    assert_eq!(figure(&engine, "note").row_bytes, 0, "it is in the base");
    let attach = engine.call("NOTE.ATTACH n text");
    assert_eq!(attach, "key=n bytes=4");
}

#[test]
fn load_that_one_structure_makes_sheds_normal_work_of_that_structure_only() {
    let mut engine = started();
    engine.clock.advance_ms(10_000); // Nothing runs before the log has promised the new time.
    // A percent more: that of each partition is rounded down.
    let most = 4 * (INBOX_COMMANDS_MAX * (SHED_NORMAL_PERCENT + 1) / 100 + 1);
    let mut keys = (0..256).cycle();
    while figure(&engine, "note").waiting < most as u64 {
        let key = keys.next().expect("they never end");
        submit(&mut engine, &format!("NOTE.STAY n{key}"));
    }
    for _ in 0..SHED_LOOK_STEPS {
        engine.execute();
    }
    for (words, status) in [
        ("NOTE.GET n", Some(Status::Busy)),
        ("NOTE.LIST", Some(Status::Busy)),
        ("STOCK.LIST", Some(Status::Busy)),
        ("STOCK.GET tee", None),
        ("STOCK.HOLD tee h 1", None),
    ] {
        let token = submit(&mut engine, words);
        assert_eq!(self::status(&engine, token), status, "{words}");
    }
    engine.call("SHED.SET normal");
    let token = submit(&mut engine, "STOCK.GET tee");
    assert_eq!(status(&engine, token), Some(Status::Busy), "by hand");
}
