//! How a sale of the demo goes: when it starts, how many are admitted, what the provider does wrong, and when the
//! server is killed. No IO.

use std::fmt;
use std::path::Path;

/// How long buyers pay late by, at most.
const LATE_MS: u64 = 4_000;

/// After how long somebody who was admitted counts as gone.
pub(super) const VISIT_MS: u64 = 6_000;

/// So many people can enter a millisecond, beside everything else, before the start.
const ENTER_A_MS: u64 = 9;
const LEAD_MS: std::ops::RangeInclusive<u64> = 3_000..=60_000;

/// What is held by those who do not pay comes back and is sold again: so often until nothing is left.
const ROUNDS: u64 = 5;

/// All units could be bought within so many seconds of the start.
const SELL_S: u64 = 6;
const RATE_MIN: u64 = 20;

/// The provider is gone for so long, in the midst.
const OUTAGE_MS: u64 = 3_000;

/// Times that a provider can be asked what became of a payment.
const ASKS_MAX: u64 = 32;

/// How a sale goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) people: u64,
    pub(super) units: u64,
    /// The last ones come so long after the start.
    pub(super) tail_ms: u64,
    /// How long an order waits for payment.
    pub(super) ttl_ms: u64,
    pub(super) seed: u64,
}

impl Plan {
    /// How long people come before the start.
    pub(super) fn lead_ms(self) -> u64 {
        (self.people / ENTER_A_MS).clamp(*LEAD_MS.start(), *LEAD_MS.end())
    }

    /// How long it lasts.
    pub(super) fn lasts_ms(self) -> u64 {
        self.tail_ms + ROUNDS * self.ttl_ms
    }

    /// How many are admitted a second.
    pub(super) fn rate(self) -> u64 {
        (self.units / SELL_S).max(RATE_MIN)
    }

    /// After how long, from the start of the sale on, the server is killed.
    pub(super) fn kills_ms(self, kills: u32) -> impl Iterator<Item = u64> {
        let span_ms = self.tail_ms;
        (0..u64::from(kills)).map(move |nth| span_ms * (2 * nth + 1) / (2 * u64::from(kills)))
    }

    /// What the provider is told to do wrong: everything that it can.
    pub(super) fn troubles(self) -> Vec<String> {
        // Few people make few payments, some of which are to be of another amount all the same.
        let wrong_amount = (8.0 / self.units as f64).clamp(0.001, 0.1);
        let down_after_ms = self.lead_ms() + self.tail_ms / 2;
        [
            ("--pay-after", "200..2500".to_owned()),
            ("--refund-after", "0..1000".to_owned()),
            ("--late-by", LATE_MS.to_string()),
            ("--never-pays", "0.04".to_owned()),
            ("--fails", "0.05".to_owned()),
            ("--late", "0.05".to_owned()),
            ("--wrong-amount", wrong_amount.to_string()),
            ("--lose", "0.2".to_owned()),
            ("--duplicate", "0.1".to_owned()),
            ("--reorder", "0.2".to_owned()),
            ("--errors", "0.02".to_owned()),
            ("--drop-answers", "0.02".to_owned()),
            ("--garbage", "0.01".to_owned()),
            ("--down-after", down_after_ms.to_string()),
            ("--down-for", OUTAGE_MS.to_string()),
            ("--seed", self.seed.to_string()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
    }
}

/// The settings of the server: where the provider is, and when it is asked.
pub(super) struct ServerFile<'a> {
    pub(super) name: &'a str,
    pub(super) provider: &'a str,
    pub(super) secret: &'a Path,
    /// How long an order waits for payment.
    pub(super) ttl_ms: u64,
}

impl fmt::Display for ServerFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            provider,
            secret,
            ttl_ms,
        } = self;
        writeln!(f, "[providers.{name}]")?;
        writeln!(f, "create = \"{provider}/v1/payments\"")?;
        writeln!(f, "query = \"{provider}/v1/payments/{{id}}\"")?;
        writeln!(f, "refund = \"{provider}/v1/payments/{{id}}/refunds\"")?;
        writeln!(
            f,
            "webhook_secret_file = {:?}",
            secret.display().to_string()
        )?;
        writeln!(f, "ask_after_ms = {:?}", asks_ms(*ttl_ms))?;
        writeln!(f, "window_ms = {}", ttl_ms + LATE_MS)
    }
}

/// A few times before an order expires, then until the latest have paid.
fn asks_ms(ttl_ms: u64) -> Vec<u64> {
    let before = [ttl_ms / 8, ttl_ms / 4, ttl_ms / 2];
    let rest = ASKS_MAX - before.len() as u64;
    let behind = (0..rest).map(|nth| ttl_ms + 500 + 1_000 * nth);
    before.into_iter().chain(behind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan {
        people: 20_000,
        units: 1_000,
        tail_ms: 12_000,
        ttl_ms: 6_000,
        seed: 1,
    };

    #[test]
    fn kills_are_spread_over_the_time_in_which_people_come() {
        let kills = |count| PLAN.kills_ms(count).collect::<Vec<_>>();
        assert_eq!(kills(3), [2_000, 6_000, 10_000]);
        assert!(kills(0).is_empty());
    }

    #[test]
    fn as_many_come_before_the_start_as_can_enter() {
        assert_eq!(PLAN.lead_ms(), 3_000);
        let many = Plan {
            people: 200_000,
            ..PLAN
        };
        assert_eq!(many.lead_ms(), 22_222);
    }

    #[test]
    fn settings_are_ones_that_a_server_reads() {
        let file = ServerFile {
            name: "sandbox",
            provider: "http://127.0.0.1:1",
            secret: Path::new("/a/\"b\""),
            ttl_ms: 6_000,
        };
        let table: toml::Table = file.to_string().parse().expect("TOML");
        let provider = &table["providers"]["sandbox"];
        assert_eq!(provider["webhook_secret_file"].as_str(), Some("/a/\"b\""));
        let asks = provider["ask_after_ms"].as_array().expect("a list");
        assert_eq!(asks.len(), 32);
    }
}
