//! Orders: units of several SKUs reserved for a buyer, all or nothing, for a while.
//!
//! It is the truth about what a buyer has asked for and what became of it. The units themselves are
//! stock's, which holds them for the order and lets them go at its word only.
//!
//! ```text
//! PLACE ─▶ placing ─▶ reserved ◀─PAY─▶ paying ─▶ paid ─▶ fulfilled
//!             ├─▶ refused  │              │        ├────────┴─REFUND─▶ refunding ─▶ refunded
//!             ├─▶ busy     ├──────────────┼─▶ cancelled ─paid all the same─▶ refunding
//!             └─▶ …        └──────────────┴─▶ expired ─paid late─▶ taking ─▶ paid | refunding
//! ```
//!
//! What was bought at once begins `reserved`, with units that somebody has taken for it; who has sold it is told
//! when it has come to nothing, so what is paid after that goes back.
//!
//! An order lies in the slot of its id and alone decides about time. What it wants is claimed by letters
//! that go from SKU to SKU in the order of their names ([`tidegate_claim`]), then to the buyer's index, and
//! back: an order is `reserved` from the moment on at which its buyer's list has it, and both judge by that.
//!
//! Laws, checked by [`audit`] from the rows themselves:
//! 1. The total is the sum of quantity times price over the lines.
//! 2. An order's history leads to its state, step by step as above, runs forward in time, and its version
//!    counts it, its attempts how often it was placed.
//! 3. While an order is placing or reserved it ends when its last step says, and has its timer, due then;
//!    else it has none.
//! 4. Every row lies in the slot of its order, or of its buyer.
//! 5. An order that is reserved or finished stands in its buyer's list as it is, or a letter to it is on its
//!    way, once, among the living or the finished, where its place says; and what stands there is an order
//!    of this buyer.
//! 6. With those of stock: units are held for it while it lives, or a letter says what becomes of them; and
//!    once it is reserved they are all of its lines. While it waits to hear that they are back, a letter is on
//!    its way that will say so.
//! 7. It is claimed letter by letter; who asked whether all is claimed is one of its things; and one that is
//!    refused was so for one of them, of which there were fewer units, or for lack of room or time.
//! 8. What was paid is the order's, on its way back, back, or for a person to look at, once; of a payment goes
//!    back what its refunds say, and never more than was paid.
//! 9. A payment that is being made or asked for has its call to the provider, and so has a refund that is to
//!    be made; and each call is for one of these.
//!
//! Start reading at `command.rs`, then `apply/place.rs`.

mod apply;
mod audit;
mod command;
mod counts;
mod mail;
mod payments;
mod provider;
mod purchase;
mod refusal;
mod reply;
mod scan;
mod surface;
mod table;

pub use apply::currency_of;
pub use audit::audit;
pub use command::{
    Cancel, Decision, Fulfil, Get, Line, List, Pay, Place, Refund, RefundLine, Resolve, Reviews,
    Webhook,
};
pub use provider::{ASK_AFTER_MS, Provider, Providers, SigningKey, Told, WINDOW_MS};
pub use purchase::{Ended, Purchase, bought_label, counted_label, owner_of};
pub use refusal::Refusal;
pub use reply::{HistoryStep, OrderInfo, OrderLine, OrderReceipt, OrderSummary};
pub use surface::ORDER;
pub use table::{Deduct, State};

/// Lines of one order.
pub const LINES_MAX: usize = 1_000;

/// Most units of one SKU in an order, as stock has it.
pub const QUANTITY_MAX: u64 = tidegate_stock::QUANTITY_MAX.unsigned_abs();

/// The highest price of one unit, in minor units.
pub const PRICE_MAX: i64 = 1_000_000_000_000;

/// The most that an order may cost, in minor units: the largest number that every reader of JSON has exactly,
/// providers among them.
pub const TOTAL_MAX: u64 = (1 << 53) - 1;

/// How long an order may be `placing`, for each letter of things: then everything goes back, answered or not, and it may be placed
/// again. Letters take milliseconds; who stands in line for units in doubt waits for others that long at
/// most. An answer is waited for somewhat longer, unless told otherwise.
pub const PLACING_MS: u64 = 5_000;

/// Entries of an order's history.
pub const HISTORY_MAX: usize = 64;

/// Payments of one order: a buyer who tries more often places another.
pub const PAYMENTS_MAX: usize = 8;

/// Refunds of one order that callers ask for.
pub const REFUNDS_MAX: usize = 64;

/// How long after its time an order whose payment nobody knows anything of keeps its units at most: as long
/// as it takes a provider to come back, and no longer than goods can be kept from others.
pub const PAYING_AFTER_MS: u64 = 3_600_000;

/// How long after the time in which a payment can be paid its provider is asked at most: then a person is.
pub const AFTER_WINDOW_MS: u64 = 24 * 3_600_000;

/// How long it rests, at least and at most, between two times that a provider is asked once the plan of the
/// settings is at its end.
pub const ASK_REST_MIN_MS: u64 = 60_000;
/// See [`ASK_REST_MIN_MS`].
pub const ASK_REST_MAX_MS: u64 = 3_600_000;

/// How often units are claimed for an order that is paid before its money goes back, and how long that rests
/// if there was no room.
pub const TAKING_TRIES_MAX: u64 = 10;
/// See [`TAKING_TRIES_MAX`].
pub const TAKING_REST_MS: u64 = 1_000;

/// How far the time of a webhook may be from now: as the Standard Webhooks libraries have it.
pub const WEBHOOK_AGE_MS_MAX: u64 = 5 * 60_000;

/// Webhooks about one payment that are known again.
pub const WEBHOOKS_KEPT: usize = 16;
