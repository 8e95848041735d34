//! One connection of a replay: keeps its pipeline full, journals what comes back, goes on.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::course::{Course, Verdict};
use super::journal::{Entry, Journal};
use super::live::Live;
use super::schedule::{Flight, Schedule};
use super::wire::Meaning;
use super::{Error, Options};
use crate::client::{Connection, Halt, Patience};

/// How long a connection with nothing in flight and nothing due rests.
const IDLE: Duration = Duration::from_millis(2);

/// Latencies are kept up to this many microseconds, with three digits.
const LATENCY_US_MAX: u64 = 60_000_000;

/// What all connections of a replay share.
pub(super) struct Shared<'r, T> {
    pub(super) options: &'r Options,
    pub(super) journal: &'r Journal,
    pub(super) live: &'r Live<T>,
    /// The first record that was not done when the run began. The speed counts from it.
    pub(super) first_record: u32,
}

/// What a run has measured.
pub(super) struct Meter {
    /// From sending a command to its answer, in microseconds.
    pub(super) latency_us: Histogram<u64>,
    /// Answers for good.
    pub(super) answers: u64,
    /// BUSY and other requests to ask again.
    pub(super) busy: u64,
    /// Connections lost.
    pub(super) lost: u64,
}

impl Meter {
    pub(super) fn new() -> Self {
        let latency_us = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)
            .expect("because 1 to 60,000,000 with three digits is within what it accepts");
        Self {
            latency_us,
            answers: 0,
            busy: 0,
            lost: 0,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.latency_us
            .add(&other.latency_us)
            .expect("because both have the same bounds");
        self.answers += other.answers;
        self.busy += other.busy;
        self.lost += other.lost;
    }
}

/// What is answered: for good, or to be asked again after a rest.
type Answered<C> = (Flight<C>, Result<Verdict, Duration>);

/// One connection and the courses that go over it.
pub(super) struct Lane<'r, C: Course> {
    pub(super) schedule: Schedule<C>,
    pub(super) meter: Meter,
    shared: &'r Shared<'r, C::Tally>,
    index: usize,
    patience: Patience,
    tally: C::Tally,
}

impl<'r, C: Course> Lane<'r, C> {
    pub(super) fn new(
        shared: &'r Shared<'r, C::Tally>,
        index: usize,
        schedule: Schedule<C>,
    ) -> Self {
        let tally = schedule.tally();
        let patience = Patience::new(shared.options.peer());
        Self {
            schedule,
            meter: Meter::new(),
            shared,
            index,
            patience,
            tally,
        }
    }

    /// Replays until every line is done, another connection failed, or the patience is used up.
    pub(super) fn run(&mut self) -> Result<(), Error> {
        let mut connection = None;
        while !self.schedule.finished() && !self.shared.live.stopped() {
            let Some(open) = &mut connection else {
                connection = self.patience.connect()?;
                if connection.is_none() {
                    self.waits(self.patience.why().to_owned());
                }
                continue;
            };
            match self.exchange(open) {
                Ok(()) => self.patience.check()?,
                Err(Halt::Failed(error)) => return Err(error),
                Err(Halt::Lost(lost)) => {
                    connection = None;
                    self.meter.lost += 1;
                    self.schedule.lost();
                    self.waits(lost.to_string());
                    self.patience.lost(&lost)?;
                }
            }
        }
        Ok(())
    }

    fn waits(&self, why: String) {
        self.shared.live.waits(self.index, Some(why));
    }

    fn exchange(&mut self, connection: &mut Connection) -> Result<(), Halt<Error>> {
        self.send(connection)?;
        if self.schedule.in_flight() == 0 {
            std::thread::sleep(IDLE);
            return Ok(());
        }
        self.patience.begin();
        connection.fill()?;
        self.receive(connection)
    }

    fn send(&mut self, connection: &mut Connection) -> Result<(), Halt<Error>> {
        let (now, horizon) = (Instant::now(), self.horizon());
        while self.schedule.in_flight() < self.shared.options.pipeline
            && let Some((index, commands)) = self.schedule.turn(now, horizon)
        {
            let course = &self.schedule.courses[index].course;
            for command in commands {
                course.push(command, connection);
            }
        }
        Ok(connection.flush()?)
    }

    /// The last record that may be sent by now.
    fn horizon(&self) -> u32 {
        let Some(lines_per_s) = self.shared.options.speed.lines_per_s() else {
            return u32::MAX;
        };
        let lines = self.shared.live.began.elapsed().as_secs_f64() * lines_per_s;
        // A float beyond the range becomes the end of the range.
        self.shared.first_record.saturating_add(lines as u32)
    }

    /// Journals what was answered, then acts upon it; see the laws of [`super::journal`].
    fn receive(&mut self, connection: &mut Connection) -> Result<(), Halt<Error>> {
        let mut answered = Vec::new();
        let mut stop = None;
        let mut lines = Vec::new();
        while let Some(reply) = connection.next()? {
            let Some(flight) = self.schedule.flight(answered.len()) else {
                return Err(self.stopped("a reply to nothing".to_owned()).into());
            };
            let course = &self.schedule.courses[flight.course].course;
            match course.meaning(flight.command, &reply, flight.again) {
                Meaning::Stop(why) => {
                    stop = Some(self.stopped(why));
                    break;
                }
                Meaning::Again(rest) => {
                    self.meter.busy += 1;
                    self.patience.blame("it is busy".to_owned());
                    answered.push((flight, Err(rest)));
                }
                Meaning::NotYet(rest, why) => {
                    self.patience.blame(why.to_owned());
                    answered.push((flight, Err(rest)));
                }
                Meaning::Final(verdict) => {
                    let (record, asked) = course.journaled(flight.command);
                    Entry {
                        record,
                        asked,
                        verdict: verdict.clone(),
                    }
                    .write(&mut lines);
                    answered.push((flight, Ok(verdict)));
                }
            }
        }
        if !lines.is_empty() {
            self.shared
                .journal
                .append(&lines)
                .map_err(|error| self.journal_failed(error))?;
        }
        self.act(answered)?;
        stop.map_or(Ok(()), |error| Err(error.into()))
    }

    fn act(&mut self, answered: Vec<Answered<C::Command>>) -> Result<(), Error> {
        let now = Instant::now();
        for (flight, answer) in answered {
            let rest = match answer {
                Ok(verdict) => {
                    self.finish(flight, verdict, now)?;
                    None
                }
                Err(rest) => Some(rest),
            };
            self.schedule.landed(rest, now);
        }
        self.shared.live.publish(self.index, self.tally);
        Ok(())
    }

    fn finish(
        &mut self,
        flight: Flight<C::Command>,
        verdict: Verdict,
        now: Instant,
    ) -> Result<(), Error> {
        let course = &mut self.schedule.courses[flight.course].course;
        let before = course.tally();
        let recorded = course.record(flight.command, verdict);
        self.tally = self.tally + (course.tally() - before);
        recorded.map_err(|unasked| self.stopped(unasked.to_string()))?;
        if C::is_timed(flight.command) {
            let latency_us = u64::try_from((now - flight.sent).as_micros()).unwrap_or(u64::MAX);
            self.meter.latency_us.saturating_record(latency_us);
        }
        self.meter.answers += 1;
        self.patience.renew();
        self.shared.live.waits(self.index, None);
        Ok(())
    }

    fn stopped(&self, why: String) -> Error {
        self.patience.stopped(&why).into()
    }

    fn journal_failed(&self, error: std::io::Error) -> Error {
        Error::Journal {
            path: self.shared.options.journal.clone(),
            source: error.into(),
        }
    }
}
