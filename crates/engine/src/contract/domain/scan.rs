//! Queries that read many rows, and how the pages of several partitions become one.

use std::any::Any;

use crate::contract::{Outcome, Page, PageItem, RefusalDef, Refuse, Renderer, Request, Status};
use crate::key::Slot;
use crate::splits::Splits;

use super::{ScanContext, Wanted};

/// A query that reads many rows.
pub trait Scan: Request + Sync {
    /// What a page holds.
    type Item: PageItem + 'static;
    /// How it refuses.
    type Refusal: Refuse + Send + 'static;
    /// Every "no" that it can give, in the order in which they are checked.
    const REFUSALS: &'static [RefusalDef];
    /// Ids of the tables it reads.
    const TABLES: &'static [u16];

    /// What it is about; `None` for all partitions.
    fn key(&self) -> Option<&str>;

    /// The slots that it reads, each for a page of its own; `None` for all of all partitions.
    fn slots(&self, _splits: &Splits) -> Option<Vec<Slot>> {
        self.key().map(|key| vec![Slot::of(key.as_bytes())])
    }

    /// The most items that a page may hold.
    fn limit(&self) -> usize;

    /// The events that it asks for, if it does.
    fn events(&self) -> Option<Wanted> {
        None
    }

    /// Reads one page from a snapshot.
    ///
    /// # Errors
    /// The refusal.
    fn page(&self, context: &ScanContext) -> Result<Page<Self::Item>, Self::Refusal>;

    /// Joins an item to one in the same place that comes from another slot; gives it back if both stand there.
    fn joined(_one: &mut Self::Item, other: Self::Item) -> Option<Self::Item> {
        Some(other)
    }

    /// Of what several partitions refuse with, that which is answered.
    fn foremost(refusals: Vec<Self::Refusal>) -> Option<Self::Refusal> {
        refusals.into_iter().next()
    }
}

/// A scan whose type is not known here.
pub trait ScanCall: Send + Sync {
    /// What it is about; `None` for all partitions.
    fn key(&self) -> Option<&[u8]>;
    /// The slots that it reads, each for a page of its own; `None` for all of all partitions.
    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>>;
    /// Ids of the tables it reads.
    fn tables(&self) -> &'static [u16];
    /// The events that somebody asks for by it, if it does so.
    fn events(&self) -> Option<Wanted> {
        None
    }
    /// Reads one partition's page.
    fn page(&self, context: &ScanContext) -> Box<dyn Any + Send>;
    /// Merges the pages of all partitions asked, and renders the whole.
    fn render(
        &self,
        pages: Vec<Box<dyn Any + Send>>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Status;
}

impl<S: Scan> ScanCall for S {
    fn key(&self) -> Option<&[u8]> {
        Scan::key(self).map(str::as_bytes)
    }

    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        Scan::slots(self, splits)
    }

    fn tables(&self) -> &'static [u16] {
        S::TABLES
    }

    fn events(&self) -> Option<Wanted> {
        Scan::events(self)
    }

    fn page(&self, context: &ScanContext) -> Box<dyn Any + Send> {
        Box::new(Scan::page(self, context))
    }

    fn render(
        &self,
        pages: Vec<Box<dyn Any + Send>>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Status {
        let merged = merged(self, pages);
        let outcome = match &merged {
            Ok(page) => Outcome::Reply(page),
            Err(refusal) => {
                debug_assert!(S::REFUSALS.contains(refusal.def()), "{:?}", refusal.def());
                Outcome::Refused(refusal)
            }
        };
        renderer.render(&outcome, out);
        outcome.status()
    }
}

/// One page out of what the partitions have given, or a refusal of theirs.
fn merged<S: Scan>(scan: &S, given: Vec<Box<dyn Any + Send>>) -> Result<Page<S::Item>, S::Refusal> {
    let (mut pages, mut refusals) = (Vec::new(), Vec::new());
    for given in given {
        let page = given.downcast::<Result<Page<S::Item>, S::Refusal>>();
        match *page.expect("because `page` above made it") {
            Ok(page) => pages.push(page),
            Err(refusal) => refusals.push(refusal),
        }
    }
    let merged = || merge_joined(pages, scan.limit(), S::joined);
    S::foremost(refusals).map_or_else(|| Ok(merged()), Err)
}

/// One page out of the pages of several partitions, in the order of their places.
pub(crate) fn merge<T: PageItem>(pages: Vec<Page<T>>, limit: usize) -> Page<T> {
    merge_joined(pages, limit, |_, other| Some(other))
}

/// The same, of items that may be joined if they stand in one place.
fn merge_joined<T: PageItem>(
    mut pages: Vec<Page<T>>,
    limit: usize,
    joined: impl Fn(&mut T, T) -> Option<T>,
) -> Page<T> {
    if pages.len() == 1
        && let Some(page) = pages.pop()
    {
        return page;
    }
    // Behind the nearest place where some partition stopped, items of that one may be missing.
    let stopped = pages.iter_mut().filter_map(|page| page.next.take());
    let bound = stopped.min();
    let mut items: Vec<T> = pages.into_iter().flat_map(|page| page.items).collect();
    items.sort_by_cached_key(PageItem::place);
    if let Some(bound) = &bound {
        items.retain(|item| item.place() <= *bound);
    }
    let items = items
        .into_iter()
        .fold(Vec::new(), |mut items: Vec<T>, item| {
            let last = items.last_mut();
            let more = match last.filter(|last| last.place() == item.place()) {
                Some(same) => joined(same, item),
                None => Some(item),
            };
            items.extend(more);
            items
        });
    if items.len() > limit {
        return Page::cut(items, limit);
    }
    Page { items, next: bound }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{ReplyType, ReplyValue, Writer};

    struct Item(u64);

    impl ReplyValue for Item {
        const TYPE: ReplyType = ReplyType::Integer;

        fn write(&self, out: &mut dyn Writer) {
            out.integer(self.0.cast_signed());
        }
    }

    impl PageItem for Item {
        type Place = u64;

        fn place(&self) -> u64 {
            self.0
        }
    }

    fn page(items: &[u64], next: Option<u64>) -> Page<Item> {
        let items = items.iter().copied().map(Item).collect();
        Page { items, next }
    }

    #[test]
    fn merged_page_ends_where_some_partition_stopped_though_it_found_nothing() {
        let cases = [
            (
                vec![page(&[1, 4], None), page(&[2, 3], None)],
                (vec![1, 2, 3, 4], None),
            ),
            (
                vec![page(&[1, 9], None), page(&[], Some(5))],
                (vec![1], Some(5)),
            ),
            (
                vec![page(&[7], None), page(&[], Some(5))],
                (vec![], Some(5)),
            ),
            (
                vec![page(&[1, 2], Some(2)), page(&[3], Some(8))],
                (vec![1, 2], Some(2)),
            ),
            (
                vec![page(&[1, 3, 5], None), page(&[2, 4], Some(6))],
                (vec![1, 2, 3, 4], Some(4)),
            ),
        ];
        for (pages, expected) in cases {
            let merged = merge(pages, 4);
            let items: Vec<_> = merged.items.iter().map(PageItem::place).collect();
            assert_eq!((items, merged.next), expected);
        }
    }
}
