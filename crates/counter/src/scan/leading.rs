//! What leads in some buckets: keys, or the values of a dimension.
//!
//! Each bucket has a weight, and what is told of a key or a value is what it has in each, times that. The keys that lead
//! in any of the buckets are looked at. A key that leads in none has at most as much as the least of each list, together:
//! with one bucket, no more than the last key that leads. Of a dimension all values are looked at that a shard counts for
//! themselves; what it counts of others together may be of any value that it does not.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use tidegate_engine::contract::ScanContext;

use super::with::{self, keys_with};
use crate::Refusal;
use crate::blocks;
use crate::counts::Counts;
use crate::limits::TOP_COUNT;
use crate::series::{NO_FACT, OTHER, name_of};
use crate::span::Piece;
use crate::table::{Counter, DIMENSIONS, HEADS, Head, LEADERS};

/// Buckets with their weights, in order.
pub(super) type Weighed = [(Piece, u64)];

/// Keys, or values, with what they have.
#[derive(Default)]
pub(crate) struct Leading {
    /// How many of them are told.
    pub(super) most: u64,
    pub(super) has: BTreeMap<CompactString, u128>,
    pub(super) missed_at_most: u128,
}

/// Which of them are told.
pub(super) struct Told {
    /// The first ones first.
    named: Vec<(CompactString, u128)>,
    pub(super) exact: bool,
    pub(super) missed_at_most: u128,
}

impl Told {
    /// Those that are told as keys, or else as values of a dimension.
    pub(super) fn named<K, V>(
        &self,
        asked: Asked<'_>,
        key: impl Fn(CompactString, u128) -> K,
        value: impl Fn(CompactString, u128) -> V,
    ) -> (Vec<K>, Option<Vec<V>>) {
        let named = self.named.iter().cloned();
        match asked.by {
            None => (named.map(|(what, has)| key(what, has)).collect(), None),
            Some(_) => {
                let values = named.map(|(what, has)| value(what, has));
                (Vec::new(), Some(values.collect()))
            }
        }
    }
}

/// What is asked for: so many, and of which dimension, or among events of which value.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) count: Option<u64>,
    pub(super) by: Option<&'a str>,
    pub(super) with: Option<with::Of<'a>>,
}

impl Asked<'_> {
    /// How many are told: not more keys than the counter keeps, if nobody says.
    fn most(self, counter: &Counter) -> u64 {
        self.count.unwrap_or_else(|| match self.by {
            None => counter.top.min(TOP_COUNT),
            Some(_) => TOP_COUNT,
        })
    }

    /// Why a counter cannot tell.
    pub(super) fn check(self, counter: &Counter) -> Result<(), Refusal> {
        let dim = self.by.or(self.with.map(|(dim, _)| dim));
        match dim {
            Some(_) if self.by.is_some() && self.with.is_some() => Err(Refusal::ByAndWith),
            _ if self.by.is_none() && counter.top < self.count.unwrap_or(1) => {
                Err(Refusal::NoTop { max: counter.top })
            }
            Some(dim) if !counter.dims.iter().any(|own| own == dim) => {
                Err(Refusal::UnknownDimension)
            }
            None | Some(_) => Ok(()),
        }
    }

    /// What leads in a shard.
    pub(super) fn part(
        self,
        context: &ScanContext,
        (name, counter): (&str, &Counter),
        pieces: &Weighed,
    ) -> Leading {
        let asked = (pieces, self.most(counter));
        match (self.by, self.with) {
            (Some(dim), _) => values(context, (name, counter), dim, asked),
            (None, Some(of)) => keys_with(context, (name, counter), of, asked),
            (None, None) => keys(context, name, asked),
        }
    }

    /// What leads in all of them together.
    pub(super) fn whole(self, parts: impl IntoIterator<Item = Leading>) -> Told {
        let mut all = Leading::default();
        for part in parts {
            all.most = part.most; // The same in all.
            for (what, has) in part.has {
                *all.has.entry(what).or_default() += has;
            }
            all.missed_at_most = match self.by {
                None => all.missed_at_most.max(part.missed_at_most), // A key lies in one shard.
                Some(_) => all.missed_at_most + part.missed_at_most,
            };
        }
        let named = first(all.has.into_iter().collect(), all.most);
        let is_full = named.len() as u64 == all.most;
        let last = named.last().filter(|_| is_full).map_or(0, |(_, has)| *has);
        let bound = if self.by.is_none() { last } else { 0 };
        Told {
            exact: all.missed_at_most <= bound,
            named,
            missed_at_most: all.missed_at_most,
        }
    }
}

fn keys(context: &ScanContext, name: &str, (pieces, most): (&Weighed, u64)) -> Leading {
    let mut leading = BTreeSet::new();
    let mut missed_at_most = 0;
    for pieces in pieces.chunk_by(|a, b| row_of(a) == row_of(b)) {
        let (number, block) = row_of(&pieces[0]);
        let head = context.get(&HEADS, (name, number, block));
        let head = head.unwrap_or(Head::NONE);
        for (Piece { bucket, .. }, weight) in pieces {
            if head.totals.get(bucket.place()) > 0 {
                let list = context.get(&LEADERS, (name, number, bucket.0));
                let list = list.unwrap_or_default();
                leading.extend(list.iter().map(CompactString::new));
            }
            let least = head.leasts.get(bucket.place());
            missed_at_most += u128::from(least) * u128::from(*weight);
        }
    }
    let has = leading.into_iter().map(|key| {
        let has = sum_of(context, name, pieces, &key);
        (key, has)
    });
    let has = first(has.collect(), most).into_iter().collect();
    Leading {
        most,
        has,
        missed_at_most,
    }
}

fn values(
    context: &ScanContext,
    (name, counter): (&str, &Counter),
    dim: &str,
    (pieces, most): (&Weighed, u64),
) -> Leading {
    let dimension = context.get(&DIMENSIONS, (name, dim)).unwrap_or_default();
    let sum_of = |value: &str| sum_of(context, name, pieces, &name_of("", dim, value));
    let is_fact = counter.facts.iter().any(|fact| fact == dim);
    let each = dimension.values.iter().chain(is_fact.then_some(NO_FACT));
    let each = each.map(|value| (CompactString::new(value), sum_of(value)));
    Leading {
        most,
        has: each.filter(|(_, has)| *has > 0).collect(),
        missed_at_most: sum_of(OTHER),
    }
}

/// Those that have the most, the greatest first; of equal ones those that sort first.
pub(super) fn first(mut all: Vec<(CompactString, u128)>, most: u64) -> Vec<(CompactString, u128)> {
    all.sort_unstable_by(|(a, of_a), (b, of_b)| (Reverse(of_a), a).cmp(&(Reverse(of_b), b)));
    all.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    all
}

/// Level and block of a bucket: those of one row stand together.
pub(super) fn row_of((piece, _): &(Piece, u64)) -> (u8, u64) {
    (piece.number, piece.bucket.block())
}

/// What a key or a series has in all buckets.
pub(super) fn sum_of(context: &ScanContext, name: &str, pieces: &Weighed, key: &str) -> u128 {
    let counts = blocks::scanned(context, (name, key));
    let rows = pieces.chunk_by(|a, b| row_of(a) == row_of(b));
    rows.map(|pieces| sum_in(pieces, &counts)).sum()
}

/// What it has in buckets of one row.
pub(super) fn sum_in(pieces: &Weighed, counts: impl Fn(u8, u64) -> Option<Counts>) -> u128 {
    let (number, block) = row_of(&pieces[0]);
    let Some(counts) = counts(number, block) else {
        return 0;
    };
    let count = |(piece, weight): &(Piece, u64)| {
        let count = counts.get(piece.bucket.place());
        u128::from(count) * u128::from(*weight)
    };
    pieces.iter().map(count).sum()
}
