//! All payments and what happens to them: state only, without a clock of its own.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::buyers::{Buyers, Fate};
use super::chance::Draws;
use super::id::Id;
use super::requests::{Currency, NewPayment, NewRefund};

/// Payments that are kept: a day at a hundred a second, and some.
const PAYMENTS_MAX: usize = 10_000_000;

/// Bytes of all payments, refunds and timers: what those of common sizes take, for refunds could
/// make them as large as one likes.
const BYTES_MAX: usize = 4 << 30;

/// Refunds of one payment: more than anybody has lines in an order, little enough to look through.
const REFUNDS_MAX: usize = 1_000;

/// What a payment takes beside its text: its row, its place in the index, and a timer, or two.
const PAYMENT_BYTES: usize = size_of::<Payment>() + 2 * size_of::<(Id, u32)>() + 2 * TIMER_BYTES;
const REFUND_BYTES: usize = 2 * size_of::<Refund>() + TIMER_BYTES;
const TIMER_BYTES: usize = size_of::<Timer>();

/// A payment that a merchant has asked for.
#[derive(Clone, Debug)]
pub(super) struct Payment {
    pub(super) id: Id,
    pub(super) order: Box<str>,
    pub(super) amount: u64,
    pub(super) currency: Currency,
    pub(super) created_at_ms: u64,
    pub(super) expires_at_ms: u64,
    pub(super) state: State,
    /// A person has opened its page, and decides: its buyer does nothing by itself.
    pub(super) is_in_hand: bool,
    pub(super) refunds: Vec<Refund>,
}

/// What a person makes of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Pay,
    Decline,
}

/// What has become of a payment. All but the first are for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Paid { amount: u64, at_ms: u64 },
    Failed,
    Expired,
}

/// Money on its way back.
#[derive(Clone, Debug)]
pub(super) struct Refund {
    pub(super) id: Id,
    pub(super) amount: u64,
    pub(super) state: RefundState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefundState {
    Pending,
    Done,
    Failed,
}

/// What has happened to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Paid,
    Failed,
    Expired,
    RefundDone(Id),
    RefundFailed(Id),
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there is no such payment")]
    Unknown,
    #[error("this id has been used with other content")]
    OtherContent,
    #[error("of what was paid {left} are left to be refunded")]
    MoreThanPaid { left: u64 },
    #[error("a payment has at most {REFUNDS_MAX} refunds")]
    TooManyRefunds,
    #[error("the sandbox keeps no more payments; start it anew")]
    Full,
}

/// Whether a request has made something, or had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Now,
    Before,
}

/// All payments, and when what happens to them.
pub(super) struct Payments {
    buyers: Buyers,
    draws: Draws,
    kept: Vec<Payment>,
    places: HashMap<Id, u32>,
    timers: BinaryHeap<Reverse<Timer>>,
    bytes: usize,
}

/// Ordered by time, then by what was asked for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    at_ms: u64,
    payment: u32,
    /// The place of a refund among those of its payment; none for the payment itself.
    refund: Option<u32>,
}

impl Payments {
    pub(super) fn new(buyers: Buyers, draws: Draws) -> Self {
        Self {
            buyers,
            draws,
            kept: Vec::new(),
            places: HashMap::new(),
            timers: BinaryHeap::new(),
            bytes: 0,
        }
    }

    /// Makes a payment, unless it is there.
    pub(super) fn create(&mut self, new: NewPayment, now_ms: u64) -> Result<Made, Refusal> {
        if let Some(known) = self.get(new.id) {
            return if new.is(known) {
                Ok(Made::Before)
            } else {
                Err(Refusal::OtherContent)
            };
        }
        if self.kept.len() == PAYMENTS_MAX {
            return Err(Refusal::Full);
        }
        self.take_room(PAYMENT_BYTES + new.order.len())?;
        let place = place_of(self.kept.len());
        let payment = new.into_payment(now_ms);
        let (at_ms, _) = self.buyers.fate(self.draws, &payment);
        self.places.insert(payment.id, place);
        self.kept.push(payment);
        self.wake(at_ms, place, None);
        Ok(Made::Now)
    }

    /// Begins a refund, unless it is there.
    pub(super) fn refund(&mut self, id: Id, new: NewRefund, now_ms: u64) -> Result<Made, Refusal> {
        let place = *self.places.get(&id).ok_or(Refusal::Unknown)?;
        let payment = &self.kept[place as usize];
        if let Some(known) = payment.refund(new.id) {
            return if known.amount == new.amount {
                Ok(Made::Before)
            } else {
                Err(Refusal::OtherContent)
            };
        }
        let left = payment.left();
        if new.amount > left {
            return Err(Refusal::MoreThanPaid { left });
        }
        if payment.refunds.len() == REFUNDS_MAX {
            return Err(Refusal::TooManyRefunds);
        }
        self.take_room(REFUND_BYTES)?;
        let refund = Refund {
            id: new.id,
            amount: new.amount,
            state: RefundState::Pending,
        };
        let payment = &mut self.kept[place as usize];
        let at_ms = now_ms + self.buyers.refund_ms(self.draws, payment, &refund);
        let number = place_of(payment.refunds.len());
        payment.refunds.push(refund);
        self.wake(at_ms, place, Some(number));
        Ok(Made::Now)
    }

    /// A person has its page before them: from now on it waits for what they decide, until it expires.
    pub(super) fn take_in_hand(&mut self, id: Id) -> Option<&Payment> {
        let place = *self.places.get(&id)?;
        let payment = &mut self.kept[place as usize];
        if payment.state == State::Pending && !payment.is_in_hand {
            payment.is_in_hand = true;
            let until_ms = payment.expires_at_ms;
            self.wake(until_ms, place, None);
        }
        Some(&self.kept[place as usize])
    }

    /// A person decides; what they have decided before, or the end of its time, stands.
    pub(super) fn decide(
        &mut self,
        id: Id,
        decision: Decision,
        now_ms: u64,
    ) -> Option<(Option<Event>, &Payment)> {
        self.take_in_hand(id)?;
        let place = *self.places.get(&id)?;
        let payment = &mut self.kept[place as usize];
        let event = (payment.state == State::Pending).then(|| payment.be_decided(decision, now_ms));
        Some((event, &self.kept[place as usize]))
    }

    pub(super) fn get(&self, id: Id) -> Option<&Payment> {
        let place = self.places.get(&id)?;
        Some(&self.kept[*place as usize])
    }

    /// All of them, in the order in which they were made.
    pub(super) fn all(&self) -> &[Payment] {
        &self.kept
    }

    /// When the next thing happens by itself.
    pub(super) fn next_at_ms(&self) -> Option<u64> {
        self.timers.peek().map(|Reverse(timer)| timer.at_ms)
    }

    /// Lets the next thing happen that is due by now.
    pub(super) fn advance(&mut self, now_ms: u64) -> Option<(Event, &Payment)> {
        loop {
            if self.next_at_ms()? > now_ms {
                return None;
            }
            let Reverse(timer) = self.timers.pop()?;
            let place = timer.payment as usize;
            let event = match timer.refund {
                Some(number) => Some(self.settle_refund(place, number as usize)),
                None if self.kept[place].is_in_hand => self.kept[place].settle_in_hand(now_ms),
                None => Some(self.settle(place)),
            };
            if let Some(event) = event {
                return Some((event, &self.kept[place]));
            }
        }
    }

    fn settle(&mut self, place: usize) -> Event {
        let payment = &mut self.kept[place];
        let (at_ms, fate) = self.buyers.fate(self.draws, payment);
        assert_eq!(payment.state, State::Pending, "a payment ends once");
        let (state, event) = match fate {
            Fate::Paid { amount } => {
                // One that was late before it was asked for is paid at once.
                let at_ms = at_ms.max(payment.created_at_ms);
                (State::Paid { amount, at_ms }, Event::Paid)
            }
            Fate::Failed => (State::Failed, Event::Failed),
            Fate::Expired => (State::Expired, Event::Expired),
        };
        payment.state = state;
        event
    }

    fn settle_refund(&mut self, place: usize, number: usize) -> Event {
        let payment = &self.kept[place];
        let refund = &payment.refunds[number];
        let (state, event) = if self.buyers.refund_fails(self.draws, payment, refund) {
            (RefundState::Failed, Event::RefundFailed(refund.id))
        } else {
            (RefundState::Done, Event::RefundDone(refund.id))
        };
        let refund = &mut self.kept[place].refunds[number];
        assert_eq!(refund.state, RefundState::Pending, "a refund ends once");
        refund.state = state;
        event
    }

    fn wake(&mut self, at_ms: u64, payment: u32, refund: Option<u32>) {
        self.timers.push(Reverse(Timer {
            at_ms,
            payment,
            refund,
        }));
    }

    fn take_room(&mut self, bytes: usize) -> Result<(), Refusal> {
        if self.bytes + bytes > BYTES_MAX {
            return Err(Refusal::Full);
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Payment {
    fn be_decided(&mut self, decision: Decision, now_ms: u64) -> Event {
        let (state, event) = match decision {
            Decision::Pay => {
                let (amount, at_ms) = (self.amount, now_ms);
                (State::Paid { amount, at_ms }, Event::Paid)
            }
            Decision::Decline => (State::Failed, Event::Failed),
        };
        self.state = state;
        event
    }

    /// A time of its own has come: all that it can do to what a person has in hand is to end it.
    fn settle_in_hand(&mut self, now_ms: u64) -> Option<Event> {
        let is_late = self.state == State::Pending && now_ms >= self.expires_at_ms;
        is_late.then(|| {
            self.state = State::Expired;
            Event::Expired
        })
    }

    pub(super) fn refund(&self, id: Id) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.id == id)
    }

    /// What may still be refunded: a refund that failed takes nothing.
    fn left(&self) -> u64 {
        let State::Paid { amount, .. } = self.state else {
            return 0;
        };
        let taken = self.refunds.iter().filter(|refund| match refund.state {
            RefundState::Pending | RefundState::Done => true,
            RefundState::Failed => false,
        });
        amount - taken.map(|refund| refund.amount).sum::<u64>()
    }
}

fn place_of(length: usize) -> u32 {
    u32::try_from(length).expect("because of the bounds on payments and refunds")
}

#[cfg(test)]
mod tests;
