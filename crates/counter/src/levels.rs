//! Levels: how wide the buckets of a counter are, and how long each width is kept.

use compact_str::{CompactString, format_compact};
use minicbor::{Decode, Encode};
use tidegate_engine::contract::{FieldKind, FieldType, Hasher, InvalidKind, Name, Raw};

use crate::limits::{BUCKET_MS_MIN, BUCKETS_MAX, LEVELS_MAX};
use crate::text::{DAY_MS, MINUTE_MS, YEAR_MS, duration_ms};

/// Buckets of one level that lie in one row.
pub(crate) const BLOCK_BUCKETS: u64 = 64;

/// Buckets of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Level {
    #[n(0)]
    pub(crate) width_ms: u64,
    /// How long a bucket is kept after its end.
    #[n(1)]
    pub(crate) keep_ms: u64,
}

/// A bucket of a level: its number is its beginning divided by its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bucket(pub(crate) u64);

impl Bucket {
    /// The row in which it lies.
    pub(crate) fn block(self) -> u64 {
        self.0 / BLOCK_BUCKETS
    }

    /// Its place in that row.
    pub(crate) fn place(self) -> usize {
        usize::try_from(self.0 % BLOCK_BUCKETS).expect("because it is less than 64")
    }
}

impl Level {
    /// The bucket of a moment.
    pub(crate) fn bucket(self, at_ms: u64) -> Bucket {
        Bucket(at_ms / self.width_ms)
    }

    /// When a bucket begins.
    pub(crate) fn begins_ms(self, bucket: Bucket) -> u64 {
        bucket.0 * self.width_ms
    }

    /// The first bucket that is kept: less time than it is kept has passed since its end.
    pub(crate) fn first_kept(self, now_ms: u64) -> Bucket {
        self.bucket(now_ms.saturating_sub(self.keep_ms))
    }

    /// When a bucket is not kept any more.
    pub(crate) fn gone_ms(self, bucket: Bucket) -> u64 {
        (bucket.0 + 1) * self.width_ms + self.keep_ms
    }

    /// When no bucket of a block is kept any more.
    pub(crate) fn block_gone_ms(self, block: u64) -> u64 {
        (block + 1) * BLOCK_BUCKETS * self.width_ms + self.keep_ms
    }
}

/// The levels of a counter, the finest first: `60000:2d,3600000:90d,86400000:5y`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels(Vec<Level>);

impl Levels {
    pub(crate) fn into_inner(self) -> Vec<Level> {
        self.0
    }
}

/// Minutes for two days, hours for 90, days for five years.
const USUAL: [Level; 3] = [
    Level {
        width_ms: MINUTE_MS,
        keep_ms: 2 * DAY_MS,
    },
    Level {
        width_ms: 60 * MINUTE_MS,
        keep_ms: 90 * DAY_MS,
    },
    Level {
        width_ms: DAY_MS,
        keep_ms: 5 * YEAR_MS,
    },
];

impl Default for Levels {
    fn default() -> Self {
        Self(USUAL.into())
    }
}

type Wrong = (InvalidKind, String);

fn unreadable() -> Wrong {
    let message =
        "must be levels as `60000:2d,3600000:90d`: the width of a bucket, and how long it is kept";
    (InvalidKind::Unreadable, message.to_owned())
}

fn out_of_range(message: impl Into<String>) -> Wrong {
    (InvalidKind::OutOfRange, message.into())
}

impl Levels {
    fn parse(text: &str) -> Result<Self, Wrong> {
        let level = |text: &str| {
            let (width, keep) = text.split_once(':')?;
            let (width_ms, keep_ms) = (duration_ms(width)?, duration_ms(keep)?);
            Some(Level { width_ms, keep_ms })
        };
        let levels: Option<Vec<Level>> = text.split(',').map(level).collect();
        let levels = levels.ok_or_else(unreadable)?;
        if levels.len() > LEVELS_MAX {
            let message = format!("must be at most {LEVELS_MAX} levels, not {}", levels.len());
            return Err(out_of_range(message));
        }
        check_each(&levels)?;
        check_pairs(&levels)?;
        Ok(Self(levels))
    }

    fn text(&self) -> CompactString {
        text_of(&self.0)
    }
}

/// Levels as they are written.
pub(crate) fn text_of(levels: &[Level]) -> CompactString {
    let mut text = CompactString::default();
    for Level { width_ms, keep_ms } in levels {
        let comma = if text.is_empty() { "" } else { "," };
        text.push_str(&format_compact!("{comma}{width_ms}:{keep_ms}"));
    }
    text
}

fn check_each(levels: &[Level]) -> Result<(), Wrong> {
    for Level { width_ms, keep_ms } in levels {
        if *width_ms < BUCKET_MS_MIN {
            let message = format!("must have buckets of {BUCKET_MS_MIN} ms at least");
            return Err(out_of_range(message));
        }
        let buckets = keep_ms / width_ms;
        if !(1..=BUCKETS_MAX).contains(&buckets) {
            let message = format!("must keep 1 to {BUCKETS_MAX} buckets of a level, not {buckets}");
            return Err(out_of_range(message));
        }
    }
    Ok(())
}

fn check_pairs(levels: &[Level]) -> Result<(), Wrong> {
    for two in levels.windows(2) {
        let (fine, wide) = (two[0], two[1]);
        if wide.width_ms <= fine.width_ms || !wide.width_ms.is_multiple_of(fine.width_ms) {
            let message = "must have buckets each a multiple of those of the level before";
            return Err(out_of_range(message));
        }
        if wide.keep_ms < fine.keep_ms {
            let message = "must keep each level as long as the one before at least";
            return Err(out_of_range(message));
        }
    }
    Ok(())
}

impl FieldType for Levels {
    const KIND: FieldKind = FieldKind::Name;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        Self::parse(Name::read(raw)?.as_str())
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(self.text().as_bytes());
        hasher.update(b";");
    }

    fn heap_bytes(&self) -> usize {
        self.0.len() * size_of::<Level>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_with_units_and_without() {
        let levels = Levels::parse("60000:2d,1h:90d,1d:5y").unwrap();
        assert_eq!(levels, Levels::default());
        let written = "60000:172800000,3600000:7776000000,86400000:157680000000";
        assert_eq!(levels.text(), written);
        assert_eq!(Levels::parse(&levels.text()), Ok(levels));
    }

    #[test]
    fn levels_that_cannot_be_are_refused_with_what_would_be_right() {
        let many = "1000:1h,2s:1h,4s:1h,8s:1h,16s:1h,32s:1h,64s:1h";
        for (text, told) in [
            ("", "must be levels as"),
            ("60000", "must be levels as"),
            ("60000:2x", "must be levels as"),
            ("60000:2d,", "must be levels as"),
            ("60000:99999999999999999999d", "must be levels as"),
            ("60000:9000000y", "must be levels as"),
            (many, "at most 6 levels, not 7"),
            ("999:1h", "buckets of 1000 ms at least"),
            ("1h:1m", "1 to 262144 buckets of a level, not 0"),
            ("1s:10d", "1 to 262144 buckets of a level, not 864000"),
            ("1h:1d,90m:1d", "a multiple"),
            ("1h:1d,1h:1d", "a multiple"),
            ("1h:2d,2h:1d", "as long as the one before"),
        ] {
            let (_, message) = Levels::parse(text).expect_err(text);
            assert!(message.contains(told), "{text}: {message}");
        }
    }

    #[test]
    fn bucket_is_kept_until_its_time_after_its_end_is_over() {
        let level = Level {
            width_ms: 1_000,
            keep_ms: 10_000,
        };
        assert_eq!(level.first_kept(5_000), Bucket(0));
        assert_eq!(level.first_kept(10_999), Bucket(0));
        assert_eq!(level.first_kept(11_000), Bucket(1));
        assert_eq!(level.block_gone_ms(0), 64_000 + 10_000);
        let last = Bucket(63);
        assert_eq!((last.block(), last.place()), (0, 63));
        assert!(level.first_kept(level.block_gone_ms(0) - 1) <= last);
        assert!(level.first_kept(level.block_gone_ms(0)) > last);
    }
}
