//! Rows that the base is asked for one by one, read in one go where they are neighbours: those of a log that is read
//! in its order lie behind each other, and to look for each of them costs some ten times as much.

use crate::base::{Base, BaseError};
use crate::table::Missing;

/// Rows that are worth it: fewer are looked for one by one.
const RUN_MIN: usize = 8;

/// How far apart two neighbours may be: what lies between is read for nothing.
const GAP_MAX: u64 = 4;

/// Gives each of these rows as the base has it, in their order.
pub(crate) fn read(
    base: &dyn Base,
    rows: Vec<Missing>,
    mut give: impl FnMut(Missing, Option<Vec<u8>>) -> Result<(), BaseError>,
) -> Result<(), BaseError> {
    let mut rows = rows.into_iter();
    while !rows.as_slice().is_empty() {
        let run = run_of(rows.as_slice());
        let run = rows.by_ref().take(run);
        if run.len() < RUN_MIN {
            for missing in run {
                let row = base.get(missing.table, missing.key.as_bytes())?;
                give(missing, row)?;
            }
        } else {
            read_run(base, &run.collect::<Vec<_>>(), &mut give)?;
        }
    }
    Ok(())
}

/// A key whose last part is a number, taken apart.
fn parts_of(missing: &Missing) -> Option<(u16, &[u8], u64)> {
    let (head, number) = missing.key.as_bytes().split_last_chunk()?;
    Some((missing.table, head, u64::from_be_bytes(*number)))
}

/// How many of the first rows are neighbours.
fn run_of(rows: &[Missing]) -> usize {
    let are_neighbours = |two: &[Missing]| match (parts_of(&two[0]), parts_of(&two[1])) {
        (Some((table, head, one)), Some((other_table, other_head, other))) => {
            let is_near = other > one && other - one <= GAP_MAX;
            is_near && (table, head) == (other_table, other_head)
        }
        (Some(_) | None, Some(_) | None) => false,
    };
    let behind_first = rows.windows(2).take_while(|two| are_neighbours(two));
    1 + behind_first.count()
}

fn read_run(
    base: &dyn Base,
    run: &[Missing],
    give: &mut impl FnMut(Missing, Option<Vec<u8>>) -> Result<(), BaseError>,
) -> Result<(), BaseError> {
    let first = &run[0];
    let key = first.key.as_bytes();
    let head = &key[..key.len() - size_of::<u64>()];
    let snapshot = base.snapshot();
    let mut stored = snapshot.range(first.table, head, key).peekable();
    for missing in run {
        let key = missing.key.as_bytes();
        while stored.next_if(|row| is_before(row, key)).is_some() {}
        let row = stored.next_if(|row| !matches!(row, Ok((at, _)) if at.as_slice() != key));
        give(missing.clone(), row.transpose()?.map(|(_, row)| row))?;
    }
    Ok(())
}

/// Whether a row lies before a key; what cannot be read is none.
fn is_before(row: &Result<(Vec<u8>, Vec<u8>), BaseError>, key: &[u8]) -> bool {
    matches!(row, Ok((at, _)) if at.as_slice() < key)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::PlainBase;
    use crate::disk::FaultDisk;
    use crate::engine::tables_of;
    use crate::key::RowKey;

    const TABLE: u16 = 2;

    fn key(head: &[u8], number: u64) -> Vec<u8> {
        [&[0, 7], head, &number.to_be_bytes()].concat()
    }

    fn missing(head: &[u8], number: u64) -> Missing {
        let key = RowKey::from_bytes(&key(head, number));
        Missing { table: TABLE, key }
    }

    #[test]
    fn rows_are_the_same_whether_they_are_read_in_runs_or_one_by_one() {
        let disk = Arc::new(FaultDisk::default());
        let base = PlainBase::open(disk, &tables_of(&[])).expect("an empty disk opens");
        let is_there = |number: &u64| number % 7 != 3;
        let keys = (10..60).filter(is_there).map(|number| key(b"a\0", number));
        let rows: Vec<_> = keys.map(|key| (key.clone(), key)).collect();
        let mut changes = rows.iter().map(|(key, row)| (&key[..], Some(&row[..])));
        base.ingest(TABLE, &mut changes)
            .expect("no fault was injected");
        let asked: Vec<_> = [
            (5..20).map(|number| missing(b"a\0", number)).collect(),
            vec![
                missing(b"a\0", 21),
                missing(b"a\0", 40),
                missing(b"b\0", 41),
            ],
            (41..80)
                .step_by(3)
                .map(|number| missing(b"a\0", number))
                .collect::<Vec<_>>(),
        ]
        .concat();
        let mut given = Vec::new();
        let read = read(&base, asked.clone(), |missing, row| {
            given.push((missing, row));
            Ok(())
        });
        read.expect("no fault was injected");
        let expected = asked.into_iter().map(|missing| {
            let row = base.get(TABLE, missing.key.as_bytes());
            (missing, row.expect("no fault was injected"))
        });
        assert_eq!(given, expected.collect::<Vec<_>>());
        assert!(given.iter().filter(|(_, row)| row.is_some()).count() > 12);
    }

    #[test]
    fn neighbours_have_one_head_and_numbers_that_are_near() {
        let a = |number| missing(b"a\0", number);
        assert_eq!(run_of(&[a(1), a(2), a(6), a(11), a(12)]), 3);
        assert_eq!(run_of(&[a(1), missing(b"b\0", 2)]), 1);
        assert_eq!(run_of(&[a(2), a(1)]), 1);
        let short = RowKey::from_bytes(b"\0\x07a");
        let short = Missing {
            table: TABLE,
            key: short,
        };
        assert_eq!(run_of(&[short.clone(), short]), 1);
    }
}
