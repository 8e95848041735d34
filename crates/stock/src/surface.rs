//! The domain as data: its name, tables and timers, and where its requests stand in each front.

use tidegate_engine::contract::Class::{Finishes, Opens, Reads};
use tidegate_engine::contract::Method::{Get as GET, Post, Put};
use tidegate_engine::contract::{Domain, Event, MailDef, RequestDef};

use crate::apply::{
    ARCHIVE, ARCHIVE_FLOW, ClaimUnits, EXPIRE, GIVE_BACK, SERVE, SettleUnits, TELL_LEVEL, ToHome,
    ToShard, ToldLevel,
};
use crate::archive::{FLOW_ARCHIVE, HOLDS_ARCHIVE, LEFT};
use crate::command::{
    Add, Confirm, Flow, Get, Hold, HoldInfo, Holds, List, Release, Return, Set, Split,
};
use crate::event::StockLow;
use crate::table::{
    ADDS, ASKS, BUYERS, BY_STATE, DOMAIN, FLOW, HOLDS, LINE, PARTS, PLACES, RETURNS, SHARDS, SKUS,
};

/// Claims go on to the next SKU, and units from shard to shard; to whoever claims, stock writes by the address that it was given.
const MAIL: &[MailDef] = &[
    MailDef::of::<ClaimUnits>(),
    MailDef::of::<SettleUnits>(),
    MailDef::of::<ToHome>(),
    MailDef::of::<ToShard>(),
    MailDef::of::<ToldLevel>(),
];

/// Stock: units of SKUs that cannot be oversold.
pub const STOCK: Domain = Domain {
    name: "stock",
    number: DOMAIN,
    doc: "Units of SKUs that cannot be oversold: held for a while, sold, returned.",
    tables: &[
        SKUS.def(),
        HOLDS.def(),
        BY_STATE.def(),
        FLOW.def(),
        BUYERS.def(),
        ADDS.def(),
        RETURNS.def(),
        HOLDS_ARCHIVE.def(),
        FLOW_ARCHIVE.def(),
        LEFT.def(),
        PARTS.def(),
        LINE.def(),
        PLACES.def(),
        SHARDS.def(),
        ASKS.def(),
    ],
    timers: &[EXPIRE, ARCHIVE, ARCHIVE_FLOW, SERVE, TELL_LEVEL, GIVE_BACK],
    takes: MAIL,
    sends: MAIL,
    events: &[StockLow::DEF],
    counts: &[],
    requests: &[
        RequestDef::call::<Set>("STOCK.SET", Put, "/v1/stock/{sku}", Finishes),
        RequestDef::call::<Add>("STOCK.ADD", Post, "/v1/stock/{sku}/changes", Finishes),
        RequestDef::call::<Split>("STOCK.SPLIT", Post, "/v1/stock/{sku}/split", Finishes),
        RequestDef::call::<Get>("STOCK.GET", GET, "/v1/stock/{sku}", Reads),
        RequestDef::scan::<List>("STOCK.LIST", "/v1/stock"),
        RequestDef::call::<Hold>("STOCK.HOLD", Post, "/v1/stock/{sku}/holds", Opens),
        RequestDef::call::<Confirm>(
            "STOCK.CONFIRM",
            Post,
            "/v1/stock/{sku}/holds/{id}/confirm",
            Finishes,
        )
        .core(),
        RequestDef::call::<Release>(
            "STOCK.RELEASE",
            Post,
            "/v1/stock/{sku}/holds/{id}/release",
            Finishes,
        )
        .core(),
        RequestDef::call::<Return>(
            "STOCK.RETURN",
            Post,
            "/v1/stock/{sku}/holds/{hold}/returns",
            Finishes,
        )
        .core(),
        RequestDef::call::<HoldInfo>("STOCK.HOLDINFO", GET, "/v1/stock/{sku}/holds/{id}", Reads),
        RequestDef::scan::<Holds>("STOCK.HOLDS", "/v1/stock/{sku}/holds"),
        RequestDef::scan::<Flow>("STOCK.FLOW", "/v1/stock/{sku}/flow"),
    ],
    audit: crate::audit,
};
