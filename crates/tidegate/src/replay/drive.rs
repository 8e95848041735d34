//! From a plan to its end: resume, spread the SKUs over connections, run, compare the books.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::books::{self, Books, Units};
use super::course::{Command, Course};
use super::journal::{Asked, Entry, Journal};
use super::lane::{Lane, Meter, Shared};
use super::live::{Live, Observer};
use super::patience::Asker;
use super::plan::Plan;
use super::report::Report;
use super::schedule::Schedule;
use super::{Error, Options, input, journal};

/// How often an observer is told.
const TICK: Duration = Duration::from_millis(100);

/// Replays a file, and tells what came of it.
pub(crate) fn run(options: &Options, observer: &mut dyn Observer) -> Result<Report, Error> {
    let (plan, hash) =
        input::read(&options.file, &options.columns, options.share).map_err(|source| {
            Error::Input {
                file: options.file.clone(),
                source,
            }
        })?;
    let identity = format!(
        "input={hash} share={} columns={:?}",
        options.share,
        options.columns.to_string()
    );
    let in_journal = |source| Error::Journal {
        path: options.journal.clone(),
        source,
    };
    let (journal, entries) = Journal::open(&options.journal, &identity).map_err(in_journal)?;
    let courses = resume(&plan, &entries).map_err(in_journal)?;
    refuse_another_server(options, &courses)?;
    refuse_to_overwrite(options, &courses)?;

    let first_record = courses.iter().filter_map(Course::at).min().unwrap_or(1);
    let schedules = spread(courses, options.connections);
    let tallies: Vec<_> = schedules.iter().map(Schedule::tally).collect();
    let live = Live::new(plan.lines.len() as u64, &tallies);
    observer.progress(&live.progress());
    let shared = Shared {
        plan: &plan,
        options,
        journal: &journal,
        live: &live,
        first_record,
    };
    let (courses, meter) = run_lanes(&shared, schedules, observer)?;
    let progress = live.progress();
    observer.progress(&progress);

    let skus: std::collections::HashSet<_> = plan.skus.iter().map(|sku| &*sku.name).collect();
    let mut asker = Asker::new(options);
    let rows = books::rows(&mut asker, |sku| skus.contains(sku))?;
    let books = Books::compare(courses.iter(), &rows);
    Ok(Report::new(
        options, &plan, &courses, &progress, &meter, books,
    ))
}

/// The state of every SKU after the answers in a journal.
pub(super) fn resume<'p>(
    plan: &'p Plan,
    entries: &[Entry],
) -> Result<Vec<Course<'p>>, journal::Error> {
    // There are no more SKUs than records, whose number is 32 bits.
    let skus = 0..plan.skus.len() as u32;
    let mut courses: Vec<_> = skus.map(|sku| Course::new(plan, sku)).collect();
    for (line, entry) in (2..).zip(entries) {
        apply(plan, &mut courses, entry).ok_or_else(|| {
            let text = "an answer to something that was not asked".to_owned();
            journal::Error::Unreadable { line, text }
        })?;
    }
    Ok(courses)
}

fn apply(plan: &Plan, courses: &mut [Course<'_>], entry: &Entry) -> Option<()> {
    let index = plan
        .lines
        .binary_search_by_key(&entry.record, |line| line.record)
        .ok()?;
    let course = &mut courses[plan.lines[index].sku as usize];
    let about = |command: &Command| match *command {
        Command::Declare => true,
        Command::Hold { line } | Command::Confirm { line } => line as usize == index,
        Command::Return { line, .. } => line as usize == index,
    };
    let asked = |command: &Command| Asked::from(*command) == entry.asked && about(command);
    let command = course.wants().into_iter().find(asked)?;
    course.record(command, entry.verdict.clone()).ok()
}

/// A journal tells what one server has answered. With another server behind the address, going on
/// would mix the two, and no figure would be right.
fn refuse_another_server(options: &Options, courses: &[Course<'_>]) -> Result<(), Error> {
    let Some(course) = courses.iter().find(|course| course.declared()) else {
        return Ok(());
    };
    let sku = course.sku();
    let total = Asker::new(options).ask(&[b"STOCK.GET", sku.name.as_bytes()], |reply| {
        reply.field("total").and_then(crate::client::Reply::count)
    })?;
    if total == Some(sku.total) {
        return Ok(());
    }
    let (addr, journal) = (options.addr.clone(), options.journal.clone());
    Err(Error::AnotherServer {
        addr,
        journal,
        sku: sku.name.clone(),
    })
}

/// Whoever names a server may not know what it has: to declare a SKU that it has otherwise would change
/// what others rely on. A run that was killed has declared some that its journal does not know of, and has
/// held nothing of them.
fn refuse_to_overwrite(options: &Options, courses: &[Course<'_>]) -> Result<(), Error> {
    let declares = |course: &&Course<'_>| !course.declared() && course.at().is_some();
    let declared = courses.iter().filter(declares).map(Course::sku);
    let totals: HashMap<_, _> = declared.map(|sku| (&*sku.name, sku.total)).collect();
    if options.overwrite || totals.is_empty() {
        return Ok(());
    }
    let rows = books::rows(&mut Asker::new(options), |sku| totals.contains_key(sku))?;
    let is_other = |sku: &str, units: Units| {
        let total = totals.get(sku);
        total.is_some_and(|total| units != Units::fresh(*total))
    };
    let others: Vec<_> = rows
        .into_iter()
        .filter(|(sku, units)| is_other(sku, *units))
        .collect();
    let count = others.len();
    let first = others.into_iter().min_by(|a, b| a.0.cmp(&b.0));
    first.map_or(Ok(()), |(sku, units)| {
        Err(Error::Known {
            addr: options.addr.clone(),
            count,
            sku,
            total: units.total,
        })
    })
}

/// Deals the SKUs out, those with the most lines first, each to the connection with the fewest.
fn spread(courses: Vec<Course<'_>>, connections: usize) -> Vec<Schedule<'_>> {
    let mut numbered: Vec<_> = (0_u32..).zip(courses).collect();
    numbered.sort_by_key(|(_, course)| std::cmp::Reverse(course.sku().lines.len()));
    let mut lanes: Vec<(usize, Vec<_>)> = (0..connections).map(|_| (0, Vec::new())).collect();
    for (sku, course) in numbered {
        if let Some(lane) = lanes.iter_mut().min_by_key(|lane| lane.0) {
            lane.0 += course.sku().lines.len();
            lane.1.push((sku, course));
        }
    }
    lanes
        .into_iter()
        .map(|(_, courses)| Schedule::new(courses))
        .collect()
}

fn run_lanes<'r>(
    shared: &'r Shared<'r>,
    schedules: Vec<Schedule<'r>>,
    observer: &mut dyn Observer,
) -> Result<(Vec<Course<'r>>, Meter), Error> {
    let (ended, ends) = channel();
    let lanes = schedules.into_iter().enumerate();
    let lanes: Vec<_> = lanes
        .map(|(index, schedule)| Lane::new(shared, index, schedule))
        .collect();
    let lanes = thread::scope(|scope| {
        let lanes: Vec<_> = lanes
            .into_iter()
            .map(|lane| {
                let ended = ended.clone();
                scope.spawn(move || run_lane(lane, shared.live, &ended))
            })
            .collect();
        drop(ended);
        let outcome = watch(shared.live, observer, &ends);
        let lanes = lanes
            .into_iter()
            .map(|lane| lane.join().expect("because a lane does not panic"));
        outcome.map(|()| lanes.collect::<Vec<_>>())
    })?;
    let mut meter = Meter::new();
    lanes.iter().for_each(|lane| meter.add(&lane.meter));
    let mut seats: Vec<_> = lanes
        .into_iter()
        .flat_map(|lane| lane.schedule.courses)
        .collect();
    seats.sort_by_key(|seat| seat.sku);
    Ok((seats.into_iter().map(|seat| seat.course).collect(), meter))
}

fn run_lane<'r>(mut lane: Lane<'r>, live: &Live, ended: &Sender<Result<(), Error>>) -> Lane<'r> {
    let outcome = lane.run();
    if outcome.is_err() {
        live.stop();
    }
    // Nobody listens any more once another connection has failed.
    ended.send(outcome).ok();
    lane
}

/// Tells the observer until every connection has ended; the first error wins.
fn watch(
    live: &Live,
    observer: &mut dyn Observer,
    ends: &Receiver<Result<(), Error>>,
) -> Result<(), Error> {
    loop {
        match ends.recv_timeout(TICK) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error),
            Err(RecvTimeoutError::Timeout) => observer.progress(&live.progress()),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "drive_tests.rs"]
mod tests;
