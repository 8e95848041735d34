//! `SALE.POSITION`: how somebody stands, answered at the edge as a rule.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Edge, Missing, Reads, Stop, Tx};

use super::{group_of, sale_of};
use crate::Refusal;
use crate::command::Position;
use crate::draw::entry_of;
use crate::edge::{DRAWN, SHOWN, show, show_group};
use crate::refusal::{BAD_TICKET, UNKNOWN_SALE};
use crate::reply::PositionInfo;
use crate::standing::{Place, position_in};
use crate::table::{Group, SALES, Sale};
use crate::ticket::number_of;

impl Apply for Position {
    type Reply = PositionInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_SALE, BAD_TICKET];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SALES, self.id.as_str());
    }

    fn glance(&self, edge: &Edge<'_>) -> Option<Result<PositionInfo, Refusal>> {
        let name = self.id.as_str();
        let sale = edge.get(&SHOWN, name, name)?;
        let group = |number: u64| edge.get(&DRAWN, name, (name, number)).ok_or(());
        self.answer(&sale, edge.now_ms()?, group).ok()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<PositionInfo, Stop<Refusal>> {
        let name = self.id.as_str();
        let sale = sale_of(tx, name)?;
        show(tx, name, &sale);
        let now_ms = tx.now_ms();
        let group = |number: u64| shown_group(tx, name, number);
        Ok(self.answer(&sale, now_ms, group)??)
    }
}

/// What the edge is told of as well.
fn shown_group(tx: &mut Tx<'_>, name: &str, number: u64) -> Result<Group, Missing> {
    let group = group_of(tx, name, number)?;
    show_group(tx, name, number, &group);
    Ok(group)
}

impl Position {
    /// The same wherever the sale and the parts of its order come from.
    fn answer<G: std::borrow::Borrow<Group>, E>(
        &self,
        sale: &Sale,
        now_ms: u64,
        group: impl FnOnce(u64) -> Result<G, E>,
    ) -> Result<Result<PositionInfo, Refusal>, E> {
        let (name, ticket) = (self.id.as_str(), self.ticket.as_str());
        let Some(number) = number_of(&sale.key, name, ticket) else {
            return Ok(Err(Refusal::BadTicket));
        };
        let position = match sale.place_of(name, number) {
            Place::Undrawn => None,
            Place::Behind(position) => Some(position),
            Place::Drawn { group: at, lot } => Some(position_in(group(at)?.borrow(), lot)),
        };
        Ok(Ok(sale.position_info(&entry_of(ticket), position, now_ms)))
    }
}
