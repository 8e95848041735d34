//! The domain as data: its name, tables and timers, and where its requests stand in each front.

use tidegate_engine::contract::Class::{Finishes, Opens, Reads};
use tidegate_engine::contract::Method::{Get as GET, Post};
use tidegate_engine::contract::{Domain, MailDef, RequestDef, Watched};

use crate::apply::{CLOSE, DRAW, OPEN, START, STEER, UNVOID, WATCH};
use crate::command::{Beacon, Buy, Create, Entries, Get, Goods, Join, Position, StartOf, Token};
use crate::counts::COUNTS;
use crate::mail::{Checked, LevelTold, MakeVoid, OpenShelf, OrderEnded, Spent, VoidOrNot};
use crate::table::{
    ARRIVALS, CHECKS, DOMAIN, ENTRANTS, GOODS, GROUPS, SALES, SCATTERED, SHELVES, SKUS, VOIDS,
};

/// One stream tells of a sale, and of the place of who holds a ticket.
const STREAM: &str = "/v1/sales/{id}/stream";

/// Its state and who is admitted move with time.
const MOVING: Watched = Watched {
    path: STREAM,
    aside: &[],
    moves: true,
};

/// The time is no news, and with a stream nobody asks again.
const PLACE: Watched = Watched {
    path: STREAM,
    aside: &["ask_after_ms", "now_ms"],
    moves: true,
};

/// Sales: a moment that everybody knows, and a fair place in line for all who come.
pub const SALE: Domain = Domain {
    name: "sale",
    number: DOMAIN,
    doc: "Sales that start at a moment which everybody knows: a draw that anyone can check, a waiting room, and what is bought there.",
    tables: &[
        SALES.def(),
        ENTRANTS.def(),
        SCATTERED.def(),
        GROUPS.def(),
        GOODS.def(),
        SKUS.def(),
        SHELVES.def(),
        VOIDS.def(),
        ARRIVALS.def(),
        CHECKS.def(),
    ],
    timers: &[START, DRAW, OPEN, STEER, WATCH, CLOSE, UNVOID],
    takes: &[
        MailDef::of::<OpenShelf>(),
        MailDef::of::<MakeVoid>(),
        MailDef::of::<VoidOrNot>(),
        MailDef::of::<Spent>(),
        MailDef::of::<LevelTold>(),
        MailDef::of::<OrderEnded>(),
        MailDef::of::<Checked>(),
    ],
    sends: &[
        MailDef::of::<OpenShelf>(),
        MailDef::of::<MakeVoid>(),
        MailDef::of::<VoidOrNot>(),
        MailDef::of::<Spent>(),
    ],
    events: &[],
    counts: &COUNTS,
    requests: &[
        RequestDef::call::<Create>("SALE.CREATE", Post, "/v1/sales", Finishes),
        RequestDef::call::<Get>("SALE.GET", GET, "/v1/sales/{id}", Reads)
            .watched(MOVING)
            .public(),
        RequestDef::call::<StartOf>("SALE.START", GET, "/v1/sales/{id}/start", Reads).public(),
        RequestDef::call::<Join>("SALE.JOIN", Post, "/v1/sales/{id}/entries", Opens).public(),
        RequestDef::call::<Position>("SALE.POSITION", GET, "/v1/sales/{id}/position", Reads)
            .watched(PLACE)
            .public(),
        RequestDef::call::<Token>("SALE.TOKEN", Post, "/v1/sales/{id}/tokens", Opens).public(),
        RequestDef::call::<Buy>("SALE.BUY", Post, "/v1/sales/{id}/buy/{nonce}", Opens)
            .core()
            .public(),
        RequestDef::scan::<Goods>("SALE.GOODS", "/v1/sales/{id}/goods")
            .normal()
            .public(),
        RequestDef::call::<Beacon>("SALE.BEACON", Post, "/v1/sales/{id}/beacon", Finishes).core(),
        RequestDef::scan::<Entries>("SALE.ENTRIES", "/v1/sales/{id}/entries").public(),
    ],
    audit: crate::audit,
};
