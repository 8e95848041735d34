//! `SALE.BUY`: a token is spent where the SKU is, in the transaction that holds the units. The order follows.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Edge, Reads, Stop, Tx};
use tidegate_order::{Purchase, owner_of};
use tidegate_stock::within::{self, Earlier, Taken};

use crate::Refusal;
use crate::command::Buy;
use crate::edge::{SOLD, show_shelf};
use crate::hex::from_hex;
use crate::mail::{Spent, TokenOf, seller_of};
use crate::order_id::order_of;
use crate::refusal::{
    BAD_TOKEN, NOT_ON_SALE, OTHER_BUYER, OVER, SOLD_OUT, TOKEN_EXPIRED, TOO_LATE,
};
use crate::reply::BuyReceipt;
use crate::table::{SHELVES, Shelf, VOIDS};
use crate::token::{Bad, For, Token};

impl Apply for Buy {
    type Reply = BuyReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        NOT_ON_SALE,
        BAD_TOKEN,
        OTHER_BUYER,
        TOO_LATE,
        OVER,
        TOKEN_EXPIRED,
        SOLD_OUT,
    ];

    fn key(&self) -> &str {
        self.sku.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SHELVES, (self.sku.as_str(), self.id.as_str()));
    }

    fn letters(&self) -> usize {
        within::TAKE_LETTERS
    }

    fn waits_ms(&self) -> u64 {
        within::TAKE_WAIT_MS
    }

    fn glance(&self, edge: &Edge<'_>) -> Option<Result<BuyReceipt, Refusal>> {
        let (sku, sale) = (self.sku.as_str(), self.id.as_str());
        if !tidegate_stock::is_sold_out(edge, sku) {
            return None;
        }
        let shelf = edge.get(&SOLD, sku, (sku, sale))?;
        let token = match self.token(&shelf) {
            Ok(token) => token,
            Err(refusal) => return Some(Err(refusal)),
        };
        let owner = owner_of(&self.order(&shelf, token));
        // Who has bought is to hear so, whatever is left now.
        if within::may_have_taken(edge, sku, &owner)
            || edge.may_have(&VOIDS, sku, (sku, sale, token.serial))
        {
            return None;
        }
        let is_in_time = self.is_in_time(&shelf, token, edge.now_ms()?);
        Some(Err(match is_in_time {
            Ok(()) => Refusal::SoldOut { available: 0 },
            Err(refusal) => refusal,
        }))
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<BuyReceipt, Stop<Refusal>> {
        let sku = self.sku.as_str();
        let shelf = tx.get(&SHELVES, (sku, self.id.as_str()))?;
        let shelf = shelf.ok_or(Refusal::NotOnSale)?;
        let token = self.token(&shelf)?;
        let order = self.order(&shelf, token);
        let owner = owner_of(&order);
        if let Some(Earlier { at_ms }) = within::taken_before(tx, sku, &owner)? {
            return Ok(self.receipt(&shelf, token, at_ms, !tx.has_acted()));
        }
        self.is_in_time(&shelf, token, tx.now_ms())?;
        let of = (sku, self.id.as_str(), token.serial);
        if tx.get(&VOIDS, of)?.is_some() {
            return Err(Refusal::TokenExpired.into());
        }
        let purchase = self.purchase(&shelf, token, tx.now_ms());
        match within::take_now(tx, sku, purchase.claim(&order))? {
            Taken::Now => Ok(self.spend(tx, &shelf, token)),
            Taken::SoldOut { available } => {
                show_shelf(tx, sku, self.id.as_str(), &shelf);
                Err(Refusal::SoldOut { available }.into())
            }
            Taken::Unknown => Err(Refusal::NotOnSale.into()),
        }
    }
}

impl Buy {
    /// What may be bought, if it is on sale under this nonce.
    fn token(&self, shelf: &Shelf) -> Result<Token, Refusal> {
        if from_hex(self.nonce.as_str()) != Some(*shelf.nonce) {
            return Err(Refusal::NotOnSale);
        }
        let to = For {
            sale: self.id.as_str(),
            sku: self.sku.as_str(),
            buyer: self.buyer.as_str(),
        };
        Token::read(self.token.as_str(), &shelf.key, to).map_err(|bad| match bad {
            Bad::Forged => Refusal::BadToken,
            Bad::OtherBuyer => Refusal::OtherBuyer,
        })
    }

    /// The order that is made by a token.
    fn order(&self, shelf: &Shelf, token: Token) -> CompactString {
        order_of(&shelf.key, self.id.as_str(), token.serial)
    }

    /// Whether there is time for it still.
    fn is_in_time(&self, shelf: &Shelf, token: Token, now_ms: u64) -> Result<(), Refusal> {
        let deadline_ms = self.deadline_ms.as_ref().map(|deadline| deadline.get());
        if deadline_ms.is_some_and(|deadline_ms| now_ms > deadline_ms) {
            return Err(Refusal::TooLate);
        }
        if now_ms >= shelf.ends_ms {
            return Err(Refusal::Over);
        }
        if now_ms >= token.expires_ms {
            return Err(Refusal::TokenExpired);
        }
        Ok(())
    }

    fn purchase(&self, shelf: &Shelf, token: Token, at_ms: u64) -> Purchase {
        Purchase {
            buyer: self.buyer.compact(),
            sku: self.sku.compact(),
            quantity: token.quantity,
            unit_price: shelf.unit_price,
            currency: shelf.currency.clone(),
            at_ms,
            ttl_ms: shelf.ttl_ms,
            seller: seller_of(self.id.as_str()),
        }
    }

    /// The units are the order's: the sale is told.
    fn spend(&self, tx: &mut Tx<'_>, shelf: &Shelf, token: Token) -> BuyReceipt {
        let at_ms = tx.now_ms();
        let spent = Spent {
            token: TokenOf {
                sale: self.id.compact(),
                buyer: self.buyer.compact(),
                serial: token.serial,
            },
            pay_by_ms: at_ms.saturating_add(shelf.ttl_ms),
            sku: self.sku.compact(),
            quantity: token.quantity,
        };
        tx.send(self.id.as_str(), &spent);
        self.receipt(shelf, token, Some(at_ms), false)
    }

    fn receipt(
        &self,
        shelf: &Shelf,
        token: Token,
        at_ms: Option<u64>,
        repeated: bool,
    ) -> BuyReceipt {
        BuyReceipt {
            order: self.order(shelf, token),
            sku: self.sku.compact(),
            quantity: token.quantity,
            total: shelf.unit_price * token.quantity,
            currency: shelf.currency.clone(),
            pay_by_ms: at_ms.map(|at_ms| at_ms.saturating_add(shelf.ttl_ms)),
            repeated,
        }
    }
}
