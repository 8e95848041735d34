//! `COUNTER.HOT`: what leads now, which all shards are asked for.

use crate::command::Hot;
use crate::refusal::{NO_TOP, UNKNOWN_COUNTER, UNKNOWN_DIMENSION};
use crate::reply::HotInfo;

asks_shards!(
    Hot,
    HotInfo,
    [UNKNOWN_COUNTER, NO_TOP, UNKNOWN_DIMENSION],
    Hot::clone
);
