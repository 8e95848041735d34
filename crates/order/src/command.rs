//! Every request of the domain: its fields, their limits and their meaning.

use tidegate_engine::contract::{Bounded, Limit, List as ListOf, Millis, Name, Wait};
use tidegate_engine::request;

use crate::table::State;
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
        /// The caller's id of this order.
        id: Name,
        /// Who orders.
        buyer: Name,
        /// What is ordered.
        lines: ListOf<Line, LINES_MAX>,
        /// How long it stays reserved, in milliseconds.
        ["TTL"] ttl_ms: Millis = 900_000,
        /// The currency of all prices: three capitals, as in ISO 4217; XXX, no currency, without it.
        ["CURRENCY"] currency: Option<Name>,
        /// How long the answer is waited for; then it is `PENDING`, and the order goes on.
        ["WAIT"] wait_ms: Wait = 6_000,
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
    /// Gives up an order that is not paid: its units go back.
    pub struct Cancel {
        /// The order.
        id: Name,
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
