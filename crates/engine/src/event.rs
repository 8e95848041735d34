//! Events: facts that transactions emit, kept as rows for a bounded window.

use compact_str::{CompactString, ToCompactString};
use minicbor::{Decode, Encode};

use crate::contract::{
    Bounded, Limit, Never, Page, PageItem, RefusalDef, ReplyType, ReplyValue, Scan, ScanContext,
    Writer,
};
use crate::effect;
use crate::ids;
use crate::row::Row;
use crate::table::Table;
use crate::{reply, request};

/// Events by slot and number, which is an id: numbers ascend within a partition, and all of them in
/// the order of time.
pub(crate) const EVENTS: Table<EventRow> = Table::ordered(0, 1, "engine.events");

/// Bytes in the log of an event that is removed: its key is a slot and a number.
pub(crate) const REMOVAL_BYTES: usize = effect::HEAD + 10;

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct EventRow {
    #[n(0)]
    pub(crate) at_ms: u64,
    #[cbor(n(1), with = "crate::text")]
    pub(crate) name: CompactString,
    #[cbor(n(2), with = "crate::text")]
    pub(crate) key: CompactString,
    #[n(3)]
    pub(crate) facts: Vec<Fact>,
}

/// A named value of an event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Fact {
    #[cbor(n(0), with = "crate::text")]
    pub(crate) name: CompactString,
    #[n(1)]
    pub(crate) value: FactValue,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum FactValue {
    #[n(0)]
    Text(#[cbor(n(0), with = "crate::text")] CompactString),
    #[n(1)]
    Integer(#[n(0)] i64),
    #[n(2)]
    Boolean(#[n(0)] bool),
    #[n(3)]
    Null,
}

impl Row for EventRow {}

/// The facts of an event, which must be a flat map.
pub(crate) fn facts_of(event: &impl ReplyValue) -> Vec<Fact> {
    let mut flat = Flat {
        facts: Vec::new(),
        name: CompactString::default(),
    };
    event.write(&mut flat);
    flat.facts
}

struct Flat {
    facts: Vec<Fact>,
    name: CompactString,
}

impl Flat {
    fn push(&mut self, value: FactValue) {
        self.facts.push(Fact {
            name: std::mem::take(&mut self.name),
            value,
        });
    }
}

impl Writer for Flat {
    fn map(&mut self, _len: usize) {
        assert!(self.facts.is_empty(), "an event is one flat map");
    }
    fn name(&mut self, name: &str) {
        self.name = CompactString::new(name);
    }
    fn list(&mut self, _len: usize) {
        panic!("an event is one flat map; it holds no list");
    }
    fn end(&mut self) {}
    fn text(&mut self, text: &str) {
        self.push(FactValue::Text(CompactString::new(text)));
    }
    fn integer(&mut self, value: i64) {
        self.push(FactValue::Integer(value));
    }
    fn boolean(&mut self, value: bool) {
        self.push(FactValue::Boolean(value));
    }
    fn null(&mut self) {
        self.push(FactValue::Null);
    }
}

/// The facts of an event, as a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts(Vec<Fact>);

impl ReplyValue for Facts {
    const TYPE: ReplyType = ReplyType::Map(&[]);

    fn write(&self, out: &mut dyn Writer) {
        out.map(self.0.len());
        for fact in &self.0 {
            out.name(&fact.name);
            match &fact.value {
                FactValue::Text(text) => out.text(text),
                FactValue::Integer(value) => out.integer(*value),
                FactValue::Boolean(value) => out.boolean(*value),
                FactValue::Null => out.null(),
            }
        }
        out.end();
    }
}

request! {
    /// Events of all domains, oldest first.
    ///
    /// The last 10,000 of each partition are kept. Who goes on behind the last cursor
    /// before that misses none: an event is listed once nothing can come before it any more, a few
    /// milliseconds later.
    pub(crate) struct List {
        /// Only events behind this cursor.
        ["AFTER"] after: Option<Bounded<0, { i64::MAX }>>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

/// The number of an event, as a text: as a number it would be too large for JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor(u64);

impl ReplyValue for Cursor {
    const TYPE: ReplyType = ReplyType::Text;

    fn write(&self, out: &mut dyn Writer) {
        out.text(&self.0.to_compact_string());
    }
}

reply! {
    /// An event.
    pub(crate) struct EventInfo {
        /// When, in milliseconds since 1970.
        at_ms: u64,
        /// What happened.
        name: CompactString,
        /// To what.
        key: CompactString,
        /// More about it.
        facts: Facts,
        /// What to pass as `after` to go on behind this event.
        cursor: Cursor,
    }
}

impl PageItem for EventInfo {
    type Place = u64;

    fn place(&self) -> u64 {
        self.cursor.0
    }
}

impl Scan for List {
    type Item = EventInfo;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[EVENTS.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<EventInfo>, Never> {
        let from = self.after.map_or(0, |after| after.get() + 1);
        let range = from..ids::first_of(context.asked_ms);
        let rows = context.rows_by_number(&EVENTS, &range, self.limit() + 1);
        let items = rows.into_iter().map(info).collect();
        Ok(Page::cut(items, self.limit()))
    }
}

fn info((number, event): (u64, EventRow)) -> EventInfo {
    EventInfo {
        at_ms: event.at_ms,
        name: event.name,
        key: event.key,
        facts: Facts(event.facts),
        cursor: Cursor(number),
    }
}
