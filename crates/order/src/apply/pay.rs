//! `ORDER.PAY`: begins a payment at a provider.

use compact_str::ToCompactString;
use tidegate_engine::contract::{Apply, RefusalDef, Request};
use tidegate_engine::{Reads, Stop, Tx};

use super::asks::{call, plan};
use super::case::Case;
use super::course::{enter, last_until, tell_list};
use super::money::to_order;
use super::{order_of, receipt_expires_ms};
use crate::command::Pay;
use crate::mail::Asked;
use crate::payments::{Money, PAYMENTS, Payment};
use crate::provider::to_create;
use crate::refusal::{
    ID_CONFLICT, TOO_MANY_PAYMENTS, UNKNOWN_ORDER, UNKNOWN_PROVIDER, WRONG_STATE,
};
use crate::reply::PaymentReceipt;
use crate::table::{ORDERS, Order, State};
use crate::{PAYING_AFTER_MS, PAYMENTS_MAX, Providers, Refusal};

impl Apply for Pay {
    type Reply = PaymentReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        UNKNOWN_ORDER,
        ID_CONFLICT,
        UNKNOWN_PROVIDER,
        WRONG_STATE,
        TOO_MANY_PAYMENTS,
    ];
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let id = self.id.as_str();
        reads.row(&ORDERS, id);
        reads.row(&PAYMENTS, (id, self.payment.as_str()));
    }

    fn letters(&self) -> usize {
        super::LETTERS_MAX
    }

    fn calls(&self) -> usize {
        1
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<PaymentReceipt, Stop<Refusal>> {
        let id = self.id.as_str();
        let order = order_of(tx, &self.id)?;
        let earlier = tx.get(&PAYMENTS, (id, self.payment.as_str()))?;
        let Some(payment) = earlier else {
            self.begin(tx, order)?;
            // An order that costs nothing is paid at once.
            let case = Case::load(tx, id, self.payment.as_str())?;
            let case = case.expect("because it was just put there");
            return self.answer(tx, &case.order, &case.payment, false);
        };
        if payment.content != self.content().0 {
            return Err(Refusal::IdConflict.into());
        }
        let repeated = !tx.has_acted();
        self.answer(tx, &order, &payment, repeated)
    }
}

impl Pay {
    /// What is known of it; waited for until its provider has it, or will not.
    fn answer(
        &self,
        tx: &Tx<'_>,
        order: &Order,
        payment: &Payment,
        repeated: bool,
    ) -> Result<PaymentReceipt, Stop<Refusal>> {
        if payment.money == Money::Open && !payment.is_known {
            return Err(Stop::Wait);
        }
        let state = order.state_at(tx.now_ms());
        Ok(PaymentReceipt {
            id: self.id.compact(),
            state: state.word(),
            payment: self.payment.compact(),
            number: payment.number.to_compact_string(),
            payment_state: payment.money.word(),
            amount: payment.amount,
            currency: order.currency.clone(),
            checkout_url: payment.checkout_url.as_ref().map(|url| url.0.clone()),
            expires_at_ms: receipt_expires_ms(order, state),
            repeated,
        })
    }

    fn begin(&self, tx: &mut Tx<'_>, mut order: Order) -> Result<(), Stop<Refusal>> {
        let id = self.id.as_str();
        let providers = tx.settings::<Providers>();
        if providers.is_none_or(|all| !all.0.contains_key(self.provider.as_str())) {
            return Err(Refusal::UnknownProvider.into());
        }
        let now_ms = tx.now_ms();
        let state = order.state_at(now_ms);
        let expires_ms = order.expires_ms.unwrap_or_default();
        if !state.is_awaiting_payment() || now_ms >= expires_ms {
            return Err(Refusal::WrongState { state }.into());
        }
        if order.payments.len() >= PAYMENTS_MAX {
            return Err(Refusal::TooManyPayments.into());
        }
        order.payments.push(self.payment.compact());
        order.open_payments += 1;
        let until_ms = Some(expires_ms.saturating_add(PAYING_AFTER_MS));
        if state == State::Paying {
            last_until(tx, id, &mut order, until_ms);
        } else {
            enter(tx, id, &mut order, State::Paying, until_ms);
            tell_list(tx, id, &order);
        }
        let payment = self.payment(tx, &order);
        let mut case = Case {
            id,
            order,
            name: self.payment.compact(),
            payment,
            is_order_changed: true,
        };
        if case.payment.amount == 0 {
            case.payment.is_being_made = false;
            case.payment.is_known = true;
            case.payment.paid_amount = Some(0);
            case.payment.paid_at_ms = Some(now_ms);
            to_order(tx, &mut case);
        } else {
            let price = (case.payment.amount, case.order.currency.as_str());
            let body = to_create(case.payment.number, id, price, expires_ms);
            let key = Some(case.payment.number);
            call(tx, &case, (Asked::Creation, key), body);
        }
        plan(tx, &mut case);
        case.file(tx);
        Ok(())
    }

    fn payment(&self, tx: &mut Tx<'_>, order: &Order) -> Payment {
        Payment {
            content: self.content().0,
            number: tx.mint(),
            provider: self.provider.compact(),
            amount: order.total,
            at_ms: tx.now_ms(),
            money: Money::Open,
            is_known: false,
            checkout_url: None,
            paid_amount: None,
            paid_at_ms: None,
            refunded: 0,
            is_being_made: true,
            is_being_asked: false,
            asked: 0,
            next_ask_ms: None,
            is_unpaid_after: false,
            webhooks: Vec::new(),
            refunds_pending: 0,
            last_refund_ms: None,
        }
    }
}
