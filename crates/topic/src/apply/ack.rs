//! `TOPIC.ACK`: settles the messages of a lease.

use std::collections::BTreeSet;

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Division, Reads, Shard, Splits, Stop, Tx};

use super::desk::{Desk, reads_of_lease};
use super::give_back::check_leased;
use crate::Refusal;
use crate::command::{Ack, Chosen, OfLease};
use crate::open::chunk_of;
use crate::parts::{in_all, part_of_lease, place_of, send, several, shard_of};
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

    fn divide(&mut self, splits: &Splits, _nth: u64) -> Option<Division<AckReceipt, Refusal>> {
        let of = several(splits, &self.name)?;
        let shard = part_of_lease(&self.lease, of);
        let name = self.name.clone();
        let call = Self {
            name: self.name.of_shard(shard),
            ..self.clone()
        };
        Some(send(name, shard, call))
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
        let asked = self.positions.as_ref();
        let asked = asked
            .map(|asked| positions_of(tx, of.0, asked))
            .transpose()?;
        if let Some(asked) = &asked {
            check_leased(tx, &mut desk, &lease, asked)?;
            check_order(&lease, asked, shard_of(tx.splits(), of.0))?;
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
            Some(chosen) => positions_of(tx, desk.of.0, chosen)?,
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

/// Which messages of the part are chosen: of another part none can be.
pub(super) fn positions_of(
    tx: &Tx<'_>,
    key: &str,
    chosen: &Chosen,
) -> Result<BTreeSet<u64>, Refusal> {
    let shard = shard_of(tx.splits(), key);
    let number = |item: &OfLease| match place_of(item.position.get(), shard.of) {
        (in_part, number) if in_part == shard => Ok(number),
        (_, _) => Err(Refusal::NotLeased {
            position: item.position.get(),
        }),
    };
    chosen.items().iter().map(number).collect()
}

/// Whether a position is asked for: all are, if none is named.
pub(super) fn is_in(asked: Option<&BTreeSet<u64>>, position: u64) -> bool {
    asked.is_none_or(|asked| asked.contains(&position))
}

/// What follows a message in its key is not settled before that.
fn check_order(lease: &Lease, asked: &BTreeSet<u64>, shard: Shard) -> Result<(), Refusal> {
    let in_lease: BTreeSet<_> = lease.items.iter().map(|item| item.of.position).collect();
    let is_early = |item: &&Leased| {
        asked.contains(&item.of.position)
            && in_lease.contains(&item.behind)
            && !asked.contains(&item.behind)
    };
    match lease.items.iter().find(is_early) {
        Some(Leased { of, behind }) => Err(Refusal::OutOfOrder {
            position: in_all(of.position, shard),
            before: in_all(*behind, shard),
        }),
        None => Ok(()),
    }
}
