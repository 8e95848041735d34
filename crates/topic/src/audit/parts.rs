//! Parts of a topic: all of them are as the first one has told them.

use compact_str::{CompactString, format_compact};
use tidegate_engine::Shard;
use tidegate_engine::contract::Audit;

use super::rows::Rows;
use crate::table::{DOMAIN, Told, Topic};

/// Adds to an audit what a topic, or a part of one, has and needs in other slots.
pub(super) fn check(audit: &mut Audit, name: &str, rows: &Rows) {
    let Some(topic) = &rows.topic else {
        // It was deleted: that its key is split stays.
        if let Some(told) = &rows.told {
            is_split(audit, name, told);
        }
        return;
    };
    check_lagging(audit, name, rows);
    match (&rows.told, Shard::named(name)) {
        (None, None) => {}
        (None, Some(shard)) => {
            audit.has(part_of(name, topic));
            if rows.pushes.is_some() || rows.has_steered() || shard.at == 0 {
                let fault = format!("topic {name}: it has what the first part only has");
                audit.faults.push(fault);
            }
        }
        (Some(told), None) => check_told(audit, name, (topic, told)),
        (Some(_), Some(_)) => {
            let fault = format!("topic {name}: it tells, as the first part only does");
            audit.faults.push(fault);
        }
    }
}

/// Only the first part knows of others that they are behind, and of none that is not there.
fn check_lagging(audit: &mut Audit, name: &str, rows: &Rows) {
    let others = rows.told.as_ref().map_or(0, |told| told.known.len());
    let all = (0..others).fold(0_u64, |bits, at| bits | 2 << at);
    for (of, group) in &rows.groups {
        let lag = group.group.map_or(0, |group| group.others_lag);
        if lag & !all != 0 {
            let fault = format!(
                "topic {name} group {of}: of the parts {lag:#b} it says that they lag, there are {all:#b}"
            );
            audit.faults.push(fault);
        }
    }
}

/// A part as it is declared.
fn part_of(key: &str, topic: &Topic) -> CompactString {
    let Topic {
        version, groups, ..
    } = topic;
    format_compact!("part {key} at version {version}, with {groups} groups")
}

/// Into how many parts the first one tells.
fn is_split(audit: &mut Audit, name: &str, told: &Told) -> u16 {
    let of = u16::try_from(told.known.len() + 1).unwrap_or(u16::MAX);
    audit.is_split(DOMAIN, name, of, || format!("topic {name}"));
    of
}

fn check_told(audit: &mut Audit, name: &str, (topic, told): (&Topic, &Told)) {
    let of = is_split(audit, name, told);
    let knows_too_much = told.known.iter().any(|known| *known > told.times);
    if of < 2 || told.times == 0 || knows_too_much {
        let fault = format!("topic {name}: it has told nothing that others know, {told:?}");
        audit.faults.push(fault);
    }
    if told.is_known() {
        for shard in Shard::all(of).skip(1) {
            let key = shard.key_of(name);
            audit.needs(part_of(&key, topic), || format!("topic {name}"));
        }
    }
}
