//! What a merchant may ask for, read from its JSON.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

use super::id::Id;
use super::payments::{Payment, State};

/// Bytes of the name of an order: those of any name in Tidegate.
const ORDER_BYTES_MAX: usize = 128;

/// Units of money: what every reader of JSON can tell exactly.
const AMOUNT_MAX: u64 = (1 << 53) - 1;

/// The largest time, for the same reason.
const MS_MAX: u64 = (1 << 53) - 1;

/// Three capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Currency([u8; 3]);

impl Currency {
    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("because capitals are ASCII")
    }
}

impl TryFrom<String> for Currency {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let capitals = text.as_bytes().try_into().ok();
        let sound = |capitals: &[u8; 3]| capitals.iter().all(u8::is_ascii_uppercase);
        let capitals = capitals.filter(sound);
        capitals
            .map(Self)
            .ok_or("a currency is three capitals, like EUR")
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// `POST /v1/payments`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPayment {
    pub(super) id: Id,
    pub(super) order: Box<str>,
    pub(super) amount: u64,
    pub(super) currency: Currency,
    pub(super) expires_at_ms: u64,
}

/// `POST /v1/payments/{id}/refunds`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRefund {
    pub(super) id: Id,
    pub(super) amount: u64,
}

impl NewPayment {
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let new: Self = json(body)?;
        if !(1..=ORDER_BYTES_MAX).contains(&new.order.len()) {
            return Err(format!("order has 1 to {ORDER_BYTES_MAX} bytes"));
        }
        check_amount(new.amount)?;
        if new.expires_at_ms > MS_MAX {
            return Err(format!("expires_at_ms is at most {MS_MAX}"));
        }
        Ok(new)
    }

    /// Whether it asks for what is there.
    pub(super) fn is(&self, known: &Payment) -> bool {
        self.order == known.order
            && self.amount == known.amount
            && self.currency == known.currency
            && self.expires_at_ms == known.expires_at_ms
    }

    pub(super) fn into_payment(self, now_ms: u64) -> Payment {
        Payment {
            id: self.id,
            order: self.order,
            amount: self.amount,
            currency: self.currency,
            created_at_ms: now_ms,
            expires_at_ms: self.expires_at_ms,
            state: State::Pending,
            is_in_hand: false,
            refunds: Vec::new(),
        }
    }
}

impl NewRefund {
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let new: Self = json(body)?;
        check_amount(new.amount)?;
        Ok(new)
    }
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn check_amount(amount: u64) -> Result<(), String> {
    if (1..=AMOUNT_MAX).contains(&amount) {
        Ok(())
    } else {
        Err(format!("amount is 1 to {AMOUNT_MAX}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_with_a_field_that_is_bad_missing_or_unknown_is_not_read() {
        let sound = r#"{"id":"1","order":"o","amount":1,"currency":"EUR","expires_at_ms":9}"#;
        assert!(NewPayment::read(sound.as_bytes()).is_ok());
        let long = format!(r#""order":"{}""#, "o".repeat(129));
        for (from, to) in [
            (r#""id":"1""#, r#""id":1"#),
            (r#""id":"1""#, r#""id":"x""#),
            (r#""order":"o""#, r#""order":"""#),
            (r#""order":"o""#, &long),
            (r#""amount":1"#, r#""amount":0"#),
            (r#""amount":1"#, r#""amount":-1"#),
            (r#""amount":1"#, r#""amount":1.5"#),
            (r#""amount":1"#, r#""amount":9007199254740992"#),
            (r#""EUR""#, r#""eur""#),
            (r#""EUR""#, r#""EURO""#),
            (
                r#""expires_at_ms":9"#,
                r#""expires_at_ms":9007199254740992"#,
            ),
            (r#","expires_at_ms":9"#, ""),
            ("}", r#","more":1}"#),
            ("}", ""),
        ] {
            let body = sound.replacen(from, to, 1);
            assert!(NewPayment::read(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_refund_is_of_something() {
        assert!(NewRefund::read(br#"{"id":"1","amount":1}"#).is_ok());
        assert!(NewRefund::read(br#"{"id":"1","amount":0}"#).is_err());
    }
}
