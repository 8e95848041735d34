//! `COUNTER.UNIQUEALL`: how many different ones came to some keys, to each for itself.

use tidegate_engine::Piece;

use crate::command::{Unique, UniqueAll};
use crate::refusal::{EMPTY_SPAN, NO_UNIQUE, TOO_MANY_BUCKETS, UNKNOWN_COUNTER};
use crate::reply::UniquesInfo;
use crate::scan::Each;

asks_shards!(
    UniqueAll,
    UniquesInfo,
    [UNKNOWN_COUNTER, NO_UNIQUE, EMPTY_SPAN, TOO_MANY_BUCKETS],
    UniqueAll::each
);

impl UniqueAll {
    /// The same, asked for one key after the other.
    fn each(&self) -> Each<Unique, UniquesInfo> {
        let mut nth = 0..;
        let lists = self.keys.clone().divide_all(|_| nth.next());
        let of = |list: Piece<_>| Unique {
            name: self.name.clone(),
            keys: list.what,
            from_ms: self.from_ms,
            to_ms: self.to_ms,
        };
        Each {
            asked: lists.into_values().map(of).collect(),
            check: |_, _, _| Ok(()),
            told: |items, as_of_ms| UniquesInfo { items, as_of_ms },
        }
    }
}
