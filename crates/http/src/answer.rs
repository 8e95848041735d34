//! Answers as they go out: a status, a few headers, and a body that is whole or made while it is sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use tokio::sync::mpsc;

/// What a request is answered with.
pub(crate) type Response = hyper::Response<Body>;

/// The body of an answer.
pub struct Body(Content);

enum Content {
    /// Empty once it was taken.
    Whole(Bytes),
    /// Pieces, as they come; whoever makes them waits while too many are unread.
    Frames(mpsc::Receiver<io::Result<Bytes>>),
}

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    pub(crate) fn frames(frames: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self(Content::Frames(frames))
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(whole: T) -> Self {
        Self(Content::Whole(whole.into()))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.0 {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => {
                let whole = std::mem::take(bytes);
                Poll::Ready(Some(Ok(Frame::data(whole))))
            }
            Content::Frames(frames) => {
                let sent = frames.poll_recv(context);
                sent.map(|bytes| bytes.map(|bytes| bytes.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Frames(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Frames(_) => SizeHint::default(),
        }
    }
}

/// An answer with these headers, none of which stands there twice.
pub(crate) fn answer<const N: usize>(
    status: StatusCode,
    headers: [(HeaderName, HeaderValue); N],
    body: impl Into<Body>,
) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    add(answer.headers_mut(), headers);
    answer
}

/// Adds headers that are not there yet.
pub(crate) fn add<const N: usize>(to: &mut HeaderMap, headers: [(HeaderName, HeaderValue); N]) {
    for (name, value) in headers {
        to.insert(name, value);
    }
}

/// As a HEAD is answered: the length is told, and the body is not sent.
pub(crate) fn without_body(answer: &mut Response) {
    let body = std::mem::replace(answer.body_mut(), Body::empty());
    if let Content::Whole(bytes) = body.0 {
        let length = HeaderValue::from(bytes.len());
        answer.headers_mut().insert(CONTENT_LENGTH, length);
    }
}
