//! Everything that is served, put together, and the way of a request to what answers it.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request};
use tidegate_engine::Door;
use tidegate_engine::contract::{self, Beacon, FieldKind, RequestDef};

use crate::admission::Admission;
use crate::answer::{Body, Response, without_body};
use crate::backup;
use crate::beacon;
use crate::docs;
use crate::events;
use crate::guard;
use crate::health;
use crate::latency::Latency;
use crate::limits::{ITEM_MEMBERS_MAX, ITEMS_MAX};
use crate::metrics::{self, HttpMetrics};
use crate::openapi::document;
use crate::options::Options;
use crate::pages::Served;
use crate::paths::{AsksFor, Endpoint, Methods, Paths};
use crate::problem::{self, Problem};
use crate::route::{self, Asked, RequestBody, Route};
use crate::watch::stream::{self, Stream};
use crate::watch::{Hub, poll};
use crate::webhook;

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// What of all requests is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    All,
    /// What those who are served may send themselves, what other systems sign, and beacons if pages of other sites may
    /// send them.
    Public {
        beacons: bool,
    },
}

impl Part {
    /// Whether a request is served here; one that is only its arguments nowhere in HTTP.
    pub(crate) fn serves(self, def: &RequestDef) -> bool {
        match self {
            _ if def.is_spoken() => false,
            Self::All => true,
            Self::Public { .. } => def.is_public || def.webhook.is_some(),
        }
    }

    /// The beacon of a request, if it has one that is served here.
    pub(crate) fn beacon(self, def: &RequestDef) -> Option<Beacon> {
        let is_served = match self {
            Self::All => true,
            Self::Public { beacons } => beacons,
        };
        def.beacon.filter(|_| is_served)
    }
}

/// What all requests share.
pub(crate) struct Front {
    pub(crate) door: Door,
    pub(crate) options: Options,
    pub(crate) admission: Admission,
    pub(crate) hub: Arc<Hub>,
    pub(crate) metrics: Arc<HttpMetrics>,
    pub(crate) openapi: Bytes,
}

/// Answers requests.
#[derive(Clone)]
pub struct Router(Arc<Serving>);

enum Serving {
    /// How far the start of the server is.
    Starting(Box<dyn Fn() -> String + Send + Sync>),
    Started(Arc<Front>, Paths),
}

/// Serves every request that the domains of `door` declare, and what goes with them.
///
/// # Panics
/// Two requests or pages have the same method and path, a path has a syntax of its own, or a list is not the
/// only one of its request, needs more than a body takes, or would stand in a query string; or a webhook
/// is no POST, or does not give each field that it needs, once; or what is no webhook asks for a signature; or a beacon
/// does not give each field that it needs, or has something to tell; or what
/// is watched is no query, wants to know who asks, or sets something aside that its reply has not.
pub fn router(door: Door, options: Options) -> Router {
    let metrics = Arc::new(HttpMetrics::new(latencies(&door)));
    serving(Part::All, door, options, metrics)
}

/// The same as two routers: what those who are served may send themselves is all that the first one knows; the second
/// serves everything, at an address that they do not reach. Each has room of its own for requests, and both are
/// counted together.
///
/// # Panics
/// As [`router`].
pub fn divided(door: &Door, public: Options, all: Options) -> (Router, Router) {
    let metrics = Arc::new(HttpMetrics::new(latencies(door)));
    let of = |part, options| serving(part, door.clone(), options, Arc::clone(&metrics));
    let beacons = !public.beacon_origins.is_empty();
    (of(Part::Public { beacons }, public), of(Part::All, all))
}

/// What is answered while the server starts: that it lives, and to all else how far it is.
pub fn starting_router(how_far: impl Fn() -> String + Send + Sync + 'static) -> Router {
    Router(Arc::new(Serving::Starting(Box::new(how_far))))
}

fn serving(part: Part, door: Door, options: Options, metrics: Arc<HttpMetrics>) -> Router {
    let is_secured = options.credentials.is_some();
    let document = document(door.domains(), &options.version, part, is_secured);
    let front = Front {
        admission: Admission::new(options.requests_in_flight_max),
        hub: Arc::new(Hub::new(options.watchers_max)),
        metrics,
        openapi: document.to_string().into(),
        door,
        options,
    };
    let paths = paths(&front, part);
    Router(Arc::new(Serving::Started(Arc::new(front), paths)))
}

fn paths(front: &Front, part: Part) -> Paths {
    let mut paths = Paths::default();
    let get = |endpoint| vec![(Method::GET, endpoint)];
    for (path, make) in docs::PATHS {
        paths.add(path, true, get(Endpoint::Made(make)));
    }
    for page in &front.options.pages {
        paths.add(page.path, true, get(Endpoint::Page(Served::of(page))));
    }
    paths.add("/healthz", true, get(Endpoint::Made(|_| health::health())));
    paths.add("/readyz", true, get(Endpoint::Made(health::ready)));
    if part == Part::All {
        paths.add("/metrics", false, get(Endpoint::Made(metrics::metrics)));
        paths.add("/backup", false, get(Endpoint::Backup));
    }
    for (path, endpoints) in declared(&front.door, part) {
        paths.add(path, false, endpoints);
    }
    paths
}

fn routes(door: &Door) -> impl Iterator<Item = Route> {
    let domains = door.domains().iter().enumerate();
    let requests =
        domains.flat_map(|(domain, def)| def.requests.iter().map(move |def| (domain, def)));
    let numbered = requests.enumerate();
    numbered.map(|(number, (domain, def))| Route {
        number,
        domain,
        def,
    })
}

fn latencies(door: &Door) -> Vec<(&'static str, Latency)> {
    let named = routes(door).map(|route| (route.def.resp, Latency::default()));
    named.collect()
}

/// The declared requests, and the streams of those that are watched, by their paths.
fn declared(door: &Door, part: Part) -> Vec<(&'static str, Vec<(Method, Endpoint)>)> {
    let all: Vec<_> = routes(door).map(Arc::new).collect();
    let beacons = all
        .iter()
        .filter_map(|route| Some((part.beacon(route.def)?, route)));
    let beacons = beacons.flat_map(|(Beacon { path, .. }, route)| {
        let endpoint = |method| (path, (method, Endpoint::Beacon(Arc::clone(route))));
        [Method::POST, Method::GET].map(endpoint)
    });
    let served = all.iter().filter(|route| part.serves(route.def));
    let served: Vec<_> = served.cloned().collect();
    let streams = Stream::all(&served).into_iter().map(|stream| {
        let path = stream.path;
        (path, (Method::GET, Endpoint::Stream(stream)))
    });
    let requests = served.into_iter().map(|route| {
        check(route.def);
        let endpoint = (method(route.def), Endpoint::Declared(Arc::clone(&route)));
        (route.def.http.path, endpoint)
    });
    let mut by_path: Vec<(&str, Vec<_>)> = Vec::new();
    for (path, endpoint) in requests.chain(streams).chain(beacons) {
        match by_path.iter_mut().find(|(of, _)| *of == path) {
            Some((_, endpoints)) => endpoints.push(endpoint),
            None => by_path.push((path, vec![endpoint])),
        }
    }
    by_path
}

fn method(def: &RequestDef) -> Method {
    match def.http.method {
        contract::Method::Get => Method::GET,
        contract::Method::Post => Method::POST,
        contract::Method::Put => Method::PUT,
        contract::Method::Delete => Method::DELETE,
    }
}

fn check(def: &RequestDef) {
    let RequestDef { http, fields, .. } = *def;
    let mut lists = fields.iter().filter_map(|field| match field.kind {
        FieldKind::List { fields, max } => Some((fields.len(), max)),
        FieldKind::Name
        | FieldKind::Id
        | FieldKind::Payload { .. }
        | FieldKind::Bytes { .. }
        | FieldKind::Address
        | FieldKind::Integer { .. }
        | FieldKind::Grammar(_)
        | FieldKind::Word(_) => None,
    });
    if let Some((width, max)) = lists.next() {
        let is_bounded = max <= ITEMS_MAX && width <= ITEM_MEMBERS_MAX;
        let is_well = is_bounded && http.method != contract::Method::Get && lists.next().is_none();
        assert!(is_well, "{}: one list, in a body, of few items", http.path);
    }
    webhook::check(def);
    beacon::check(def);
}

impl Router {
    /// Answers a request; `peer` is the other end of its connection, if it has one.
    pub async fn answer(
        &self,
        peer: Option<IpAddr>,
        request: Request<impl RequestBody>,
    ) -> hyper::Response<Body> {
        let is_head = *request.method() == Method::HEAD;
        let mut answer = match &*self.0 {
            Serving::Starting(how_far) => starting(request.uri().path(), how_far),
            Serving::Started(front, paths) => counted(front, paths, peer, request).await,
        };
        if is_head {
            without_body(&mut answer);
        }
        answer
    }
}

fn starting(path: &str, how_far: &dyn Fn() -> String) -> Response {
    match path {
        "/healthz" => health::health(),
        _ => health::not_ready(&how_far()),
    }
}

/// Counts a request and its answer.
async fn counted(
    front: &Arc<Front>,
    paths: &Paths,
    peer: Option<IpAddr>,
    request: Request<impl RequestBody>,
) -> Response {
    let _in_flight = front.metrics.enter();
    let answered = answered(front, paths, peer, request).await;
    let mut answer = answered.unwrap_or_else(Problem::into_response);
    answer
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    front.metrics.count(answer.status());
    answer
}

async fn answered(
    front: &Arc<Front>,
    paths: &Paths,
    peer: Option<IpAddr>,
    request: Request<impl RequestBody>,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let found = paths.find(parts.uri.path());
    let endpoint = found
        .as_ref()
        .and_then(|(methods, _)| methods.find(&parts.method));
    if !found.as_ref().is_some_and(|(methods, _)| methods.is_open) {
        let asks_for = endpoint.map_or(AsksFor::Credentials, Endpoint::asks_for);
        guard::admit(&front.options, &parts, asks_for)?;
    }
    let Some((methods, params)) = found else {
        return Err(Problem::plain(problem::UNKNOWN_PATH));
    };
    let asked = Asked {
        parts: &parts,
        params,
        peer,
    };
    match endpoint {
        Some(Endpoint::Made(make)) => Ok(make(front)),
        Some(Endpoint::Page(page)) => page.answer(front, &parts.headers),
        Some(Endpoint::Backup) => backup::backup(front).await,
        Some(Endpoint::Stream(stream)) => stream::answer(front, stream, &asked, body).await,
        Some(Endpoint::Declared(route)) if route.def.streams => {
            events::answer(front, route, &asked, body).await
        }
        Some(Endpoint::Declared(route)) if route.def.watched.is_some() => {
            poll::answer(front, route, &asked, body).await
        }
        Some(Endpoint::Declared(route)) => route::answer(front, route, &asked, body).await,
        Some(Endpoint::Beacon(route)) => Ok(beacon::answer(front, route, &asked, body).await),
        None => Ok(wrong_method(methods)),
    }
}

fn wrong_method(methods: &Methods) -> Response {
    let mut answer = Problem::plain(problem::WRONG_METHOD).into_response();
    let allow = methods.allow.clone();
    answer.headers_mut().insert(header::ALLOW, allow);
    answer
}
