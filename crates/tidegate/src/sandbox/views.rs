//! Payments, refunds and webhooks as JSON.

use hyper::body::Bytes;
use serde::{Serialize, Serializer};

use super::checkout::PublicUrl;
use super::id::Id;
use super::payments::{Event, Payment, Refund, RefundState, State};
use super::requests::Currency;
use super::time::Rfc3339;

/// A payment as merchants see it.
#[derive(Serialize)]
pub(super) struct PaymentView<'a> {
    id: Id,
    order: &'a str,
    status: &'static str,
    amount: u64,
    currency: Currency,
    paid_amount: Option<u64>,
    paid_at_ms: Option<u64>,
    /// Where a person pays it; others pay by themselves.
    checkout_url: String,
    refunds: Vec<ItemView>,
}

/// A refund within its payment.
#[derive(Serialize)]
struct ItemView {
    id: Id,
    amount: u64,
    status: &'static str,
}

/// A refund by itself.
#[derive(Serialize)]
pub(super) struct RefundView {
    id: Id,
    payment: Id,
    amount: u64,
    status: &'static str,
}

/// What a webhook tells.
#[derive(Serialize)]
struct WebhookView<'a> {
    r#type: &'static str,
    timestamp: Rfc3339,
    data: PaymentView<'a>,
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'a> PaymentView<'a> {
    pub(super) fn of(payment: &'a Payment, public_url: &PublicUrl) -> Self {
        let (paid_amount, paid_at_ms) = match payment.state {
            State::Paid { amount, at_ms } => (Some(amount), Some(at_ms)),
            State::Pending | State::Failed | State::Expired => (None, None),
        };
        Self {
            id: payment.id,
            order: &payment.order,
            status: payment.state.name(),
            amount: payment.amount,
            currency: payment.currency,
            paid_amount,
            paid_at_ms,
            checkout_url: public_url.of_payment(payment.id),
            refunds: payment.refunds.iter().map(ItemView::from).collect(),
        }
    }
}

impl From<&Refund> for ItemView {
    fn from(refund: &Refund) -> Self {
        Self {
            id: refund.id,
            amount: refund.amount,
            status: refund.state.name(),
        }
    }
}

impl RefundView {
    pub(super) fn of(payment: &Payment, refund: &Refund) -> Self {
        Self {
            id: refund.id,
            payment: payment.id,
            amount: refund.amount,
            status: refund.state.name(),
        }
    }
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid { .. } => "paid",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }
}

impl RefundState {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl Event {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Paid => "payment.paid",
            Self::Failed => "payment.failed",
            Self::Expired => "payment.expired",
            Self::RefundDone(_) => "refund.done",
            Self::RefundFailed(_) => "refund.failed",
        }
    }
}

/// The body of the webhook that tells what has just happened.
pub(super) fn webhook(
    event: Event,
    (payment, public_url): (&Payment, &PublicUrl),
    now_ms: u64,
) -> Bytes {
    json(&WebhookView {
        r#type: event.name(),
        timestamp: Rfc3339(now_ms),
        data: PaymentView::of(payment, public_url),
    })
}

pub(super) fn json(value: &impl Serialize) -> Bytes {
    let text = serde_json::to_vec(value);
    text.expect("because a view has text keys and no number that JSON lacks")
        .into()
}

#[cfg(test)]
mod tests {
    use super::super::requests::NewPayment;
    use super::*;

    #[test]
    fn a_webhook_tells_the_payment_as_it_is_when_it_happens() {
        let new = br#"{"id":"7","order":"o","amount":5,"currency":"EUR","expires_at_ms":9}"#;
        let mut payment = NewPayment::read(new).expect("sound").into_payment(1);
        let refund = Refund {
            id: "8".parse().expect("an id"),
            amount: 2,
            state: RefundState::Done,
        };
        payment.state = State::Paid {
            amount: 4,
            at_ms: 3,
        };
        payment.refunds.push(refund.clone());
        let url: PublicUrl = "https://pay.example".parse().expect("a URL");
        let told = (&payment, &url);
        let body = webhook(Event::RefundDone(refund.id), told, 1_614_265_330_007);
        assert_eq!(
            String::from_utf8_lossy(&body),
            r#"{"type":"refund.done","timestamp":"2021-02-25T15:02:10.007Z","data":{"id":"7","#
                .to_owned()
                + r#""order":"o","status":"paid","amount":5,"currency":"EUR","paid_amount":4,"#
                + r#""paid_at_ms":3,"checkout_url":"https://pay.example/checkout/7","#
                + r#""refunds":[{"id":"8","amount":2,"status":"done"}]}}"#
        );
        assert_eq!(
            String::from_utf8_lossy(&json(&RefundView::of(&payment, &refund))),
            r#"{"id":"8","payment":"7","amount":2,"status":"done"}"#
        );
    }
}
