//! `COUNTER.TOP`: the leading keys of a span.
//!
//! A span is a few buckets, the widest that fit. The keys that lead in any of them are counted exactly over all. A key
//! that leads in none has at most as much as the least of each list, together: with one bucket, no more than the last
//! key that leads.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use compact_str::CompactString;
use tidegate_engine::contract::{Name, ScanContext};

use super::of_shards::OfShards;
use crate::Refusal;
use crate::command::Top;
use crate::reply::{KeyCount, TopInfo};
use crate::span::{Piece, Pieces, all_levels};
use crate::table::{BLOCKS, COUNTERS, Counter, HEADS, LEADERS};

/// What a shard has: its leading keys, the first ones first.
pub(crate) struct Part {
    span: Pieces,
    keys: Vec<KeyCount>,
    /// What a key that is not among those that were counted may have at most.
    missed_at_most: u64,
}

impl OfShards for Top {
    type Part = Part;
    type Reply = TopInfo;
    const TABLES: &'static [u16] = &[COUNTERS.id(), HEADS.id(), BLOCKS.id(), LEADERS.id()];

    fn name(&self) -> &Name {
        &self.name
    }

    fn part(&self, context: &ScanContext, counter: &Counter) -> Result<Part, Refusal> {
        if counter.top < self.count.get() {
            return Err(Refusal::NoTop { max: counter.top });
        }
        let asked = (self.from_ms.get(), self.to_ms.get());
        let span = Pieces::of(&all_levels(counter), asked, context.asked_ms())?;
        let name = self.name.as_str();
        let mut leading = BTreeSet::new();
        let mut missed_at_most = 0;
        for Piece { number, bucket } in &span.pieces {
            let list = context.get(&LEADERS, (name, *number, bucket.0));
            let list = list.unwrap_or_default();
            leading.extend(list.iter().map(CompactString::new));
            let head = context.get(&HEADS, (name, *number, bucket.block()));
            missed_at_most += head.map_or(0, |head| head.leasts.get(bucket.place()));
        }
        let counted = leading.into_iter().map(|key| KeyCount {
            count: count_of(context, name, &span.pieces, &key),
            key,
        });
        let keys = first(counted.collect(), self.most());
        Ok(Part {
            span,
            keys,
            missed_at_most,
        })
    }

    fn whole(&self, parts: Vec<Part>, as_of_ms: u64) -> TopInfo {
        let missed = parts.iter().map(|part| part.missed_at_most).max();
        let missed_at_most = missed.unwrap_or_default();
        let span = parts
            .first()
            .map(|part| (part.span.from_ms, part.span.to_ms));
        let (from_ms, to_ms) = span.expect("because there is one");
        let all = parts.into_iter().flat_map(|part| part.keys);
        let keys = first(all.collect(), self.most());
        let last = keys.get(self.most() - 1).map_or(0, |last| last.count);
        TopInfo {
            name: self.name.compact(),
            from_ms,
            to_ms,
            keys,
            exact: missed_at_most <= last,
            missed_at_most,
            as_of_ms,
        }
    }
}

impl Top {
    fn most(&self) -> usize {
        usize::try_from(self.count.get()).unwrap_or(usize::MAX)
    }
}

/// Those with the greatest counts, the greatest first; of equal ones those whose keys sort first.
fn first(mut keys: Vec<KeyCount>, most: usize) -> Vec<KeyCount> {
    keys.sort_unstable_by(|a, b| (Reverse(a.count), &a.key).cmp(&(Reverse(b.count), &b.key)));
    keys.truncate(most);
    keys
}

/// What a key has in all pieces, which are in order: those of one row stand together.
fn count_of(context: &ScanContext, name: &str, pieces: &[Piece], key: &str) -> u64 {
    let row_of = |piece: &Piece| (piece.number, piece.bucket.block());
    let rows = pieces.chunk_by(|a, b| row_of(a) == row_of(b));
    let counts = rows.map(|pieces| {
        let (number, block) = row_of(&pieces[0]);
        let row = context.get(&BLOCKS, (name, number, block, key));
        let row = row.map(|row| row.counts);
        let counts = pieces.iter().map(|piece| piece.bucket.place());
        row.map_or(0, |row| counts.map(|place| row.get(place)).sum())
    });
    counts.sum()
}
