//! `ORDER.GET`: one order, now or once it has changed.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::order_of;
use crate::Refusal;
use crate::command::Get;
use crate::refusal::UNKNOWN_ORDER;
use crate::reply::{HistoryStep, OrderInfo, OrderLine};
use crate::table::{ORDERS, Order, State, Step};

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
        Ok(info_of(self.id.compact(), &order, tx.now_ms()))
    }
}

fn info_of(id: CompactString, order: &Order, now_ms: u64) -> OrderInfo {
    let state = order.state_at(now_ms);
    let lines = order.lines.iter().map(|line| OrderLine {
        sku: line.sku.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price,
    });
    let history = order.steps.iter().map(|step: &Step| HistoryStep {
        state: step.state.word(),
        at_ms: step.at_ms,
    });
    OrderInfo {
        id,
        buyer: order.buyer.clone(),
        state: state.word(),
        version: order.version,
        total: order.total,
        currency: order.currency.clone(),
        expires_at_ms: order.until_ms.filter(|_| state == State::Reserved),
        cause: order.cause.as_ref().map(|cause| cause.code.clone()),
        lines: lines.collect(),
        history: history.collect(),
    }
}
