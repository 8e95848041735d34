//! Streams: which queries each has, and how it begins.

use std::borrow::Cow;
use std::sync::Arc;

use tidegate_engine::contract::{Class, Field, FieldKind, Method, Raw, ReplyType, RequestDef};
use tokio::sync::OwnedSemaphorePermit;

use super::follow::Follower;
use super::sse;
use super::topic::Question;
use super::upgrade::Upgrade;
use crate::answer::Response;
use crate::paths::{Decoded, decoded};
use crate::problem::Problem;
use crate::query;
use crate::route::{self, Asked, RequestBody, Route};
use crate::router::Front;
use crate::values::{Given, shown};

/// The queries whose answers are told under one path.
pub(crate) struct Stream {
    pub(crate) path: &'static str,
    queries: Vec<Arc<Route>>,
}

/// Somebody whose stream has begun.
pub(super) struct Watching {
    pub(super) front: Arc<Front>,
    pub(super) follower: Follower,
    pub(super) place: OwnedSemaphorePermit,
}

/// Answers a request for a stream: with what one of its queries refuses, or with a stream that begins at once.
pub(crate) async fn answer(
    front: &Arc<Front>,
    stream: &Stream,
    asked: &Asked<'_>,
    body: impl RequestBody,
) -> Result<Response, Problem> {
    let place = front.hub.place()?;
    route::check_bare(&body)?;
    let mut follower = stream.follower(front, asked)?;
    let upgrade = Upgrade::of(asked.parts)?;
    if let Err(response) = follower.begin(front).await {
        return Ok(response);
    }
    let watching = Watching {
        front: Arc::clone(front),
        follower,
        place,
    };
    Ok(match upgrade {
        Some(upgrade) => upgrade.answer(watching),
        None => sse::answer(watching),
    })
}

type Pairs<'a> = [(Cow<'a, [u8]>, Cow<'a, [u8]>)];

impl Stream {
    /// The streams of some requests, in the order in which they are declared.
    pub(crate) fn all(routes: &[Arc<Route>]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for route in routes {
            let Some(watched) = route.def.watched else {
                continue;
            };
            check(route.def);
            match all.iter_mut().find(|stream| stream.path == watched.path) {
                Some(stream) => stream.queries.push(Arc::clone(route)),
                None => all.push(Self {
                    path: watched.path,
                    queries: vec![Arc::clone(route)],
                }),
            }
        }
        all
    }

    fn follower(&self, front: &Front, asked: &Asked<'_>) -> Result<Follower, Problem> {
        let uri = &asked.parts.uri;
        let path = decoded(uri.path(), &asked.params)?;
        let query: Vec<_> = query::pairs(uri.query().unwrap_or_default()).collect();
        self.check_names(&query)?;
        let mut asked = Vec::new();
        for route in &self.queries {
            let given = given(route.def, &path, &query)?;
            // The first one is always asked for, if only to say what is missing.
            if asked.is_empty() || lacks(route.def, &given).is_none() {
                asked.push((Arc::clone(route), Question::of(route, &given)));
            }
        }
        Ok(Follower::of(front, asked)?)
    }

    /// No field is given that none of its queries requires.
    fn check_names(&self, query: &Pairs<'_>) -> Result<(), Problem> {
        let names: Vec<_> = self.fields().map(|field| field.name).collect();
        let unknown = |name: &[u8]| !names.iter().any(|known| known.as_bytes() == name);
        let Some((name, _)) = query.iter().find(|(name, _)| unknown(name)) else {
            return Ok(());
        };
        let name = shown(name);
        let known = names.join(", ");
        let detail = format!("`{name}` is not a field of this stream; it takes {known}");
        Err(Problem::field(name, detail))
    }

    /// What it takes: what its queries require.
    fn fields(&self) -> impl Iterator<Item = &'static Field> {
        let mut fields: Vec<&'static Field> = Vec::new();
        for field in self.queries.iter().flat_map(|route| required(route.def)) {
            if !fields.iter().any(|known| known.name == field.name) {
                fields.push(field);
            }
        }
        fields.into_iter()
    }
}

/// The fields of a query that a stream takes.
pub(crate) fn required(def: &RequestDef) -> impl Iterator<Item = &'static Field> + use<> {
    def.fields.iter().filter(|field| field.required)
}

fn given<'a>(
    def: &RequestDef,
    path: &'a Decoded<'_>,
    query: &'a Pairs<'_>,
) -> Result<Given<'a>, Problem> {
    let mut given = Given::new(def, path);
    let is_taken = |name: &[u8]| required(def).any(|field| field.name.as_bytes() == name);
    for (name, value) in query.iter().filter(|(name, _)| is_taken(name)) {
        given.put(name, Raw::Text(value))?;
    }
    Ok(given)
}

/// A required field that is not given.
fn lacks(def: &RequestDef, given: &Given<'_>) -> Option<&'static Field> {
    let values = given.values();
    let mut pairs = def.fields.iter().zip(values.0);
    pairs
        .find(|(field, value)| field.required && value.is_none())
        .map(|(field, _)| field)
}

/// That a query can be watched as it is declared.
fn check(def: &RequestDef) {
    let name = def.resp;
    let reads = def.class == Class::Reads && def.http.method == Method::Get;
    let answers = !def.streams && !def.pends && def.webhook.is_none();
    assert!(reads && answers, "{name}: only what reads is watched");
    let is_of_all = |field: &Field| field.kind != FieldKind::Address;
    assert!(
        def.fields.iter().all(is_of_all),
        "{name}: its answer depends on who asks"
    );
    let ReplyType::Map(fields) = def.reply else {
        panic!("{name}: what is watched has fields");
    };
    for aside in def.watched.iter().flat_map(|watched| watched.aside) {
        let is_there = fields.iter().any(|field| field.name == *aside);
        assert!(is_there, "{name}: {aside} is no field of its reply");
    }
}
