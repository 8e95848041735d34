//! Sales: a moment that everybody knows, and a fair place in line for all who come.
//!
//! It is the truth about who has entered a sale, in which order they are, who is admitted by now, and what each
//! may buy. Units are stock's, and orders are order's.
//!
//! ```text
//! CREATE ─▶ announced ─▶ open ─start─▶ drawing ─▶ running ─end─▶ over
//!                        JOIN          the list is closed, and its    JOIN: first come, first served,
//!                                      order drawn (see draw.rs)      behind all who were drawn
//! ```
//!
//! A place in line is a number that never changes once it is drawn, and who is admitted is one number that
//! moves with time: so a poll is answered at the edge, from a signed ticket and what the edge knows.
//!
//! What is sold is known in two places. The sale's slot has its people, its tokens, and what it was told of the units of
//! its goods, by which it admits people. The slot of each SKU has a shelf, from the start on: there a token is
//! spent, in the transaction that holds the units, and the order follows by mail.
//!
//! Laws, checked by [`audit`] from the rows themselves:
//! 1. Entrants are numbered from 1 on without gaps, each once, as many as the sale says.
//! 2. Until a sale has started it has its timer, due at its start; while it is drawn, that of the next step;
//!    else none. (A timer that was set aside, and has not run since, counts as set.)
//! 3. The hash of the list is that of the tickets of those who entered before the start.
//! 4. Of a draw that is over every entrant of the list stands once in a group, by its lot, behind as many as
//!    the group says; and nothing is left of its steps.
//! 5. Of one that is not, the steps so far have found a lot for every entrant that they came to.
//! 6. Every row lies in the slot of its sale, or of its SKU.
//! 7. Goods are numbered from 1 on, each SKU once; what the sale knows of units is the sum over its goods. Of each
//!    good that it has put on sale there is a shelf where the SKU is, or a letter on its way.
//! 8. The tokens of a buyer add up to no more than the limit. By one that is spent an order was bought which has not
//!    come to nothing, or a letter says that it has; each such order is counted. About one that is being made void a
//!    letter is on its way.
//! 9. Nobody is admitted who has not entered, and people came in and left in order.
//! 10. Goods that are to be put on sale, a gate that is looked at again, shelves and void tokens have their timers.
//! 11. The next entry from an address, and the next token of a buyer, is expected no later than the limits of the
//!     sale allow.
//! 12. Of each buyer whom a hook is being asked about there is a call, and of no other. They are as many as the sale says,
//!     and so are those who were refused; nobody of them is in line.
//!
//! Start reading at `command.rs`, then `draw.rs` and `apply/draw.rs`.

mod apply;
mod audit;
mod challenge;
mod check;
mod command;
mod counts;
pub mod draw;
mod edge;
mod gate;
mod guard;
pub mod hex;
mod lots;
mod mail;
mod order_id;
mod pace;
mod refusal;
mod reply;
mod scan;
mod standing;
mod surface;
mod table;
mod ticket;
mod token;

pub use audit::audit;
pub use challenge::Asked;
pub use check::{HOOK_ACTION, Hooks, OPEN_CHECKS_MAX, REFUSALS_MAX};
pub use command::{Beacon, Buy, Create, Entries, Get, Good, Goods, Join, Position, StartOf, Token};
pub use guard::ChallengeKind;
pub use refusal::Refusal;
pub use reply::{
    BuyReceipt, EntryInfo, GoodInfo, JoinReceipt, PositionInfo, SaleInfo, StartInfo, TokenInfo,
};
pub use surface::SALE;

/// Who may enter a sale: a draw brings four million in order with a million small rows on its way.
pub const ENTRANTS_MAX: u64 = 4_000_000;

/// Most who are admitted a second.
pub const RATE_MAX: i64 = 100_000;

/// Goods of one sale.
pub const GOODS_MAX: usize = 1_000;

/// The highest limit of a buyer over all goods of a sale: what costs the most is no more than an order may cost.
pub const BUYER_UNITS_MAX: i64 = 1_000;

const _: () = assert!(
    BUYER_UNITS_MAX as u64 * tidegate_order::PRICE_MAX as u64 <= tidegate_order::TOTAL_MAX,
    "whatever a token is for can be ordered"
);

/// Tokens that a buyer takes at once before the limit a minute counts: so much a hurried person may click.
pub const BUYER_BURST: u64 = 20;

/// Entries from one address at once before the limit a minute counts: a family, or a small office, all at once.
pub const ADDRESS_BURST: u64 = 20;

/// Addresses are counted in so many cells of a sale, so that a million of them take no more room. Those that fall
/// into one share its limit: of 10,000 who flood it, 4% of all others are challenged as well.
pub const ADDRESS_CELLS: u64 = 1 << 18;

/// Highest limits a minute, for buyers and for addresses: more is none.
pub const PER_MINUTE_MAX: i64 = 1_000_000;

/// Zero bits of a proof of work. The fewest take a page some milliseconds, the most some minutes.
pub const PROOF_BITS_MIN: i64 = 8;
/// See [`PROOF_BITS_MIN`].
pub const PROOF_BITS_MAX: i64 = 26;

/// How long a token may be spent.
pub const TOKEN_MS: u64 = 120_000;

/// How long after its end a sale answers retries of those who have bought.
pub const KEPT_MS: u64 = 24 * 3_600_000;

/// How often it is seen to who may be admitted, while somebody waits and something is left; and for how long that
/// is told ahead. So nobody is admitted into a shop that has been empty for longer.
pub const STEER_MS: u64 = 25;
/// See [`STEER_MS`].
pub const AHEAD_MS: u64 = 50;

/// Who waits asks again after so long at most.
pub const ASK_AFTER_MS_MAX: u64 = 30_000;

/// How many ask a second, about, of those who wait for units that may come back at any time.
pub const ASKED_A_SECOND: u64 = 10_000;

/// So many who would be next ask often, at least: as many as units are held, if those are more.
pub const NEAR_MIN: u64 = 1_000;

/// Those who wait for the same moment ask within so long of it, each at a time of their own.
pub const SPREAD_MS: u64 = 2_000;
