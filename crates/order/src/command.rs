//! Every request of the domain: its fields, their limits and their meaning.

use minicbor::{Decode, Encode};
use tidegate_engine::contract::{Bounded, Limit, List as ListOf, Millis, Name, Payload, Wait};
use tidegate_engine::{request, words};

use crate::payments::ReviewState;
use crate::provider::Told;
use crate::table::{Deduct, State};
use crate::{LINES_MAX, PRICE_MAX};

request! {
    /// A line of an order.
    pub struct Line {
        /// The SKU.
        sku: Name,
        /// Units, 1 to 1,000,000,000 over all lines of the SKU.
        quantity: Bounded<1, 1_000_000_000>,
        /// The price of one unit, in minor units of the currency.
        unit_price: Bounded<0, PRICE_MAX>,
    }
}

request! {
    /// Reserves all lines, or none, for a while, and answers once that is known.
    /// Sent again, it answers what has become of the order; after `BUSY` it tries again.
    pub struct Place {
        /// The caller's id of this order: who knows it may read, pay and cancel it.
        id: Name,
        /// Who orders.
        buyer: Name,
        /// What is ordered.
        lines: ListOf<Line, LINES_MAX>,
        /// How long it stays reserved, in milliseconds.
        ["TTL"] ttl_ms: Millis = 900_000,
        /// The currency of all prices: three capitals, as in ISO 4217; XXX, no currency, without it.
        ["CURRENCY"] currency: Option<Name>,
        /// When its units are taken: `place` reserves them until it is paid; `pay` reserves nothing and takes
        /// them once it is paid, or has the money go back if there are none then. `place` without it.
        ["DEDUCT"] deduct: Option<Deduct>,
        /// How long the answer is waited for; then it is `PENDING`, and the order goes on.
        ["WAIT"] wait_ms: Wait = 6_000,
    }
}

request! {
    /// Begins a payment of an order at a provider, and answers once the provider has taken it in.
    /// What became of it is learned from the provider's webhook or by asking. Sent again, it answers that.
    /// A buyer may begin several payments of one order; what is paid twice goes back.
    pub struct Pay {
        /// The order.
        id: Name,
        /// The caller's id of this payment.
        payment: Name,
        /// The provider, as the settings name it.
        provider: Name,
        /// How long the answer is waited for; then it is `PENDING`, and the payment goes on.
        ["WAIT"] wait_ms: Wait = 6_000,
    }
}

request! {
    /// The buyer has the goods of an order that is paid.
    pub struct Fulfil {
        /// The order.
        id: Name,
    }
}

request! {
    /// A part of an order.
    pub struct RefundLine {
        /// The SKU.
        sku: Name,
        /// Units.
        quantity: Bounded<1, 1_000_000_000>,
    }
}

request! {
    /// Gives money of a paid order back: of all that is left, or of some lines.
    /// Units come back to stock unless the order is fulfilled. It is `refunding` until the provider has
    /// done it, then `refunded`, or what it was before if something is left.
    pub struct Refund {
        /// The order.
        id: Name,
        /// The caller's id of this refund.
        refund: Name,
        /// Of what; of all that is left without it.
        lines: Option<ListOf<RefundLine, LINES_MAX>>,
    }
}

request! {
    /// Payments and refunds that a person is to look at, oldest first.
    ///
    /// A wrong amount was paid, or a provider has not said in time what became of something, or has refused
    /// a refund. `ORDER.RESOLVE` says what is to become of it. A page may be short, or empty, with a `next`.
    pub struct Reviews {
        /// Only those behind this `next`.
        ["AFTER"] after: Option<Bounded<0, { i64::MAX }>>,
        /// Only those in this state: open or closed.
        ["STATE"] state: Option<ReviewState>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// Says what is to become of something that a person was to look at. Decided so already, it answers what has
    /// become of it.
    pub struct Resolve {
        /// The order.
        id: Name,
        /// Which, as `ORDER.REVIEWS` tells it.
        number: Bounded<0, { i64::MAX }>,
        /// `accept`: the order has been paid, whatever was said. `refund`: what was paid goes back; a refund is
        /// tried again. `close`: it has been seen to elsewhere.
        decision: Decision,
    }
}

request! {
    /// A provider tells what became of a payment, signed as in the Standard Webhooks specification.
    /// What is forged, more than five minutes old, or not known changes nothing; nor does what comes again.
    pub struct Webhook {
        /// The provider, as the settings name it.
        provider: Name,
        /// The id of the message.
        message: Name,
        /// When it was sent, in seconds since 1970.
        timestamp: Name,
        /// Its signatures, separated by blanks: `v1,` and HMAC-SHA256 in Base64 each. The first 8 are looked at.
        signature: Payload,
        /// What it says, byte for byte.
        payload: Told,
    }
}

request! {
    /// One order, with its lines and its history.
    pub struct Get {
        /// The order.
        id: Name,
        /// Wait so long, at most, for a version behind `after`; without `after`, for the next one.
        ["WAIT"] wait_ms: Wait = 0,
        /// The version that is known already.
        ["AFTER"] after: Option<Bounded<0, { i64::MAX }>>,
    }
}

request! {
    /// Gives up an order that is not paid: its units go back, and so does what is paid all the same.
    /// It answers once the units are back.
    pub struct Cancel {
        /// The order.
        id: Name,
        /// How long the answer is waited for; then it is `PENDING`, and the units come back nonetheless.
        ["WAIT"] wait_ms: Wait = 6_000,
    }
}

request! {
    /// The orders of a buyer, oldest first.
    pub struct List {
        /// The buyer.
        buyer: Name,
        /// Only orders in this state.
        ["STATE"] state: Option<State>,
        /// Only orders behind this place.
        ["AFTER"] after: Option<Bounded<0, { i64::MAX }>>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

/// What a person decides. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Decision {
    /// The order has been paid.
    #[n(0)]
    Accept,
    /// The money goes back.
    #[n(1)]
    Refund,
    /// It has been seen to.
    #[n(2)]
    Close,
}

words! { Decision {
    "accept" => Self::Accept,
    "refund" => Self::Refund,
    "close" => Self::Close,
} }
