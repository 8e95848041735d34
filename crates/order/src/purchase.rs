//! Orders that begin with units which somebody has taken for them: what was bought at once.
//!
//! Whoever takes the units does so by a claim that is whole there ([`Purchase::claim`]). The letter that says
//! so makes the order, reserved from the moment on at which the units were taken.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_claim::{Claim, Owner, Thing, Verdict, Whole};
use tidegate_engine::contract::Mail;
use tidegate_engine::{Address, Missing, Reads, Row, Tx};

use crate::apply::{begin_bought, settle};
use crate::mail::{ANSWERS, BOUGHT};
use crate::table::{DOMAIN, Deduct, Line, ORDERS, Order};

/// What was bought, and by whom: one order of one line.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Purchase {
    /// Who has bought it.
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub buyer: CompactString,
    /// The SKU.
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub sku: CompactString,
    /// Units.
    #[n(2)]
    pub quantity: u64,
    /// The price of one, in minor units.
    #[n(3)]
    pub unit_price: u64,
    /// Three capitals, as in ISO 4217.
    #[cbor(n(4), with = "tidegate_engine::text")]
    pub currency: CompactString,
    /// When the units were taken.
    #[n(5)]
    pub at_ms: u64,
    /// How long the order waits for payment from then on.
    #[n(6)]
    pub ttl_ms: u64,
    /// Who is told, by an [`Ended`], once the order has come to nothing.
    #[n(7)]
    pub seller: Address,
}

impl Row for Purchase {}

/// The attempt of a claim for an order that is not there yet: those of an order that was placed begin with 1.
const BEFORE_THE_ORDER: u64 = 0;

/// An order has come to nothing: it was given up, by time or by the buyer, or all of its money went back.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ended {
    /// The order.
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub order: CompactString,
    /// Who had bought it.
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub buyer: CompactString,
    /// How many units.
    #[n(2)]
    pub quantity: u64,
}

impl Row for Ended {}

/// Who owns the units of a purchase.
#[must_use]
pub fn owner_of(order: &str) -> Owner {
    Owner {
        address: Address::new(DOMAIN, ANSWERS, order),
        attempt: BEFORE_THE_ORDER,
    }
}

/// What an audit calls it that there is an order, which was bought from a seller and has not come to nothing; or a
/// letter on its way which makes it, or says that it has.
#[must_use]
pub fn bought_label(order: &str, purchase: (&Address, &str, u64)) -> CompactString {
    let (seller, buyer, quantity) = purchase;
    let (domain, mail) = seller.numbers();
    let to = seller.to();
    compact_str::format_compact!("{quantity} in order {order} of {buyer} from {domain}.{mail}/{to}")
}

/// What an audit calls it that the seller counts such an order.
#[must_use]
pub fn counted_label(order: &str, purchase: (&Address, &str, u64)) -> CompactString {
    let label = bought_label(order, purchase);
    compact_str::format_compact!("that the seller counts {label}")
}

impl Purchase {
    /// The claim by which its units are taken, for an order that will have this id. What takes them all at once
    /// goes on with it, and the order is made.
    #[must_use]
    pub fn claim(&self, order: &str) -> Claim {
        let note = minicbor::to_vec(self).expect("because writing to memory does not fail");
        Claim {
            owner: owner_of(order),
            things: [self.thing()].into(),
            is_last: true,
            whole: Address::new(DOMAIN, BOUGHT, order),
            note: note.into(),
        }
    }

    /// What it costs.
    ///
    /// `None` if an order may not cost that.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        crate::apply::total_of(&[self.line()])
    }

    fn thing(&self) -> Thing {
        Thing {
            domain: tidegate_stock::STOCK.number,
            key: self.sku.clone(),
            units: self.quantity,
        }
    }

    fn line(&self) -> Line {
        Line {
            sku: self.sku.clone(),
            quantity: self.quantity,
            unit_price: self.unit_price,
            refunded: None,
        }
    }

    /// The order, which has its units.
    fn order(self, number: u64) -> Order {
        Order {
            total: self.total().unwrap_or_default(),
            lines: vec![self.line()],
            buyer: self.buyer,
            currency: self.currency,
            ttl_ms: self.ttl_ms,
            attempt: BEFORE_THE_ORDER,
            seller: Some(self.seller),
            ..Order::new(number, Deduct::Place)
        }
    }
}

/// Units were taken for an order that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Bought(Whole);

impl Row for Bought {}

impl Bought {
    pub(crate) fn owner(&self) -> &Owner {
        &self.0.owner
    }

    pub(crate) fn purchase(&self) -> Purchase {
        let purchase = minicbor::decode(&self.0.note);
        purchase.expect("because it was written by this crate, and came back as it was")
    }
}

impl Mail for Bought {
    const NUMBERS: (u8, u8) = (DOMAIN, BOUGHT);
    const NAME: &'static str = "units_bought";
    const LETTERS: usize = 2;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let purchase = self.purchase();
        if tx.get(&ORDERS, to)?.is_some() {
            // Somebody has placed an order under the id that was made for this one.
            let things = vec![vec![purchase.thing()]];
            settle(tx, self.owner(), things, Verdict::Release);
            let ended = Ended {
                order: to.into(),
                buyer: purchase.buyer,
                quantity: purchase.quantity,
            };
            tx.send_to(&purchase.seller, &ended);
            return Ok(());
        }
        let at_ms = purchase.at_ms;
        let order = purchase.order(tx.mint());
        begin_bought(tx, to, order, at_ms);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn letters_are_frozen() {
        let purchase = Purchase {
            buyer: "b".into(),
            sku: "s".into(),
            quantity: 2,
            unit_price: 5,
            currency: "EUR".into(),
            at_ms: 300,
            ttl_ms: 900,
            seller: Address::new(3, 6, "x"),
        };
        let ended = Ended {
            order: "o".into(),
            buyer: "b".into(),
            quantity: 2,
        };
        assert_eq!(
            [hex(&purchase), hex(&ended)],
            [
                "a80061620161730202030504634555520519012c0619038407a200190306016178",
                "a300616f0161620202",
            ]
        );
    }
}
