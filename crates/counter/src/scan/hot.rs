//! `COUNTER.HOT`: what leads now, in the last buckets of the finest level, of which each counts less than the next.

use tidegate_engine::contract::{Name, ScanContext};

use super::leading::{Asked, Leading};
use super::of_shards::OfShards;
use crate::Refusal;
use crate::command::Hot;
use crate::reply::{AsOf, HotInfo, KeyScore, ValueScore};
use crate::span::{Recent, WHOLE};
use crate::table::{BLOCKS, COUNTERS, Counter, DIMENSIONS, HEADS, LEADERS, OPEN};

impl OfShards for Hot {
    /// The buckets, and what leads in a shard.
    type Part = (Recent, Leading);
    type Reply = HotInfo;
    const TABLES: &'static [u16] = &[
        COUNTERS.id(),
        HEADS.id(),
        BLOCKS.id(),
        OPEN.id(),
        LEADERS.id(),
        DIMENSIONS.id(),
    ];

    fn name(&self) -> &Name {
        &self.name
    }

    fn part(&self, context: &ScanContext, counter: &Counter) -> Result<Self::Part, Refusal> {
        self.asked().check(counter)?;
        let half_life_ms = self.half_life_ms.map(|half_life| half_life.ms());
        let recent = Recent::of(counter, half_life_ms, context.asked_ms());
        let name = self.name.as_str();
        let leading = self.asked().part(context, (name, counter), &recent.pieces);
        Ok((recent, leading))
    }

    fn whole(&self, parts: Vec<Self::Part>, as_of: AsOf) -> Result<HotInfo, Refusal> {
        let (recent, parts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let recent = recent.first().ok_or(Refusal::UnknownCounter)?;
        let told = self.asked().whole(parts);
        let key = |key, has| KeyScore {
            key,
            score_milli: milli(has),
        };
        let value = |value, has| ValueScore {
            value,
            score_milli: milli(has),
        };
        let (keys, values) = told.named(self.asked(), key, value);
        Ok(HotInfo {
            name: self.name.compact(),
            half_life_ms: recent.half_life_ms,
            level_ms: recent.level.width_ms,
            from_ms: recent.from_ms,
            keys,
            values,
            exact: told.exact,
            missed_at_most_milli: milli_up(told.missed_at_most),
            rows: as_of.rows.into(),
            as_of_ms: as_of.ms,
        })
    }
}

impl Hot {
    fn asked(&self) -> Asked<'_> {
        Asked {
            count: self.count.map(|count| count.get()),
            with: None,
            by: self.by.as_ref().map(Name::as_str),
        }
    }
}

/// In thousandths, rounded down.
fn milli(has: u128) -> u64 {
    u64::try_from(has * 1_000 / u128::from(WHOLE)).unwrap_or(u64::MAX)
}

/// In thousandths, rounded up.
fn milli_up(has: u128) -> u64 {
    u64::try_from((has * 1_000).div_ceil(u128::from(WHOLE))).unwrap_or(u64::MAX)
}
