//! Counters that are dropped.

use compact_str::{CompactString, format_compact};
use tidegate_engine::Shard;
use tidegate_engine::contract::Audit;

use super::Fault;
use super::rows::Rows;
use crate::table::{Counter, Emptying};

/// What is had as long as another shard may count.
pub(super) fn counts(shard: &str) -> CompactString {
    format_compact!("counter {shard} that counts")
}

/// Law 12, of the shard itself.
pub(super) fn check(rows: &Rows, (shard, counter): (Shard, &Counter), fault: Fault<'_>) {
    let is_first = shard.at == 0;
    let others = u64::from(counter.shards) - 1;
    let timers = rows.emptying_timers.due_ms.len() + rows.emptying_timers.set_aside;
    match rows.emptying {
        Some(emptying) => {
            let Emptying { told, empty, .. } = emptying;
            let is_done = is_first && crate::emptying::is_last(counter, &emptying) && timers == 0;
            let is_going = timers == 1 && counter.is_dropped;
            if !is_going && !is_done {
                fault(format!(": goes with {timers} timers"));
            }
            let most = if is_first { others } else { 0 };
            if told > most || empty > told {
                fault(format!(
                    ": {told} shards told that it goes, {empty} are empty"
                ));
            }
        }
        None if timers > 0 => fault(format!(": {timers} timers by which it goes")),
        None if counter.is_dropped && !rows.are_none() => {
            fault(": is dropped, and has rows that do not go".to_owned());
        }
        None => {}
    }
}

/// And of all of them.
pub(super) fn check_shards(audit: &mut Audit, name: &str, (shard, counter): (Shard, &Counter)) {
    if counter.is_dropped {
        return;
    }
    if shard.at > 0 {
        let who = || format!("counter {}", shard.key_of(name));
        audit.needs(counts(&shard.key_of(name)), who);
        return;
    }
    for other in Shard::all(counter.shards).skip(1) {
        audit.has(counts(&other.key_of(name)));
    }
}
