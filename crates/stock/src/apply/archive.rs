//! What is finished leaves for the archives after a while, and a hold that is returned comes back.

use compact_str::CompactString;
use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::unhold::owner_of;
use crate::archive::{ArchivedHold, FLOW_ARCHIVE, HOLDS_ARCHIVE, LEFT, Left};
use crate::table::{BUYERS, BY_STATE, DOMAIN, FLOW, HOLDS, Held, HoldId, HoldState, SKUS, Taken};

/// Set with (SKU, hold id) when a hold is finished.
pub(crate) const ARCHIVE: Timer = Timer::idle(DOMAIN, 2, archive, archive_reads);

/// Set with (SKU, position) of the first change that has not left.
pub(crate) const ARCHIVE_FLOW: Timer = Timer::idle(DOMAIN, 3, archive_flow, archive_flow_reads);

/// Changes that leave at once: one record has room for far more, and the next ones follow at once.
const CHANGES_AT_ONCE: u64 = 64;

/// A hold is finished: it is to leave after a while.
pub(super) fn archive_later(tx: &mut Tx<'_>, name: &str, id: &str) {
    let at_ms = tx.archive_at_ms(&HOLDS_ARCHIVE, tx.now_ms());
    tx.wake_at(&ARCHIVE, at_ms, (name, id));
}

/// This change is the first that has not left: it and those behind it are to leave after a while.
pub(super) fn archive_flow_later(tx: &mut Tx<'_>, name: &str, position: u64, at_ms: u64) {
    let at_ms = tx.archive_at_ms(&FLOW_ARCHIVE, at_ms);
    tx.wake_at(&ARCHIVE_FLOW, at_ms, (name, position));
}

fn archive_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, id) = owner_of(&mut owner);
    reads.row(&HOLDS, (name, id));
    reads.row(&LEFT, name);
}

fn archive(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, id) = owner_of(&mut owner);
    let Some(hold) = tx.get(&HOLDS, (name, id))? else {
        return Ok(());
    };
    if hold.state == HoldState::Held || hold.archived.is_some() {
        return Ok(());
    }
    count_archived(tx, name, &hold, u64::saturating_add)?;
    let mut left = left_of(tx, name)?;
    left.add(&hold);
    tx.put(&LEFT, name, left);
    tx.remove(&BY_STATE, (name, hold.state.key(), hold.position));
    let slice = tx.slice(&HOLDS_ARCHIVE);
    tx.put(&HOLDS, (name, id), hold.stub(slice));
    let key = (slice, name, hold.position);
    let id = CompactString::new(id);
    tx.put(&HOLDS_ARCHIVE, key, ArchivedHold { id, hold });
    Ok(())
}

/// Brings a hold back that is about to change, to leave again after a while; `None` if its details
/// are kept no more.
pub(super) fn bring_back(
    tx: &mut Tx<'_>,
    name: &str,
    id: &str,
    stub: Held,
) -> Result<Option<Held>, Missing> {
    let Some(slice) = stub.archived else {
        return Ok(Some(stub));
    };
    let key = (slice, name, stub.position);
    let Some(ArchivedHold { hold, .. }) = tx.get(&HOLDS_ARCHIVE, key)? else {
        return Ok(None);
    };
    count_archived(tx, name, &hold, u64::saturating_sub)?;
    let mut left = left_of(tx, name)?;
    left.take(&hold);
    tx.put(&LEFT, name, left);
    tx.remove(&HOLDS_ARCHIVE, key);
    let index = HoldId { id: id.into() };
    tx.put(&BY_STATE, (name, hold.state.key(), hold.position), index);
    tx.put(&HOLDS, (name, id), &hold);
    archive_later(tx, name, id);
    Ok(Some(hold))
}

pub(super) fn left_of(tx: &mut Tx<'_>, name: &str) -> Result<Left, Missing> {
    Ok(tx.get(&LEFT, name)?.unwrap_or_default())
}

/// Counts how much of what a buyer has is of holds in the archive.
fn count_archived(
    tx: &mut Tx<'_>,
    name: &str,
    hold: &Held,
    change: impl Fn(u64, u64) -> u64,
) -> Result<(), Missing> {
    let Some(buyer) = hold.buyer.as_ref().filter(|_| hold.has() > 0) else {
        return Ok(());
    };
    let key = (name, buyer.as_str());
    let taken = tx.get(&BUYERS, key)?;
    let taken = taken.expect("because a hold of a buyer is counted for them");
    let archived = change(taken.archived, hold.has());
    tx.put(&BUYERS, key, Taken { archived, ..taken });
    Ok(())
}

/// The SKU and the position that a timer was set with.
fn place_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, u64) {
    let parts = owner.text().zip(owner.number());
    parts.expect("because the timer is set with a SKU and a position")
}

fn archive_flow_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, first) = place_of(&mut owner);
    reads.row(&SKUS, name);
    reads.row(&LEFT, name);
    for position in first..=first + CHANGES_AT_ONCE {
        reads.row(&FLOW, (name, position));
    }
}

fn archive_flow(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, first) = place_of(&mut owner);
    let Some(mut sku) = tx.get(&SKUS, name)? else {
        return Ok(());
    };
    let mut left = left_of(tx, name)?;
    let slice = tx.slice(&FLOW_ARCHIVE);
    for position in first..=sku.changes {
        let Some(change) = tx.get(&FLOW, (name, position))? else {
            break;
        };
        let is_young = tx.archive_at_ms(&FLOW_ARCHIVE, change.at_ms) > tx.now_ms();
        if is_young || position == first + CHANGES_AT_ONCE {
            archive_flow_later(tx, name, position, change.at_ms);
            break;
        }
        left.flow.add(&change);
        left.flow_slice = Some(slice);
        sku.flow_left = position;
        tx.remove(&FLOW, (name, position));
        tx.put(&FLOW_ARCHIVE, (slice, name, position), change);
    }
    tx.put(&LEFT, name, left);
    tx.put(&SKUS, name, sku);
    Ok(())
}
