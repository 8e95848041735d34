//! `COUNTER.RANGE … BY`: what was counted of a key, or of all, by the values of a dimension.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use compact_str::CompactString;
use tidegate_engine::contract::{Name, ScanContext};

use super::all::{add, counts_of, part_of, sum_of};
use super::of_shards::OfShards;
use crate::Refusal;
use crate::apply::ALL_KEYS;
use crate::command::Range;
use crate::limits::VALUES_NAMED;
use crate::reply::{AsOf, RangeInfo, ValueCounts};
use crate::series::{NO_FACT, OTHER, name_of};
use crate::span::Span;
use crate::table::{BLOCKS, COUNTERS, Counter, DIMENSIONS, HEADS, OPEN};

/// A range that says by which dimension.
pub(crate) struct RangeBy(pub(crate) Range);

type Counts = Vec<Option<u64>>;

/// What a shard has: of the key or of all, and of each value.
pub(crate) struct Part {
    whole: super::all::Part,
    values: BTreeMap<CompactString, Counts>,
}

impl OfShards for RangeBy {
    type Part = Part;
    type Reply = RangeInfo;
    const TABLES: &'static [u16] = &[
        COUNTERS.id(),
        HEADS.id(),
        BLOCKS.id(),
        OPEN.id(),
        DIMENSIONS.id(),
    ];

    fn name(&self) -> &Name {
        &self.0.name
    }

    fn key(&self) -> &str {
        self.0.key.as_str()
    }

    fn part(&self, context: &ScanContext, counter: &Counter) -> Result<Part, Refusal> {
        let name = self.0.name.as_str();
        let dim = self.0.by.as_ref().map_or("", Name::as_str);
        if !counter.dims.iter().any(|own| own == dim) {
            return Err(Refusal::UnknownDimension);
        }
        let span = Span::asked(&self.0, counter, context.asked_ms())?;
        let dimension = context.get(&DIMENSIONS, (name, dim)).unwrap_or_default();
        let of_key = Some(self.key()).filter(|key| *key != ALL_KEYS);
        let is_fact = counter.facts.iter().any(|fact| fact == dim);
        let unlisted = [OTHER].into_iter().chain(is_fact.then_some(NO_FACT));
        let values = dimension.values.iter().chain(unlisted).map(|value| {
            let series = name_of(of_key.unwrap_or_default(), dim, value);
            let counts = counts_of(context, (name, &series), &span);
            (CompactString::new(value), counts)
        });
        let values = values.collect();
        let whole = part_of(context, (name, self.key()), span);
        Ok(Part { whole, values })
    }

    fn whole(&self, parts: Vec<Part>, as_of: AsOf) -> Result<RangeInfo, Refusal> {
        let mut values = BTreeMap::<CompactString, Counts>::new();
        let mut wholes = Vec::new();
        for part in parts {
            wholes.push(part.whole);
            for (value, counts) in part.values {
                add_to(values.entry(value).or_default(), counts);
            }
        }
        let (span, counts) = sum_of(wholes)?;
        Ok(RangeInfo {
            values: Some(named(values)),
            ..self.0.info(&span, counts, as_of)
        })
    }
}

fn add_to(sums: &mut Counts, counts: Counts) {
    if sums.is_empty() {
        *sums = counts;
        return;
    }
    for (sum, count) in sums.iter_mut().zip(counts) {
        add(sum, count);
    }
}

/// Those with the greatest totals, and one for all others, if those have anything.
fn named(mut values: BTreeMap<CompactString, Counts>) -> Vec<ValueCounts> {
    let mut other = values.remove(OTHER).unwrap_or_default();
    let values = values.into_iter().map(|(value, counts)| ValueCounts {
        value: Some(value),
        total: counts.iter().flatten().sum(),
        counts,
    });
    let mut named: Vec<_> = values.filter(|value| value.total > 0).collect();
    named.sort_by(|a, b| (Reverse(a.total), &a.value).cmp(&(Reverse(b.total), &b.value)));
    for beyond in named.drain(VALUES_NAMED.min(named.len())..) {
        add_to(&mut other, beyond.counts);
    }
    let total = other.iter().flatten().sum();
    if total > 0 {
        named.push(ValueCounts {
            value: None,
            counts: other,
            total,
        });
    }
    named
}
