//! Jobs that recur: at an interval, or as a cron expression has it in a time zone.
//!
//! Zones are compiled in: what is computed here rests on nothing but what is said. As in the Open Cron Pattern
//! Specification, what is due in an hour that a zone skips is due when that hour would have ended, and what is due at a
//! time of day that comes twice is due once.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use minicbor::{Decode, Encode};

use crate::{AHEAD_MS_MAX, MISSED_AFTER_MS, MISSED_MS_MAX};

/// When a job recurs, and what becomes of the times at which nothing could happen.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Recurs {
    #[n(0)]
    pub(crate) rhythm: Rhythm,
    #[n(1)]
    pub(crate) missed: Missed,
}

/// When a job recurs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Rhythm {
    /// So many milliseconds after the time before.
    #[n(1)]
    Every(#[n(0)] u64),
    /// By a cron expression of five fields, in a zone.
    #[n(2)]
    Cron(#[n(0)] String, #[n(1)] String),
}

/// What becomes of times that have passed while nothing could happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Missed {
    /// The last one is made up for.
    #[n(1)]
    One,
    /// Each of them is.
    #[n(2)]
    All,
    /// None is that is more than [`MISSED_AFTER_MS`] late.
    #[n(3)]
    None,
}

/// Why a job cannot recur so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Expression,
    Zone,
    /// It would never come, or not within ten years.
    Never,
}

impl Wrong {
    /// The word by which it is told.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Expression => "cron",
            Self::Zone => "zone",
            Self::Never => "never",
        }
    }
}

fn parse(expression: &str) -> Result<Cron, Wrong> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    parser.parse(expression).map_err(|_| Wrong::Expression)
}

fn zone(name: &str) -> Result<TimeZone, Wrong> {
    TimeZone::get(name).map_err(|_| Wrong::Zone)
}

impl Rhythm {
    /// The first time behind another one.
    pub(crate) fn next_ms(&self, behind_ms: u64) -> Result<u64, Wrong> {
        let next_ms = match self {
            Self::Every(every_ms) => behind_ms.checked_add(*every_ms),
            Self::Cron(expression, name) => {
                let (cron, zone) = (parse(expression)?, zone(name)?);
                let behind = zoned(behind_ms, zone)?;
                let next = cron.find_next_occurrence(&behind, false);
                let next = next.map_err(|_| Wrong::Never)?;
                u64::try_from(next.timestamp().as_millisecond()).ok()
            }
        };
        let next_ms = next_ms.filter(|next_ms| *next_ms > behind_ms);
        let within = |next_ms: &u64| next_ms - behind_ms <= AHEAD_MS_MAX;
        next_ms.filter(within).ok_or(Wrong::Never)
    }

    /// The last time up to now, of those from one that has come on.
    fn last_ms(&self, first_ms: u64, now_ms: u64) -> Result<u64, Wrong> {
        match self {
            Self::Every(every_ms) => {
                let periods = (now_ms - first_ms) / every_ms;
                Ok(first_ms + periods * every_ms)
            }
            Self::Cron(expression, name) => {
                let (cron, zone) = (parse(expression)?, zone(name)?);
                let now = zoned(now_ms, zone)?;
                let last = cron.find_previous_occurrence(&now, true);
                let last = last.map_err(|_| Wrong::Never)?;
                let last_ms = u64::try_from(last.timestamp().as_millisecond());
                Ok(last_ms.unwrap_or(first_ms).max(first_ms))
            }
        }
    }
}

fn zoned(at_ms: u64, zone: TimeZone) -> Result<Zoned, Wrong> {
    let at_ms = i64::try_from(at_ms).map_err(|_| Wrong::Never)?;
    let at = Timestamp::from_millisecond(at_ms).map_err(|_| Wrong::Never)?;
    Ok(at.to_zoned(zone))
}

impl Recurs {
    /// When it is due first: not before a time if one was asked for.
    pub(crate) fn first_ms(&self, asked_ms: Option<u64>, now_ms: u64) -> Result<u64, Wrong> {
        match (&self.rhythm, asked_ms) {
            (Rhythm::Every(_), Some(asked_ms)) => Ok(asked_ms),
            (Rhythm::Cron(..), Some(asked_ms)) => self.rhythm.next_ms(asked_ms.saturating_sub(1)),
            (Rhythm::Every(_) | Rhythm::Cron(..), None) => self.rhythm.next_ms(now_ms),
        }
    }

    /// Of a job that was due at a time which has come: the time for which it is done now, if it is, and the one for which
    /// it is due next.
    pub(crate) fn turn(&self, due_ms: u64, now_ms: u64) -> Result<(Option<u64>, u64), Wrong> {
        let slot_ms = match self.missed {
            Missed::All if now_ms - due_ms > MISSED_MS_MAX => {
                self.rhythm.last_ms(due_ms, now_ms - MISSED_MS_MAX)?
            }
            Missed::All => due_ms,
            Missed::One | Missed::None => self.rhythm.last_ms(due_ms, now_ms)?,
        };
        let is_missed = self.missed == Missed::None && now_ms - slot_ms > MISSED_AFTER_MS;
        let next_ms = self.rhythm.next_ms(slot_ms)?;
        Ok(((!is_missed).then_some(slot_ms), next_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(expression: &str, zone: &str) -> Rhythm {
        Rhythm::Cron(expression.to_owned(), zone.to_owned())
    }

    fn ms(at: &str) -> u64 {
        let at: Timestamp = at.parse().expect("it is a time");
        u64::try_from(at.as_millisecond()).expect("it is behind 1970")
    }

    /// The times behind one, as they are read in UTC.
    fn times(rhythm: &Rhythm, from: &str, many: usize) -> Vec<String> {
        let mut at_ms = ms(from);
        let next = |_| {
            at_ms = rhythm.next_ms(at_ms).expect("it comes");
            let at = Timestamp::from_millisecond(i64::try_from(at_ms).expect("it is near"));
            at.expect("it is one").to_string()
        };
        (0..many).map(next).collect()
    }

    #[test]
    fn what_is_due_at_a_time_of_day_is_due_at_that_of_its_zone() {
        let daily = cron("30 8 * * *", "Europe/Berlin");
        assert_eq!(
            times(&daily, "2026-03-27T12:00:00Z", 3),
            [
                "2026-03-28T07:30:00Z",
                "2026-03-29T06:30:00Z",
                "2026-03-30T06:30:00Z"
            ]
        );
        let weekdays = cron("0 9 * * MON-FRI", "Asia/Tokyo");
        assert_eq!(
            times(&weekdays, "2026-11-27T00:00:00Z", 2),
            ["2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"]
        );
    }

    #[test]
    fn what_is_due_in_an_hour_that_is_skipped_comes_and_in_one_that_comes_twice_once() {
        let daily = cron("30 2 * * *", "Europe/Berlin");
        assert_eq!(
            times(&daily, "2026-03-28T02:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            times(&daily, "2026-10-24T02:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
    }

    #[test]
    fn interval_goes_on_from_the_time_before() {
        let rhythm = Rhythm::Every(1_500);
        assert_eq!(rhythm.next_ms(100), Ok(1_600));
        assert_eq!(
            rhythm.last_ms(100, 100 + 4 * 1_500 + 1_499),
            Ok(100 + 4 * 1_500)
        );
        assert_eq!(Rhythm::Every(u64::MAX).next_ms(5), Err(Wrong::Never));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let now = ms("2026-01-01T00:00:00Z");
        for (expression, zone, wrong) in [
            ("", "UTC", Wrong::Expression),
            ("* * * *", "UTC", Wrong::Expression),
            ("* * * * * *", "UTC", Wrong::Expression),
            ("61 * * * *", "UTC", Wrong::Expression),
            ("0 0 * * *", "Mars/Phobos", Wrong::Zone),
            ("0 0 30 2 *", "UTC", Wrong::Never),
        ] {
            assert_eq!(
                cron(expression, zone).next_ms(now),
                Err(wrong),
                "{expression}"
            );
        }
    }

    #[test]
    fn times_that_were_missed_are_made_up_for_as_it_was_said() {
        let day = 24 * 3_600_000;
        let (due, now) = (ms("2026-01-01T06:00:00Z"), ms("2026-01-04T08:00:00Z"));
        let last = due + 3 * day;
        let turn = |missed| {
            let rhythm = cron("0 6 * * *", "UTC");
            Recurs { rhythm, missed }.turn(due, now)
        };
        assert_eq!(turn(Missed::One), Ok((Some(last), last + day)));
        let within_a_day = due + 2 * day;
        let all = Ok((Some(within_a_day), within_a_day + day));
        assert_eq!(turn(Missed::All), all, "those of the last day");
        assert_eq!(turn(Missed::None), Ok((None, last + day)));
        let soon = Recurs {
            rhythm: Rhythm::Every(day),
            missed: Missed::None,
        };
        assert_eq!(
            soon.turn(due, due + MISSED_AFTER_MS),
            Ok((Some(due), due + day))
        );
    }
}
