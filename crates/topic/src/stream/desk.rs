//! A group of a stream while a command works on it: its row, and the chunks of what is pending. What has changed of both
//! is written at the end.

use std::collections::BTreeMap;

use tidegate_engine::{Missing, Reads, Tx};

use super::id::StreamId;
use super::refusal::StreamRefusal;
use super::row::{Consumer, GROUPS, Group, PENDING, Pending, PendingChunk, chunk_of};
use crate::{CONSUMERS_MAX, PENDING_CHUNKS_MAX, PENDING_MAX};

/// A stream and a group of it.
pub(super) type Of<'a> = (&'a str, &'a str);

pub(super) struct Desk<'a> {
    of: Of<'a>,
    pub(super) group: Group,
    /// By number, with whether it has changed.
    chunks: BTreeMap<u64, (PendingChunk, bool)>,
}

/// Names the rows of a group, and of what is pending of it from a chunk on.
pub(super) fn reads_of_pending(reads: &mut Reads<'_>, of: Of<'_>, from: u64) -> Option<Group> {
    let group = reads.get(&GROUPS, of)?;
    for chunk in group.chunks.iter().filter(|chunk| **chunk >= from) {
        reads.row(&PENDING, (of.0, of.1, *chunk));
    }
    Some(group)
}

impl<'a> Desk<'a> {
    /// The group, if it is there.
    pub(super) fn of(tx: &mut Tx<'_>, of: Of<'a>) -> Result<Option<Self>, Missing> {
        let group = tx.get(&GROUPS, of)?;
        Ok(group.map(|group| Self {
            of,
            group,
            chunks: BTreeMap::new(),
        }))
    }

    /// Writes what has changed.
    pub(super) fn put(self, tx: &mut Tx<'_>) {
        let (name, group) = self.of;
        for (number, (chunk, has_changed)) in self.chunks {
            if has_changed && chunk.entries.is_empty() {
                tx.remove(&PENDING, (name, group, number));
            } else if has_changed {
                tx.put(&PENDING, (name, group, number), chunk);
            }
        }
        tx.put(&GROUPS, self.of, self.group);
    }

    fn chunk(
        &mut self,
        tx: &mut Tx<'_>,
        number: u64,
    ) -> Result<&mut (PendingChunk, bool), Missing> {
        if !self.chunks.contains_key(&number) {
            let (name, group) = self.of;
            let row = tx.get(&PENDING, (name, group, number))?;
            self.chunks.insert(number, (row.unwrap_or_default(), false));
        }
        let chunk = self.chunks.get_mut(&number);
        Ok(chunk.expect("because it was put there"))
    }

    /// The first pending entry behind a position.
    pub(super) fn behind(
        &mut self,
        tx: &mut Tx<'_>,
        position: u64,
    ) -> Result<Option<Pending>, Missing> {
        let chunks = &self.group.chunks;
        let mut at = chunks.partition_point(|number| *number < chunk_of(position));
        while let Some(number) = self.group.chunks.get(at).copied() {
            let (chunk, _) = self.chunk(tx, number)?;
            if let Some(found) = chunk.entries.iter().find(|entry| entry.position > position) {
                return Ok(Some(found.clone()));
            }
            at += 1;
        }
        Ok(None)
    }

    /// The first pending entry whose id is not less.
    pub(super) fn from(
        &mut self,
        tx: &mut Tx<'_>,
        id: StreamId,
    ) -> Result<Option<Pending>, Missing> {
        let (mut low, mut high) = (0, self.group.chunks.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let number = self.group.chunks[middle];
            let (chunk, _) = self.chunk(tx, number)?;
            if chunk.entries.last().is_some_and(|last| last.id < id) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(number) = self.group.chunks.get(low).copied() else {
            return Ok(None);
        };
        let (chunk, _) = self.chunk(tx, number)?;
        let found = chunk.entries.iter().find(|entry| entry.id >= id);
        Ok(found.cloned())
    }

    /// The pending entry with this id. A minted one tells where it lies.
    pub(super) fn find(
        &mut self,
        tx: &mut Tx<'_>,
        id: StreamId,
    ) -> Result<Option<Pending>, Missing> {
        let number = chunk_of(id.seq);
        if self.group.chunks.binary_search(&number).is_ok() {
            let (chunk, _) = self.chunk(tx, number)?;
            let found = chunk.entries.iter().find(|entry| entry.id == id);
            if let Some(found) = found {
                return Ok(Some(found.clone()));
            }
        }
        let found = self.from(tx, id)?;
        Ok(found.filter(|entry| entry.id == id))
    }

    /// The first and the last pending entry.
    pub(super) fn ends(
        &mut self,
        tx: &mut Tx<'_>,
    ) -> Result<Option<(StreamId, StreamId)>, Missing> {
        let chunks = &self.group.chunks;
        let (Some(first), Some(last)) = (chunks.first().copied(), chunks.last().copied()) else {
            return Ok(None);
        };
        let id = |entry: Option<&Pending>| entry.map(|entry| entry.id);
        let first = id(self.chunk(tx, first)?.0.entries.first());
        let last = id(self.chunk(tx, last)?.0.entries.last());
        Ok(first.zip(last))
    }

    /// Whether one more may be pending there.
    pub(super) fn has_room(&self, position: u64) -> bool {
        let chunks = &self.group.chunks;
        let is_known = || chunks.binary_search(&chunk_of(position)).is_ok();
        self.group.pending < PENDING_MAX && (chunks.len() < PENDING_CHUNKS_MAX || is_known())
    }

    /// An entry is pending now, in place of what it was before. Its consumer is one of the group's.
    pub(super) fn set(&mut self, tx: &mut Tx<'_>, entry: Pending) -> Result<(), Missing> {
        self.remove(tx, entry.position)?;
        let number = chunk_of(entry.position);
        self.group.pending += 1;
        if let Some(consumer) = self.numbered(entry.consumer) {
            consumer.pending += 1;
        }
        if let Err(at) = self.group.chunks.binary_search(&number) {
            self.group.chunks.insert(at, number);
        }
        let (chunk, has_changed) = self.chunk(tx, number)?;
        let at = chunk
            .entries
            .partition_point(|other| other.position < entry.position);
        chunk.entries.insert(at, entry);
        *has_changed = true;
        Ok(())
    }

    /// What lies at a position is pending no more; `false` if nothing is.
    pub(super) fn remove(&mut self, tx: &mut Tx<'_>, position: u64) -> Result<bool, Missing> {
        let number = chunk_of(position);
        let Ok(place) = self.group.chunks.binary_search(&number) else {
            return Ok(false);
        };
        let (chunk, has_changed) = self.chunk(tx, number)?;
        let at = chunk
            .entries
            .iter()
            .position(|entry| entry.position == position);
        let Some(at) = at else {
            return Ok(false);
        };
        let entry = chunk.entries.remove(at);
        *has_changed = true;
        if chunk.entries.is_empty() {
            self.group.chunks.remove(place);
        }
        self.group.pending -= 1;
        if let Some(consumer) = self.numbered(entry.consumer) {
            consumer.pending -= 1;
        }
        Ok(true)
    }

    fn place_of(&self, name: &str) -> Result<usize, usize> {
        let consumers = &self.group.consumers;
        consumers.binary_search_by(|consumer| consumer.name.as_str().cmp(name))
    }

    pub(super) fn consumer(&self, name: &str) -> Option<&Consumer> {
        let at = self.place_of(name).ok()?;
        self.group.consumers.get(at)
    }

    /// The number by which pending entries name a consumer.
    pub(super) fn number_of(&self, name: &str) -> Option<u8> {
        self.consumer(name).map(|consumer| consumer.number)
    }

    /// The consumer that a pending entry names.
    pub(super) fn consumer_of(&self, entry: &Pending) -> &Consumer {
        let mut consumers = self.group.consumers.iter();
        let found = consumers.find(|consumer| consumer.number == entry.consumer);
        found.expect("because what is pending is one of the consumers'")
    }

    fn numbered(&mut self, number: u8) -> Option<&mut Consumer> {
        let mut consumers = self.group.consumers.iter_mut();
        consumers.find(|consumer| consumer.number == number)
    }

    fn free_number(&self) -> u8 {
        let consumers = &self.group.consumers;
        let is_free = |number: &u8| consumers.iter().all(|one| one.number != *number);
        let free = (0..=u8::MAX).find(is_free);
        free.expect("because there are more numbers than consumers")
    }

    /// Something is done in the name of a consumer, which is one from now on; its number.
    pub(super) fn meet(&mut self, name: &str, now_ms: u64) -> Result<u8, StreamRefusal> {
        match self.place_of(name) {
            Ok(at) => {
                let consumer = &mut self.group.consumers[at];
                consumer.seen_at_ms = now_ms;
                Ok(consumer.number)
            }
            Err(_) if self.group.consumers.len() == CONSUMERS_MAX => {
                Err(StreamRefusal::too_many_consumers())
            }
            Err(at) => {
                let number = self.free_number();
                let consumer = Consumer {
                    name: name.into(),
                    seen_at_ms: now_ms,
                    active_at_ms: 0,
                    pending: 0,
                    number,
                };
                self.group.consumers.insert(at, consumer);
                Ok(number)
            }
        }
    }

    /// A consumer was given something.
    pub(super) fn is_active(&mut self, name: &str, now_ms: u64) {
        if let Ok(at) = self.place_of(name) {
            self.group.consumers[at].active_at_ms = now_ms;
        }
    }

    /// Forgets a consumer that has nothing pending.
    pub(super) fn forget(&mut self, name: &str) {
        if let Ok(at) = self.place_of(name) {
            self.group.consumers.remove(at);
        }
    }
}
