//! Topics that are sources of a counter.

use tidegate_engine::Shard;
use tidegate_engine::limits::NAME_BYTES_MAX;

use super::Fault;
use super::rows::Rows;
use crate::limits::{SOURCE_IN_FLIGHT_MAX, SOURCES_MAX};
use crate::table::{Counter, Source};

/// Law 17.
pub(super) fn check(rows: &Rows, (shard, counter): (Shard, &Counter), fault: Fault<'_>) {
    let Some(sources) = &rows.sources else {
        return;
    };
    let topics = &sources.topics;
    if shard.at > 0 || counter.is_dropped {
        fault(format!(": {} sources of what has none", topics.len()));
    }
    let is_in_order = topics.is_sorted_by(|one, other| one.topic < other.topic);
    if !is_in_order || !(1..=SOURCES_MAX).contains(&topics.len()) {
        fault(format!(": sources in no order, or too many: {topics:?}"));
    }
    let most = SOURCE_IN_FLIGHT_MAX.cast_unsigned();
    let is_sound = |source: &Source| {
        let names = [&source.topic, &source.group];
        let are_names = names
            .iter()
            .all(|name| (1..=NAME_BYTES_MAX).contains(&name.len()));
        are_names && (1..=most).contains(&source.in_flight)
    };
    if !topics.iter().all(is_sound) {
        fault(format!(": a source as nobody could have said: {topics:?}"));
    }
    let is_raw = |source: &Source| !counter.raw.is_empty() && source.topic == counter.raw;
    if topics.iter().any(is_raw) {
        fault(format!(
            ": topic {} is a source, and keeps its events",
            counter.raw
        ));
    }
}
