//! Every "no" of the domain, in the order in which they are checked.

use tidegate_engine::contract::{RefusalDef, Refuse, Status, Writer};

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such sale.
    UnknownSale,
    /// Its times do not follow each other, or are over.
    InvalidTimes,
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
    /// No beacon was named when the sale was announced.
    NoBeacon,
    /// The list of entrants is not closed.
    TooEarly {
        /// When the sale starts.
        starts_at_ms: u64,
    },
    /// Another value was told.
    BeaconTold,
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

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::UnknownSale => &UNKNOWN_SALE,
            Self::InvalidTimes => &INVALID_TIMES,
            Self::IdConflict => &ID_CONFLICT,
            Self::BadTicket => &BAD_TICKET,
            Self::NotOpen { .. } => &NOT_OPEN,
            Self::Over => &OVER,
            Self::Full => &FULL,
            Self::NoBeacon => &NO_BEACON,
            Self::TooEarly { .. } => &TOO_EARLY,
            Self::BeaconTold => &BEACON_TOLD,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        let mut time = |name: &str, at_ms: u64| {
            out.name(name);
            out.integer(at_ms.cast_signed());
        };
        match self {
            Self::NotOpen { opens_at_ms } => time("opens_at_ms", *opens_at_ms),
            Self::TooEarly { starts_at_ms } => time("starts_at_ms", *starts_at_ms),
            Self::UnknownSale
            | Self::InvalidTimes
            | Self::IdConflict
            | Self::BadTicket
            | Self::Over
            | Self::Full
            | Self::NoBeacon
            | Self::BeaconTold => {}
        }
    }
}
