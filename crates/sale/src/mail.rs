//! Letters between a sale and the SKUs of its goods, and what it is told of them and of orders.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::contract::Mail;
use tidegate_engine::{Address, CallEnd, Missing, Reads, Row, Tx};
use tidegate_order::Ended;
use tidegate_stock::within::Level;

use crate::apply::{
    know_checked, know_ended, know_level, know_spent, know_void, make_void, open_shelf,
};
use crate::table::{CHECKS, DOMAIN, ENTRANTS, GOODS, SALES, Shelf, VOIDS};

/// The number of the mail by which a sale is told how many units there are.
const LEVEL: u8 = 5;
/// By which it is told that an order has come to nothing.
const ENDED: u8 = 6;
/// By which it is told what a hook has said.
pub(crate) const CHECKED: u8 = 7;

/// Where a sale is told how many units of its goods there are.
pub(crate) fn levels_of(sale: &str) -> Address {
    Address::new(DOMAIN, LEVEL, sale)
}

/// Who has sold what is bought in a sale.
pub(crate) fn seller_of(sale: &str) -> Address {
    Address::new(DOMAIN, ENDED, sale)
}

/// A good may be bought from now on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct OpenShelf {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) sale: CompactString,
    #[n(1)]
    pub(crate) shelf: Shelf,
}

impl Row for OpenShelf {}

impl Mail for OpenShelf {
    const NUMBERS: (u8, u8) = (DOMAIN, 1);
    const NAME: &'static str = "open_shelf";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        tidegate_stock::within::reads_of_watch(reads, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        open_shelf(tx, to, self)
    }
}

/// A token of a buyer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct TokenOf {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) sale: CompactString,
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub(crate) buyer: CompactString,
    #[n(2)]
    pub(crate) serial: u64,
}

impl TokenOf {
    /// What an audit calls it that a token which was to be made void is, or a letter on its way about that.
    pub(crate) fn void_label(&self) -> CompactString {
        let Self { sale, serial, .. } = self;
        compact_str::format_compact!("a letter about the token {serial} of sale {sale}")
    }
}

/// The sale wants a token void.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct MakeVoid {
    #[n(0)]
    pub(crate) token: TokenOf,
    #[n(1)]
    pub(crate) expires_ms: u64,
    /// The order that would be made by it.
    #[cbor(n(2), with = "tidegate_engine::text")]
    pub(crate) order: CompactString,
}

impl Row for MakeVoid {}

impl Mail for MakeVoid {
    const NUMBERS: (u8, u8) = (DOMAIN, 2);
    const NAME: &'static str = "make_token_void";
    const LETTERS: usize = 1;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        let TokenOf { sale, serial, .. } = &self.token;
        let owner = tidegate_order::owner_of(&self.order);
        tidegate_stock::within::reads(reads, to, &owner);
        reads.row(&VOIDS, (to, sale.as_str(), *serial));
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        make_void(tx, to, &self)
    }
}

/// Whether a token is void: else it was spent before.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct VoidOrNot {
    #[n(0)]
    pub(crate) token: TokenOf,
    #[n(1)]
    pub(crate) is_void: bool,
}

impl Row for VoidOrNot {}

impl Mail for VoidOrNot {
    const NUMBERS: (u8, u8) = (DOMAIN, 3);
    const NAME: &'static str = "token_void_or_not";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SALES, to);
        reads.row(&ENTRANTS, (to, self.token.buyer.as_str()));
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        know_void(tx, to, &self)
    }
}

/// A token was spent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Spent {
    #[n(0)]
    pub(crate) token: TokenOf,
    /// Until when its order may be paid.
    #[n(1)]
    pub(crate) pay_by_ms: u64,
    #[cbor(n(2), with = "tidegate_engine::text")]
    pub(crate) sku: CompactString,
    #[n(3)]
    pub(crate) quantity: u64,
}

impl Row for Spent {}

impl Mail for Spent {
    const NUMBERS: (u8, u8) = (DOMAIN, 4);
    const NAME: &'static str = "token_spent";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SALES, to);
        reads.row(&ENTRANTS, (to, self.token.buyer.as_str()));
        reads.row(&GOODS, (to, self.sku.as_str()));
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        know_spent(tx, to, &self)
    }
}

/// How many units of a good there are.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct LevelTold(Level);

impl Row for LevelTold {}

impl Mail for LevelTold {
    const NUMBERS: (u8, u8) = (DOMAIN, LEVEL);
    const NAME: &'static str = "level_told";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SALES, to);
        reads.row(&GOODS, (to, self.0.sku.as_str()));
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        know_level(tx, to, &self.0)
    }
}

/// An order has come to nothing that was made by a token.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct OrderEnded(Ended);

impl Row for OrderEnded {}

impl OrderEnded {
    pub(crate) fn ended(&self) -> &Ended {
        &self.0
    }
}

impl Mail for OrderEnded {
    const NUMBERS: (u8, u8) = (DOMAIN, ENDED);
    const NAME: &'static str = "order_ended";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SALES, to);
        reads.row(&ENTRANTS, (to, self.0.buyer.as_str()));
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        know_ended(tx, to, &self.0)
    }
}

/// What comes back with a call to a hook.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct CheckNote {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) buyer: CompactString,
}

impl CheckNote {
    pub(crate) fn read(note: &[u8]) -> Self {
        minicbor::decode(note).expect("because it came back as it was")
    }
}

/// A call to a hook has ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Checked(CallEnd);

impl Row for Checked {}

impl Mail for Checked {
    const NUMBERS: (u8, u8) = (DOMAIN, CHECKED);
    const NAME: &'static str = "buyer_checked";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SALES, to);
        reads.row(&CHECKS, (to, CheckNote::read(&self.0.note).buyer.as_str()));
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        know_checked(tx, to, &CheckNote::read(&self.0.note).buyer, &self.0)
    }
}

/// What an audit calls it that a good is on sale where its SKU is, or a letter on its way has it be so.
pub(crate) fn shelf_label(sale: &str, sku: &str) -> CompactString {
    compact_str::format_compact!("the shelf of {sku} for sale {sale}, or its letter")
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn letters_are_frozen() {
        let token = TokenOf {
            sale: "x".into(),
            buyer: "b".into(),
            serial: 300,
        };
        let open = OpenShelf {
            sale: "x".into(),
            shelf: Shelf {
                key: [1; 32].into(),
                nonce: [2; 16].into(),
                unit_price: 5,
                currency: "EUR".into(),
                ttl_ms: 6,
                ends_ms: 7,
            },
        };
        let void = MakeVoid {
            token: token.clone(),
            expires_ms: 400,
            order: "o".into(),
        };
        let word = VoidOrNot {
            token: token.clone(),
            is_void: true,
        };
        let spent = Spent {
            token,
            pay_by_ms: 400,
            sku: "s".into(),
            quantity: 2,
        };
        let note = CheckNote { buyer: "b".into() };
        assert_eq!(hex(&note), "a1006162");
        let expected = [
            format!(
                "a200617801a6005820{}0150{}0205036345555204060507",
                "01".repeat(32),
                "02".repeat(16)
            ),
            "a300a30061780161620219012c0119019002616f".to_owned(),
            "a200a30061780161620219012c01f5".to_owned(),
            "a400a30061780161620219012c011901900261730302".to_owned(),
        ];
        assert_eq!([hex(&open), hex(&void), hex(&word), hex(&spent)], expected);
    }
}
