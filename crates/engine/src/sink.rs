//! Where answers go: a front's end of a request.

use crate::contract::{Renderer, Status};

/// One answer of a run of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the front gave when it submitted the request.
    pub token: u64,
    /// How it is classed.
    pub status: Status,
    /// Where its bytes end; they begin where the one before ends.
    pub end: usize,
}

/// A front's end of its requests: one per connection. Told of answers only once everything that
/// they rest on is durable.
pub trait ReplySink: Send + Sync {
    /// How outcomes become bytes.
    fn renderer(&self) -> &dyn Renderer;

    /// Whether all is answered that this end has asked for before the request of this token: then it may be
    /// answered outside of its partition and overtakes nothing.
    fn is_next(&self, token: u64) -> bool;

    /// Whether nobody takes the answer to the request of this token any more, as far as this end knows: then it does not
    /// wait for something that another one could have.
    fn is_gone(&self, token: u64) -> bool;

    /// Takes a run of answers. The first one's bytes begin at `start` of `bytes`.
    fn deliver(&self, answers: &[Answer], start: usize, bytes: &[u8]);
}
