//! `COUNTER.UNIQUE`: how many different ones came, which the shards of the keys are asked for.

use crate::command::Unique;
use crate::refusal::{EMPTY_SPAN, NO_UNIQUE, TOO_MANY_BUCKETS, UNKNOWN_COUNTER};
use crate::reply::UniqueInfo;

asks_shards!(
    Unique,
    UniqueInfo,
    [UNKNOWN_COUNTER, NO_UNIQUE, EMPTY_SPAN, TOO_MANY_BUCKETS],
    Unique::clone
);
