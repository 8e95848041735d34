//! Sales: a moment that everybody knows, and a fair place in line for all who come.
//!
//! It is the truth about who has entered a sale, in which order they are, and who is admitted by now. Units
//! are stock's, and orders are order's.
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
//! Laws, checked by [`audit`] from the rows themselves:
//! 1. Entrants are numbered from 1 on without gaps, each once, as many as the sale says.
//! 2. Until a sale has started it has its timer, due at its start; while it is drawn, that of the next step;
//!    else none. (A timer that was set aside, and has not run since, counts as set.)
//! 3. The hash of the list is that of the tickets of those who entered before the start.
//! 4. Of a draw that is over every entrant of the list stands once in a group, by its lot, behind as many as
//!    the group says; and nothing is left of its steps.
//! 5. Of one that is not, the steps so far have found a lot for every entrant that they came to.
//! 6. Every row lies in the slot of its sale.
//!
//! Start reading at `command.rs`, then `draw.rs` and `apply/draw.rs`.

mod apply;
mod audit;
mod command;
pub mod draw;
mod edge;
mod lots;
mod pace;
mod refusal;
mod reply;
mod scan;
mod standing;
mod surface;
mod table;
mod ticket;

pub use audit::audit;
pub use command::{Beacon, Create, Entries, Get, Join, Position, StartOf};
pub use refusal::Refusal;
pub use reply::{EntryInfo, JoinReceipt, PositionInfo, SaleInfo, StartInfo};
pub use surface::SALE;

/// Who may enter a sale: a draw brings four million in order with a million small rows on its way.
pub const ENTRANTS_MAX: u64 = 4_000_000;

/// Most who are admitted a second.
pub const RATE_MAX: i64 = 100_000;

/// Who waits asks again after so long at most.
pub const ASK_AFTER_MS_MAX: u64 = 30_000;

/// Those who wait for the same moment ask within so long of it, each at a time of their own.
pub const SPREAD_MS: u64 = 2_000;
