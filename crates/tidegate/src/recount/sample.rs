//! A few keys of a counter, counted again over its last minutes: what a server does beside everything else.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::events::{AHEAD_MS, Events, Pace};
use super::said::{Counter, Said};
use super::server::{Ask, RecountError, number};
use super::span::Piece;
use super::tally::{ALL, Sample, Sums, Tally};

/// Keys of a sample, beside all together.
const KEYS: usize = 16;

/// Buckets of a sample, the last ones that are over.
const BUCKETS: u64 = 5;

/// The longest span of a sample, unless a bucket is wider.
const SPAN_MS_MAX: u64 = 60_000;

/// Pages of messages that are read for a sample, of a MiB each at most.
const PAGES_MAX: usize = 64;

/// How long it is rested behind each page: others have the disk and the processor meanwhile.
const REST: Duration = Duration::from_millis(50);

/// How often what differs is looked at again, and when: what is on its way to the topic comes within moments.
const LOOKS: usize = 5;
const LOOK: Duration = Duration::from_secs(1);

/// What has come of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampled {
    /// So many buckets of keys were compared, and differ by so much together.
    Compared { buckets: u64, difference: u64 },
    /// More has come in its span than is read at once, or not all of it is kept.
    Skipped,
}

/// Compares a sample of a counter, as [`super::compare`] does all of it.
pub(crate) async fn sample(
    ask: &impl Ask,
    info: &Value,
    seed: u64,
) -> Result<Sampled, RecountError> {
    let counter = Counter::of(info)?;
    let given = [("name", json!(counter.name))];
    let now_ms = number(&ask.told("COUNTER.RAW", &given).await?, "as_of_ms")?;
    let created_ms = number(info, "created_at_ms")?;
    let Some(piece) = last_piece(&counter.levels, (created_ms, now_ms)) else {
        return Ok(Sampled::Skipped);
    };
    let since_ms = piece.from_ms.saturating_sub(AHEAD_MS);
    let tally = Tally::of_sample(&[piece], Sample::new(seed, KEYS));
    let mut events = Events::new(ask, (&counter.name, &counter.topic), since_ms, tally);
    events.pace = Some(Pace {
        pages_left: PAGES_MAX,
        rest: REST,
    });
    match events.check_kept(piece.from_ms).await {
        Err(RecountError::Dropped(_)) => return Ok(Sampled::Skipped),
        kept => kept?,
    }
    for look in 1.. {
        if !events.read().await? {
            break;
        }
        let before = events.tally.sums.clone();
        let mut said = Said::default();
        let mut keys = events.tally.keys();
        keys.retain(|key| key != ALL); // It may be that no event names any.
        for key in keys.iter().map(String::as_str).chain([ALL]) {
            said.ask_count(ask, &counter, (key, &[piece])).await?;
        }
        if !events.read().await? {
            break;
        }
        let (buckets, difference) = compare(&said.counts, (&before, &events.tally.sums));
        if difference == 0 || look == LOOKS {
            return Ok(Sampled::Compared {
                buckets,
                difference,
            });
        }
        sleep(LOOK).await;
    }
    Ok(Sampled::Skipped)
}

/// The last buckets of the finest level that are over, of those that have begun since the counter was declared.
fn last_piece(levels: &[(u64, u64)], (created_ms, now_ms): (u64, u64)) -> Option<Piece> {
    let (width_ms, _) = *levels.first()?;
    let buckets = (SPAN_MS_MAX / width_ms).clamp(1, BUCKETS);
    let to_ms = now_ms / width_ms * width_ms;
    let first_ms = created_ms.div_ceil(width_ms) * width_ms;
    let from_ms = to_ms.saturating_sub(buckets * width_ms).max(first_ms);
    (from_ms < to_ms).then_some(Piece {
        width_ms,
        from_ms,
        to_ms,
    })
}

/// How many buckets have anything, and by how much those are off that are outside of what their events added up to before
/// and behind.
fn compare(said: &Sums, (before, behind): (&Sums, &Sums)) -> (u64, u64) {
    let (mut buckets, mut difference) = (0, 0);
    for (place, counted) in said {
        let of = |sums: &Sums| sums.get(place).copied().unwrap_or(0);
        let (least, most) = (of(before), of(behind));
        buckets += u64::from(most.max(*counted) > 0);
        difference += least.saturating_sub(*counted) + counted.saturating_sub(most);
    }
    (buckets, difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(count: u64) -> Sums {
        [(("k".to_owned(), String::new(), 7), count)].into()
    }

    #[test]
    fn count_between_what_events_added_up_to_is_no_difference() {
        for (counted, difference) in [(3, 1), (4, 0), (5, 0), (6, 0), (7, 1), (9, 3)] {
            let compared = compare(&sums(counted), (&sums(4), &sums(6)));
            assert_eq!(compared, (1, difference), "{counted}");
        }
        let nothing = compare(&sums(0), (&Sums::new(), &Sums::new()));
        assert_eq!(nothing, (0, 0));
    }

    #[test]
    fn span_is_of_the_last_buckets_that_are_over() {
        let span = |width_ms, now_ms| {
            let piece = last_piece(&[(width_ms, 1)], (4_500, now_ms))?;
            Some((piece.from_ms, piece.to_ms))
        };
        assert_eq!(span(1_000, 10_999), Some((5_000, 10_000)));
        assert_eq!(span(60_000, 130_000), Some((60_000, 120_000)));
        assert_eq!(span(3_600_000, 7_200_001), Some((3_600_000, 7_200_000)));
        assert_eq!(span(1_000, 7_000), Some((5_000, 7_000)));
        assert_eq!(span(1_000, 5_999), None);
    }
}
