//! What each request does.

mod beacon;
mod buy;
mod check;
mod create;
mod draw;
mod get;
mod guard;
mod join;
mod known;
mod position;
mod shelf;
mod start;
mod steer;
mod token;

pub(crate) use check::know_checked;
pub(crate) use draw::DRAW;
pub(crate) use known::{know_ended, know_level, know_spent, know_void};
pub(crate) use shelf::{CLOSE, OPEN, UNVOID, WATCH, make_void, open_shelf};
pub(crate) use start::START;
pub(crate) use steer::STEER;
use tidegate_engine::{Missing, Stop, Tx};

use crate::Refusal;
use crate::standing::{Place, position_in};
use crate::table::{GROUPS, Group, SALES, Sale};

fn sale_of(tx: &mut Tx<'_>, name: &str) -> Result<Sale, Stop<Refusal>> {
    let sale = tx.get(&SALES, name)?;
    sale.ok_or_else(|| Refusal::UnknownSale.into())
}

/// Where an entrant stands, once that is drawn.
fn position_of(
    tx: &mut Tx<'_>,
    name: &str,
    sale: &Sale,
    number: u64,
) -> Result<Option<u64>, Missing> {
    Ok(match sale.place_of(name, number) {
        Place::Undrawn => None,
        Place::Behind(position) => Some(position),
        Place::Drawn { group, lot } => Some(position_in(&group_of(tx, name, group)?, lot)),
    })
}

/// A part of the order of a draw that is over.
fn group_of(tx: &mut Tx<'_>, name: &str, number: u64) -> Result<Group, Missing> {
    let group = tx.get(&GROUPS, (name, number))?;
    Ok(group.expect("because a draw that is over has all its groups"))
}
