//! Dimensions: their values, and what is counted for them.

use std::collections::BTreeMap;

use super::Fault;
use super::rows::{BlockRows, Rows};
use crate::counts::Counts;
use crate::series::{NO_FACT, OTHER, name_of, parts_of};
use crate::table::Counter;

/// Law 8.
pub(super) fn check(rows: &Rows, counter: &Counter, fault: Fault<'_>) {
    check_values(rows, counter, fault);
    for ((number, block), of_block) in &rows.blocks {
        let at = format!(" level {number} block {block}");
        if of_block
            .head
            .as_ref()
            .is_some_and(|head| head.pages_gone == 0)
        {
            check_sums(of_block, &mut |what| fault(format!("{at}{what}")));
        }
        for series in of_block.keys.keys() {
            let is_known = parts_of(series).is_none_or(|(_, dim, value)| {
                let values = rows.dimensions.get(dim);
                let is_listed =
                    values.is_some_and(|values| values.values.iter().any(|own| own == value));
                let is_other = value == OTHER && counter.dims.iter().any(|own| own == dim);
                let is_not_known = value == NO_FACT && counter.facts.iter().any(|own| own == dim);
                is_listed || is_other || is_not_known
            });
            if !is_known {
                fault(format!("{at}: counts of {series:?}, which is no value"));
            }
        }
    }
}

/// Each value is listed once, and they are as many as there may be.
fn check_values(rows: &Rows, counter: &Counter, fault: Fault<'_>) {
    let mut listed = Vec::new();
    for (dim, dimension) in &rows.dimensions {
        let before = listed.len();
        listed.extend(dimension.values.iter().map(|value| (dim.as_str(), value)));
        let many = (listed.len() - before) as u64;
        let is_declared = counter.dims.iter().any(|own| own == dim);
        if !is_declared || dimension.many != many || many > counter.values {
            let says = dimension.many;
            fault(format!(
                ": dimension {dim} says {says} values, and lists {many}"
            ));
        }
    }
    listed.sort_unstable();
    let values = rows.values.iter();
    if !values
        .map(|(dim, value)| (dim.as_str(), value.as_str()))
        .eq(listed)
    {
        let values = &rows.values;
        fault(format!(
            ": the values of dimensions are {values:?}, others are listed"
        ));
    }
}

/// What is counted of keys for a value adds up to what is counted of all.
fn check_sums(rows: &BlockRows, fault: Fault<'_>) {
    let mut sums = BTreeMap::new();
    for (series, counts) in &rows.keys {
        let Some((key, dim, value)) = parts_of(series) else {
            continue;
        };
        let (of_keys, of_all) = sums
            .entry((dim, value))
            .or_insert((Counts::NONE, Counts::NONE));
        let sum = if key.is_empty() { of_all } else { of_keys };
        for (place, count) in counts.some() {
            sum.add(place, count);
        }
    }
    for ((dim, value), (of_keys, of_all)) in sums {
        if of_keys != of_all {
            let series = name_of("", dim, value);
            fault(format!(
                "{series:?}: keys add up to {of_keys:?}, all have {of_all:?}"
            ));
        }
    }
}
