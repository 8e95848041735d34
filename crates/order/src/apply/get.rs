//! `ORDER.GET`: one order, now or once it has changed.

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::{order_of, receipt_expires_ms};
use crate::Refusal;
use crate::command::Get;
use crate::payments::{PAYMENTS, REFUNDS};
use crate::refusal::UNKNOWN_ORDER;
use crate::reply::{HistoryStep, OrderInfo, OrderLine, PaymentInfo, RefundInfo};
use crate::table::{ORDERS, Order, Step, StepCause};

impl Apply for Get {
    type Reply = OrderInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_ORDER];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, self.id.as_str());
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<OrderInfo, Stop<Refusal>> {
        let order = order_of(tx, &self.id)?;
        let is_known = match self.after {
            Some(after) => order.version <= after.get(),
            None => !tx.runs_again(),
        };
        if self.waits_ms() > 0 && is_known && !tx.is_last_run() {
            return Err(Stop::Wait);
        }
        info_of(tx, self.id.compact(), &order)
    }
}

fn info_of(tx: &mut Tx<'_>, id: CompactString, order: &Order) -> Result<OrderInfo, Stop<Refusal>> {
    let state = order.state_at(tx.now_ms());
    let payments = payments_of(tx, &id, order)?;
    let refunds = refunds_of(tx, &id, order)?;
    let lines = order.lines.iter().map(|line| OrderLine {
        sku: line.sku.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price,
        refunded: line.refunded.unwrap_or_default(),
    });
    let history = order.steps.iter().map(|step: &Step| HistoryStep {
        state: step.state.word(),
        at_ms: step.at_ms,
        why: step.why.map(StepCause::word),
    });
    Ok(OrderInfo {
        id,
        buyer: order.buyer.clone(),
        state: state.word(),
        version: order.version,
        total: order.total,
        currency: order.currency.clone(),
        expires_at_ms: receipt_expires_ms(order, state),
        cause: order.cause.as_ref().map(|cause| cause.code.clone()),
        deduct: order.deduct.word(),
        lines: lines.collect(),
        payments,
        refunds,
        history: history.collect(),
    })
}

fn payments_of(tx: &mut Tx<'_>, id: &str, order: &Order) -> Result<Vec<PaymentInfo>, Missing> {
    let mut payments = Vec::new();
    for name in &order.payments {
        if let Some(payment) = tx.get(&PAYMENTS, (id, name.as_str()))? {
            payments.push(PaymentInfo {
                payment: name.clone(),
                number: payment.number.to_compact_string(),
                provider: payment.provider,
                state: payment.money.word(),
                amount: payment.amount,
                paid_amount: payment.paid_amount,
                paid_at_ms: payment.paid_at_ms,
                refunded: payment.refunded,
                at_ms: payment.at_ms,
            });
        }
    }
    Ok(payments)
}

fn refunds_of(tx: &mut Tx<'_>, id: &str, order: &Order) -> Result<Vec<RefundInfo>, Missing> {
    let mut refunds = Vec::new();
    for name in &order.refunds {
        if let Some(refund) = tx.get(&REFUNDS, (id, name.as_str()))? {
            refunds.push(RefundInfo {
                refund: name.clone(),
                payment: refund.payment,
                state: refund.state.word(),
                amount: refund.amount,
                at_ms: refund.at_ms,
                why: refund.why.map(StepCause::word),
            });
        }
    }
    Ok(refunds)
}
