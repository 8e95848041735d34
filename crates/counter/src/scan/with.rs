//! `COUNTER.TOP … WITH dim=value`: the keys that lead among events of one value.
//!
//! Nothing is kept for it: what each key has of a value is counted anyway, so it is enough to know at which keys to look.
//! Where few are listed in the blocks of the span, it is all of them. Elsewhere it is those that lead among all events, and a
//! key that is none of them has no more than all keys have of the value beyond these; nor more in each bucket than the least
//! that leads there, unless a correction has taken from that.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use tidegate_engine::contract::ScanContext;

use super::leading::{Leading, Weighed, first, row_of, sum_in, sum_of};
use crate::blocks;
use crate::limits::{PAGE_KEYS, WITH_KEYS_MAX};
use crate::series::{NO_FACT, OTHER, name_of};
use crate::table::{CORRECTED, Counter, DIMENSIONS, HEADS, Head, KEYS, LEADERS};

/// A dimension, and a value of it.
pub(super) type Of<'a> = (&'a str, &'a str);

/// What leads in a shard among events of a value.
pub(super) fn keys_with(
    context: &ScanContext,
    (name, counter): (&str, &Counter),
    (dim, value): Of<'_>,
    (pieces, most): (&Weighed, u64),
) -> Leading {
    if !is_counted(context, (name, counter), (dim, value)) {
        // If it has come, it was counted with others.
        let missed_at_most = sum_of(context, name, pieces, &name_of("", dim, OTHER));
        return Leading {
            most,
            has: BTreeMap::new(),
            missed_at_most,
        };
    }
    let series = name_of("", dim, value);
    let blocks = pieces.chunk_by(|a, b| row_of(a) == row_of(b));
    let listed = blocks.map(|pieces| head_of(context, name, pieces).keys);
    let (has, missed_at_most) = if listed.sum::<u64>() <= WITH_KEYS_MAX {
        (among_all(context, name, &series, pieces), 0)
    } else {
        among_leading(context, name, &series, pieces)
    };
    let has = has.into_iter().filter(|(_, has)| *has > 0).collect();
    Leading {
        most,
        has: first(has, most).into_iter().collect(),
        missed_at_most,
    }
}

/// Whether a shard counts a value for itself.
fn is_counted(
    context: &ScanContext,
    (name, counter): (&str, &Counter),
    (dim, value): Of<'_>,
) -> bool {
    let is_fact = counter.facts.iter().any(|fact| fact == dim);
    let dimension = context.get(&DIMENSIONS, (name, dim)).unwrap_or_default();
    (is_fact && value == NO_FACT) || dimension.values.iter().any(|own| own == value)
}

fn head_of(context: &ScanContext, name: &str, pieces: &Weighed) -> Head {
    let (number, block) = row_of(&pieces[0]);
    let head = context.get(&HEADS, (name, number, block));
    head.unwrap_or(Head::NONE)
}

/// What each key has that is listed: a series of a key has its name, and then that of the series of all keys.
fn among_all(
    context: &ScanContext,
    name: &str,
    series: &str,
    pieces: &Weighed,
) -> BTreeMap<CompactString, u128> {
    let mut has = BTreeMap::new();
    for pieces in pieces.chunk_by(|a, b| row_of(a) == row_of(b)) {
        let head = head_of(context, name, pieces);
        let (number, block) = row_of(&pieces[0]);
        for page in head.pages_gone..head.keys.div_ceil(PAGE_KEYS) {
            let page = context.get(&KEYS, (name, number, block, page));
            for of_key in page.unwrap_or_default().iter() {
                let key = of_key.strip_suffix(series).unwrap_or_default();
                if !key.is_empty() {
                    let sum = sum_in(pieces, blocks::scanned(context, (name, of_key)));
                    *has.entry(CompactString::new(key)).or_default() += sum;
                }
            }
        }
    }
    has
}

/// What those have that lead among all events, and what another key may have.
fn among_leading(
    context: &ScanContext,
    name: &str,
    series: &str,
    pieces: &Weighed,
) -> (BTreeMap<CompactString, u128>, u128) {
    let mut keys = BTreeSet::new();
    let (mut all, mut by_leasts) = (0, 0);
    let counts = blocks::scanned(context, (name, series));
    for pieces in pieces.chunk_by(|a, b| row_of(a) == row_of(b)) {
        let (number, block) = row_of(&pieces[0]);
        let Some(counts) = counts(number, block) else {
            continue;
        };
        let leasts = head_of(context, name, pieces).leasts;
        for (piece, weight) in pieces {
            let of_value = counts.get(piece.bucket.place());
            if of_value > 0 {
                let list = context.get(&LEADERS, (name, number, piece.bucket.0));
                keys.extend(list.unwrap_or_default().iter().map(CompactString::new));
            }
            let least = leasts.get(piece.bucket.place()).min(of_value);
            all += u128::from(of_value) * u128::from(*weight);
            by_leasts += u128::from(least) * u128::from(*weight);
        }
    }
    let of_key = |key: CompactString| {
        let has = sum_of(context, name, pieces, &format!("{key}{series}"));
        (key, has)
    };
    let has: BTreeMap<_, _> = keys.into_iter().map(of_key).collect();
    // Blocks whose time is over go in steps, and what all keys have may be gone before what each has.
    let beyond = all.saturating_sub(has.values().sum());
    let is_corrected = context.get(&CORRECTED, name).is_some();
    let missed = if is_corrected {
        beyond
    } else {
        beyond.min(by_leasts)
    };
    (has, missed)
}
