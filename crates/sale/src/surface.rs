//! The domain as data: its name, tables and timers, and where its requests stand in each front.

use tidegate_engine::contract::Class::{Finishes, Opens, Reads};
use tidegate_engine::contract::Method::{Get as GET, Post};
use tidegate_engine::contract::{Domain, RequestDef};

use crate::apply::{DRAW, START};
use crate::command::{Beacon, Create, Entries, Get, Join, Position, StartOf};
use crate::table::{DOMAIN, ENTRANTS, GROUPS, SALES, SCATTERED};

/// Sales: a moment that everybody knows, and a fair place in line for all who come.
pub const SALE: Domain = Domain {
    name: "sale",
    number: DOMAIN,
    doc: "Sales that start at a moment which everybody knows: a draw that anyone can check, and a waiting room.",
    tables: &[SALES.def(), ENTRANTS.def(), SCATTERED.def(), GROUPS.def()],
    timers: &[START, DRAW],
    takes: &[],
    sends: &[],
    events: &[],
    counts: &[],
    requests: &[
        RequestDef::call::<Create>("SALE.CREATE", Post, "/v1/sales", Finishes),
        RequestDef::call::<Get>("SALE.GET", GET, "/v1/sales/{id}", Reads),
        RequestDef::call::<StartOf>("SALE.START", GET, "/v1/sales/{id}/start", Reads),
        RequestDef::call::<Join>("SALE.JOIN", Post, "/v1/sales/{id}/entries", Opens),
        RequestDef::call::<Position>("SALE.POSITION", GET, "/v1/sales/{id}/position", Reads),
        RequestDef::call::<Beacon>("SALE.BEACON", Post, "/v1/sales/{id}/beacon", Finishes),
        RequestDef::scan::<Entries>("SALE.ENTRIES", "/v1/sales/{id}/entries"),
    ],
    audit: crate::audit,
};
