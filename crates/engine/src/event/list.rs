//! `EVENT.LIST`: what happened, behind a cursor.

use compact_str::{CompactString, ToCompactString};

use super::{EVENTS, EventFilter, EventRow, FLOORS, Facts, floor_of};
use crate::contract::{
    Bounded, Limit, Name, Page, PageItem, RefusalDef, Refuse, ReplyType, ReplyValue, Scan,
    ScanContext, Status, Writer,
};
use crate::ids;
use crate::limits::SCAN_ROWS_MAX;
use crate::{reply, request};

request! {
    /// Events of all domains, oldest first.
    ///
    /// Each kind is kept for a time of its own, and the last 10,000 of each domain in each partition.
    /// Who goes on behind the last cursor misses none: an event is listed once nothing can come before
    /// it any more, a few milliseconds later, and where some have been dropped meanwhile, the answer
    /// is `fell_behind`. A page may be short, or empty, with a `next`.
    pub(crate) struct List {
        /// Only events behind this cursor.
        ["AFTER"] after: Option<Bounded<0, { i64::MAX }>>,
        /// Only those of this domain: `stock`.
        ["DOMAIN"] domain: Option<Name>,
        /// Only those of this name: `stock_low`.
        ["NAME"] name: Option<Name>,
        /// Only those about this key.
        ["KEY"] key: Option<Name>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

const FELL_BEHIND: RefusalDef = RefusalDef {
    code: "fell_behind",
    status: Status::Conflict,
    doc: "Events behind `after` have been dropped. Look at the things themselves, and go on behind `oldest`.",
};

/// Why events are not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Some behind the cursor have been dropped.
    FellBehind {
        /// The last of them.
        oldest: Cursor,
    },
}

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::FellBehind { .. } => &FELL_BEHIND,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        let Self::FellBehind { oldest } = self;
        out.name("oldest");
        oldest.write(out);
    }
}

/// The number of an event, as a text: as a number it would be too large for JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor(pub(crate) u64);

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
        /// Of which domain.
        domain: CompactString,
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

impl EventInfo {
    pub(crate) fn of(number: u64, event: EventRow) -> Self {
        Self {
            at_ms: event.at_ms,
            domain: event.domain,
            name: event.name,
            key: event.key,
            facts: Facts(event.facts),
            cursor: Cursor(number),
        }
    }
}

impl Scan for List {
    type Item = EventInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[FELL_BEHIND];
    const TABLES: &'static [u16] = &[EVENTS.id(), FLOORS.id()];

    fn key(&self) -> Option<&str> {
        self.key.as_ref().map(Name::as_str)
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<EventInfo>, Refusal> {
        let filter = EventFilter {
            domain: self.domain.as_ref().map(Name::compact),
            name: self.name.as_ref().map(Name::compact),
            key: self.key.as_ref().map(Name::compact),
        };
        let after = self.after.map(Bounded::get);
        page(context, &filter, after, self.limit())
    }

    /// Behind the last one dropped anywhere nothing is missing.
    fn foremost(refusals: Vec<Refusal>) -> Option<Refusal> {
        let oldest = |Refusal::FellBehind { oldest }: &Refusal| oldest.0;
        refusals.into_iter().max_by_key(oldest)
    }
}

/// Up to `limit` wanted events behind a cursor, of one partition: those before the moment at which
/// it was asked, for nothing can come before that any more.
pub(crate) fn page(
    context: &ScanContext,
    filter: &EventFilter,
    after: Option<u64>,
    limit: usize,
) -> Result<Page<EventInfo>, Refusal> {
    let floor = floor_of(context, filter);
    if let (Some(after), Some(floor)) = (after, floor)
        && after < floor
    {
        let oldest = Cursor(floor);
        return Err(Refusal::FellBehind { oldest });
    }
    let from = after.map_or(0, |after| after + 1);
    let range = from..ids::first_of(context.asked_ms);
    let mut items = Vec::new();
    for (examined, (number, event)) in context.numbered(&EVENTS, &range).enumerate() {
        if examined == SCAN_ROWS_MAX {
            let next = Some(number - 1);
            return Ok(Page { items, next });
        }
        if filter.takes(&event.domain, &event.name, &event.key) {
            items.push(EventInfo::of(number, event));
            if items.len() > limit {
                return Ok(Page::cut(items, limit));
            }
        }
    }
    Ok(Page::of(items, false))
}
