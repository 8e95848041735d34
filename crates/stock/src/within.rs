//! What another domain does with a SKU in a transaction of its own, which runs in the SKU's slot: it takes units
//! for an owner at once, and has itself told how many there are.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_claim::{Claim, Owner};
use tidegate_engine::{Address, Edge, Missing, Reads, Row, Stop, Tx};

use crate::apply::{Wanted, take, tell_level_soon, units_for};
use crate::table::{HOLDS, SKUS, Sku};
use crate::{HOLD_WAIT_MS, WATCHERS_MAX};

/// Most letters that a transaction sends which takes units.
pub const TAKE_LETTERS: usize = crate::apply::ASKED_AT_ONCE;

/// How long such a command may wait for units that may come back.
pub const TAKE_WAIT_MS: u64 = HOLD_WAIT_MS;

/// What came of taking units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// They are the owner's, who is told so.
    Now,
    /// There are not so many.
    SoldOut {
        /// How many there are.
        available: u64,
    },
    /// There is no such SKU.
    Unknown,
}

/// How many units of a SKU there are: what those who watch it are told.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Level {
    /// The SKU.
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub sku: CompactString,
    /// Units that can be had.
    #[n(1)]
    pub available: u64,
    /// Units that are set aside, and may come back.
    #[n(2)]
    pub held: u64,
    /// Units that are sold.
    #[n(3)]
    pub sold: u64,
}

impl Row for Level {}

impl Level {
    pub(crate) fn of(name: &str, sku: &Sku) -> Self {
        let units = sku.in_all();
        Self {
            sku: name.into(),
            available: units.available(),
            held: units.held,
            sold: units.sold,
        }
    }
}

/// Names the rows that are read where units are taken.
pub fn reads(reads: &mut Reads<'_>, sku: &str, owner: &Owner) {
    reads.row(&SKUS, sku);
    reads.row(&HOLDS, (sku, owner.hold_id().as_str()));
}

/// Names the row that is read where a SKU is watched.
pub fn reads_of_watch(reads: &mut Reads<'_>, sku: &str) {
    reads.row(&SKUS, sku);
}

/// Units that an owner has taken, whatever became of them since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// When, as long as the details of that are kept.
    pub at_ms: Option<u64>,
}

/// Whether an owner has taken units of a SKU before.
///
/// # Errors
/// A row has to be fetched first.
pub fn taken_before(tx: &mut Tx<'_>, sku: &str, owner: &Owner) -> Result<Option<Earlier>, Missing> {
    let hold = tx.get(&HOLDS, (sku, owner.hold_id().as_str()))?;
    Ok(hold.map(|hold| Earlier {
        at_ms: hold.archived.is_none().then_some(hold.created_at_ms),
    }))
}

/// Whether an owner may have taken units of a SKU, as far as the edge knows.
#[must_use]
pub fn may_have_taken(edge: &Edge<'_>, sku: &str, owner: &Owner) -> bool {
    edge.may_have(&HOLDS, sku, (sku, owner.hold_id().as_str()))
}

/// Takes the first part of a claim, whose owner has none of this SKU, here and now.
///
/// # Errors
/// Others stand in line, or units may come back of claims that are not whole: it is to wait. In its last run there
/// is no room for it. Or a row has to be fetched first.
pub fn take_now<R>(tx: &mut Tx<'_>, name: &str, claim: Claim) -> Result<Taken, Stop<R>> {
    let Some(mut sku) = tx.get(&SKUS, name)? else {
        return Ok(Taken::Unknown);
    };
    match units_for(tx, name, &sku, claim.units())? {
        Wanted::Here => {
            let id = claim.owner.hold_id();
            take(tx, (name, id), &mut sku, claim);
            Ok(Taken::Now)
        }
        Wanted::None { available } => Ok(Taken::SoldOut { available }),
    }
}

/// Has somebody told how many units of a SKU there are, now and after each change, [`crate::LEVEL_MS`] later at
/// most. Tells whether the SKU is there and has room for one more who watches it.
///
/// # Errors
/// A row has to be fetched first.
pub fn watch(tx: &mut Tx<'_>, name: &str, who: &Address) -> Result<bool, Missing> {
    let Some(mut sku) = tx.get(&SKUS, name)? else {
        return Ok(false);
    };
    if !sku.watchers.contains(who) {
        if sku.watchers.len() == WATCHERS_MAX {
            return Ok(false);
        }
        sku.watchers.push(who.clone());
        tell_level_soon(tx, name, &mut sku);
        tx.put(&SKUS, name, sku);
    }
    Ok(true)
}

/// Has somebody told no more.
///
/// # Errors
/// A row has to be fetched first.
pub fn unwatch(tx: &mut Tx<'_>, name: &str, who: &Address) -> Result<(), Missing> {
    let Some(mut sku) = tx.get(&SKUS, name)? else {
        return Ok(());
    };
    let before = sku.watchers.len();
    sku.watchers.retain(|watcher| watcher != who);
    if sku.watchers.len() < before {
        tx.put(&SKUS, name, sku);
    }
    Ok(())
}
