//! How a connection becomes a WebSocket (RFC 6455, section 4.2).

use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::socket;
use super::stream::Watching;
use crate::answer::{Body, Response, answer};
use crate::problem::{self, Problem};
use crate::serve::Place;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

const VERSION: HeaderValue = HeaderValue::from_static("13");

/// A connection that is to become a WebSocket.
pub(super) struct Upgrade {
    connection: OnUpgrade,
    place: Option<Place>,
    accept: HeaderValue,
}

impl Upgrade {
    /// What a request asks for; `None` if that is no WebSocket.
    pub(super) fn of(parts: &Parts) -> Result<Option<Self>, Problem> {
        let headers = &parts.headers;
        if !is_one(headers, &UPGRADE, &WEBSOCKET) {
            return Ok(None);
        }
        let is_well = parts.method == Method::GET && headers.contains_key(CONNECTION);
        if !is_well || !is_one(headers, &SEC_WEBSOCKET_VERSION, &VERSION) {
            return Err(unreadable(
                "a WebSocket is asked for by a GET with `Connection: upgrade` and `Sec-WebSocket-Version: 13`",
            ));
        }
        let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else {
            return Err(unreadable("the header `Sec-WebSocket-Key` is missing"));
        };
        let Some(connection) = parts.extensions.get::<OnUpgrade>() else {
            return Err(unreadable("this connection cannot become a WebSocket"));
        };
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
        Ok(Some(Self {
            connection: connection.clone(),
            place: parts.extensions.get().cloned(),
            accept: accept.expect("because Base64 is a header's value"),
        }))
    }

    /// Agrees, and has news told over it from then on. The connection keeps its place.
    pub(super) fn answer(self, watching: Watching) -> Response {
        let Self {
            connection,
            place,
            accept,
        } = self;
        tokio::spawn(async move {
            // A client that goes away before it is one has nothing to be told.
            if let Ok(upgraded) = connection.await {
                socket::serve(upgraded, watching).await;
            }
            drop(place);
        });
        let head = [
            (CONNECTION, HeaderValue::from_static("upgrade")),
            (UPGRADE, WEBSOCKET),
            (SEC_WEBSOCKET_ACCEPT, accept),
        ];
        answer(StatusCode::SWITCHING_PROTOCOLS, head, Body::empty())
    }
}

fn is_one(headers: &HeaderMap, name: &HeaderName, value: &HeaderValue) -> bool {
    let given = headers.get(name);
    given.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
}

fn unreadable(detail: &'static str) -> Problem {
    Problem::new(problem::UNREADABLE, detail)
}
