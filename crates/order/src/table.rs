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
    /// A payment has begun.
    #[n(7)]
    Paying,
    /// It is paid, and its units are sold.
    #[n(8)]
    Paid,
    /// The buyer has the goods.
    #[n(9)]
    Fulfilled,
    /// Money is on its way back to the buyer.
    #[n(10)]
    Refunding,
    /// The buyer has all of it.
    #[n(11)]
    Refunded,
    /// It waits for payment, and nothing is reserved: units are taken once it is paid.
    #[n(12)]
    Open,
    /// It is paid, and its units are being claimed.
    #[n(13)]
    Taking,
}

words! { State {
    "placing" => Self::Placing,
    "reserved" => Self::Reserved,
    "refused" => Self::Refused,
    "cancelled" => Self::Cancelled,
    "expired" => Self::Expired,
    "busy" => Self::Busy,
    "open" => Self::Open,
    "paying" => Self::Paying,
    "taking" => Self::Taking,
    "paid" => Self::Paid,
    "fulfilled" => Self::Fulfilled,
    "refunding" => Self::Refunding,
    "refunded" => Self::Refunded,
} }

impl State {
    /// Its word in every front.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Placing => "placing",
            Self::Reserved => "reserved",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Busy => "busy",
            Self::Open => "open",
            Self::Paying => "paying",
            Self::Taking => "taking",
            Self::Paid => "paid",
            Self::Fulfilled => "fulfilled",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
        }
    }

    /// Every state, in the order in which an order usually comes into them.
    pub const ALL: [Self; 13] = [
        Self::Placing,
        Self::Refused,
        Self::Busy,
        Self::Reserved,
        Self::Open,
        Self::Paying,
        Self::Taking,
        Self::Paid,
        Self::Fulfilled,
        Self::Cancelled,
        Self::Expired,
        Self::Refunding,
        Self::Refunded,
    ];

    /// Whether it may be paid.
    pub(crate) fn is_awaiting_payment(self) -> bool {
        matches!(self, Self::Reserved | Self::Open | Self::Paying)
    }

    /// Whether it is not known yet what becomes of it: it has units, or is to be paid.
    pub(crate) fn is_living(self) -> bool {
        match self {
            Self::Placing | Self::Reserved | Self::Open | Self::Paying | Self::Taking => true,
            Self::Refused
            | Self::Cancelled
            | Self::Expired
            | Self::Busy
            | Self::Paid
            | Self::Fulfilled
            | Self::Refunding
            | Self::Refunded => false,
        }
    }

    /// What it is once time has passed that may end it, though no timer has fired yet.
    fn at(self, now_ms: u64, until_ms: Option<u64>) -> Self {
        let is_over = until_ms.is_some_and(|until_ms| now_ms >= until_ms);
        if !is_over {
            return self;
        }
        match self {
            Self::Placing => Self::Busy,
            Self::Reserved | Self::Open => Self::Expired,
            Self::Paying
            | Self::Taking
            | Self::Paid
            | Self::Fulfilled
            | Self::Refunding
            | Self::Refunded
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
    #[cbor(n(5), skip_if = "tidegate_engine::is_zero")]
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
    #[cbor(n(14), skip_if = "Vec::is_empty")]
    pub(crate) asked: Vec<Thing>,
    /// When units are taken.
    #[n(15)]
    pub(crate) deduct: Deduct,
    /// When it expires unless it is paid: known once it waits for that.
    #[n(16)]
    pub(crate) expires_ms: Option<u64>,
    /// Its payments, oldest first.
    #[cbor(n(17), with = "names", skip_if = "Vec::is_empty")]
    pub(crate) payments: Vec<CompactString>,
    /// How many of them may still be paid.
    #[cbor(n(18), skip_if = "tidegate_engine::is_zero")]
    pub(crate) open_payments: u64,
    /// Of how many of these the provider has said, after the order's time, that they were not paid by then.
    #[cbor(n(19), skip_if = "tidegate_engine::is_zero")]
    pub(crate) unpaid_after: u64,
    /// Its refunds, oldest first.
    #[cbor(n(20), with = "names", skip_if = "Vec::is_empty")]
    pub(crate) refunds: Vec<CompactString>,
    /// What is paid and waits for units.
    #[n(21)]
    pub(crate) taking: Option<Taking>,
    /// The state that it goes back to once a refund of some of its lines is done.
    #[n(22)]
    pub(crate) refunded_from: Option<State>,
    /// Letters, by number, whose things are to let go what it had, and have not all said so: it was cancelled.
    #[cbor(n(23), skip_if = "tidegate_engine::is_zero")]
    pub(crate) releasing: u64,
    /// From whom it was bought: told once the order has come to nothing.
    #[n(24)]
    pub(crate) seller: Option<Address>,
}

/// When the units of an order are taken. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Deduct {
    /// When it is placed: they are reserved until it is paid or expires.
    #[n(0)]
    Place,
    /// When it is paid: if there are none then, the money goes back.
    #[n(1)]
    Pay,
}

impl Deduct {
    /// Its word in every front.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Pay => "pay",
        }
    }
}

words! { Deduct {
    "place" => Self::Place,
    "pay" => Self::Pay,
} }

/// Units that are being taken for an order that is paid.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Taking {
    /// By which payment it is.
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) payment: CompactString,
    /// How often they were claimed.
    #[n(1)]
    pub(crate) tries: u64,
    /// Nothing is claimed now; it is again when time ends this.
    #[n(2)]
    pub(crate) rests: bool,
}

/// Names as rows hold them.
mod names {
    use compact_str::CompactString;
    use minicbor::decode::{Decoder, Error};
    use minicbor::encode::{self, Encoder, Write};

    pub(super) fn encode<C, W: Write>(
        names: &[CompactString],
        out: &mut Encoder<W>,
        _context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        out.array(names.len() as u64)?;
        for name in names {
            out.str(name)?;
        }
        Ok(())
    }

    pub(super) fn decode<C>(
        from: &mut Decoder<'_>,
        _context: &mut C,
    ) -> Result<Vec<CompactString>, Error> {
        let names = from.array_iter::<&str>()?;
        names.map(|name| name.map(CompactString::new)).collect()
    }
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
    /// Units that were refunded, or are being so; none at first.
    #[n(3)]
    pub(crate) refunded: Option<u64>,
}

/// A state that an order has come into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Step {
    #[n(0)]
    pub(crate) state: State,
    #[n(1)]
    pub(crate) at_ms: u64,
    /// Why, if that does not go without saying.
    #[n(2)]
    pub(crate) why: Option<StepCause>,
}

/// Why an order came into a state. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum StepCause {
    /// No payment of it can be paid any more.
    #[n(0)]
    PaymentFailed,
    /// It was paid after it had expired.
    #[n(1)]
    PaidLate,
    /// It was paid after it was given up.
    #[n(2)]
    PaidAfterCancel,
    /// It was paid, and there were no units any more.
    #[n(3)]
    UnitsGone,
    /// The provider did not say in time whether it was paid.
    #[n(4)]
    NoAnswer,
    /// A person has decided it.
    #[n(5)]
    Person,
    /// It was paid already.
    #[n(6)]
    PaidTwice,
}

impl StepCause {
    /// Its word in every front.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::PaymentFailed => "payment_failed",
            Self::PaidLate => "paid_late",
            Self::PaidAfterCancel => "paid_after_cancel",
            Self::UnitsGone => "units_gone",
            Self::NoAnswer => "no_answer",
            Self::Person => "person",
            Self::PaidTwice => "paid_twice",
        }
    }
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

/// Things in the order of their keys, each once, with the units of all.
pub(crate) fn each_once(mut things: Vec<Thing>) -> Vec<Thing> {
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

impl Order {
    /// One in which nothing has happened yet: whoever begins it says who orders what.
    pub(crate) fn new(number: u64, deduct: Deduct) -> Self {
        Self {
            content: 0,
            number,
            state: State::Placing,
            version: 0,
            attempt: 0,
            claimed: 0,
            buyer: CompactString::default(),
            currency: CompactString::default(),
            lines: Vec::new(),
            total: 0,
            ttl_ms: 0,
            until_ms: None,
            steps: Vec::new(),
            cause: None,
            asked: Vec::new(),
            deduct,
            expires_ms: None,
            payments: Vec::new(),
            open_payments: 0,
            unpaid_after: 0,
            refunds: Vec::new(),
            taking: None,
            refunded_from: None,
            releasing: 0,
            seller: None,
        }
    }

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
        each_once(self.lines.iter().map(thing).collect())
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

    /// Whether it began with units that were taken for it, and was never placed.
    pub(crate) fn was_bought(&self) -> bool {
        let first = self.steps.first();
        first.is_some_and(|step| step.state == State::Reserved)
    }

    /// Whether it is in a state in which it has come to nothing: what is paid then goes back.
    pub(crate) fn is_nothing(&self) -> bool {
        is_nothing(self.state)
    }

    /// Whether it has come to nothing, whatever it is now: money may be on its way back.
    pub(crate) fn came_to_nothing(&self) -> bool {
        self.steps.iter().any(|step| is_nothing(step.state))
    }

    /// Units of all its lines.
    pub(crate) fn units(&self) -> u64 {
        let lines = self.lines.iter();
        lines.fold(0, |units: u64, line| units.saturating_add(line.quantity))
    }

    /// Whether it waits for what becomes of a claim.
    pub(crate) fn awaits(&self, owner: &Owner, now_ms: u64) -> bool {
        let is_claiming = match &self.taking {
            None => self.state_at(now_ms) == State::Placing,
            Some(taking) => !taking.rests,
        };
        self.attempt == owner.attempt && is_claiming
    }

    /// Whether all its units are held for it, not sold yet.
    pub(crate) fn holds(&self) -> bool {
        self.deduct == Deduct::Place && matches!(self.state, State::Reserved | State::Paying)
    }

    /// Whether its units were sold to it, whatever became of them since.
    pub(crate) fn has_sold(&self) -> bool {
        let is_refund = |state| matches!(state, State::Refunding | State::Refunded);
        let before = self.steps.iter().rfind(|step| !is_refund(step.state));
        before.is_some_and(|step| matches!(step.state, State::Paid | State::Fulfilled))
    }

    /// The state in which it waits for a payment.
    pub(crate) fn waiting(&self) -> State {
        match self.deduct {
            Deduct::Place => State::Reserved,
            Deduct::Pay => State::Open,
        }
    }

    /// Whether it has waited for a payment since it was placed: its buyer's list knew that first.
    pub(crate) fn waits_since_placed(&self) -> bool {
        let before = self.steps.iter().rev().nth(1);
        self.state == self.waiting() && before.is_some_and(|step| step.state == State::Placing)
    }

    /// The state as time has it, though its timer may not have fired yet.
    pub(crate) fn state_at(&self, now_ms: u64) -> State {
        self.state.at(now_ms, self.until_ms)
    }
}

fn is_nothing(state: State) -> bool {
    matches!(state, State::Cancelled | State::Expired | State::Refunded)
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
        let step = |state, at_ms| Step {
            state,
            at_ms,
            why: None,
        };
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
                refunded: None,
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
            deduct: Deduct::Place,
            expires_ms: None,
            payments: Vec::new(),
            open_payments: 0,
            unpaid_after: 0,
            refunds: Vec::new(),
            taking: None,
            refunded_from: None,
            releasing: 0,
            seller: None,
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
        let taking = Order {
            state: State::Taking,
            deduct: Deduct::Pay,
            lines: vec![Line {
                sku: "s".into(),
                quantity: 3,
                unit_price: 5,
                refunded: Some(1),
            }],
            steps: vec![Step {
                state: State::Taking,
                at_ms: 100,
                why: Some(StepCause::PaidLate),
            }],
            expires_ms: Some(900),
            payments: vec!["p".into(), "q".into()],
            open_payments: 1,
            unpaid_after: 1,
            refunds: vec!["r".into()],
            taking: Some(Taking {
                payment: "p".into(),
                tries: 2,
                rests: true,
            }),
            refunded_from: Some(State::Paid),
            releasing: 3,
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
        let rows = [
            hex(&order()),
            hex(&refused),
            hex(&taking),
            hex(&listed),
            hex(&place),
        ];
        let expected = [
            "af00070119012c02010303040205184006616207634555520881a300617301030205090f0a1903840b1903e80c83a20001011864a200030118c8a200010119012c0e81a3000101617302030f00",
            "ae00070119012c02030303040205184006616207634555520881a300617301030205090f0a1903840c83a20001011864a200030118c8a200010119012c0da30068736f6c645f6f757401617302020f00",
            "b700070119012c020d0303040205184006616207634555520881a4006173010302050301090f0a1903840b1903e80c81a3000d01186402010e81a3000101617302030f0110190384118261706171120113011481617215a3006170010202f516081703",
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
            State::Busy,
            State::Paying,
            State::Paid,
            State::Fulfilled,
            State::Refunding,
            State::Refunded,
            State::Open,
            State::Taking,
        ];
        let numbers = [
            "01", "02", "03", "04", "05", "06", "07", "08", "09", "0a", "0b", "0c", "0d",
        ];
        assert_eq!(states.map(|state| hex(&state)), numbers);
    }
}
