//! A span as pieces, each of buckets of one level: those of the finest one that keeps all of the piece.

use std::ops::Range;

use serde_json::Value;
use tidegate_counter::limits::{TOP_BUCKETS_MAX, UNIQUE_MS_MIN};

use super::server::{RecountError, list, number};

/// Buckets of one level, from one that begins to one that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) width_ms: u64,
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
}

impl Piece {
    /// When the bucket begins that has this moment, if it is one of these.
    pub(super) fn bucket_ms(&self, at_ms: u64) -> Option<u64> {
        let is_within = (self.from_ms..self.to_ms).contains(&at_ms);
        is_within.then_some(at_ms / self.width_ms * self.width_ms)
    }
}

/// The levels of a counter: how wide buckets are, and how long they are kept.
pub(super) fn levels_of(counter: &Value) -> Result<Vec<(u64, u64)>, RecountError> {
    let levels = list(counter, "levels")?.iter();
    let level = |level| Ok((number(level, "width_ms")?, number(level, "keep_ms")?));
    levels.map(level).collect()
}

/// The pieces of a span, as far as it is kept at this time. A bucket goes before the next finer one is looked at, so a
/// moment of slack is left: none goes meanwhile.
pub(super) fn pieces(
    levels: &[(u64, u64)],
    (from_ms, to_ms): (u64, u64),
    now_ms: u64,
) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut end_ms = to_ms;
    for (at, (width_ms, keep_ms)) in levels.iter().enumerate() {
        let kept_ms = now_ms.saturating_sub(*keep_ms).saturating_add(SLACK_MS);
        let wider_ms = levels
            .get(at + 1)
            .map_or(*width_ms, |(wider_ms, _)| *wider_ms);
        let begins_ms = kept_ms.max(from_ms).div_ceil(wider_ms) * wider_ms;
        let begins_ms = if kept_ms <= from_ms {
            from_ms / width_ms * width_ms
        } else {
            begins_ms
        };
        let ends_ms = end_ms.div_ceil(*width_ms) * width_ms;
        if begins_ms < ends_ms {
            pieces.push(Piece {
                width_ms: *width_ms,
                from_ms: begins_ms,
                to_ms: ends_ms,
            });
            end_ms = begins_ms;
        }
        if begins_ms <= from_ms {
            break;
        }
    }
    pieces
}

/// The span of whole buckets in which different ones are counted, of the narrowest that are; the last one may have begun. If it
/// is more than one answer is put together of it is the end of that.
pub(super) fn unique_span(
    levels: &[(u64, u64)],
    (from_ms, to_ms): (u64, Option<u64>),
    now_ms: u64,
) -> Option<Range<u64>> {
    let is_wide = |(width_ms, _): &(u64, u64)| *width_ms >= UNIQUE_MS_MIN;
    let narrowest = levels.iter().position(is_wide);
    let narrowest = narrowest.unwrap_or(levels.len().checked_sub(1)?);
    let (width_ms, keep_ms) = levels[narrowest];
    let kept_ms = now_ms.saturating_sub(keep_ms).saturating_add(SLACK_MS);
    let begins_ms = kept_ms.max(from_ms).div_ceil(width_ms) * width_ms;
    let ends_ms = match to_ms {
        Some(to_ms) if to_ms < now_ms => to_ms / width_ms * width_ms,
        Some(_) | None => now_ms.div_ceil(width_ms) * width_ms,
    };
    let long_ms = ends_ms.saturating_sub(begins_ms);
    let buckets = match levels.get(narrowest + 1) {
        Some((wider_ms, _)) => 2 * (wider_ms / width_ms) + long_ms / wider_ms,
        None => long_ms / width_ms,
    };
    let most = TOP_BUCKETS_MAX as u64;
    let begins_ms = if buckets > most {
        ends_ms - most * width_ms
    } else {
        begins_ms
    };
    (begins_ms < ends_ms).then_some(begins_ms..ends_ms)
}

/// How long a recount may take until what it compares is not kept any more.
const SLACK_MS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [(u64, u64); 2] = [(1_000, 100_000), (60_000, 3_600_000)];

    fn piece(width_ms: u64, from_ms: u64, to_ms: u64) -> Piece {
        Piece {
            width_ms,
            from_ms,
            to_ms,
        }
    }

    #[test]
    fn span_is_of_the_finest_level_as_far_as_that_is_kept_and_of_the_next_one_before() {
        let now_ms = 10_000_000;
        let pieces_of = |from_ms, to_ms| pieces(&LEVELS, (from_ms, to_ms), now_ms);
        // The finest one is kept from 9,900,000 on; with the slack a minute begins at 9,960,000.
        assert_eq!(
            pieces_of(9_970_500, 9_980_500),
            [piece(1_000, 9_970_000, 9_981_000)]
        );
        assert_eq!(
            pieces_of(9_800_000, 9_980_500),
            [
                piece(1_000, 9_960_000, 9_981_000),
                piece(60_000, 9_780_000, 9_960_000)
            ]
        );
        assert_eq!(
            pieces_of(0, now_ms),
            [
                piece(1_000, 9_960_000, 10_000_000),
                piece(60_000, 6_480_000, 9_960_000)
            ]
        );
        assert_eq!(pieces_of(0, 1), []);
    }

    #[test]
    fn bucket_of_a_moment_is_one_of_the_piece_or_none() {
        let piece = piece(60_000, 60_000, 180_000);
        assert_eq!(piece.bucket_ms(60_000), Some(60_000));
        assert_eq!(piece.bucket_ms(179_999), Some(120_000));
        assert_eq!(piece.bucket_ms(180_000), None);
        assert_eq!(piece.bucket_ms(59_999), None);
    }

    #[test]
    fn different_ones_are_compared_in_whole_buckets_of_the_narrowest_level_that_has_them() {
        const HOUR_MS: u64 = 3_600_000;
        let levels = [
            (60_000, HOUR_MS),
            (HOUR_MS, 10 * HOUR_MS),
            (24 * HOUR_MS, 1_000 * HOUR_MS),
        ];
        let now_ms = 100 * HOUR_MS + 5;
        let span = |from_ms, to_ms| unique_span(&levels, (from_ms, to_ms), now_ms);
        assert_eq!(span(0, None), Some(91 * HOUR_MS..101 * HOUR_MS));
        let from_ms = 95 * HOUR_MS + 1;
        assert_eq!(span(from_ms, None), Some(96 * HOUR_MS..101 * HOUR_MS));
        let to_ms = Some(98 * HOUR_MS + 7);
        assert_eq!(span(from_ms, to_ms), Some(96 * HOUR_MS..98 * HOUR_MS));
        assert_eq!(span(98 * HOUR_MS, to_ms), None);
        // Where no level is so wide it is the last one.
        let span = unique_span(&LEVELS, (0, None), 10_000_000);
        assert_eq!(span, Some(6_480_000..10_020_000));
        let minutes = [(60_000, 1_000 * HOUR_MS)];
        let span = unique_span(&minutes, (0, None), 900 * HOUR_MS);
        assert_eq!(span, Some(900 * HOUR_MS - 512 * 60_000..900 * HOUR_MS));
    }
}
