//! Stock that cannot oversell: the units of a SKU, held for a while, sold, and returned.
//!
//! It is the truth about how many units there are and who has them. It is not an order, a price or
//! a payment; those refer to holds.
//!
//! Laws, checked by [`audit`] from the rows themselves:
//! 1. `total = available + held + sold`, none of them negative.
//! 2. `held` is the sum of the quantities of the holds in state *held*.
//! 3. `sold` is the sum over confirmed holds of quantity less what was returned.
//! 4. What a buyer is counted for is held + sold − returned over their holds.
//! 5. Every hold stands once in the index of states, under its state, or in the archive.
//! 6. The flow is numbered without gaps, each entry begins where the one before ended and ends as
//!    its kind says; from the first to the last they add up to the SKU's row.
//! 7. Every hold in state *held* has its expiry timer, and every expiry timer such a hold. (Of this and
//!    12: a timer that was set aside, and has not run since, counts as set.)
//! 8. What was returned of a hold is the sum of its returns.
//! 9. The flow and the rows of holds, adds and returns tell the same, each of them once.
//! 10. A hold's history leads to its state, and runs forward in time.
//! 11. Every row lies in the slot of its SKU.
//! 12. What is finished has a timer for the archive, or is there with all its details until their slice
//!     is dropped; nothing else has, or is. A stub in its place says where.
//! 13. What has left for the archives, dropped by now or not, is what the sums say; with them laws 1 to
//!     4 and 6 hold without reading archives.
//! 14. A hold that belongs to an owner is named after it, has no timer and has its owner's word alone; while
//!     its claim is not known to be whole it stands in the list of such, whose units the SKU counts.
//! 15. Claims that wait stand in line, as many as the SKU says, where their places say; who is first is served soon, or waits for
//!     units that may come back, and somebody was asked whether they will.
//! 16. Of every hold that belongs to an owner, and of every claim in line, the owner lives, or mail is on its
//!     way between them; and who was asked has heard it and will answer, or a letter says so.
//! 17. A SKU that has changed and is watched has its timer, and those who watch it are told then.
//! 18. What a shard of a split SKU has is what it was lent less what it has given back, and both are what the first
//!     shard says, but for letters on their way; what that one has, and has lent, is all there is. A shard that
//!     asks stands in line there, or a letter says so; one that was asked to give back will, or a letter says so.
//!
//! Start reading at `command.rs`, then `apply/hold.rs`.

mod apply;
mod archive;
mod audit;
mod command;
mod edge;
mod event;
mod refusal;
mod reply;
mod scan;
mod shard;
mod surface;
mod table;
#[cfg(feature = "testing")]
pub mod testing;
pub mod within;

pub use audit::audit;
pub use command::{
    Add, Confirm, Flow, Get, Hold, HoldInfo, Holds, List, Release, Return, Set, Split,
};
pub use edge::is_sold_out;
pub use refusal::Refusal;
pub use reply::{
    AddReceipt, FlowEntry, HoldDetails, HoldReceipt, HoldStep, HoldSummary, ReturnReceipt, SkuInfo,
    SplitReceipt,
};
pub use surface::STOCK;
pub use table::HoldState;

/// Most units of one quantity, and of one SKU.
pub const QUANTITY_MAX: i64 = 1_000_000_000;

/// How long a hold waits for units that may come back in a moment, before it is told BUSY.
pub const HOLD_WAIT_MS: u64 = 1_000;

/// Claims that may wait for units of a SKU.
pub const LINE_MAX: u64 = 1_000;

/// Those who are told how many units of a SKU there are.
pub const WATCHERS_MAX: usize = 8;

/// How long after a change they are told, with what has changed since.
pub const LEVEL_MS: u64 = 50;

/// And how long after it a shard of a split SKU tells the first one.
pub const SHARD_LEVEL_MS: u64 = 20;

/// Entries of a hold's history; the flow of the SKU has them all.
pub const HISTORY_MAX: usize = 64;
