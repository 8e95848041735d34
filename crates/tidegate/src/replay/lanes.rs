//! All connections of a replay at once, and who looks at them meanwhile.

use std::cmp::Reverse;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::Error;
use super::course::Course;
use super::lane::{Lane, Meter, Shared};
use super::live::{Live, Observer};
use super::schedule::Schedule;
use super::tally::Counts;

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

/// Runs until everything is done, and gives the courses back as they were numbered.
pub(super) fn run<C: Course>(
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
