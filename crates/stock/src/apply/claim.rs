//! A claim: units taken for an owner, whose word alone moves them from then on.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_claim::{BUSY, CLAIM, Claim, Owner, Why};
use tidegate_engine::contract::Mail;
use tidegate_engine::{Missing, Reads, Row, Tx};

use super::file;
use super::line::stand_in_line;
use crate::LINE_MAX;
use crate::refusal::{SOLD_OUT, UNKNOWN_SKU};
use crate::table::{
    Claimed, Claims, DOMAIN, HOLDS, Held, HoldId, HoldState, NEVER, PARTS, SKUS, Sku,
};

/// Asks a SKU for units.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct ClaimUnits(Claim);

impl Row for ClaimUnits {}

impl ClaimUnits {
    pub(crate) fn owner(&self) -> &Owner {
        &self.0.owner
    }
}

impl Mail for ClaimUnits {
    const NUMBERS: (u8, u8) = (DOMAIN, CLAIM);
    const NAME: &'static str = "claim_units";
    const LETTERS: usize = 1;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SKUS, to);
        reads.row(&HOLDS, (to, self.0.owner.hold_id().as_str()));
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Self(claim) = self;
        let Some(mut sku) = tx.get(&SKUS, to)? else {
            claim.fail(tx, why(UNKNOWN_SKU.code, 0));
            return Ok(());
        };
        let id = claim.owner.hold_id();
        if tx.get(&HOLDS, (to, id.as_str()))?.is_some() {
            claim.go_on(tx); // A letter that was set aside, and whose like has come before it.
            return Ok(());
        }
        match offer(&sku, claim.units()) {
            Offer::SoldOut => claim.fail(tx, why(SOLD_OUT.code, sku.available())),
            Offer::Units if !sku.is_awaited() => take(tx, (to, id), &mut sku, claim),
            Offer::Units | Offer::Perhaps | Offer::Elsewhere => {
                let waiting = sku.claims.map_or(0, |claims| claims.waiting);
                if waiting < LINE_MAX {
                    stand_in_line(tx, to, &sku, claim);
                } else {
                    claim.fail(tx, why(BUSY, sku.available()));
                }
            }
        }
        Ok(())
    }
}

/// What a SKU has for somebody who asks for so many units.
pub(crate) enum Offer {
    /// Them.
    Units,
    /// Them, if some come back of claims that are not whole.
    Perhaps,
    /// Them, if other shards have some.
    Elsewhere,
    SoldOut,
}

pub(crate) fn offer(sku: &Sku, units: u64) -> Offer {
    let available = sku.available();
    if units <= sku.free() {
        Offer::Units
    } else if sku.share.is_some() {
        Offer::Elsewhere
    } else if units <= available + sku.in_doubt() {
        Offer::Perhaps
    } else {
        Offer::SoldOut
    }
}

pub(super) fn why(code: &str, available: u64) -> Why {
    Why {
        code: code.into(),
        available,
    }
}

/// Takes the units, and asks the next thing.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    (name, id): (&str, CompactString),
    sku: &mut Sku,
    claim: Claim,
) {
    let units = claim.units();
    let mut after = Sku {
        held: sku.held + units,
        holds: sku.holds + 1,
        ..sku.clone()
    };
    let mut number = 0;
    if !claim.is_whole_here() {
        let claims = after.claims.get_or_insert_with(Claims::default);
        claims.units += units;
        claims.last += 1;
        number = claims.last;
        tx.put(&PARTS, (name, number), HoldId { id: id.clone() });
    }
    let hold = Held {
        content: 0,
        state: HoldState::Held,
        position: after.holds,
        quantity: units,
        returned: 0,
        buyer: None,
        created_at_ms: tx.now_ms(),
        expires_at_ms: NEVER,
        steps: Vec::new(),
        archived: None,
        claimed: Some(Claimed {
            owner: claim.owner.clone(),
            number,
        }),
    };
    *sku = file(tx, (name, &id), hold, sku, after);
    claim.go_on(tx);
}
