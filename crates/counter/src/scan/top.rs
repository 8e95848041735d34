//! `COUNTER.TOP`: what leads in a span, which is put together of a few buckets, the widest that fit.

use tidegate_engine::contract::{Name, ScanContext};

use super::leading::{Asked, Leading};
use super::of_shards::OfShards;
use crate::Refusal;
use crate::command::Top;
use crate::fields::DimValue;
use crate::reply::{AsOf, KeyCount, TopInfo, ValueCount};
use crate::span::{Pieces, all_levels};
use crate::table::{BLOCKS, CORRECTED, COUNTERS, Counter, DIMENSIONS, HEADS, KEYS, LEADERS, OPEN};

/// The span, and what leads in a shard.
pub(crate) struct Part {
    from_ms: u64,
    to_ms: u64,
    leading: Leading,
}

impl OfShards for Top {
    type Part = Part;
    type Reply = TopInfo;
    const TABLES: &'static [u16] = &[
        COUNTERS.id(),
        HEADS.id(),
        BLOCKS.id(),
        OPEN.id(),
        LEADERS.id(),
        DIMENSIONS.id(),
        KEYS.id(),
        CORRECTED.id(),
    ];

    fn name(&self) -> &Name {
        &self.name
    }

    fn part(&self, context: &ScanContext, counter: &Counter) -> Result<Part, Refusal> {
        self.asked().check(counter)?;
        let asked = (self.from_ms.get(), self.to_ms.get());
        let span = Pieces::of(&all_levels(counter), asked, context.asked_ms())?;
        let pieces: Vec<_> = span.pieces.iter().map(|piece| (*piece, 1)).collect();
        Ok(Part {
            from_ms: span.from_ms,
            to_ms: span.to_ms,
            leading: self
                .asked()
                .part(context, (self.name.as_str(), counter), &pieces),
        })
    }

    fn whole(&self, parts: Vec<Part>, as_of: AsOf) -> Result<TopInfo, Refusal> {
        let first = parts.first().ok_or(Refusal::UnknownCounter)?;
        let (from_ms, to_ms) = (first.from_ms, first.to_ms);
        let told = self
            .asked()
            .whole(parts.into_iter().map(|part| part.leading));
        let key = |key, has| KeyCount {
            key,
            count: count_of(has),
        };
        let value = |value, has| ValueCount {
            value,
            count: count_of(has),
        };
        let (keys, values) = told.named(self.asked(), key, value);
        Ok(TopInfo {
            name: self.name.compact(),
            from_ms,
            to_ms,
            keys,
            values,
            exact: told.exact,
            missed_at_most: count_of(told.missed_at_most),
            rows: as_of.rows.into(),
            as_of_ms: as_of.ms,
        })
    }
}

impl Top {
    fn asked(&self) -> Asked<'_> {
        Asked {
            count: self.count.map(|count| count.get()),
            by: self.by.as_ref().map(Name::as_str),
            with: self.with.as_ref().map(DimValue::pair),
        }
    }
}

fn count_of(has: u128) -> u64 {
    u64::try_from(has).unwrap_or(u64::MAX)
}
