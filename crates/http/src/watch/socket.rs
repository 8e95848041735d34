//! A stream as a WebSocket, whose messages are JSON.

use std::pin::pin;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::follow::News;
use super::sse::PROBLEM;
use super::stream::Watching;
use crate::limits::{HEARTBEAT, SOCKET_MESSAGE_BYTES_MAX, WRITE_TIMEOUT};

type WebSocket = WebSocketStream<TokioIo<Upgraded>>;

/// Sends news over a connection that has become a WebSocket, to its end.
pub(super) async fn serve(upgraded: Upgraded, watching: Watching) {
    let io = TokioIo::new(upgraded);
    let mut socket = WebSocket::from_raw_socket(io, Role::Server, Some(config())).await;
    if let Some(code) = carry(watching, &mut socket).await {
        let reason = Utf8Bytes::from_static("");
        let close = socket.close(Some(CloseFrame { code, reason }));
        // A client that has gone needs no word of it.
        let _ = timeout(WRITE_TIMEOUT, close).await;
    }
}

/// What is said is little, and what is told is written at once.
fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(SOCKET_MESSAGE_BYTES_MAX)
        .write_buffer_size(0)
        .max_message_size(Some(SOCKET_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(SOCKET_MESSAGE_BYTES_MAX))
}

/// Sends news until the client goes away, and gives why it ends otherwise.
async fn carry(watching: Watching, socket: &mut WebSocket) -> Option<CloseCode> {
    let Watching {
        front,
        mut follower,
        place: _place,
    } = watching;
    let mut ending = front.options.ending.clone();
    let mut ending = pin!(ending.wait());
    let mut beats = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (message, is_last) = tokio::select! {
            news = follower.next(&front) => (message(&news), news.is_refusal()),
            _ = beats.tick() => (Message::Ping(Vec::new().into()), false),
            said = socket.next() => match is_well(said.as_ref()) {
                Ok(()) => continue,
                Err(code) => return code,
            },
            () = &mut ending => return Some(CloseCode::Away),
        };
        let sent = timeout(WRITE_TIMEOUT, socket.send(message)).await;
        match sent {
            Ok(Ok(())) if is_last => return Some(CloseCode::Normal),
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return None,
        }
    }
}

/// Whether a client may say this: it is here to listen. If not, with which code it is told so, unless it has gone.
fn is_well(said: Option<&Result<Message, Error>>) -> Result<(), Option<CloseCode>> {
    match said {
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
        Some(Ok(Message::Text(_) | Message::Binary(_))) => Err(Some(CloseCode::Unsupported)),
        Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None => Err(None),
    }
}

/// `{"event": …, "data": …}`: what the same event says as one of those that are sent by the server.
fn message(news: &News) -> Message {
    let name = if news.is_refusal() {
        PROBLEM
    } else {
        news.query
    };
    let data = String::from_utf8_lossy(news.told.rendered.body());
    Message::Text(format!(r#"{{"event":"{name}","data":{data}}}"#).into())
}
