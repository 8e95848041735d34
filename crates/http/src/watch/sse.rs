//! A stream as Server-Sent Events.

use std::io;
use std::pin::pin;

use hyper::body::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::follow::News;
use super::stream::Watching;
use crate::answer::Response;
use crate::events::{self, BEAT};
use crate::limits::{HEARTBEAT, STREAM_FRAMES_AHEAD};

/// What a last event is named that says why nothing more comes.
pub(super) const PROBLEM: &str = "problem";

pub(super) fn answer(watching: Watching) -> Response {
    let (frames, read) = mpsc::channel(STREAM_FRAMES_AHEAD);
    tokio::spawn(carry(watching, frames));
    events::sent(read)
}

/// Writes news until the client goes away, the server stops, or there are no more.
async fn carry(watching: Watching, frames: mpsc::Sender<io::Result<Bytes>>) {
    let Watching {
        front,
        mut follower,
        place: _place,
    } = watching;
    let mut ending = front.options.ending.clone();
    let mut ending = pin!(ending.wait());
    loop {
        let news = tokio::select! {
            news = timeout(HEARTBEAT, follower.next(&front)) => news.ok(),
            () = frames.closed() => return,
            () = &mut ending => return,
        };
        let bytes = news.as_ref().map_or(BEAT.to_vec(), event);
        tokio::select! {
            sent = frames.send(Ok(bytes.into())) => if sent.is_err() { return },
            () = &mut ending => return,
        }
        if news.is_some_and(|news| news.is_refusal()) {
            return;
        }
    }
}

fn event(news: &News) -> Vec<u8> {
    let name = if news.is_refusal() {
        PROBLEM
    } else {
        news.query
    };
    let parts = [
        b"event: ",
        name.as_bytes(),
        b"\ndata: ",
        news.told.rendered.body(),
        b"\n\n",
    ];
    parts.concat()
}
