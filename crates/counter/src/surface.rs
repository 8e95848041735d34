//! The domain as data: its name, tables and timers, and where its requests stand in each front.

use tidegate_engine::contract::Class::{Finishes, Opens, Reads};
use tidegate_engine::contract::Method::{Get as GET, Post, Put};
use tidegate_engine::contract::{Domain, MailDef, RequestDef};
use tidegate_topic::Append;

use crate::apply::{DROP_BLOCK, DROP_SKETCHES, Declare, Declared, FORGET};
use crate::command::{
    Add, AddAll, AuditList, Correct, Create, Get, Late, List, Range, Raw, Top, Unique,
};
use crate::table::{
    BLOCKS, CORRECTED, CORRECTIONS, COUNTERS, DIMENSIONS, DOMAIN, GENERATIONS, HEADS, ID_PAGES,
    IDS, KEYS, LATE, LATE_EVENTS, LEADERS, RAW, SKETCH_CHUNKS, SKETCH_PAGES, SKETCHED, SKETCHES,
    VALUES,
};

/// A counter tells its shards what it is, and they tell that they know.
const TAKES: &[MailDef] = &[MailDef::of::<Declare>(), MailDef::of::<Declared>()];

/// Beside it, a topic keeps what they count.
const SENDS: &[MailDef] = &[
    MailDef::of::<Declare>(),
    MailDef::of::<Declared>(),
    MailDef::of::<Append>(),
];

/// Counters: events counted by key and by time.
pub const COUNTER: Domain = Domain {
    name: "counter",
    number: DOMAIN,
    doc: "Counters: events counted by key and by time, exactly, and answered for any span.",
    tables: &[
        COUNTERS.def(),
        BLOCKS.def(),
        HEADS.def(),
        KEYS.def(),
        LEADERS.def(),
        IDS.def(),
        ID_PAGES.def(),
        GENERATIONS.def(),
        LATE.def(),
        LATE_EVENTS.def(),
        VALUES.def(),
        DIMENSIONS.def(),
        SKETCHES.def(),
        SKETCH_CHUNKS.def(),
        SKETCHED.def(),
        SKETCH_PAGES.def(),
        RAW.def(),
        CORRECTED.def(),
        CORRECTIONS.def(),
    ],
    timers: &[DROP_BLOCK, FORGET, DROP_SKETCHES],
    takes: TAKES,
    sends: SENDS,
    events: &[],
    counts: &[],
    requests: &[
        RequestDef::call::<Create>("COUNTER.CREATE", Put, "/v1/counters/{name}", Opens),
        RequestDef::call::<Add>("COUNTER.ADD", Post, "/v1/counters/{name}/add", Opens),
        RequestDef::call::<AddAll>("COUNTER.ADDALL", Post, "/v1/counters/{name}/addall", Opens),
        RequestDef::call::<Get>("COUNTER.GET", GET, "/v1/counters/{name}/keys/{key}", Reads),
        RequestDef::call::<Range>(
            "COUNTER.RANGE",
            GET,
            "/v1/counters/{name}/keys/{key}/range",
            Reads,
        ),
        RequestDef::call::<Top>("COUNTER.TOP", GET, "/v1/counters/{name}/top", Reads),
        RequestDef::call::<Unique>("COUNTER.UNIQUE", Post, "/v1/counters/{name}/unique", Reads),
        RequestDef::call::<Correct>(
            "COUNTER.CORRECT",
            Post,
            "/v1/counters/{name}/correct",
            Finishes,
        ),
        RequestDef::scan::<AuditList>("COUNTER.AUDIT", "/v1/counters/{name}/audit"),
        RequestDef::call::<Raw>("COUNTER.RAW", GET, "/v1/counters/{name}/raw", Reads),
        RequestDef::scan::<Late>("COUNTER.LATE", "/v1/counters/{name}/late"),
        RequestDef::scan::<List>("COUNTER.LIST", "/v1/counters"),
    ],
    audit: crate::audit,
};
