//! Every bound of the domain.

use tidegate_engine::limits::{LETTER_BYTES_MAX, SHARDS_MAX};

/// Levels of a counter.
pub const LEVELS_MAX: usize = 6;

/// The narrowest bucket, in milliseconds.
pub const BUCKET_MS_MIN: u64 = 1_000;

/// Buckets of a level that are kept: hours of 29 years. `COUNTER.GET` reads all of the last level, 64 to a row.
pub const BUCKETS_MAX: u64 = 262_144;

/// The longest time of a level, in milliseconds: a hundred years.
pub const SPAN_MS_MAX: u64 = 100 * 365 * 86_400_000;

/// How long ids are remembered at least, in milliseconds.
pub const DEDUPE_MS_MIN: u64 = 1_000;

/// Shards of a counter.
pub const COUNTER_SHARDS_MAX: i64 = SHARDS_MAX as i64;

/// Keys of a list of the leading ones: with the longest keys those of all levels are half a record.
pub const TOP_MAX: i64 = 500;

/// Leading keys or values of an answer, if nobody says how many.
pub(crate) const TOP_COUNT: u64 = 10;

/// What one event may count.
pub const AMOUNT_MAX: i64 = 1_000_000_000;

/// How far ahead of now an event may be, in milliseconds: clocks of those who send are not all right.
pub const AHEAD_MS_MAX: u64 = 60_000;

/// How long ids are remembered, in milliseconds: seven days.
pub const DEDUPE_MS_MAX: u64 = 7 * 86_400_000;

/// Events of a batch: each takes six arguments of a request in RESP.
pub const BATCH_EVENTS_MAX: usize = 500;

/// Bytes that a batch may write in one shard: its rows are one record.
pub const WRITTEN_BYTES_MAX: usize = 512 * 1024;

/// Bytes of the events of one letter to the topic that keeps them; with its head it is a letter of the largest size.
pub const RAW_BYTES_MAX: usize = LETTER_BYTES_MAX - 1_024;

/// What a bucket may be corrected to: so much a million events a second count in thirty years.
pub const CORRECTED_MAX: i64 = 1_000_000_000_000_000;

/// Corrections that a shard keeps, the newest.
pub const CORRECTIONS_KEPT: u64 = 1_000;

/// Keys of a block among which it is looked for those that lead when one of them is corrected downwards.
pub const LOWERED_KEYS_MAX: u64 = 4_096;

/// Dimensions of a counter: each event counts for two more series for each of them.
pub const DIMS_MAX: usize = 4;

/// Values of a dimension that a shard counts.
pub const VALUES_MAX: i64 = 1_000;

/// Values that one answer names: those with the greatest totals.
pub const VALUES_NAMED: usize = 100;

/// Bytes of the dimensions of an event.
pub const DIMS_BYTES_MAX: usize = 1_024;

/// Steps of a range: a day has 1,440 minutes.
pub const STEPS_MAX: u64 = 1_500;

/// Steps of the ranges of several keys: numbers of one answer.
pub const NUMBERS_MAX: u64 = 20_000;

/// Late events that a shard keeps, the newest; all are counted.
pub const LATE_KEPT: u64 = 1_000;

/// Keys of a page of the directory of a block: with them a step of what goes writes as many rows.
pub const PAGE_KEYS: u64 = 32;

/// Ids of a page of those that are remembered.
pub const PAGE_IDS: u64 = 32;

/// Pages whose rows go in one step.
pub const STEP_PAGES: u64 = 8;

/// Blocks, generations or buckets of sketches of a counter that is dropped at which one step looks.
pub const STEP_LOOKS: u64 = 256;

/// How long what is dropped waits for what goes by itself already, in milliseconds.
pub const EMPTYING_WAITS_MS: u64 = 1_000;

/// Blocks of a key at which one step looks that moves what was counted before a fact was known: four rows of each.
pub const STEP_MOVES: u64 = 32;

/// Buckets of which the span of a list of leading keys is put together.
pub const TOP_BUCKETS_MAX: usize = 512;

/// The shortest half life of what is hot, in milliseconds: the narrowest bucket.
pub const HALF_LIFE_MS_MIN: u64 = BUCKET_MS_MIN;

/// Half lives after which what happened is not hot at all: it would count a thousandth.
pub const HALF_LIVES: u64 = 10;

/// How wide the buckets are at least in which different ones are counted, in milliseconds: an hour. Narrower ones would
/// have a sketch of each key for each minute.
pub const UNIQUE_MS_MIN: u64 = 3_600_000;

/// Keys of a page of the directory of sketches, whose rows go in one step: up to 65 of each.
pub const PAGE_SKETCHES: u64 = 8;

/// Keys of which it is asked in one call.
pub const KEYS_ASKED_MAX: usize = 100;

/// Topics that are sources of one counter: its row has all of them.
pub const SOURCES_MAX: usize = 16;

/// Messages of a source that are counted at once: as many as a group gives at once.
pub const SOURCE_IN_FLIGHT_MAX: i64 = 500;

/// Keys and series of all blocks of a span in a shard, at which one look for the leading keys of one value goes through
/// all of them: two rows of each are read at most.
pub const WITH_KEYS_MAX: u64 = 8_192;
