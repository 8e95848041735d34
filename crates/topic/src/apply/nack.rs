//! `TOPIC.NACK`: gives the messages of a lease back.

use tidegate_engine::contract::{Apply, Payload, RefusalDef};
use tidegate_engine::{Division, Reads, Splits, Stop, Tx};

use super::ack::{is_in, positions_of};
use super::desk::{Desk, reads_of_lease};
use super::give_back::{How, check_leased, give_back};
use crate::Refusal;
use crate::command::Nack;
use crate::parts::{part_of_lease, send, several};
use crate::refusal::{LEASE_ENDED, NOT_LEASED, UNKNOWN_GROUP};
use crate::reply::NackReceipt;

impl Apply for Nack {
    type Reply = NackReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP, LEASE_ENDED, NOT_LEASED];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn divide(&mut self, splits: &Splits, _nth: u64) -> Option<Division<NackReceipt, Refusal>> {
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

    fn apply(&self, tx: &mut Tx<'_>) -> Result<NackReceipt, Stop<Refusal>> {
        let of = (self.name.as_str(), self.group.as_str());
        let mut desk = Desk::of(tx, of)?.ok_or(Refusal::UnknownGroup)?;
        let lease = desk.lease_of(tx, self.lease.number)?;
        let mut lease = lease.ok_or(Refusal::LeaseEnded)?;
        let asked = self.positions.as_ref();
        let asked = asked
            .map(|asked| positions_of(tx, of.0, asked))
            .transpose()?;
        if let Some(asked) = &asked {
            check_leased(tx, &mut desk, &lease, asked)?;
        }
        let how = How {
            rest_ms: self.delay_ms.map(|delay_ms| delay_ms.get()),
            cause: self.cause.as_ref().map_or("", Payload::as_str),
        };
        let had = lease.items.len();
        let is_asked = |position| is_in(asked.as_ref(), position);
        let back = give_back(tx, &mut desk, &mut lease, is_asked, &how)?;
        let left = lease.items.len();
        if left < had {
            lease.is_torn = left > 0;
            desk.shrink(tx, self.lease.number, &lease, had);
            desk.put(tx);
        }
        Ok(NackReceipt {
            returned: back.returned,
            dead: back.dead,
            left: left as u64,
        })
    }
}
