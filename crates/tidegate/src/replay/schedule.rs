//! Which course's turn it is on one connection: the turns of SKUs, or of orders.
//!
//! The courses of a connection take turns by the place of their next line in the file, so that the
//! file is walked from front to back with many of them under way. A course has its turn again only
//! when everything it had in flight was answered.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use super::course::Course;

/// Longest wait before a course that was answered BUSY is asked for again.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// A command that was sent and not answered. Answers come in the order sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight<M> {
    /// The course's place in the schedule.
    pub(super) course: usize,
    pub(super) command: M,
    pub(super) sent: Instant,
    /// Whether it may have been sent, and carried out, before.
    pub(super) again: bool,
}

/// The turns of the courses of one connection.
pub(super) struct Schedule<C: Course> {
    pub(super) courses: Vec<Seat<C>>,
    flights: VecDeque<Flight<C::Command>>,
    /// Courses that may be asked about, by record.
    ready: BinaryHeap<Reverse<(u32, usize)>>,
    /// Courses that were answered BUSY, by when they may be asked about again.
    resting: BinaryHeap<Reverse<(Instant, usize)>>,
}

/// A course in the schedule.
pub(super) struct Seat<C: Course> {
    /// Its number among all courses of the replay.
    pub(super) number: u32,
    pub(super) course: C,
    in_flight: usize,
    /// What was sent in the last turn. Whatever of it is wanted again was not answered. Before the
    /// first turn: what an earlier run may have sent that did not live to journal the answer.
    sent: Vec<C::Command>,
    /// The longest rest that an answer of this turn has asked for.
    rest: Option<Duration>,
    /// Turns in a row that ended in BUSY.
    busy_turns: u32,
}

impl<C: Course> Schedule<C> {
    pub(super) fn new(courses: impl IntoIterator<Item = (u32, C)>) -> Self {
        let seat = |(number, course): (u32, C)| Seat {
            number,
            in_flight: 0,
            sent: course.perhaps_sent(),
            course,
            rest: None,
            busy_turns: 0,
        };
        let mut schedule = Self {
            courses: courses.into_iter().map(seat).collect(),
            flights: VecDeque::new(),
            ready: BinaryHeap::new(),
            resting: BinaryHeap::new(),
        };
        (0..schedule.courses.len()).for_each(|index| schedule.make_ready(index));
        schedule
    }

    /// What came of all its courses.
    pub(super) fn tally(&self) -> C::Tally {
        let tallies = self.courses.iter().map(|seat| seat.course.tally());
        tallies.fold(C::Tally::default(), |sum, tally| sum + tally)
    }

    /// Commands in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Whether every line is done.
    pub(super) fn finished(&self) -> bool {
        self.flights.is_empty() && self.ready.is_empty() && self.resting.is_empty()
    }

    /// Takes the turn of the next course whose line is not behind record `horizon`: its commands are
    /// in flight from now on. Tells its place and them.
    pub(super) fn turn(&mut self, now: Instant, horizon: u32) -> Option<(usize, Vec<C::Command>)> {
        while let Some(Reverse((until, index))) = self.resting.peek().copied()
            && until <= now
        {
            self.resting.pop();
            self.make_ready(index);
        }
        let Reverse((record, index)) = self.ready.peek().copied()?;
        if record > horizon {
            return None;
        }
        self.ready.pop();
        let seat = &mut self.courses[index];
        let commands = seat.course.wants();
        seat.in_flight = commands.len();
        let flight = |command: &C::Command| Flight {
            course: index,
            command: *command,
            sent: now,
            again: seat.sent.contains(command),
        };
        self.flights.extend(commands.iter().map(flight));
        seat.sent.clone_from(&commands);
        Some((index, commands))
    }

    /// The command in flight that is answered `ahead` answers from now.
    pub(super) fn flight(&self, ahead: usize) -> Option<Flight<C::Command>> {
        self.flights.get(ahead).copied()
    }

    /// The oldest command in flight is answered, and what it means is recorded; or it is to be
    /// asked again after `rest`.
    pub(super) fn landed(&mut self, rest: Option<Duration>, now: Instant) {
        let Some(flight) = self.flights.pop_front() else {
            return;
        };
        let seat = &mut self.courses[flight.course];
        seat.in_flight -= 1;
        seat.rest = seat.rest.max(rest);
        if seat.in_flight > 0 {
            return;
        }
        match seat.rest.take() {
            None => {
                seat.busy_turns = 0;
                self.make_ready(flight.course);
            }
            Some(rest) => {
                let wait = rest
                    .saturating_mul(1 << seat.busy_turns.min(10))
                    .min(BACKOFF_MAX);
                seat.busy_turns += 1;
                self.resting.push(Reverse((now + wait, flight.course)));
            }
        }
    }

    /// The connection is lost: what was in flight is wanted again.
    pub(super) fn lost(&mut self) {
        for flight in std::mem::take(&mut self.flights) {
            let seat = &mut self.courses[flight.course];
            // The first of a course's commands in flight resets it for all of them.
            if seat.in_flight > 0 {
                seat.in_flight = 0;
                seat.rest = None;
                self.make_ready(flight.course);
            }
        }
    }

    fn make_ready(&mut self, index: usize) {
        if let Some(record) = self.courses[index].course.at() {
            self.ready.push(Reverse((record, index)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::course::Verdict;
    use crate::replay::plan::{Builder, Fields, Plan};
    use crate::replay::sku_course::{Command, SkuCourse};

    fn plan(skus: &[&str]) -> Plan {
        let mut builder = Builder::default();
        for (at, sku) in (2..).zip(skus) {
            let fields = Fields {
                invoice: b"1",
                customer: b"a",
                sku: sku.as_bytes(),
                quantity: b"1",
                unit_price: None,
            };
            builder.record(at, fields, None).expect("few records");
        }
        builder
            .finish("1".parse().expect("a share"))
            .expect("small enough")
    }

    fn schedule(plan: &Plan) -> Schedule<SkuCourse<'_>> {
        Schedule::new((0..plan.skus.len() as u32).map(|sku| (sku, SkuCourse::new(plan, sku))))
    }

    fn done(schedule: &mut Schedule<SkuCourse<'_>>, now: Instant) {
        let flight = schedule.flight(0).expect("in flight");
        let course = &mut schedule.courses[flight.course].course;
        course
            .record(flight.command, Verdict::Done)
            .expect("wanted");
        schedule.landed(None, now);
    }

    #[test]
    fn skus_take_turns_by_their_place_in_the_file_and_only_when_answered() {
        let plan = plan(&["X", "Y", "X", "Y"]);
        let (mut schedule, now) = (schedule(&plan), Instant::now());
        assert_eq!(
            schedule.turn(now, u32::MAX),
            Some((0, vec![Command::Declare]))
        );
        assert_eq!(
            schedule.turn(now, u32::MAX),
            Some((1, vec![Command::Declare]))
        );
        assert_eq!(
            schedule.turn(now, u32::MAX),
            None,
            "both wait for their answers"
        );
        done(&mut schedule, now);
        assert_eq!(
            schedule.turn(now, u32::MAX),
            Some((0, vec![Command::Hold { line: 0 }]))
        );
        done(&mut schedule, now);
        done(&mut schedule, now);
        let both = vec![Command::Confirm { line: 0 }, Command::Hold { line: 2 }];
        assert_eq!(schedule.turn(now, u32::MAX), Some((0, both)));
        assert_eq!(schedule.in_flight(), 2);
    }

    #[test]
    fn a_line_beyond_the_horizon_waits() {
        let plan = plan(&["X", "Y"]);
        let (mut schedule, now) = (schedule(&plan), Instant::now());
        assert!(schedule.turn(now, 0).is_none());
        assert!(schedule.turn(now, 1).is_some());
        assert!(schedule.turn(now, 1).is_none());
        assert!(!schedule.finished());
    }

    #[test]
    fn a_busy_sku_rests_longer_each_time_and_is_asked_the_same_again() {
        let plan = plan(&["X"]);
        let (mut schedule, mut now) = (schedule(&plan), Instant::now());
        let rest = Duration::from_millis(50);
        for wait in [50, 100, 200, 400, 800, 1000, 1000] {
            assert_eq!(
                schedule.turn(now, u32::MAX),
                Some((0, vec![Command::Declare]))
            );
            schedule.landed(Some(rest), now);
            let almost = now + Duration::from_millis(wait - 1);
            assert_eq!(schedule.turn(almost, u32::MAX), None, "{wait}");
            now += Duration::from_millis(wait);
        }
    }

    #[test]
    fn what_may_have_been_sent_before_is_known_as_such() {
        let plan = plan(&["X", "X"]);
        let (mut schedule, now) = (schedule(&plan), Instant::now());
        let turn = |schedule: &mut Schedule<SkuCourse<'_>>| {
            schedule.turn(now, u32::MAX).expect("wanted");
            let flights = (0..schedule.in_flight()).filter_map(|ahead| schedule.flight(ahead));
            flights.map(|flight| flight.again).collect::<Vec<_>>()
        };
        assert_eq!(
            turn(&mut schedule),
            [true],
            "an earlier run may have sent it"
        );
        done(&mut schedule, now);
        assert_eq!(
            turn(&mut schedule),
            [false],
            "what comes after it cannot have been sent"
        );
        schedule.lost();
        assert_eq!(turn(&mut schedule), [true], "the answer may have been lost");
        done(&mut schedule, now);
        assert_eq!(turn(&mut schedule), [false, false]);
        schedule.landed(None, now);
        done(&mut schedule, now);
    }

    #[test]
    fn what_was_in_flight_on_a_lost_connection_is_wanted_again_once() {
        let plan = plan(&["X", "Y", "X"]);
        let (mut schedule, now) = (schedule(&plan), Instant::now());
        schedule.turn(now, u32::MAX);
        done(&mut schedule, now);
        schedule.turn(now, u32::MAX);
        schedule.turn(now, u32::MAX);
        schedule.lost();
        assert_eq!(schedule.in_flight(), 0);
        assert_eq!(
            schedule.turn(now, u32::MAX),
            Some((0, vec![Command::Hold { line: 0 }]))
        );
        assert_eq!(
            schedule.turn(now, u32::MAX),
            Some((1, vec![Command::Declare]))
        );
        assert_eq!(schedule.turn(now, u32::MAX), None);
    }
}
