//! What keeps a few from taking the places of many: limits for each buyer and each address, and challenges.

use minicbor::{Decode, Encode};
use tidegate_engine::{Rate, Row, words};

use crate::table::{Entrant, HashBytes, Sale};
use crate::{ADDRESS_BURST, BUYER_BURST, Refusal};

/// What a sale has against those who ask too often.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Guard {
    /// Tokens that a buyer may take a minute; 0 is no limit.
    #[n(0)]
    pub(crate) per_buyer: u64,
    /// Entries from one address a minute without a challenge; 0 is no limit.
    #[n(1)]
    pub(crate) per_address: u64,
    /// How many zero bits a proof of work has.
    #[n(2)]
    pub(crate) bits: u64,
    #[n(3)]
    pub(crate) challenge: Challenge,
}

/// What everybody is asked who enters. The numbers are stored.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Challenge {
    #[n(0)]
    None,
    #[n(1)]
    Work,
    /// A question, and the hash of its answer.
    #[n(2)]
    Question(#[n(0)] String, #[n(1)] HashBytes),
}

/// A kind of challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeKind {
    /// Nobody is asked anything, unless too many come from one address.
    None,
    /// A proof of work.
    Work,
    /// A question.
    Question,
}

words! { ChallengeKind {
    "none" => ChallengeKind::None,
    "work" => ChallengeKind::Work,
    "question" => ChallengeKind::Question,
} }

impl Challenge {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Work => "work",
            Self::Question(..) => "question",
        }
    }
}

impl Guard {
    /// Bytes of the texts in it.
    pub(crate) fn text_bytes(&self) -> usize {
        match &self.challenge {
            Challenge::None | Challenge::Work => 0,
            Challenge::Question(question, _) => question.len(),
        }
    }

    /// How often a buyer may take a token.
    pub(crate) fn of_buyer(&self) -> Option<Rate> {
        Rate::per_minute(self.per_buyer, BUYER_BURST)
    }

    /// How often somebody may enter from one address without a challenge.
    pub(crate) fn of_address(&self) -> Option<Rate> {
        Rate::per_minute(self.per_address, ADDRESS_BURST)
    }
}

impl Sale {
    /// When the next token of a buyer is expected who takes one now, in µs, if there is a limit.
    pub(crate) fn next_token_us(
        &self,
        buyer: &Entrant,
        now_ms: u64,
    ) -> Result<Option<u64>, Refusal> {
        let Some(rate) = self.guard.as_ref().and_then(Guard::of_buyer) else {
            return Ok(None);
        };
        let next_us = rate.arrive(buyer.next_token_us, now_ms);
        next_us
            .map(Some)
            .map_err(|retry_after_ms| Refusal::SlowDown { retry_after_ms })
    }
}

/// When the next entry is expected of all addresses that fall into a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Arrival {
    /// In µs since 1970.
    #[n(0)]
    pub(crate) next_us: u64,
}

impl Row for Arrival {}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn rows_are_frozen() {
        let guard = |challenge| Guard {
            per_buyer: 60,
            per_address: 300,
            bits: 18,
            challenge,
        };
        let question = Challenge::Question("q".to_owned(), [7; 32].into());
        let rows = [
            hex(&guard(Challenge::None)),
            hex(&guard(Challenge::Work)),
            hex(&guard(question)),
            hex(&Arrival { next_us: 300 }),
        ];
        let expected = [
            "a400183c0119012c021203820080".to_owned(),
            "a400183c0119012c021203820180".to_owned(),
            format!(
                "a400183c0119012c0212038202826171{}{}",
                "5820",
                "07".repeat(32)
            ),
            "a10019012c".to_owned(),
        ];
        assert_eq!(rows, expected);
    }
}
