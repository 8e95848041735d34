//! `STOCK.SPLIT`: splits a hot SKU into shards, each with a share of its units.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Shard, Stop, Tx};

use super::put_sku;
use super::shards::{ToShard, Word};
use crate::Refusal;
use crate::command::Split;
use crate::refusal::{ALREADY_SPLIT, HAS_HOLDS, TOO_MANY_SPLIT, UNKNOWN_SKU};
use crate::reply::SplitReceipt;
use crate::table::{DOMAIN, Home, Kind, Lent, Moved, SHARDS, SKUS, Share, Sku};

impl Apply for Split {
    type Reply = SplitReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] =
        &[UNKNOWN_SKU, ALREADY_SPLIT, HAS_HOLDS, TOO_MANY_SPLIT];

    fn key(&self) -> &str {
        self.sku.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SKUS, self.sku.as_str());
    }

    fn letters(&self) -> usize {
        usize::from(self.of())
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SplitReceipt, Stop<Refusal>> {
        let name = self.sku.as_str();
        let before = tx.get(&SKUS, name)?.ok_or(Refusal::UnknownSku)?;
        if let Some(share) = &before.share {
            if share.of != self.of() {
                return Err(Refusal::AlreadySplit { shards: share.of }.into());
            }
            return Ok(self.receipt(true));
        }
        if before.holds > 0 {
            return Err(Refusal::HasHolds {
                holds: before.holds,
            }
            .into());
        }
        if !tx.split(DOMAIN, name, self.of()) {
            return Err(Refusal::TooManySplit.into());
        }
        self.lend(tx, &before);
        Ok(self.receipt(false))
    }
}

impl Split {
    fn of(&self) -> u16 {
        u16::try_from(self.shards.get()).unwrap_or(u16::MAX)
    }

    /// Gives every shard its share of the units; what is left over stays here.
    fn lend(&self, tx: &mut Tx<'_>, before: &Sku) {
        let (name, of) = (self.sku.as_str(), self.of());
        let units = before.total / u64::from(of);
        for shard in Shard::all(of).skip(1) {
            let lent = Moved { letters: 1, units };
            let row = Lent {
                lent,
                ..Lent::default()
            };
            tx.put(&SHARDS, (name, u64::from(shard.at)), row);
            ToShard(Word::Lend { units, answers: 0 }).send(tx, name, shard);
        }
        let lent = units * u64::from(of - 1);
        let home = Home {
            units: before.total,
            ..Home::default()
        };
        let after = Sku {
            total: before.total - lent,
            share: Some(Box::new(Share {
                home: Some(home),
                ..Share::of(Shard { at: 0, of })
            })),
            ..before.clone()
        };
        put_sku(
            tx,
            name,
            before,
            after,
            (Kind::Lend, "", -lent.cast_signed()),
        );
    }

    fn receipt(&self, repeated: bool) -> SplitReceipt {
        SplitReceipt {
            sku: self.sku.compact(),
            shards: u64::from(self.of()),
            repeated,
        }
    }
}
