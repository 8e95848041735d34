//! Every request of the domain: its fields, their limits and their meaning.

use tidegate_engine::contract::{Bounded, Id, Limit, List as ListOf, Name, Wait};
use tidegate_engine::request;

use crate::fields::{DimNames, DimValue, Dims, Durability, LatePlace, YesNo};
use crate::levels::Levels;
use crate::limits::{
    AMOUNT_MAX, BATCH_EVENTS_MAX, CORRECTED_MAX, COUNTER_SHARDS_MAX, DEDUPE_MS_MAX, DEDUPE_MS_MIN,
    HALF_LIFE_MS_MIN, KEYS_ASKED_MAX, SOURCE_IN_FLIGHT_MAX, SPAN_MS_MAX, TOP_MAX, VALUES_MAX,
};
use crate::text::Duration;
use crate::zone::Zone;

/// A moment, in milliseconds since 1970.
type Moment = Bounded<0, 32_503_680_000_000>;

/// How long a step is, in milliseconds: a second to a hundred years.
type Step = Bounded<1_000, 3_153_600_000_000>;

/// What an event counts.
pub(crate) type Amount = Bounded<1, AMOUNT_MAX>;

request! {
    /// Declares a counter.
    /// Answered once all its shards know it. Declaring it again as it already is changes nothing.
    pub struct Create {
        /// The counter.
        name: Name,
        /// Levels, the finest first: how wide a bucket is, and how long it is kept after its end, in milliseconds or with a unit (ms, s, m, h, d, w, y of 365 days). Minutes for 2 days, hours for 90, days for 5 years if it does not say.
        ["BUCKETS"] buckets: Option<Levels>,
        /// Over so many slots its keys are spread.
        ["SHARDS"] shards: Bounded<1, COUNTER_SHARDS_MAX> = 8,
        /// Dimensions by which it also counts: up to four names, with commas between them.
        ["DIMS"] dims: Option<DimNames>,
        /// Those of the dimensions of which an event says nothing: facts about its key, told by COUNTER.FACT.
        ["FACTS"] facts: Option<DimNames>,
        /// How many values of a dimension each shard counts; events that have another one are counted together.
        ["VALUES"] values: Bounded<1, VALUES_MAX> = 100,
        /// yes: it also counts how many different ones its events are by.
        ["UNIQUE"] unique: Option<YesNo>,
        /// How many leading keys of each bucket it knows; 0 for none.
        ["TOP"] top: Bounded<0, TOP_MAX> = 100,
        /// An event that happened longer ago is not counted but listed: at most as long as the last level is kept. A day if it does not say. Milliseconds, or with a unit.
        ["LATE_MS"] late_ms: Option<Duration<0, SPAN_MS_MAX>>,
        /// For how long the id of an event is remembered: a second to seven days; an hour if it does not say. Milliseconds, or with a unit.
        ["DEDUPE_MS"] dedupe_ms: Option<Duration<DEDUPE_MS_MIN, DEDUPE_MS_MAX>>,
        /// relaxed: an event is answered before it is durable, and a crash may lose those of the last second. Otherwise synced.
        ["CLASS"] class: Option<Durability>,
        /// The topic that keeps the events that it counts. One that is not there is made.
        ["RAW"] raw: Option<Name>,
        /// How long the answer may wait until all shards know it.
        ["WAIT_MS"] wait_ms: Wait = 5_000,
    }
}

request! {
    /// Drops a counter with all that it has counted.
    /// Answered once no shard counts for it any more; then its rows go, and after that another one may have its name.
    pub struct DropCounter {
        /// The counter.
        name: Name,
        /// How long the answer may wait until all shards know it.
        ["WAIT_MS"] wait_ms: Wait = 5_000,
    }
}

request! {
    /// Counts an event, once per id and key.
    pub struct Add {
        /// The counter.
        name: Name,
        /// The caller's id of the event, or `*` for one that is counted as often as it is sent.
        event: Id,
        /// What it is counted for. Any name but `*`.
        key: Name,
        /// What it counts.
        ["AMOUNT"] amount: Amount = 1,
        /// When it happened, in milliseconds since 1970; now, if it does not say.
        ["AT"] at_ms: Option<Moment>,
        /// Who or what it is by.
        ["BY"] by: Option<Name>,
        /// Its dimensions, of those that the counter has: `name=value`, with a line feed between two of them.
        ["DIMS"] dims: Option<Dims>,
    }
}

request! {
    /// Tells facts about a key: values of dimensions that were declared so. They hold from now on; what was counted while
    /// nothing was known of a dimension is moved to its value.
    pub struct Fact {
        /// The counter.
        name: Name,
        /// The key.
        key: Name,
        /// The facts: `name=value`, with a line feed between two of them.
        facts: Dims,
    }
}

request! {
    /// What is known of a key.
    pub struct Facts {
        /// The counter.
        name: Name,
        /// The key.
        key: Name,
    }
}

request! {
    /// An event to count, among others.
    pub struct Entry {
        /// The caller's id of the event, or `*`.
        event: Id,
        /// What it is counted for. Any name but `*`.
        key: Name,
        /// What it counts; 1 if it does not say.
        amount: Option<Amount>,
        /// When it happened, in milliseconds since 1970; now, if it does not say.
        at_ms: Option<Moment>,
        /// Who or what it is by.
        by: Option<Name>,
        /// Its dimensions: `name=value`, with a line feed between two of them.
        dims: Option<Dims>,
    }
}

request! {
    /// Counts events, each once per id and key.
    pub struct AddAll {
        /// The counter.
        name: Name,
        /// The events, up to 500.
        events: ListOf<Entry, BATCH_EVENTS_MAX>,
    }
}

request! {
    /// What was counted of a key, over all buckets of the last level that are kept.
    pub struct Get {
        /// The counter.
        name: Name,
        /// The key, or `*` for all together.
        key: Name,
    }
}

request! {
    /// What was counted of a key over a span of time, in steps.
    pub struct Range {
        /// The counter.
        name: Name,
        /// The key, or `*` for all together.
        key: Name,
        /// From when on, in milliseconds since 1970: its step is the first one.
        ["FROM"] from_ms: Moment,
        /// Until when, in milliseconds since 1970: the last step is that before it.
        ["TO"] to_ms: Moment,
        /// How long a step is: a multiple of the width of a level. Without it that of the finest level which is kept so long, for at most 1,500 steps.
        ["STEP"] step_ms: Option<Step>,
        /// A time zone, as Europe/Berlin: a step is so many of its days, from the day of `FROM` on; one, if it does not say.
        ["TZ"] zone: Option<Zone>,
        /// A dimension of the counter: its values are told, too, each with its counts.
        ["BY"] by: Option<Name>,
    }
}

request! {
    /// The leading keys of a span of time, or values of a dimension, counted exactly.
    pub struct Top {
        /// The counter.
        name: Name,
        /// From when on, in milliseconds since 1970.
        ["FROM"] from_ms: Moment,
        /// Until when, in milliseconds since 1970.
        ["TO"] to_ms: Moment,
        /// How many keys, at most those that the counter keeps of a bucket, or how many values; 10, or as many keys as it keeps, if it does not say.
        ["COUNT"] count: Option<Bounded<1, TOP_MAX>>,
        /// A dimension of the counter: its leading values are told, instead of keys.
        ["BY"] by: Option<Name>,
        /// `name=value` of a dimension: keys lead by what they have of that value.
        ["WITH"] with: Option<DimValue>,
    }
}

request! {
    /// What leads now: what happened counts half as much after each half life.
    pub struct Hot {
        /// The counter.
        name: Name,
        /// How many keys, at most those that the counter keeps of a bucket, or how many values; 10, or as many keys as it keeps, if it does not say.
        ["COUNT"] count: Option<Bounded<1, TOP_MAX>>,
        /// After this time what happened counts half: milliseconds, or with a unit. Five buckets of the finest level, if it does not say.
        ["HALF_LIFE"] half_life_ms: Option<Duration<HALF_LIFE_MS_MIN, SPAN_MS_MAX>>,
        /// A dimension of the counter: its leading values are told, instead of keys.
        ["BY"] by: Option<Name>,
    }
}

request! {
    /// A key, among others.
    pub struct OneKey {
        /// The key, or `*` for all together.
        key: Name,
    }
}

request! {
    /// What was counted of some keys, each as `COUNTER.GET` tells.
    pub struct GetAll {
        /// The counter.
        name: Name,
        /// The keys, up to 100.
        keys: ListOf<OneKey, KEYS_ASKED_MAX>,
    }
}

request! {
    /// What was counted of some keys over a span of time, each as `COUNTER.RANGE` tells.
    pub struct RangeAll {
        /// The counter.
        name: Name,
        /// The keys, up to 100, with up to 20,000 steps together.
        keys: ListOf<OneKey, KEYS_ASKED_MAX>,
        /// From when on, in milliseconds since 1970: its step is the first one.
        ["FROM"] from_ms: Moment,
        /// Until when, in milliseconds since 1970: the last step is that before it.
        ["TO"] to_ms: Moment,
        /// How long a step is, as for one key.
        ["STEP"] step_ms: Option<Step>,
        /// A time zone, as for one key.
        ["TZ"] zone: Option<Zone>,
    }
}

request! {
    /// How many different ones events of a span are by, of some keys together.
    pub struct Unique {
        /// The counter, declared with UNIQUE.
        name: Name,
        /// The keys, up to 100: who came to several of them counts once.
        keys: ListOf<OneKey, KEYS_ASKED_MAX>,
        /// From when on, in milliseconds since 1970.
        ["FROM"] from_ms: Moment,
        /// Until when, in milliseconds since 1970.
        ["TO"] to_ms: Moment,
    }
}

request! {
    /// How many different ones events of a span are by, of some keys, each for itself.
    pub struct UniqueAll {
        /// The counter, declared with UNIQUE.
        name: Name,
        /// The keys, up to 100.
        keys: ListOf<OneKey, KEYS_ASKED_MAX>,
        /// From when on, in milliseconds since 1970.
        ["FROM"] from_ms: Moment,
        /// Until when, in milliseconds since 1970.
        ["TO"] to_ms: Moment,
    }
}

request! {
    /// Corrects what was counted of a key in one bucket, and notes it in an audit list.
    pub struct Correct {
        /// The counter.
        name: Name,
        /// The key. Any name but `*`.
        key: Name,
        /// A moment in the bucket, in milliseconds since 1970: it is that of the finest level which keeps it, and the wider ones that have it are corrected by as much.
        ["AT"] at_ms: Moment,
        /// What it has now: nothing is done if it has something else.
        ["FROM"] from: Bounded<0, CORRECTED_MAX>,
        /// What it is to have.
        ["TO"] to: Bounded<0, CORRECTED_MAX>,
        /// Who corrects it.
        ["BY"] by: Name,
    }
}

request! {
    /// What was corrected: the newest 1,000 entries of each shard, the oldest first.
    pub struct AuditList {
        /// The counter.
        name: Name,
        /// Only those behind this one.
        ["AFTER"] after: Option<LatePlace>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// What was sent to the topic that keeps the events of a counter.
    pub struct Raw {
        /// The counter, declared with RAW.
        name: Name,
    }
}

request! {
    /// Events that came too late to be counted: the newest 1,000 of each shard, the oldest first.
    pub struct Late {
        /// The counter.
        name: Name,
        /// Only those behind this one.
        ["AFTER"] after: Option<LatePlace>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// All counters, in the order of their bytes.
    pub struct List {
        /// Only counters that start with this.
        ["PREFIX"] prefix: Option<Name>,
        /// Only counters behind this one.
        ["AFTER"] after: Option<Name>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// Makes a topic a source of a counter: the events that its messages have are counted, each once. They are leased as to any
    /// member of a group, acknowledged once they are counted, and otherwise tried again, up to a dead letter of the group.
    pub struct SetSource {
        /// The counter.
        name: Name,
        /// The topic. Its messages are JSON: events as COUNTER.ADDALL takes them, one, an array, or one on each line.
        topic: Name,
        /// The group of the topic that is given them: the name of the counter, if it does not say. One that is not there is made.
        ["GROUP"] group: Option<Name>,
        /// Most messages that are counted at once.
        ["INFLIGHT"] in_flight: Bounded<1, SOURCE_IN_FLIGHT_MAX> = 500,
    }
}

request! {
    /// Makes a topic no source of a counter any more. What is being counted is counted, and the group stays.
    pub struct DropSource {
        /// The counter.
        name: Name,
        /// The topic.
        topic: Name,
    }
}

request! {
    /// Counters that have sources, in the order of their bytes.
    pub struct SourceList {
        /// Only counters that start with this.
        ["PREFIX"] prefix: Option<Name>,
        /// Only counters behind this one.
        ["AFTER"] after: Option<Name>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}
