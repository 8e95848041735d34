//! The domain as data: its name, tables and timers, and where its requests stand in each front.

use tidegate_engine::contract::Class::{Finishes, Opens, Reads};
use tidegate_engine::contract::Method::{Get as GET, Post};
use tidegate_engine::contract::{Domain, MailDef, RequestDef};

use crate::apply::DUE;
use crate::command::{Cancel, Get, List, Place};
use crate::mail::{AllClaimed, Answered, Changed, InList, SegmentClaimed};
use crate::table::{DOMAIN, LISTED, ORDERS, PLACES};

/// Orders: units of several SKUs reserved for a buyer, all or nothing.
pub const ORDER: Domain = Domain {
    name: "order",
    number: DOMAIN,
    doc: "Units of several SKUs reserved for a buyer, all or nothing, for a while.",
    tables: &[ORDERS.def(), LISTED.def(), PLACES.def()],
    timers: &[DUE],
    takes: &[
        MailDef::of::<Answered>(),
        MailDef::of::<SegmentClaimed>(),
        MailDef::of::<AllClaimed>(),
        MailDef::of::<InList>(),
        MailDef::of::<Changed>(),
    ],
    sends: &[MailDef::of::<InList>(), MailDef::of::<Changed>()],
    events: &[],
    counts: &[],
    requests: &[
        RequestDef::call::<Place>("ORDER.PLACE", Post, "/v1/orders", Opens),
        RequestDef::call::<Get>("ORDER.GET", GET, "/v1/orders/{id}", Reads),
        RequestDef::scan::<List>("ORDER.LIST", "/v1/buyers/{buyer}/orders"),
        RequestDef::call::<Cancel>("ORDER.CANCEL", Post, "/v1/orders/{id}/cancel", Finishes),
    ],
    audit: crate::audit,
};
