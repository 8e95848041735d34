//! Queries that read many rows, on a snapshot: lists, and what all shards of a counter have together.

mod all;
mod by;
mod corrections;
mod each;
mod hot;
mod late;
mod leading;
mod list;
mod listed;
mod of_shards;
mod raw;
mod sources;
mod top;
mod unique;
mod with;

pub(crate) use by::RangeBy;
pub(crate) use each::Each;
pub(crate) use of_shards::of_all_shards;

use tidegate_engine::contract::Limit;

/// Most items of a page.
fn most(limit: Limit) -> usize {
    usize::try_from(limit.get()).unwrap_or(usize::MAX)
}
