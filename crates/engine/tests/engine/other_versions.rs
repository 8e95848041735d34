//! Folders that another version has left, or a program with other structures.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_engine::base::{Base, LsmBase, PlainBase};
use tidegate_engine::contract::Domain;
use tidegate_engine::disk::{Disk, FaultDisk};
use tidegate_engine::testing::{ManualClock, Stepper, TOY};
use tidegate_engine::{check, repair, tables_of};

/// The toy domain of a version that knew no timers yet.
const TIMELESS: Domain = Domain { timers: &[], ..TOY };

/// The toy domain of a version that knew no mail yet.
const SILENT: Domain = Domain {
    takes: &[],
    sends: &[],
    ..TOY
};

fn with_timer(in_base: bool) -> (FaultDisk, ManualClock) {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.PUT door 1 a TTL 60000");
    if in_base {
        engine.checkpoint();
    }
    (engine.disk, engine.clock)
}

fn with_letter(in_base: bool) -> (FaultDisk, ManualClock) {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.SHARE door window");
    for _ in 0..3 {
        engine.checkpoint();
    }
    // From here on nothing is read of the base, and the letter waits for what it is about.
    let before = engine.door().metrics().checkpoints.get();
    engine.submit("NOTE.SHARE hall window").unwrap();
    for _ in 0..200 {
        engine.execute_without_base();
        engine.write().unwrap();
        if in_base {
            engine.ask_checkpoint();
            engine.checkpoint_step().unwrap();
        }
    }
    let ended = engine.door().metrics().checkpoints.get() > before;
    assert_eq!(ended, in_base);
    (engine.disk, engine.clock)
}

/// A start with other structures; the words with which it is refused. A check finds a fault.
fn refused(domain: Domain, (disk, clock): &(FaultDisk, ManualClock)) -> String {
    let Err(error) = Stepper::open(&[domain], disk, clock) else {
        panic!("it starts");
    };
    let base = PlainBase::open(Arc::new(disk.clone()), &tables_of(&[domain])).unwrap();
    let base: Arc<dyn Base> = Arc::new(base);
    let checked = check(disk, &base, &[domain]).unwrap();
    assert!(!checked.audit.faults.is_empty());
    error.to_string()
}

fn assert_opens(domain: Domain, (disk, clock): &(FaultDisk, ManualClock)) {
    let mut engine = Stepper::open(&[domain], disk, clock).unwrap();
    engine.settle();
    assert_eq!(
        engine.call("NOTE.PUT other 1 a").split(' ').next(),
        Some("key=other")
    );
}

#[test]
fn timer_of_a_kind_that_nobody_knows_refuses_the_start_and_is_named() {
    for in_base in [false, true] {
        let folder = with_timer(in_base);
        let said = refused(TIMELESS, &folder);
        assert!(
            said.contains("holds a timer of kind 255.1 (note, as tidegate "),
            "{said}"
        );
        assert!(
            said.contains(", about door, which no structure of this version knows"),
            "{said}"
        );
        assert_opens(TOY, &folder); // Nothing of it is lost.
    }
}

#[test]
fn letter_of_a_kind_that_nobody_knows_refuses_the_start_and_is_named() {
    for in_base in [false, true] {
        let folder = with_letter(in_base);
        let said = refused(SILENT, &folder);
        assert!(
            said.contains("holds a letter of kind 255.1 (note, as tidegate "),
            "{said}"
        );
        assert!(said.contains(", about window"), "{said}");
        assert_opens(TOY, &folder);
    }
}

#[test]
fn kinds_that_are_not_known_and_of_which_there_are_none_refuse_nothing() {
    let engine = Stepper::fresh(&[TOY]);
    for domain in [TIMELESS, SILENT] {
        assert!(Stepper::open(&[domain], &engine.disk, &engine.clock).is_ok());
    }
}

#[test]
fn without_the_list_of_kinds_or_with_a_damaged_one_rows_are_read_all_the_same() {
    let folder = with_timer(true);
    let (disk, _) = &folder;
    disk.flip_bit("kinds", 30, 0);
    assert!(refused(TIMELESS, &folder).contains("a timer of kind 255.1, about door"));
    disk.remove("kinds").unwrap();
    assert!(refused(TIMELESS, &folder).contains("a timer of kind 255.1, about door"));
    assert_opens(TOY, &folder);
    assert!(refused(TIMELESS, &folder).contains("a timer of kind 255.1 (note"));
}

/// Has the log's segment say another format, with a sum that fits if that `is_sound`.
fn with_format(format: u16, is_sound: bool) -> (FaultDisk, ManualClock) {
    let (disk, clock) = with_timer(false);
    let names = disk.list().unwrap();
    let name = names.iter().find(|name| name.ends_with(".seg")).unwrap();
    let mut file = disk.open(name).unwrap();
    let mut header = [0; 72]; // Of four partitions.
    file.read_at(0, &mut header).unwrap();
    header[8..10].copy_from_slice(&format.to_le_bytes());
    if is_sound {
        let sum = crc32c::crc32c_append(crc32c::crc32c(&header[..12]), &header[16..]);
        header[12..16].copy_from_slice(&sum.to_le_bytes());
    }
    file.write_at(0, &header).unwrap();
    file.sync().unwrap();
    (disk, clock)
}

/// Memory and files of a base.
const ROOM: (u64, usize) = (1 << 20, 16);

/// A base with a row that this version cannot read, which a repair would drop.
fn with_strange_row(base: &Path) {
    let tables = tables_of(&[TOY]);
    let notes = tables
        .iter()
        .find(|table| table.name() == "note.notes")
        .unwrap();
    let base = LsmBase::open(base, &tables, ROOM).unwrap();
    let strange = (&b"\0\x01k\0"[..], Some(&b"\xff"[..]));
    base.ingest(notes.id(), &mut [strange].into_iter()).unwrap();
}

/// Every file below a folder, with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

/// What a start, a check and a repair say of a folder that they refuse, and do not change.
fn refusals((disk, clock): &(FaultDisk, ManualClock)) -> [String; 3] {
    let before = disk.digest();
    let opened = Stepper::open(&[TOY], disk, clock).map(drop);
    let base = PlainBase::open(Arc::new(disk.clone()), &tables_of(&[TOY])).unwrap();
    let base: Arc<dyn Base> = Arc::new(base);
    let checked = check(disk, &base, &[TOY]).map(drop);
    let folder = tempfile::tempdir().unwrap();
    with_strange_row(&folder.path().join("base"));
    let rows = files(folder.path());
    let place: (&Path, _) = (folder.path(), "base");
    let repaired = repair(disk, place, ROOM, &[TOY]).map(drop);
    assert_eq!(disk.digest(), before);
    assert_eq!(files(folder.path()), rows);
    [
        opened.unwrap_err().to_string(),
        checked.unwrap_err().to_string(),
        repaired.unwrap_err().to_string(),
    ]
}

#[test]
fn log_of_another_format_is_refused_by_all_and_repaired_by_none() {
    for format in [2, 4] {
        let expected = format!(": its format is {format}, this version reads 3: start the version");
        for said in refusals(&with_format(format, true)) {
            assert!(said.contains(&expected), "{said}");
        }
    }
}

/// A folder whose list of kinds is changed, and sound.
fn with_kinds(change: impl FnOnce(&mut [u8])) -> (FaultDisk, ManualClock) {
    let (disk, clock) = with_timer(false);
    let mut file = disk.open("kinds").unwrap();
    let mut bytes = vec![0; usize::try_from(file.size().unwrap()).unwrap()];
    file.read_at(0, &mut bytes).unwrap();
    change(&mut bytes);
    let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..]);
    bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    file.write_at(0, &bytes).unwrap();
    file.sync().unwrap();
    (disk, clock)
}

/// Has the list of kinds say that a program of this version has written it.
fn with_program(version: &str) -> (FaultDisk, ManualClock) {
    let own = env!("CARGO_PKG_VERSION").len();
    assert_eq!(version.len(), own);
    with_kinds(|bytes| bytes[18..18 + own].copy_from_slice(version.as_bytes()))
}

#[test]
fn list_of_kinds_of_another_format_is_refused_by_all() {
    for said in refusals(&with_kinds(|bytes| bytes[8] = 2)) {
        let expected = "kinds: format 2 is not known, this version reads 1; was it a newer one's?";
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn folder_of_a_newer_program_is_refused_by_all_and_one_of_an_older_is_not() {
    for version in ["0.2.0", "1.0.0"] {
        for said in refusals(&with_program(version)) {
            let expected = format!("tidegate {version} has been at work here, and this is 0.1.0");
            assert!(said.contains(&expected), "{said}");
        }
    }
    for version in ["0.0.9", "0.1.9"] {
        assert_opens(TOY, &with_program(version));
    }
}

#[test]
fn another_format_with_a_sum_that_does_not_fit_is_damage() {
    let (disk, clock) = with_format(2, false);
    let refused = Stepper::open(&[TOY], &disk, &clock).map(drop);
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("header is damaged"), "{said}");
}
