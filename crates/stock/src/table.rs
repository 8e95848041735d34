//! Rows, their field numbers, and the tables they lie in.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_claim::{Claim, Owner};
use tidegate_engine::{Address, Row, Shard, Slice, Table, words};

/// The domain's number in stored formats.
pub(crate) const DOMAIN: u8 = 1;

/// By SKU.
pub(crate) const SKUS: Table<Sku> = Table::ordered(DOMAIN, 0, "stock.skus");
/// By SKU and id.
pub(crate) const HOLDS: Table<Held> = Table::keyed(DOMAIN, 1, "stock.holds").known_at_edge();
/// By SKU, state and the hold's position: the index of states.
pub(crate) const BY_STATE: Table<HoldId> = Table::ordered(DOMAIN, 2, "stock.by_state");
/// By SKU and position.
pub(crate) const FLOW: Table<Change> = Table::ordered(DOMAIN, 3, "stock.flow");
/// By SKU and buyer.
pub(crate) const BUYERS: Table<Taken> = Table::keyed(DOMAIN, 4, "stock.buyers").known_at_edge();
/// By SKU and id.
pub(crate) const ADDS: Table<Added> = Table::keyed(DOMAIN, 5, "stock.adds");
/// By SKU, hold and id.
pub(crate) const RETURNS: Table<Returned> = Table::keyed(DOMAIN, 6, "stock.returns");
/// By SKU and the number of a claim: holds of claims that are not known to be whole.
pub(crate) const PARTS: Table<HoldId> = Table::keyed(DOMAIN, 10, "stock.parts");
/// By SKU and place in the line: claims that wait for units which may come back.
pub(crate) const LINE: Table<Claim> = Table::ordered(DOMAIN, 11, "stock.line");
/// By SKU and the id of the hold that it would become: where a claim stands in line.
pub(crate) const PLACES: Table<InLine> = Table::keyed(DOMAIN, 12, "stock.places");

/// By SKU and shard: what was lent to each shard but the first, where that lies.
pub(crate) const SHARDS: Table<Lent> = Table::keyed(DOMAIN, 13, "stock.shards");
/// By SKU and place: shards that ask for units, in the order in which they are served.
pub(crate) const ASKS: Table<Ask> = Table::ordered(DOMAIN, 14, "stock.asks");

/// The units of a SKU, or of one of its shards.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Sku {
    #[n(0)]
    pub(crate) total: u64,
    #[n(1)]
    pub(crate) held: u64,
    #[n(2)]
    pub(crate) sold: u64,
    #[n(3)]
    pub(crate) version: u64,
    #[n(4)]
    pub(crate) alert: Option<u64>,
    /// Holds made so far: the position of the last one.
    #[n(5)]
    pub(crate) holds: u64,
    /// Changes made so far: the position of the last one.
    #[n(6)]
    pub(crate) changes: u64,
    /// Changes that have left for the archive: the position of the last one.
    #[n(7)]
    pub(crate) flow_left: u64,
    /// What is claimed of it by letters; nothing if nothing ever was, in part.
    #[n(8)]
    pub(crate) claims: Option<Claims>,
    /// Who is told how many units there are.
    #[cbor(n(9), skip_if = "Vec::is_empty")]
    pub(crate) watchers: Vec<Address>,
    /// When they are told, after a change; 0 while there is nothing to tell.
    #[cbor(n(10), skip_if = "tidegate_engine::is_zero")]
    pub(crate) level_told_at_ms: u64,
    /// Of which shard this is, if the SKU is split.
    #[n(11)]
    pub(crate) share: Option<Box<Share>>,
}

/// What a shard has of a SKU that is split, and what it wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Share {
    /// Which shard.
    #[n(0)]
    pub(crate) at: u16,
    /// Of how many.
    #[n(1)]
    pub(crate) of: u16,
    /// How often it has asked for units that it has not: the number of the last time.
    #[n(2)]
    pub(crate) asked: u64,
    /// Which of them was answered last.
    #[n(3)]
    pub(crate) answered: u64,
    /// How many units there were in all, if that answer was a "no".
    #[n(4)]
    pub(crate) none: Option<u64>,
    /// What it was lent by the first one.
    #[n(5)]
    pub(crate) lent: Moved,
    /// And what it has given back.
    #[n(6)]
    pub(crate) given: Moved,
    /// The first one lends to all others.
    #[n(7)]
    pub(crate) home: Option<Home>,
    /// The last gathering for which it has given units back.
    #[n(8)]
    pub(crate) emptied: u64,
}

/// Units that went from one shard to another so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Moved {
    /// Letters that took them.
    #[n(0)]
    pub(crate) letters: u64,
    #[n(1)]
    pub(crate) units: u64,
}

impl Moved {
    /// One letter more, with so many units.
    pub(crate) fn count(&mut self, units: u64) {
        self.letters += 1;
        self.units += units;
    }
}

/// What the first shard knows beside its own units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Home {
    /// Units of the SKU in all.
    #[n(0)]
    pub(crate) units: u64,
    /// Units that other shards hold, as they have told.
    #[n(1)]
    pub(crate) held: u64,
    /// And those that they have sold.
    #[n(2)]
    pub(crate) sold: u64,
    /// Places of those that ask: that from which on somebody may stand, and the last one given.
    #[n(3)]
    pub(crate) asks_from: u64,
    #[n(4)]
    pub(crate) asks_to: u64,
    /// How many stand there, and units that they want.
    #[n(5)]
    pub(crate) waiting: u64,
    #[n(6)]
    pub(crate) wanted: u64,
    /// How often the others were asked for what lies idle there, and for which place the last time.
    #[n(7)]
    pub(crate) round: u64,
    #[n(8)]
    pub(crate) round_for: u64,
    /// Which have answered, a bit for each.
    #[n(9)]
    pub(crate) heard: u64,
    /// All have, and units in doubt were waited for since.
    #[n(10)]
    pub(crate) is_stale: bool,
    /// The number under which units are asked for by whoever is first in the line of claims.
    #[n(11)]
    pub(crate) line_ask: u64,
    /// All were heard, and there was nothing; nothing has come back here since.
    #[n(12)]
    pub(crate) is_dry: bool,
}

impl Home {
    /// Notes that a shard has answered.
    pub(crate) fn hear(&mut self, at: u16) {
        self.heard |= 1 << at;
    }

    /// The shards of so many that were asked and have not answered.
    pub(crate) fn unheard(&self, of: u16) -> impl Iterator<Item = Shard> {
        let heard = if self.round > 0 { self.heard } else { u64::MAX };
        let others = Shard::all(of).skip(1);
        others.filter(move |shard| {
            heard
                .checked_shr(shard.at.into())
                .is_none_or(|bits| bits & 1 == 0)
        })
    }
}

impl Share {
    pub(crate) fn of(Shard { at, of }: Shard) -> Self {
        Self {
            at,
            of,
            ..Self::default()
        }
    }

    pub(crate) fn shard(&self) -> Shard {
        Shard {
            at: self.at,
            of: self.of,
        }
    }

    /// Whether it waits for an answer.
    pub(crate) fn is_asking(&self) -> bool {
        self.asked > self.answered
    }

    /// What it asked for was answered.
    pub(crate) fn answer(&mut self, number: u64, none: Option<u64>) {
        self.answered = number;
        self.none = none;
    }
}

/// What the first shard has lent to another one, and knows of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Lent {
    #[n(0)]
    pub(crate) lent: Moved,
    /// What came back.
    #[n(1)]
    pub(crate) given: Moved,
    /// Units that it holds and has sold, as it has told.
    #[n(2)]
    pub(crate) held: u64,
    #[n(3)]
    pub(crate) sold: u64,
}

impl Row for Lent {}

/// A shard asks for units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Ask {
    /// Which one.
    #[n(0)]
    pub(crate) at: u16,
    /// For which time.
    #[n(1)]
    pub(crate) number: u64,
    /// So many at once.
    #[n(2)]
    pub(crate) units: u64,
}

impl Row for Ask {}

/// Units of a SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Units {
    pub(crate) total: u64,
    pub(crate) held: u64,
    pub(crate) sold: u64,
}

impl Units {
    pub(crate) fn available(self) -> u64 {
        self.total
            .saturating_sub(self.held.saturating_add(self.sold))
    }
}

/// Claims of a SKU that are not known to be whole, and those that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Claims {
    /// Units held by claims that are not known to be whole: any of them may come back.
    #[n(0)]
    pub(crate) units: u64,
    /// The number of the last of these claims.
    #[n(1)]
    pub(crate) last: u64,
    /// Up to which number owners were asked whether theirs is whole.
    #[n(2)]
    pub(crate) asked: u64,
    /// Places in the line: that from which on somebody may stand, and the last one given.
    #[n(3)]
    pub(crate) line_from: u64,
    #[n(4)]
    pub(crate) line_to: u64,
    /// How many stand there.
    #[n(5)]
    pub(crate) waiting: u64,
}

impl Sku {
    /// Whether somebody waits for units of it.
    pub(crate) fn is_awaited(&self) -> bool {
        self.claims.is_some_and(|claims| claims.waiting > 0)
    }

    /// Units that may come back though nobody lets them go: of claims that may not become whole.
    pub(crate) fn in_doubt(&self) -> u64 {
        self.claims.map_or(0, |claims| claims.units)
    }

    /// Whether no unit is available, none may come back in a moment, and nobody waits for one.
    pub(crate) fn is_gone(&self) -> bool {
        let is_dry = self.share.as_ref().is_none_or(|_| self.is_dry());
        self.available() == 0 && self.in_doubt() == 0 && !self.is_awaited() && is_dry
    }

    /// The last gathering of the first shard.
    pub(crate) fn round(&self) -> u64 {
        self.home().map_or(0, |home| home.round)
    }

    fn is_dry(&self) -> bool {
        self.home().is_some_and(|home| home.is_dry)
    }

    /// What the first shard of a SKU that is split knows.
    pub(crate) fn home(&self) -> Option<&Home> {
        self.share.as_ref()?.home.as_ref()
    }

    pub(crate) fn home_mut(&mut self) -> Option<&mut Home> {
        self.share.as_mut()?.home.as_mut()
    }

    /// Whether this is a shard that is lent what it has.
    pub(crate) fn is_lent(&self) -> bool {
        self.share.as_ref().is_some_and(|share| share.at > 0)
    }

    /// Whether somebody is to be served once there are units.
    pub(crate) fn has_line(&self) -> bool {
        self.is_awaited() || self.home().is_some_and(|home| home.waiting > 0)
    }

    /// Units that nobody else waits for.
    pub(crate) fn free(&self) -> u64 {
        let wanted = self.home().map_or(0, |home| home.wanted);
        self.available().saturating_sub(wanted)
    }

    /// The units of the SKU over all its shards, as far as the others have told.
    pub(crate) fn in_all(&self) -> Units {
        let Self {
            total, held, sold, ..
        } = *self;
        match self.home() {
            Some(home) => Units {
                total: home.units,
                held: held.saturating_add(home.held),
                sold: sold.saturating_add(home.sold),
            },
            None => Units { total, held, sold },
        }
    }

    pub(crate) fn available(&self) -> u64 {
        self.total - self.held - self.sold
    }

    /// Asserts the law that every command relies on and must keep.
    pub(crate) fn check_laws(&self) {
        assert!(self.held + self.sold <= self.total, "oversold: {self:?}");
    }
}

impl Row for Sku {}

/// The state of a hold. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum HoldState {
    /// Units are set aside.
    #[n(1)]
    Held,
    /// Units are sold, at least in part.
    #[n(2)]
    Confirmed,
    /// Given back by the caller.
    #[n(3)]
    Released,
    /// Given back by time.
    #[n(4)]
    Expired,
    /// Sold and returned wholly.
    #[n(5)]
    Returned,
}

words! { HoldState {
    "held" => Self::Held,
    "confirmed" => Self::Confirmed,
    "released" => Self::Released,
    "expired" => Self::Expired,
    "returned" => Self::Returned,
} }

impl HoldState {
    /// Every state.
    pub(crate) const ALL: [Self; 5] = [
        Self::Held,
        Self::Confirmed,
        Self::Released,
        Self::Expired,
        Self::Returned,
    ];

    /// Its word in every front.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Returned => "returned",
        }
    }

    /// Its part of the key of the index of states.
    pub(crate) fn key(self) -> u8 {
        match self {
            Self::Held => 1,
            Self::Confirmed => 2,
            Self::Released => 3,
            Self::Expired => 4,
            Self::Returned => 5,
        }
    }
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Held {
    /// Hash of the content of the request that made it.
    #[cbor(n(0), skip_if = "tidegate_engine::is_zero")]
    pub(crate) content: u64,
    #[n(1)]
    pub(crate) state: HoldState,
    #[n(2)]
    pub(crate) position: u64,
    #[n(3)]
    pub(crate) quantity: u64,
    #[cbor(n(4), skip_if = "tidegate_engine::is_zero")]
    pub(crate) returned: u64,
    #[cbor(n(5), with = "optional_text")]
    pub(crate) buyer: Option<CompactString>,
    #[n(6)]
    pub(crate) created_at_ms: u64,
    #[n(7)]
    pub(crate) expires_at_ms: u64,
    /// What happened after it was made, oldest first.
    #[cbor(n(8), skip_if = "Vec::is_empty")]
    pub(crate) steps: Vec<Step>,
    /// Its details have left for this slice of the archive: what buyer, creation and steps say here
    /// means nothing.
    #[n(9)]
    pub(crate) archived: Option<Slice>,
    /// It belongs to an owner, whose word alone ends it.
    #[n(10)]
    pub(crate) claimed: Option<Claimed>,
}

/// A hold that belongs to an owner.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Claimed {
    #[n(0)]
    pub(crate) owner: Owner,
    /// Its number among the claims that are not known to be whole; 0 once it is.
    #[n(1)]
    pub(crate) number: u64,
}

/// When a hold expires that has no time of its own.
pub(crate) const NEVER: u64 = u64::MAX;

impl Held {
    /// Units that are set aside or sold by it.
    pub(crate) fn has(&self) -> u64 {
        match self.state {
            HoldState::Held => self.quantity,
            HoldState::Confirmed | HoldState::Returned => {
                self.quantity.saturating_sub(self.returned)
            }
            HoldState::Released | HoldState::Expired => 0,
        }
    }
}

impl Row for Held {}

/// A step in the life of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Step {
    #[n(0)]
    pub(crate) kind: Kind,
    #[n(1)]
    pub(crate) quantity: u64,
    #[n(2)]
    pub(crate) at_ms: u64,
}

/// What changes a SKU. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum Kind {
    #[n(1)]
    Set,
    #[n(2)]
    Add,
    #[n(3)]
    Hold,
    #[n(4)]
    Confirm,
    #[n(5)]
    Release,
    #[n(6)]
    Expire,
    #[n(7)]
    Return,
    /// Units go to another shard, or come from there.
    #[n(8)]
    Lend,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Add => "add",
            Self::Hold => "hold",
            Self::Confirm => "confirm",
            Self::Release => "release",
            Self::Expire => "expire",
            Self::Return => "return",
            Self::Lend => "lend",
        }
    }
}

/// Names a hold in the index of states.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct HoldId {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) id: CompactString,
}

impl Row for HoldId {}

/// Where a claim stands in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct InLine {
    #[n(0)]
    pub(crate) place: u64,
}

impl Row for InLine {}

/// An entry of the flow of a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Change {
    #[n(0)]
    pub(crate) kind: Kind,
    /// Empty for a set, which has no id.
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub(crate) id: CompactString,
    #[n(2)]
    pub(crate) quantity: i64,
    #[n(3)]
    pub(crate) before: u64,
    #[n(4)]
    pub(crate) after: u64,
    #[n(5)]
    pub(crate) at_ms: u64,
}

impl Row for Change {}

/// What a buyer has of a SKU: held and sold, less returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Taken {
    #[n(0)]
    pub(crate) units: u64,
    /// How many of them are of holds in the archive.
    #[n(1)]
    pub(crate) archived: u64,
}

impl Row for Taken {}

/// A change of a SKU's total that was made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Added {
    #[n(0)]
    pub(crate) content: u64,
    #[n(1)]
    pub(crate) delta: i64,
    #[n(2)]
    pub(crate) total: u64,
}

impl Row for Added {}

/// A return that was made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Returned {
    #[n(0)]
    pub(crate) content: u64,
    #[n(1)]
    pub(crate) quantity: u64,
}

impl Row for Returned {}

/// CBOR of a text that may be missing.
mod optional_text {
    use compact_str::CompactString;
    use minicbor::data::Type;
    use minicbor::decode::{Decoder, Error};
    use minicbor::encode::{self, Encoder, Write};

    pub(super) fn encode<C, W: Write>(
        text: &Option<CompactString>,
        out: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match text {
            Some(text) => tidegate_engine::text::encode(text, out, context),
            None => out.null()?.ok(),
        }
    }

    pub(super) fn decode<C>(
        from: &mut Decoder<'_>,
        context: &mut C,
    ) -> Result<Option<CompactString>, Error> {
        if from.datatype()? == Type::Null {
            from.null()?;
            return Ok(None);
        }
        tidegate_engine::text::decode(from, context).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::Address;
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn rows_of_what_is_claimed_are_frozen() {
        let owner = Owner {
            address: Address::new(2, 1, "o"),
            attempt: 1,
        };
        let hold = Held {
            content: 0,
            state: HoldState::Held,
            position: 5,
            quantity: 3,
            returned: 0,
            buyer: None,
            created_at_ms: 100,
            expires_at_ms: NEVER,
            steps: Vec::new(),
            archived: None,
            claimed: Some(Claimed { owner, number: 2 }),
        };
        let sku = Sku {
            total: 9,
            held: 3,
            sold: 0,
            version: 1,
            alert: None,
            holds: 5,
            changes: 6,
            flow_left: 0,
            claims: Some(Claims {
                units: 3,
                last: 2,
                asked: 1,
                line_from: 4,
                line_to: 5,
                waiting: 1,
            }),
            watchers: Vec::new(),
            level_told_at_ms: 0,
            share: None,
        };
        let watched = Sku {
            claims: None,
            watchers: vec![Address::new(3, 5, "x")],
            level_told_at_ms: 300,
            ..sku.clone()
        };
        let rows = [
            hex(&hold),
            hex(&sku),
            hex(&watched),
            hex(&InLine { place: 300 }),
        ];
        let expected = [
            "a6010102050303061864071bffffffffffffffff0aa200a200a20019020101616f01010102",
            "a8000901030200030105050606070008a6000301020201030404050501",
            "a900090103020003010505060607000981a2001903050161780a19012c",
            "a10019012c",
        ];
        assert_eq!(rows, expected);
    }
}
