//! Pages of stored events, on their way to one subscriber.

use std::any::Any;
use std::sync::Arc;

use super::subscriber::Subscriber;
use crate::contract::{Outcome, Page, Renderer, ScanCall, ScanContext, Status, merge};
use crate::event::{self, EVENTS, EventInfo, FLOORS, FellBehind};
use crate::ids;
use crate::key::Slot;
use crate::limits::REPLAY_ITEMS_MAX;
use crate::sink::{Answer, ReplySink};
use crate::splits::Splits;

/// Asks for stored events behind a cursor.
pub(super) struct Replay {
    pub(super) to: Arc<Subscriber>,
    pub(super) after: u64,
    /// All that a partition has when it is read, and not only what nothing can come before any more.
    pub(super) is_last: bool,
}

/// What came of it.
pub(super) struct Replayed {
    pub(super) page: Result<Page<EventInfo>, FellBehind>,
    /// Every partition was read after all events before this number had come.
    pub(super) up_to: u64,
}

type Part = (Result<Page<EventInfo>, FellBehind>, u64);

impl ScanCall for Replay {
    fn slots(&self, _splits: &Splits) -> Option<Vec<Slot>> {
        self.key().map(|key| vec![Slot::of(key)])
    }

    fn key(&self) -> Option<&[u8]> {
        self.to.filter.key.as_ref().map(|key| key.as_bytes())
    }

    fn tables(&self) -> &'static [u16] {
        const { &[EVENTS.id(), FLOORS.id()] }
    }

    fn page(&self, context: &ScanContext) -> Box<dyn Any + Send> {
        let up_to = ids::first_of(context.asked_ms);
        let end = if self.is_last { u64::MAX } else { up_to };
        let (filter, after) = (&self.to.filter, Some(self.after));
        let page = event::page(context, filter, (after, end), REPLAY_ITEMS_MAX);
        Box::new((page, up_to))
    }

    fn render(
        &self,
        parts: Vec<Box<dyn Any + Send>>,
        _renderer: &dyn Renderer,
        _out: &mut Vec<u8>,
    ) -> Status {
        let (mut pages, mut behind, mut up_to) = (Vec::new(), None, 0);
        for part in parts {
            let part = part.downcast::<Part>();
            let (page, asked) = *part.expect("because `page` above made it");
            up_to = asked;
            match page {
                Ok(page) => pages.push(page),
                Err(fell) => behind = behind.max(Some(fell)),
            }
        }
        let page = behind.map_or_else(|| Ok(merge(pages, REPLAY_ITEMS_MAX)), Err);
        self.to.replayed(Replayed { page, up_to });
        Status::Done
    }
}

/// A page goes to its subscriber, and no bytes to anybody.
pub(super) struct Nowhere;

impl Renderer for Nowhere {
    fn render(&self, _outcome: &Outcome<'_>, _out: &mut Vec<u8>) {}
}

impl ReplySink for Nowhere {
    fn renderer(&self) -> &dyn Renderer {
        self
    }

    fn is_next(&self, _token: u64) -> bool {
        true
    }

    fn is_gone(&self, _token: u64) -> bool {
        false
    }

    fn deliver(&self, _answers: &[Answer], _start: usize, _bytes: &[u8]) {}
}
