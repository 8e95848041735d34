//! The rows of one slot, by SKU.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use tidegate_claim::Claim;
use tidegate_engine::contract::{Books, Timer};
use tidegate_engine::{KeyReader, Row, RowKey, Slice, Table};

use crate::apply::{ARCHIVE, ARCHIVE_FLOW, EXPIRE, GIVE_BACK, SERVE, TELL_LEVEL};
use crate::archive::{ArchivedHold, FLOW_ARCHIVE, HOLDS_ARCHIVE, LEFT, Left};
use crate::table::{
    ADDS, ASKS, Added, Ask, BUYERS, BY_STATE, Change, FLOW, HOLDS, Held, LINE, Lent, PARTS, PLACES,
    RETURNS, SHARDS, SKUS, Sku, Taken,
};

/// All rows of one SKU.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) sku: Option<Sku>,
    /// With their details, as far as these are kept.
    pub(super) holds: BTreeMap<CompactString, Held>,
    /// Holds whose details are not kept.
    pub(super) dropped: BTreeSet<CompactString>,
    /// Holds in the archive by slice and position, before they are joined with the others.
    pub(super) archived: BTreeMap<(Slice, u64), ArchivedHold>,
    pub(super) left: Option<Left>,
    /// State, position and id of each entry of the index of states.
    pub(super) index: BTreeSet<(u8, u64, CompactString)>,
    pub(super) flow: BTreeMap<u64, Change>,
    /// What is kept of it in the archive: it leaves oldest first.
    pub(super) flow_archived: BTreeMap<(Slice, u64), Change>,
    pub(super) buyers: BTreeMap<CompactString, Taken>,
    pub(super) adds: BTreeMap<CompactString, Added>,
    /// Units that were returned, by hold and id of the return.
    pub(super) returns: BTreeMap<(CompactString, CompactString), u64>,
    /// When each expiry timer is due, and of which hold it is.
    pub(super) timers: BTreeSet<(u64, CompactString)>,
    /// The holds that are to leave, as often as there is a timer for it.
    pub(super) leaving: BTreeMap<CompactString, u64>,
    /// The changes from which on the flow is to leave.
    pub(super) flow_leaving: Vec<u64>,
    pub(super) set_aside: SetAside,
    /// Holds of claims that are not known to be whole, by number.
    pub(super) parts: BTreeMap<u64, CompactString>,
    /// Claims that wait, by place.
    pub(super) line: BTreeMap<u64, Claim>,
    /// And where they stand, by the holds that they would become.
    pub(super) places: BTreeMap<CompactString, u64>,
    /// How often those in line are to be looked after.
    pub(super) serves: usize,
    /// When those who watch it are told.
    pub(super) levels: Vec<u64>,
    /// What was lent to other shards.
    pub(super) shards: BTreeMap<u64, Lent>,
    /// Those that ask for units, by place.
    pub(super) asks: BTreeMap<u64, Ask>,
    /// The gatherings for which it is to give back what lies idle.
    pub(super) gives: Vec<u64>,
}

impl Rows {
    pub(super) fn is_split(&self) -> bool {
        self.sku.as_ref().is_some_and(|sku| sku.share.is_some())
    }
}

/// What timers that were set aside were set with: they stand for those that are set.
#[derive(Default)]
pub(super) struct SetAside {
    pub(super) expiries: BTreeSet<CompactString>,
    pub(super) leaving: BTreeSet<CompactString>,
    pub(super) flow_leaving: BTreeSet<u64>,
    pub(super) serves: bool,
    pub(super) levels: bool,
}

/// Rows by SKU. A key that is none of its table's, or lies in the slot of another SKU, is told.
pub(super) fn by_sku(books: &Books<'_>, faults: &mut Vec<String>) -> BTreeMap<CompactString, Rows> {
    let mut sort = Sort {
        books,
        skus: BTreeMap::new(),
        faults,
    };
    sort.table(&SKUS, |_| Some(()), |rows, (), sku| rows.sku = Some(sku));
    sort.table(&HOLDS, text, |rows, id, hold| {
        rows.holds.insert(id, hold);
    });
    let state_and_position = |key: &mut KeyReader<'_>| key.byte().zip(key.number());
    sort.table(
        &BY_STATE,
        state_and_position,
        |rows, (state, position), row| {
            rows.index.insert((state, position, row.id));
        },
    );
    let number = |key: &mut KeyReader<'_>| key.number();
    sort.table(&FLOW, number, |rows, position, change| {
        rows.flow.insert(position, change);
    });
    sort.table(&BUYERS, text, |rows, buyer, taken| {
        rows.buyers.insert(buyer, taken);
    });
    sort.table(&ADDS, text, |rows, id, added| {
        rows.adds.insert(id, added);
    });
    let hold_and_id = |key: &mut KeyReader<'_>| text(key).zip(text(key));
    sort.table(&RETURNS, hold_and_id, |rows, key, returned| {
        rows.returns.insert(key, returned.quantity);
    });
    sort.table(&LEFT, |_| Some(()), |rows, (), left| rows.left = Some(left));
    sort.archive(&HOLDS_ARCHIVE, |rows, at, row| {
        rows.archived.insert(at, row);
    });
    sort.archive(&FLOW_ARCHIVE, |rows, at, change| {
        rows.flow_archived.insert(at, change);
    });
    sort.table(&PARTS, number, |rows, part, row| {
        rows.parts.insert(part, row.id);
    });
    sort.table(&LINE, number, |rows, place, claim| {
        rows.line.insert(place, claim);
    });
    sort.table(&PLACES, text, |rows, id, row| {
        rows.places.insert(id, row.place);
    });
    sort.table(&SHARDS, number, |rows, at, row| {
        rows.shards.insert(at, row);
    });
    sort.table(&ASKS, number, |rows, place, ask| {
        rows.asks.insert(place, ask);
    });
    sort.timers(&GIVE_BACK, number, |rows, _, round| rows.gives.push(round));
    sort.timers_set_aside(&GIVE_BACK, number, |rows, round| rows.gives.push(round));
    sort.timers(&SERVE, |_| Some(()), |rows, _, ()| rows.serves += 1);
    sort.timers_set_aside(
        &SERVE,
        |_| Some(()),
        |rows, ()| rows.set_aside.serves = true,
    );
    sort.timers(
        &TELL_LEVEL,
        |_| Some(()),
        |rows, due_ms, ()| rows.levels.push(due_ms),
    );
    sort.timers_set_aside(
        &TELL_LEVEL,
        |_| Some(()),
        |rows, ()| rows.set_aside.levels = true,
    );
    sort.timers(&EXPIRE, text, |rows, due_ms, hold| {
        rows.timers.insert((due_ms, hold));
    });
    sort.timers(&ARCHIVE, text, |rows, _, hold| {
        *rows.leaving.entry(hold).or_default() += 1;
    });
    sort.timers(&ARCHIVE_FLOW, number, |rows, _, position| {
        rows.flow_leaving.push(position);
    });
    sort.timers_set_aside(&EXPIRE, text, |rows, hold| {
        rows.set_aside.expiries.insert(hold);
    });
    sort.timers_set_aside(&ARCHIVE, text, |rows, hold| {
        rows.set_aside.leaving.insert(hold);
    });
    sort.timers_set_aside(&ARCHIVE_FLOW, number, |rows, position| {
        rows.set_aside.flow_leaving.insert(position);
    });
    sort.skus
}

fn text(key: &mut KeyReader<'_>) -> Option<CompactString> {
    key.text().map(CompactString::new)
}

struct Sort<'a> {
    books: &'a Books<'a>,
    skus: BTreeMap<CompactString, Rows>,
    faults: &'a mut Vec<String>,
}

impl Sort<'_> {
    fn table<R: Row, P>(
        &mut self,
        table: &Table<R>,
        parts: impl Fn(&mut KeyReader<'_>) -> Option<P>,
        put: impl Fn(&mut Rows, P, R),
    ) {
        for (key, row) in self.books.rows(table) {
            match self.split(key.parts(), &parts) {
                Some((sku, parts)) => put(self.skus.entry(sku).or_default(), parts, row),
                None => self.fault(table.def().name(), &key),
            }
        }
    }

    /// Rows of an archive by slice and position.
    fn archive<R: Row>(&mut self, table: &Table<R>, put: impl Fn(&mut Rows, (Slice, u64), R)) {
        for (key, row) in self.books.rows(table) {
            let mut parts = key.parts();
            let slice = parts.slice().unwrap_or_default();
            match self.split(parts, |key: &mut KeyReader<'_>| key.number()) {
                Some((sku, position)) => {
                    put(self.skus.entry(sku).or_default(), (slice, position), row);
                }
                None => self.fault(table.def().name(), &key),
            }
        }
    }

    fn timers<P>(
        &mut self,
        timer: &Timer,
        parts: impl Fn(&mut KeyReader<'_>) -> Option<P>,
        put: impl Fn(&mut Rows, u64, P),
    ) {
        for timer in self.books.timers(timer) {
            match self.split(timer.owner(), &parts) {
                Some((sku, of)) => put(self.skus.entry(sku).or_default(), timer.due_ms(), of),
                None => self.fault("the timers", timer.key()),
            }
        }
    }

    fn timers_set_aside<P>(
        &mut self,
        timer: &Timer,
        parts: impl Fn(&mut KeyReader<'_>) -> Option<P>,
        put: impl Fn(&mut Rows, P),
    ) {
        for timer in self.books.timers_set_aside(timer) {
            // One of another key is no stand-in for any: the engine's own laws tell of it.
            if let Some((sku, of)) = self.split(timer.owner(), &parts)
                && let Some(rows) = self.skus.get_mut(&sku)
            {
                put(rows, of);
            }
        }
    }

    /// The SKU and the parts behind it, if that is the whole key and the SKU belongs into this slot.
    fn split<P>(
        &self,
        mut key: KeyReader<'_>,
        parts: impl Fn(&mut KeyReader<'_>) -> Option<P>,
    ) -> Option<(CompactString, P)> {
        let sku = text(&mut key)?;
        let parts = parts(&mut key)?;
        let is_whole = key.rest().is_empty() && self.books.is_home_of(&sku);
        is_whole.then_some((sku, parts))
    }

    fn fault(&mut self, of: &str, key: &RowKey) {
        let (slot, key) = (key.slot().0, key.parts().rest().escape_ascii());
        let what = format!("{of}: in slot {slot} there is no key {key}");
        self.faults.push(what);
    }
}
