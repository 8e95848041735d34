//! Rows, their field numbers, and the tables they lie in.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_claim::{Owner, THINGS_MAX, Thing};
use tidegate_engine::{Address, Row, Table, words};

use crate::mail::ANSWERS;

/// The domain's number in stored formats.
pub(crate) const DOMAIN: u8 = 2;

/// By id.
pub(crate) const ORDERS: Table<Order> = Table::keyed(DOMAIN, 0, "order.orders");
/// By buyer, whether the order is finished, and its number: the buyer's list.
pub(crate) const LISTED: Table<Listed> = Table::ordered(DOMAIN, 1, "order.listed");
/// By buyer and number: in which part of the list the order stands. Of an order that was never listed memory
/// knows that it stands in none, as it does for keyed tables only.
pub(crate) const PLACES: Table<InPart> = Table::keyed(DOMAIN, 2, "order.places");

/// Parts of a buyer's list: the living, the finished.
pub(crate) const LIST_PARTS: [u8; 2] = [0, 1];

/// The state of an order. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum State {
    /// Its units are being claimed.
    #[n(1)]
    Placing,
    /// It has all of them, until it expires.
    #[n(2)]
    Reserved,
    /// It could not have all of them.
    #[n(3)]
    Refused,
    /// Given up by the caller.
    #[n(4)]
    Cancelled,
    /// Given up by time.
    #[n(5)]
    Expired,
    /// There was no room or no time to place it: it has nothing, and may be placed again.
    #[n(6)]
    Busy,
}

words! { State {
    "placing" => Self::Placing,
    "reserved" => Self::Reserved,
    "refused" => Self::Refused,
    "cancelled" => Self::Cancelled,
    "expired" => Self::Expired,
    "busy" => Self::Busy,
} }

impl State {
    /// Its word in every front.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Placing => "placing",
            Self::Reserved => "reserved",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Busy => "busy",
        }
    }

    /// Whether something is still to become of it.
    pub(crate) fn is_living(self) -> bool {
        match self {
            Self::Placing | Self::Reserved => true,
            Self::Refused | Self::Cancelled | Self::Expired | Self::Busy => false,
        }
    }

    /// What it is once time has passed that may end it, though no timer has fired yet.
    fn at(self, now_ms: u64, until_ms: Option<u64>) -> Self {
        let is_over = until_ms.is_some_and(|until_ms| now_ms >= until_ms);
        match self {
            Self::Placing if is_over => Self::Busy,
            Self::Reserved if is_over => Self::Expired,
            Self::Placing
            | Self::Reserved
            | Self::Refused
            | Self::Cancelled
            | Self::Expired
            | Self::Busy => self,
        }
    }

    /// Where orders of this state stand in a buyer's list.
    pub(crate) fn part(self) -> u8 {
        u8::from(!self.is_living())
    }
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Order {
    /// Hash of the content of the request that made it.
    #[n(0)]
    pub(crate) content: u64,
    /// Its place in its buyer's list: an id, so by time.
    #[n(1)]
    pub(crate) number: u64,
    #[n(2)]
    pub(crate) state: State,
    /// Counts its states.
    #[n(3)]
    pub(crate) version: u64,
    /// How often its units were claimed.
    #[n(4)]
    pub(crate) attempt: u64,
    /// Things claimed before those that are being claimed: the letters name only so many at once.
    #[n(5)]
    pub(crate) claimed: u64,
    #[cbor(n(6), with = "tidegate_engine::text")]
    pub(crate) buyer: CompactString,
    #[cbor(n(7), with = "tidegate_engine::text")]
    pub(crate) currency: CompactString,
    #[n(8)]
    pub(crate) lines: Vec<Line>,
    #[n(9)]
    pub(crate) total: u64,
    #[n(10)]
    pub(crate) ttl_ms: u64,
    /// When time ends its state: while it is placing or reserved.
    #[n(11)]
    pub(crate) until_ms: Option<u64>,
    /// The states that it has had, oldest first, the present one last.
    #[n(12)]
    pub(crate) steps: Vec<Step>,
    /// Why it was refused.
    #[n(13)]
    pub(crate) cause: Option<Cause>,
    /// Things that want to hear once all are claimed.
    #[n(14)]
    pub(crate) asked: Vec<Thing>,
}

impl Row for Order {}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Line {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) sku: CompactString,
    #[n(1)]
    pub(crate) quantity: u64,
    #[n(2)]
    pub(crate) unit_price: u64,
}

/// A state that an order has come into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Step {
    #[n(0)]
    pub(crate) state: State,
    #[n(1)]
    pub(crate) at_ms: u64,
}

/// Why an order was refused.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Cause {
    /// The refusal of the SKU.
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) code: CompactString,
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub(crate) sku: CompactString,
    #[n(2)]
    pub(crate) available: u64,
}

impl Order {
    /// Who claims.
    pub(crate) fn owner(&self, id: &str) -> Owner {
        Owner {
            address: Address::new(DOMAIN, ANSWERS, id),
            attempt: self.attempt,
        }
    }

    /// What it wants, in the order of their keys, each once.
    pub(crate) fn things(&self) -> Vec<Thing> {
        let thing = |line: &Line| Thing {
            domain: tidegate_stock::STOCK.number,
            key: line.sku.clone(),
            units: line.quantity,
        };
        let mut things: Vec<_> = self.lines.iter().map(thing).collect();
        things.sort_unstable();
        things.dedup_by(|next, first| {
            let is_same = (next.domain, &next.key) == (first.domain, &first.key);
            if is_same {
                first.units += next.units;
            }
            is_same
        });
        things
    }

    /// Those of them that may have been claimed by now, as letters name them.
    pub(crate) fn perhaps_claimed(&self) -> Vec<Vec<Thing>> {
        let things = self.things();
        let asked = usize::try_from(self.claimed).unwrap_or(usize::MAX);
        let asked = asked.saturating_add(THINGS_MAX).min(things.len());
        let things = things[..asked].chunks(THINGS_MAX);
        things.map(<[Thing]>::to_vec).collect()
    }

    /// Whether its buyer's list is to have it: not while it is being placed, nor when that had to be given
    /// up for lack of room or time.
    pub(crate) fn is_listed(&self) -> bool {
        !matches!(self.state, State::Placing | State::Busy)
    }

    /// Whether it waits for what becomes of a claim.
    pub(crate) fn awaits(&self, owner: &Owner, now_ms: u64) -> bool {
        self.attempt == owner.attempt && self.state_at(now_ms) == State::Placing
    }

    /// The state as time has it, though its timer may not have fired yet.
    pub(crate) fn state_at(&self, now_ms: u64) -> State {
        self.state.at(now_ms, self.until_ms)
    }
}

/// An order in its buyer's list.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Listed {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) id: CompactString,
    #[n(1)]
    pub(crate) state: State,
    #[n(2)]
    pub(crate) version: u64,
    #[n(3)]
    pub(crate) total: u64,
    #[cbor(n(4), with = "tidegate_engine::text")]
    pub(crate) currency: CompactString,
    #[n(5)]
    pub(crate) placed_at_ms: u64,
    /// When it expires, while it is reserved.
    #[n(6)]
    pub(crate) until_ms: Option<u64>,
}

impl Row for Listed {}

impl Listed {
    /// The state as time has it, though the order has not written that it is so.
    pub(crate) fn state_at(&self, now_ms: u64) -> State {
        self.state.at(now_ms, self.until_ms)
    }
}

/// Where an order stands in its buyer's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct InPart {
    /// That of the order, as it is listed.
    #[n(0)]
    pub(crate) version: u64,
    /// One of [`LIST_PARTS`].
    #[n(1)]
    pub(crate) part: u8,
}

impl Row for InPart {}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    fn order() -> Order {
        let step = |state, at_ms| Step { state, at_ms };
        Order {
            content: 7,
            number: 300,
            state: State::Placing,
            version: 3,
            attempt: 2,
            claimed: 64,
            buyer: "b".into(),
            currency: "EUR".into(),
            lines: vec![Line {
                sku: "s".into(),
                quantity: 3,
                unit_price: 5,
            }],
            total: 15,
            ttl_ms: 900,
            until_ms: Some(1_000),
            steps: vec![
                step(State::Placing, 100),
                step(State::Refused, 200),
                step(State::Placing, 300),
            ],
            cause: None,
            asked: vec![Thing {
                domain: 1,
                key: "s".into(),
                units: 3,
            }],
        }
    }

    #[test]
    fn rows_are_frozen() {
        let refused = Order {
            state: State::Refused,
            until_ms: None,
            cause: Some(Cause {
                code: "sold_out".into(),
                sku: "s".into(),
                available: 2,
            }),
            asked: Vec::new(),
            ..order()
        };
        let listed = Listed {
            id: "o".into(),
            state: State::Reserved,
            version: 1,
            total: 15,
            currency: "EUR".into(),
            placed_at_ms: 100,
            until_ms: Some(1_000),
        };
        let place = InPart {
            version: 300,
            part: 1,
        };
        let rows = [hex(&order()), hex(&refused), hex(&listed), hex(&place)];
        let expected = [
            "ae00070119012c02010303040205184006616207634555520881a300617301030205090f0a1903840b1903e80c83a20001011864a200030118c8a200010119012c0e81a300010161730203",
            "ae00070119012c02030303040205184006616207634555520881a300617301030205090f0a1903840c83a20001011864a200030118c8a200010119012c0da30068736f6c645f6f757401617302020e80",
            "a700616f01020201030f0463455552051864061903e8",
            "a20019012c0101",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn states_are_frozen() {
        let states = [
            State::Placing,
            State::Reserved,
            State::Refused,
            State::Cancelled,
            State::Expired,
        ];
        let numbers = ["01", "02", "03", "04", "05"];
        assert_eq!(states.map(|state| hex(&state)), numbers);
    }
}
