//! `SALE.TOKEN`: who is admitted is given the right to buy, within the limit of the sale.

use std::borrow::Cow;

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::{position_of, sale_of};
use crate::command::Token as TokenRequest;
use crate::hex::hex;
use crate::mail::{MakeVoid, TokenOf};
use crate::order_id::order_of;
use crate::refusal::{
    BAD_TICKET, NOT_ADMITTED, OTHER_BUYER, OVER, OVER_LIMIT, SLOW_DOWN, UNKNOWN_GOOD, UNKNOWN_SALE,
};
use crate::reply::TokenInfo;
use crate::standing::State;
use crate::table::{ENTRANTS, Entrant, GOODS, Good, SALES, Sale, Shop, TokenRow, TokenState};
use crate::ticket::number_of;
use crate::token::{For, Token};
use crate::{Refusal, TOKEN_MS};

/// Most tokens that one request has made void: the rest follow once these are.
const VOIDED_AT_ONCE: usize = 8;

impl Apply for TokenRequest {
    type Reply = TokenInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        UNKNOWN_SALE,
        BAD_TICKET,
        OTHER_BUYER,
        OVER,
        NOT_ADMITTED,
        UNKNOWN_GOOD,
        SLOW_DOWN,
        OVER_LIMIT,
    ];
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let name = self.id.as_str();
        reads.row(&SALES, name);
        reads.row(&ENTRANTS, (name, self.buyer.as_str()));
        reads.row(&GOODS, (name, self.sku.as_str()));
    }

    fn letters(&self) -> usize {
        VOIDED_AT_ONCE
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn awaits(&self) -> Cow<'_, str> {
        self.buyer.as_str().into()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<TokenInfo, Stop<Refusal>> {
        let name = self.id.as_str();
        let sale = sale_of(tx, name)?;
        let (mut entrant, position) = self.admitted(tx, &sale)?;
        let good = tx.get(&GOODS, (name, self.sku.as_str()))?;
        let (Some(good), Some(shop)) = (good, &sale.shop) else {
            return Err(Refusal::UnknownGood.into());
        };
        if let Some(token) = self.same(&entrant, tx.now_ms()) {
            return Ok(self.info(&sale, shop, (good, token), true));
        }
        let next_token_us = sale.next_token_us(&entrant, tx.now_ms())?;
        if self.has_room(&entrant, shop)? {
            entrant.next_token_us = next_token_us;
            Ok(self.issue(tx, (sale, entrant, good), position))
        } else {
            Err(self.make_room(tx, entrant, (&sale, shop)))
        }
    }
}

impl TokenRequest {
    /// Who asks, and where they stand, if they are admitted.
    fn admitted(&self, tx: &mut Tx<'_>, sale: &Sale) -> Result<(Entrant, u64), Stop<Refusal>> {
        let name = self.id.as_str();
        let number = number_of(&sale.key, name, self.ticket.as_str());
        let number = number.ok_or(Refusal::BadTicket)?;
        let entrant = tx.get(&ENTRANTS, (name, self.buyer.as_str()))?;
        let entrant = entrant.filter(|entrant| entrant.number == number);
        let entrant = entrant.ok_or(Refusal::OtherBuyer)?;
        if sale.state_at(tx.now_ms()) == State::Over {
            return Err(Refusal::Over.into());
        }
        let position = position_of(tx, name, sale, number)?;
        match position.zip(sale.reached(tx.now_ms())) {
            Some((position, reached)) if position <= reached => Ok((entrant, position)),
            Some(_) | None => Err(Refusal::NotAdmitted.into()),
        }
    }

    /// A token for the same that may be spent still.
    fn same<'a>(&self, entrant: &'a Entrant, now_ms: u64) -> Option<&'a TokenRow> {
        entrant.tokens.iter().find(|token| {
            token.state == TokenState::Out
                && now_ms < token.expires_ms
                && token.sku == self.sku.as_str()
                && token.quantity == self.quantity.get()
        })
    }

    /// Whether the limit allows it now; refuses if it cannot before something that was bought comes to nothing.
    fn has_room(&self, entrant: &Entrant, shop: &Shop) -> Result<bool, Refusal> {
        let (wanted, max) = (self.quantity.get(), shop.max);
        let spent = entrant.taken(|state| state == TokenState::Spent);
        if spent + wanted > max {
            return Err(Refusal::OverLimit { taken: spent, max });
        }
        Ok(entrant.taken(|_| true) + wanted <= max)
    }

    /// What stands in the way was not spent, as far as the sale knows: it is to be void.
    fn make_room(
        &self,
        tx: &mut Tx<'_>,
        mut entrant: Entrant,
        (sale, shop): (&Sale, &Shop),
    ) -> Stop<Refusal> {
        let (name, buyer) = (self.id.as_str(), self.buyer.as_str());
        let mut over = entrant.taken(|state| state != TokenState::Voiding) + self.quantity.get();
        let out = entrant.tokens.iter_mut();
        let out = out.filter(|token| token.state == TokenState::Out);
        let mut asked = false;
        for token in out.take(VOIDED_AT_ONCE) {
            if over <= shop.max {
                break;
            }
            over -= token.quantity;
            token.state = TokenState::Voiding;
            let void = MakeVoid {
                token: TokenOf {
                    sale: self.id.compact(),
                    buyer: self.buyer.compact(),
                    serial: token.serial,
                },
                expires_ms: token.expires_ms,
                order: order_of(&sale.key, name, token.serial),
            };
            tx.send(&token.sku, &void);
            asked = true;
        }
        if asked {
            tx.put(&ENTRANTS, (name, buyer), entrant);
        }
        Stop::Wait
    }

    fn issue(
        &self,
        tx: &mut Tx<'_>,
        (mut sale, mut entrant, good): (Sale, Entrant, Good),
        position: u64,
    ) -> TokenInfo {
        let name = self.id.as_str();
        let token = TokenRow {
            serial: tx.mint(),
            sku: self.sku.compact(),
            quantity: self.quantity.get(),
            expires_ms: sale.ends_ms.min(tx.now_ms() + TOKEN_MS),
            state: TokenState::Out,
            position,
        };
        if let Some(shop) = &mut sale.shop {
            shop.tokens += 1;
        }
        let shop = sale.shop.as_ref();
        let shop = shop.expect("because it has this good");
        let info = self.info(&sale, shop, (good, &token), false);
        entrant.tokens.push(token);
        tx.put(&ENTRANTS, (name, self.buyer.as_str()), entrant);
        tx.put(&SALES, name, sale);
        info
    }

    fn info(
        &self,
        sale: &Sale,
        shop: &Shop,
        (good, row): (Good, &TokenRow),
        repeated: bool,
    ) -> TokenInfo {
        let token = Token {
            serial: row.serial,
            expires_ms: row.expires_ms,
            quantity: row.quantity,
        };
        let to = For {
            sale: self.id.as_str(),
            sku: self.sku.as_str(),
            buyer: self.buyer.as_str(),
        };
        let start = sale.start.as_ref();
        TokenInfo {
            id: self.id.compact(),
            buyer: self.buyer.compact(),
            sku: self.sku.compact(),
            quantity: row.quantity,
            token: token.signed(&sale.key, to),
            nonce: start.map(|start| hex(&*start.nonce)).unwrap_or_default(),
            total: good.unit_price * row.quantity,
            currency: shop.currency.clone(),
            expires_at_ms: row.expires_ms,
            repeated,
        }
    }
}

impl Entrant {
    /// Units of tokens in such states.
    pub(crate) fn taken(&self, is_such: impl Fn(TokenState) -> bool) -> u64 {
        let tokens = self.tokens.iter().filter(|token| is_such(token.state));
        tokens.map(|token| token.quantity).sum()
    }
}
