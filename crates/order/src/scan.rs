//! `ORDER.LIST`: the orders of a buyer, oldest first.

use compact_str::ToCompactString;
use tidegate_engine::RowKey;
use tidegate_engine::contract::{Bounded, Never, Page, PageItem, RefusalDef, Scan, ScanContext};
use tidegate_engine::limits::SCAN_ROWS_MAX;

use crate::command::{List, Reviews};
use crate::payments::{REVIEWS, Review};
use crate::reply::{OrderSummary, ReviewInfo};
use crate::table::{LIST_PARTS, LISTED, Listed, State};

impl Scan for List {
    type Item = OrderSummary;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[LISTED.id()];

    fn key(&self) -> Option<&str> {
        Some(self.buyer.as_str())
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<OrderSummary>, Never> {
        let (mut found, mut stopped) = (Vec::new(), None);
        for part in LIST_PARTS {
            if self.state.is_none_or(|state| may_stand_in(state, part)) {
                let (of_part, at) = self.in_part(context, part);
                found.extend(of_part);
                stopped = stopped.into_iter().chain(at).min();
            }
        }
        found.sort_by_key(PageItem::place);
        if let Some(stopped) = stopped {
            found.retain(|order: &OrderSummary| order.place() <= stopped);
        }
        let page = Page::cut(found, self.limit());
        Ok(Page {
            next: page.next.or(stopped),
            ..page
        })
    }
}

impl List {
    /// Those of one part, one beyond the limit; and how far it was looked at, if that was not to the end.
    fn in_part(&self, context: &ScanContext, part: u8) -> (Vec<OrderSummary>, Option<u64>) {
        let buyer = self.buyer.as_str();
        let after = self.after.map(|after| (buyer, part, after.get()));
        // Those of one state may be few among many; of all states every row is one.
        let most = match self.state {
            Some(_) => SCAN_ROWS_MAX,
            None => self.limit() + 1,
        };
        let rows = context.rows(&LISTED, (buyer, part), after, most);
        let last = rows.last().map(|(key, _)| place_of(key));
        let stopped = last.filter(|_| rows.len() == SCAN_ROWS_MAX);
        let is_asked = |state: State| self.state.is_none_or(|asked| asked == state);
        let judged = rows.into_iter().map(|(key, row)| {
            let state = row.state_at(context.asked_ms());
            (key, state, row)
        });
        let judged = judged.filter(|(_, state, _)| is_asked(*state));
        let orders = judged.map(|(key, state, row)| summary(place_of(&key), state, row));
        (orders.take(self.limit() + 1).collect(), stopped)
    }
}

fn place_of(key: &RowKey) -> u64 {
    let mut parts = key.parts();
    let (_buyer, _part) = (parts.text(), parts.byte());
    parts.number().unwrap_or_default()
}

/// What has just expired stands among the living until its order says so.
fn may_stand_in(state: State, part: u8) -> bool {
    state.part() == part || state == State::Expired
}

fn summary(place: u64, state: State, row: Listed) -> OrderSummary {
    OrderSummary {
        id: row.id,
        place: place.to_compact_string(),
        state: state.word(),
        total: row.total,
        currency: row.currency,
        placed_at_ms: row.placed_at_ms,
    }
}

impl Scan for Reviews {
    type Item = ReviewInfo;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[REVIEWS.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<ReviewInfo>, Never> {
        let after = self.after.map(Bounded::get);
        Ok(
            context.numbered_page(&REVIEWS, after, self.limit(), |_, number, row| {
                let is_asked = self.state.is_none_or(|state| state == row.state);
                is_asked.then(|| review_info(number, row))
            }),
        )
    }
}

fn review_info(number: u64, review: Review) -> ReviewInfo {
    ReviewInfo {
        number: number.to_compact_string(),
        id: review.order,
        payment: review.payment,
        refund: review.refund.map(|refund| refund.0),
        cause: review.why.word(),
        amount: review.amount,
        currency: review.currency,
        at_ms: review.at_ms,
        state: review.state.word(),
    }
}
