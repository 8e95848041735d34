//! Every "no" of the domain, in the order in which they are checked.

use tidegate_engine::contract::{RefusalDef, Refuse, Status, Writer};

use crate::table::{Cause, State};
use crate::{QUANTITY_MAX, TOTAL_MAX};

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such order.
    UnknownOrder,
    /// The currency is none.
    InvalidCurrency,
    /// More units of a SKU than there can be.
    InvalidQuantity,
    /// The total is more than an order may cost.
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
    /// No provider of this name.
    UnknownProvider,
    /// No such payment.
    UnknownPayment,
    /// Nothing of this number waits for a person.
    UnknownReview,
    /// It does not fit what it is about.
    WrongDecision,
    /// As many payments as an order may have.
    TooManyPayments,
    /// As many refunds as an order may have.
    TooManyRefunds,
    /// More is to go back than was paid for.
    RefundExceedsPaid {
        /// Of which SKU.
        sku: String,
        /// How many units may go back.
        refundable: u64,
    },
    /// Not signed by the provider.
    BadSignature,
    /// Of another time.
    WrongTime,
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
    "The lines cost more than `max` together, the largest number that every reader of JSON has exactly.",
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

pub(crate) const UNKNOWN_PROVIDER: RefusalDef = def(
    "unknown_provider",
    Status::NotFound,
    "The settings name no such provider: `[providers.NAME]` in the file given by `--config`.",
);
pub(crate) const UNKNOWN_PAYMENT: RefusalDef = def(
    "unknown_payment",
    Status::NotFound,
    "The order has no such payment.",
);
pub(crate) const UNKNOWN_REVIEW: RefusalDef = def(
    "unknown_review",
    Status::NotFound,
    "Nothing of this order and number waits for a person: `ORDER.REVIEWS` tells what does.",
);
pub(crate) const WRONG_DECISION: RefusalDef = def(
    "wrong_decision",
    Status::Conflict,
    "It cannot become of this: a refund can be tried again (`refund`) or closed, not accepted; and nothing is decided twice in two ways.",
);
pub(crate) const TOO_MANY_PAYMENTS: RefusalDef = def(
    "too_many_payments",
    Status::Conflict,
    "An order has 8 payments at most: place another one.",
);
pub(crate) const TOO_MANY_REFUNDS: RefusalDef = def(
    "too_many_refunds",
    Status::Conflict,
    "An order has 64 refunds at most: refund what is left at once.",
);
pub(crate) const REFUND_EXCEEDS_PAID: RefusalDef = def(
    "refund_exceeds_paid",
    Status::Conflict,
    "Of this `sku` so many units are `refundable`: fewer than that.",
);
pub(crate) const BAD_SIGNATURE: RefusalDef = def(
    "bad_signature",
    Status::Unauthorized,
    "No signature of it is one of the provider's, or it has none: is the secret in the settings the right one?",
);
pub(crate) const WRONG_TIME: RefusalDef = def(
    "wrong_time",
    Status::Unauthorized,
    "Its time is more than 5 minutes from now, or none.",
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
            Self::UnknownProvider => &UNKNOWN_PROVIDER,
            Self::UnknownPayment => &UNKNOWN_PAYMENT,
            Self::UnknownReview => &UNKNOWN_REVIEW,
            Self::WrongDecision => &WRONG_DECISION,
            Self::TooManyPayments => &TOO_MANY_PAYMENTS,
            Self::TooManyRefunds => &TOO_MANY_REFUNDS,
            Self::RefundExceedsPaid { .. } => &REFUND_EXCEEDS_PAID,
            Self::BadSignature => &BAD_SIGNATURE,
            Self::WrongTime => &WRONG_TIME,
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
            Self::RefundExceedsPaid { sku, refundable } => {
                text("sku", sku);
                out.name("refundable");
                out.integer(i64::try_from(*refundable).unwrap_or(i64::MAX));
            }
            Self::InvalidQuantity => {
                out.name("max");
                out.integer(QUANTITY_MAX.cast_signed());
            }
            Self::AmountOverflow => {
                out.name("max");
                out.integer(TOTAL_MAX.cast_signed());
            }
            Self::UnknownOrder
            | Self::InvalidCurrency
            | Self::IdConflict
            | Self::UnknownProvider
            | Self::UnknownPayment
            | Self::UnknownReview
            | Self::WrongDecision
            | Self::TooManyPayments
            | Self::TooManyRefunds
            | Self::BadSignature
            | Self::WrongTime => {}
        }
    }
}
