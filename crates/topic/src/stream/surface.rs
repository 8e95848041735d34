//! The domain as data: its name, tables and commands. Groups go on while publishers are told BUSY.

use tidegate_engine::contract::Class::{Finishes, Opens, Reads};
use tidegate_engine::contract::{Domain, RequestDef};

use super::audit::audit;
use super::command::{
    XAck, XAdd, XAutoClaim, XClaim, XDel, XGroup, XInfo, XLen, XPending, XRange, XRead, XReadGroup,
    XRevRange, XTrim,
};
use super::row::{DOMAIN, GROUPS, NAMES, PENDING};

/// The stream commands of Redis, over topics: to be served with [`crate::TOPIC`] only.
pub const STREAM: Domain = Domain {
    name: "stream",
    number: DOMAIN,
    doc: "The stream commands of Redis, over the messages of topics.",
    tables: &[NAMES.def(), GROUPS.def(), PENDING.def()],
    timers: &[],
    takes: &[],
    sends: &[],
    events: &[],
    counts: &[],
    requests: &[
        RequestDef::spoken::<XAdd>("XADD", Opens),
        RequestDef::spoken::<XTrim>("XTRIM", Finishes),
        RequestDef::spoken::<XDel>("XDEL", Finishes),
        RequestDef::spoken::<XLen>("XLEN", Reads),
        RequestDef::spoken::<XRange>("XRANGE", Reads),
        RequestDef::spoken::<XRevRange>("XREVRANGE", Reads),
        RequestDef::spoken::<XRead>("XREAD", Reads),
        RequestDef::spoken::<XGroup>("XGROUP", Finishes),
        RequestDef::spoken::<XReadGroup>("XREADGROUP", Finishes).core(),
        RequestDef::spoken::<XAck>("XACK", Finishes).core(),
        RequestDef::spoken::<XPending>("XPENDING", Reads),
        RequestDef::spoken::<XClaim>("XCLAIM", Finishes).core(),
        RequestDef::spoken::<XAutoClaim>("XAUTOCLAIM", Finishes).core(),
        RequestDef::spoken::<XInfo>("XINFO", Reads),
    ],
    audit,
};
