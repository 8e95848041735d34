//! The rows of one slot, by counter.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use tidegate_engine::contract::{Books, Timer};
use tidegate_engine::{KeyReader, RowKey, Shard};
use tidegate_sketch::CHUNKS;

use super::sketches::SketchRows;
use crate::apply::{DROP_BLOCK, DROP_SKETCHES, EMPTY, FORGET};
use crate::counts::Counts;
use crate::series::parts_of;
use crate::table::{
    BLOCKS, CORRECTED, CORRECTIONS, COUNTERS, Corrected, Correction, Counter, DIMENSIONS,
    Dimension, EMPTYING, Emptying, GENERATIONS, Generation, HEADS, Hashes, Head, ID_PAGES, IDS,
    KEYS, KeyFacts, LATE, LATE_EVENTS, LEADERS, LateEvents, Leaders, Listed, Move, OPEN,
    OpenBlocks, RAW, SKETCH_CHUNKS, SKETCH_PAGES, SKETCHED, SKETCHES, SOURCES, Seen, Sent, Sources,
    Texts, VALUES,
};

/// All rows that a counter has in the slot.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) counter: Option<(Shard, Counter)>,
    /// By level and block.
    pub(super) blocks: BTreeMap<(u8, u64), BlockRows>,
    /// By key. What they have is in their blocks too, as long as those are there.
    pub(super) open: BTreeMap<CompactString, OpenBlocks>,
    /// By level and bucket.
    pub(super) leaders: BTreeMap<(u8, u64), Leaders>,
    /// By generation and hash.
    pub(super) ids: BTreeMap<(u64, u128), Seen>,
    pub(super) generations: BTreeMap<u64, GenerationRows>,
    /// By level and bucket.
    pub(super) sketches: BTreeMap<(u8, u64), SketchRows>,
    pub(super) late: Option<LateEvents>,
    pub(super) late_events: BTreeSet<u64>,
    /// By dimension.
    pub(super) values: BTreeSet<(CompactString, CompactString)>,
    pub(super) dimensions: BTreeMap<CompactString, Dimension>,
    /// By key.
    pub(super) facts: BTreeMap<CompactString, KeyFacts>,
    pub(super) fact_list: Option<Listed>,
    pub(super) fact_pages: BTreeMap<u64, Texts>,
    /// By key and dimension.
    pub(super) moves: BTreeMap<(CompactString, CompactString), Move>,
    pub(super) move_timers: BTreeMap<(CompactString, CompactString), Timers>,
    pub(super) emptying: Option<Emptying>,
    pub(super) emptying_timers: Timers,
    pub(super) sent: Option<Sent>,
    pub(super) corrected: Option<Corrected>,
    pub(super) corrections: BTreeMap<u64, Correction>,
    pub(super) sources: Option<Sources>,
}

impl Rows {
    /// Whether there is none but the counter itself.
    pub(super) fn are_none(&self) -> bool {
        let Self {
            counter: _,
            blocks,
            open,
            leaders,
            ids,
            generations,
            sketches,
            late,
            late_events,
            values,
            dimensions,
            facts,
            fact_list,
            fact_pages,
            moves,
            move_timers,
            emptying,
            emptying_timers: _,
            sent,
            corrected,
            corrections,
            sources,
        } = self;
        let counted =
            blocks.is_empty() && open.is_empty() && leaders.is_empty() && sketches.is_empty();
        let taken_in = ids.is_empty() && generations.is_empty() && late_events.is_empty();
        let others = values.is_empty() && dimensions.is_empty();
        let known = facts.is_empty() && fact_pages.is_empty() && fact_list.is_none();
        let moving = !moves.is_empty() || !move_timers.is_empty();
        let told = sent.is_none() && corrected.is_none() && corrections.is_empty();
        let rest = late.is_none() && emptying.is_none() && sources.is_none() && told;
        counted && taken_in && others && known && !moving && rest
    }
}

/// All rows of one block.
#[derive(Default)]
pub(super) struct BlockRows {
    pub(super) head: Option<Head>,
    pub(super) keys: BTreeMap<CompactString, Counts>,
    pub(super) pages: BTreeMap<u64, Texts>,
    pub(super) timers: Timers,
}

/// All rows of one generation of ids, but for those.
#[derive(Default)]
pub(super) struct GenerationRows {
    pub(super) generation: Option<Generation>,
    pub(super) pages: BTreeMap<u64, Hashes>,
    pub(super) timers: Timers,
}

/// When the timers of something are due, and how many were set aside.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Timers {
    pub(super) due_ms: Vec<u64>,
    pub(super) set_aside: usize,
}

impl Timers {
    pub(super) fn is_one(&self) -> bool {
        self.due_ms.len() + self.set_aside == 1
    }
}

pub(super) type ByCounter = BTreeMap<CompactString, Rows>;

pub(super) fn by_counter(books: &Books<'_>, faults: &mut Vec<String>) -> ByCounter {
    let mut all = ByCounter::new();
    let mut no_key = |what: &str, key: &RowKey| {
        faults.push(format!("{what} under no key of its: {:?}", key.as_bytes()));
    };
    for (key, counter) in books.each(&COUNTERS) {
        match shard_of(books, &key, &counter) {
            Some((name, shard)) => of(&mut all, &name).counter = Some((shard, counter)),
            None => no_key("counter", &key),
        }
    }
    read(
        &mut all,
        books.each(&BLOCKS),
        |rows, parts, row| {
            let block = (parts.byte()?, parts.number()?);
            let keys = &mut rows.blocks.entry(block).or_default().keys;
            keys.insert(CompactString::new(parts.text()?), row.counts);
            Some(())
        },
        &mut |key| no_key("block", key),
    );
    read(
        &mut all,
        books.each(&OPEN),
        |rows, parts, row| {
            rows.open.insert(CompactString::new(parts.text()?), row);
            Some(())
        },
        &mut |key| no_key("open blocks", key),
    );
    read(
        &mut all,
        books.each(&HEADS),
        |rows, parts, row| {
            let block = (parts.byte()?, parts.number()?);
            rows.blocks.entry(block).or_default().head = Some(row);
            Some(())
        },
        &mut |key| no_key("head", key),
    );
    read(
        &mut all,
        books.each(&KEYS),
        |rows, parts, row| {
            let block = (parts.byte()?, parts.number()?);
            let pages = &mut rows.blocks.entry(block).or_default().pages;
            pages.insert(parts.number()?, row);
            Some(())
        },
        &mut |key| no_key("page of keys", key),
    );
    read(
        &mut all,
        books.each(&LEADERS),
        |rows, parts, row| {
            rows.leaders.insert((parts.byte()?, parts.number()?), row);
            Some(())
        },
        &mut |key| no_key("list of leading keys", key),
    );
    read(
        &mut all,
        books.each(&IDS),
        |rows, parts, row| {
            let (generation, high) = (parts.number()?, parts.number()?);
            let hash = u128::from(high) << 64 | u128::from(parts.number()?);
            rows.ids.insert((generation, hash), row);
            Some(())
        },
        &mut |key| no_key("id", key),
    );
    read(
        &mut all,
        books.each(&ID_PAGES),
        |rows, parts, row| {
            let pages = &mut rows.generations.entry(parts.number()?).or_default().pages;
            pages.insert(parts.number()?, row);
            Some(())
        },
        &mut |key| no_key("page of ids", key),
    );
    read(
        &mut all,
        books.each(&GENERATIONS),
        |rows, parts, row| {
            let generation = rows.generations.entry(parts.number()?).or_default();
            generation.generation = Some(row);
            Some(())
        },
        &mut |key| no_key("generation", key),
    );
    read(
        &mut all,
        books.each(&LATE),
        |rows, _, row| {
            rows.late = Some(row);
            Some(())
        },
        &mut |key| no_key("late events", key),
    );
    read(
        &mut all,
        books.each(&LATE_EVENTS),
        |rows, parts, _| {
            rows.late_events.insert(parts.number()?);
            Some(())
        },
        &mut |key| no_key("late event", key),
    );
    read(
        &mut all,
        books.each(&VALUES),
        |rows, parts, _| {
            let value = (parts.text()?.into(), parts.text()?.into());
            rows.values.insert(value);
            Some(())
        },
        &mut |key| no_key("value", key),
    );
    read(
        &mut all,
        books.each(&DIMENSIONS),
        |rows, parts, row| {
            rows.dimensions.insert(parts.text()?.into(), row);
            Some(())
        },
        &mut |key| no_key("dimension", key),
    );
    for (key, row) in books.each(&EMPTYING) {
        match key.parts().text() {
            Some(shard) => of(&mut all, Shard::whole_of(shard)).emptying = Some(row),
            None => no_key("how far it has gone", &key),
        }
    }
    read(
        &mut all,
        books.each(&RAW),
        |rows, _, row| {
            rows.sent = Some(row);
            Some(())
        },
        &mut |key| no_key("what was sent to a topic", key),
    );
    read(
        &mut all,
        books.each(&CORRECTED),
        |rows, _, row| {
            rows.corrected = Some(row);
            Some(())
        },
        &mut |key| no_key("corrections", key),
    );
    read(
        &mut all,
        books.each(&CORRECTIONS),
        |rows, parts, row| {
            rows.corrections.insert(parts.number()?, row);
            Some(())
        },
        &mut |key| no_key("correction", key),
    );
    read(
        &mut all,
        books.each(&SOURCES),
        |rows, _, row| {
            rows.sources = Some(row);
            Some(())
        },
        &mut |key| no_key("sources", key),
    );
    read_sketches(&mut all, books, &mut no_key);
    add_timers(&mut all, books);
    add_emptying(&mut all, books);
    super::facts::read_rows(&mut all, books, faults);
    all
}

/// The rows of the sketches of the bucket that comes next in a key.
fn of_bucket<'a>(rows: &'a mut Rows, parts: &mut KeyReader<'_>) -> Option<&'a mut SketchRows> {
    let bucket = (parts.byte()?, parts.number()?);
    Some(rows.sketches.entry(bucket).or_default())
}

fn read_sketches(all: &mut ByCounter, books: &Books<'_>, no_key: &mut dyn FnMut(&str, &RowKey)) {
    read(
        all,
        books.each(&SKETCHES),
        |rows, parts, row| {
            let heads = &mut of_bucket(rows, parts)?.heads;
            heads.insert(CompactString::new(parts.text()?), row.0);
            Some(())
        },
        &mut |key| no_key("sketch", key),
    );
    read(
        all,
        books.each(&SKETCH_CHUNKS),
        |rows, parts, row| {
            let chunks = &mut of_bucket(rows, parts)?.chunks;
            let of_key = chunks.entry(CompactString::new(parts.text()?)).or_default();
            let number = usize::from(parts.byte()?);
            (number < CHUNKS).then(|| drop(of_key.insert(number, row.0)))
        },
        &mut |key| no_key("chunk of a sketch", key),
    );
    read(
        all,
        books.each(&SKETCHED),
        |rows, parts, row| {
            of_bucket(rows, parts)?.sketched = Some(row);
            Some(())
        },
        &mut |key| no_key("directory of sketches", key),
    );
    read(
        all,
        books.each(&SKETCH_PAGES),
        |rows, parts, row| {
            let pages = &mut of_bucket(rows, parts)?.pages;
            pages.insert(parts.number()?, row);
            Some(())
        },
        &mut |key| no_key("page of sketches", key),
    );
}

/// The name of a counter and its shard, if this row lies where it belongs.
fn shard_of(books: &Books<'_>, key: &RowKey, counter: &Counter) -> Option<(CompactString, Shard)> {
    let text = key.parts().text()?;
    let first = Shard {
        at: 0,
        of: counter.shards,
    };
    let shard = Shard::named(text).unwrap_or(first);
    let is_sound = shard.of == counter.shards && books.is_home_of(text);
    let whole = CompactString::new(Shard::whole_of(text));
    is_sound.then_some((whole, shard))
}

pub(super) fn of<'a>(all: &'a mut ByCounter, name: &str) -> &'a mut Rows {
    all.entry(CompactString::new(name)).or_default()
}

/// Enters all rows of a table; tells of those whose key has not what it should, or more.
pub(super) fn read<R>(
    all: &mut ByCounter,
    rows: impl Iterator<Item = (RowKey, R)>,
    mut enter: impl FnMut(&mut Rows, &mut KeyReader<'_>, R) -> Option<()>,
    no_key: &mut dyn FnMut(&RowKey),
) {
    for (key, row) in rows {
        let mut parts = key.parts();
        let name = parts.text();
        let entered = name.and_then(|name| enter(of(all, name), &mut parts, row));
        if entered.is_none() || !parts.rest().is_empty() {
            no_key(&key);
        }
    }
}

fn add_timers(all: &mut ByCounter, books: &Books<'_>) {
    for_each_timer(books, &DROP_BLOCK, |mut owner, due_ms| {
        let name = owner.text()?;
        let block = (owner.byte()?, owner.number()?);
        let timers = &mut of(all, name).blocks.entry(block).or_default().timers;
        timers.add(due_ms);
        Some(())
    });
    for_each_timer(books, &DROP_SKETCHES, |mut owner, due_ms| {
        let name = owner.text()?;
        let bucket = (owner.byte()?, owner.number()?);
        let timers = &mut of(all, name).sketches.entry(bucket).or_default().timers;
        timers.add(due_ms);
        Some(())
    });
    for_each_timer(books, &FORGET, |mut owner, due_ms| {
        let name = owner.text()?;
        let number = owner.number()?;
        let timers = &mut of(all, name).generations.entry(number).or_default().timers;
        timers.add(due_ms);
        Some(())
    });
}

fn add_emptying(all: &mut ByCounter, books: &Books<'_>) {
    for_each_timer(books, &EMPTY, |mut owner, due_ms| {
        let name = Shard::whole_of(owner.text()?);
        of(all, name).emptying_timers.add(due_ms);
        Some(())
    });
}

pub(super) fn for_each_timer(
    books: &Books<'_>,
    timer: &Timer,
    mut add: impl FnMut(KeyReader<'_>, Option<u64>) -> Option<()>,
) {
    for set in books.timers(timer) {
        add(set.owner(), Some(set.due_ms()));
    }
    for set_aside in books.timers_set_aside(timer) {
        add(set_aside.owner(), None);
    }
}

impl Timers {
    pub(super) fn add(&mut self, due_ms: Option<u64>) {
        match due_ms {
            Some(due_ms) => self.due_ms.push(due_ms),
            None => self.set_aside += 1,
        }
    }
}

/// Whether what is counted of a key, or of a series of it, belongs into a slot with this shard.
pub(super) fn is_home(shard: Shard, series: &str) -> bool {
    let key = parts_of(series).map_or(series, |(key, ..)| key);
    if key.is_empty() {
        return true; // All keys of the shard.
    }
    Shard::of_whom(key, shard.of).at == shard.at
}
