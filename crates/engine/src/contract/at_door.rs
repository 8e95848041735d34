//! Requests about the process itself, as what it sheds: answered where they come in.

use super::reply::{ReplyValue, Shape};
use super::request::Request;
use crate::engine::Door;

/// A request about the process itself: it asks no partition, touches nothing durable, and waits for nothing.
pub(crate) trait AtDoor: Request {
    /// What it answers.
    type Reply: ReplyValue + 'static;

    /// Does it.
    fn answer(self, door: &Door) -> Self::Reply;
}

type Answering = dyn FnOnce(&Door) -> Box<dyn Shape> + Send;

/// Such a request, whose type is not known here.
pub struct OfProcess(Box<Answering>);

impl OfProcess {
    pub(crate) fn new<A: AtDoor>(asked: A) -> Self {
        Self(Box::new(|door| Box::new(asked.answer(door))))
    }

    pub(crate) fn answer(self, door: &Door) -> Box<dyn Shape> {
        (self.0)(door)
    }
}
