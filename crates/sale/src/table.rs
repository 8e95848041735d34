//! Rows, their field numbers, and the tables they lie in.

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};
use tidegate_engine::{Row, Table};

use crate::draw::HASH_BYTES;

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

/// Somebody who has entered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Entrant {
    #[n(0)]
    pub(crate) number: u64,
    #[n(1)]
    pub(crate) at_ms: u64,
}

impl Row for Entrant {}

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
}
