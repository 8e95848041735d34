//! Units that go back because their hold is released or has expired, and the timer that does the
//! latter.

use compact_str::CompactString;
use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::archive::archive_later;
use super::{put_sku, step, untake};
use crate::table::{BY_STATE, DOMAIN, HOLDS, Held, HoldId, HoldState, Kind, SKUS, Sku};

/// Set with (SKU, hold id), due when the hold expires.
pub(crate) const EXPIRE: Timer = Timer::new(DOMAIN, 1, expire, expire_reads);

/// The SKU and the hold that a timer was set with.
pub(super) fn owner_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, &'a str) {
    let (name, id) = (owner.text(), owner.text());
    name.zip(id)
        .expect("because the timer is set with a SKU and an id")
}

fn expire_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, id) = owner_of(&mut owner);
    reads.row(&SKUS, name);
    reads.row(&HOLDS, (name, id));
}

fn expire(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, id) = owner_of(&mut owner);
    let (Some(sku), Some(hold)) = (tx.get(&SKUS, name)?, tx.get(&HOLDS, (name, id))?) else {
        return Ok(());
    };
    if hold.state == HoldState::Held && hold.state_at(tx.now_ms()) == HoldState::Expired {
        unhold(tx, (name, id), hold, &sku, Kind::Expire)?;
    }
    Ok(())
}

/// Ends a hold in state *held* without a sale; gives the rows as they are then.
pub(super) fn unhold(
    tx: &mut Tx<'_>,
    (name, id): (&str, &str),
    mut hold: Held,
    before: &Sku,
    kind: Kind,
) -> Result<(Held, Sku), Missing> {
    assert_eq!(hold.state, HoldState::Held, "only held units go back");
    let quantity = hold.quantity;
    tx.remove(&BY_STATE, (name, hold.state.key(), hold.position));
    hold.state = if kind == Kind::Expire {
        HoldState::Expired
    } else {
        HoldState::Released
    };
    step(&mut hold, kind, quantity, tx.now_ms());
    untake(tx, name, hold.buyer.as_ref(), quantity)?;
    archive_later(tx, name, id);
    let after = Sku {
        held: before.held - quantity,
        ..before.clone()
    };
    let index = HoldId {
        id: CompactString::new(id),
    };
    tx.put(&BY_STATE, (name, hold.state.key(), hold.position), index);
    tx.put(&HOLDS, (name, id), &hold);
    put_sku(
        tx,
        name,
        before,
        after.clone(),
        (kind, id, quantity.cast_signed()),
    );
    Ok((hold, after))
}

impl Held {
    /// The state as time has it: a hold past its expiry is expired, though its timer may not have
    /// fired yet.
    pub(crate) fn state_at(&self, now_ms: u64) -> HoldState {
        if self.state == HoldState::Held && now_ms >= self.expires_at_ms {
            HoldState::Expired
        } else {
            self.state
        }
    }
}
