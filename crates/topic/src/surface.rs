//! The domain as data: its name, tables and timers, and where its requests stand in each front.
//!
//! Reads are of the class that finishes something, and are never shed: groups have to go on while publishers are told
//! BUSY, or what they are behind with would never become less.

use tidegate_engine::contract::Class::{Finishes, Opens, Reads};
use tidegate_engine::contract::Method::{Delete, Get as GET, Post, Put};
use tidegate_engine::contract::{Domain, Event, MailDef, RequestDef};

use crate::apply::{
    APPEAR, Append, BLOCKED_GOES, Emptied, Knows, LEASE_END, LINE_GOES, LOOK_AT_LAG, Lags,
    REST_OVER, RETAIN, ToPart,
};
use crate::command::{
    Ack, AuditList, Browse, Create, DeadInfo, DeadList, DeleteTopic, DropAll, DropDead, Extend,
    Find, Get, Groups, History, List, Move, Nack, Pause, Publish, PublishAll, Pull, Push, Pushes,
    Read, Replay, ReplayAll, Resume, SetGroup,
};
use crate::emptying::{EMPTY, FORGET};
use crate::event::{TopicCaughtUp, TopicLagging};
use crate::table::{
    BLOCKED, DEAD, DELAYED, DOMAIN, GONE, GROUP_NAMES, GROUPS, IDS, KEYS, LEASES, MESSAGES, OPEN,
    PARTS, PINS, PUSHES, READY, RESTING, SCHEMAS, STEERED, TOLD, TOPICS,
};

/// What parts tell each other.
const SENDS: &[MailDef] = &[
    MailDef::of::<ToPart>(),
    MailDef::of::<Knows>(),
    MailDef::of::<Lags>(),
    MailDef::of::<Emptied>(),
];

/// Beside it, what other domains publish.
const TAKES: &[MailDef] = &[
    MailDef::of::<ToPart>(),
    MailDef::of::<Knows>(),
    MailDef::of::<Lags>(),
    MailDef::of::<Emptied>(),
    MailDef::of::<Append>(),
];

/// Topics: messages that are kept in order, and groups that lease them.
pub const TOPIC: Domain = Domain {
    name: "topic",
    number: DOMAIN,
    doc: "Messages that are kept in order, leased to members of groups, acknowledged or given back.",
    tables: &[
        TOPICS.def(),
        PARTS.def(),
        MESSAGES.def(),
        IDS.def(),
        KEYS.def(),
        DELAYED.def(),
        GROUPS.def(),
        OPEN.def(),
        LEASES.def(),
        READY.def(),
        RESTING.def(),
        BLOCKED.def(),
        DEAD.def(),
        PINS.def(),
        STEERED.def(),
        SCHEMAS.def(),
        PUSHES.def(),
        TOLD.def(),
        GROUP_NAMES.def(),
        GONE.def(),
    ],
    timers: &[
        APPEAR,
        LEASE_END,
        REST_OVER,
        RETAIN,
        LINE_GOES,
        BLOCKED_GOES,
        LOOK_AT_LAG,
        EMPTY,
        FORGET,
    ],
    takes: TAKES,
    sends: SENDS,
    events: &[TopicLagging::DEF, TopicCaughtUp::DEF],
    counts: &[],
    requests: &[
        RequestDef::call::<Create>("TOPIC.CREATE", Put, "/v1/topics/{name}", Finishes),
        RequestDef::call::<Get>("TOPIC.GET", GET, "/v1/topics/{name}", Reads),
        RequestDef::call::<DeleteTopic>("TOPIC.DELETE", Delete, "/v1/topics/{name}", Finishes),
        RequestDef::scan::<List>("TOPIC.LIST", "/v1/topics"),
        RequestDef::call::<Publish>("TOPIC.PUBLISH", Post, "/v1/topics/{name}/messages", Opens),
        RequestDef::call::<PublishAll>(
            "TOPIC.PUBLISHALL",
            Post,
            "/v1/topics/{name}/batches",
            Opens,
        ),
        RequestDef::scan::<Browse>("TOPIC.BROWSE", "/v1/topics/{name}/messages"),
        RequestDef::scan::<History>("TOPIC.HISTORY", "/v1/topics/{name}/keys/{key}/messages"),
        RequestDef::call::<Find>("TOPIC.FIND", GET, "/v1/topics/{name}/ids/{id}", Reads),
        RequestDef::call::<SetGroup>(
            "TOPIC.GROUP",
            Put,
            "/v1/topics/{name}/groups/{group}",
            Finishes,
        ),
        RequestDef::scan::<Groups>("TOPIC.GROUPS", "/v1/topics/{name}/groups").normal(),
        RequestDef::call::<Pause>(
            "TOPIC.PAUSE",
            Post,
            "/v1/topics/{name}/groups/{group}/pause",
            Finishes,
        ),
        RequestDef::call::<Resume>(
            "TOPIC.RESUME",
            Post,
            "/v1/topics/{name}/groups/{group}/resume",
            Finishes,
        ),
        RequestDef::call::<Move>(
            "TOPIC.MOVE",
            Post,
            "/v1/topics/{name}/groups/{group}/move",
            Finishes,
        ),
        RequestDef::call::<Push>(
            "TOPIC.PUSH",
            Put,
            "/v1/topics/{name}/groups/{group}/push",
            Finishes,
        ),
        RequestDef::call::<Pull>(
            "TOPIC.PULL",
            Delete,
            "/v1/topics/{name}/groups/{group}/push",
            Finishes,
        ),
        RequestDef::scan::<Pushes>("TOPIC.PUSHES", "/v1/pushes/topics").core(),
        RequestDef::scan::<AuditList>("TOPIC.AUDIT", "/v1/topics/{name}/groups/{group}/audit"),
        RequestDef::call::<Read>(
            "TOPIC.READ",
            Post,
            "/v1/topics/{name}/groups/{group}/leases",
            Finishes,
        )
        .core(),
        RequestDef::call::<Ack>(
            "TOPIC.ACK",
            Post,
            "/v1/topics/{name}/groups/{group}/leases/{lease}/ack",
            Finishes,
        )
        .core(),
        RequestDef::call::<Nack>(
            "TOPIC.NACK",
            Post,
            "/v1/topics/{name}/groups/{group}/leases/{lease}/nack",
            Finishes,
        )
        .core(),
        RequestDef::call::<Extend>(
            "TOPIC.EXTEND",
            Post,
            "/v1/topics/{name}/groups/{group}/leases/{lease}/extend",
            Finishes,
        )
        .core(),
        RequestDef::scan::<DeadList>("TOPIC.DEAD", "/v1/topics/{name}/groups/{group}/dead"),
        RequestDef::call::<DeadInfo>(
            "TOPIC.DEADINFO",
            GET,
            "/v1/topics/{name}/groups/{group}/dead/{number}",
            Reads,
        ),
        RequestDef::call::<Replay>(
            "TOPIC.REPLAY",
            Post,
            "/v1/topics/{name}/groups/{group}/dead/{number}/replay",
            Finishes,
        ),
        RequestDef::call::<DropDead>(
            "TOPIC.DROP",
            Post,
            "/v1/topics/{name}/groups/{group}/dead/{number}/drop",
            Finishes,
        ),
        RequestDef::call::<ReplayAll>(
            "TOPIC.REPLAYALL",
            Post,
            "/v1/topics/{name}/groups/{group}/replays",
            Finishes,
        ),
        RequestDef::call::<DropAll>(
            "TOPIC.DROPALL",
            Post,
            "/v1/topics/{name}/groups/{group}/drops",
            Finishes,
        ),
    ],
    audit: crate::audit,
};
