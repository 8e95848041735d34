//! The rows of a slot, by sale.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_engine::RowKey;
use tidegate_engine::contract::{Books, Timer, TimerSet};

use super::Kind;
use crate::apply::{DRAW, OPEN, START, STEER};
use crate::check::Check;
use crate::guard::Arrival;
use crate::mail::{CheckNote, Checked};
use crate::table::{
    ARRIVALS, CHECKS, Drawn, ENTRANTS, Entrant, GOODS, GROUPS, Good, Group, SALES, SCATTERED, SKUS,
    Sale,
};

#[derive(Default)]
pub(super) struct Rows {
    pub(super) sale: Option<Sale>,
    /// By buyer.
    pub(super) entrants: BTreeMap<String, Entrant>,
    /// By group and step.
    pub(super) scattered: BTreeMap<(u64, u64), Drawn>,
    pub(super) groups: BTreeMap<u64, Group>,
    pub(super) starts: Vec<TimerSet>,
    pub(super) draws: Vec<TimerSet>,
    /// By SKU.
    pub(super) goods: BTreeMap<String, Good>,
    /// SKUs by number.
    pub(super) skus: BTreeMap<u64, String>,
    /// By cell.
    pub(super) arrivals: BTreeMap<u64, Arrival>,
    /// By buyer.
    pub(super) checks: BTreeMap<String, Check>,
    /// Buyers about whom a hook is being asked.
    pub(super) called: Vec<String>,
    pub(super) opens: Vec<TimerSet>,
    pub(super) steers: Vec<TimerSet>,
    /// Kinds of timers that were set aside.
    pub(super) set_aside: BTreeSet<Kind>,
}

/// The rows of every sale; those that lie elsewhere than they should are told.
pub(super) fn by_sale(books: &Books<'_>, faults: &mut Vec<String>) -> BTreeMap<String, Rows> {
    let mut sales = Sales {
        sales: BTreeMap::new(),
        books,
        faults,
    };
    for (key, sale) in books.rows(&SALES) {
        sales.of(&key).sale = Some(sale);
    }
    for (key, entrant) in books.rows(&ENTRANTS) {
        let buyer = second_text(&key);
        sales.of(&key).entrants.insert(buyer, entrant);
    }
    for (key, drawn) in books.rows(&SCATTERED) {
        let place = numbers(&key);
        sales.of(&key).scattered.insert(place, drawn);
    }
    for (key, group) in books.rows(&GROUPS) {
        let (number, _) = numbers(&key);
        sales.of(&key).groups.insert(number, group);
    }
    for (key, good) in books.rows(&GOODS) {
        let sku = second_text(&key);
        sales.of(&key).goods.insert(sku, good);
    }
    for (key, sku) in books.rows(&SKUS) {
        let (number, _) = numbers(&key);
        sales.of(&key).skus.insert(number, sku.sku.into());
    }
    for (key, arrival) in books.rows(&ARRIVALS) {
        let (cell, _) = numbers(&key);
        sales.of(&key).arrivals.insert(cell, arrival);
    }
    for (key, check) in books.rows(&CHECKS) {
        let buyer = second_text(&key);
        sales.of(&key).checks.insert(buyer, check);
    }
    for call in books.calls::<Checked>() {
        let buyer = minicbor::decode(&call.note).map(|note: CheckNote| note.buyer.into());
        let rows = sales.named(Some(&call.to));
        rows.called.push(buyer.unwrap_or_default());
    }
    for timer in books.timers(&OPEN) {
        sales.named(timer.owner().text()).opens.push(timer);
    }
    for timer in books.timers(&STEER) {
        sales.named(timer.owner().text()).steers.push(timer);
    }
    for timer in books.timers(&START) {
        sales.named(timer.owner().text()).starts.push(timer);
    }
    for timer in books.timers(&DRAW) {
        sales.named(timer.owner().text()).draws.push(timer);
    }
    sales.note_set_aside(&START, Kind::Start);
    sales.note_set_aside(&DRAW, Kind::Draw);
    sales.note_set_aside(&OPEN, Kind::Open);
    sales.note_set_aside(&STEER, Kind::Steer);
    sales.sales
}

struct Sales<'a, 'b> {
    sales: BTreeMap<String, Rows>,
    books: &'a Books<'b>,
    faults: &'a mut Vec<String>,
}

impl Sales<'_, '_> {
    fn of(&mut self, key: &RowKey) -> &mut Rows {
        self.named(key.parts().text())
    }

    fn named(&mut self, name: Option<&str>) -> &mut Rows {
        let name = name.unwrap_or_default();
        if !self.books.is_home_of(name) {
            self.faults
                .push(format!("sale {name}: a row of it lies in another slot"));
        }
        self.sales.entry(name.to_owned()).or_default()
    }

    fn note_set_aside(&mut self, timer: &Timer, kind: Kind) {
        for timer in self.books.timers_set_aside(timer) {
            let rows = self.named(timer.owner().text());
            rows.set_aside.insert(kind);
        }
    }
}

/// The text behind the sale in a key.
fn second_text(key: &RowKey) -> String {
    let mut parts = key.parts();
    parts.text();
    parts.text().unwrap_or_default().to_owned()
}

/// The numbers behind the sale in a key, as many as there are.
fn numbers(key: &RowKey) -> (u64, u64) {
    let mut parts = key.parts();
    parts.text();
    let first = parts.number().unwrap_or(u64::MAX);
    (first, parts.number().unwrap_or(u64::MAX))
}
