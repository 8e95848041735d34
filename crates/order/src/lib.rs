//! Orders: units of several SKUs reserved for a buyer, all or nothing, for a while.
//!
//! It is the truth about what a buyer has asked for and what became of it. The units themselves are
//! stock's, which holds them for the order and lets them go at its word only.
//!
//! ```text
//! PLACE ─▶ placing ─▶ reserved ─▶ cancelled | expired
//!             ├─▶ refused     something is sold out: that stays so
//!             ├─▶ busy        no room, or no answer in time: may be placed again
//!             └─▶ cancelled
//! ```
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
//!    once it is reserved they are all of its lines.
//! 7. It is claimed letter by letter; who asked whether all is claimed is one of its things; and one that is
//!    refused was so for one of them, of which there were fewer units, or for lack of room or time.
//!
//! Start reading at `command.rs`, then `apply/place.rs`.

mod apply;
mod audit;
mod command;
mod mail;
mod refusal;
mod reply;
mod scan;
mod surface;
mod table;

pub use audit::audit;
pub use command::{Cancel, Get, Line, List, Place};
pub use refusal::Refusal;
pub use reply::{HistoryStep, OrderInfo, OrderLine, OrderReceipt, OrderSummary};
pub use surface::ORDER;
pub use table::State;

/// Lines of one order.
pub const LINES_MAX: usize = 1_000;

/// Most units of one SKU in an order, as stock has it.
pub const QUANTITY_MAX: u64 = tidegate_stock::QUANTITY_MAX.unsigned_abs();

/// The highest price of one unit, in minor units.
pub const PRICE_MAX: i64 = 1_000_000_000_000;

/// How long an order may be `placing`, for each letter of things: then everything goes back, answered or not, and it may be placed
/// again. Letters take milliseconds; who stands in line for units in doubt waits for others that long at
/// most. An answer is waited for somewhat longer, unless told otherwise.
pub const PLACING_MS: u64 = 5_000;

/// Entries of an order's history.
pub const HISTORY_MAX: usize = 64;
