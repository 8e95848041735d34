//! Recomputes every law of the domain from the rows themselves.

mod groups;
mod lines;
mod rows;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use tidegate_engine::contract::{Audit, Books};
use tidegate_engine::limits::NAME_BYTES_MAX;

use crate::line::{DEAD_LINE, GATHER_LINE, PARENT_LINE, line_of};
use crate::table::{Job, JobState, Kept, Push, Queue, Stand, Which};
use crate::{AGAIN_MS_MAX, AGAIN_MS_MIN, IN_FLIGHT_MAX, INLINE_BYTES_MAX};
use rows::{Kind, Rows};

/// Where a law that is broken is told, behind the name of the queue.
type Fault<'a> = &'a mut dyn FnMut(String);

/// Checks the laws of this crate over the rows of one slot.
#[must_use]
pub fn audit(books: &Books<'_>) -> Audit {
    let mut audit = Audit::default();
    let queues = rows::by_queue(books, &mut audit.faults);
    for (name, rows) in &queues {
        let faults = &mut audit.faults;
        let mut fault = |what: String| faults.push(format!("job {name}{what}"));
        if let Some(push) = &rows.push {
            check_push(books, push, &mut fault);
        }
        match &rows.queue {
            Some(queue) => check(books, queue, rows, &mut fault),
            None if rows.are_of_queue() => fault(": rows of a queue that is not there".to_owned()),
            None => {}
        }
        check_early(rows, &mut fault);
        audit.add(
            "job.jobs_in_queues",
            i64::try_from(rows.jobs.len()).unwrap_or(i64::MAX),
        );
    }
    audit
}

fn check(books: &Books<'_>, queue: &Queue, rows: &Rows, fault: Fault<'_>) {
    let mut standing = lines::check(queue, rows, fault);
    let gathering = standing.split_off(&(GATHER_LINE, 0));
    groups::check_gathering(queue, rows, gathering, fault);
    check_counts(queue, rows, fault);
    check_places(rows, standing, fault);
    check_timers(rows, fault);
    check_bodies(rows, fault);
    check_sweep(queue, rows, fault);
    groups::check(queue, rows, fault);
    for (id, job) in &rows.jobs {
        check_job(books, queue, job, &mut |what| {
            fault(format!(" job {id}{what}"))
        });
    }
    check_numbers(rows, fault);
}

/// Children that ended early are of a job that is not there, and are forgotten in time.
fn check_early(rows: &Rows, fault: Fault<'_>) {
    let mut timers = rows.early_timers.clone();
    for (id, early) in &rows.early {
        let is_set = timers.remove(&(early.until_ms, id.clone()));
        if !is_set && !rows.early_set_aside.contains(id) {
            let at_ms = early.until_ms;
            fault(format!(" job {id}: its children have no timer at {at_ms}"));
        }
        if rows.jobs.contains_key(id) || early.ended == 0 {
            fault(format!(
                " job {id}: {} children ended before it was there",
                early.ended
            ));
        }
    }
    for (at_ms, id) in timers {
        fault(format!(
            " job {id}: a timer at {at_ms} for children that ended early, and none did"
        ));
    }
}

/// A queue that is pushed says how, within bounds.
fn check_push(books: &Books<'_>, push: &Push, fault: Fault<'_>) {
    let is_within = |value: u64, bounds: RangeInclusive<i64>| {
        i64::try_from(value).is_ok_and(|value| bounds.contains(&value))
    };
    let is_named = (1..=NAME_BYTES_MAX).contains(&push.receiver.len());
    if !is_named
        || !is_within(push.in_flight, 1..=IN_FLIGHT_MAX)
        || !is_within(push.again_ms, AGAIN_MS_MIN..=AGAIN_MS_MAX)
        || push.since_ms > books.clock_up_to_ms()
    {
        fault(format!(": it is pushed as nobody could say, {push:?}"));
    }
}

fn check_counts(queue: &Queue, rows: &Rows, fault: Fault<'_>) {
    for state in [
        JobState::Scheduled,
        JobState::Ready,
        JobState::Running,
        JobState::Done,
        JobState::Dead,
        JobState::Cancelled,
        JobState::Blocked,
        JobState::Waiting,
    ] {
        let jobs = rows.jobs.values();
        let jobs = jobs.filter(|job| job.stand.state() == state).count() as u64;
        let says = queue.count(state);
        if jobs != says {
            let state = state.word();
            fault(format!(": {jobs} jobs are {state}, it says {says}"));
        }
    }
}

/// Each job that stands in line stands there, and nobody else does. By line and place.
fn check_places(rows: &Rows, mut standing: BTreeMap<(u8, u64), String>, fault: Fault<'_>) {
    for (id, job) in &rows.jobs {
        let place = match job.stand {
            Stand::Ready(place) => (line_of(job.priority), place),
            Stand::Dead(place) => (DEAD_LINE, place),
            Stand::Waiting(place) => (PARENT_LINE, place),
            Stand::Scheduled(_)
            | Stand::Running(_)
            | Stand::Done(_)
            | Stand::Cancelled(_)
            | Stand::Blocked(_) => continue,
        };
        if standing.remove(&place).as_ref() != Some(id) {
            let (line, place) = place;
            fault(format!(" job {id}: it is not at {place} of line {line}"));
        }
    }
    for ((line, place), id) in standing {
        fault(format!(
            ": {id} is at {place} of line {line}, and should not be"
        ));
    }
}

/// Each job has the timers that its state asks for, and no other has one.
fn check_timers(rows: &Rows, fault: Fault<'_>) {
    let mut set = rows.timers.clone();
    for (id, job) in &rows.jobs {
        let of_stand = match job.stand {
            Stand::Scheduled(at_ms) => Some((Kind::Wake, at_ms)),
            Stand::Running(at_ms) => Some((Kind::LeaseEnd, at_ms)),
            Stand::Done(at_ms) | Stand::Cancelled(at_ms) => Some((Kind::Forget, at_ms)),
            Stand::Ready(_) | Stand::Dead(_) | Stand::Blocked(_) | Stand::Waiting(_) => None,
        };
        let deadline = job.deadline_ms.filter(|_| !job.stand.has_ended());
        let deadline = deadline.map(|at_ms| (Kind::Deadline, at_ms));
        for (kind, at_ms) in of_stand.into_iter().chain(deadline) {
            let is_set = set.remove(&(kind, at_ms, id.clone()));
            if !is_set && !rows.set_aside.contains(&(kind, id.clone())) {
                fault(format!(" job {id}: it has no timer {kind:?} at {at_ms}"));
            }
        }
    }
    for (kind, at_ms, id) in set {
        fault(format!(
            " job {id}: a timer {kind:?} at {at_ms}, and no job that has it"
        ));
    }
}

/// What lies beside rows is what they say.
fn check_bodies(rows: &Rows, fault: Fault<'_>) {
    let mut bodies = rows.bodies.clone();
    for (id, job) in &rows.jobs {
        for (which, kept) in [(Which::Payload, &job.payload), (Which::Result, &job.result)] {
            let lies = bodies.remove(&(id.clone(), which.key()));
            let says = match kept {
                Some(Kept::Beside(bytes)) => Some(*bytes),
                Some(Kept::Here(_)) | None => None,
            };
            if lies != says {
                fault(format!(
                    " job {id}: {which:?} of {says:?} bytes beside it, there are {lies:?}"
                ));
            }
            let is_misplaced = match kept {
                Some(Kept::Here(bytes)) => bytes.len() > INLINE_BYTES_MAX,
                Some(Kept::Beside(bytes)) => *bytes <= INLINE_BYTES_MAX as u64,
                None => false,
            };
            if is_misplaced {
                fault(format!(
                    " job {id}: {which:?} lies where others of its length do not"
                ));
            }
        }
    }
    for (id, which) in bodies.into_keys() {
        fault(format!(
            " job {id}: bytes beside it, of sort {which}, and no job that has them"
        ));
    }
}

/// While all that are dead are replayed or dropped there is a timer for that.
fn check_sweep(queue: &Queue, rows: &Rows, fault: Fault<'_>) {
    let expected = queue.sweep.map(|sweep| sweep.due_ms);
    let is_set = expected.into_iter().eq(rows.sweeps.iter().copied());
    let is_aside = rows.sweep_set_aside && rows.sweeps.is_empty();
    if !is_set && !is_aside {
        fault(format!(
            ": its dead are seen to at {expected:?}, with timers at {:?}",
            rows.sweeps
        ));
    }
    let tail = queue.line_at(DEAD_LINE).map_or(0, |line| line.tail);
    if queue.sweep.is_some_and(|sweep| sweep.end > tail) {
        fault(format!(
            ": its dead are seen to behind the last of them, at {tail}"
        ));
    }
}

fn check_job(books: &Books<'_>, queue: &Queue, job: &Job, fault: Fault<'_>) {
    let ended = job.stand.has_ended();
    let (created, ends) = (job.created_at_ms, job.ended_at_ms);
    if created > books.clock_up_to_ms() || ends.is_some_and(|ends| ends < created) {
        fault(format!(": made at {created}, ended at {ends:?}"));
    }
    if ended != ends.is_some() {
        fault(format!(": in state {:?}, ended at {ends:?}", job.stand));
    }
    let tries_max = u64::from(job.terms().retries) + 1;
    if u64::from(job.tries) > tries_max {
        fault(format!(": tried {} times of {tries_max}", job.tries));
    }
    let is_taken = matches!(job.stand, Stand::Running(_) | Stand::Done(_));
    if is_taken && (job.tries == 0 || job.lease.is_none()) {
        fault(format!(
            ": in state {:?}, and nobody has taken it",
            job.stand
        ));
    }
    if matches!(job.stand, Stand::Running(_))
        && job.lease.as_ref().is_some_and(|lease| lease.word.is_some())
    {
        fault(": its lease is ended by a word, and it runs".to_owned());
    }
    let is_done = matches!(job.stand, Stand::Done(_));
    let rests = is_done || matches!(job.stand, Stand::Cancelled(_));
    if rests == job.payload.is_some() || !is_done && job.result.is_some() {
        fault(format!(
            ": in state {:?}, with a payload: {}, with a result: {}",
            job.stand,
            job.payload.is_some(),
            job.result.is_some()
        ));
    }
    let may_recur = matches!(
        job.stand,
        Stand::Scheduled(_) | Stand::Cancelled(_) | Stand::Dead(_)
    );
    if job.recurs.is_some() && (!may_recur || job.deadline_ms.is_some()) {
        fault(format!(": it recurs, in state {:?}", job.stand));
    }
    let (waits, waits_for) = (matches!(job.stand, Stand::Waiting(_)), job.waits_for);
    if waits && waits_for == 0 || !waits && !ended && waits_for > 0 {
        fault(format!(
            ": in state {:?}, it waits for {waits_for} children",
            job.stand
        ));
    }
    if job.number == 0 || job.number > queue.added {
        fault(format!(
            ": number {} of {} that were added",
            job.number, queue.added
        ));
    }
    if i64::from(job.priority) > crate::PRIORITY_MAX {
        fault(format!(": of priority {}", job.priority));
    }
}

/// No two jobs have one number.
fn check_numbers(rows: &Rows, fault: Fault<'_>) {
    let mut numbers: Vec<_> = rows.jobs.values().map(|job| job.number).collect();
    numbers.sort_unstable();
    for two in numbers.windows(2).filter(|two| two[0] == two[1]) {
        fault(format!(": two jobs have the number {}", two[0]));
    }
}
