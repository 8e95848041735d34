//! Every "no" of the domain, in the order in which they are checked.

use tidegate_engine::contract::{RefusalDef, Refuse, Status, Writer};

use crate::challenge::Asked;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such sale.
    UnknownSale,
    /// Its times do not follow each other, or are over.
    InvalidTimes,
    /// A question without an answer, or the other way round.
    InvalidChallenge,
    /// The settings name no such hook.
    UnknownHook,
    /// A SKU is named twice.
    InvalidGoods,
    /// Not a currency.
    InvalidCurrency,
    /// The id was used for something else.
    IdConflict,
    /// Not a ticket of this sale.
    BadTicket,
    /// Nobody may enter yet.
    NotOpen {
        /// From when on.
        opens_at_ms: u64,
    },
    /// The sale has ended.
    Over,
    /// As many have entered as may.
    Full,
    /// The hook of the sale has refused the buyer.
    NotEligible {
        /// How often it may be asked again.
        more: u64,
    },
    /// Something is to be solved first.
    Challenge(Asked),
    /// No beacon was named when the sale was announced.
    NoBeacon,
    /// The list of entrants is not closed.
    TooEarly {
        /// When the sale starts.
        starts_at_ms: u64,
    },
    /// Another value was told.
    BeaconTold,
    /// Not a good of this sale.
    UnknownGood,
    /// The ticket or the token is somebody else's.
    OtherBuyer,
    /// Others are to be admitted before.
    NotAdmitted,
    /// The buyer takes tokens too often.
    SlowDown {
        /// When to ask again.
        retry_after_ms: u64,
    },
    /// The buyer would have more than the sale allows.
    OverLimit {
        /// What counts for the buyer now.
        taken: u64,
        /// What they may have.
        max: u64,
    },
    /// Nothing of this kind is sold under this nonce.
    NotOnSale,
    /// Not a token of this sale and SKU.
    BadToken,
    /// It is void.
    TokenExpired,
    /// The deadline has passed.
    TooLate,
    /// There are not so many units.
    SoldOut {
        /// How many there are.
        available: u64,
    },
}

const fn def(code: &'static str, status: Status, doc: &'static str) -> RefusalDef {
    RefusalDef { code, status, doc }
}

pub(crate) const UNKNOWN_SALE: RefusalDef = def("unknown_sale", Status::NotFound, "No such sale.");
pub(crate) const INVALID_TIMES: RefusalDef = def(
    "invalid_times",
    Status::OutOfRange,
    "A sale opens, starts and ends in this order, and ends in the future.",
);
pub(crate) const INVALID_CHALLENGE: RefusalDef = def(
    "invalid_challenge",
    Status::OutOfRange,
    "The challenge `question` has a question and an answer that is more than spaces; others have neither.",
);
pub(crate) const UNKNOWN_HOOK: RefusalDef = def(
    "unknown_hook",
    Status::NotFound,
    "The settings name no such hook: `[hooks.NAME]` in the file given by `--config`.",
);
pub(crate) const INVALID_GOODS: RefusalDef = def(
    "invalid_goods",
    Status::OutOfRange,
    "Each SKU of a sale is named once.",
);
pub(crate) const INVALID_CURRENCY: RefusalDef = def(
    "invalid_currency",
    Status::OutOfRange,
    "A currency is three capitals, as in ISO 4217.",
);
pub(crate) const ID_CONFLICT: RefusalDef = def(
    "id_conflict",
    Status::Conflict,
    "The id was used with other content: choose another.",
);
pub(crate) const BAD_TICKET: RefusalDef = def(
    "bad_ticket",
    Status::Conflict,
    "Not a ticket of this sale: `SALE.JOIN` gives one.",
);
pub(crate) const NOT_OPEN: RefusalDef = def(
    "not_open",
    Status::Conflict,
    "Nobody may enter before `opens_at_ms`.",
);
pub(crate) const OVER: RefusalDef = def("over", Status::Conflict, "The sale has ended.");
pub(crate) const FULL: RefusalDef = def(
    "full",
    Status::Conflict,
    "As many have entered as may: 4,000,000.",
);
pub(crate) const NOT_ELIGIBLE: RefusalDef = def(
    "not_eligible",
    Status::Conflict,
    "Whoever the sale asks has said that this buyer may not enter. It is asked again about another `response`, \
     `more` times.",
);
pub(crate) const CHALLENGE: RefusalDef = def(
    "challenge",
    Status::Conflict,
    "Send it again with what solves this: for `work` a `proof` such that SHA-256(puzzle ‖ proof) begins with \
     `bits` zero bits, before `valid_until_ms`; for `question` the `answer`. What was sent does not, if anything.",
);
pub(crate) const NO_BEACON: RefusalDef = def(
    "no_beacon",
    Status::Conflict,
    "The sale was announced without a beacon: its draw takes none in.",
);
pub(crate) const TOO_EARLY: RefusalDef = def(
    "too_early",
    Status::Conflict,
    "The list of entrants is closed at `starts_at_ms`: a beacon that is known before could decide who enters.",
);
pub(crate) const BEACON_TOLD: RefusalDef = def(
    "beacon_told",
    Status::Conflict,
    "Another value was told, and the draw has taken it in.",
);

pub(crate) const UNKNOWN_GOOD: RefusalDef = def(
    "unknown_good",
    Status::NotFound,
    "Not a good of this sale: `SALE.GOODS` lists them.",
);
pub(crate) const OTHER_BUYER: RefusalDef = def(
    "other_buyer",
    Status::Conflict,
    "The ticket or the token is another buyer's.",
);
pub(crate) const NOT_ADMITTED: RefusalDef = def(
    "not_admitted",
    Status::Conflict,
    "Others are to be admitted before: `SALE.POSITION` tells how long that takes.",
);
pub(crate) const SLOW_DOWN: RefusalDef = def(
    "slow_down",
    Status::TooMany,
    "The buyer takes tokens too often: ask again after `retry_after_ms`.",
);
pub(crate) const OVER_LIMIT: RefusalDef = def(
    "over_limit",
    Status::Conflict,
    "With what counts for the buyer, `taken`, this would be more than `max`.",
);
pub(crate) const NOT_ON_SALE: RefusalDef = def(
    "not_on_sale",
    Status::NotFound,
    "Nothing of this kind is sold under this nonce: `SALE.START` tells it once the sale has started.",
);
pub(crate) const BAD_TOKEN: RefusalDef = def(
    "bad_token",
    Status::Conflict,
    "Not a token of this sale and SKU: `SALE.TOKEN` gives one.",
);
pub(crate) const TOKEN_EXPIRED: RefusalDef = def(
    "token_expired",
    Status::Conflict,
    "The token is void, and nothing was bought by it: `SALE.TOKEN` gives another.",
);
pub(crate) const TOO_LATE: RefusalDef = def(
    "too_late",
    Status::Conflict,
    "The deadline has passed, and nothing was done.",
);
pub(crate) const SOLD_OUT: RefusalDef = def(
    "sold_out",
    Status::Conflict,
    "Fewer units are `available` than asked for.",
);

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::UnknownSale => &UNKNOWN_SALE,
            Self::InvalidTimes => &INVALID_TIMES,
            Self::InvalidChallenge => &INVALID_CHALLENGE,
            Self::UnknownHook => &UNKNOWN_HOOK,
            Self::InvalidGoods => &INVALID_GOODS,
            Self::InvalidCurrency => &INVALID_CURRENCY,
            Self::IdConflict => &ID_CONFLICT,
            Self::BadTicket => &BAD_TICKET,
            Self::NotOpen { .. } => &NOT_OPEN,
            Self::Over => &OVER,
            Self::Full => &FULL,
            Self::NotEligible { .. } => &NOT_ELIGIBLE,
            Self::Challenge(_) => &CHALLENGE,
            Self::NoBeacon => &NO_BEACON,
            Self::TooEarly { .. } => &TOO_EARLY,
            Self::BeaconTold => &BEACON_TOLD,
            Self::UnknownGood => &UNKNOWN_GOOD,
            Self::OtherBuyer => &OTHER_BUYER,
            Self::NotAdmitted => &NOT_ADMITTED,
            Self::SlowDown { .. } => &SLOW_DOWN,
            Self::OverLimit { .. } => &OVER_LIMIT,
            Self::NotOnSale => &NOT_ON_SALE,
            Self::BadToken => &BAD_TOKEN,
            Self::TokenExpired => &TOKEN_EXPIRED,
            Self::TooLate => &TOO_LATE,
            Self::SoldOut { .. } => &SOLD_OUT,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        if let Self::Challenge(asked) = self {
            return asked.facts(out);
        }
        let mut fact = |name: &str, value: u64| {
            out.name(name);
            out.integer(value.cast_signed());
        };
        match self {
            Self::NotOpen { opens_at_ms } => fact("opens_at_ms", *opens_at_ms),
            Self::TooEarly { starts_at_ms } => fact("starts_at_ms", *starts_at_ms),
            Self::SlowDown { retry_after_ms } => fact("retry_after_ms", *retry_after_ms),
            Self::OverLimit { taken, max } => {
                fact("taken", *taken);
                fact("max", *max);
            }
            Self::SoldOut { available } => fact("available", *available),
            Self::NotEligible { more } => fact("more", *more),
            Self::UnknownSale
            | Self::InvalidTimes
            | Self::InvalidChallenge
            | Self::UnknownHook
            | Self::InvalidGoods
            | Self::InvalidCurrency
            | Self::IdConflict
            | Self::BadTicket
            | Self::Over
            | Self::Full
            | Self::Challenge(_)
            | Self::NoBeacon
            | Self::BeaconTold
            | Self::UnknownGood
            | Self::OtherBuyer
            | Self::NotAdmitted
            | Self::NotOnSale
            | Self::BadToken
            | Self::TokenExpired
            | Self::TooLate => {}
        }
    }

    fn retry_after_ms(&self) -> Option<u64> {
        if let Self::SlowDown { retry_after_ms } = self {
            return Some(*retry_after_ms);
        }
        None
    }
}
