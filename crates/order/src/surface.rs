//! The domain as data: its name, tables and timers, and where its requests stand in each front.

use tidegate_engine::contract::Class::{Finishes, Opens, Reads};
use tidegate_engine::contract::Method::{Get as GET, Post};
use tidegate_engine::contract::{Domain, MailDef, RequestDef, Watched, Webhook as WebhookDef};

use crate::apply::{ASK, DUE};
use crate::command::{Cancel, Fulfil, Get, List, Pay, Place, Refund, Resolve, Reviews, Webhook};
use crate::counts::COUNTS;
use crate::mail::{AllClaimed, Answered, Changed, InList, ProviderSaid, Released, SegmentClaimed};
use crate::payments::{PAYMENTS, REFUNDS, REVIEWS};
use crate::purchase::Bought;
use crate::refusal::BAD_SIGNATURE;
use crate::table::{DOMAIN, LISTED, ORDERS, PLACES};

/// As in the Standard Webhooks specification.
const SIGNED: WebhookDef = WebhookDef {
    body: "payload",
    headers: &[
        ("webhook-id", "message"),
        ("webhook-timestamp", "timestamp"),
        ("webhook-signature", "signature"),
    ],
    unsigned: &BAD_SIGNATURE,
};

/// Whatever becomes of an order is written down, if only by a timer.
const WATCHED: Watched = Watched {
    path: "/v1/orders/{id}/stream",
    aside: &[],
    moves: false,
};

/// Orders: units of several SKUs reserved for a buyer, all or nothing.
pub const ORDER: Domain = Domain {
    name: "order",
    number: DOMAIN,
    doc: "Units of several SKUs reserved for a buyer, all or nothing, for a while.",
    tables: &[
        ORDERS.def(),
        LISTED.def(),
        PLACES.def(),
        PAYMENTS.def(),
        REFUNDS.def(),
        REVIEWS.def(),
    ],
    timers: &[DUE, ASK],
    takes: &[
        MailDef::of::<Answered>(),
        MailDef::of::<SegmentClaimed>(),
        MailDef::of::<AllClaimed>(),
        MailDef::of::<InList>(),
        MailDef::of::<Changed>(),
        MailDef::of::<ProviderSaid>(),
        MailDef::of::<Released>(),
        MailDef::of::<Bought>(),
    ],
    sends: &[MailDef::of::<InList>(), MailDef::of::<Changed>()],
    events: &[],
    counts: &COUNTS,
    requests: &[
        RequestDef::call::<Place>("ORDER.PLACE", Post, "/v1/orders", Opens),
        RequestDef::call::<Get>("ORDER.GET", GET, "/v1/orders/{id}", Reads)
            .watched(WATCHED)
            .public(),
        RequestDef::scan::<List>("ORDER.LIST", "/v1/buyers/{buyer}/orders"),
        RequestDef::call::<Pay>("ORDER.PAY", Post, "/v1/orders/{id}/payments", Opens)
            .core()
            .public(),
        RequestDef::call::<Fulfil>("ORDER.FULFIL", Post, "/v1/orders/{id}/fulfil", Finishes).core(),
        RequestDef::call::<Refund>("ORDER.REFUND", Post, "/v1/orders/{id}/refunds", Finishes)
            .core(),
        RequestDef::scan::<Reviews>("ORDER.REVIEWS", "/v1/reviews"),
        RequestDef::call::<Resolve>(
            "ORDER.RESOLVE",
            Post,
            "/v1/orders/{id}/reviews/{number}",
            Finishes,
        )
        .core(),
        RequestDef::call::<Webhook>(
            "ORDER.WEBHOOK",
            Post,
            "/v1/payments/{provider}/webhook",
            Finishes,
        )
        .core()
        .as_webhook(SIGNED),
        RequestDef::call::<Cancel>("ORDER.CANCEL", Post, "/v1/orders/{id}/cancel", Finishes)
            .core()
            .public(),
    ],
    audit: crate::audit,
};
