//! Counters: events counted by key and by time, exactly, and answered for any span.
//!
//! A counter has *levels*: buckets of one width, kept for a time. An event counts for a key, in the bucket of each level
//! in which it happened. Keys are spread over *shards*, each in a slot of its own. Whatever is told beside counts of keys
//! (totals, leading keys) is written by the transaction that counts. It is not a log: what an event said beside its key,
//! amount and time is not kept.
//!
//! Laws, checked by [`audit`] from the rows themselves:
//! 1. Every row lies in the slot of its shard, and every shard has what the counter was declared with, or a letter that
//!    tells it is on its way.
//! 2. Of each block, what is counted of its keys adds up to what is counted of all, bucket by bucket.
//! 3. The directory of a block has each key that has a row in it once, and no other.
//! 4. Of each bucket of a level whose narrower ones are all kept, what they count adds up to what it counts, for each key.
//! 5. A bucket's leading keys have counts in it, and none twice; until they are as many as the counter keeps they are
//!    all keys that have; then no other key has a greater count than its least, and none of them a smaller one. What
//!    stands beside each as what it had is no more than what it has.
//! 6. A block has its timer until its rows are gone, and goes only when none of its buckets is kept.
//! 7. An id that is remembered stands in the pages of its generation once, and the generation has its timer.
//! 8. Of each dimension and value, what is counted of keys adds up to what is counted of all, and the value is listed; no
//!    more are than the counter allows.
//! 9. Late events are numbered without gaps, and the newest are kept.
//! 10. The directory of the sketches of a bucket has each key that has one once, and the sketch of all keys is the union
//!     of the others.
//! 11. The sketches of a bucket have their timer until they are gone.
//! 12. What is counted for the values of a dimension of facts, that of what is not known yet included, adds up to what is
//!     counted of the key, and of all keys, bucket by bucket.
//! 13. The directory of facts has each key of which something is known once. What is being moved has its timer.
//! 14. All shards of a counter that is dropped know it, or a letter that tells them is on its way. One that knows it has
//!     the timer by which its rows go, or no row but the counter itself.
//! 15. Each shard of a counter whose events a topic keeps says how many it has sent there, in how many letters: in as
//!     many as are on their way at least, and none of them without an event. No other one does.
//! 16. Corrections are numbered without gaps, and the newest are kept; each has changed something.
//! 17. Sources stand with the first shard of a counter that is not dropped: in the order of their topics, each once, no
//!     more than there may be, and none is the topic that keeps what the counter counts.
//!
//! Start reading at `command.rs`, then `record.rs` and `ledger.rs`.

mod apply;
mod audit;
mod blocks;
mod command;
mod counts;
mod emptying;
mod facts;
mod fields;
mod leaders;
mod ledger;
mod levels;
pub mod limits;
mod lower;
mod once;
mod raw;
mod record;
mod refusal;
mod reply;
mod scan;
mod series;
mod sketches;
mod span;
mod surface;
mod table;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod uniques;
mod zone;

pub use audit::audit;
pub use command::{
    Add, AddAll, AuditList, Correct, Create, DropCounter, DropSource, Entry, Fact, Facts, Get,
    GetAll, Hot, Late, List, OneKey, Range, RangeAll, Raw, SetSource, SourceList, Top, Unique,
    UniqueAll,
};
pub use fields::{DimNames, DimValue, Dims, Durability, LatePlace, YesNo};
pub use levels::Levels;
pub use refusal::Refusal;
pub use reply::{
    BatchReceipt, CorrectReceipt, CorrectionInfo, CountInfo, CounterInfo, CountsInfo, DropReceipt,
    DropSourceReceipt, EventReceipt, FactInfo, FactsInfo, HotInfo, KeyCount, KeyScore, LateInfo,
    LevelInfo, RangeInfo, RangesInfo, RawInfo, RawShard, RefusedEvent, RowsInfo, SourceInfo,
    SourceReceipt, SourcesInfo, TopInfo, UniqueInfo, UniquesInfo, ValueCount, ValueCounts,
    ValueScore,
};
pub use surface::COUNTER;
pub use text::Duration;
pub use zone::Zone;
