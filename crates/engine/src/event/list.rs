//! `EVENT.LIST`: what happened, behind a cursor.

use compact_str::{CompactString, ToCompactString};

use super::{EVENTS, EventFilter, EventRow, FLOORS, Facts, Place, floor_of};
use crate::contract::{
    Bounded, Limit, Name, Page, PageItem, RefusalDef, Refuse, ReplyType, ReplyValue, Scan,
    ScanContext, Status, Wanted, Writer,
};
use crate::ids;
use crate::key::write_key;
use crate::limits::SCAN_ROWS_MAX;
use crate::{reply, request};

request! {
    /// Events of all domains, oldest first.
    ///
    /// Each kind is kept for a time of its own, and the last 10,000 of each domain in each partition.
    /// Who goes on behind the last cursor misses none: an event is listed once nothing can come before
    /// it any more, a few milliseconds later, and where some have been dropped meanwhile, the answer
    /// is `fell_behind`. A page may be short, or empty, with a `next`. A cursor of the future, and a
    /// domain that tells of no events, is wrong.
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

pub(crate) const FELL_BEHIND: RefusalDef = RefusalDef {
    code: "fell_behind",
    status: Status::Conflict,
    doc: "Events behind `after` have been dropped. Look at the things themselves, and go on behind `oldest`.",
};

/// Events are missing behind a cursor, or a subscriber was too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FellBehind {
    /// The last of those that were dropped; none if too many were waiting.
    pub oldest: Option<Cursor>,
}

impl Refuse for FellBehind {
    fn def(&self) -> &'static RefusalDef {
        &FELL_BEHIND
    }

    fn facts(&self, out: &mut dyn Writer) {
        if let Some(oldest) = &self.oldest {
            out.name("oldest");
            oldest.write(out);
        }
    }
}

/// The number of an event, as a text: as a number it would be too large for JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub u64);

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
    type Refusal = FellBehind;
    const REFUSALS: &'static [RefusalDef] = &[FELL_BEHIND];
    const TABLES: &'static [u16] = &[EVENTS.id(), FLOORS.id()];

    fn key(&self) -> Option<&str> {
        self.key.as_ref().map(Name::as_str)
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn events(&self) -> Option<Wanted> {
        Some(self.wanted())
    }

    fn page(&self, context: &ScanContext) -> Result<Page<EventInfo>, FellBehind> {
        let Wanted { filter, after } = self.wanted();
        // Nothing can come any more before the moment at which it was asked.
        let range = (after, ids::first_of(context.asked_ms));
        page(context, &filter, range, self.limit())
    }

    /// Behind the last one dropped anywhere nothing is missing.
    fn foremost(refusals: Vec<FellBehind>) -> Option<FellBehind> {
        refusals.into_iter().max()
    }
}

impl List {
    fn wanted(&self) -> Wanted {
        Wanted {
            filter: EventFilter {
                domain: self.domain.as_ref().map(Name::compact),
                name: self.name.as_ref().map(Name::compact),
                key: self.key.as_ref().map(Name::compact),
            },
            after: self.after.map(Bounded::get),
        }
    }
}

/// Up to `limit` wanted events of one partition, behind a cursor and before another.
pub(crate) fn page(
    context: &ScanContext,
    filter: &EventFilter,
    (after, end): (Option<u64>, u64),
    limit: usize,
) -> Result<Page<EventInfo>, FellBehind> {
    let floor = floor_of(context, filter);
    if after.is_some_and(|after| floor.is_some_and(|floor| after < floor)) {
        let oldest = floor.map(Cursor);
        return Err(FellBehind { oldest });
    }
    let from = after.map_or(0, |after| after.saturating_add(1));
    let mut items = Vec::new();
    let only = match context.slots[..] {
        [slot] => Some(slot),
        _ => None,
    };
    let (mut examined, mut key) = (0, Vec::new());
    for Place { number, slot } in context.events.wanted(filter, from..end) {
        if examined == SCAN_ROWS_MAX {
            let next = Some(number - 1);
            return Ok(Page { items, next });
        }
        examined += 1;
        if only.is_some_and(|only| only != slot) {
            continue;
        }
        write_key(&mut key, slot, &number);
        // None only if the base cannot be read, and then nothing is made of the page.
        let Some(event) = context.snapshot.get(&EVENTS, &key) else {
            continue;
        };
        if filter.takes(&event.domain, &event.name, &event.key) {
            items.push(EventInfo::of(number, event));
            if items.len() > limit {
                return Ok(Page::cut(items, limit));
            }
        }
    }
    Ok(Page::of(items, false))
}
