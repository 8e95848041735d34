//! Every limit of the front, in one place, each with its reason.

use std::time::Duration;

/// Bytes of one argument: a payload of 900 KiB fits, and nothing in a request is larger.
pub const BULK_BYTES_MAX: usize = 1024 * 1024;

/// Arguments of one request, its name included: an order of 1,000 lines has 3,000.
pub const ARGS_MAX: usize = 4_096;

/// Bytes of one request: a payload at its largest, with as much again for everything else.
pub const REQUEST_BYTES_MAX: usize = 2 * BULK_BYTES_MAX;

/// Bytes of one request written as a line, which people type: as Redis has it.
pub const INLINE_BYTES_MAX: usize = 64 * 1024;

/// Digits of a length. Ten go beyond every other limit; more are never read.
pub const LENGTH_DIGITS_MAX: usize = 10;

/// Arguments of a request before its sender has given the password: `HELLO 3 AUTH user password
/// SETNAME name` has seven.
pub const STRANGER_ARGS_MAX: usize = 10;

/// Bytes of one argument before its sender has given the password: as Redis has it.
pub const STRANGER_BULK_BYTES_MAX: usize = 16 * 1024;

/// Bytes of a command's name. Longer ones are unknown without a look.
pub const COMMAND_NAME_BYTES_MAX: usize = 64;

/// Bytes of a name given by `CLIENT SETNAME`, as of any other name.
pub const CLIENT_NAME_BYTES_MAX: usize = tidegate_engine::limits::NAME_BYTES_MAX;

/// Fields of one request; their values lie on the stack while it is read.
pub const FIELDS_MAX: usize = 32;

/// Requests of one connection that are not answered yet; no further one is read before some are.
/// At 2 ms from request to durable answer that is a million a second over one connection.
pub const IN_FLIGHT_MAX: u64 = 2_048;

/// Scans among them. A page of 1,000 items takes about 200 KiB, and all answers but the first may
/// have to wait for it.
pub const SCANS_IN_FLIGHT_MAX: usize = 16;

/// Bytes of answers that the peer has not taken; no further request is read while it leaves more.
pub const UNSENT_BYTES_MAX: usize = 1024 * 1024;

/// Bytes that the buffers of all connections take together, unless [`Options`](crate::Options) says
/// otherwise. Over it small requests go on, and large ones and scans are told BUSY.
pub const BUFFER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Steps in which that is counted: what a connection takes below one costs nothing to count.
pub const BUDGET_STEP_BYTES: usize = 16 * 1024;

/// Bytes counted for a scan that is not answered yet: a page of 1,000 items with long names.
pub const SCAN_BYTES: usize = 512 * 1024;

/// Bytes that an idle connection's read buffer takes: some sixty small requests.
pub const READ_BYTES_IDLE: usize = 4 * 1024;

/// Bytes that are read at once from a busy connection. Above it a system call costs less than its
/// copying.
pub const READ_BYTES_BUSY: usize = 64 * 1024;

/// Bytes that the read buffer may take: the part of a request that has arrived, and one reading.
pub const READ_BYTES_MAX: usize = REQUEST_BYTES_MAX + READ_BYTES_BUSY;

/// Bytes that an empty reply buffer may keep for its next use.
pub const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Readings of one connection before the others of its thread, and its executor, have their turn.
pub const ROUNDS_PER_TURN: usize = 4;

/// Open connections, unless [`Options`](crate::Options) says otherwise: as Redis has it.
pub const CONNECTIONS_MAX: usize = 10_000;

/// How long a connection without requests is kept, unless [`Options`](crate::Options) says
/// otherwise. Longer than the health checks of common connection pools (30 to 60 s) by far.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// How long a peer may leave its answers without taking a single byte.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes thrown away after the last answer, so that a peer that first writes and then reads gets
/// to see it: closing with bytes unread would reset the connection under it.
pub const LINGER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long that may take.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes of what a client sent that an error repeats: as Redis has it.
pub const ECHOED_BYTES_MAX: usize = 128;

const _: () = assert!(BULK_BYTES_MAX > 900 * 1024);
const _: () = assert!(BULK_BYTES_MAX < REQUEST_BYTES_MAX && INLINE_BYTES_MAX < REQUEST_BYTES_MAX);
const _: () = assert!(
    REQUEST_BYTES_MAX < u32::MAX as usize,
    "ranges are kept in 32 bits"
);
const _: () = assert!(IN_FLIGHT_MAX >= 1_024 && ARGS_MAX > 3_000);
const _: () = assert!(READ_BYTES_IDLE <= READ_BYTES_BUSY);

/// Requests in a row that run at another executor before a connection moves there: fewer would have one move that asks
/// about this and that.
pub const MOVES_AFTER: u32 = 64;
