//! Rows, their field numbers, and the tables they lie in.

use compact_str::CompactString;
use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};
use tidegate_engine::{Row, Table};

use crate::check::{Check, Checks};
use crate::draw::HASH_BYTES;
use crate::guard::{Arrival, Guard};

/// The domain's number in stored formats.
pub(crate) const DOMAIN: u8 = 3;

/// By sale.
pub(crate) const SALES: Table<Sale> = Table::ordered(DOMAIN, 0, "sale.sales");
/// By sale and buyer.
pub(crate) const ENTRANTS: Table<Entrant> = Table::keyed(DOMAIN, 1, "sale.entrants");
/// By sale, group and step: what a step of a draw has found for a group.
pub(crate) const SCATTERED: Table<Drawn> = Table::keyed(DOMAIN, 2, "sale.scattered");
/// By sale and group: the drawn order.
pub(crate) const GROUPS: Table<Group> = Table::keyed(DOMAIN, 3, "sale.groups");

/// By sale and SKU.
pub(crate) const GOODS: Table<Good> = Table::keyed(DOMAIN, 4, "sale.goods");
/// By sale and the number of a good: its SKU.
pub(crate) const SKUS: Table<Sku> = Table::keyed(DOMAIN, 5, "sale.skus");
/// By SKU and sale, in the slot of the SKU: that it may be bought there.
pub(crate) const SHELVES: Table<Shelf> = Table::keyed(DOMAIN, 6, "sale.shelves");
/// By SKU, sale and serial, in the slot of the SKU: tokens that are void before their time.
pub(crate) const VOIDS: Table<Void> = Table::keyed(DOMAIN, 7, "sale.voids").known_at_edge();

/// By sale and cell: when the next entry from its addresses is expected.
pub(crate) const ARRIVALS: Table<Arrival> = Table::keyed(DOMAIN, 8, "sale.arrivals");

/// By sale and buyer: who is being checked, or was refused.
pub(crate) const CHECKS: Table<Check> = Table::keyed(DOMAIN, 9, "sale.checks");

/// A hash or a secret, as rows keep it.
pub(crate) type HashBytes = ByteArray<HASH_BYTES>;

/// A sale.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Sale {
    /// Hash of the content of the request that made it.
    #[n(0)]
    pub(crate) content: u64,
    #[n(1)]
    pub(crate) created_ms: u64,
    /// From when on people may enter.
    #[n(2)]
    pub(crate) opens_ms: u64,
    #[n(3)]
    pub(crate) starts_ms: u64,
    #[n(4)]
    pub(crate) ends_ms: u64,
    /// How many are admitted a second.
    #[n(5)]
    pub(crate) rate: u64,
    /// By which tickets are signed.
    #[n(6)]
    pub(crate) key: HashBytes,
    /// Of the draw.
    #[n(7)]
    pub(crate) secret: HashBytes,
    /// What public value the draw takes in, as it was named beforehand.
    #[n(8)]
    pub(crate) beacon_name: Option<String>,
    #[n(9)]
    pub(crate) beacon: Option<String>,
    /// How many have entered: the number of the last one.
    #[n(10)]
    pub(crate) entrants: u64,
    /// The hash of the list of entrants, until it is closed.
    #[n(11)]
    pub(crate) list: HashBytes,
    /// What the start has brought.
    #[n(12)]
    pub(crate) start: Option<Start>,
    /// How far the draw has come.
    #[n(13)]
    pub(crate) draw: Option<Draw>,
    /// How those who wait are admitted, once the draw is over.
    #[n(14)]
    pub(crate) pace: Option<Pace>,
    /// What is sold, if anything is: a sale may be a line for something else.
    #[n(15)]
    pub(crate) shop: Option<Shop>,
    /// Limits and challenges; without them none.
    #[n(16)]
    pub(crate) guard: Option<Guard>,
    /// Who may enter is asked of somebody outside.
    #[n(17)]
    pub(crate) checks: Option<Checks>,
}

impl Row for Sale {}

/// The list is closed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Start {
    #[n(0)]
    pub(crate) at_ms: u64,
    /// What the path of the purchase call carries, unknown to anybody before.
    #[n(1)]
    pub(crate) nonce: ByteArray<16>,
    /// How many are in the list.
    #[n(2)]
    pub(crate) listed: u64,
}

/// A step of a draw that is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Draw {
    /// To find the lots of the next entrants of the list, and the groups in which they fall.
    #[n(0)]
    Scatter(#[n(0)] u64),
    /// To bring the next group in order, before which so many stand.
    #[n(1)]
    Gather(#[n(0)] u64, #[n(1)] u64),
    /// None any more.
    #[n(2)]
    Done,
}

/// Who waits is admitted by number, so many a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Pace {
    /// From when on.
    #[n(0)]
    pub(crate) since_ms: u64,
    /// The last position that had been admitted by then.
    #[n(1)]
    pub(crate) base: u64,
}

/// What a sale sells, how, and what it knows of that.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Shop {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) currency: CompactString,
    /// Units that a buyer may have of all goods.
    #[n(1)]
    pub(crate) max: u64,
    /// How long an order waits for payment.
    #[n(2)]
    pub(crate) ttl_ms: u64,
    /// How many may be inside at once.
    #[n(3)]
    pub(crate) inside: u64,
    /// For how long somebody who was admitted counts as inside, unless they buy before.
    #[n(4)]
    pub(crate) visit_ms: u64,
    #[n(5)]
    pub(crate) goods: u64,
    /// How many of them were opened for sale.
    #[n(6)]
    pub(crate) opened: u64,
    /// Of how many of them it is known how many units there are.
    #[n(7)]
    pub(crate) known: u64,
    /// Units of all goods, as far as they are known.
    #[n(8)]
    pub(crate) units: Units,
    /// Tokens that were issued.
    #[n(9)]
    pub(crate) tokens: u64,
    /// Those of them by which an order was made.
    #[n(10)]
    pub(crate) bought: u64,
    /// Orders of these that have come to nothing.
    #[n(11)]
    pub(crate) ended: u64,
    /// By when the last unit comes back that is held by an order.
    #[n(12)]
    pub(crate) back_by_ms: u64,
    /// Who may be admitted.
    #[n(13)]
    pub(crate) gate: Gate,
}

/// Units of goods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Units {
    #[n(0)]
    pub(crate) available: u64,
    #[n(1)]
    pub(crate) held: u64,
    #[n(2)]
    pub(crate) sold: u64,
}

/// Up to whom people are admitted, and who of them is inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Gate {
    /// The last position that may be admitted.
    #[n(0)]
    pub(crate) up_to: u64,
    /// The last position whose visit is over.
    #[n(1)]
    pub(crate) left: u64,
    /// Those who came in since, oldest first.
    #[n(2)]
    pub(crate) visits: Vec<Visit>,
    /// When it is looked at again; 0 if nothing is to be done.
    #[n(3)]
    pub(crate) due_ms: u64,
    /// More would have been admitted by now, had there been room.
    #[cbor(n(4), skip_if = "std::ops::Not::not")]
    pub(crate) is_kept: bool,
}

/// Those who were admitted within a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Visit {
    /// The last position of them.
    #[n(0)]
    pub(crate) up_to: u64,
    #[n(1)]
    pub(crate) since_ms: u64,
    /// How many of them have bought.
    #[n(2)]
    pub(crate) done: u64,
}

/// A good of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Good {
    #[n(0)]
    pub(crate) number: u64,
    #[n(1)]
    pub(crate) unit_price: u64,
    /// As it was last told.
    #[n(2)]
    pub(crate) units: Option<Units>,
}

impl Row for Good {}

/// The SKU of a good.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Sku {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) sku: CompactString,
}

impl Row for Sku {}

/// What the slot of a SKU knows of a sale in which it may be bought.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Shelf {
    /// By which its tokens are signed.
    #[n(0)]
    pub(crate) key: HashBytes,
    #[n(1)]
    pub(crate) nonce: ByteArray<16>,
    #[n(2)]
    pub(crate) unit_price: u64,
    #[cbor(n(3), with = "tidegate_engine::text")]
    pub(crate) currency: CompactString,
    #[n(4)]
    pub(crate) ttl_ms: u64,
    #[n(5)]
    pub(crate) ends_ms: u64,
}

impl Row for Shelf {}

/// A token that is void before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Void {
    /// When it would have expired.
    #[n(0)]
    pub(crate) until_ms: u64,
}

impl Row for Void {}

/// Somebody who has entered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Entrant {
    #[n(0)]
    pub(crate) number: u64,
    #[n(1)]
    pub(crate) at_ms: u64,
    /// Tokens that count towards the limit, oldest first.
    #[cbor(n(2), skip_if = "Vec::is_empty")]
    pub(crate) tokens: Vec<TokenRow>,
    /// They have bought, and count as inside no more.
    #[cbor(n(3), skip_if = "std::ops::Not::not")]
    pub(crate) is_done: bool,
    /// When the next token is expected, in µs since 1970, if there is a limit.
    #[n(4)]
    pub(crate) next_token_us: Option<u64>,
}

impl Row for Entrant {}

/// A token of a buyer: it was not given back, nor has what was bought by it come to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct TokenRow {
    /// Its number.
    #[n(0)]
    pub(crate) serial: u64,
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub(crate) sku: CompactString,
    #[n(2)]
    pub(crate) quantity: u64,
    #[n(3)]
    pub(crate) expires_ms: u64,
    #[n(4)]
    pub(crate) state: TokenState,
    /// Where its holder stood in line.
    #[n(5)]
    pub(crate) position: u64,
}

/// What is known of a token. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum TokenState {
    /// It may be spent.
    #[n(0)]
    Out,
    /// Its SKU was asked to make it void.
    #[n(1)]
    Voiding,
    /// An order was made by it.
    #[n(2)]
    Spent,
}

/// Lots, each 8 bytes, with the numbers of entrants, 4 bytes, both big endian.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Drawn(pub(crate) ByteVec);

impl Row for Drawn {}

/// The lots that fall in a group, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Group {
    /// How many stand before them.
    #[n(0)]
    pub(crate) before: u64,
    #[n(1)]
    pub(crate) drawn: Drawn,
}

impl Row for Group {}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;
    use crate::lots::Lot;

    #[test]
    fn rows_are_frozen() {
        let announced = Sale {
            content: 1,
            created_ms: 300,
            opens_ms: 400,
            starts_ms: 500,
            ends_ms: 600,
            rate: 7,
            key: [8; HASH_BYTES].into(),
            secret: [9; HASH_BYTES].into(),
            beacon_name: None,
            beacon: None,
            entrants: 2,
            list: [10; HASH_BYTES].into(),
            start: None,
            draw: None,
            pace: None,
            shop: None,
            guard: None,
            checks: None,
        };
        let running = Sale {
            beacon_name: Some("b".to_owned()),
            beacon: Some("v".to_owned()),
            start: Some(Start {
                at_ms: 500,
                nonce: [11; 16].into(),
                listed: 2,
            }),
            draw: Some(Draw::Gather(3, 4)),
            pace: Some(Pace {
                since_ms: 501,
                base: 1,
            }),
            ..announced.clone()
        };
        let entrant = Entrant {
            number: 2,
            at_ms: 450,
            tokens: Vec::new(),
            is_done: false,
            next_token_us: None,
        };
        let drawn: Drawn = [Lot { lot: 5, number: 6 }].into_iter().collect();
        let group = Group {
            before: 3,
            drawn: drawn.clone(),
        };
        let draws = [Draw::Scatter(2), Draw::Done].map(|draw| hex(&draw));
        assert_eq!(draws, ["82008102", "820280"]);
        let bytes = |byte: u8, count: usize| format!("{byte:02x}").repeat(count);
        let [key, secret, list] = [8, 9, 10].map(|byte| bytes(byte, HASH_BYTES));
        let head = format!("00010119012c02190190031901f4041902580507065820{key}075820{secret}");
        let rows = [
            hex(&announced),
            hex(&running),
            hex(&entrant),
            hex(&drawn),
            hex(&group),
        ];
        let expected = [
            format!("aa{head}0a020b5820{list}"),
            format!(
                "af{head}0861620961760a020b5820{list}0ca3001901f40150{}02020d82018203040ea2001901f50101",
                bytes(11, 16)
            ),
            "a20002011901c2".to_owned(),
            "4c000000000000000500000006".to_owned(),
            "a20003014c000000000000000500000006".to_owned(),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn rows_of_what_is_sold_are_frozen() {
        let units = Units {
            available: 1,
            held: 2,
            sold: 3,
        };
        let shop = Shop {
            currency: "EUR".into(),
            max: 1,
            ttl_ms: 2,
            inside: 3,
            visit_ms: 4,
            goods: 5,
            opened: 6,
            known: 7,
            units,
            tokens: 8,
            bought: 9,
            ended: 10,
            back_by_ms: 11,
            gate: Gate {
                up_to: 12,
                left: 13,
                visits: vec![Visit {
                    up_to: 14,
                    since_ms: 15,
                    done: 16,
                }],
                due_ms: 17,
                is_kept: true,
            },
        };
        let good = Good {
            number: 1,
            unit_price: 2,
            units: Some(units),
        };
        let sku = Sku { sku: "s".into() };
        let void = Void { until_ms: 300 };
        let entrant = Entrant {
            number: 1,
            at_ms: 2,
            tokens: vec![TokenRow {
                serial: 3,
                sku: "s".into(),
                quantity: 4,
                expires_ms: 5,
                state: TokenState::Voiding,
                position: 6,
            }],
            is_done: true,
            next_token_us: Some(300),
        };
        let states = [TokenState::Out, TokenState::Voiding, TokenState::Spent];
        assert_eq!(states.map(|state| hex(&state)), ["00", "01", "02"]);
        let rows = [hex(&shop), hex(&good), hex(&sku), hex(&void), hex(&entrant)];
        let expected = [
            "ae0063455552010102020303040405050606070708a300010102020309080a090b0a0c0b0da5000c010d0281a3000e010f0210031104f5",
            "a30001010202a3000101020203",
            "a1006173",
            "a10019012c",
            "a5000101020281a60003016173020403050401050603f50419012c",
        ];
        assert_eq!(rows, expected);
    }
}
