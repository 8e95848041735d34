//! Every limit of the front, in one place, each with its reason.

use std::time::Duration;

/// Bytes of a request body, unless [`Options`](crate::Options) says otherwise: a payload of
/// 900 KiB, escaped or in base64, with its other fields. Of a packed one as it is sent, and unpacked: nothing is
/// unpacked any further, however small it was.
pub const BODY_BYTES_MAX: usize = 1280 * 1024;

/// Bytes of a webhook's body, unless [`Options`](crate::Options) lets a body have fewer. Whoever reaches
/// the server may send one, for only its domain can tell whose it is; and what other systems tell is
/// some KiB.
pub const WEBHOOK_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a beacon's body. Whoever looks at a page sends one, and it has a few names.
pub const BEACON_BYTES_MAX: usize = 8 * 1024;

/// Bytes of all request bodies being read or parsed. At the largest size that is 51 of them; at
/// the common size of less than 1 KiB it never binds.
pub const BODIES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Members of one body. No request has as many fields; it keeps a body of nothing but members from
/// taking many times its size in memory.
pub const MEMBERS_MAX: usize = 256;

/// Items of all lists of one body that are kept: as many as any field takes. All are counted.
pub const ITEMS_MAX: usize = 1_000;

/// Members of one item. No item has as many fields; as for [`MEMBERS_MAX`].
pub const ITEM_MEMBERS_MAX: usize = 16;

/// Bytes of a body that is too large which are read and thrown away, so that a client which first
/// writes and then reads gets to see the answer.
pub const DISCARDED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Requests being answered at one time, unless [`Options`](crate::Options) says otherwise. Above
/// what one machine has open connections for, below what its inboxes hold: the door of the engine
/// says BUSY first, for a reason it knows better.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 10_000;

/// How long a request may take, body and answer together, unless [`Options`](crate::Options) says
/// otherwise. Longer than any sync that ends well, shorter than the patience of common proxies
/// (60 s), so that the client gets a problem that says what to do.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection may take from being able to send a request until its head is complete.
/// It bounds a slow head and an idle connection alike. Just above the 60 s for which common
/// proxies keep an idle connection, so that they close first and never write into a closed one.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// Bytes that a connection buffers while reading: a head must fit, and a body comes in pieces of
/// at most this size.
pub const CONNECTION_BUFFER_BYTES: usize = 64 * 1024;

/// Headers of one request.
pub const HEADERS_MAX: usize = 64;

/// Addresses of proxies in `X-Forwarded-For` that are passed over: more than any request goes through.
pub const FORWARDED_HOPS_MAX: usize = 16;

/// How long bytes of an answer may lie unread before the connection is dropped.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections beyond the bound that are being told so; more are closed without a word.
pub const TURNED_AWAY_MAX: usize = 64;

/// How long telling one of them may take.
pub const TURN_AWAY_TIMEOUT: Duration = Duration::from_secs(1);

/// Frames of a backup that wait to be sent, of some 256 KiB each.
pub const BACKUP_FRAMES_AHEAD: usize = 4;

/// How long a backup may wait for its checkpoint: longer than memory full of rows takes to be
/// written, but not for ever on a full disk.
pub const BACKUP_TIMEOUT: Duration = Duration::from_secs(600);

/// Watchers at one time, streams and long polls that wait, unless [`Options`](crate::Options) says otherwise.
/// They have places of their own, so that they leave those of requests to who asks for something; each costs
/// a connection, and some KiB of memory.
pub const WATCHERS_MAX: usize = 20_000;

/// How long a watcher is told nothing after it was told something, at least. What a person reads need not
/// change more often; and it bounds what watchers of something that changes all the time have us ask.
pub const WATCH_PACE: Duration = Duration::from_secs(1);

/// How often a watcher looks whether something has changed: as long as it may hear of it late, if it was told
/// nothing lately. A look is a number compared, and no question.
pub const WATCH_LOOK: Duration = Duration::from_millis(250);

/// After how long it asks again though nothing seems to have changed.
pub const WATCH_AGAIN: Duration = Duration::from_secs(15);

/// Bytes of what a WebSocket client may say in one message, which nobody reads.
pub const SOCKET_MESSAGE_BYTES_MAX: usize = 1024;

/// How often a stream on which nothing happens shows that it is alive. Proxies take a
/// connection for dead after 60 s.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// Pieces of a stream of events that wait to be sent, beside those that wait in the engine.
pub const STREAM_FRAMES_AHEAD: usize = 1;

/// How long connections may go on once the server stops. Less than a request's own time-out, so
/// that a restart is not held up; who is cut off asks again with the same id.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(7);

/// How long accepting rests when the machine has no more descriptors.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const _: () = assert!(WATCH_LOOK.as_millis() <= WATCH_PACE.as_millis());
const _: () = assert!(WATCH_PACE.as_millis() < WATCH_AGAIN.as_millis());
const _: () = assert!(BODY_BYTES_MAX > 900 * 1024 / 3 * 4);
const _: () = assert!(BODIES_BYTES_MAX >= 16 * BODY_BYTES_MAX);
const _: () = assert!(REQUEST_TIMEOUT.as_secs() < 60 && HEAD_TIMEOUT.as_secs() > 60);
