//! Payment providers: what the settings say of them, and what they say of payments.
//!
//! What is sent to a provider and what it answers stands in `docs/pay-sandbox.openapi.yaml`.

use std::collections::BTreeMap;
use std::fmt;

use compact_str::CompactString;
use serde_json::{Value, json};
use tidegate_engine::contract::{FieldKind, FieldType, Hasher, InvalidKind, Name, Payload, Raw};

/// How long after a payment has begun its provider is asked, unless the settings say otherwise: a lost
/// webhook costs at most so long.
pub const ASK_AFTER_MS: [u64; 7] = [10_000, 30_000, 60_000, 90_000, 120_000, 300_000, 420_000];

/// How long a payment can be paid, unless the settings say otherwise.
pub const WINDOW_MS: u64 = 24 * 3_600_000;

/// What a provider signs its webhooks with. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// Keeps it.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// A provider of payments, as the settings have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// How long after a payment has begun it is asked, in order; and after a refund was asked for that is not
    /// done yet.
    pub ask_after_ms: Vec<u64>,
    /// How long after that a payment can be paid: 24 hours later a person is asked.
    pub window_ms: u64,
    /// What its webhooks are signed with, decoded; several while one takes the place of another.
    pub secrets: Vec<SigningKey>,
}

impl Default for Provider {
    fn default() -> Self {
        Self {
            ask_after_ms: ASK_AFTER_MS.to_vec(),
            window_ms: WINDOW_MS,
            secrets: Vec::new(),
        }
    }
}

/// All providers, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Providers(pub BTreeMap<String, Provider>);

/// What a provider says of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) number: u64,
    pub(crate) order: CompactString,
    pub(crate) status: Status,
    pub(crate) currency: CompactString,
    pub(crate) paid_amount: Option<u64>,
    pub(crate) paid_at_ms: Option<u64>,
    pub(crate) checkout_url: Option<CompactString>,
    /// By their numbers.
    pub(crate) refunds: Vec<(u64, RefundStatus)>,
}

/// What a provider says became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Paid,
    /// And it will not be paid.
    Failed,
}

/// What a provider says became of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefundStatus {
    Pending,
    Done,
    Failed,
}

/// Bytes of a checkout URL that are kept.
const URL_BYTES_MAX: usize = 2_048;

/// Refunds of one payment that are looked at.
const REFUNDS_MAX: usize = 256;

impl Facts {
    /// Reads a payment; `None` if it is none.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        Self::of(&serde_json::from_slice(bytes).ok()?)
    }

    /// The same, of a JSON value.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let status = match value.get("status")?.as_str()? {
            "pending" => Status::Pending,
            "paid" => Status::Paid,
            "failed" | "expired" => Status::Failed,
            _ => return None,
        };
        let paid_amount = value.get("paid_amount").and_then(Value::as_u64);
        if status == Status::Paid && paid_amount.is_none() {
            return None;
        }
        let url = value.get("checkout_url").and_then(Value::as_str);
        let refunds = value.get("refunds").and_then(Value::as_array);
        let refunds = refunds.into_iter().flatten().take(REFUNDS_MAX);
        Some(Self {
            number: number(value)?,
            order: value.get("order")?.as_str()?.into(),
            status,
            currency: value.get("currency")?.as_str()?.into(),
            paid_amount,
            paid_at_ms: value.get("paid_at_ms").and_then(Value::as_u64),
            checkout_url: url.filter(|url| url.len() <= URL_BYTES_MAX).map(Into::into),
            refunds: refunds.filter_map(refund).collect(),
        })
    }
}

/// Reads what a provider answers to a refund.
pub(crate) fn read_refund(bytes: &[u8]) -> Option<(u64, RefundStatus)> {
    refund(&serde_json::from_slice(bytes).ok()?)
}

fn refund(value: &Value) -> Option<(u64, RefundStatus)> {
    let status = match value.get("status")?.as_str()? {
        "pending" => RefundStatus::Pending,
        "done" => RefundStatus::Done,
        "failed" => RefundStatus::Failed,
        _ => return None,
    };
    Some((number(value)?, status))
}

fn number(value: &Value) -> Option<u64> {
    value.get("id")?.as_str()?.parse().ok()
}

/// What makes a payment.
pub(crate) fn to_create(
    number: u64,
    order: &str,
    (amount, currency): (u64, &str),
    expires_at_ms: u64,
) -> Vec<u8> {
    let body = json!({
        "id": number.to_string(),
        "order": order,
        "amount": amount,
        "currency": currency,
        "expires_at_ms": expires_at_ms,
    });
    body.to_string().into_bytes()
}

/// What makes a refund.
pub(crate) fn to_refund(number: u64, amount: u64) -> Vec<u8> {
    let body = json!({ "id": number.to_string(), "amount": amount });
    body.to_string().into_bytes()
}

/// What a webhook tells: its bytes, which are signed, and what they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    payload: Payload,
    pub(crate) facts: Facts,
}

impl Told {
    /// The bytes.
    pub(crate) fn as_str(&self) -> &str {
        self.payload.as_str()
    }
}

impl FieldType for Told {
    const KIND: FieldKind = <Payload as FieldType>::KIND;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let payload = Payload::read(raw)?;
        let value: Option<Value> = serde_json::from_str(payload.as_str()).ok();
        let facts = value.and_then(|value| Facts::of(value.get("data")?));
        let facts = facts.filter(|facts| Name::read(Raw::String(&facts.order)).is_ok());
        let facts = facts.ok_or_else(|| {
            let message =
                "must be JSON with a payment in `data`, as docs/pay-sandbox.openapi.yaml has it";
            (InvalidKind::Unreadable, message.to_owned())
        })?;
        Ok(Self { payload, facts })
    }

    fn hash(&self, hasher: &mut Hasher) {
        self.payload.hash(hasher);
    }

    fn heap_bytes(&self) -> usize {
        2 * self.payload.heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAID: &str = r#"{"id":"7","order":"o","status":"paid","amount":5,"currency":"EUR",
        "paid_amount":5,"paid_at_ms":9,"checkout_url":"https://pay.example/7",
        "refunds":[{"id":"8","amount":5,"status":"done"},{"id":"x"}]}"#;

    #[test]
    fn payments_are_read_and_nothing_else() {
        let facts = Facts::read(PAID.as_bytes()).expect("it is one");
        assert_eq!((facts.number, facts.status), (7, Status::Paid));
        assert_eq!(facts.paid_amount, Some(5));
        assert_eq!(facts.refunds, [(8, RefundStatus::Done)]);
        for (from, to) in [
            (r#""id":"7""#, r#""id":7"#),
            (r#""id":"7""#, r#""id":"-7""#),
            (r#""status":"paid""#, r#""status":"perhaps""#),
            (r#""paid_amount":5"#, r#""paid_amount":-5"#),
            (r#""paid_amount":5"#, r#""paid_amount":5.5"#),
            (r#""paid_amount":5"#, r#""paid_amount":"5""#),
            (r#""order":"o""#, r#""order":null"#),
            (r#""currency":"EUR""#, r#""x":1"#),
            ("{", "["),
            ("}", ""),
        ] {
            assert_eq!(Facts::read(PAID.replace(from, to).as_bytes()), None, "{to}");
        }
        for garbage in [&b""[..], b"null", b"\xff", b"[[[[", b"OK"] {
            assert_eq!(Facts::read(garbage), None);
            assert_eq!(read_refund(garbage), None);
        }
    }
}
