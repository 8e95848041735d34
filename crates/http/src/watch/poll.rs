//! Long polls: an answer once it says something else than what the client has seen.

use std::iter;
use std::sync::Arc;

use hyper::HeaderMap;
use tidegate_engine::contract::Raw;
use tokio::time::{Instant, timeout_at};

use super::follow::Follower;
use super::seen;
use super::topic::Question;
use crate::answer::Response;
use crate::paths::decoded;
use crate::problem::Problem;
use crate::query;
use crate::route::{self, Asked, RequestBody, Route};
use crate::router::Front;
use crate::values::Given;

/// Answers a query that is watched: at once, or with `wait_ms` as soon as there is news for who asks.
pub(crate) async fn answer(
    front: &Front,
    route: &Arc<Route>,
    asked: &Asked<'_>,
    body: impl RequestBody,
) -> Result<Response, Problem> {
    let wait = seen::wait(route.def, asked.parts.uri.query().unwrap_or_default())?;
    if wait.is_zero() {
        return route::answer(front, route, asked, body).await;
    }
    let _place = front.hub.place()?;
    let deadline = Instant::now() + wait;
    route::check_bare(&body)?;
    let follower = follower(front, route, asked)?;
    Ok(first_news(front, follower, &asked.parts.headers, deadline).await)
}

fn follower(front: &Front, route: &Arc<Route>, asked: &Asked<'_>) -> Result<Follower, Problem> {
    let uri = &asked.parts.uri;
    let path = decoded(uri.path(), &asked.params)?;
    let query: Vec<_> = query::pairs(uri.query().unwrap_or_default()).collect();
    let mut given = Given::new(route.def, &path);
    for (name, value) in query
        .iter()
        .filter(|(name, _)| **name != *seen::WAIT_MS.as_bytes())
    {
        given.put(name, Raw::Text(value))?;
    }
    let question = Question::of(route, &given);
    Ok(Follower::of(
        front,
        iter::once((Arc::clone(route), question)),
    )?)
}

async fn first_news(
    front: &Front,
    mut follower: Follower,
    headers: &HeaderMap,
    deadline: Instant,
) -> Response {
    if let Err(response) = follower.begin(front).await {
        return response;
    }
    let mut tag = 0; // The first news are there.
    let mut ending = front.options.ending.clone();
    loop {
        let news = tokio::select! {
            biased;
            news = timeout_at(deadline, follower.next(front)) => news,
            () = ending.wait() => return seen::nothing_new(tag),
        };
        let Ok(news) = news else {
            return seen::nothing_new(tag);
        };
        tag = news.told.head().tag;
        if news.is_refusal() || !seen::has(headers, tag) {
            return news.told.rendered.clone().into_response();
        }
    }
}
