//! What becomes of an order, and of the money, once a provider has said what became of a payment.

use tidegate_claim::Verdict;
use tidegate_engine::{CallEnd, End, Missing, Tx};

use super::asks::plan;
use super::case::Case;
use super::claims::{chunks, settle};
use super::course::{end, enter, enter_for, tell_list};
use super::refund::{give_back, learn_refunds, refund_given_up, refund_said};
use super::take::begin_taking;
use crate::mail::{Asked, PayNote};
use crate::payments::{Money, ReviewCause};
use crate::provider::{Facts, Status, read_refund};
use crate::table::{Order, State, StepCause};

/// A call to a provider has ended.
pub(crate) fn said(tx: &mut Tx<'_>, id: &str, call: CallEnd) -> Result<(), Missing> {
    let PayNote { payment, asked } =
        minicbor::decode(&call.note).expect("because it came back as it was");
    let Some(mut case) = Case::load(tx, id, &payment)? else {
        return Ok(());
    };
    let as_of_ms = call.tried_at_ms;
    match (&asked, call.end) {
        (Asked::Creation, end) => {
            case.payment.is_being_made = false;
            if let End::Answered(said) = end {
                match Facts::read(&said.body) {
                    Some(facts) if is_done(said.status) => learn(tx, &mut case, &facts, as_of_ms)?,
                    // What it does not want to make will not be paid; unless it has made it, and that
                    // answer was lost: then it is asked.
                    _ if !is_done(said.status) && call.tries == 1 => failed(tx, &mut case),
                    _ => {}
                }
            }
        }
        (Asked::Payment, end) => {
            case.payment.is_being_asked = false;
            if let End::Answered(said) = end {
                match Facts::read(&said.body) {
                    Some(facts) if is_done(said.status) => learn(tx, &mut case, &facts, as_of_ms)?,
                    _ if said.status == NOT_FOUND => never_made(tx, &mut case, as_of_ms),
                    _ => {}
                }
            }
        }
        (Asked::Refund { refund }, End::Answered(said)) => {
            let known = read_refund(&said.body).filter(|_| is_done(said.status));
            refund_said(tx, &mut case, refund, (call.number, said.status, known))?;
        }
        (Asked::Refund { refund }, End::GivenUp) => refund_given_up(tx, &mut case, refund)?,
    }
    plan(tx, &mut case);
    case.file(tx);
    Ok(())
}

const NOT_FOUND: u16 = 404;

pub(super) fn is_done(status: u16) -> bool {
    (200..300).contains(&status)
}

/// The provider has said what became of a payment, asked at this time.
pub(super) fn learn(
    tx: &mut Tx<'_>,
    case: &mut Case<'_>,
    facts: &Facts,
    as_of_ms: u64,
) -> Result<(), Missing> {
    if facts.number != case.payment.number || facts.order != case.id {
        return Ok(()); // It speaks of something else.
    }
    case.payment.is_known = true;
    if let Some(url) = &facts.checkout_url {
        case.payment.checkout_url = Some(crate::payments::CompactText(url.clone()));
    }
    match (case.payment.money, facts.status) {
        (Money::Open | Money::Failed, Status::Paid) => paid(tx, case, facts),
        (Money::Open, Status::Failed) => failed(tx, case),
        (Money::Open, Status::Pending) => not_paid(tx, case, as_of_ms),
        // A person is to say what becomes of it, and to know that; also one who thought that it was over.
        (Money::Review | Money::Closed, Status::Paid) if case.payment.paid_amount.is_none() => {
            case.payment.paid_amount = facts.paid_amount;
            case.payment.paid_at_ms = facts.paid_at_ms;
            let why = if is_right(case, facts) {
                ReviewCause::NoAnswer
            } else {
                ReviewCause::WrongAmount
            };
            case.review(tx, why, &facts.currency);
        }
        (Money::Failed, Status::Failed | Status::Pending)
        | (
            Money::Paid | Money::Refunding | Money::Refunded | Money::Review | Money::Closed,
            Status::Paid | Status::Failed | Status::Pending,
        ) => {}
    }
    learn_refunds(tx, case, &facts.refunds)
}

/// It is paid: the money goes to the order, back, or into the hands of a person.
fn paid(tx: &mut Tx<'_>, case: &mut Case<'_>, facts: &Facts) {
    case.payment.paid_amount = facts.paid_amount;
    case.payment.paid_at_ms = facts.paid_at_ms;
    if !is_right(case, facts) {
        case.review(tx, ReviewCause::WrongAmount, &facts.currency);
        go_back(tx, case);
        return;
    }
    to_order(tx, case);
}

/// Whether it is what was asked for.
fn is_right(case: &Case<'_>, facts: &Facts) -> bool {
    facts.paid_amount == Some(case.payment.amount) && facts.currency == case.order.currency
}

/// The order has the money, if it can have the goods.
pub(super) fn to_order(tx: &mut Tx<'_>, case: &mut Case<'_>) {
    case.close(Money::Paid);
    match case.order.state {
        State::Reserved | State::Paying if case.order.holds() => {
            let id = case.id;
            sell(tx, id, case.order());
        }
        State::Reserved | State::Open | State::Paying => begin_taking(tx, case, None),
        // Who has sold it was told that it is over, and may have sold its place to somebody else.
        State::Expired if case.order.seller.is_some() => {
            give_back(tx, case, (StepCause::PaidLate, true));
        }
        State::Expired => begin_taking(tx, case, Some(StepCause::PaidLate)),
        State::Cancelled | State::Placing | State::Refused | State::Busy => {
            give_back(tx, case, (StepCause::PaidAfterCancel, true));
        }
        State::Taking | State::Paid | State::Fulfilled | State::Refunding | State::Refunded => {
            give_back(tx, case, (StepCause::PaidTwice, false));
        }
    }
}

/// It is paid, and what it has claimed is its own for good.
pub(super) fn sell(tx: &mut Tx<'_>, id: &str, order: &mut Order) {
    settle(tx, &order.owner(id), chunks(&order.things()), Verdict::Take);
    enter(tx, id, order, State::Paid, None);
    tell_list(tx, id, order);
}

/// It will not be paid.
pub(super) fn failed(tx: &mut Tx<'_>, case: &mut Case<'_>) {
    if case.payment.money == Money::Open {
        case.close(Money::Failed);
        go_back(tx, case);
    }
}

/// The provider knows of no such payment. Once the order has expired it takes none in any more.
fn never_made(tx: &mut Tx<'_>, case: &mut Case<'_>, as_of_ms: u64) {
    let is_over = case.order.expires_ms.is_some_and(|ms| as_of_ms >= ms);
    if is_over && !case.payment.is_being_made {
        failed(tx, case);
    } else {
        not_paid(tx, case, as_of_ms);
    }
}

/// It is not paid yet. Said after the order's time, that was the answer that the order waits for.
fn not_paid(tx: &mut Tx<'_>, case: &mut Case<'_>, as_of_ms: u64) {
    let is_after = case.order.expires_ms.is_some_and(|ms| as_of_ms >= ms);
    if is_after && case.payment.money == Money::Open && !case.payment.is_unpaid_after {
        case.payment.is_unpaid_after = true;
        case.order().unpaid_after += 1;
    }
    expire(tx, case);
}

/// The order expires if its time is over and each of its payments is known not to have been paid by then.
fn expire(tx: &mut Tx<'_>, case: &mut Case<'_>) {
    let order = &case.order;
    let is_over = order.expires_ms.is_some_and(|ms| tx.now_ms() >= ms);
    if order.state == State::Paying && is_over && order.unpaid_after == order.open_payments {
        let id = case.id;
        end(tx, id, case.order(), (State::Expired, None));
    }
}

/// One of its payments comes to nothing: without another the order waits for payment as before.
pub(super) fn go_back(tx: &mut Tx<'_>, case: &mut Case<'_>) {
    let order = &case.order;
    let expires_ms = order.expires_ms.unwrap_or_default();
    if order.state == State::Paying && order.open_payments == 0 && tx.now_ms() < expires_ms {
        let why = (order.waiting(), Some(StepCause::PaymentFailed));
        let id = case.id;
        enter_for(tx, id, case.order(), why, Some(expires_ms));
        tell_list(tx, id, &case.order);
    } else {
        expire(tx, case);
    }
}
