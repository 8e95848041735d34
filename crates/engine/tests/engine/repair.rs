//! A repair that is cut short at any step is run again, and ends as one that was not.

use std::path::Path;
use std::sync::Arc;

use tidegate_engine::base::{Base, LsmBase};
use tidegate_engine::disk::{Disk, FaultDisk};
use tidegate_engine::testing::{ManualClock, Stepper, TOY};
use tidegate_engine::{Random, RepairError, Repaired, check, repair, tables_of};

const ROOM: (u64, usize) = (1 << 20, 16);
const NOTES: u64 = 30;

/// A log of some notes, damaged at two thirds of its groups.
fn damaged() -> FaultDisk {
    let disk = FaultDisk::default();
    let mut engine = Stepper::open(&[TOY], &disk, &ManualClock::default()).unwrap();
    for note in 0..NOTES {
        engine.call(&format!("NOTE.PUT n{note} w text TTL 3600000"));
    }
    engine.seal().unwrap();
    drop(engine);
    let name = segment(&disk);
    let mut bytes = vec![0; usize::try_from(disk.open(&name).unwrap().size().unwrap()).unwrap()];
    disk.open(&name).unwrap().read_at(0, &mut bytes).unwrap();
    let groups: Vec<_> = (0..bytes.len())
        .step_by(8)
        .filter(|at| bytes[*at..].starts_with(b"TGRP"))
        .collect();
    disk.flip_bit(&name, groups[groups.len() * 2 / 3] + 50, 3);
    disk
}

fn segment(disk: &FaultDisk) -> String {
    let names = disk.list().unwrap();
    names
        .into_iter()
        .find(|name| name.ends_with(".seg"))
        .unwrap()
}

fn run(disk: &FaultDisk, folder: &Path) -> Result<Option<Repaired>, RepairError> {
    repair(disk, (folder, "base"), ROOM, &[TOY])
}

/// How many notes there are, once nothing is damaged.
fn notes(disk: &FaultDisk, folder: &Path) -> i64 {
    let base = LsmBase::open(&folder.join("base"), &tables_of(&[TOY]), ROOM).unwrap();
    let base: Arc<dyn Base> = Arc::new(base);
    let checked = check(disk, &base, &[TOY]).unwrap();
    assert!(checked.damages.is_empty(), "{:?}", checked.damages);
    let figures = checked.audit.figures;
    figures
        .iter()
        .find(|figure| figure.name == "note.notes")
        .unwrap()
        .value
}

#[test]
fn repair_cut_short_anywhere_is_run_again_and_nothing_starts_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let whole = damaged();
    let expected = run(&whole, folder.path()).unwrap().unwrap();
    let kept = notes(&whole, folder.path());
    assert!(kept > 10 && kept < NOTES.cast_signed(), "{kept}");
    assert!(
        expected
            .dropped
            .iter()
            .any(|line| line.contains("were there")),
        "{expected:?}"
    );
    let mut random = Random::new(5);
    for operations in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let disk = damaged();
        disk.fail_power_after(operations);
        let cut_short = run(&disk, folder.path()).is_err();
        disk.crash(&mut random);
        disk.calm();
        if !cut_short {
            assert!(operations > 10, "{operations}");
            return;
        }
        let opened = Stepper::open(&[TOY], &disk, &ManualClock::default());
        let why = opened.err().map(|error| error.to_string()).unwrap();
        assert!(why.contains("check --repair"), "{operations}: {why}");
        let again = run(&disk, folder.path()).unwrap().unwrap();
        assert_eq!(notes(&disk, folder.path()), kept, "{operations}: {again:?}");
        for line in &expected.dropped {
            assert!(
                again.dropped.contains(line),
                "{operations}: {line} is not in {again:?}"
            );
        }
        assert!(run(&disk, folder.path()).unwrap().is_none(), "{operations}");
    }
}
