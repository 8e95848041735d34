//! The word of an owner about what it has claimed.

use minicbor::{Decode, Encode};
use tidegate_claim::{Owner, SETTLE, Settle, Thing, Verdict};
use tidegate_engine::contract::Mail;
use tidegate_engine::{Missing, Reads, Row, Tx};

use super::confirm::sell;
use super::line::{leave_line, serve_soon};
use super::returns::take_back_owned;
use super::unhold::unhold;
use crate::table::{Claimed, DOMAIN, HOLDS, Held, HoldState, Kind, PARTS, SKUS, Sku};

/// Tells a SKU what becomes of units that were claimed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct SettleUnits(Settle);

impl Row for SettleUnits {}

impl SettleUnits {
    pub(crate) fn owner(&self) -> &Owner {
        &self.0.owner
    }

    /// Which of several letters of its claim it is, if the owner wants to hear that all have heard it.
    pub(crate) fn part(&self) -> Option<u64> {
        self.0.then.as_ref().map(|then| then.part)
    }

    /// Who has not heard it yet.
    pub(crate) fn things(&self) -> impl Iterator<Item = &Thing> {
        self.0.things.iter()
    }
}

impl Mail for SettleUnits {
    const NUMBERS: (u8, u8) = (DOMAIN, SETTLE);
    const NAME: &'static str = "settle_units";
    const LETTERS: usize = 1;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SKUS, to);
        reads.row(&HOLDS, (to, self.0.owner.hold_id().as_str()));
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Self(settle) = self;
        let id = settle.owner.hold_id();
        let units = settle.things.front().map_or(0, |thing| thing.units);
        if let Some(sku) = tx.get(&SKUS, to)? {
            match tx.get(&HOLDS, (to, id.as_str()))? {
                Some(hold) if hold.state == HoldState::Held => {
                    end(tx, (to, &id), (hold, sku), (settle.verdict, units))?;
                }
                Some(hold)
                    if settle.verdict == Verdict::Return && hold.state == HoldState::Confirmed =>
                {
                    take_back_owned(tx, (to, &id), hold, &sku, units)?;
                }
                // It is over already: releasing nothing is a success.
                Some(_) => {}
                None if leave_line(tx, to, sku, &settle.owner)? => {
                    settle.end(tx); // What stood in line here has asked nobody behind.
                    return Ok(());
                }
                None => {}
            }
        }
        settle.go_on(tx);
        Ok(())
    }
}

/// Does what the owner says about a hold.
fn end(
    tx: &mut Tx<'_>,
    (name, id): (&str, &str),
    (mut hold, mut sku): (Held, Sku),
    (verdict, units): (Verdict, u64),
) -> Result<(), Missing> {
    count_whole(tx, name, &mut hold, &mut sku);
    match verdict {
        Verdict::Keep => {
            if sku.has_line() {
                serve_soon(tx, name);
            }
            tx.tell(name);
            tx.put(&HOLDS, (name, id), hold);
            tx.put(&SKUS, name, sku);
        }
        Verdict::Take => drop(sell(tx, (name, id), hold, &sku)),
        Verdict::Release => drop(unhold(tx, (name, id), hold, &sku, Kind::Release)?),
        // It was sold before, though the word of that may come only now: it goes from thing to thing, and
        // this one has come straight here.
        Verdict::Return => {
            let (hold, sku) = sell(tx, (name, id), hold, &sku);
            take_back_owned(tx, (name, id), hold, &sku, units)?;
        }
    }
    Ok(())
}

/// What a hold has is in doubt no more.
fn count_whole(tx: &mut Tx<'_>, name: &str, hold: &mut Held, sku: &mut Sku) {
    let Some(Claimed { number, .. }) = &mut hold.claimed else {
        return;
    };
    if *number > 0
        && let Some(claims) = &mut sku.claims
    {
        claims.units -= hold.quantity;
        if claims.units == 0 {
            claims.asked = claims.last; // There is nobody left to ask.
        }
        tx.remove(&PARTS, (name, *number));
        *number = 0;
    }
}
