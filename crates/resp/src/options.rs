//! How the front is set up.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use subtle::ConstantTimeEq;

use crate::limits::{BUFFER_BYTES_MAX, CONNECTIONS_MAX, IDLE_TIMEOUT};

/// How the front is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// What a client must give before anything else; `None` lets everyone in.
    pub credentials: Option<Credentials>,
    /// How long a connection without requests is kept.
    pub idle_timeout: Duration,
    /// Open connections; one more is told so and closed.
    pub connections_max: usize,
    /// Bytes that the buffers of all connections take together.
    pub buffer_bytes_max: usize,
    /// The name of the program, for `HELLO`.
    pub server: String,
    /// The version of the program, for `HELLO` and `INFO`.
    pub version: String,
    /// Where connections live. With it they move to where their requests run.
    pub homes: Option<Arc<dyn Homes>>,
}

/// The threads that connections live on: one beside each executor of the engine.
pub trait Homes: fmt::Debug + Send + Sync {
    /// Whether one more may move to this executor now. It is taken for one that does.
    fn has_room(&self, executor: usize) -> bool;

    /// Where one that lives beside this executor had better live, if that has no time to spare and another one has.
    fn elsewhere(&self, executor: usize) -> Option<usize>;

    /// Has a task run there.
    fn spawn(&self, executor: usize, task: Task);
}

/// What serves a connection.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Options {
    /// The defaults of [`limits`](crate::limits), and no credentials.
    #[must_use]
    pub fn new(version: &str) -> Self {
        Self {
            credentials: None,
            idle_timeout: IDLE_TIMEOUT,
            connections_max: CONNECTIONS_MAX,
            buffer_bytes_max: BUFFER_BYTES_MAX,
            server: "tidegate".to_owned(),
            version: version.to_owned(),
            homes: None,
        }
    }
}

/// The one user that there is.
pub(crate) const USER: &[u8] = b"default";

/// The password of the user `default`. It is compared in constant time and never printed.
#[derive(Clone)]
pub struct Credentials {
    password: Box<[u8]>,
}

impl Credentials {
    /// The user `default` with this password.
    #[must_use]
    pub fn new(password: &str) -> Self {
        Self {
            password: password.as_bytes().into(),
        }
    }

    /// Whether they are the ones. Takes as long for a near miss as for a far one; only the length
    /// can be learned.
    pub(crate) fn are(&self, user: &[u8], password: &[u8]) -> bool {
        (USER.ct_eq(user) & self.password.ct_eq(password)).into()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Credentials(…)")
    }
}
