//! Checks by somebody outside: whether a buyer may enter, or has solved a captcha. A hook of the settings is asked.
//!
//! ```text
//! POST to the hook     {"sale": "drop", "buyer": "mia", "address": "192.0.2.1", "response": "…"}
//! its answer, 2xx      {"eligible": true}
//! ```
//!
//! `address` and `response` are null if they are not known. A call that is tried again has the same `Idempotency-Key`:
//! a hook that asks a captcha's provider, where a response is good for once, answers as before. What is not such an
//! answer is neither a yes nor a no.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tidegate_engine::contract::{Address, Payload};
use tidegate_engine::{End, Row};

use crate::draw::first;

/// Hooks that the settings name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hooks(pub BTreeSet<String>);

/// What a client sends for the hook, as a captcha has given it: nobody here looks into it.
pub(crate) type Response = Payload<RESPONSE_BYTES_MAX>;

/// The longest are those of captchas, some 2 KiB.
pub(crate) const RESPONSE_BYTES_MAX: usize = 4_096;

/// Checks of one sale that may be open at once: each is a call, of which a partition has room for some thousand.
pub const OPEN_CHECKS_MAX: u64 = 1_000;

/// How often a buyer may be refused; from then on the hook is not asked any more.
pub const REFUSALS_MAX: u64 = 5;

/// Buyers of one sale of whom it is kept that they were refused. Of others it is not: the hook is asked again.
pub(crate) const REFUSED_KEPT_MAX: u64 = 1_000_000;

/// For how long the hook is asked again that does not answer: who still wants to enter asks again by then.
pub(crate) const CHECKED_FOR_MS: u64 = 60_000;

/// And how often.
pub(crate) const TRIES_MAX: u32 = 16;

/// The one thing that a hook does, as the settings name it.
pub const HOOK_ACTION: &str = "check";

/// What a sale has checked, and how that stands.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Checks {
    /// By which hook.
    #[n(0)]
    pub(crate) hook: String,
    /// Checks that are open.
    #[n(1)]
    pub(crate) open: u64,
    /// Buyers who were refused, and have not entered since.
    #[n(2)]
    pub(crate) refused: u64,
}

/// Somebody who is being checked, or was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Check {
    /// When the hook was asked last.
    #[n(0)]
    pub(crate) at_ms: u64,
    /// Its answer is not known.
    #[n(1)]
    pub(crate) is_open: bool,
    /// How often it has refused the buyer.
    #[n(2)]
    pub(crate) refusals: u64,
    /// Hash of the response that it is asked about, or has refused last.
    #[n(3)]
    pub(crate) response: Option<u64>,
}

impl Row for Check {}

/// What is known by the end of a call to a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Eligible,
    NotEligible,
    /// Nothing: it was not reached, or has not said.
    Unknown,
}

impl Verdict {
    pub(crate) fn of(end: &End) -> Self {
        match end {
            End::Answered(said) if (200..300).contains(&said.status) => Self::read(&said.body),
            End::Answered(_) | End::GivenUp => Self::Unknown,
        }
    }

    fn read(body: &[u8]) -> Self {
        let value: Option<Value> = serde_json::from_slice(body).ok();
        match value.and_then(|value| value.get("eligible")?.as_bool()) {
            Some(true) => Self::Eligible,
            Some(false) => Self::NotEligible,
            None => Self::Unknown,
        }
    }
}

/// By which a response is known again.
pub(crate) fn hash_of(response: Option<&Response>) -> u64 {
    let text = response.map_or("", Payload::as_str);
    u64::from_be_bytes(first(&Sha256::digest(text)))
}

/// What a hook is sent.
pub(crate) fn body_of(
    (sale, buyer): (&str, &str),
    from: Option<Address>,
    response: Option<&Response>,
) -> Vec<u8> {
    let body = json!({
        "sale": sale,
        "buyer": buyer,
        "address": from.map(|from| from.to_string()),
        "response": response.map(Payload::as_str),
    });
    body.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use tidegate_engine::Said;
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn rows_are_frozen() {
        let checks = Checks {
            hook: "h".to_owned(),
            open: 1,
            refused: 2,
        };
        let check = Check {
            at_ms: 300,
            is_open: true,
            refusals: 1,
            response: Some(7),
        };
        let rows = [hex(&checks), hex(&check)];
        assert_eq!(rows, ["a300616801010202", "a40019012c01f502010307"]);
    }

    #[test]
    fn only_a_plain_word_of_the_hook_is_a_yes_or_a_no() {
        let verdict = |status, body: &str| {
            let body = body.as_bytes().to_vec().into();
            Verdict::of(&End::Answered(Said { status, body }))
        };
        let (yes, no) = (r#"{"eligible":true,"x":1}"#, r#"{"eligible":false}"#);
        assert_eq!(verdict(200, yes), Verdict::Eligible);
        assert_eq!(verdict(201, no), Verdict::NotEligible);
        for (status, body) in [
            (404, yes),
            (422, no),
            (200, ""),
            (200, "true"),
            (200, r#"{"eligible":"true"}"#),
            (200, r#"{"success":true}"#),
        ] {
            assert_eq!(verdict(status, body), Verdict::Unknown, "{status} {body}");
        }
        assert_eq!(Verdict::of(&End::GivenUp), Verdict::Unknown);
    }

    #[test]
    fn hook_is_sent_what_is_known() {
        let sent = body_of(("s", "b\"c"), None, None);
        let sent: serde_json::Value = serde_json::from_slice(&sent).expect("JSON");
        let expected = json!({"sale": "s", "buyer": "b\"c", "address": null, "response": null});
        assert_eq!(sent, expected);
    }
}
