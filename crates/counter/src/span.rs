//! Spans of time: of which buckets they are, and what those have.

use tidegate_engine::Reads;

use crate::blocks::KnownBlocks;
use crate::counts::Counts;
use crate::leaders::bucket_of;
use crate::levels::{BLOCK_BUCKETS, Bucket, Level};
use crate::limits::{AHEAD_MS_MAX, HALF_LIVES, STEPS_MAX, TOP_BUCKETS_MAX};
use crate::table::Counter;
use crate::text::DAY_MS;
use crate::{Range, Refusal};

/// A span in steps, each of some buckets of one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The number of the level.
    pub(crate) number: u8,
    pub(crate) level: Level,
    pub(crate) step_ms: u64,
    /// When its steps begin, and when the last one ends.
    edges_ms: Vec<u64>,
    pub(crate) kept_from_ms: u64,
    /// Those buckets of it that are kept, and may have something.
    first: Bucket,
    /// Behind the last of them.
    end: Bucket,
}

impl Span {
    /// The span that is asked for.
    pub(crate) fn asked(range: &Range, counter: &Counter, now_ms: u64) -> Result<Self, Refusal> {
        let (from_ms, to_ms) = (range.from_ms.get(), range.to_ms.get());
        if to_ms <= from_ms {
            return Err(Refusal::EmptySpan);
        }
        let step_ms = range.step_ms.map(|step_ms| step_ms.get());
        if let Some(zone) = &range.zone {
            let days = days_of(step_ms.unwrap_or(DAY_MS))?;
            let edges_ms = zone.days((from_ms, to_ms), days, too_many)?;
            let number = widest(counter, |width_ms| {
                edges_ms
                    .iter()
                    .all(|edge_ms| edge_ms.is_multiple_of(width_ms))
            })?;
            return Ok(Self::new(
                counter,
                number,
                (edges_ms, days * DAY_MS),
                now_ms,
            ));
        }
        let (number, step_ms) = match step_ms {
            Some(step_ms) => {
                let number = widest(counter, |width_ms| step_ms.is_multiple_of(width_ms))?;
                (number, step_ms)
            }
            None => {
                let number = finest(counter, (from_ms, to_ms), now_ms);
                (number, counter.levels[usize::from(number)].width_ms)
            }
        };
        let begins_ms = from_ms / step_ms * step_ms;
        let steps = (to_ms - begins_ms).div_ceil(step_ms);
        too_many(steps)?;
        let edges_ms = (0..=steps).map(|step| begins_ms + step * step_ms);
        Ok(Self::new(
            counter,
            number,
            (edges_ms.collect(), step_ms),
            now_ms,
        ))
    }

    /// All that is kept of the last level, as one step.
    pub(crate) fn whole(counter: &Counter, now_ms: u64) -> Self {
        let number = last(counter);
        let level = counter.levels[usize::from(number)];
        let from_ms = level.begins_ms(level.first_kept(now_ms));
        let to_ms = level.begins_ms(nothing_from(level, now_ms));
        let edges_ms = vec![from_ms, to_ms];
        Self::new(counter, number, (edges_ms, to_ms - from_ms), now_ms)
    }

    fn new(
        counter: &Counter,
        number: u8,
        (edges_ms, step_ms): (Vec<u64>, u64),
        now_ms: u64,
    ) -> Self {
        let level = counter.levels[usize::from(number)];
        let kept = level.first_kept(now_ms);
        let edge = |edge_ms: Option<&u64>| level.bucket(edge_ms.copied().unwrap_or_default());
        Self {
            number,
            level,
            step_ms,
            kept_from_ms: level.begins_ms(kept),
            first: edge(edges_ms.first()).max(kept),
            end: edge(edges_ms.last()).min(nothing_from(level, now_ms)),
            edges_ms,
        }
    }

    pub(crate) fn begin_ms(&self) -> u64 {
        self.edges_ms.first().copied().unwrap_or_default()
    }

    pub(crate) fn end_ms(&self) -> u64 {
        self.edges_ms.last().copied().unwrap_or_default()
    }

    /// How many steps it has.
    pub(crate) fn steps(&self) -> u64 {
        self.begins_ms().len() as u64
    }

    /// When its steps begin.
    pub(crate) fn begins_ms(&self) -> &[u64] {
        self.edges_ms
            .split_last()
            .map_or(&[], |(_, begins_ms)| begins_ms)
    }

    /// The blocks in which it lies.
    pub(crate) fn blocks(&self) -> std::ops::Range<u64> {
        if self.end <= self.first {
            return 0..0;
        }
        self.first.block()..(self.end.0 - 1) / BLOCK_BUCKETS + 1
    }

    /// Names the rows that a key has in it.
    pub(crate) fn reads(&self, reads: &mut Reads<'_>, (name, key): (&str, &str)) {
        let known = KnownBlocks::of(reads, (name, key));
        for block in self.blocks() {
            known.reads(reads, (self.number, self.level), block);
        }
    }

    /// What its steps have, by what its blocks have; nothing for one that begins before buckets are kept.
    pub(crate) fn counts<E>(
        &self,
        mut read: impl FnMut(u64) -> Result<Option<Counts>, E>,
    ) -> Result<Vec<Option<u64>>, E> {
        let begins_ms = self.begins_ms();
        let none = |begins_ms: &u64| (*begins_ms >= self.kept_from_ms).then_some(0);
        let mut counts: Vec<_> = begins_ms.iter().map(none).collect();
        for block in self.blocks() {
            let Some(row) = read(block)? else {
                continue;
            };
            for (place, count) in row.some() {
                let bucket = bucket_of(block, place);
                if (self.first..self.end).contains(&bucket) {
                    let at_ms = self.level.begins_ms(bucket);
                    let behind = begins_ms.partition_point(|begins_ms| *begins_ms <= at_ms);
                    let step = behind - 1; // The first bucket lies in the first step, or behind.
                    if let Some(Some(sum)) = counts.get_mut(step) {
                        *sum += count;
                    }
                }
            }
        }
        Ok(counts)
    }
}

/// The bucket from which on nothing can have been counted.
fn nothing_from(level: Level, now_ms: u64) -> Bucket {
    Bucket(level.bucket(now_ms + AHEAD_MS_MAX).0 + 1)
}

fn too_many(steps: u64) -> Result<(), Refusal> {
    if steps > STEPS_MAX {
        let max = STEPS_MAX;
        return Err(Refusal::TooManySteps { steps, max });
    }
    Ok(())
}

/// How many days a step has, in a time zone.
fn days_of(step_ms: u64) -> Result<u64, Refusal> {
    let is_days = step_ms.is_multiple_of(DAY_MS);
    is_days
        .then_some(step_ms / DAY_MS)
        .ok_or(Refusal::WrongStep)
}

/// The number of the level with the widest buckets that fit: it has the fewest rows, and is kept longest.
fn widest(counter: &Counter, fits: impl Fn(u64) -> bool) -> Result<u8, Refusal> {
    let levels = (0..).zip(&counter.levels);
    let fit = levels.filter(|(_, level)| fits(level.width_ms));
    let widest = fit.last().ok_or(Refusal::WrongStep)?;
    Ok(widest.0)
}

/// The number of the finest level that keeps all of a span and has few enough buckets for it, or of the last one.
fn finest(counter: &Counter, (from_ms, to_ms): (u64, u64), now_ms: u64) -> u8 {
    let fits = |level: &Level| {
        let begins = level.bucket(from_ms);
        let buckets = to_ms.div_ceil(level.width_ms) - begins.0;
        begins >= level.first_kept(now_ms) && buckets <= STEPS_MAX
    };
    let mut levels = (0..).zip(&counter.levels);
    let found = levels.find(|(_, level)| fits(level));
    found.map_or_else(|| last(counter), |(number, _)| number)
}

fn last(counter: &Counter) -> u8 {
    u8::try_from(counter.levels.len() - 1).expect("because there are few levels")
}

/// A bucket of a level, of which a span is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The number of the level.
    pub(crate) number: u8,
    pub(crate) bucket: Bucket,
}

/// The number of a thing that counts whole: weights are parts of it.
pub(crate) const WHOLE: u64 = 1 << 32;

/// The last buckets of the finest level, each with its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recent {
    pub(crate) half_life_ms: u64,
    pub(crate) level: Level,
    pub(crate) from_ms: u64,
    pub(crate) pieces: Vec<(Piece, u64)>,
}

impl Recent {
    /// Those that are not too old, and those ahead of now, which count whole as the present one does.
    pub(crate) fn of(counter: &Counter, half_life_ms: Option<u64>, now_ms: u64) -> Self {
        let level = counter.levels[0];
        let half_life_ms = half_life_ms.unwrap_or(5 * level.width_ms);
        let present = level.bucket(now_ms);
        let back = (HALF_LIVES * half_life_ms / level.width_ms).min(TOP_BUCKETS_MAX as u64 - 1);
        let first = Bucket(present.0.saturating_sub(back)).max(level.first_kept(now_ms));
        let pieces = (first.0..nothing_from(level, now_ms).0).map(|bucket| {
            let age_ms = present.0.saturating_sub(bucket) * level.width_ms;
            let (number, bucket) = (0, Bucket(bucket));
            (Piece { number, bucket }, weight(age_ms, half_life_ms))
        });
        Self {
            half_life_ms,
            level,
            from_ms: level.begins_ms(first),
            pieces: pieces.collect(),
        }
    }
}

/// What is left of a thing so old.
fn weight(age_ms: u64, half_life_ms: u64) -> u64 {
    let halved = -(age_ms as f64) / half_life_ms as f64;
    (halved.exp2() * WHOLE as f64) as u64
}

/// A span as few buckets, the widest that fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pieces {
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
    pub(crate) pieces: Vec<Piece>,
}

impl Pieces {
    /// Those of a span, which is taken to begin and end where buckets do of the finest of these levels that keeps all of
    /// it; what the last one does not keep is left out.
    pub(crate) fn of(
        levels: &[(u8, Level)],
        (from_ms, to_ms): (u64, u64),
        now_ms: u64,
    ) -> Result<Self, Refusal> {
        if to_ms <= from_ms {
            return Err(Refusal::EmptySpan);
        }
        let keeps = |level: &&Level| level.bucket(from_ms) >= level.first_kept(now_ms);
        let mut each = levels.iter().map(|(_, level)| level);
        let finest = each.find(keeps).or(levels.last().map(|(_, level)| level));
        let finest = finest.expect("because a counter has a level");
        let first = finest.bucket(from_ms).max(finest.first_kept(now_ms));
        let from_ms = finest.begins_ms(first);
        let end = Bucket(to_ms.div_ceil(finest.width_ms)).max(first);
        let to_ms = finest.begins_ms(end);
        let pieces = cover(levels, (from_ms, to_ms), now_ms + AHEAD_MS_MAX);
        if pieces.len() > TOP_BUCKETS_MAX {
            return Err(Refusal::TooManyBuckets);
        }
        Ok(Self {
            from_ms,
            to_ms,
            pieces,
        })
    }
}

/// The widest buckets that begin where the one before ends, and end within the span: those that may have something, or
/// one more than may be.
fn cover(levels: &[(u8, Level)], (from_ms, to_ms): (u64, u64), last_ms: u64) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at_ms = from_ms;
    while at_ms < to_ms && at_ms <= last_ms && pieces.len() <= TOP_BUCKETS_MAX {
        let fits =
            |level: &Level| at_ms.is_multiple_of(level.width_ms) && at_ms + level.width_ms <= to_ms;
        let widest = levels.iter().rfind(|(_, level)| fits(level));
        let (number, level) = *widest.expect("because it begins and ends where narrower ones do");
        pieces.push(Piece {
            number,
            bucket: level.bucket(at_ms),
        });
        at_ms += level.width_ms;
    }
    pieces
}

/// All levels of a counter, with their numbers.
pub(crate) fn all_levels(counter: &Counter) -> Vec<(u8, Level)> {
    (0..).zip(counter.levels.iter().copied()).collect()
}
