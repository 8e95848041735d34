//! When a call without an answer is tried again.

use super::{CALLS, CallState};
use crate::contract::Timer;
use xxhash_rust::xxh3::xxh3_64;

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

/// How long a call rests after a try that has brought nothing: twice as long each time, up to a bound, and
/// somewhat less by chance, so that what has failed at once is not tried again at once. Or as long as the
/// other side has asked for.
pub(crate) fn next_try_ms(number: u64, tries: u32, asked_for_ms: Option<u64>) -> u64 {
    if let Some(asked_for_ms) = asked_for_ms {
        return asked_for_ms.clamp(CALL_REST_MIN_MS, CALL_REST_MAX_MS);
    }
    let doubled = CALL_REST_MIN_MS << tries.saturating_sub(1).min(16);
    let longest = doubled.min(CALL_REST_MAX_MS);
    // Chance that comes out the same when it is run again: of the number and the try.
    let chance = xxh3_64(&[number.to_le_bytes(), u64::from(tries).to_le_bytes()].concat());
    longest - chance % (longest / 2)
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
    fn rests_grow_to_a_bound_and_differ_from_call_to_call() {
        let rests: Vec<_> = (1..20).map(|tries| next_try_ms(7, tries, None)).collect();
        for (tries, rest) in rests.iter().enumerate() {
            let longest = (CALL_REST_MIN_MS << tries).min(CALL_REST_MAX_MS);
            assert!((longest / 2..=longest).contains(rest), "{tries}: {rest}");
        }
        assert_ne!(next_try_ms(7, 5, None), next_try_ms(8, 5, None));
        assert_eq!(next_try_ms(7, 5, None), next_try_ms(7, 5, None));
    }

    #[test]
    fn a_rest_is_what_the_other_side_asks_for_within_bounds() {
        assert_eq!(next_try_ms(7, 1, Some(2_500)), 2_500);
        assert_eq!(next_try_ms(7, 1, Some(0)), CALL_REST_MIN_MS);
        assert_eq!(next_try_ms(7, 1, Some(u64::MAX)), CALL_REST_MAX_MS);
    }

    #[test]
    fn a_long_text_is_cut_between_two_characters() {
        let long = "ä".repeat(CALL_WHY_BYTES_MAX);
        assert!(cut(&long).len() <= CALL_WHY_BYTES_MAX);
        assert_eq!(cut("short"), "short");
    }
}
