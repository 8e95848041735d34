//! Rows about money, field by field: what each says of itself, beside its order, its calls and its review.

use tidegate_engine::contract::CallUnderWay;

use super::money::OfOrder;
use crate::apply::action_of;
use crate::command::Decision;
use crate::mail::{Asked, PayNote};
use crate::payments::{Money, Payment, Refund, Review, ReviewCause, ReviewState};
use crate::table::{Order, State};
use crate::{TAKING_TRIES_MAX, WEBHOOKS_KEPT};

impl OfOrder<'_> {
    /// Laws of each row; `latest_ms` is the last moment that there was.
    pub(super) fn details(&mut self, calls: &[CallUnderWay], latest_ms: u64) {
        let mut faults = Vec::new();
        let since_ms = self.order.steps.first().map_or(0, |step| step.at_ms);
        for (name, payment) in &self.payments {
            let times = since_ms..=latest_ms;
            if !times.contains(&payment.at_ms) || !is_whole(payment, self.order) {
                faults.push(format!("payment {name} cannot be so: {payment:?}"));
            }
        }
        for (name, refund) in &self.refunds {
            let of = self.payments.get(&refund.payment);
            let times = of.map_or(0, |payment| payment.at_ms)..=latest_ms;
            let was_asked_for = refund.content != 0;
            let is_whole = of.is_some() && was_asked_for == refund.why.is_none();
            let is_closed = refund.state == Money::Closed;
            let is_reviewed = self.reviews.contains_key(&refund.number);
            let is_called = match refund.state {
                Money::Refunding => refund.is_pending || refund.call.is_some(),
                Money::Review => true,
                Money::Open | Money::Failed | Money::Paid | Money::Refunded | Money::Closed => {
                    refund.call.is_none()
                }
            };
            let is_right = is_whole && is_called && (is_reviewed || !is_closed);
            if !times.contains(&refund.at_ms) || !is_right {
                faults.push(format!("refund {name} cannot be so: {refund:?}"));
            }
        }
        for (number, review) in &self.reviews {
            let is_then = review.at_ms <= latest_ms;
            if !is_then
                || !is_decided_well(review, self.order)
                || !self.is_about_something(*number, review)
            {
                faults.push(format!("review {number} cannot be so: {review:?}"));
            }
        }
        self.calls(calls, &mut faults);
        self.lines(&mut faults);
        self.taking(&mut faults);
        self.refunded_from(&mut faults);
        faults.into_iter().for_each(|what| self.fault(what));
    }

    /// It is about a payment or a refund that there is, of this number, and tells how much that is.
    fn is_about_something(&self, number: u64, review: &Review) -> bool {
        let Some(payment) = self.payments.get(&review.payment) else {
            return false;
        };
        let Some(name) = &review.refund else {
            let amount = payment.paid_amount.unwrap_or(payment.amount);
            let is_of_payment = match review.why {
                ReviewCause::WrongAmount => payment.paid_amount.is_some(),
                ReviewCause::NoAnswer => true,
                ReviewCause::RefundFailed | ReviewCause::RefundUnknown => false,
            };
            let is_it = (number, review.amount) == (payment.number, amount);
            return is_it && is_of_payment && review.at_ms >= payment.at_ms;
        };
        let is_of_refund = matches!(
            review.why,
            ReviewCause::RefundFailed | ReviewCause::RefundUnknown
        );
        let is_it = |refund: &Refund| {
            (number, review.amount) == (refund.number, refund.amount)
                && refund.payment == review.payment
                && review.at_ms >= refund.at_ms
        };
        is_of_refund && self.refunds.get(&name.0).is_some_and(is_it)
    }

    /// Whoever is asked something is asked by a call, and each call is of something that there is.
    fn calls(&self, calls: &[CallUnderWay], faults: &mut Vec<String>) {
        let mut asked: Vec<PayNote> = Vec::new();
        for call in calls {
            let note = minicbor::decode(&call.note).ok();
            match note.filter(|note| self.is_call_of(call, note)) {
                Some(note) => asked.push(note),
                None => {
                    let note = call.note.escape_ascii();
                    faults.push(format!("a call of what it does not have: {note}"));
                }
            }
        }
        let is_asked = |payment: &str, what: &Asked| {
            let mut asked = asked.iter();
            asked.any(|note| note.payment == payment && note.asked == *what)
        };
        for (name, payment) in &self.payments {
            let says = (payment.is_being_made, payment.is_being_asked);
            let calls = (
                is_asked(name, &Asked::Creation),
                is_asked(name, &Asked::Payment),
            );
            if says != calls {
                faults.push(format!(
                    "payment {name}: being made and asked {says:?}, by calls {calls:?}"
                ));
            }
        }
        for (name, refund) in &self.refunds {
            let what = Asked::Refund {
                refund: name.clone(),
            };
            let is_to_be = refund.state == Money::Refunding && !refund.is_pending;
            if is_to_be && !is_asked(&refund.payment, &what) {
                faults.push(format!("refund {name}: nobody is asked to make it"));
            }
        }
    }

    fn is_call_of(&self, call: &CallUnderWay, note: &PayNote) -> bool {
        let has_refund = match &note.asked {
            Asked::Creation | Asked::Payment => true,
            Asked::Refund { refund } => self.refunds.contains_key(refund),
        };
        let payment = self.payments.get(&note.payment);
        let is_it = payment.is_some_and(|payment| {
            call.asks.as_ref().is_none_or(|asks| {
                asks.service == payment.provider
                    && asks.action == action_of(&note.asked)
                    && asks.about == payment.number.to_string()
            })
        });
        is_it && has_refund
    }

    /// Lines tell of as much as was asked to be refunded, if what was paid is what they cost.
    fn lines(&self, faults: &mut Vec<String>) {
        let mut lines = self.order.lines.iter();
        let cost = lines.try_fold(0u64, |sum, line| {
            let refunded = line.refunded.unwrap_or_default();
            let fits = refunded <= line.quantity;
            let cost = refunded.checked_mul(line.unit_price).filter(|_| fits);
            sum.checked_add(cost?)
        });
        let asked_for = self.refunds.values().filter(|it| it.why.is_none());
        let is_right = |refund: &Refund| {
            let payment = self.payments.get(&refund.payment);
            payment.is_some_and(|it| it.paid_amount == Some(it.amount))
        };
        let (sum, is_right) = asked_for.fold((0u64, true), |(sum, right), refund| {
            let sum = sum.saturating_add(refund.amount);
            (sum, right && is_right(refund))
        });
        if cost.is_none() || is_right && cost != Some(sum) {
            faults.push(format!("lines refunded for {cost:?}, by its refunds {sum}"));
        }
    }

    /// What is being taken is paid by a payment that it has.
    fn taking(&self, faults: &mut Vec<String>) {
        let Some(taking) = &self.order.taking else {
            return;
        };
        let payment = self.payments.get(&taking.payment);
        let is_paid = payment.is_some_and(|payment| payment.money == Money::Paid);
        if !is_paid || !(1..=TAKING_TRIES_MAX).contains(&taking.tries) {
            faults.push(format!("cannot be taking so: {taking:?}"));
        }
    }

    /// What was asked for goes back to the state before; what nobody asked for does not.
    fn refunded_from(&self, faults: &mut Vec<String>) {
        if self.order.state != State::Refunding {
            return;
        }
        let steps = &self.order.steps;
        let was_asked_for = steps.last().is_none_or(|step| step.why.is_none());
        let before = steps.iter().rev().nth(1).map(|step| step.state);
        let from = before.filter(|_| was_asked_for);
        if self.order.refunded_from != from {
            let says = self.order.refunded_from;
            faults.push(format!("refunded from {says:?}, and was {before:?}"));
        }
    }
}

/// What is open is not decided, and money of another currency is that of a payment.
fn is_decided_well(review: &Review, order: &Order) -> bool {
    let fits = match review.decision {
        None => true,
        Some(decision) => {
            let is_of_refund = review.refund.is_some();
            review.state == ReviewState::Closed && !(is_of_refund && decision == Decision::Accept)
        }
    };
    let may_be_other = review.why == ReviewCause::WrongAmount;
    fits && (may_be_other || review.currency == order.currency)
}

/// What a payment says of itself and its order.
fn is_whole(payment: &Payment, order: &Order) -> bool {
    let is_asked_again = payment.money == Money::Open || payment.refunds_pending > 0;
    let knows = payment.checkout_url.is_some()
        || payment.paid_at_ms.is_some()
        || !payment.webhooks.is_empty();
    let mut webhooks = payment.webhooks.clone();
    webhooks.sort_unstable();
    webhooks.dedup();
    payment.amount == order.total
        && payment.next_ask_ms.is_some() == is_asked_again
        && payment.asked >= u64::from(payment.is_being_asked)
        && (payment.is_known || !knows)
        && (payment.paid_amount.is_some() || payment.paid_at_ms.is_none())
        && webhooks.len() == payment.webhooks.len()
        && webhooks.len() <= WEBHOOKS_KEPT
}
