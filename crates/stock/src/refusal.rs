//! Every "no" of the domain, in the order in which they are checked.

use tidegate_engine::contract::{RefusalDef, Refuse, Status, Writer};

use crate::QUANTITY_MAX;
use crate::table::{Held, HoldState};

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such SKU.
    UnknownSku,
    /// A quantity outside its range.
    InvalidQuantity {
        /// The least that is allowed.
        min: i64,
    },
    /// `MAX` without `BUYER`, or a split SKU without one.
    BuyerRequired,
    /// The SKU is split otherwise.
    AlreadySplit {
        /// Into how many shards.
        shards: u16,
    },
    /// Holds were made of it.
    HasHolds {
        /// How many.
        holds: u64,
    },
    /// No further SKU can be split.
    TooManySplit,
    /// The id was used for something else.
    IdConflict,
    /// The SKU has another version.
    VersionChanged {
        /// The one it has.
        version: u64,
    },
    /// The total would fall below what is held and sold.
    BelowCommitted {
        /// Held and sold units.
        committed: u64,
    },
    /// The total would exceed what a SKU may have.
    AboveMaximum,
    /// The buyer would have more than `MAX`.
    OverLimit {
        /// What the buyer has.
        taken: u64,
        /// What the buyer may have.
        max: u64,
    },
    /// Not enough units are available.
    SoldOut {
        /// How many are.
        available: u64,
    },
    /// No such hold.
    HoldNotFound,
    /// The hold is confirmed.
    AlreadyConfirmed,
    /// The hold was released.
    HoldReleased,
    /// The hold has expired.
    HoldExpired,
    /// The hold is not confirmed, so nothing of it was sold.
    NotConfirmed,
    /// More than was sold and not yet returned.
    ReturnExceedsSold {
        /// What can still be returned.
        returnable: u64,
    },
    /// The details of the hold are kept no more.
    HoldDropped {
        /// What is known of it still.
        state: HoldState,
        /// Its units.
        quantity: u64,
        /// Those that were returned.
        returned: u64,
    },
}

const fn def(code: &'static str, status: Status, doc: &'static str) -> RefusalDef {
    RefusalDef { code, status, doc }
}

pub(crate) const UNKNOWN_SKU: RefusalDef = def(
    "unknown_sku",
    Status::NotFound,
    "No such SKU: declare it first.",
);
pub(crate) const INVALID_QUANTITY: RefusalDef = def(
    "invalid_quantity",
    Status::OutOfRange,
    "A quantity outside `min` to `max`.",
);
pub(crate) const BUYER_REQUIRED: RefusalDef = def(
    "buyer_required",
    Status::OutOfRange,
    "`max` bounds a buyer, and of a split SKU each buyer has a shard: name the buyer.",
);
pub(crate) const ALREADY_SPLIT: RefusalDef = def(
    "already_split",
    Status::Conflict,
    "The SKU is split into `shards` shards, for ever.",
);
pub(crate) const HAS_HOLDS: RefusalDef = def(
    "has_holds",
    Status::Conflict,
    "Of the SKU `holds` holds were made: it can be split before the first one only.",
);
pub(crate) const TOO_MANY_SPLIT: RefusalDef = def(
    "too_many_split",
    Status::Conflict,
    "As many SKUs are split as can be: split those only that are hot.",
);
pub(crate) const ID_CONFLICT: RefusalDef = def(
    "id_conflict",
    Status::Conflict,
    "The id was used with other content: choose another.",
);
pub(crate) const VERSION_CHANGED: RefusalDef = def(
    "version_changed",
    Status::Conflict,
    "The SKU is at `version`: read it again.",
);
pub(crate) const BELOW_COMMITTED: RefusalDef = def(
    "below_committed",
    Status::Conflict,
    "The total would fall below the `committed` units, held and sold.",
);
pub(crate) const ABOVE_MAXIMUM: RefusalDef = def(
    "above_maximum",
    Status::OutOfRange,
    "The total would exceed `max` units.",
);
pub(crate) const OVER_LIMIT: RefusalDef = def(
    "over_limit",
    Status::Conflict,
    "The buyer has `taken` of at most `max` units.",
);
pub(crate) const SOLD_OUT: RefusalDef = def(
    "sold_out",
    Status::Conflict,
    "Fewer units are `available` than asked for.",
);
pub(crate) const HOLD_NOT_FOUND: RefusalDef = def(
    "hold_not_found",
    Status::NotFound,
    "No such hold of this SKU.",
);
pub(crate) const ALREADY_CONFIRMED: RefusalDef = def(
    "already_confirmed",
    Status::Conflict,
    "The hold is sold: return it instead.",
);
pub(crate) const HOLD_RELEASED: RefusalDef = def(
    "hold_released",
    Status::Conflict,
    "The hold was released; its units went back.",
);
pub(crate) const HOLD_EXPIRED: RefusalDef = def(
    "hold_expired",
    Status::Conflict,
    "The hold has expired; its units went back.",
);
pub(crate) const NOT_CONFIRMED: RefusalDef = def(
    "not_confirmed",
    Status::Conflict,
    "Nothing was sold under this hold.",
);
pub(crate) const RETURN_EXCEEDS_SOLD: RefusalDef = def(
    "return_exceeds_sold",
    Status::Conflict,
    "Only `returnable` units can still be returned.",
);

pub(crate) const HOLD_DROPPED: RefusalDef = def(
    "hold_dropped",
    Status::Conflict,
    "The hold, of `quantity` units of which `returned` came back, was finished in this `state` so long ago that its details are kept no more. Units that come back all the same are added by `STOCK.ADD`.",
);

impl Refusal {
    /// That the details of this hold are kept no more.
    pub(crate) fn dropped(hold: &Held) -> Self {
        Self::HoldDropped {
            state: hold.state,
            quantity: hold.quantity,
            returned: hold.returned,
        }
    }
}

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::UnknownSku => &UNKNOWN_SKU,
            Self::InvalidQuantity { .. } => &INVALID_QUANTITY,
            Self::BuyerRequired => &BUYER_REQUIRED,
            Self::AlreadySplit { .. } => &ALREADY_SPLIT,
            Self::HasHolds { .. } => &HAS_HOLDS,
            Self::TooManySplit => &TOO_MANY_SPLIT,
            Self::IdConflict => &ID_CONFLICT,
            Self::VersionChanged { .. } => &VERSION_CHANGED,
            Self::BelowCommitted { .. } => &BELOW_COMMITTED,
            Self::AboveMaximum => &ABOVE_MAXIMUM,
            Self::OverLimit { .. } => &OVER_LIMIT,
            Self::SoldOut { .. } => &SOLD_OUT,
            Self::HoldNotFound => &HOLD_NOT_FOUND,
            Self::AlreadyConfirmed => &ALREADY_CONFIRMED,
            Self::HoldReleased => &HOLD_RELEASED,
            Self::HoldExpired => &HOLD_EXPIRED,
            Self::NotConfirmed => &NOT_CONFIRMED,
            Self::ReturnExceedsSold { .. } => &RETURN_EXCEEDS_SOLD,
            Self::HoldDropped { .. } => &HOLD_DROPPED,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        let mut fact = |name: &str, value: u64| {
            out.name(name);
            out.integer(i64::try_from(value).unwrap_or(i64::MAX));
        };
        match *self {
            Self::InvalidQuantity { min } => {
                out.name("min");
                out.integer(min);
                out.name("max");
                out.integer(QUANTITY_MAX);
            }
            Self::AlreadySplit { shards } => fact("shards", shards.into()),
            Self::HasHolds { holds } => fact("holds", holds),
            Self::VersionChanged { version } => fact("version", version),
            Self::BelowCommitted { committed } => fact("committed", committed),
            Self::AboveMaximum => fact("max", QUANTITY_MAX.unsigned_abs()),
            Self::OverLimit { taken, max } => {
                fact("taken", taken);
                fact("max", max);
            }
            Self::SoldOut { available } => fact("available", available),
            Self::ReturnExceedsSold { returnable } => fact("returnable", returnable),
            Self::HoldDropped {
                state,
                quantity,
                returned,
            } => {
                fact("quantity", quantity);
                fact("returned", returned);
                out.name("state");
                out.text(state.word());
            }
            Self::UnknownSku
            | Self::BuyerRequired
            | Self::TooManySplit
            | Self::IdConflict
            | Self::HoldNotFound
            | Self::AlreadyConfirmed
            | Self::HoldReleased
            | Self::HoldExpired
            | Self::NotConfirmed => {}
        }
    }
}
