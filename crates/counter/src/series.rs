//! Dimensions: what is counted of a key is counted once more for each value that its events have, and so is what is
//! counted of all keys.
//!
//! A *series* lies in the rows of a block as a key does, under a name that no key can have. So it has all levels, goes
//! with its block, and costs as much as a key. Values of a dimension are as many as the counter allows a shard; what has
//! another one is counted for the value that is empty, which no event can have.
//!
//! The value of a dimension of *facts* is known of the key, or not yet: then it counts for [`NO_FACT`], until it is.

use compact_str::{CompactString, format_compact};
use tidegate_engine::{Missing, Nothing, Reads, Tx};

use crate::record::Event;
use crate::table::{Counter, DIMENSIONS, Dimension, FACTS, VALUES};

/// What stands between a key and a dimension. Control characters are in no key.
const MARK: char = '\u{1}';

/// The value of all that are beyond the limit.
pub(crate) const OTHER: &str = "";

/// The value of a fact that is not known yet; none that is told may be it.
pub(crate) const NO_FACT: &str = "?";

/// The name of a series; that of all keys together if there is no key.
pub(crate) fn name_of(key: &str, dim: &str, value: &str) -> CompactString {
    format_compact!("{key}{MARK}{dim}={value}")
}

/// The key of a series, its dimension and value; `None` of a key itself.
pub(crate) fn parts_of(series: &str) -> Option<(&str, &str, &str)> {
    let (key, of) = series.split_once(MARK)?;
    let (dim, value) = of.split_once('=')?;
    Some((key, dim, value))
}

/// Whether it is a key, and no series.
pub(crate) fn is_key(series: &str) -> bool {
    !series.as_bytes().contains(&(MARK as u8))
}

/// The series for which an event counts, beside its key; values that are new are allowed as long as there is room.
pub(crate) fn of_event(
    tx: &mut Tx<'_>,
    (name, counter): (&str, &Counter),
    event: &Event<'_>,
    mut take: impl FnMut(CompactString),
) -> Result<(), Missing> {
    for (dim, value) in event.dims() {
        let value = allowed(tx, (name, counter), dim, value)?;
        take(name_of(event.key, dim, value));
        take(name_of("", dim, value));
    }
    if counter.facts.is_empty() {
        return Ok(());
    }
    let facts = tx.get(&FACTS, (name, event.key))?.unwrap_or_default();
    for dim in counter.facts.iter() {
        let value = match facts.value(dim) {
            Some(value) => allowed(tx, (name, counter), dim, value)?,
            None => NO_FACT,
        };
        take(name_of(event.key, dim, value));
        take(name_of("", dim, value));
    }
    Ok(())
}

/// The value itself, or the one of all that are beyond the limit.
pub(crate) fn allowed<'a>(
    tx: &mut Tx<'_>,
    (name, counter): (&str, &Counter),
    dim: &str,
    value: &'a str,
) -> Result<&'a str, Missing> {
    if tx.get(&VALUES, (name, dim, value))?.is_some() {
        return Ok(value);
    }
    let row = tx.get(&DIMENSIONS, (name, dim))?;
    let mut dimension = row.unwrap_or_default();
    if dimension.many >= counter.values {
        return Ok(OTHER);
    }
    dimension.many += 1;
    dimension.values.push(value);
    tx.put(&VALUES, (name, dim, value), Nothing {});
    tx.put(&DIMENSIONS, (name, dim), dimension);
    Ok(value)
}

/// Names the rows that say which series an event has, and gives those that it will have as far as memory knows.
pub(crate) fn reads(
    reads: &mut Reads<'_>,
    (name, counter): (&str, &Counter),
    event: &Event<'_>,
    mut take: impl FnMut(CompactString),
) {
    for (dim, value) in event.dims() {
        let value = allowed_as_known(reads, (name, counter), dim, value);
        take(name_of(event.key, dim, value));
        take(name_of("", dim, value));
    }
    if counter.facts.is_empty() {
        return;
    }
    let facts = reads.get(&FACTS, (name, event.key)).unwrap_or_default();
    for dim in counter.facts.iter() {
        let known = facts.value(dim);
        let value = known.map(|value| allowed_as_known(reads, (name, counter), dim, value));
        let value = value.unwrap_or(NO_FACT);
        take(name_of(event.key, dim, value));
        take(name_of("", dim, value));
    }
}

/// What [`allowed`] will give, as far as memory knows.
pub(crate) fn allowed_as_known<'a>(
    reads: &mut Reads<'_>,
    (name, counter): (&str, &Counter),
    dim: &str,
    value: &'a str,
) -> &'a str {
    let is_known = reads.get(&VALUES, (name, dim, value)).is_some();
    let row: Option<Dimension> = reads.get(&DIMENSIONS, (name, dim));
    let has_room = row.is_none_or(|row| row.many < counter.values);
    if is_known || has_room { value } else { OTHER }
}
