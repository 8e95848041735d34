//! A table against a plain map, whatever is undone, put in order, frozen and replayed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::MemTable;
use crate::cell::Cell;
use crate::effect;
use crate::table::Shape;

type Key = Vec<u8>;
type Map = BTreeMap<Key, Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8),
    Remove(u8),
    Get(u8),
    Commit,
    Undo,
    Snapshot,
    FirstFrom(u8),
    Freeze,
    Thaw,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0u8..12;
    let step = prop_oneof![
        8 => (key.clone(), any::<u8>()).prop_map(|(key, row)| Step::Put(key, row)),
        4 => key.clone().prop_map(Step::Remove),
        3 => key.clone().prop_map(Step::Get),
        4 => Just(Step::Commit),
        2 => Just(Step::Undo),
        1 => Just(Step::Snapshot),
        2 => key.prop_map(Step::FirstFrom),
        1 => Just(Step::Freeze),
        1 => Just(Step::Thaw),
    ];
    prop::collection::vec(step, 1..120)
}

/// A key, and a row whose length depends on what it says.
fn key(number: u8) -> Key {
    vec![0, 1, number]
}

fn row(says: u8) -> Vec<u8> {
    vec![says; 1 + usize::from(says % 5)]
}

struct Table {
    table: MemTable,
    /// Replayed from the effects of the other.
    copy: MemTable,
    /// What is to be there, with what the running command has done, and without.
    now: Map,
    committed: Map,
    /// What the base has, and what is on its way there.
    base: Map,
    frozen: Option<Map>,
}

impl Table {
    fn new(shape: Shape) -> Self {
        let table = || MemTable::new(shape, 7, true, None);
        Self {
            table: table(),
            copy: table(),
            now: Map::new(),
            committed: Map::new(),
            base: Map::new(),
            frozen: None,
        }
    }

    /// Reads a row as a partition does: what memory does not know is fetched.
    fn get(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        let found = self.table.get(key).unwrap_or_else(|()| {
            let cell = match self.base.get(key) {
                Some(row) => Cell::of_row(&[key, row].concat(), key.len()),
                None => Cell::of_none(key),
            };
            self.table.fetched(cell);
            self.table.get(key).expect("because it was fetched")
        });
        found.and_then(|cell| cell.row().map(<[u8]>::to_vec))
    }

    fn commit(&mut self) {
        self.table.commit();
        self.committed = self.now.clone();
    }

    fn end_batch(&mut self) {
        self.commit();
        let mut effects = Vec::new();
        self.table.take_effects(3, &mut effects);
        let mut effects = effects.as_slice();
        while let Some((_, key, row)) = effect::read(&mut effects) {
            let cell = match row {
                Some(row) => Cell::of_row(&[key, row].concat(), key.len()),
                None => Cell::of_none(key),
            };
            self.copy.replay(cell);
        }
        for number in 0..12 {
            let copied = self.copy.get(&key(number)).expect("because it is whole");
            let copied = copied.and_then(|cell| cell.row().map(<[u8]>::to_vec));
            assert_eq!(copied, self.now.get(&key(number)).cloned(), "replayed");
        }
    }

    /// All rows, as a snapshot has them.
    fn seen(&self) -> Map {
        let mut seen = self.base.clone();
        for rows in self.table.layers().iter().rev() {
            for cell in rows.sorted() {
                match cell.row() {
                    Some(row) => drop(seen.insert(cell.key().to_vec(), row.to_vec())),
                    None => drop(seen.remove(cell.key())),
                }
            }
        }
        seen
    }

    fn first_from(&mut self, from: &[u8]) -> Option<Key> {
        let first = self.table.first_from(from);
        first.map(|cell| cell.key().to_vec())
    }

    fn run(&mut self, step: &Step, shape: Shape) {
        match step {
            Step::Put(number, says) => {
                let (key, row) = (key(*number), row(*says));
                let cell = Cell::of_row(&[&key[..], &row].concat(), key.len());
                self.table.put(cell);
                self.now.insert(key, row);
            }
            Step::Remove(number) => {
                self.table.remove(&key(*number));
                self.now.remove(&key(*number));
            }
            Step::Get(number) => {
                let key = key(*number);
                assert_eq!(self.get(&key), self.now.get(&key).cloned());
            }
            Step::Commit => self.commit(),
            Step::Undo => {
                self.table.undo();
                self.now = self.committed.clone();
            }
            Step::Snapshot => {
                self.commit();
                self.table.put_in_order();
                assert_eq!(self.seen(), self.now);
            }
            Step::FirstFrom(number) if matches!(shape, Shape::Ordered) => {
                self.commit();
                let from = key(*number);
                let first = self.first_from(&from);
                let all = self.now.keys().find(|key| **key >= from).cloned();
                // The base may have one before the first in memory, and nothing is made up.
                assert!(first >= all || first.is_none());
                assert!(first.is_none_or(|key| self.now.contains_key(&key)));
                if self.base.is_empty() {
                    assert_eq!(self.first_from(&from), all);
                }
            }
            Step::FirstFrom(_) => {}
            Step::Freeze => {
                self.end_batch();
                if self.frozen.is_none() {
                    self.table.freeze();
                    self.frozen = Some(self.now.clone());
                }
            }
            Step::Thaw => {
                self.end_batch();
                if let Some(rows) = self.frozen.take() {
                    self.base = rows;
                    drop(self.table.thaw());
                }
            }
        }
        assert_eq!(self.table.changed.bytes(), self.table.changed.weigh());
    }
}

fn agrees(steps: &[Step], shape: Shape) {
    let mut table = Table::new(shape);
    for step in steps {
        table.run(step, shape);
    }
    table.end_batch();
    assert_eq!(table.seen(), table.now);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn keyed_table_agrees_with_a_plain_map(steps in steps()) {
        agrees(&steps, Shape::Keyed);
    }

    #[test]
    fn ordered_table_agrees_with_a_plain_map(steps in steps()) {
        agrees(&steps, Shape::Ordered);
    }
}
