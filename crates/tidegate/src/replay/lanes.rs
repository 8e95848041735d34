//! All connections of a replay at once, and who looks at them meanwhile.

use std::cmp::Reverse;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::course::Course;
use super::journal::Journal;
use super::lane::{Lane, Meter, Shared};
use super::live::{Live, Observer, Progress};
use super::schedule::Schedule;
use super::tally::Counts;
use super::{Error, Options};

/// How often an observer is told.
const TICK: Duration = Duration::from_millis(100);

/// Deals courses out, those with the most lines first, each to the connection with the fewest.
pub(super) fn spread<C: Course>(
    courses: impl IntoIterator<Item = C>,
    lines_of: impl Fn(&C) -> usize,
    connections: usize,
) -> Vec<Schedule<C>> {
    let mut numbered: Vec<_> = (0_u32..).zip(courses).collect();
    numbered.sort_by_key(|(_, course)| Reverse(lines_of(course)));
    let mut lanes: Vec<(usize, Vec<_>)> = (0..connections).map(|_| (0, Vec::new())).collect();
    for (number, course) in numbered {
        if let Some(lane) = lanes.iter_mut().min_by_key(|lane| lane.0) {
            lane.0 += lines_of(&course);
            lane.1.push((number, course));
        }
    }
    lanes
        .into_iter()
        .map(|(_, courses)| Schedule::new(courses))
        .collect()
}

/// What a replay runs with, from its beginning to its end.
pub(super) struct Session<'r> {
    pub(super) options: &'r Options,
    pub(super) journal: Journal,
}

/// What came of some courses.
pub(super) struct Outcome<C: Course> {
    /// As they were numbered.
    pub(super) courses: Vec<C>,
    pub(super) progress: Progress<C::Tally>,
    pub(super) meter: Meter,
}

impl Session<'_> {
    /// Runs courses until everything is done, which is `in_all` so much as their tallies count.
    pub(super) fn run<C: Course>(
        &self,
        courses: impl IntoIterator<Item = C>,
        lines_of: impl Fn(&C) -> usize,
        in_all: u64,
        observer: &mut dyn Observer<C::Tally>,
    ) -> Result<Outcome<C>, Error> {
        let schedules = spread(courses, lines_of, self.options.connections);
        let seats = schedules.iter().flat_map(|schedule| &schedule.courses);
        let first_record = seats.filter_map(|seat| seat.course.at()).min();
        let tallies: Vec<_> = schedules.iter().map(Schedule::tally).collect();
        let live = Live::new(in_all, &tallies);
        observer.progress(&live.progress());
        let shared = Shared {
            options: self.options,
            journal: &self.journal,
            live: &live,
            first_record: first_record.unwrap_or(1),
        };
        let (courses, meter) = run(&shared, schedules, observer)?;
        let progress = live.progress();
        observer.progress(&progress);
        Ok(Outcome {
            courses,
            progress,
            meter,
        })
    }
}

fn run<C: Course>(
    shared: &Shared<'_, C::Tally>,
    schedules: Vec<Schedule<C>>,
    observer: &mut dyn Observer<C::Tally>,
) -> Result<(Vec<C>, Meter), Error> {
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
    seats.sort_by_key(|seat| seat.number);
    Ok((seats.into_iter().map(|seat| seat.course).collect(), meter))
}

fn run_lane<'r, C: Course>(
    mut lane: Lane<'r, C>,
    live: &Live<C::Tally>,
    ended: &Sender<Result<(), Error>>,
) -> Lane<'r, C> {
    let outcome = lane.run();
    if outcome.is_err() {
        live.stop();
    }
    // Nobody listens any more once another connection has failed.
    ended.send(outcome).ok();
    lane
}

/// Tells the observer until every connection has ended; the first error wins.
fn watch<T: Counts>(
    live: &Live<T>,
    observer: &mut dyn Observer<T>,
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
