//! `ORDER.REFUND`, and refunds that begin by themselves.

use std::collections::BTreeMap;

use compact_str::{CompactString, format_compact};
use tidegate_claim::{Thing, Verdict};
use tidegate_engine::contract::{Apply, RefusalDef, Request};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::asks::{REFUND_TRIED_MS, call, plan};
use super::case::Case;
use super::claims::{LETTERS_MAX, chunks, settle};
use super::course::{enter, enter_for, tell_list};
use super::money::is_done;
use super::order_of;
use crate::command::{Refund as Command, RefundLine};
use crate::mail::Asked;
use crate::payments::{
    CompactText, Money, PAYMENTS, REFUNDS, REVIEWS, Refund, Review, ReviewCause, ReviewState,
};
use crate::provider::{RefundStatus, to_refund};
use crate::refusal::{
    ID_CONFLICT, INVALID_QUANTITY, REFUND_EXCEEDS_PAID, TOO_MANY_REFUNDS, UNKNOWN_ORDER,
    WRONG_STATE,
};
use crate::reply::RefundReceipt;
use crate::table::{ORDERS, Order, State, StepCause, each_once};
use crate::{QUANTITY_MAX, REFUNDS_MAX, Refusal};

/// The whole of a payment goes back, as nobody has asked; the order's own state says so if it has nothing
/// else to say.
pub(super) fn give_back(
    tx: &mut Tx<'_>,
    case: &mut Case<'_>,
    (why, is_of_order): (StepCause, bool),
) {
    case.close(Money::Refunding);
    let amount = case.payment.paid_amount.unwrap_or_default();
    let number = tx.mint();
    let refund = Refund {
        content: 0,
        number,
        payment: case.name.clone(),
        amount,
        at_ms: tx.now_ms(),
        state: Money::Refunding,
        is_of_order,
        is_pending: false,
        why: Some(why),
        again_ms: None,
        key: None,
        call: None,
    };
    let id = case.id;
    if is_of_order {
        let order = case.order();
        order.refunded_from = None;
        enter_for(tx, id, order, (State::Refunding, Some(why)), None);
        tell_list(tx, id, order);
    }
    // A number is used once, so no caller can have chosen it.
    begin(tx, case, format_compact!("auto-{number}"), refund);
}

/// A refund begins. Money that is none goes back at once: no provider is asked.
fn begin(tx: &mut Tx<'_>, case: &mut Case<'_>, name: CompactString, refund: Refund) {
    case.payment.refunded += refund.amount;
    case.order().refunds.push(name.clone());
    if refund.amount == 0 {
        refund_done(tx, case, (&name, refund), Money::Refunded);
        return;
    }
    ask_for(tx, case, &name, refund);
}

/// Asks the provider for a refund, for the first time or once more.
fn ask_for(tx: &mut Tx<'_>, case: &Case<'_>, name: &str, mut refund: Refund) {
    let body = to_refund(refund.number, refund.amount);
    let asked = Asked::Refund {
        refund: name.into(),
    };
    let call = call(tx, case, (asked, Some(refund.key())), body);
    refund.call = Some(call);
    tx.put(&REFUNDS, (case.id, name), refund);
}

/// A person has it asked for once more. What was refused is answered alike under its old key, by many a
/// provider; what may have been done is known again by it.
pub(super) fn ask_again(
    tx: &mut Tx<'_>,
    case: &mut Case<'_>,
    (name, mut refund): (&str, Refund),
    why: ReviewCause,
) {
    if case.payment.money == Money::Review {
        case.payment.money = Money::Refunding;
    }
    if why == ReviewCause::RefundFailed {
        refund.key = Some(tx.mint());
    }
    refund.state = Money::Refunding;
    refund.again_ms = Some(tx.now_ms());
    ask_for(tx, case, name, refund);
}

/// The call of a refund is tried no more, by nobody: what becomes of the refund is decided, or known, or asked
/// for by another one.
pub(super) fn withdraw_call(tx: &mut Tx<'_>, refund: &mut Refund) -> Result<(), Missing> {
    refund.call.take().map_or(Ok(()), |call| tx.withdraw(call))
}

/// The provider has answered to a refund.
pub(super) fn refund_said(
    tx: &mut Tx<'_>,
    case: &mut Case<'_>,
    name: &str,
    (call, status, known): (u64, u16, Option<(u64, RefundStatus)>),
) -> Result<(), Missing> {
    let Some(mut refund) = tx.get(&REFUNDS, (case.id, name))? else {
        return Ok(());
    };
    refund.call = refund.call.filter(|under_way| *under_way != call);
    let known = known.filter(|(number, _)| *number == refund.number);
    match known {
        Some((_, said)) => refund_is(tx, case, (name, refund), said),
        None if is_done(status) => refund_is(tx, case, (name, refund), RefundStatus::Pending),
        None => refund_is(tx, case, (name, refund), RefundStatus::Failed),
    }
}

/// It has not answered, for long: a person is to look, and may have it tried again.
pub(super) fn refund_given_up(
    tx: &mut Tx<'_>,
    case: &mut Case<'_>,
    name: &str,
) -> Result<(), Missing> {
    if let Some(refund) = tx.get(&REFUNDS, (case.id, name))?
        && refund.state == Money::Refunding
    {
        to_review(tx, case, (name, refund), ReviewCause::RefundUnknown);
    }
    Ok(())
}

/// The provider has said what became of refunds of a payment.
pub(super) fn learn_refunds(
    tx: &mut Tx<'_>,
    case: &mut Case<'_>,
    said: &[(u64, RefundStatus)],
) -> Result<(), Missing> {
    // One of some lines leaves the payment paid: then the order's state says that it is under way.
    let may_matter = case.payment.refunds_pending > 0
        || case.order.state == State::Refunding
        || matches!(case.payment.money, Money::Refunding | Money::Review);
    if !may_matter {
        return Ok(());
    }
    for name in case.order.refunds.clone() {
        let Some(mut refund) = tx.get(&REFUNDS, (case.id, name.as_str()))? else {
            continue;
        };
        if refund.payment != case.name {
            continue;
        }
        let of_it = said.iter().find(|(number, _)| *number == refund.number);
        match of_it {
            Some((_, status)) => refund_is(tx, case, (&name, refund), *status)?,
            // What was answered when it was asked for could not be read, and it knows nothing of it.
            None if refund.is_pending => {
                no_longer_pending(case, &mut refund);
                withdraw_call(tx, &mut refund)?;
                ask_for(tx, case, &name, refund);
            }
            None => {}
        }
    }
    Ok(())
}

/// Of refunds that the provider has taken in and not made in all the time there is, a person is told.
pub(super) fn overdue_refunds(tx: &mut Tx<'_>, case: &mut Case<'_>) -> Result<(), Missing> {
    if case.payment.refunds_pending == 0 {
        return Ok(());
    }
    for name in case.order.refunds.clone() {
        let refund = tx.get(&REFUNDS, (case.id, name.as_str()))?;
        let is_overdue = |refund: &Refund| {
            let last_ms = refund.since_ms().saturating_add(REFUND_TRIED_MS);
            refund.is_pending && refund.payment == case.name && tx.now_ms() >= last_ms
        };
        if let Some(refund) = refund.filter(is_overdue) {
            to_review(tx, case, (&name, refund), ReviewCause::RefundUnknown);
        }
    }
    Ok(())
}

fn refund_is(
    tx: &mut Tx<'_>,
    case: &mut Case<'_>,
    (name, mut refund): (&str, Refund),
    status: RefundStatus,
) -> Result<(), Missing> {
    let is_open = matches!(refund.state, Money::Refunding | Money::Review);
    match status {
        RefundStatus::Pending if refund.state == Money::Refunding && !refund.is_pending => {
            refund.is_pending = true;
            case.payment.refunds_pending += 1;
            case.payment.last_refund_ms = case.payment.last_refund_ms.max(Some(refund.since_ms()));
            tx.put(&REFUNDS, (case.id, name), refund);
        }
        RefundStatus::Done if is_open => {
            close_review(tx, refund.number)?;
            withdraw_call(tx, &mut refund)?;
            refund_done(tx, case, (name, refund), Money::Refunded);
        }
        RefundStatus::Failed if refund.state == Money::Refunding => {
            to_review(tx, case, (name, refund), ReviewCause::RefundFailed);
        }
        RefundStatus::Pending | RefundStatus::Done | RefundStatus::Failed => {
            tx.put(&REFUNDS, (case.id, name), refund);
        }
    }
    Ok(())
}

/// It has become known by itself: nobody needs to look any more.
fn close_review(tx: &mut Tx<'_>, number: u64) -> Result<(), Missing> {
    if let Some(review) = tx.get(&REVIEWS, number)? {
        let state = ReviewState::Closed;
        tx.put(&REVIEWS, number, Review { state, ..review });
    }
    Ok(())
}

fn to_review(
    tx: &mut Tx<'_>,
    case: &mut Case<'_>,
    (name, mut refund): (&str, Refund),
    why: ReviewCause,
) {
    no_longer_pending(case, &mut refund);
    refund.state = Money::Review;
    if case.payment.money == Money::Refunding {
        case.payment.money = Money::Review;
    }
    let review = Review {
        order: case.id.into(),
        payment: case.name.clone(),
        refund: Some(CompactText(name.into())),
        why,
        amount: refund.amount,
        at_ms: tx.now_ms(),
        state: ReviewState::Open,
        currency: case.order.currency.clone(),
        decision: None,
    };
    tx.put(&REVIEWS, refund.number, review);
    tx.put(&REFUNDS, (case.id, name), refund);
}

fn no_longer_pending(case: &mut Case<'_>, refund: &mut Refund) {
    if std::mem::take(&mut refund.is_pending) {
        case.payment.refunds_pending -= 1;
    }
}

/// The buyer has the money, or a person has seen to it.
pub(super) fn refund_done(
    tx: &mut Tx<'_>,
    case: &mut Case<'_>,
    (name, mut refund): (&str, Refund),
    state: Money,
) {
    no_longer_pending(case, &mut refund);
    refund.state = state;
    if matches!(case.payment.money, Money::Refunding | Money::Review) {
        case.payment.money = state;
    }
    if refund.is_of_order && case.order.state == State::Refunding {
        let id = case.id;
        let order = case.order();
        let from = order.refunded_from.take();
        let from = from.filter(|_| !is_all_refunded(order));
        enter(tx, id, order, from.unwrap_or(State::Refunded), None);
        tell_list(tx, id, order);
    }
    tx.put(&REFUNDS, (case.id, name), refund);
}

/// What goes back for lines of this price. A person may have accepted another amount than they cost: never
/// more goes back than was paid, and with the last line all that is left.
fn left_of(case: &Case<'_>, price: u64) -> u64 {
    let paid = case.payment.paid_amount.unwrap_or_default();
    let left = paid.saturating_sub(case.payment.refunded);
    if is_all_refunded(&case.order) {
        left
    } else {
        left.min(price)
    }
}

fn is_all_refunded(order: &Order) -> bool {
    let mut lines = order.lines.iter();
    lines.all(|line| line.refunded == Some(line.quantity))
}

impl Apply for Command {
    type Reply = RefundReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        UNKNOWN_ORDER,
        ID_CONFLICT,
        WRONG_STATE,
        TOO_MANY_REFUNDS,
        INVALID_QUANTITY,
        REFUND_EXCEEDS_PAID,
    ];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let id = self.id.as_str();
        reads.row(&ORDERS, id);
        reads.row(&REFUNDS, (id, self.refund.as_str()));
    }

    fn letters(&self) -> usize {
        LETTERS_MAX
    }

    fn calls(&self) -> usize {
        1
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<RefundReceipt, Stop<Refusal>> {
        let id = self.id.as_str();
        let order = order_of(tx, &self.id)?;
        let content = self.content().0;
        if let Some(earlier) = tx.get(&REFUNDS, (id, self.refund.as_str()))? {
            if earlier.content != content {
                return Err(Refusal::IdConflict.into());
            }
            return Ok(self.receipt(&order, &earlier, true));
        }
        let state = order.state;
        if !matches!(state, State::Paid | State::Fulfilled) {
            return Err(Refusal::WrongState { state }.into());
        }
        if order.refunds.len() >= REFUNDS_MAX {
            return Err(Refusal::TooManyRefunds.into());
        }
        // Without such a payment it is damaged, and `tidegate check` names it.
        let case = paid_by(tx, id, order)?;
        let mut case = case.ok_or(Refusal::WrongState { state })?;
        let (price, units) = self.take_lines(case.order())?;
        if state == State::Paid {
            let owner = case.order.owner(id);
            settle(tx, &owner, chunks(&units), Verdict::Return);
        }
        let amount = left_of(&case, price);
        if is_all_refunded(&case.order) {
            case.close(Money::Refunding);
        }
        let order = case.order();
        order.refunded_from = Some(state);
        enter(tx, id, order, State::Refunding, None);
        tell_list(tx, id, order);
        let refund = Refund {
            content,
            number: tx.mint(),
            payment: case.name.clone(),
            amount,
            at_ms: tx.now_ms(),
            state: Money::Refunding,
            is_of_order: true,
            is_pending: false,
            why: None,
            again_ms: None,
            key: None,
            call: None,
        };
        begin(tx, &mut case, self.refund.compact(), refund.clone());
        let state = if refund.amount == 0 {
            Money::Refunded
        } else {
            Money::Refunding
        };
        let receipt = self.receipt(&case.order, &Refund { state, ..refund }, false);
        plan(tx, &mut case);
        case.file(tx);
        Ok(receipt)
    }
}

/// The payment that the order has the money of.
fn paid_by<'a>(tx: &mut Tx<'_>, id: &'a str, order: Order) -> Result<Option<Case<'a>>, Missing> {
    let mut paying = None;
    for name in &order.payments {
        let payment = tx.get(&PAYMENTS, (id, name.as_str()))?;
        if payment.is_some_and(|payment| payment.money == Money::Paid) {
            paying = Some(name.clone());
        }
    }
    match paying {
        Some(name) => Case::of(tx, id, order, &name),
        None => Ok(None),
    }
}

impl Command {
    /// What goes back: of lines that are named, or of all. Gives its price and its units.
    fn take_lines(&self, order: &mut Order) -> Result<(u64, Vec<Thing>), Refusal> {
        let wanted: Vec<(CompactString, u64)> = match &self.lines {
            Some(lines) => {
                let mut named = BTreeMap::new();
                for RefundLine { sku, quantity } in lines.items() {
                    *named.entry(sku.compact()).or_default() += quantity.get();
                }
                named.into_iter().collect()
            }
            None => {
                let things = order.things();
                let all = things.into_iter().map(|thing| (thing.key, u64::MAX));
                all.collect()
            }
        };
        let is_all = self.lines.is_none();
        let (mut amount, mut units) = (0, Vec::new());
        for (sku, wanted) in &wanted {
            let mut taken = 0;
            for line in order.lines.iter_mut().filter(|line| line.sku == *sku) {
                let refunded = line.refunded.unwrap_or_default();
                let more = (line.quantity - refunded).min(*wanted - taken);
                if more > 0 {
                    line.refunded = Some(refunded + more);
                    amount += more * line.unit_price;
                    taken += more;
                }
            }
            if !is_all && taken < *wanted {
                return Err(Refusal::RefundExceedsPaid {
                    sku: sku.to_string(),
                    refundable: taken,
                });
            }
            if taken > QUANTITY_MAX {
                return Err(Refusal::InvalidQuantity);
            }
            if taken > 0 {
                units.push(Thing {
                    domain: tidegate_stock::STOCK.number,
                    key: sku.clone(),
                    units: taken,
                });
            }
        }
        Ok((amount, each_once(units)))
    }

    fn receipt(&self, order: &Order, refund: &Refund, repeated: bool) -> RefundReceipt {
        RefundReceipt {
            id: self.id.compact(),
            refund: self.refund.compact(),
            state: order.state.word(),
            refund_state: refund.state.word(),
            amount: refund.amount,
            currency: order.currency.clone(),
            repeated,
        }
    }
}
