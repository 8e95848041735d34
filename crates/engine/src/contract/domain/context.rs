//! What a scan reads from.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;

use crate::archive::Slice;
use crate::contract::{Page, PageItem};
use crate::event::Kept;
use crate::key::{KeyParts, KeyReader, RowKey, Shard, Slot, write_key};
use crate::limits::SCAN_ROWS_MAX;
use crate::row::{Row, RowsRead};
use crate::splits::Splits;
use crate::table::Table;
use crate::tables::Snapshot;

use super::Timer;

/// What a scan reads from: a snapshot of one partition's tables.
pub struct ScanContext {
    pub(crate) snapshot: Snapshot,
    /// Engine time when it was asked: what happens later happens at this time or after it.
    pub(crate) asked_ms: u64,
    /// The slots asked about: one for a scan with a key, else all of the partition.
    pub(crate) slots: Vec<Slot>,
    /// Which events the partition keeps.
    pub(crate) events: Arc<Kept>,
    pub(crate) splits: Arc<Splits>,
}

impl ScanContext {
    /// Engine time when it was asked, in milliseconds since 1970: what is over by then is to look so.
    #[must_use]
    pub fn asked_ms(&self) -> u64 {
        self.asked_ms
    }

    /// Which shard of this key is read, for a scan that has a key: the only one if it is not split.
    #[must_use]
    pub fn shard(&self, domain: u8, key: &str) -> Shard {
        let slot = self.slots.first();
        let mut shards = Shard::all(self.splits.of(domain, key).unwrap_or(1));
        let read = shards.find(|shard| slot == Some(&Slot::of(shard.key_of(key).as_bytes())));
        read.unwrap_or(Shard { at: 0, of: 1 })
    }

    /// How many rows it has given so far, by where they were found.
    #[must_use]
    pub fn rows_read(&self) -> RowsRead {
        self.snapshot.rows_read()
    }

    /// The row under a key. For a scan that has a key itself.
    pub fn get<R: Row>(&self, table: &Table<R>, parts: impl KeyParts) -> Option<R> {
        let mut key = Vec::new();
        write_key(&mut key, *self.slots.first()?, &parts);
        self.snapshot.get(table, &key)
    }

    /// Up to `most` rows, at most [`SCAN_ROWS_MAX`], whose keys start with `prefix`, behind `after`
    /// if given, in order, for a scan that has a key.
    pub fn rows<R: Row>(
        &self,
        table: &Table<R>,
        prefix: impl KeyParts,
        after: Option<impl KeyParts>,
        most: usize,
    ) -> Vec<(RowKey, R)> {
        let Some(slot) = self.slots.first() else {
            return Vec::new();
        };
        let (mut start, mut from) = (Vec::new(), Vec::new());
        write_key(&mut start, *slot, &prefix);
        if let Some(after) = after {
            write_key(&mut from, *slot, &after);
        }
        let rows = self.snapshot.range(table, &start, &from);
        let behind = rows.filter(|(key, _)| key.as_bytes() != from);
        behind.take(most.min(SCAN_ROWS_MAX)).collect()
    }

    /// Looks at timers of a kind that are set with parts that begin so, in the order in which they are due, behind one
    /// that is due then and was set with these parts behind the others, for a scan that has a key. `look` is told when
    /// each is due, and the parts behind; or for one that is not meant, that all before some time were looked at.
    /// `true` if there may be more: it was told to stop, or has examined [`SCAN_ROWS_MAX`] rows.
    pub fn timers(
        &self,
        timer: &Timer,
        of: impl KeyParts,
        after: Option<(u64, impl KeyParts)>,
        mut look: impl FnMut(u64, Option<KeyReader<'_>>) -> bool,
    ) -> bool {
        let Some(slot) = self.slots.first() else {
            return false;
        };
        let (mut start, mut meant) = (Vec::new(), timer.id.to_be_bytes().to_vec());
        write_key(&mut start, *slot, &());
        of.write(&mut meant);
        let mut from = start.clone();
        if let Some((due_ms, behind)) = after {
            KeyParts::write(&due_ms, &mut from);
            from.extend_from_slice(&meant);
            behind.write(&mut from);
        }
        let rows = self.snapshot.range(timer.table(), &start, &from);
        let rows = rows.filter(|(key, _)| key.as_bytes() != from);
        for (examined, (key, _)) in (1..).zip(rows) {
            let mut parts = key.parts();
            let due_ms = parts.number().unwrap_or_default();
            let is_to_go_on = match parts.rest().strip_prefix(&*meant) {
                Some(behind) => look(due_ms, Some(KeyReader::new(behind))),
                // Those that are meant and due then stand all before it, or all behind.
                None if parts.rest() < &*meant => look(due_ms, None),
                None => look(due_ms + 1, None),
            };
            if !is_to_go_on || examined == SCAN_ROWS_MAX {
                return true;
            }
        }
        false
    }

    /// A page of the rows of all slots whose key is a number behind `after`, oldest first: what `item` makes
    /// of them, which passes over those for which it gives nothing.
    pub fn numbered_page<R: Row, T: PageItem<Place = u64>>(
        &self,
        table: &Table<R>,
        after: Option<u64>,
        limit: usize,
        mut item: impl FnMut(Slot, u64, R) -> Option<T>,
    ) -> Page<T> {
        let from = after.map_or(0, |after| after + 1);
        let rows = self.numbered(table, &(from..u64::MAX));
        let mut items = Vec::new();
        for (examined, (slot, number, row)) in rows.enumerate() {
            if examined == SCAN_ROWS_MAX {
                let next = Some(number - 1);
                return Page { items, next };
            }
            items.extend(item(slot, number, row));
            if items.len() > limit {
                return Page::cut(items, limit);
            }
        }
        Page::of(items, false)
    }

    /// The rows of all slots whose key is a number within `range`, by this number, with their slots. Only
    /// what is taken is read, and one row of each slot.
    pub(crate) fn numbered<'a, R: Row>(
        &'a self,
        table: &'a Table<R>,
        range: &Range<u64>,
    ) -> impl Iterator<Item = (Slot, u64, R)> + use<'a, R> {
        let end = range.end;
        let rows = self.rows_of_slots(table, &[], &range.start.to_be_bytes());
        let numbered = rows.filter_map(|(key, row)| Some((key.slot(), key.parts().number()?, row)));
        numbered.take_while(move |(_, number, _)| *number < end)
    }

    /// Up to `most` rows of all slots, in the order of their keys without the slot, whose first
    /// part, a text, starts with `prefix` and sorts behind `after`; of what is split, those of the first shard.
    pub fn rows_by_text<R: Row>(
        &self,
        table: &Table<R>,
        prefix: &str,
        after: &str,
        most: usize,
    ) -> Vec<(RowKey, R)> {
        let mut from = Vec::new();
        KeyParts::write(&after, &mut from);
        let rows = self.rows_of_slots(table, prefix.as_bytes(), &from);
        let is_first = |key: &RowKey| {
            let text = key.parts().text().unwrap_or_default();
            Shard::whole_of(text).len() == text.len()
        };
        let behind = rows.filter(|(key, _)| key.parts().rest() != from && is_first(key));
        behind.take(most).collect()
    }

    /// Rows of all slots whose keys without the slot start with `prefix`, from `from` on, in the
    /// order of these. Only what is taken is read, and one row of each slot.
    fn rows_of_slots<'a, R: Row>(
        &'a self,
        table: &'a Table<R>,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = (RowKey, R)> + use<'a, R> {
        let slots = self.slots.iter().map(|slot| slot.0.to_be_bytes().to_vec());
        self.rows_behind(table, &slots.collect::<Vec<_>>(), prefix, from)
    }

    /// Rows of an archive, over all slices, whose parts behind the slice start with `prefix`, behind
    /// `after` if given, in the order of these parts, for a scan that has a key. At most
    /// [`SCAN_ROWS_MAX`]; only what is taken is read, and one row of each slice.
    pub fn archived<'a, R: Row, P: KeyParts, A: KeyParts>(
        &'a self,
        table: &'a Table<R>,
        prefix: &P,
        after: Option<&A>,
    ) -> impl Iterator<Item = (RowKey, R)> + use<'a, R, P, A> {
        let (mut start, mut from) = (Vec::new(), Vec::new());
        prefix.write(&mut start);
        if let Some(after) = after {
            after.write(&mut from);
        }
        let of_slot = |slot: &Slot| {
            let key_of = |slice: Slice| {
                let mut key = Vec::new();
                write_key(&mut key, *slot, &slice);
                key
            };
            let kept = self.snapshot.slices(table);
            let kept = (kept.start().0..=kept.end().0).map(Slice);
            kept.map(key_of).collect::<Vec<_>>()
        };
        let slices = self.slots.first().map(of_slot).unwrap_or_default();
        let rows = self.rows_behind(table, &slices, &start, &from);
        let behind = rows.filter(move |(key, _)| key.as_bytes()[ARCHIVE_HEAD..] != from);
        behind.take(SCAN_ROWS_MAX)
    }

    /// How many of these heads of keys, all as long and in their order, come before the first row there is. There are few rows
    /// of many tables: so not every slot is looked into.
    fn heads_without_rows<R: Row>(
        &self,
        table: &Table<R>,
        heads: &[Vec<u8>],
        length: usize,
    ) -> usize {
        let from = heads.first().map_or(&[][..], Vec::as_slice);
        match self.snapshot.first_key(table, from) {
            Some(key) => heads.partition_point(|head| head.as_slice() < &key[..length]),
            None => heads.len(),
        }
    }

    /// Rows under several heads of keys, all as long and in their order, that start with `prefix` behind them, from
    /// `from` on, in the order of what is behind them.
    fn rows_behind<'a, R: Row>(
        &'a self,
        table: &'a Table<R>,
        heads: &[Vec<u8>],
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = (RowKey, R)> + use<'a, R> {
        let length = heads.first().map_or(0, Vec::len);
        let of_head = |head: &[u8]| {
            let (prefix, from) = ([head, prefix].concat(), [head, from].concat());
            self.snapshot.range(table, &prefix, &from).peekable()
        };
        let (mut sources, mut left) = (Vec::new(), heads);
        while let Some((head, behind)) = left.split_first() {
            let mut rows = of_head(head);
            left = behind;
            if rows.peek().is_some() {
                sources.push(rows);
            } else if let Some(next) = left.first() {
                left = &left[self.heads_without_rows(table, left, next.len())..];
            }
        }
        let first = move |(at, rows): (usize, &mut Peekable<_>)| {
            let (key, _): &(RowKey, R) = rows.peek()?;
            Some(Reverse((key.as_bytes()[length..].to_vec(), at)))
        };
        let mut firsts: BinaryHeap<_> = sources.iter_mut().enumerate().filter_map(first).collect();
        std::iter::from_fn(move || {
            let Reverse((_, at)) = firsts.pop()?;
            let row = sources[at].next();
            firsts.extend(first((at, &mut sources[at])));
            row
        })
    }
}

/// Slot and slice in front of a row's key in an archive.
const ARCHIVE_HEAD: usize = 6;
