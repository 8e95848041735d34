//! A folder with rows of every table, whose rows can be mutated beneath the engine.

use minicbor::Encoder;
use tidegate_engine::contract::Domain;
use tidegate_engine::disk::FaultDisk;
use tidegate_engine::testing::mutations::{Folder, KeyedRow};
use tidegate_engine::testing::shelf::SHELVES;
use tidegate_engine::testing::{ManualClock, Stepper, TOY};
use tidegate_engine::{Slot, SlotMap, tables_of};
use tidegate_stock::STOCK;

/// The toy sends letters, which stock does not.
const DOMAINS: &[Domain] = &[STOCK, TOY];

/// Partitions of a stepped engine.
const PARTITIONS: u16 = 4;

/// Tables that have rows only where somebody claims or calls: their laws are tested with those of orders.
const OF_ORDERS: [&str; 4] = ["stock.parts", "stock.line", "stock.places", "engine.calls"];

/// And those that have rows only where a SKU is split.
pub(crate) const OF_SPLITS: [&str; 3] = ["stock.shards", "stock.asks", "engine.splits"];

/// The tables whose laws are tested.
pub(crate) fn tables() -> Vec<&'static str> {
    let names = tables_of(&[STOCK]).into_iter().map(|table| table.name());
    let names = names.filter(|name| !OF_ORDERS.contains(name) && !OF_SPLITS.contains(name));
    names.collect()
}

/// A folder of a server that has done some of everything, and took it to the base.
pub(crate) fn folder() -> Folder {
    let mut engine =
        Stepper::open(DOMAINS, &FaultDisk::default(), &ManualClock::default()).unwrap();
    work(&mut engine);
    let now_ms = engine.now_ms();
    engine.checkpoint();
    engine.seal().unwrap();
    let folder = Folder::of(engine, DOMAINS);
    folder.put("engine.outbox", vec![letter(now_ms)]);
    let dead = vec![dead_letter(now_ms), dead_timer(now_ms)];
    folder.put("engine.dead_letters", dead);
    folder.put("engine.timers", vec![replay(now_ms)]);
    folder.put("engine.event_floors", vec![floor(now_ms)]);
    folder
}

fn work(engine: &mut Stepper) {
    archive(engine);
    for command in [
        "STOCK.SET a 20 ALERT 5",
        "STOCK.HOLD a h1 3 BUYER b",
        "STOCK.CONFIRM a h1",
        "STOCK.RETURN a h1 r1 QTY 1",
        "STOCK.HOLD a h2 1 TTL 1000",
        "STOCK.HOLD a h3 1",
        "STOCK.RELEASE a h3",
        "STOCK.ADD a a1 5",
        "STOCK.HOLD a h4 19 BUYER b TTL 86400000",
        "NOTE.SHARE x y",
    ] {
        engine.call(command);
    }
    engine.pass_ms(1_000);
    assert!(engine.call("STOCK.HOLDINFO a h2").contains("state=expired"));
    // A book whose slice is dropped.
    engine.call("NOTE.STORE x old text");
    engine.pass_ms(SHELVES.after_ms);
    engine.checkpoint();
    engine.pass_ms(SHELVES.keep_ms + SHELVES.slice_ms);
    engine.call("NOTE.STORE x new text");
}

/// A SKU, behind that of the others, whose holds and changes are in the archive.
fn archive(engine: &mut Stepper) {
    let mut names = (0..).map(|n| format!("z{n}"));
    let is_behind = |name: &String| Slot::of(name.as_bytes()) > Slot::of(b"a");
    let name = names.find(is_behind).unwrap();
    for command in [
        format!("STOCK.SET {name} 9"),
        format!("STOCK.HOLD {name} g1 2 BUYER c"),
        format!("STOCK.CONFIRM {name} g1"),
        format!("STOCK.HOLD {name} g2 1"),
        format!("STOCK.RELEASE {name} g2"),
    ] {
        engine.call(&command);
    }
    engine.pass_ms(7 * 24 * 3_600 * 1_000);
}

/// An id that the partition of a key's slot has minted.
fn id_at(now_ms: u64, key: &str) -> u64 {
    const EPOCH_MS: u64 = 1_735_689_600_000;
    let partition = SlotMap::even(PARTITIONS).owner(Slot::of(key.as_bytes()));
    (now_ms - EPOCH_MS) << 22 | u64::from(partition.0) << 12
}

fn key_of(owner: &str, number: u64) -> Vec<u8> {
    let slot = Slot::of(owner.as_bytes()).0.to_be_bytes();
    [&slot[..], &number.to_be_bytes()].concat()
}

/// The toy's word that a note was shared.
const SHARED: u64 = 0xff01;

fn body() -> Vec<u8> {
    let mut body = Encoder::new(Vec::new());
    body.map(1).unwrap().u8(0).unwrap().str("x").unwrap();
    body.into_writer()
}

/// A letter from x to y that was not acknowledged.
fn letter(now_ms: u64) -> KeyedRow {
    let mut row = Encoder::new(Vec::new());
    row.map(3).unwrap().u8(0).unwrap().u64(SHARED).unwrap();
    row.u8(1).unwrap().str("y").unwrap();
    row.u8(2).unwrap().bytes(&body()).unwrap();
    (key_of("x", id_at(now_ms, "x")), Some(row.into_writer()))
}

/// An event about a that was dropped, of the day before.
fn floor(now_ms: u64) -> KeyedRow {
    let key = [&Slot::of(b"a").0.to_be_bytes()[..], b"stock\0stock_low\0"].concat();
    let mut row = Encoder::new(Vec::new());
    let number = id_at(now_ms - 86_400_000, "a");
    row.map(1).unwrap().u8(0).unwrap().u64(number).unwrap();
    (key, Some(row.into_writer()))
}

/// A letter from x to y that was set aside.
fn dead_letter(now_ms: u64) -> KeyedRow {
    let mut row = Encoder::new(Vec::new());
    row.map(5).unwrap().u8(0).unwrap().u64(now_ms).unwrap();
    row.u8(1).unwrap().u64(SHARED).unwrap();
    row.u8(2).unwrap().bool(true).unwrap();
    row.u8(3).unwrap().bytes(b"y").unwrap();
    row.u8(4).unwrap().bytes(&body()).unwrap();
    (key_of("y", id_at(now_ms, "y")), Some(row.into_writer()))
}

/// An expiry of a that was set aside, and is to be replayed.
fn dead_timer(now_ms: u64) -> KeyedRow {
    let mut row = Encoder::new(Vec::new());
    row.map(8).unwrap().u8(0).unwrap().u64(now_ms).unwrap();
    row.u8(1).unwrap().u64(0x0101).unwrap();
    row.u8(2).unwrap().bool(false).unwrap();
    row.u8(3).unwrap().bytes(b"a\0h9\0").unwrap();
    row.u8(4).unwrap().bytes(b"").unwrap();
    row.u8(5).unwrap().u8(1).unwrap();
    row.u8(6).unwrap().u64(now_ms).unwrap();
    row.u8(7).unwrap().u8(1).unwrap();
    (key_of("a", id_at(now_ms, "a")), Some(row.into_writer()))
}

/// The timer of that, behind all others of a.
fn replay(now_ms: u64) -> KeyedRow {
    let due = key_of("a", now_ms + 30 * 86_400_000);
    let number = id_at(now_ms, "a").to_be_bytes();
    let key = [&due[..], &[0, 1], &number].concat();
    let mut row = Encoder::new(Vec::new());
    row.map(0).unwrap();
    (key, Some(row.into_writer()))
}
