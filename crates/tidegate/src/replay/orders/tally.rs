//! What came of the orders, counted from acknowledged answers only.

use std::iter::Sum;
use std::ops::{Add, Sub};

use serde::Serialize;

use crate::replay::tally::Counts;

/// Orders, the lines and the units in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct OrderCount {
    pub(crate) orders: u64,
    pub(crate) lines: u64,
    pub(crate) units: u64,
}

/// The outcome of orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct OrderTally {
    /// Those that were reserved, cancelled ones among them.
    pub(crate) reserved: OrderCount,
    /// Refused because one of their SKUs had too few units left.
    pub(crate) sold_out: OrderCount,
    /// Cancelled after they were reserved.
    pub(crate) cancelled: OrderCount,
    /// Refused for any other reason, when they were placed or cancelled.
    pub(crate) refused: OrderCount,
    /// Orders that need nothing more; one that is cancelled at the very end counts twice.
    #[serde(skip)]
    pub(crate) done: u64,
}

impl OrderTally {
    /// What is reserved and not cancelled.
    pub(super) fn held(&self) -> OrderCount {
        self.reserved.zip(self.cancelled, |one, two| one - two)
    }

    fn zip(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            reserved: self.reserved.zip(other.reserved, &join),
            sold_out: self.sold_out.zip(other.sold_out, &join),
            cancelled: self.cancelled.zip(other.cancelled, &join),
            refused: self.refused.zip(other.refused, &join),
            done: join(self.done, other.done),
        }
    }
}

impl OrderCount {
    fn zip(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            orders: join(self.orders, other.orders),
            lines: join(self.lines, other.lines),
            units: join(self.units, other.units),
        }
    }
}

impl Sum for OrderCount {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        let add = |sum: Self, one| sum.zip(one, |one, two| one + two);
        counts.fold(Self::default(), add)
    }
}

impl Counts for OrderTally {
    const NOUN: &'static str = "orders";

    fn done(&self) -> u64 {
        self.done
    }

    fn answered(&self) -> u64 {
        self.done
    }

    fn kinds(&self) -> [(u64, &'static str); 3] {
        [
            (self.reserved.orders, "reserved"),
            (self.sold_out.orders, "sold out"),
            (self.cancelled.orders, "cancelled"),
        ]
    }
}

impl Add for OrderTally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, |one, two| one + two)
    }
}

impl Sub for OrderTally {
    type Output = Self;

    /// What was added since `earlier`.
    fn sub(self, earlier: Self) -> Self {
        self.zip(earlier, |now, then| now - then)
    }
}
