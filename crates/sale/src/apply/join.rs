//! `SALE.JOIN`: somebody enters, once.

use std::borrow::Cow;

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::sale_of;
use super::start::close;
use super::steer::look_soon;
use crate::command::Join;
use crate::draw::{entry_of, longer_list};
use crate::edge::show;
use crate::refusal::{CHALLENGE, FULL, NOT_ELIGIBLE, NOT_OPEN, OVER, UNKNOWN_SALE};
use crate::reply::JoinReceipt;
use crate::standing::{State, shown_entry};
use crate::table::{ENTRANTS, Entrant, SALES, Sale};
use crate::ticket::ticket_of;
use crate::{ENTRANTS_MAX, Refusal};

impl Apply for Join {
    type Reply = JoinReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] =
        &[UNKNOWN_SALE, NOT_OPEN, OVER, FULL, NOT_ELIGIBLE, CHALLENGE];
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SALES, self.id.as_str());
        reads.row(&ENTRANTS, (self.id.as_str(), self.buyer.as_str()));
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn awaits(&self) -> Cow<'_, str> {
        self.buyer.as_str().into()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<JoinReceipt, Stop<Refusal>> {
        let (name, buyer) = (self.id.as_str(), self.buyer.as_str());
        let sale = sale_of(tx, name)?;
        if let Some(earlier) = tx.get(&ENTRANTS, (name, buyer))? {
            return Ok(self.receipt(&sale, earlier.number, tx.now_ms(), !tx.has_acted()));
        }
        match sale.state_at(tx.now_ms()) {
            State::Announced => Err(Refusal::NotOpen {
                opens_at_ms: sale.opens_ms,
            }
            .into()),
            State::Over => Err(Refusal::Over.into()),
            State::Open | State::Drawing | State::Running if sale.entrants >= ENTRANTS_MAX => {
                Err(Refusal::Full.into())
            }
            State::Open | State::Drawing | State::Running => {
                if let Some(checks) = sale.checks.clone() {
                    return Err(self.check(tx, sale, checks)?);
                }
                self.pass(tx, &sale)?;
                let mut sale = sale;
                let number = enter(tx, name, buyer, &mut sale);
                let receipt = self.receipt(&sale, number, tx.now_ms(), false);
                tx.put(&SALES, name, sale);
                Ok(receipt)
            }
        }
    }
}

/// Somebody stands in line from now on: gives which entrant they are.
pub(super) fn enter(tx: &mut Tx<'_>, name: &str, buyer: &str, sale: &mut Sale) -> u64 {
    let now_ms = tx.now_ms();
    if sale.start.is_none() && now_ms >= sale.starts_ms {
        close(tx, name, sale); // Its timer was set aside, or is about to fire.
    }
    if sale.start.is_none() {
        let ticket = ticket_of(&sale.key, name, sale.entrants + 1);
        sale.list = longer_list(&sale.list, &entry_of(&ticket)).into();
    }
    let pace = sale.pace;
    sale.pace = pace.map(|pace| pace.with_one_behind(sale.rate, sale.entrants, now_ms));
    sale.entrants += 1;
    let number = sale.entrants;
    let entrant = Entrant {
        number,
        at_ms: now_ms,
        tokens: Vec::new(),
        is_done: false,
        next_token_us: None,
    };
    tx.put(&ENTRANTS, (name, buyer), entrant);
    if sale.pace != pace {
        show(tx, name, sale); // Who comes is admitted sooner than the edge knows.
    }
    look_soon(tx, name, sale);
    number
}

impl Join {
    fn receipt(&self, sale: &Sale, number: u64, now_ms: u64, repeated: bool) -> JoinReceipt {
        let ticket = ticket_of(&sale.key, self.id.as_str(), number);
        let entry = entry_of(&ticket);
        JoinReceipt {
            id: self.id.compact(),
            buyer: self.buyer.compact(),
            entry: shown_entry(&ticket),
            number,
            ask_after_ms: sale.ask_after_ms(&entry, (None, None), now_ms),
            repeated,
            ticket,
        }
    }
}
