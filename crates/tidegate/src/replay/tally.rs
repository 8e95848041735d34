//! What came of the lines, counted from acknowledged answers only.

use std::ops::{Add, Sub};

use serde::Serialize;

/// What courses count, and a progress shows.
pub(crate) trait Counts:
    Copy + Default + Add<Output = Self> + Sub<Output = Self> + Send + Sync
{
    /// What is counted.
    const NOUN: &'static str;

    /// Of what is to be done, as much as needs nothing more.
    fn done(&self) -> u64;

    /// Of that, as much as the server was asked for.
    fn answered(&self) -> u64;

    /// How many came to what, the most important first.
    fn kinds(&self) -> [(u64, &'static str); 3];
}

/// Lines, and the units in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    pub(crate) lines: u64,
    pub(crate) units: u64,
}

/// The outcome of order lines and return lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// Orders held and confirmed.
    pub(crate) held: Count,
    /// Orders refused because too few units were left.
    pub(crate) sold_out: Count,
    /// Return lines of which something was taken back, and the units taken back.
    pub(crate) returned: Count,
    /// Return lines, or the part of them, for which the customer has no earlier order left.
    pub(crate) unmatched: Count,
    /// Return lines without a customer, which cannot be matched to anyone.
    pub(crate) unmatched_guests: Count,
    /// Lines refused for any other reason, in whole or in part.
    pub(crate) refused: Count,
    /// Lines that need nothing more.
    pub(crate) done: u64,
    /// Of them, return lines for which there was nothing to send: no order to take units back from.
    pub(crate) not_sent: u64,
}

impl Count {
    pub(super) fn line(&mut self, units: u64) {
        self.lines += 1;
        self.units += units;
    }
}

impl Tally {
    /// Units sold and not returned.
    pub(super) fn sold(&self) -> u64 {
        self.held.units - self.returned.units
    }

    /// How often lines were counted beyond once: a return line that was taken back in part stands
    /// among the returned and among the rest.
    pub(super) fn counted_again(&self) -> u64 {
        let orders = self.held.lines + self.sold_out.lines + self.refused.lines;
        let returns = self.returned.lines + self.unmatched.lines + self.unmatched_guests.lines;
        (orders + returns).saturating_sub(self.done)
    }

    fn zip(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        let count = |one: Count, two: Count| Count {
            lines: join(one.lines, two.lines),
            units: join(one.units, two.units),
        };
        Self {
            held: count(self.held, other.held),
            sold_out: count(self.sold_out, other.sold_out),
            returned: count(self.returned, other.returned),
            unmatched: count(self.unmatched, other.unmatched),
            unmatched_guests: count(self.unmatched_guests, other.unmatched_guests),
            refused: count(self.refused, other.refused),
            done: join(self.done, other.done),
            not_sent: join(self.not_sent, other.not_sent),
        }
    }
}

impl Counts for Tally {
    const NOUN: &'static str = "lines";

    fn done(&self) -> u64 {
        self.done
    }

    fn answered(&self) -> u64 {
        self.done - self.not_sent
    }

    fn kinds(&self) -> [(u64, &'static str); 3] {
        [
            (self.held.lines, "held"),
            (self.sold_out.lines, "sold out"),
            (self.returned.lines, "returned"),
        ]
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, |one, two| one + two)
    }
}

impl Sub for Tally {
    type Output = Self;

    /// What was added since `earlier`.
    fn sub(self, earlier: Self) -> Self {
        self.zip(earlier, |now, then| now - then)
    }
}
