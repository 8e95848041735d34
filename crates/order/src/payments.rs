//! Rows about money: payments, refunds, and what a person is to decide.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::{Row, Table, words};

use crate::command::Decision;
use crate::table::{DOMAIN, StepCause};

/// By order and the caller's id of the payment.
pub(crate) const PAYMENTS: Table<Payment> = Table::keyed(DOMAIN, 3, "order.payments");
/// By order and the id of the refund.
pub(crate) const REFUNDS: Table<Refund> = Table::keyed(DOMAIN, 4, "order.refunds");
/// By the number of the payment or the refund that it is about, in the slot of the order.
pub(crate) const REVIEWS: Table<Review> = Table::ordered(DOMAIN, 5, "order.reviews");

/// Where the money of a payment is. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum Money {
    /// Not paid, and may be yet.
    #[n(0)]
    Open,
    /// Not paid, and will not be.
    #[n(1)]
    Failed,
    /// The order has it.
    #[n(2)]
    Paid,
    /// On its way back.
    #[n(3)]
    Refunding,
    /// Back with the buyer.
    #[n(4)]
    Refunded,
    /// A person is to say what becomes of it.
    #[n(5)]
    Review,
    /// A person has seen to it.
    #[n(6)]
    Closed,
}

impl Money {
    /// Its word in every front.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Failed => "failed",
            Self::Paid => "paid",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
            Self::Review => "review",
            Self::Closed => "closed",
        }
    }
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Payment {
    /// Hash of the content of the request that made it.
    #[n(0)]
    pub(crate) content: u64,
    /// By which the provider knows it.
    #[n(1)]
    pub(crate) number: u64,
    #[cbor(n(2), with = "tidegate_engine::text")]
    pub(crate) provider: CompactString,
    #[n(3)]
    pub(crate) amount: u64,
    #[n(4)]
    pub(crate) at_ms: u64,
    #[n(5)]
    pub(crate) money: Money,
    /// The provider has it.
    #[n(6)]
    pub(crate) is_known: bool,
    /// Where the buyer pays.
    #[n(7)]
    pub(crate) checkout_url: Option<CompactText>,
    #[n(8)]
    pub(crate) paid_amount: Option<u64>,
    #[n(9)]
    pub(crate) paid_at_ms: Option<u64>,
    /// Of this, how much went back, or is on its way.
    #[n(10)]
    pub(crate) refunded: u64,
    /// A call that makes it is under way.
    #[n(11)]
    pub(crate) is_being_made: bool,
    /// The provider is being asked.
    #[n(12)]
    pub(crate) is_being_asked: bool,
    /// How often it was asked.
    #[n(13)]
    pub(crate) asked: u64,
    /// When it is asked next.
    #[n(14)]
    pub(crate) next_ask_ms: Option<u64>,
    /// It was said after the order's time that it was not paid by then.
    #[n(15)]
    pub(crate) is_unpaid_after: bool,
    /// Hashes of the ids of the last webhooks about it.
    #[n(16)]
    pub(crate) webhooks: Vec<u64>,
    /// Refunds of it that the provider has taken in and not made yet.
    #[n(17)]
    pub(crate) refunds_pending: u64,
    /// When the newest refund that was taken in so was asked for.
    #[n(18)]
    pub(crate) last_refund_ms: Option<u64>,
}

impl Row for Payment {}

/// A text in a row.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct CompactText(#[cbor(with = "tidegate_engine::text")] pub(crate) CompactString);

/// A refund of a payment, or of a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Refund {
    /// Hash of the content of the request that made it; 0 if none did.
    #[n(0)]
    pub(crate) content: u64,
    /// By which the provider knows it.
    #[n(1)]
    pub(crate) number: u64,
    #[cbor(n(2), with = "tidegate_engine::text")]
    pub(crate) payment: CompactString,
    #[n(3)]
    pub(crate) amount: u64,
    #[n(4)]
    pub(crate) at_ms: u64,
    #[n(5)]
    pub(crate) state: Money,
    /// The order's own state waits for it.
    #[n(6)]
    pub(crate) is_of_order: bool,
    /// The provider has taken it in, and has not made it yet.
    #[n(7)]
    pub(crate) is_pending: bool,
    /// Why it began, if nobody asked for it.
    #[n(8)]
    pub(crate) why: Option<StepCause>,
    /// When a person has had it asked for once more.
    #[n(9)]
    pub(crate) again_ms: Option<u64>,
    /// The idempotency key under which the provider is asked for it, if that is not its number: it has refused
    /// it under another one, and would answer alike under that.
    #[n(10)]
    pub(crate) key: Option<u64>,
    /// The call that asks for it, until it is answered: under way, or given up and perhaps tried again by
    /// people.
    #[n(11)]
    pub(crate) call: Option<u64>,
}

impl Row for Refund {}

impl Refund {
    /// The idempotency key under which the provider is asked for it, as often as it takes.
    pub(crate) fn key(&self) -> u64 {
        self.key.unwrap_or(self.number)
    }

    /// When it began, or begun anew: from then on it has its time.
    pub(crate) fn since_ms(&self) -> u64 {
        self.again_ms.unwrap_or(self.at_ms)
    }
}

/// What a person is to decide, and whether that is done. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum ReviewState {
    #[n(0)]
    Open,
    #[n(1)]
    Closed,
}

words! { ReviewState {
    "open" => Self::Open,
    "closed" => Self::Closed,
} }

impl ReviewState {
    /// Its word in every front.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// Something for a person.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Review {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) order: CompactString,
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub(crate) payment: CompactString,
    /// The refund that it is about; else it is about the payment.
    #[n(2)]
    pub(crate) refund: Option<CompactText>,
    #[n(3)]
    pub(crate) why: ReviewCause,
    /// How much money it is about.
    #[n(4)]
    pub(crate) amount: u64,
    #[n(5)]
    pub(crate) at_ms: u64,
    #[n(6)]
    pub(crate) state: ReviewState,
    /// In which currency: of a payment that of what was paid.
    #[cbor(n(7), with = "tidegate_engine::text")]
    pub(crate) currency: CompactString,
    /// What a person has decided; nothing if that became needless by itself.
    #[n(8)]
    pub(crate) decision: Option<Decision>,
}

impl Row for Review {}

/// Why a person is to look. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum ReviewCause {
    /// Another amount or currency was paid than was asked for.
    #[n(0)]
    WrongAmount,
    /// The provider has not said in time whether it was paid.
    #[n(1)]
    NoAnswer,
    /// The provider has refused a refund.
    #[n(2)]
    RefundFailed,
    /// It has not said whether it has made one.
    #[n(3)]
    RefundUnknown,
}

impl ReviewCause {
    /// Its word in every front.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::WrongAmount => "wrong_amount",
            Self::NoAnswer => "no_answer",
            Self::RefundFailed => "refund_failed",
            Self::RefundUnknown => "refund_unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn rows_are_frozen() {
        let payment = Payment {
            content: 7,
            number: 300,
            provider: "bank".into(),
            amount: 15,
            at_ms: 100,
            money: Money::Paid,
            is_known: true,
            checkout_url: Some(CompactText("u".into())),
            paid_amount: Some(15),
            paid_at_ms: Some(200),
            refunded: 5,
            is_being_made: false,
            is_being_asked: true,
            asked: 2,
            next_ask_ms: Some(400),
            is_unpaid_after: false,
            webhooks: vec![9],
            refunds_pending: 1,
            last_refund_ms: Some(7),
        };
        let refund = Refund {
            content: 8,
            number: 301,
            payment: "p".into(),
            amount: 5,
            at_ms: 100,
            state: Money::Refunding,
            is_of_order: true,
            is_pending: false,
            why: Some(StepCause::PaidTwice),
            again_ms: Some(8),
            key: Some(9),
            call: Some(10),
        };
        let review = Review {
            order: "o".into(),
            payment: "p".into(),
            refund: Some(CompactText("r".into())),
            why: ReviewCause::RefundFailed,
            amount: 5,
            at_ms: 100,
            state: ReviewState::Closed,
            currency: "EUR".into(),
            decision: Some(Decision::Close),
        };
        let rows = [hex(&payment), hex(&refund), hex(&review)];
        let expected = [
            "b300070119012c026462616e6b030f041864050206f5076175080f0918c80a050bf40cf50d020e1901900ff410810911011207",
            "ac00080119012d0261700305041864050306f507f4080609080a090b0a",
            "a900616f01617002617203020405051864060107634555520802",
        ];
        assert_eq!(rows, expected);
    }
}
