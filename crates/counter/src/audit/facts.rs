//! Facts about keys, and what is counted for them.

use std::collections::BTreeMap;

use compact_str::CompactString;
use tidegate_engine::contract::Books;
use tidegate_engine::{RowKey, Shard};

use super::Fault;
use super::rows::{BlockRows, ByCounter, Rows, for_each_timer, is_home, of, read};
use crate::apply::MOVE;
use crate::counts::Counts;
use crate::limits::PAGE_KEYS;
use crate::series::{NO_FACT, is_key, parts_of};
use crate::table::{Counter, FACT_LISTS, FACT_PAGES, FACTS, KeyFacts, MOVES};

/// The rows of facts.
pub(super) fn read_rows(all: &mut ByCounter, books: &Books<'_>, faults: &mut Vec<String>) {
    let mut no_key = |what: &str, key: &RowKey| {
        faults.push(format!("{what} under no key of its: {:?}", key.as_bytes()));
    };
    read(
        all,
        books.each(&FACTS),
        |rows, parts, row| {
            rows.facts.insert(parts.text()?.into(), row);
            Some(())
        },
        &mut |key| no_key("facts", key),
    );
    read(
        all,
        books.each(&FACT_LISTS),
        |rows, _, row| {
            rows.fact_list = Some(row);
            Some(())
        },
        &mut |key| no_key("directory of facts", key),
    );
    read(
        all,
        books.each(&FACT_PAGES),
        |rows, parts, row| {
            rows.fact_pages.insert(parts.number()?, row);
            Some(())
        },
        &mut |key| no_key("page of facts", key),
    );
    read(
        all,
        books.each(&MOVES),
        |rows, parts, row| {
            let of = (parts.text()?.into(), parts.text()?.into());
            rows.moves.insert(of, row);
            Some(())
        },
        &mut |key| no_key("what is being moved", key),
    );
    for_each_timer(books, &MOVE, |mut owner, due_ms| {
        let name = owner.text()?;
        let key_and_dim = (owner.text()?.into(), owner.text()?.into());
        let timers = of(all, name).move_timers.entry(key_and_dim).or_default();
        timers.add(due_ms);
        Some(())
    });
}

/// Laws 12 and 13.
pub(super) fn check(rows: &Rows, (shard, counter): (Shard, &Counter), fault: Fault<'_>) {
    check_directory(rows, fault);
    for (key, facts) in &rows.facts {
        let is_fact = |dim: &str| counter.facts.iter().any(|own| own == dim);
        let is_wrong = |(dim, value): (&str, &str)| !is_fact(dim) || value == NO_FACT;
        if !is_home(shard, key) || facts.iter().any(is_wrong) {
            fault(format!(": facts about {key} that it cannot have here"));
        }
    }
    check_moves(rows, fault);
    for ((number, block), of_block) in &rows.blocks {
        if of_block
            .head
            .as_ref()
            .is_some_and(|head| head.pages_gone == 0)
        {
            for dim in counter.facts.iter() {
                check_sums(of_block, dim, &mut |what| {
                    fault(format!(" level {number} block {block}{what}"));
                });
            }
        }
    }
}

fn check_directory(rows: &Rows, fault: Fault<'_>) {
    let many = rows.fact_list.map_or(0, |list| list.keys);
    let pages = 0..many.div_ceil(PAGE_KEYS);
    let mut listed: Vec<_> = rows
        .fact_pages
        .values()
        .flat_map(|page| page.iter())
        .collect();
    listed.sort_unstable();
    let is_each = rows
        .facts
        .keys()
        .map(CompactString::as_str)
        .eq(listed.iter().copied());
    if !is_each || listed.len() as u64 != many || !pages.eq(rows.fact_pages.keys().copied()) {
        let there = rows.facts.len();
        fault(format!(
            ": facts about {there} keys, {many} are listed as {listed:?}"
        ));
    }
}

fn check_moves(rows: &Rows, fault: Fault<'_>) {
    for ((key, dim), moved) in &rows.moves {
        let facts = rows.facts.get(key);
        if facts
            .and_then(|facts: &KeyFacts| facts.value(dim))
            .is_none()
        {
            fault(format!(": {moved:?} of {key}, of which {dim} is not known"));
        }
    }
    let has_timer = |of| {
        rows.move_timers
            .get(of)
            .is_some_and(|timers| timers.is_one())
    };
    let has_row = |of| rows.moves.contains_key(of);
    if !rows.moves.keys().all(has_timer) || !rows.move_timers.keys().all(has_row) {
        let (moves, timers) = (&rows.moves, &rows.move_timers);
        fault(format!(": is moving {moves:?} with the timers {timers:?}"));
    }
}

/// What is counted for the values of a fact adds up to what is counted of the key, and of all.
fn check_sums(rows: &BlockRows, dim: &str, fault: Fault<'_>) {
    let mut sums = BTreeMap::<&str, Counts>::new();
    for (series, counts) in &rows.keys {
        if let Some((key, of, _)) = parts_of(series)
            && of == dim
        {
            add(sums.entry(key).or_insert(Counts::NONE), counts);
        }
    }
    let totals = rows.head.as_ref().map(|head| ("", &head.totals));
    let keys = rows.keys.iter().filter(|(key, _)| is_key(key));
    let keys = keys.map(|(key, counts)| (key.as_str(), counts));
    for (key, counts) in keys.chain(totals) {
        if sums.get(key) != Some(counts) {
            let sum = sums.get(key);
            fault(format!(
                ": values of {dim} of {key:?} add up to {sum:?}, it has {counts:?}"
            ));
        }
    }
}

fn add(sum: &mut Counts, counts: &Counts) {
    for (place, count) in counts.some() {
        sum.add(place, count);
    }
}
