//! `TOPIC.ACK`: settles the messages of a lease.

use std::collections::BTreeSet;

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::desk::{Desk, reads_of_lease};
use super::give_back::check_leased;
use crate::Refusal;
use crate::command::{Ack, Chosen};
use crate::open::chunk_of;
use crate::refusal::{LEASE_ENDED, NOT_LEASED, OUT_OF_ORDER, UNKNOWN_GROUP};
use crate::reply::AckReceipt;
use crate::table::{Lease, Leased, OPEN};

impl Apply for Ack {
    type Reply = AckReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP, LEASE_ENDED, NOT_LEASED, OUT_OF_ORDER];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let of = (self.name.as_str(), self.group.as_str());
        let Some(work) = reads_of_lease(reads, of, &self.lease) else {
            return;
        };
        let positions = self.lease.positions.iter();
        let chunks: BTreeSet<_> = positions.map(chunk_of).collect();
        for chunk in chunks {
            reads.row(&OPEN, (of.0, &*work, chunk));
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<AckReceipt, Stop<Refusal>> {
        let of = (self.name.as_str(), self.group.as_str());
        let mut desk = Desk::of(tx, of)?.ok_or(Refusal::UnknownGroup)?;
        let Some(mut lease) = desk.last_of_lease(tx, self.lease.number)? else {
            return self.repeat(tx, &mut desk);
        };
        let asked = self.positions.as_ref().map(positions_of);
        if let Some(asked) = &asked {
            check_leased(tx, &mut desk, &lease, asked)?;
            check_order(&lease, asked)?;
        }
        let had = lease.items.len();
        let is_asked = |item: &Leased| is_in(asked.as_ref(), item.of.position);
        let (acked, left): (Vec<_>, Vec<_>) = lease.items.into_iter().partition(is_asked);
        lease.items = left;
        let receipt = AckReceipt {
            acked: acked.len() as u64,
            left: lease.items.len() as u64,
            repeated: acked.is_empty(),
        };
        if !receipt.repeated {
            for item in &acked {
                desk.settle(tx, item.of)?;
            }
            desk.group.acked += receipt.acked;
            desk.shrink(tx, self.lease.number, &lease, had);
            desk.put(tx);
        }
        Ok(receipt)
    }
}

impl Ack {
    /// Of a lease that is not there any more: a retry finds all of it settled.
    fn repeat(&self, tx: &mut Tx<'_>, desk: &mut Desk<'_>) -> Result<AckReceipt, Stop<Refusal>> {
        let positions = match &self.positions {
            Some(chosen) => positions_of(chosen),
            None => self.lease.positions.iter().collect(),
        };
        for position in positions {
            if !desk.is_settled(tx, position)? {
                return Err(Refusal::LeaseEnded.into());
            }
        }
        Ok(AckReceipt {
            acked: 0,
            left: 0,
            repeated: true,
        })
    }
}

pub(super) fn positions_of(chosen: &Chosen) -> BTreeSet<u64> {
    let items = chosen.items().iter();
    items.map(|item| item.position.get()).collect()
}

/// Whether a position is asked for: all are, if none is named.
pub(super) fn is_in(asked: Option<&BTreeSet<u64>>, position: u64) -> bool {
    asked.is_none_or(|asked| asked.contains(&position))
}

/// What follows a message in its key is not settled before that.
fn check_order(lease: &Lease, asked: &BTreeSet<u64>) -> Result<(), Refusal> {
    let in_lease: BTreeSet<_> = lease.items.iter().map(|item| item.of.position).collect();
    let is_early = |item: &&Leased| {
        asked.contains(&item.of.position)
            && in_lease.contains(&item.behind)
            && !asked.contains(&item.behind)
    };
    match lease.items.iter().find(is_early) {
        Some(Leased { of, behind }) => Err(Refusal::OutOfOrder {
            position: of.position,
            before: *behind,
        }),
        None => Ok(()),
    }
}
