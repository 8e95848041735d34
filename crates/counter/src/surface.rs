//! The domain as data: its name, tables and timers, and where its requests stand in each front.

use tidegate_engine::contract::Class::{Finishes, Opens, Reads};
use tidegate_engine::contract::Method::{Delete, Get as GET, Post, Put};
use tidegate_engine::contract::{Beacon, Domain, MailDef, RequestDef};
use tidegate_topic::Append;

use crate::apply::{
    DROP_BLOCK, DROP_SKETCHES, Declare, Declared, EMPTY, Emptied, FORGET, MOVE, Undeclare,
    Undeclared,
};
use crate::command::{
    Add, AddAll, AuditList, Correct, Create, DropCounter, DropSource, Fact, Facts, Get, GetAll,
    Hot, Late, List, Range, RangeAll, Raw, SetSource, SourceList, Top, Unique, UniqueAll,
};
use crate::table::{
    BLOCKS, CORRECTED, CORRECTIONS, COUNTERS, DIMENSIONS, DOMAIN, EMPTYING, FACT_LISTS, FACT_PAGES,
    FACTS, GENERATIONS, HEADS, ID_PAGES, IDS, KEYS, LATE, LATE_EVENTS, LEADERS, MOVES, OPEN, RAW,
    SKETCH_CHUNKS, SKETCH_PAGES, SKETCHED, SKETCHES, SOURCES, VALUES,
};

/// A counter tells its shards what it is, and that it is dropped, and they tell that they know.
const TAKES: &[MailDef] = &[
    MailDef::of::<Declare>(),
    MailDef::of::<Declared>(),
    MailDef::of::<Undeclare>(),
    MailDef::of::<Undeclared>(),
    MailDef::of::<Emptied>(),
];

/// Beside it, a topic keeps what they count.
const SENDS: &[MailDef] = &[
    MailDef::of::<Declare>(),
    MailDef::of::<Declared>(),
    MailDef::of::<Undeclare>(),
    MailDef::of::<Undeclared>(),
    MailDef::of::<Emptied>(),
    MailDef::of::<Append>(),
];

/// What pages tell. Not how much, nor when: a visitor could say anything.
const BEACON: Beacon = Beacon {
    path: "/v1/counters/{name}/beacon",
    fields: &["event", "key", "by", "dims"],
};

/// Counters: events counted by key and by time.
pub const COUNTER: Domain = Domain {
    name: "counter",
    number: DOMAIN,
    doc: "Counters: events counted by key and by time, exactly, and answered for any span.",
    tables: &[
        COUNTERS.def(),
        OPEN.def(),
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
        EMPTYING.def(),
        FACTS.def(),
        FACT_LISTS.def(),
        FACT_PAGES.def(),
        MOVES.def(),
        RAW.def(),
        CORRECTED.def(),
        CORRECTIONS.def(),
        SOURCES.def(),
    ],
    timers: &[DROP_BLOCK, FORGET, DROP_SKETCHES, EMPTY, MOVE],
    takes: TAKES,
    sends: SENDS,
    events: &[],
    counts: &[],
    requests: &[
        RequestDef::call::<Create>("COUNTER.CREATE", Put, "/v1/counters/{name}", Opens),
        RequestDef::call::<DropCounter>("COUNTER.DROP", Delete, "/v1/counters/{name}", Finishes),
        RequestDef::call::<Add>("COUNTER.ADD", Post, "/v1/counters/{name}/add", Opens)
            .with_beacon(BEACON),
        RequestDef::call::<AddAll>("COUNTER.ADDALL", Post, "/v1/counters/{name}/events", Opens),
        RequestDef::call::<Fact>(
            "COUNTER.FACT",
            Put,
            "/v1/counters/{name}/keys/{key}/facts",
            Opens,
        ),
        RequestDef::call::<Facts>(
            "COUNTER.FACTS",
            GET,
            "/v1/counters/{name}/keys/{key}/facts",
            Reads,
        ),
        RequestDef::call::<Get>("COUNTER.GET", GET, "/v1/counters/{name}/keys/{key}", Reads),
        RequestDef::call::<Range>(
            "COUNTER.RANGE",
            GET,
            "/v1/counters/{name}/keys/{key}/range",
            Reads,
        ),
        RequestDef::call::<Top>("COUNTER.TOP", GET, "/v1/counters/{name}/top", Reads),
        RequestDef::call::<Hot>("COUNTER.HOT", GET, "/v1/counters/{name}/hot", Reads),
        RequestDef::call::<Unique>("COUNTER.UNIQUE", Post, "/v1/counters/{name}/unique", Reads),
        RequestDef::call::<GetAll>("COUNTER.GETALL", Post, "/v1/counters/{name}/getall", Reads),
        RequestDef::call::<RangeAll>(
            "COUNTER.RANGEALL",
            Post,
            "/v1/counters/{name}/rangeall",
            Reads,
        ),
        RequestDef::call::<UniqueAll>(
            "COUNTER.UNIQUEALL",
            Post,
            "/v1/counters/{name}/uniqueall",
            Reads,
        ),
        RequestDef::call::<Correct>(
            "COUNTER.CORRECT",
            Post,
            "/v1/counters/{name}/correct",
            Finishes,
        ),
        RequestDef::scan::<AuditList>("COUNTER.AUDIT", "/v1/counters/{name}/audit"),
        RequestDef::call::<Raw>("COUNTER.RAW", GET, "/v1/counters/{name}/raw", Reads),
        RequestDef::call::<SetSource>(
            "COUNTER.SOURCE",
            Put,
            "/v1/counters/{name}/sources/{topic}",
            Finishes,
        ),
        RequestDef::call::<DropSource>(
            "COUNTER.UNSOURCE",
            Delete,
            "/v1/counters/{name}/sources/{topic}",
            Finishes,
        ),
        RequestDef::scan::<SourceList>("COUNTER.SOURCES", "/v1/sources/counters").core(),
        RequestDef::scan::<Late>("COUNTER.LATE", "/v1/counters/{name}/late"),
        RequestDef::scan::<List>("COUNTER.LIST", "/v1/counters"),
    ],
    audit: crate::audit,
};
