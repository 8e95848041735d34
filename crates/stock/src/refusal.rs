//! Every "no" of the domain, in the order in which they are checked.

use tidegate_engine::contract::{RefusalDef, Refuse, Status, Writer};

use crate::QUANTITY_MAX;

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
    /// `MAX` without `BUYER`.
    BuyerRequired,
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
}

const fn def(code: &'static str, status: Status, doc: &'static str) -> RefusalDef {
    RefusalDef { code, status, doc }
}

/// The refusals as the documentation lists them, in the order in which they are checked.
pub(crate) const REFUSALS: &[RefusalDef] = &[
    def(
        "unknown_sku",
        Status::NotFound,
        "No such SKU: declare it first.",
    ),
    def(
        "invalid_quantity",
        Status::OutOfRange,
        "A quantity outside `min` to `max`.",
    ),
    def(
        "buyer_required",
        Status::OutOfRange,
        "`max` bounds a buyer: name the buyer.",
    ),
    def(
        "id_conflict",
        Status::Conflict,
        "The id was used with other content: choose another.",
    ),
    def(
        "version_changed",
        Status::Conflict,
        "The SKU is at `version`: read it again.",
    ),
    def(
        "below_committed",
        Status::Conflict,
        "The total would fall below the `committed` units, held and sold.",
    ),
    def(
        "above_maximum",
        Status::OutOfRange,
        "The total would exceed `max` units.",
    ),
    def(
        "over_limit",
        Status::Conflict,
        "The buyer has `taken` of at most `max` units.",
    ),
    def(
        "sold_out",
        Status::Conflict,
        "Fewer units are `available` than asked for.",
    ),
    def(
        "hold_not_found",
        Status::NotFound,
        "No such hold of this SKU.",
    ),
    def(
        "already_confirmed",
        Status::Conflict,
        "The hold is sold: return it instead.",
    ),
    def(
        "hold_released",
        Status::Conflict,
        "The hold was released; its units went back.",
    ),
    def(
        "hold_expired",
        Status::Conflict,
        "The hold has expired; its units went back.",
    ),
    def(
        "not_confirmed",
        Status::Conflict,
        "Nothing was sold under this hold.",
    ),
    def(
        "return_exceeds_sold",
        Status::Conflict,
        "Only `returnable` units can still be returned.",
    ),
];

impl Refusal {
    const fn index(&self) -> usize {
        match self {
            Self::UnknownSku => 0,
            Self::InvalidQuantity { .. } => 1,
            Self::BuyerRequired => 2,
            Self::IdConflict => 3,
            Self::VersionChanged { .. } => 4,
            Self::BelowCommitted { .. } => 5,
            Self::AboveMaximum => 6,
            Self::OverLimit { .. } => 7,
            Self::SoldOut { .. } => 8,
            Self::HoldNotFound => 9,
            Self::AlreadyConfirmed => 10,
            Self::HoldReleased => 11,
            Self::HoldExpired => 12,
            Self::NotConfirmed => 13,
            Self::ReturnExceedsSold { .. } => 14,
        }
    }
}

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        &REFUSALS[self.index()]
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
            Self::VersionChanged { version } => fact("version", version),
            Self::BelowCommitted { committed } => fact("committed", committed),
            Self::AboveMaximum => fact("max", QUANTITY_MAX.unsigned_abs()),
            Self::OverLimit { taken, max } => {
                fact("taken", taken);
                fact("max", max);
            }
            Self::SoldOut { available } => fact("available", available),
            Self::ReturnExceedsSold { returnable } => fact("returnable", returnable),
            Self::UnknownSku
            | Self::BuyerRequired
            | Self::IdConflict
            | Self::HoldNotFound
            | Self::AlreadyConfirmed
            | Self::HoldReleased
            | Self::HoldExpired
            | Self::NotConfirmed => {}
        }
    }
}
