//! When a call without an answer is tried again.

use super::{CALLS, CallState};
use crate::backoff::Backoff;
use crate::contract::Timer;
use crate::key::KeyReader;
use crate::limits::{CALL_REST_MAX_MS, CALL_REST_MIN_MS, CALL_WHY_BYTES_MAX};
use crate::table::Missing;
use crate::tx::{Reads, Tx};

/// Tries a call again.
pub(crate) const NEXT_TRY: Timer = Timer::new(0, 2, try_again, reads_of_try);

fn reads_of_try(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    if let Some(number) = owner.number() {
        reads.row(&CALLS, number);
    }
}

fn try_again(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let number = owner.number().unwrap_or_default();
    let Some(mut row) = tx.get(&CALLS, number)? else {
        return Ok(());
    };
    if row.state == CallState::Resting {
        row.begin_try(tx.now_ms());
        tx.hand_to_courier(number, row);
    }
    Ok(())
}

/// Rests of a call between its tries.
const RESTS: Backoff = Backoff {
    min_ms: CALL_REST_MIN_MS,
    max_ms: CALL_REST_MAX_MS,
};

/// How long a call rests after a try that has brought nothing, or as long as the other side has asked for.
pub(crate) fn next_try_ms(number: u64, tries: u32, asked_for_ms: Option<u64>) -> u64 {
    match asked_for_ms {
        Some(asked_for_ms) => asked_for_ms.clamp(CALL_REST_MIN_MS, CALL_REST_MAX_MS),
        None => RESTS.rest_ms(number, tries),
    }
}

/// The beginning of a text that is kept.
pub(super) fn cut(why: &str) -> &str {
    let end = (0..=CALL_WHY_BYTES_MAX.min(why.len()))
        .rev()
        .find(|end| why.is_char_boundary(*end));
    &why[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_what_the_other_side_asks_for_within_bounds() {
        assert_eq!(next_try_ms(7, 1, Some(2_500)), 2_500);
        assert_eq!(next_try_ms(7, 1, Some(0)), CALL_REST_MIN_MS);
        assert_eq!(next_try_ms(7, 1, Some(u64::MAX)), CALL_REST_MAX_MS);
        assert_eq!(next_try_ms(7, 5, None), RESTS.rest_ms(7, 5));
    }

    #[test]
    fn a_long_text_is_cut_between_two_characters() {
        let long = "ä".repeat(CALL_WHY_BYTES_MAX);
        assert!(cut(&long).len() <= CALL_WHY_BYTES_MAX);
        assert_eq!(cut("short"), "short");
    }
}
