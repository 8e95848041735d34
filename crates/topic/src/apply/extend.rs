//! `TOPIC.EXTEND`: has a lease last longer.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Division, Reads, Splits, Stop, Tx};

use super::LEASE_END;
use super::desk::{Desk, reads_of_lease};
use crate::Refusal;
use crate::command::Extend;
use crate::parts::{part_of_lease, send, several};
use crate::refusal::{LEASE_ENDED, UNKNOWN_GROUP};
use crate::reply::ExtendReceipt;
use crate::table::LEASES;

impl Apply for Extend {
    type Reply = ExtendReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP, LEASE_ENDED];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn divide(&mut self, splits: &Splits, _nth: u64) -> Option<Division<ExtendReceipt, Refusal>> {
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
        reads_of_lease(reads, of, &self.lease);
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<ExtendReceipt, Stop<Refusal>> {
        let (name, group) = (self.name.as_str(), self.group.as_str());
        let number = self.lease.number;
        let desk = Desk::of(tx, (name, group))?.ok_or(Refusal::UnknownGroup)?;
        let lease = desk.lease_of(tx, number)?;
        let mut lease = lease.ok_or(Refusal::LeaseEnded)?;
        let owner = (name, desk.work(), number);
        tx.cancel(&LEASE_END, lease.until_ms, owner);
        let for_ms = self.ms.map_or(desk.group.lease_ms, |ms| ms.get());
        lease.until_ms = tx.now_ms() + for_ms;
        tx.wake_at(&LEASE_END, lease.until_ms, owner);
        tx.put(&LEASES, owner, &lease);
        Ok(ExtendReceipt {
            until_ms: lease.until_ms,
        })
    }
}
