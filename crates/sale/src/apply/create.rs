//! `SALE.CREATE`: announces a sale, with the commitment of its draw.

use tidegate_engine::contract::{Apply, RefusalDef, Request};
use tidegate_engine::{Reads, Stop, Tx};

use super::START;
use crate::Refusal;
use crate::command::Create;
use crate::draw::empty_list;
use crate::edge::show;
use crate::refusal::{ID_CONFLICT, INVALID_TIMES};
use crate::reply::SaleInfo;
use crate::table::{SALES, Sale};

impl Apply for Create {
    type Reply = SaleInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[ID_CONFLICT, INVALID_TIMES];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SALES, self.id.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SaleInfo, Stop<Refusal>> {
        let (name, content, now_ms) = (self.id.as_str(), self.content().0, tx.now_ms());
        if let Some(earlier) = tx.get(&SALES, name)? {
            if earlier.content != content {
                return Err(Refusal::IdConflict.into());
            }
            return Ok(earlier.info(self.id.compact(), now_ms, true));
        }
        let (starts_ms, ends_ms) = (self.starts_at_ms.get(), self.ends_at_ms.get());
        let opens_ms = self
            .opens_at_ms
            .map_or(now_ms, |opens_at_ms| opens_at_ms.get());
        // Who says nothing about when it opens may start it at once.
        let opens_ms = if self.opens_at_ms.is_none() {
            opens_ms.min(starts_ms)
        } else {
            opens_ms
        };
        if opens_ms > starts_ms || starts_ms >= ends_ms || ends_ms <= now_ms {
            return Err(Refusal::InvalidTimes.into());
        }
        let sale = Sale {
            content,
            created_ms: now_ms,
            opens_ms,
            starts_ms,
            ends_ms,
            rate: self.rate.get(),
            key: tx.secret().into(),
            secret: tx.secret().into(),
            beacon_name: self.beacon.as_ref().map(|name| name.as_str().to_owned()),
            beacon: None,
            entrants: 0,
            list: empty_list(name).into(),
            start: None,
            draw: None,
            pace: None,
        };
        tx.wake_at(&START, starts_ms, name);
        show(tx, name, &sale);
        let info = sale.info(self.id.compact(), now_ms, false);
        tx.put(&SALES, name, sale);
        Ok(info)
    }
}
