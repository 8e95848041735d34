//! `ORDER.RESOLVE`: a person says what becomes of what could not be found out.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::asks::plan;
use super::case::Case;
use super::money::to_order;
use super::order_of;
use super::refund::{ask_again, give_back, refund_done, withdraw_call};
use crate::Refusal;
use crate::command::{Decision, Resolve};
use crate::payments::{
    CompactText, Money, REFUNDS, REVIEWS, Refund, Review, ReviewCause, ReviewState,
};
use crate::refusal::{UNKNOWN_ORDER, UNKNOWN_REVIEW, WRONG_DECISION};
use crate::reply::ReviewReceipt;
use crate::table::{ORDERS, State, StepCause};

impl Apply for Resolve {
    type Reply = ReviewReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_ORDER, UNKNOWN_REVIEW, WRONG_DECISION];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, self.id.as_str());
        reads.row(&REVIEWS, self.number.get());
    }

    fn letters(&self) -> usize {
        super::LETTERS_MAX
    }

    fn calls(&self) -> usize {
        1
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<ReviewReceipt, Stop<Refusal>> {
        let id = self.id.as_str();
        let order = order_of(tx, &self.id)?;
        let review = tx.get(&REVIEWS, self.number.get())?;
        let review = review.filter(|review| review.order == *id);
        let Some(review) = review else {
            return Err(Refusal::UnknownReview.into());
        };
        let Some(mut case) = Case::of(tx, id, order, &review.payment)? else {
            return Err(Refusal::UnknownReview.into());
        };
        if review.state == ReviewState::Closed {
            if review.decision != Some(self.decision) {
                return Err(Refusal::WrongDecision.into());
            }
            return Ok(self.receipt(tx, &case, true));
        }
        match &review.refund {
            None => self.of_payment(tx, &mut case),
            Some(CompactText(name)) => {
                let refund = tx.get(&REFUNDS, (id, name.as_str()))?;
                let refund = refund.filter(|refund| refund.state == Money::Review);
                let refund = refund.ok_or(Refusal::WrongDecision)?;
                self.of_refund(tx, &mut case, (name, refund), review.why)?;
            }
        }
        let review = Review {
            state: ReviewState::Closed,
            decision: Some(self.decision),
            ..review
        };
        tx.put(&REVIEWS, self.number.get(), review);
        plan(tx, &mut case);
        let receipt = self.receipt(tx, &case, false);
        case.file(tx);
        Ok(receipt)
    }
}

impl Resolve {
    fn receipt(&self, tx: &Tx<'_>, case: &Case<'_>, repeated: bool) -> ReviewReceipt {
        ReviewReceipt {
            id: self.id.compact(),
            state: case.order.state_at(tx.now_ms()).word(),
            payment: case.name.clone(),
            payment_state: case.payment.money.word(),
            repeated,
        }
    }

    fn of_payment(&self, tx: &mut Tx<'_>, case: &mut Case<'_>) {
        if self.decision == Decision::Close {
            case.payment.money = Money::Closed;
            return;
        }
        // Of one that nobody has answered for, a person knows that it was paid.
        let amount = case.payment.amount;
        case.payment.paid_amount.get_or_insert(amount);
        if self.decision == Decision::Accept {
            to_order(tx, case);
        } else {
            let is_of_order = matches!(case.order.state, State::Cancelled | State::Expired);
            give_back(tx, case, (StepCause::Person, is_of_order));
        }
    }

    fn of_refund(
        &self,
        tx: &mut Tx<'_>,
        case: &mut Case<'_>,
        (name, mut refund): (&str, Refund),
        why: ReviewCause,
    ) -> Result<(), Stop<Refusal>> {
        match self.decision {
            Decision::Accept => return Err(Refusal::WrongDecision.into()),
            Decision::Close => {
                withdraw_call(tx, &mut refund)?;
                refund_done(tx, case, (name, refund), Money::Closed);
            }
            Decision::Refund => {
                withdraw_call(tx, &mut refund)?;
                ask_again(tx, case, (name, refund), why);
            }
        }
        Ok(())
    }
}
