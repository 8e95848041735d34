//! The body of an answer that is made while it is sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use hyper::body::Frame;
use tokio::sync::mpsc;

/// Pieces, as they come; whoever makes them waits while too many are unread.
pub(crate) struct Frames(pub(crate) mpsc::Receiver<io::Result<Bytes>>);

impl hyper::body::Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let sent = ready!(self.0.poll_recv(context));
        Poll::Ready(sent.map(|bytes| bytes.map(Frame::data)))
    }
}
