//! The engine's own domain: its tables, and the requests that are about no structure.

use crate::archive::DROPPED;
use crate::contract::{Class, Domain, Method, RequestDef};
use crate::courier::{self, CALLS, ListCalls, NEXT_TRY, Retry};
use crate::dead::{DEAD, Drop, ListDead, REPLAY, Replay};
use crate::event::{EVENTS, FLOORS, List};
use crate::hot::ListHot;
use crate::laws::audit;
use crate::mail::{OUTBOX, RECEIVED};
use crate::now::Now;
use crate::shed::{GetShed, SetShed};
use crate::splits::SPLITS;
use crate::stream::Stream;
use crate::timer::{IDLE_TIMERS, TIMERS};

/// Registered in front of every other domain.
pub(crate) const ENGINE: Domain = Domain {
    name: "event",
    number: 0,
    doc: "What happened, as the structures tell it.",
    tables: &[
        TIMERS.def(),
        EVENTS.def(),
        OUTBOX.def(),
        RECEIVED.def(),
        DEAD.def(),
        FLOORS.def(),
        DROPPED.def(),
        IDLE_TIMERS.def(),
        CALLS.def(),
        SPLITS.def(),
    ],
    timers: &[REPLAY, NEXT_TRY],
    takes: &[],
    sends: &[],
    events: &[],
    counts: &[],
    requests: &[
        RequestDef::scan::<List>("EVENT.LIST", "/v1/events"),
        RequestDef::stream::<Stream>("EVENT.STREAM", "/v1/events/stream"),
        RequestDef::call::<Now>("TIME.GET", Method::Get, "/v1/time", Class::Reads).public(),
        RequestDef::at_door::<ListHot>("HOT.LIST", Method::Get, "/v1/hot", Class::Reads),
        RequestDef::at_door::<GetShed>("SHED.GET", Method::Get, "/v1/shed", Class::Reads),
        RequestDef::at_door::<SetShed>("SHED.SET", Method::Put, "/v1/shed", Class::Finishes),
        RequestDef::scan::<ListDead>("DEAD.LIST", "/v1/dead"),
        RequestDef::call::<Replay>(
            "DEAD.REPLAY",
            Method::Post,
            "/v1/dead/{id}/replay",
            Class::Finishes,
        )
        .core(),
        RequestDef::call::<Drop>(
            "DEAD.DROP",
            Method::Post,
            "/v1/dead/{id}/drop",
            Class::Finishes,
        )
        .core(),
        RequestDef::scan::<ListCalls>("CALL.LIST", "/v1/calls"),
        RequestDef::call::<Retry>(
            "CALL.RETRY",
            Method::Post,
            "/v1/calls/{id}/retry",
            Class::Finishes,
        )
        .core(),
        RequestDef::call::<courier::Drop>(
            "CALL.DROP",
            Method::Post,
            "/v1/calls/{id}/drop",
            Class::Finishes,
        )
        .core(),
    ],
    audit,
};
