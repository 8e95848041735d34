//! Events as Server-Sent Events: an answer that goes on until one of both sides ends it.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tidegate_engine::contract::{Fault, Outcome, Wanted, Work};
use tidegate_engine::{Begin, Door, FellBehind, Subscription, Taken, ToldEvent};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout_at};

use crate::answer::{Body, Response, answer as respond};
use crate::json::JsonWriter;
use crate::limits::{HEARTBEAT, STREAM_FRAMES_AHEAD};
use crate::options::Ending;
use crate::problem::{self, Problem};
use crate::route::{self, Asked, RequestBody, Route};
use crate::router::Front;
use crate::sink::Rendered;

/// Where a client that reconnects says how far it came.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Tells a proxy to hand on what comes at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Keeps the connection from looking idle to what lies between.
pub(crate) const BEAT: &[u8] = b":\n\n";

/// Answers a request for events: with a problem, or with a stream that begins at once.
pub(crate) async fn answer(
    front: &Arc<Front>,
    route: &Route,
    asked: &Asked<'_>,
    body: impl RequestBody,
) -> Result<Response, Problem> {
    let room = front.admission.request()?;
    let deadline = Instant::now() + front.options.request_timeout;
    let work = route::work(front, route, asked, body, deadline).await?;
    let wanted = wanted(work, &asked.parts.headers, &front.door)?;

    if let Some(fault) = front.door.sheds(route.domain, route.def) {
        return Ok(Rendered::of(&Outcome::Fault(&fault)).into_response());
    }
    let bell = Arc::new(Notify::new());
    let ringer = Arc::clone(&bell);
    let begin = wanted.after.map_or(Begin::Now, Begin::After);
    let ring = Box::new(move || ringer.notify_one());
    let subscription = front.door.subscribe(wanted.filter, begin, ring);
    let subscription = match subscription {
        Ok(subscription) => subscription,
        Err(fault) => return Ok(Rendered::of(&Outcome::Fault(&fault)).into_response()),
    };
    let mut stream = Stream { subscription, bell };
    let first = timeout_at(deadline, stream.begin()).await;
    let first = match first.map_err(|_| Problem::plain(problem::BUSY))? {
        Ok(first) => first,
        Err(Ended::FellBehind(fell)) => {
            return Ok(Rendered::of(&Outcome::Refused(&fell)).into_response());
        }
        Err(Ended::Stopped) => {
            return Ok(Rendered::of(&Outcome::Fault(&Fault::Stopping)).into_response());
        }
    };
    let (frames, read) = mpsc::channel(STREAM_FRAMES_AHEAD);
    let ending = front.options.ending.clone();
    tokio::spawn(async move {
        stream.carry(first, ending, &frames).await;
        drop(room);
    });
    Ok(sent(read))
}

/// An answer of events that are sent as they come.
pub(crate) fn sent(events: mpsc::Receiver<io::Result<Bytes>>) -> Response {
    let head = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    respond(StatusCode::OK, head, Body::frames(events))
}

/// What is asked for; the header `Last-Event-ID`, which a client that reconnects adds, tells better
/// than the query how far it came.
fn wanted(work: Work, headers: &HeaderMap, door: &Door) -> Result<Wanted, Problem> {
    let Work::Subscribe(mut wanted) = work else {
        unreachable!("because only what streams is asked for here");
    };
    let mut given = "after";
    if let Some(last) = last_event_id(headers)? {
        (wanted.after, given) = (Some(last), "Last-Event-ID");
    }
    door.check_events(&wanted, given)?;
    Ok(wanted)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(last) = headers.get(LAST_EVENT_ID).filter(|last| !last.is_empty()) else {
        return Ok(None);
    };
    let last = last.to_str().ok().and_then(|last| last.parse::<u64>().ok());
    let last = last.filter(|last| i64::try_from(*last).is_ok());
    let wrong = || Problem::field("Last-Event-ID", "`Last-Event-ID` must be a cursor");
    last.map(Some).ok_or_else(wrong)
}

/// Why a stream has come to its end.
enum Ended {
    FellBehind(FellBehind),
    Stopped,
}

/// A subscription, and the bell that says when to look at it.
struct Stream {
    subscription: Subscription,
    bell: Arc<Notify>,
}

type Events = Vec<Arc<ToldEvent>>;

impl Stream {
    /// The first events, if there are any stored; it is certain then that none are missing.
    async fn begin(&mut self) -> Result<Events, Ended> {
        loop {
            match self.subscription.take() {
                Taken::Events(events) => return Ok(events),
                Taken::Nothing if self.subscription.follows() => return Ok(Vec::new()),
                Taken::Nothing => self.bell.notified().await,
                Taken::Busy(ms) => sleep(Duration::from_millis(ms)).await,
                Taken::FellBehind(fell) => return Err(Ended::FellBehind(fell)),
                Taken::Stopped => return Err(Ended::Stopped),
            }
        }
    }

    /// The next events.
    async fn next(&mut self) -> Result<Events, Ended> {
        loop {
            let events = self.begin().await?;
            if !events.is_empty() {
                return Ok(events);
            }
            self.bell.notified().await;
        }
    }

    /// Writes events until the client goes away, the server stops, or some are missing.
    async fn carry(
        mut self,
        first: Events,
        mut ending: Ending,
        frames: &mpsc::Sender<io::Result<Bytes>>,
    ) {
        let mut ending = pin!(ending.wait());
        let mut beats = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut bytes = head(self.subscription.cursor().filter(|_| first.is_empty()));
        first.iter().for_each(|event| write(event, &mut bytes));
        loop {
            tokio::select! {
                sent = frames.send(Ok(bytes.into())) => if sent.is_err() { return },
                () = &mut ending => return,
            }
            bytes = tokio::select! {
                events = self.next() => match events {
                    Ok(events) => {
                        let mut bytes = Vec::new();
                        events.iter().for_each(|event| write(event, &mut bytes));
                        bytes
                    }
                    Err(Ended::FellBehind(fell)) => {
                        let _ = frames.send(Ok(farewell(&fell).into())).await;
                        return;
                    }
                    Err(Ended::Stopped) => return,
                },
                _ = beats.tick() => BEAT.to_vec(),
                () = frames.closed() => return,
                () = &mut ending => return,
            };
        }
    }
}

/// What a stream begins with: without a first event, where to go on if the connection breaks before
/// there is one.
fn head(cursor: Option<u64>) -> Vec<u8> {
    let id = cursor.map(|cursor| format!("id: {cursor}\n"));
    format!(":\n{}\n", id.unwrap_or_default()).into_bytes()
}

fn write(event: &ToldEvent, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("id: {}\ndata: ", event.cursor()).as_bytes());
    event.shape().write_to(&mut JsonWriter::new(out));
    out.extend_from_slice(b"\n\n");
}

/// The last event of a client that was too slow: the problem that it would be told at the beginning.
fn farewell(fell: &FellBehind) -> Vec<u8> {
    let mut bytes = b"event: fell_behind\ndata: ".to_vec();
    bytes.extend_from_slice(Rendered::of(&Outcome::Refused(fell)).body());
    bytes.extend_from_slice(b"\n\n");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_event_id_is_a_cursor_or_refused() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(LAST_EVENT_ID, HeaderValue::from_static(value));
            last_event_id(&headers).map_err(drop)
        };
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("0"), Ok(Some(0)));
        assert_eq!(read("9223372036854775807"), Ok(Some(u64::MAX >> 1)));
        for wrong in ["9223372036854775808", "-1", "x", "1 2"] {
            assert_eq!(read(wrong), Err(()), "{wrong}");
        }
    }
}
