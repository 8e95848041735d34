//! What the domain answers.

use compact_str::CompactString;
use tidegate_engine::contract::PageItem;
use tidegate_engine::{RowsRead, reply};

use crate::fields::LatePlace;
use crate::table::{Correction, Counter};

reply! {
    /// A counter as it was declared.
    pub struct CounterInfo {
        /// The counter.
        name: CompactString,
        /// Its levels: width of a bucket, and how long it is kept, in milliseconds.
        levels: Vec<LevelInfo>,
        /// Over so many slots its keys are spread.
        shards: u64,
        /// How many leading keys of each bucket each shard knows.
        top: u64,
        /// It counts how many different ones events are by.
        unique: bool,
        /// By how much an event may be late.
        late_ms: u64,
        /// How long ids are remembered.
        dedupe_ms: u64,
        /// Its dimensions.
        dims: Vec<CompactString>,
        /// Those of them that are facts about the key.
        facts: Vec<CompactString>,
        /// How many values of each a shard counts.
        values: u64,
        /// What answers to recordings wait for: synced, until what they recorded is durable; relaxed, not for that.
        class: &'static str,
        /// When it was declared.
        created_at_ms: u64,
        /// The topic that keeps the events that it counts.
        raw: Option<CompactString>,
    }
}

reply! {
    /// What has become of a counter that is dropped.
    pub struct DropReceipt {
        /// The counter.
        name: CompactString,
        /// dropped: it counts nothing any more, and its rows go.
        state: &'static str,
        /// It was dropped before.
        repeated: bool,
        /// By which time the server knows this.
        as_of_ms: u64,
    }
}

reply! {
    /// A level of a counter.
    pub struct LevelInfo {
        /// How wide its buckets are.
        width_ms: u64,
        /// How long each is kept after its end.
        keep_ms: u64,
    }
}

reply! {
    /// What has become of an event.
    pub struct EventReceipt {
        /// The counter.
        name: CompactString,
        /// The key.
        key: CompactString,
        /// counted, or late: listed and not counted.
        state: &'static str,
        /// The same event came before: nothing was done.
        repeated: bool,
        /// synced: it is durable; relaxed: a crash in the next second may lose it.
        class: &'static str,
        /// By which time the server knows this.
        as_of_ms: u64,
    }
}

reply! {
    /// What is known of a key.
    pub struct FactsInfo {
        /// The counter.
        name: CompactString,
        /// The key.
        key: CompactString,
        /// The facts.
        facts: Vec<FactInfo>,
        /// Told before: nothing has changed. Not so if it is only asked.
        repeated: bool,
        /// Some of what was counted while nothing was known is still to be moved.
        moving: bool,
        /// By which time the server knows this.
        as_of_ms: u64,
    }
}

reply! {
    /// A fact about a key.
    pub struct FactInfo {
        /// The dimension.
        dim: CompactString,
        /// Its value.
        value: CompactString,
    }
}

reply! {
    /// What has become of events.
    pub struct BatchReceipt {
        /// The counter.
        name: CompactString,
        /// Events that were counted.
        counted: u64,
        /// Events that had come before.
        repeated: u64,
        /// Events that were too late, and are listed.
        late: u64,
        /// Events that were refused.
        refused: Vec<RefusedEvent>,
        /// synced: it is durable; relaxed: a crash in the next second may lose it.
        class: &'static str,
        /// By which time the server knows this.
        as_of_ms: u64,
    }
}

reply! {
    /// An event of a batch that was refused.
    pub struct RefusedEvent {
        /// Which of the list, from 1 on.
        item: u64,
        /// Why, as a single event would have been.
        code: &'static str,
    }
}

reply! {
    /// What was counted.
    pub struct CountInfo {
        /// The counter.
        name: CompactString,
        /// The key, or `*`.
        key: CompactString,
        /// How much.
        count: u64,
        /// Only what happened from this time on is in it: what was before is not kept.
        kept_from_ms: u64,
        /// The count is exact.
        exact: bool,
        /// Of how many rows it was made.
        rows: RowsInfo,
        /// What came by this time is in it.
        as_of_ms: u64,
    }
}

reply! {
    /// What was counted of some keys.
    pub struct CountsInfo {
        /// Each key, in the order in which they were asked for.
        items: Vec<CountInfo>,
        /// What came by this time is in it.
        as_of_ms: u64,
    }
}

reply! {
    /// What was counted of some keys, in steps.
    pub struct RangesInfo {
        /// Each key, in the order in which they were asked for.
        items: Vec<RangeInfo>,
        /// What came by this time is in it.
        as_of_ms: u64,
    }
}

reply! {
    /// How many different ones came to some keys, to each for itself.
    pub struct UniquesInfo {
        /// Each key, in the order in which they were asked for.
        items: Vec<UniqueInfo>,
        /// What came by this time is in it.
        as_of_ms: u64,
    }
}

reply! {
    /// What was counted, in steps.
    pub struct RangeInfo {
        /// The counter.
        name: CompactString,
        /// The key, or `*`.
        key: CompactString,
        /// When the first step begins.
        from_ms: u64,
        /// When the last step ends.
        to_ms: u64,
        /// How long a step is; in a time zone, days of that.
        step_ms: u64,
        /// In a time zone, when each step begins.
        begins_ms: Option<Vec<u64>>,
        /// How wide the buckets are of which they are summed.
        level_ms: u64,
        /// Before this time buckets so wide are not kept.
        kept_from_ms: u64,
        /// A number for each step; null if it begins before that.
        counts: Vec<Option<u64>>,
        /// Their sum.
        total: u64,
        /// By values of the dimension that was asked for: those with the greatest totals, up to 100, and then all others.
        /// What an event counted that had no value is in none of them.
        values: Option<Vec<ValueCounts>>,
        /// The counts are exact.
        exact: bool,
        /// Of how many rows it was made.
        rows: RowsInfo,
        /// What came by this time is in it.
        as_of_ms: u64,
    }
}

reply! {
    /// What was counted for a value of a dimension.
    pub struct ValueCounts {
        /// The value; null for those that are beyond the limit of values, or of this list.
        value: Option<CompactString>,
        /// A number for each step.
        counts: Vec<Option<u64>>,
        /// Their sum.
        total: u64,
    }
}

reply! {
    /// The leading keys of a span, or the leading values of a dimension.
    pub struct TopInfo {
        /// The counter.
        name: CompactString,
        /// When the span begins.
        from_ms: u64,
        /// When it ends.
        to_ms: u64,
        /// The values of the dimension that was asked for, those with the greatest counts first.
        values: Option<Vec<ValueCount>>,
        /// The keys, those with the greatest counts first. The counts are exact. None if a dimension was asked for.
        keys: Vec<KeyCount>,
        /// Keys: no other one has more than the last of them; else it may have as much as `missed_at_most`. Values: these
        /// are their counts; else each may have `missed_at_most` more.
        exact: bool,
        /// What a key that leads in no bucket of the span may have in it at most, of the value if one was asked for; what is
        /// counted of values that are beyond the limit of values.
        missed_at_most: u64,
        /// Of how many rows it was made.
        rows: RowsInfo,
        /// What came by this time is in it.
        as_of_ms: u64,
    }
}

reply! {
    /// What leads now.
    pub struct HotInfo {
        /// The counter.
        name: CompactString,
        /// After this time what happened counts half.
        half_life_ms: u64,
        /// How wide the buckets are: all that happened in one has the weight of its beginning.
        level_ms: u64,
        /// Only what happened from this time on counts.
        from_ms: u64,
        /// The values of the dimension that was asked for, those with the greatest scores first.
        values: Option<Vec<ValueScore>>,
        /// The keys, those with the greatest scores first. None if a dimension was asked for.
        keys: Vec<KeyScore>,
        /// As with the counts of leading keys and values.
        exact: bool,
        /// As with the counts of leading keys and values, in thousandths.
        missed_at_most_milli: u64,
        /// Of how many rows it was made.
        rows: RowsInfo,
        /// What came by this time is in it.
        as_of_ms: u64,
    }
}

reply! {
    /// A key, and its score.
    pub struct KeyScore {
        /// The key.
        key: CompactString,
        /// What was counted of it, each bucket times its weight, in thousandths.
        score_milli: u64,
    }
}

reply! {
    /// A value, and its score.
    pub struct ValueScore {
        /// The value.
        value: CompactString,
        /// What was counted for it, each bucket times its weight, in thousandths.
        score_milli: u64,
    }
}

reply! {
    /// A value, and what was counted for it.
    pub struct ValueCount {
        /// The value.
        value: CompactString,
        /// How much.
        count: u64,
    }
}

reply! {
    /// A key, and what was counted of it.
    pub struct KeyCount {
        /// The key.
        key: CompactString,
        /// How much.
        count: u64,
    }
}

reply! {
    /// How many different ones there were.
    pub struct UniqueInfo {
        /// The counter.
        name: CompactString,
        /// The keys, taken together.
        keys: Vec<CompactString>,
        /// When the span begins.
        from_ms: u64,
        /// When it ends.
        to_ms: u64,
        /// How many different ones: an estimate.
        unique: u64,
        /// It is an estimate.
        exact: bool,
        /// The standard error of the estimate, in millionths of it: two of three answers are off by no more.
        standard_error_ppm: u64,
        /// Of how many rows it was made.
        rows: RowsInfo,
        /// What came by this time is in it.
        as_of_ms: u64,
    }
}

reply! {
    /// How many rows were read, by where they were found.
    pub struct RowsInfo {
        /// In memory: they have changed since the last checkpoint.
        memory: u64,
        /// On disk, or in a cache as they are there.
        disk: u64,
    }
}

reply! {
    /// A count that was corrected.
    pub struct CorrectReceipt {
        /// The counter.
        name: CompactString,
        /// The key.
        key: CompactString,
        /// When the bucket begins.
        bucket_ms: u64,
        /// How wide it is.
        width_ms: u64,
        /// What it had.
        from: u64,
        /// What it has.
        to: u64,
        /// When that was done.
        at_ms: u64,
    }
}

reply! {
    /// A correction.
    pub struct CorrectionInfo {
        /// Its place in the list.
        place: CompactString,
        /// The key.
        key: CompactString,
        /// When the bucket begins.
        bucket_ms: u64,
        /// How wide it is.
        width_ms: u64,
        /// What it had.
        from: u64,
        /// What it has had since.
        to: u64,
        /// Who has corrected it.
        by: CompactString,
        /// When.
        at_ms: u64,
    }
}

reply! {
    /// What was sent to the topic that keeps the events of a counter.
    pub struct RawInfo {
        /// The counter.
        name: CompactString,
        /// The topic.
        topic: CompactString,
        /// What each shard has sent, the first one first.
        shards: Vec<RawShard>,
        /// What was counted by this time is in it.
        as_of_ms: u64,
    }
}

reply! {
    /// What a shard has sent there.
    pub struct RawShard {
        /// Which shard, from 0 on.
        shard: u64,
        /// How many letters, each of which is a message there: the `letter` of the last one.
        letters: u64,
        /// How many events.
        events: u64,
    }
}

reply! {
    /// An event that came too late.
    pub struct LateInfo {
        /// Its place in the list.
        place: CompactString,
        /// Its id, if it had one.
        event: Option<CompactString>,
        /// The key.
        key: CompactString,
        /// What it would have counted.
        amount: u64,
        /// When it happened.
        at_ms: u64,
        /// When it came.
        came_at_ms: u64,
    }
}

impl From<RowsRead> for RowsInfo {
    fn from(RowsRead { memory, disk }: RowsRead) -> Self {
        Self { memory, disk }
    }
}

/// What is known of an answer: as of when it is, and which rows were read for it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AsOf {
    pub(crate) ms: u64,
    pub(crate) rows: RowsRead,
}

impl CounterInfo {
    pub(crate) fn of(name: CompactString, counter: &Counter) -> Self {
        let levels = counter.levels.iter().map(|level| LevelInfo {
            width_ms: level.width_ms,
            keep_ms: level.keep_ms,
        });
        Self {
            name,
            levels: levels.collect(),
            shards: counter.shards.into(),
            top: counter.top,
            unique: counter.unique,
            late_ms: counter.late_ms,
            dedupe_ms: counter.dedupe_ms,
            dims: counter.dims.iter().map(CompactString::new).collect(),
            facts: counter.facts.iter().map(CompactString::new).collect(),
            values: counter.values,
            class: counter.class(),
            created_at_ms: counter.created_at_ms,
            raw: Some(counter.raw.clone()).filter(|raw| !raw.is_empty()),
        }
    }
}

impl PageItem for CounterInfo {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.name.clone()
    }
}

impl CorrectReceipt {
    pub(crate) fn of(name: CompactString, correction: Correction) -> Self {
        Self {
            name,
            key: correction.key,
            bucket_ms: correction.bucket_ms,
            width_ms: correction.width_ms,
            from: correction.from,
            to: correction.to,
            at_ms: correction.at_ms,
        }
    }
}

impl PageItem for CorrectionInfo {
    type Place = LatePlace;

    fn place(&self) -> LatePlace {
        LatePlace::parse(&self.place).expect("because it was made of one")
    }
}

impl PageItem for LateInfo {
    type Place = LatePlace;

    fn place(&self) -> LatePlace {
        LatePlace::parse(&self.place).expect("because it was made of one")
    }
}

reply! {
    /// A topic that is a source of a counter.
    pub struct SourceReceipt {
        /// The counter.
        name: CompactString,
        /// The topic.
        topic: CompactString,
        /// The group of the topic that is given its messages.
        group: CompactString,
        /// Most messages that are counted at once.
        in_flight: u64,
        /// Since when it is a source so, in milliseconds since 1970.
        since_ms: u64,
    }
}

reply! {
    /// A topic that is no source of a counter.
    pub struct DropSourceReceipt {
        /// The counter.
        name: CompactString,
        /// The topic.
        topic: CompactString,
        /// Whether that was so before.
        repeated: bool,
    }
}

reply! {
    /// A source of a counter.
    pub struct SourceInfo {
        /// The topic.
        topic: CompactString,
        /// The group of the topic that is given its messages.
        group: CompactString,
        /// Most messages that are counted at once.
        in_flight: u64,
        /// Since when it is a source so, in milliseconds since 1970.
        since_ms: u64,
    }
}

reply! {
    /// A counter that has sources.
    pub struct SourcesInfo {
        /// The counter.
        name: CompactString,
        /// Its sources.
        sources: Vec<SourceInfo>,
    }
}

impl PageItem for SourcesInfo {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.name.clone()
    }
}
