//! `COUNTER.GET` and `COUNTER.RANGE` of all keys together, or of one among others.

use std::convert::Infallible;

use tidegate_engine::contract::{Name, ScanContext};

use super::of_shards::OfShards;
use crate::Refusal;
use crate::apply::ALL_KEYS;
use crate::blocks;
use crate::command::{Get, Range};
use crate::reply::{AsOf, CountInfo, RangeInfo};
use crate::span::Span;
use crate::table::{BLOCKS, COUNTERS, Counter, HEADS, OPEN};

/// A span, and what a shard has in its steps.
pub(super) type Part = (Span, Vec<Option<u64>>);

pub(super) fn part_of(context: &ScanContext, (name, key): (&str, &str), span: Span) -> Part {
    if key != ALL_KEYS {
        let counts = counts_of(context, (name, key), &span);
        return (span, counts);
    }
    let counts = span.counts(|block| {
        let head = context.get(&HEADS, (name, span.number, block));
        Ok::<_, Infallible>(head.map(|head| head.totals))
    });
    let Ok(counts) = counts;
    (span, counts)
}

/// What a key or a series has in the steps of a span.
pub(super) fn counts_of(
    context: &ScanContext,
    (name, series): (&str, &str),
    span: &Span,
) -> Vec<Option<u64>> {
    let scanned = blocks::scanned(context, (name, series));
    let counts = span.counts(|block| Ok::<_, Infallible>(scanned(span.number, block)));
    let Ok(counts) = counts;
    counts
}

/// The sums of what all shards have that were asked. All were asked at one time, so they have the same span.
pub(super) fn sum_of(parts: Vec<Part>) -> Result<Part, Refusal> {
    let mut parts = parts.into_iter();
    let (span, mut sums) = parts.next().ok_or(Refusal::UnknownCounter)?;
    for (of_part, counts) in parts {
        debug_assert_eq!(of_part, span, "the same is asked of all");
        for (sum, count) in sums.iter_mut().zip(counts) {
            add(sum, count);
        }
    }
    Ok((span, sums))
}

/// Adds to the number of a step, if it is known.
pub(super) fn add(sum: &mut Option<u64>, count: Option<u64>) {
    *sum = sum.zip(count).map(|(sum, count)| sum + count);
}

impl OfShards for Get {
    type Part = Part;
    type Reply = CountInfo;
    const TABLES: &'static [u16] = &[COUNTERS.id(), HEADS.id(), BLOCKS.id(), OPEN.id()];

    fn name(&self) -> &Name {
        &self.name
    }

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn part(&self, context: &ScanContext, counter: &Counter) -> Result<Part, Refusal> {
        let span = Span::whole(counter, context.asked_ms());
        Ok(part_of(
            context,
            (self.name.as_str(), self.key.as_str()),
            span,
        ))
    }

    fn whole(&self, parts: Vec<Part>, as_of: AsOf) -> Result<CountInfo, Refusal> {
        let (span, counts) = sum_of(parts)?;
        Ok(self.info(&span, &counts, as_of))
    }
}

impl OfShards for Range {
    type Part = Part;
    type Reply = RangeInfo;
    const TABLES: &'static [u16] = &[COUNTERS.id(), HEADS.id(), BLOCKS.id(), OPEN.id()];

    fn name(&self) -> &Name {
        &self.name
    }

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn part(&self, context: &ScanContext, counter: &Counter) -> Result<Part, Refusal> {
        let span = Span::asked(self, counter, context.asked_ms())?;
        Ok(part_of(
            context,
            (self.name.as_str(), self.key.as_str()),
            span,
        ))
    }

    fn whole(&self, parts: Vec<Part>, as_of: AsOf) -> Result<RangeInfo, Refusal> {
        let (span, counts) = sum_of(parts)?;
        Ok(self.info(&span, counts, as_of))
    }
}
