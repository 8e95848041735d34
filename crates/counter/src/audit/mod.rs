//! Recomputes every law of the domain from the rows themselves.

mod blocks;
mod dims;
mod drops;
mod facts;
mod ids;
mod leaders;
mod rows;
mod sketches;
mod sources;

use compact_str::{CompactString, format_compact};
use tidegate_engine::Shard;
use tidegate_engine::contract::{Audit, Books};
use tidegate_topic::Append;

use rows::Rows;

use crate::apply::{Declare, Undeclare};
use crate::levels::text_of;
use crate::limits::{CORRECTIONS_KEPT, LATE_KEPT};
use crate::raw::{heading, number_of};
use crate::table::{Counter, DOMAIN};

/// Where a law that is broken is told, behind the name of the counter.
type Fault<'a> = &'a mut dyn FnMut(String);

/// Checks the laws of this crate over the rows of one slot.
#[must_use]
pub fn audit(books: &Books<'_>) -> Audit {
    let mut audit = Audit::default();
    let mut counters = rows::by_counter(books, &mut audit.faults);
    for (to, Declare(counter)) in books.letters_to::<Declare>() {
        audit.has(declared(&to, &counter));
        audit.has(drops::counts(&to));
    }
    for (to, Undeclare {}) in books.letters_to::<Undeclare>() {
        audit.has(drops::counts(&to));
    }
    for (name, rows) in &mut counters {
        let faults = &mut audit.faults;
        let mut fault = |what: String| faults.push(format!("counter {name}{what}"));
        blocks::enter_open(rows, &mut fault);
        let Some((shard, counter)) = &rows.counter else {
            fault(": rows of a counter that is not there".to_owned());
            continue;
        };
        blocks::check(rows, (*shard, counter), books.clock_up_to_ms(), &mut fault);
        leaders::check(rows, counter, &mut fault);
        dims::check(rows, counter, &mut fault);
        ids::check(rows, counter, &mut fault);
        sketches::check(rows, (*shard, counter), &mut fault);
        if !counter.is_dropped {
            check_late(rows, &mut fault);
            check_corrections(rows, &mut fault);
            check_sent(books, name, rows, (*shard, counter), &mut fault);
        }
        facts::check(rows, (*shard, counter), &mut fault);
        sources::check(rows, (*shard, counter), &mut fault);
        drops::check(rows, (*shard, counter), &mut fault);
        drops::check_shards(&mut audit, name, (*shard, counter));
        check_shards(&mut audit, name, (*shard, counter));
        add_figures(&mut audit, rows, counter);
    }
    audit
}

/// What a shard has that the first one needs to have been declared there.
fn declared(shard: &str, counter: &Counter) -> CompactString {
    let Counter {
        shards,
        levels,
        top,
        late_ms,
        dedupe_ms,
        created_at_ms,
        told: _,
        dims,
        values,
        is_relaxed,
        unique,
        is_dropped: _,
        facts,
        raw,
    } = counter;
    let levels = text_of(levels);
    let dims: Vec<_> = dims.iter().collect();
    let facts: Vec<_> = facts.iter().collect();
    format_compact!(
        "counter {shard} of {shards} with {levels}, {top}, {late_ms}, {dedupe_ms}, {created_at_ms}, {values} of {dims:?}, facts {facts:?}, {is_relaxed}, unique {unique}, raw {raw:?}"
    )
}

/// All shards have what the first one has, or are about to; and none has what that has not.
fn check_shards(audit: &mut Audit, name: &str, (shard, counter): (Shard, &Counter)) {
    let key_of = |shard: Shard| shard.key_of(name);
    let is_first = shard.at == 0;
    audit.has(declared(&key_of(shard), counter));
    if counter.is_dropped && !is_first {
        return; // The first one may be gone, or be another by now.
    }
    let others = Shard::all(counter.shards).filter(|other| (other.at == 0) != is_first);
    for other in others {
        let who = || format!("counter {}", key_of(shard));
        audit.needs(declared(&key_of(other), counter), who);
    }
    if is_first && counter.shards > 1 {
        let who = || format!("counter {name}");
        audit.is_split(DOMAIN, name, counter.shards, who);
    }
    if counter.told >= u64::from(counter.shards) || (!is_first && counter.told > 0) {
        let told = counter.told;
        audit
            .faults
            .push(format!("counter {}: {told} shards told", key_of(shard)));
    }
}

/// Late events are numbered without gaps, and the newest are kept.
fn check_late(rows: &Rows, fault: Fault<'_>) {
    let last = rows.late.map_or(0, |late| late.last);
    let kept = last.saturating_sub(LATE_KEPT) + 1..=last;
    if !kept.clone().eq(rows.late_events.iter().copied()) {
        let events = &rows.late_events;
        fault(format!(": late events {kept:?}, there are {events:?}"));
    }
    if rows.late.is_some_and(|late| late.last == 0) {
        fault(": a list of no late events".to_owned());
    }
}

/// Corrections are numbered without gaps, and the newest are kept.
fn check_corrections(rows: &Rows, fault: Fault<'_>) {
    let last = rows.corrected.map_or(0, |corrected| corrected.last);
    let kept = last.saturating_sub(CORRECTIONS_KEPT) + 1..=last;
    if !kept.clone().eq(rows.corrections.keys().copied())
        || rows.corrected.is_some_and(|_| last == 0)
    {
        let there: Vec<_> = rows.corrections.keys().collect();
        fault(format!(": corrections {kept:?}, there are {there:?}"));
    }
    let mut corrections = rows.corrections.values();
    if let Some(nothing) = corrections.find(|correction| correction.from == correction.to) {
        fault(format!(": {nothing:?} has changed nothing"));
    }
}

/// What was sent to the topic that keeps events: letters with events, of which the last ones may be on their way.
fn check_sent(
    books: &Books<'_>,
    name: &str,
    rows: &Rows,
    (shard, counter): (Shard, &Counter),
    fault: Fault<'_>,
) {
    let sent = rows.sent.unwrap_or_default();
    if rows.sent.is_none() != counter.raw.is_empty() || sent.letters > sent.events {
        let (sent, raw) = (rows.sent, &counter.raw);
        fault(format!(": {sent:?} went to topic {raw:?}"));
    }
    if counter.raw.is_empty() {
        return;
    }
    let heading = heading(name, shard.at);
    for (_, letter) in books.letters_to::<Append>() {
        let number = number_of(&letter, &heading);
        if number.is_some_and(|number| number > sent.letters) {
            fault(format!(": letter {number:?} is on its way, of {sent:?}"));
        }
    }
}

fn add_figures(audit: &mut Audit, rows: &Rows, counter: &Counter) {
    let last = counter.levels.len() - 1;
    let of_last = rows.blocks.iter();
    let of_last = of_last.filter(|((level, _), _)| usize::from(*level) == last);
    let heads = of_last.filter_map(|(_, block)| block.head.as_ref());
    let counted: u64 = heads
        .flat_map(|head| {
            head.totals
                .some()
                .map(|(_, count)| count)
                .collect::<Vec<_>>()
        })
        .sum();
    let late = rows.late.map_or(0, |late| late.last);
    for (figure, value) in [("counter.counted", counted), ("counter.came_late", late)] {
        audit.add(figure, i64::try_from(value).unwrap_or(i64::MAX));
    }
}
