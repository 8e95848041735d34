//! Every request of the domain: its fields, their limits and their meaning.

use tidegate_engine::contract::{Address, Bounded, Limit, List, Millis, Name, Wait};
use tidegate_engine::request;

use crate::check::Response;
use crate::guard::ChallengeKind;
use crate::{BUYER_UNITS_MAX, GOODS_MAX, PER_MINUTE_MAX, PROOF_BITS_MAX, PROOF_BITS_MIN, RATE_MAX};

request! {
    /// A good of a sale.
    pub struct Good {
        /// The SKU: declare its stock before the sale starts.
        sku: Name,
        /// The price of one unit, in minor units of the currency.
        unit_price: Bounded<0, { tidegate_order::PRICE_MAX }>,
    }
}

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
        /// What is sold; without it the sale is a line for something else.
        ["GOODS"] goods: Option<List<Good, GOODS_MAX>>,
        /// The currency of all prices: three capitals, as in ISO 4217; XXX, no currency, without it.
        ["CURRENCY"] currency: Option<Name>,
        /// Most units that a buyer may have of all goods of the sale.
        ["MAX"] max: Bounded<1, BUYER_UNITS_MAX> = 1,
        /// How long what was bought waits for payment, in milliseconds.
        ["TTL"] ttl_ms: Millis = 600_000,
        /// How many may be inside at once: admitted, and neither done nor gone. Never more than there are units.
        ["INSIDE"] inside: Bounded<1, 1_000_000_000> = 1_000_000_000,
        /// How long somebody may look around who was admitted, in milliseconds: they count as gone 2 seconds after that.
        ["VISIT"] visit_ms: Bounded<1_000, 86_400_000> = 120_000,
        /// How many tokens a buyer may take a minute, of which 20 may be at once; 0 is no limit.
        ["PER_BUYER"] per_buyer: Bounded<0, PER_MINUTE_MAX> = 60,
        /// How many may enter from one address a minute, of which 20 may be at once: who comes beyond that is
        /// asked for a proof of work. 0 is no limit. Name one only if the server knows people's addresses, and not
        /// only that of a proxy.
        ["PER_ADDRESS"] per_address: Bounded<0, PER_MINUTE_MAX> = 0,
        /// What everybody is asked who enters: nothing without it.
        ["CHALLENGE"] challenge: Option<ChallengeKind>,
        /// With how many zero bits the hash of a proof of work begins: each doubles the work.
        ["BITS"] bits: Bounded<PROOF_BITS_MIN, PROOF_BITS_MAX> = 18,
        /// What is asked, if that is a question.
        ["QUESTION"] question: Option<Name>,
        /// Its answer, in whatever case and with spaces anywhere. It is told to nobody.
        ["ANSWER"] answer: Option<Name>,
        /// Who is asked whether somebody may enter, as the settings name it: `[hooks.NAME]`. Nobody without it.
        ["HOOK"] hook: Option<Name>,
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
    ///
    /// Who is told `challenge` sends it again with what solves that. Where the sale has a hook, that is asked whether
    /// the buyer may enter, and who is told `not_eligible` may send it again with another `response`.
    pub struct Join {
        /// The sale.
        id: Name,
        /// Who enters.
        buyer: Name,
        /// What solves the `puzzle` of a challenge: a text such that SHA-256(puzzle ‖ proof), over the bytes as they
        /// stand, begins with so many zero bits as it says.
        ["PROOF"] proof: Option<Name>,
        /// The answer to the `question` of a challenge.
        ["ANSWER"] answer: Option<Name>,
        /// What the hook of the sale is to look at, as what a captcha has given.
        ["RESPONSE"] response: Option<Response>,
        /// Where they come from.
        ["FROM"] from: Option<Address>,
        /// How long the answer is waited for, if a hook is asked; then it is `PENDING`: ask again.
        ["WAIT"] wait_ms: Wait = 2_000,
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
    /// Gives who is admitted a token: the right to buy so many units of one good, for two minutes.
    ///
    /// It counts towards the buyer's limit until the SKU has said that it is void, or what was bought by it has
    /// come to nothing. A token that stands in the way of this one, for another good or another quantity, is made
    /// void first. Sent again, it answers the same token until that is spent.
    pub struct Token {
        /// The sale.
        id: Name,
        /// Who buys.
        buyer: Name,
        /// Their ticket.
        ticket: Name,
        /// The good.
        sku: Name,
        /// Units.
        quantity: Bounded<1, BUYER_UNITS_MAX>,
        /// How long the answer is waited for; then it is `PENDING`: ask again.
        ["WAIT"] wait_ms: Wait = 2_000,
    }
}

request! {
    /// Buys what a token is for: the units are held, and an order of this id is made that waits for payment.
    ///
    /// Sent again, whenever that is, it answers the same order. While a token is valid `sold_out` is not the last
    /// word: units may come back, and the token may be spent then.
    pub struct Buy {
        /// The sale.
        id: Name,
        /// What nobody knew before its start: `SALE.START` tells it since.
        nonce: Name,
        /// The good.
        sku: Name,
        /// Who buys.
        buyer: Name,
        /// The token.
        token: Name,
        /// When the buyer will have given up waiting, in milliseconds since 1970: what has not run by then is
        /// dropped, and answered `too_late`.
        ["DEADLINE"] deadline_ms: Option<Bounded<0, { i64::MAX }>>,
    }
}

request! {
    /// The goods of a sale, with what it knows of their units: as of a tenth of a second ago, as a rule.
    pub struct Goods {
        /// The sale.
        id: Name,
        /// Only those behind this number.
        ["AFTER"] after: Option<Bounded<0, { i64::MAX }>>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
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
