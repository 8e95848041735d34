//! All payments, one a line, in bits: nobody waits while millions are written.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};

use super::provider::Provider;
use super::views::{self, PaymentView};

/// Bytes of a bit: some hundred payments.
const FRAME_BYTES: usize = 64 * 1024;

/// The body that tells them.
pub(super) struct Ledger {
    provider: Arc<Provider>,
    /// The place of the next payment to tell.
    next: usize,
}

impl Ledger {
    pub(super) fn of(provider: Arc<Provider>) -> Self {
        Self { provider, next: 0 }
    }

    /// The next lines; none at the end.
    fn lines(&mut self) -> Vec<u8> {
        let mut lines = Vec::new();
        let books = self.provider.books();
        for payment in &books.payments.all()[self.next..] {
            lines.extend_from_slice(&views::json(&PaymentView::of(payment, &books.public_url)));
            lines.push(b'\n');
            self.next += 1;
            if lines.len() >= FRAME_BYTES {
                break;
            }
        }
        lines
    }
}

impl Body for Ledger {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let lines = self.get_mut().lines();
        let frame = (!lines.is_empty()).then(|| Ok(Frame::data(lines.into())));
        Poll::Ready(frame)
    }
}
