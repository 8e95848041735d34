//! `COUNTER.TOP`: the leading keys of a span, which all shards are asked for.

use crate::command::Top;
use crate::refusal::{
    BY_AND_WITH, EMPTY_SPAN, NO_TOP, TOO_MANY_BUCKETS, UNKNOWN_COUNTER, UNKNOWN_DIMENSION,
};
use crate::reply::TopInfo;

asks_shards!(
    Top,
    TopInfo,
    [
        UNKNOWN_COUNTER,
        BY_AND_WITH,
        NO_TOP,
        UNKNOWN_DIMENSION,
        EMPTY_SPAN,
        TOO_MANY_BUCKETS
    ],
    Top::clone
);
