//! Every "no" of the domain, in the order in which they are checked.

use tidegate_engine::contract::{RefusalDef, Refuse, Status, Writer};

use crate::QUANTITY_MAX;
use crate::table::{Cause, State};

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such order.
    UnknownOrder,
    /// The currency is none.
    InvalidCurrency,
    /// More units of a SKU than there can be.
    InvalidQuantity,
    /// The total is more than fits.
    AmountOverflow,
    /// The id was used for something else.
    IdConflict,
    /// The order could not have all that it wants.
    Refused {
        /// The refusal of the SKU.
        cause: String,
        /// The SKU.
        sku: String,
        /// How many units it had.
        available: u64,
    },
    /// The order's state does not allow it.
    WrongState {
        /// It.
        state: State,
    },
}

const fn def(code: &'static str, status: Status, doc: &'static str) -> RefusalDef {
    RefusalDef { code, status, doc }
}

pub(crate) const UNKNOWN_ORDER: RefusalDef =
    def("unknown_order", Status::NotFound, "No such order.");
pub(crate) const INVALID_CURRENCY: RefusalDef = def(
    "invalid_currency",
    Status::OutOfRange,
    "A currency is three capitals, as in ISO 4217.",
);
pub(crate) const INVALID_QUANTITY: RefusalDef = def(
    "invalid_quantity",
    Status::OutOfRange,
    "The lines of a SKU have more than `max` units together.",
);
pub(crate) const AMOUNT_OVERFLOW: RefusalDef = def(
    "amount_overflow",
    Status::OutOfRange,
    "The total of the lines is more than fits 63 bits.",
);
pub(crate) const ID_CONFLICT: RefusalDef = def(
    "id_conflict",
    Status::Conflict,
    "The id was used with other content: choose another.",
);
pub(crate) const REFUSED: RefusalDef = def(
    "refused",
    Status::Conflict,
    "The order could not have all its lines, and has none: of this `sku`, for this `cause`, fewer units were `available` than it wants. That stays so: place another.",
);
pub(crate) const WRONG_STATE: RefusalDef = def(
    "wrong_state",
    Status::Conflict,
    "The order is in this `state`, which does not allow it.",
);

impl Refusal {
    /// That an order was refused.
    pub(crate) fn of(cause: &Cause) -> Self {
        Self::Refused {
            cause: cause.code.to_string(),
            sku: cause.sku.to_string(),
            available: cause.available,
        }
    }
}

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::UnknownOrder => &UNKNOWN_ORDER,
            Self::InvalidCurrency => &INVALID_CURRENCY,
            Self::InvalidQuantity => &INVALID_QUANTITY,
            Self::AmountOverflow => &AMOUNT_OVERFLOW,
            Self::IdConflict => &ID_CONFLICT,
            Self::Refused { .. } => &REFUSED,
            Self::WrongState { .. } => &WRONG_STATE,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        let mut text = |name: &str, value: &str| {
            out.name(name);
            out.text(value);
        };
        match self {
            Self::Refused {
                cause,
                sku,
                available,
            } => {
                text("cause", cause);
                text("sku", sku);
                out.name("available");
                out.integer(i64::try_from(*available).unwrap_or(i64::MAX));
            }
            Self::WrongState { state } => text("state", state.word()),
            Self::InvalidQuantity => {
                out.name("max");
                out.integer(QUANTITY_MAX.cast_signed());
            }
            Self::UnknownOrder
            | Self::InvalidCurrency
            | Self::AmountOverflow
            | Self::IdConflict => {}
        }
    }
}
