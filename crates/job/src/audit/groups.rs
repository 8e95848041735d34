//! Groups: what they count, who waits in their lines, and when they, and their queue, open.

use std::collections::BTreeMap;

use super::Fault;
use super::lines::check_line;
use super::rows::Rows;
use crate::line::{Entry, GATHER_LINE};
use crate::table::{Job, Queue, Stand};

pub(super) fn check(queue: &Queue, rows: &Rows, fault: Fault<'_>) {
    check_jobs(rows, fault);
    let mut opens = rows.opens.clone();
    let mut check_opens = |key: &str, says: Option<u64>, fault: Fault<'_>| {
        let Some(at_ms) = says else { return };
        let is_set = opens.remove(&(at_ms, key.to_owned()));
        if !is_set && !rows.opens_set_aside.contains(key) {
            fault(format!(": it opens at {at_ms}, and has no timer for that"));
        }
    };
    check_opens("", queue.opens_at_ms, fault);
    for (key, group) in &rows.groups {
        let mut fault = |what: String| fault(format!(" group {key}{what}"));
        check_opens(key, group.opens_at_ms, &mut fault);
        let entry = |place| rows.group_lines.get(&(key.clone(), place));
        check_line(&group.line, &entry, &mut |what| {
            fault(format!(": its line{what}"))
        });
        let jobs = rows.jobs.values();
        let admitted = jobs.filter(|job| job.is_admitted && job.group.as_deref() == Some(key));
        let admitted = admitted.count() as u64;
        if admitted != group.admitted {
            let says = group.admitted;
            fault(format!(
                ": {admitted} of its jobs were let in, it says {says}"
            ));
        }
        let jobs = rows.jobs.values();
        let waiting = jobs.filter(|job| {
            matches!(job.stand, Stand::Blocked(_)) && job.group.as_deref() == Some(key)
        });
        let bytes: u64 = waiting.map(Job::payload_bytes).sum();
        // Those that wait since before rows said so have no time, and no bytes.
        let is_of_before = group.line.live > 0 && group.first_at_ms == 0;
        if bytes != group.bytes && !(is_of_before && group.bytes < bytes) {
            let says = group.bytes;
            fault(format!(": {bytes} bytes wait in its line, it says {says}"));
        }
        let (first, last) = (group.first_at_ms, group.last_at_ms);
        if last < first || group.line.live == 0 && last > 0 {
            fault(format!(": those that wait came from {first} to {last}"));
        }
        if admitted == 0 && group.opens_at_ms.is_none() {
            fault(": none of its jobs was let in, and it has no timer".to_owned());
        }
    }
    for (at_ms, key) in opens {
        fault(format!(
            ": a timer opens group {key:?} at {at_ms}, and should not"
        ));
    }
}

/// Groups whose jobs gather stand in the line of those; somebody waits in each, and none is ready.
pub(super) fn check_gathering(
    queue: &Queue,
    rows: &Rows,
    mut standing: BTreeMap<(u8, u64), String>,
    fault: Fault<'_>,
) {
    for (key, group) in &rows.groups {
        let Some(place) = group.gathers else { continue };
        let stands = standing.remove(&(GATHER_LINE, place));
        if stands.as_ref() != Some(key) || group.line.live == 0 {
            fault(format!(
                " group {key}: it gathers at {place}, where there is {stands:?}"
            ));
        }
    }
    for ((_, place), key) in standing {
        fault(format!(
            ": group {key} is at {place} of those that gather, and should not be"
        ));
    }
    let expected = queue.flushes_at_ms;
    let is_set = expected.into_iter().eq(rows.flushes.iter().copied());
    let is_aside = rows.flush_set_aside && rows.flushes.is_empty();
    if !is_set && !is_aside {
        let flushes = &rows.flushes;
        fault(format!(
            ": what gathers is let in at {expected:?}, with timers at {flushes:?}"
        ));
    }
}

/// Each job that waits in its group stands in its line, and nobody else does; and who was let in is ready or runs.
fn check_jobs(rows: &Rows, fault: Fault<'_>) {
    let mut standing = BTreeMap::new();
    for ((group, place), entry) in &rows.group_lines {
        if let Entry::Job(id) = entry {
            standing.insert((group.clone(), *place), id.to_string());
        }
        let of = rows.groups.get(group);
        if of.is_none_or(|of| !(of.line.head..of.line.tail).contains(place)) {
            fault(format!(
                " group {group}: its line has something at {place}, where it is not in use"
            ));
        }
    }
    for (id, job) in &rows.jobs {
        let group = job.group.clone().unwrap_or_default();
        if let Stand::Blocked(place) = job.stand
            && standing.remove(&(group.clone(), place)).as_ref() != Some(id)
        {
            fault(format!(
                " job {id}: it is not at {place} of the line of its group"
            ));
        }
        check_admitted(rows, &group, job, &mut |what| {
            fault(format!(" job {id}{what}"))
        });
    }
    for ((group, place), id) in standing {
        fault(format!(
            " group {group}: {id} is at {place} of its line, and should not be"
        ));
    }
}

fn check_admitted(rows: &Rows, group: &str, job: &Job, fault: Fault<'_>) {
    let may_be = matches!(job.stand, Stand::Ready(_) | Stand::Running(_));
    if job.is_admitted && (!may_be || !rows.groups.contains_key(group)) {
        fault(format!(
            ": in state {:?}, let in by group {group:?}",
            job.stand
        ));
    }
}
