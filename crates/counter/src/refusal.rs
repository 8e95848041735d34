//! Every "no" of the domain.

use tidegate_engine::contract::{RefusalDef, Refuse, Status, Writer};

use crate::limits::{
    AHEAD_MS_MAX, LOWERED_KEYS_MAX, SOURCES_MAX, TOP_BUCKETS_MAX, WRITTEN_BYTES_MAX,
};

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Events could be counted in buckets that are not kept.
    LateTooLong {
        /// How late they may be at most.
        max_ms: u64,
    },
    /// It was declared otherwise.
    CounterDiffers,
    /// A counter of this name was dropped that had another number of shards.
    ShardsDiffer {
        /// How many.
        shards: u16,
    },
    /// Too many keys are split, of all structures together.
    TooManySplit,
    /// No such counter.
    UnknownCounter,
    /// `*` is all keys.
    KeyReserved,
    /// The counter has no such dimension.
    UnknownDimension,
    /// It is a fact about the key, of which an event says nothing.
    DimensionOfFacts,
    /// `?` is the value of what is not known.
    ValueReserved,
    /// The id was used for something else.
    IdConflict,
    /// A batch is too much at once.
    TooLarge {
        /// Bytes that its rows take in one shard.
        bytes: u64,
    },
    /// It is to happen in the future.
    TooFarAhead,
    /// No level keeps the bucket any more.
    NotKept,
    /// What the values of its facts have adds up to what a key has, and would not any more.
    HasFacts,
    /// A bucket has not what the correction says that it has.
    CountChanged {
        /// What it has.
        count: u64,
    },
    /// The block has too many keys to find out which lead without the one that is corrected.
    TooManyKeys {
        /// How many.
        keys: u64,
    },
    /// The end is not behind the beginning.
    EmptySpan,
    /// No level has buckets of which a step is a multiple.
    WrongStep,
    /// The answer would have too many numbers.
    TooManySteps {
        /// How many.
        steps: u64,
        /// Of how many at most.
        max: u64,
    },
    /// The counter keeps no leading keys, or not so many.
    NoTop {
        /// How many it keeps.
        max: u64,
    },
    /// Values are asked for, among events of one value.
    ByAndWith,
    /// The counter has no sketches.
    NoUnique,
    /// No topic keeps the events of the counter.
    NoRaw,
    /// The topic keeps what the counter counts.
    SourceIsRaw,
    /// The counter has as many sources as it may.
    TooManySources,
    /// The span cannot be put together of few buckets.
    TooManyBuckets,
}

const fn def(code: &'static str, status: Status, doc: &'static str) -> RefusalDef {
    RefusalDef { code, status, doc }
}

pub(crate) const LATE_TOO_LONG: RefusalDef = def(
    "late_too_long",
    Status::OutOfRange,
    "Events may be late by `max_ms` at most, the time for which buckets of the last level are kept.",
);
pub(crate) const COUNTER_DIFFERS: RefusalDef = def(
    "counter_differs",
    Status::Conflict,
    "The counter was declared otherwise, which is for ever: declare another one.",
);
pub(crate) const SHARDS_DIFFER: RefusalDef = def(
    "shards_differ",
    Status::Conflict,
    "A counter of this name was dropped that had `shards` shards, and they stay as many: declare it with these.",
);
pub(crate) const TOO_MANY_SPLIT: RefusalDef = def(
    "too_many_split",
    Status::Conflict,
    "As many keys of all structures are split as may be: declare the counter with one shard.",
);
pub(crate) const UNKNOWN_COUNTER: RefusalDef = def(
    "unknown_counter",
    Status::NotFound,
    "No such counter: declare it first.",
);
pub(crate) const KEY_RESERVED: RefusalDef = def(
    "key_reserved",
    Status::OutOfRange,
    "`*` stands for all keys together, so nothing is counted for it: choose another key.",
);
pub(crate) const ID_CONFLICT: RefusalDef = def(
    "id_conflict",
    Status::Conflict,
    "The id was used for another event of the same key: choose another.",
);
pub(crate) const UNKNOWN_DIMENSION: RefusalDef = def(
    "unknown_dimension",
    Status::OutOfRange,
    "The counter has no such dimension, or none that is a fact where one is meant: leave it out, or declare a counter that has it.",
);
pub(crate) const DIMENSION_OF_FACTS: RefusalDef = def(
    "dimension_of_facts",
    Status::OutOfRange,
    "The dimension is a fact about the key: leave it out, and tell it by COUNTER.FACT.",
);
pub(crate) const VALUE_RESERVED: RefusalDef = def(
    "value_reserved",
    Status::OutOfRange,
    "`?` is the value for which events count while no fact is known: choose another value.",
);
pub(crate) const TOO_LARGE: RefusalDef = def(
    "too_large",
    Status::OutOfRange,
    "The rows of the events take `bytes` of at most `max` in one shard: send fewer at once.",
);
pub(crate) const TOO_FAR_AHEAD: RefusalDef = def(
    "too_far_ahead",
    Status::OutOfRange,
    "The event is more than `max_ms` ahead of now: set the clock of who sends it.",
);
pub(crate) const NOT_KEPT: RefusalDef = def(
    "not_kept",
    Status::OutOfRange,
    "No level keeps the bucket any more: what was counted then is not known.",
);
pub(crate) const HAS_FACTS: RefusalDef = def(
    "has_facts",
    Status::OutOfRange,
    "A counter with facts cannot be corrected: what their values have adds up to what a key has.",
);
pub(crate) const COUNT_CHANGED: RefusalDef = def(
    "count_changed",
    Status::Conflict,
    "The bucket, or one of a wider level that has it, has `count`: correct from that, if it is wrong.",
);
pub(crate) const TOO_MANY_KEYS: RefusalDef = def(
    "too_many_keys",
    Status::Conflict,
    "The block has `keys` keys, and a key that leads there, or has nothing left, can be corrected downwards among `max` at most.",
);
pub(crate) const EMPTY_SPAN: RefusalDef = def(
    "empty_span",
    Status::OutOfRange,
    "`to_ms` must be behind `from_ms`.",
);
pub(crate) const WRONG_STEP: RefusalDef = def(
    "wrong_step",
    Status::OutOfRange,
    "`step_ms` must be a multiple of the width of buckets of some level.",
);
pub(crate) const TOO_MANY_STEPS: RefusalDef = def(
    "too_many_steps",
    Status::OutOfRange,
    "The span has `steps` of at most `max` steps, those of all keys together: ask for wider ones, or for less.",
);
pub(crate) const NO_TOP: RefusalDef = def(
    "no_top",
    Status::OutOfRange,
    "The counter keeps `max` leading keys of a bucket: ask for no more, or declare one that keeps more.",
);
pub(crate) const BY_AND_WITH: RefusalDef = def(
    "by_and_with",
    Status::OutOfRange,
    "How often values of two dimensions come together is not counted: ask for `by` or for `with`.",
);
pub(crate) const NO_UNIQUE: RefusalDef = def(
    "no_unique",
    Status::OutOfRange,
    "The counter does not count how many different ones events are by: declare one with UNIQUE yes.",
);
pub(crate) const NO_RAW: RefusalDef = def(
    "no_raw",
    Status::OutOfRange,
    "No topic keeps the events of the counter: declare one with RAW.",
);
pub(crate) const SOURCE_IS_RAW: RefusalDef = def(
    "source_is_raw",
    Status::OutOfRange,
    "The topic keeps what the counter counts, which would be counted again and again: name another one.",
);
pub(crate) const TOO_MANY_SOURCES: RefusalDef = def(
    "too_many_sources",
    Status::Conflict,
    "The counter has `max` sources already: take one away by COUNTER.UNSOURCE, or declare another counter.",
);
pub(crate) const TOO_MANY_BUCKETS: RefusalDef = def(
    "too_many_buckets",
    Status::OutOfRange,
    "The span cannot be put together of `max` buckets: let it begin and end where wider ones do.",
);

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::LateTooLong { .. } => &LATE_TOO_LONG,
            Self::CounterDiffers => &COUNTER_DIFFERS,
            Self::ShardsDiffer { .. } => &SHARDS_DIFFER,
            Self::TooManySplit => &TOO_MANY_SPLIT,
            Self::UnknownCounter => &UNKNOWN_COUNTER,
            Self::KeyReserved => &KEY_RESERVED,
            Self::IdConflict => &ID_CONFLICT,
            Self::UnknownDimension => &UNKNOWN_DIMENSION,
            Self::DimensionOfFacts => &DIMENSION_OF_FACTS,
            Self::ValueReserved => &VALUE_RESERVED,
            Self::TooLarge { .. } => &TOO_LARGE,
            Self::TooFarAhead => &TOO_FAR_AHEAD,
            Self::NotKept => &NOT_KEPT,
            Self::HasFacts => &HAS_FACTS,
            Self::CountChanged { .. } => &COUNT_CHANGED,
            Self::TooManyKeys { .. } => &TOO_MANY_KEYS,
            Self::EmptySpan => &EMPTY_SPAN,
            Self::WrongStep => &WRONG_STEP,
            Self::TooManySteps { .. } => &TOO_MANY_STEPS,
            Self::NoTop { .. } => &NO_TOP,
            Self::ByAndWith => &BY_AND_WITH,
            Self::NoUnique => &NO_UNIQUE,
            Self::NoRaw => &NO_RAW,
            Self::SourceIsRaw => &SOURCE_IS_RAW,
            Self::TooManySources => &TOO_MANY_SOURCES,
            Self::TooManyBuckets => &TOO_MANY_BUCKETS,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        match self {
            Self::LateTooLong { max_ms } => number(out, "max_ms", *max_ms),
            Self::ShardsDiffer { shards } => number(out, "shards", u64::from(*shards)),
            Self::TooFarAhead => number(out, "max_ms", AHEAD_MS_MAX),
            Self::TooLarge { bytes } => {
                number(out, "bytes", *bytes);
                number(out, "max", WRITTEN_BYTES_MAX as u64);
            }
            Self::TooManySteps { steps, max } => {
                number(out, "steps", *steps);
                number(out, "max", *max);
            }
            Self::NoTop { max } => number(out, "max", *max),
            Self::TooManyBuckets => number(out, "max", TOP_BUCKETS_MAX as u64),
            Self::TooManySources => number(out, "max", SOURCES_MAX as u64),
            Self::CountChanged { count } => number(out, "count", *count),
            Self::TooManyKeys { keys } => {
                number(out, "keys", *keys);
                number(out, "max", LOWERED_KEYS_MAX);
            }
            Self::CounterDiffers
            | Self::TooManySplit
            | Self::UnknownCounter
            | Self::KeyReserved
            | Self::UnknownDimension
            | Self::DimensionOfFacts
            | Self::ValueReserved
            | Self::IdConflict
            | Self::NotKept
            | Self::HasFacts
            | Self::EmptySpan
            | Self::ByAndWith
            | Self::NoUnique
            | Self::NoRaw
            | Self::SourceIsRaw
            | Self::WrongStep => {}
        }
    }
}

fn number(out: &mut dyn Writer, name: &str, value: u64) {
    out.name(name);
    out.integer(i64::try_from(value).unwrap_or(i64::MAX));
}
