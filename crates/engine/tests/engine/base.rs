//! What every base promises: one suite for the sorted tables of a server and for the plain maps of
//! the simulator.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_engine::base::{Base, LsmBase, PlainBase, Stored, StoredRows, Tend};
use tidegate_engine::disk::{Disk, FaultDisk};
use tidegate_engine::testing::TOY;
use tidegate_engine::{Random, Slice, TableDef, tables_of};

const NOTES: u16 = 255 << 4;
const SHELF: u16 = NOTES + 10;
const EVENTS: u16 = 1;
const ROOM: (u64, usize) = (1 << 20, 32);

/// Both bases, each with what opens it again.
fn each(test: impl Fn(&dyn Fn() -> Box<dyn Base>)) {
    let defs = tables_of(&[TOY]);
    let folder = tempfile::tempdir().unwrap();
    test(&|| Box::new(LsmBase::open(folder.path(), &defs, ROOM).unwrap()));
    let disk: Arc<dyn Disk> = Arc::new(FaultDisk::default());
    test(&|| Box::new(PlainBase::open(Arc::clone(&disk), &defs).unwrap()));
}

fn ingest(base: &dyn Base, table: u16, changes: &[(&str, Option<&str>)]) {
    let mut changes = changes
        .iter()
        .map(|(key, row)| (key.as_bytes(), row.map(str::as_bytes)));
    base.ingest(table, &mut changes).unwrap();
}

/// Puts everything in order that is out of it.
fn tend(base: &dyn Base) {
    let tend = |what| base.tend(what).unwrap();
    while tend(Tend::Fresh) || tend(Tend::Old) || tend(Tend::Oldest) {}
}

fn all(rows: StoredRows<'_>) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let rows = rows.map(|row| row.map(|(key, row): Stored| (text(key), text(row))));
    rows.collect::<Result<_, _>>().unwrap()
}

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter()
        .map(|(key, row)| ((*key).to_owned(), (*row).to_owned()))
        .collect()
}

#[test]
fn newest_change_of_a_row_counts() {
    each(|open| {
        let base = open();
        assert!(!base.has(NOTES));
        ingest(
            &*base,
            NOTES,
            &[("a", Some("1")), ("b", Some("1")), ("c", Some("1"))],
        );
        ingest(&*base, NOTES, &[("b", Some("2")), ("c", None), ("d", None)]);
        assert!(base.has(NOTES) && !base.has(EVENTS));
        let get = |key: &str| base.get(NOTES, key.as_bytes()).unwrap();
        assert_eq!(get("a").as_deref(), Some(&b"1"[..]));
        assert_eq!(get("b").as_deref(), Some(&b"2"[..]));
        assert_eq!(
            (get("c"), get("d"), base.get(EVENTS, b"a").unwrap()),
            (None, None, None)
        );
        let rows = all(base.snapshot().range(NOTES, b"", b""));
        assert_eq!(rows, pairs(&[("a", "1"), ("b", "2")]));
    });
}

#[test]
fn range_begins_where_told_and_ends_with_its_prefix() {
    each(|open| {
        let base = open();
        let rows = ["a1", "b1", "b2", "b3", "c1"].map(|key| (key, Some("x")));
        ingest(&*base, NOTES, &rows);
        let snapshot = base.snapshot();
        let keys = |prefix: &str, from: &str| {
            let rows = all(snapshot.range(NOTES, prefix.as_bytes(), from.as_bytes()));
            rows.into_iter()
                .map(|(key, _)| key)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(keys("b", ""), "b1 b2 b3");
        assert_eq!(keys("b", "b2"), "b2 b3");
        assert_eq!(keys("b", "c"), "");
        assert_eq!(keys("", "b3"), "b3 c1");
    });
}

#[test]
fn snapshot_stays_as_it_was_over_all_tables() {
    each(|open| {
        let base = open();
        ingest(&*base, NOTES, &[("a", Some("1")), ("b", Some("1"))]);
        let before = base.snapshot();
        ingest(&*base, NOTES, &[("a", Some("2")), ("b", None)]);
        ingest(&*base, EVENTS, &[("a", Some("1"))]);
        tend(&*base);
        assert_eq!(
            all(before.range(NOTES, b"", b"")),
            pairs(&[("a", "1"), ("b", "1")])
        );
        assert_eq!(before.get(NOTES, b"a").unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(before.get(EVENTS, b"a").unwrap(), None);
        let after = base.snapshot();
        assert_eq!(all(after.range(NOTES, b"", b"")), pairs(&[("a", "2")]));
        assert_eq!(after.get(EVENTS, b"a").unwrap().as_deref(), Some(&b"1"[..]));
    });
}

#[test]
fn what_was_ingested_is_there_when_it_is_opened_again() {
    each(|open| {
        ingest(&*open(), NOTES, &[("a", Some("1")), ("b", Some("1"))]);
        ingest(&*open(), NOTES, &[("a", Some("2"))]);
        let base = open();
        ingest(&*base, NOTES, &[("b", None)]);
        assert_eq!(
            all(open().snapshot().range(NOTES, b"", b"")),
            pairs(&[("a", "2")])
        );
    });
}

#[test]
fn base_is_a_map_through_any_changes() {
    each(|open| {
        let mut random = Random::new(11);
        let mut oracle: BTreeMap<String, String> = BTreeMap::new();
        let mut base = open();
        for round in 0..60 {
            let mut changes = BTreeMap::new();
            for _ in 0..random.below(200) {
                let key = format!("k{:03}", random.below(300));
                let row = random.chance(2, 3).then(|| format!("{round}"));
                changes.insert(key, row);
            }
            let list = changes
                .iter()
                .map(|(key, row)| (key.as_bytes(), row.as_deref().map(str::as_bytes)));
            base.ingest(NOTES, &mut list.into_iter()).unwrap();
            for (key, row) in changes {
                match row {
                    Some(row) => drop(oracle.insert(key, row)),
                    None => drop(oracle.remove(&key)),
                }
            }
            if random.chance(1, 4) {
                tend(&*base);
            }
            if random.chance(1, 8) {
                drop(base);
                base = open();
            }
            let rows = all(base.snapshot().range(NOTES, b"", b""));
            assert_eq!(
                rows,
                oracle.clone().into_iter().collect::<Vec<_>>(),
                "round {round}"
            );
        }
        assert_eq!(base.damages().unwrap().len(), 0);
    });
}

/// A key of an archive, and rows under such keys.
fn at(slot: u16, slice: u32, part: &str) -> Vec<u8> {
    [
        &slot.to_be_bytes()[..],
        &slice.to_be_bytes(),
        part.as_bytes(),
    ]
    .concat()
}

fn shelve(base: &dyn Base, rows: &[(Vec<u8>, Option<&str>)]) {
    let changes = rows
        .iter()
        .map(|(key, row)| (&key[..], row.map(str::as_bytes)));
    base.ingest(SHELF, &mut changes.into_iter()).unwrap();
}

fn keys(rows: StoredRows<'_>) -> Vec<Vec<u8>> {
    rows.map(|row| row.unwrap().0).collect()
}

/// Three slices of two slots.
fn shelved(base: &dyn Base) -> Vec<Vec<u8>> {
    let keys = [1, 2].into_iter().flat_map(|slot| {
        let of_slice = move |slice| ["a", "b"].map(|part| at(slot, slice, part));
        [7, 8, 300].into_iter().flat_map(of_slice)
    });
    let keys: Vec<_> = keys.collect();
    let rows: Vec<_> = keys.iter().map(|key| (key.clone(), Some("x"))).collect();
    shelve(base, &rows);
    keys
}

#[test]
fn archive_is_a_table_whatever_its_slices() {
    each(|open| {
        assert!(!open().has(SHELF));
        let all = shelved(&*open());
        let base = open();
        assert!(base.has(SHELF));
        shelve(
            &*base,
            &[(at(1, 8, "a"), None), (at(2, 300, "b"), Some("y"))],
        );
        let left: Vec<_> = all
            .into_iter()
            .filter(|key| *key != at(1, 8, "a"))
            .collect();
        let snapshot = base.snapshot();
        assert_eq!(keys(snapshot.range(SHELF, b"", b"")), left);
        assert_eq!(keys(snapshot.range(SHELF, b"", &at(1, 300, ""))), left[3..]);
        let of_slot = |key: &&Vec<u8>| key.starts_with(&[0, 2]);
        let of_slot: Vec<_> = left.iter().filter(of_slot).cloned().collect();
        assert_eq!(keys(snapshot.range(SHELF, &[0, 2], b"")), of_slot);
        assert_eq!(
            keys(snapshot.range(SHELF, &at(1, 8, ""), b"")),
            [at(1, 8, "b")]
        );
        let row = |key: &[u8]| base.get(SHELF, key).unwrap();
        assert_eq!(row(&at(1, 8, "a")), None);
        assert_eq!(row(&at(2, 300, "b")).as_deref(), Some(&b"y"[..]));
    });
}

#[test]
fn dropped_slices_are_gone_but_for_snapshots_taken_before() {
    each(|open| {
        let base = open();
        let all = shelved(&*base);
        let before = base.snapshot();
        base.drop_slices(SHELF, Slice::of(300)).unwrap();
        tend(&*base);
        assert_eq!(keys(before.range(SHELF, b"", b"")), all);
        assert!(before.get(SHELF, &at(1, 7, "a")).unwrap().is_some());
        let left = [&all[4..6], &all[10..]].concat();
        assert_eq!(keys(base.snapshot().range(SHELF, b"", b"")), left);
        assert_eq!(base.get(SHELF, &at(1, 7, "a")).unwrap(), None);
        drop(before);
        tend(&*base);
        drop(base);
        let base = open();
        assert_eq!(keys(base.snapshot().range(SHELF, b"", b"")), left);
        assert_eq!(base.damages().unwrap().len(), 0);
    });
}

#[test]
fn what_is_ingested_into_a_dropped_slice_goes_nowhere() {
    each(|open| {
        let base = open();
        shelved(&*base);
        base.drop_slices(SHELF, Slice::of(8)).unwrap();
        base.drop_slices(SHELF, Slice::of(3)).unwrap();
        let late = [(at(1, 7, "late"), Some("x")), (at(1, 8, "kept"), Some("x"))];
        shelve(&*base, &late);
        assert_eq!(base.get(SHELF, &at(1, 7, "late")).unwrap(), None);
        assert!(base.get(SHELF, &at(1, 8, "kept")).unwrap().is_some());
        assert_eq!(keys(base.snapshot().range(SHELF, &[0, 1], b"")).len(), 5);
    });
}

#[test]
fn files_that_a_merge_has_read_go_and_whoever_reads_them_still_reads_on() {
    let folder = tempfile::tempdir().unwrap();
    let base = LsmBase::open(folder.path(), &tables_of(&[TOY]), ROOM).unwrap();
    let files = || {
        folder
            .path()
            .join("0ff0/tables")
            .read_dir()
            .unwrap()
            .count()
    };
    let bring = |runs: std::ops::Range<u32>| {
        for run in runs {
            let rows = [("a", "1"), (&*format!("key-{run}"), "1"), ("z", "1")];
            ingest(&base, NOTES, &rows.map(|(key, row)| (key, Some(row))));
        }
    };
    bring(0..8);
    let reader = base.snapshot();
    tend(&base);
    assert_eq!(files(), 9, "the eight that are read, and one of all");
    assert_eq!(all(reader.range(NOTES, b"", b"")).len(), 10);
    drop(reader);
    bring(8..16);
    tend(&base);
    assert_eq!(files(), 2, "one of each eight");
    assert_eq!(all(base.snapshot().range(NOTES, b"", b"")).len(), 18);
}

#[test]
fn slice_is_a_folder_that_goes_once_nobody_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let base = LsmBase::open(folder.path(), &tables_of(&[TOY]), ROOM).unwrap();
    let names = || {
        let entries = folder.path().read_dir().unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names.join(" ")
    };
    shelved(&base);
    assert_eq!(names(), "0ffa-00000007 0ffa-00000008 0ffa-0000012c");
    let reader = base.snapshot();
    base.drop_slices(SHELF, Slice::of(8)).unwrap();
    tend(&base);
    assert_eq!(names(), "0ffa-00000007 0ffa-00000008 0ffa-0000012c");
    drop(reader);
    tend(&base);
    assert_eq!(names(), "0ffa-00000008 0ffa-0000012c");
}

#[test]
fn slice_whose_removal_was_cut_short_is_removed_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let open = || LsmBase::open(folder.path(), &tables_of(&[TOY]), ROOM).unwrap();
    shelved(&open());
    let gone = folder.path().join("gone-0ffa-00000007");
    std::fs::rename(folder.path().join("0ffa-00000007"), &gone).unwrap();
    std::fs::remove_file(gone.join("current")).unwrap();
    let base = open();
    assert_eq!(base.damages().unwrap().len(), 0);
    assert!(gone.exists(), "opening a base changes nothing");
    tend(&base);
    assert!(!gone.exists());
    assert_eq!(keys(base.snapshot().range(SHELF, b"", b"")).len(), 8);
}

#[test]
fn flipped_bit_of_a_file_is_told_with_file_table_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    let defs: Vec<TableDef> = tables_of(&[TOY]);
    let base = LsmBase::open(folder.path(), &defs, ROOM).unwrap();
    ingest(
        &base,
        NOTES,
        &[("a\u{1}first", Some("1")), ("b\u{2}last", Some("1"))],
    );
    drop(base);
    let tables = folder.path().join("0ff0/tables");
    let file = tables.read_dir().unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let base = LsmBase::open(folder.path(), &defs, ROOM).unwrap();
    let damages = base.damages().unwrap();
    let told = damages[0].to_string();
    assert_eq!(damages.len(), 1);
    for part in [
        file.to_str().unwrap(),
        "note.notes",
        "slots 24833 to",
        "first",
        "last",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let read = base
        .get(NOTES, "a\u{1}first".as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        read.contains("note.notes") && read.contains("corrupt"),
        "{read}"
    );
}
