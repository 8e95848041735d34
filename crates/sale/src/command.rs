//! Every request of the domain: its fields, their limits and their meaning.

use tidegate_engine::contract::{Bounded, Limit, Name};
use tidegate_engine::request;

use crate::RATE_MAX;

request! {
    /// Announces a sale: from its start on people are admitted, so many a second.
    /// Who enters before the start has a place that is drawn, in a way that anyone can check; who comes later stands
    /// behind them, first come, first served. Answers the commitment of the draw: publish it.
    pub struct Create {
        /// The caller's id of this sale.
        id: Name,
        /// When it starts, in milliseconds since 1970.
        starts_at_ms: Bounded<0, { i64::MAX }>,
        /// When it ends.
        ends_at_ms: Bounded<0, { i64::MAX }>,
        /// From when on people may enter; at once without it.
        ["OPENS"] opens_at_ms: Option<Bounded<0, { i64::MAX }>>,
        /// How many are admitted a second.
        ["RATE"] rate: Bounded<1, RATE_MAX> = 100,
        /// What public value the draw takes in, which nobody can know before the start: say how it will be
        /// found, as "the bitcoin block after noon". `SALE.BEACON` tells it then, and the draw waits for it.
        ["BEACON"] beacon: Option<Name>,
    }
}

request! {
    /// A sale.
    pub struct Get {
        /// The sale.
        id: Name,
    }
}

request! {
    /// When a sale starts, and once it has, its nonce: for pages that count down, and switch over then.
    pub struct StartOf {
        /// The sale.
        id: Name,
    }
}

request! {
    /// Enters a sale, and answers the buyer's ticket. Sent again, it answers the same.
    pub struct Join {
        /// The sale.
        id: Name,
        /// Who enters.
        buyer: Name,
    }
}

request! {
    /// How long the holder of a ticket has to wait. Costs no more however many ask.
    pub struct Position {
        /// The sale.
        id: Name,
        /// The ticket.
        ticket: Name,
    }
}

request! {
    /// Tells the public value that a draw was announced to take in, once the sale has started.
    /// It cannot be changed.
    pub struct Beacon {
        /// The sale.
        id: Name,
        /// The value.
        value: Name,
    }
}

request! {
    /// The entries of a draw in the order of their numbers, each with the position that was drawn.
    /// What a draw rests on: with the secret of the sale anyone can compute it again, as `tidegate draw-check`
    /// does. While the draw is not over there are no positions.
    pub struct Entries {
        /// The sale.
        id: Name,
        /// Only those behind this number.
        ["AFTER"] after: Option<Bounded<0, { i64::MAX }>>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}
