//! `ORDER.WEBHOOK`: a provider tells what became of a payment.
//!
//! Signed as in the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`. What it tells is
//! the payment as it is, so an old one that comes late changes nothing that is known better by then.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use compact_str::CompactString;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{CountDef, Missing, Reads, Stop, Tx};
use xxhash_rust::xxh3::xxh3_64;

use super::asks::plan;
use super::case::Case;
use super::money::learn;
use crate::command::Webhook;
use crate::payments::PAYMENTS;
use crate::refusal::{BAD_SIGNATURE, UNKNOWN_ORDER, UNKNOWN_PAYMENT, UNKNOWN_PROVIDER, WRONG_TIME};
use crate::reply::WebhookReceipt;
use crate::table::{ORDERS, Order};
use crate::{Providers, Refusal, SigningKey, WEBHOOK_AGE_MS_MAX, WEBHOOKS_KEPT};

pub(crate) const WEBHOOK_APPLIED: CountDef = CountDef {
    name: "webhooks_applied",
    doc: "Webhooks of payment providers that were taken in.",
};

pub(crate) const WEBHOOK_REPEATED: CountDef = CountDef {
    name: "webhooks_repeated",
    doc: "Webhooks of payment providers that had come before.",
};

impl Apply for Webhook {
    type Reply = WebhookReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        UNKNOWN_PROVIDER,
        BAD_SIGNATURE,
        WRONG_TIME,
        UNKNOWN_ORDER,
        UNKNOWN_PAYMENT,
    ];

    fn key(&self) -> &str {
        &self.payload.facts.order
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, self.key());
    }

    fn letters(&self) -> usize {
        super::LETTERS_MAX
    }

    fn calls(&self) -> usize {
        1
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<WebhookReceipt, Stop<Refusal>> {
        let sent_ms = self.check(tx)?;
        let id = self.key();
        let Some(order) = tx.get(&ORDERS, id)? else {
            return Err(Refusal::UnknownOrder.into());
        };
        let Some(name) = self.payment_of(tx, &order)? else {
            return Err(Refusal::UnknownPayment.into());
        };
        let case = Case::of(tx, id, order, &name)?;
        let mut case = case.expect("because it was just read");
        let repeated = !self.is_new(&mut case);
        if repeated {
            tx.count(&WEBHOOK_REPEATED);
        } else {
            tx.count(&WEBHOOK_APPLIED);
            // Its clock may be ahead of ours, and it has not seen what is to come.
            let as_of_ms = sent_ms.min(tx.now_ms());
            learn(tx, &mut case, &self.payload.facts, as_of_ms)?;
            plan(tx, &mut case);
        }
        let receipt = WebhookReceipt {
            id: id.into(),
            payment: name,
            payment_state: case.payment.money.word(),
            repeated,
        };
        if !repeated {
            case.file(tx);
        }
        Ok(receipt)
    }
}

impl Webhook {
    /// When it was sent, if it is the provider's and of now.
    fn check(&self, tx: &Tx<'_>) -> Result<u64, Refusal> {
        let providers = tx.settings::<Providers>();
        let provider = providers.and_then(|all| all.0.get(self.provider.as_str()));
        let provider = provider.ok_or(Refusal::UnknownProvider)?;
        let is_signed = |key: &SigningKey| self.is_signed_with(key.bytes());
        if !provider.secrets.iter().any(is_signed) {
            return Err(Refusal::BadSignature);
        }
        let seconds: Option<u64> = self.timestamp.as_str().parse().ok();
        let sent_ms = seconds.and_then(|seconds| seconds.checked_mul(1_000));
        let sent_ms = sent_ms.ok_or(Refusal::WrongTime)?;
        if sent_ms.abs_diff(tx.now_ms()) > WEBHOOK_AGE_MS_MAX {
            return Err(Refusal::WrongTime);
        }
        Ok(sent_ms)
    }

    /// Whether one of its signatures is made with this secret. Compared in constant time.
    fn is_signed_with(&self, secret: &[u8]) -> bool {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret).expect("because a key of any length is one");
        for part in [self.message.as_str(), ".", self.timestamp.as_str(), "."] {
            mac.update(part.as_bytes());
        }
        mac.update(self.payload.as_str().as_bytes());
        let signatures = self.signature.as_str().split(' ').take(SIGNATURES_MAX);
        let mut known = signatures.filter_map(|one| one.strip_prefix("v1,"));
        known.any(|one| {
            let decoded = BASE64_STANDARD.decode(one).unwrap_or_default();
            mac.clone().verify_slice(&decoded).is_ok()
        })
    }

    /// The payment that it is about.
    fn payment_of(&self, tx: &mut Tx<'_>, order: &Order) -> Result<Option<CompactString>, Missing> {
        for name in &order.payments {
            let payment = tx.get(&PAYMENTS, (self.key(), name.as_str()))?;
            let is_it = |number: u64, provider: &str| {
                number == self.payload.facts.number && provider == self.provider.as_str()
            };
            if payment.is_some_and(|payment| is_it(payment.number, &payment.provider)) {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    /// Whether it has not come before, which is kept in mind.
    fn is_new(&self, case: &mut Case<'_>) -> bool {
        let hash = xxh3_64(self.message.as_str().as_bytes());
        let webhooks = &mut case.payment.webhooks;
        if webhooks.contains(&hash) {
            return false;
        }
        if webhooks.len() == WEBHOOKS_KEPT {
            webhooks.remove(0);
        }
        webhooks.push(hash);
        true
    }
}

/// Signatures that are looked at: as many secrets as are exchanged for each other at once.
const SIGNATURES_MAX: usize = 8;
