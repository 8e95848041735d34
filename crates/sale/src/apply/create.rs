//! `SALE.CREATE`: announces a sale, with the commitment of its draw.

use tidegate_engine::contract::{Apply, RefusalDef, Request};
use tidegate_engine::{Reads, Stop, Tx};

use super::START;
use crate::Refusal;
use crate::challenge::hash_of_answer;
use crate::check::{Checks, Hooks};
use crate::command::Create;
use crate::draw::{Hash, empty_list};
use crate::edge::show;
use crate::guard::{Challenge, ChallengeKind, Guard};
use crate::refusal::{
    ID_CONFLICT, INVALID_CHALLENGE, INVALID_CURRENCY, INVALID_GOODS, INVALID_TIMES, UNKNOWN_HOOK,
};
use crate::reply::SaleInfo;
use crate::table::{GOODS, Gate, Good, SALES, SKUS, Sale, Shop, Sku, Units};

/// What the rows of a good take beside the names in them.
const GOOD_BYTES: usize = 96;

/// What the row of a sale takes, and its timer.
const COMMAND_ROWS_BYTES: usize = 1_024;

impl Apply for Create {
    type Reply = SaleInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        ID_CONFLICT,
        INVALID_TIMES,
        INVALID_CHALLENGE,
        UNKNOWN_HOOK,
        INVALID_CURRENCY,
        INVALID_GOODS,
    ];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SALES, self.id.as_str());
    }

    fn writes(&self) -> usize {
        let goods = self.goods.as_ref().map_or(0, |goods| goods.items().len());
        Request::bytes(self) * 4 + goods * GOOD_BYTES + COMMAND_ROWS_BYTES
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
        let key = tx.secret();
        let guard = Some(self.guard(&key)?);
        let checks = self.checks(tx)?;
        let shop = self.shop(tx)?;
        let sale = Sale {
            content,
            created_ms: now_ms,
            opens_ms,
            starts_ms,
            ends_ms,
            rate: self.rate.get(),
            key: key.into(),
            secret: tx.secret().into(),
            beacon_name: self.beacon.as_ref().map(|name| name.as_str().to_owned()),
            beacon: None,
            entrants: 0,
            list: empty_list(name).into(),
            start: None,
            draw: None,
            pace: None,
            shop,
            guard,
            checks,
        };
        tx.wake_at(&START, starts_ms, name);
        show(tx, name, &sale);
        let info = sale.info(self.id.compact(), now_ms, false);
        tx.put(&SALES, name, sale);
        Ok(info)
    }
}

impl Create {
    fn guard(&self, key: &Hash) -> Result<Guard, Refusal> {
        let answer = self.answer.as_ref();
        let answer = answer.and_then(|answer| hash_of_answer(key, answer.as_str()));
        let kind = self.challenge.unwrap_or(ChallengeKind::None);
        let challenge = match (kind, &self.question, answer) {
            (ChallengeKind::None, None, None) if self.answer.is_none() => Challenge::None,
            (ChallengeKind::Work, None, None) if self.answer.is_none() => Challenge::Work,
            (ChallengeKind::Question, Some(question), Some(answer)) => {
                Challenge::Question(question.as_str().to_owned(), answer.into())
            }
            (ChallengeKind::None | ChallengeKind::Work | ChallengeKind::Question, ..) => {
                return Err(Refusal::InvalidChallenge);
            }
        };
        Ok(Guard {
            per_buyer: self.per_buyer.get(),
            per_address: self.per_address.get(),
            bits: self.bits.get(),
            challenge,
        })
    }

    fn checks(&self, tx: &Tx<'_>) -> Result<Option<Checks>, Refusal> {
        let Some(hook) = &self.hook else {
            return Ok(None);
        };
        let hooks = tx.settings::<Hooks>();
        if hooks.is_none_or(|hooks| !hooks.0.contains(hook.as_str())) {
            return Err(Refusal::UnknownHook);
        }
        Ok(Some(Checks {
            hook: hook.as_str().to_owned(),
            open: 0,
            refused: 0,
        }))
    }

    /// What it sells: the rows of its goods are put.
    fn shop(&self, tx: &mut Tx<'_>) -> Result<Option<Shop>, Stop<Refusal>> {
        let currency = tidegate_order::currency_of(self.currency.as_ref());
        let currency = currency.ok_or(Refusal::InvalidCurrency)?;
        let Some(goods) = &self.goods else {
            return Ok(None);
        };
        for (number, good) in (1..).zip(goods.items()) {
            self.offer(tx, number, good)?;
        }
        Ok(Some(Shop {
            currency: currency.into(),
            max: self.max.get(),
            ttl_ms: self.ttl_ms.get(),
            inside: self.inside.get(),
            visit_ms: self.visit_ms.get(),
            goods: goods.items().len() as u64,
            opened: 0,
            known: 0,
            units: Units::default(),
            tokens: 0,
            bought: 0,
            ended: 0,
            back_by_ms: 0,
            gate: Gate::default(),
        }))
    }

    fn offer(
        &self,
        tx: &mut Tx<'_>,
        number: u64,
        good: &crate::command::Good,
    ) -> Result<(), Stop<Refusal>> {
        let (name, sku) = (self.id.as_str(), good.sku.as_str());
        if tx.get(&GOODS, (name, sku))?.is_some() {
            return Err(Refusal::InvalidGoods.into());
        }
        let row = Good {
            number,
            unit_price: good.unit_price.get(),
            units: None,
        };
        let sku = good.sku.compact();
        tx.put(&GOODS, (name, sku.as_str()), row);
        tx.put(&SKUS, (name, number), Sku { sku });
        Ok(())
    }
}
