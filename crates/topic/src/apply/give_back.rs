//! Messages of a lease that go back: because their member says so, or because the lease is over.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_engine::{Backoff, Missing, Stop, Tx};

use super::desk::Desk;
use crate::Refusal;
use crate::parts::{in_all, shard_of};
use crate::table::{Lease, Leased, Waiting};

/// How they go back.
pub(super) struct How<'a> {
    /// How long they rest; as long as the group says without it.
    pub(super) rest_ms: Option<u64>,
    pub(super) cause: &'a str,
}

/// How many went back.
#[derive(Default)]
pub(super) struct Back {
    pub(super) returned: u64,
    pub(super) dead: u64,
}

/// What became of a message.
#[derive(Clone, Copy)]
enum Fate {
    /// It is leased still.
    Kept,
    /// It is given again.
    Returned,
    /// It is a dead letter, or was dropped meanwhile.
    Settled,
}

/// Gives messages of a lease back, with all that follow them in their keys. What follows one that is not settled was
/// not tried: it comes behind that again.
pub(super) fn give_back(
    tx: &mut Tx<'_>,
    desk: &mut Desk<'_>,
    lease: &mut Lease,
    is_asked: impl Fn(u64) -> bool,
    how: &How<'_>,
) -> Result<Back, Missing> {
    let mut back = Back::default();
    let died = desk.group.died;
    let mut fates = BTreeMap::new();
    for item in std::mem::take(&mut lease.items) {
        let Leased { of, behind } = item;
        let fate = match (fates.get(&behind), is_asked(of.position)) {
            (Some(Fate::Returned), _) | (Some(Fate::Kept), true) => {
                desk.block(tx, of.position, behind);
                Fate::Returned
            }
            (Some(Fate::Settled), _) => {
                desk.line_up(tx, of);
                Fate::Returned
            }
            (None, true) => fail(tx, desk, of, (how, &lease.member))?,
            (Some(Fate::Kept) | None, false) => Fate::Kept,
        };
        match fate {
            Fate::Kept => lease.items.push(item),
            Fate::Returned => back.returned += 1,
            Fate::Settled => {}
        }
        fates.insert(of.position, fate);
    }
    back.dead = desk.group.died - died;
    Ok(back)
}

/// A try was in vain.
fn fail(
    tx: &mut Tx<'_>,
    desk: &mut Desk<'_>,
    of: Waiting,
    (how, member): (&How<'_>, &str),
) -> Result<Fate, Missing> {
    let tries = of.tries + 1;
    let of = Waiting { tries, ..of };
    if tries >= desk.group.tries {
        desk.die(tx, of, (how.cause, member))?;
        return Ok(Fate::Settled);
    }
    let rests = Backoff {
        min_ms: desk.group.rest_min_ms,
        max_ms: desk.group.rest_max_ms,
    };
    let rest_ms = how.rest_ms;
    desk.rest(
        tx,
        of,
        rest_ms.unwrap_or_else(|| rests.rest_ms(of.position, tries)),
    );
    Ok(Fate::Returned)
}

/// Whether each of these positions is of the lease, or settled.
pub(super) fn check_leased(
    tx: &mut Tx<'_>,
    desk: &mut Desk<'_>,
    lease: &Lease,
    asked: &BTreeSet<u64>,
) -> Result<(), Stop<Refusal>> {
    let in_lease: BTreeSet<_> = lease.items.iter().map(|item| item.of.position).collect();
    for position in asked.difference(&in_lease).copied() {
        if !desk.is_settled(tx, position)? {
            let position = in_all(position, shard_of(tx.splits(), desk.of.0));
            return Err(Refusal::NotLeased { position }.into());
        }
    }
    Ok(())
}
