//! Everything that is served, put together.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, get, on};
use tidegate_engine::Door;
use tidegate_engine::contract::{FieldKind, Method, RequestDef};

use crate::admission::Admission;
use crate::backup;
use crate::docs;
use crate::events;
use crate::guard;
use crate::health;
use crate::latency::Latency;
use crate::limits::{ITEM_MEMBERS_MAX, ITEMS_MAX};
use crate::metrics::{self, HttpMetrics};
use crate::openapi::document;
use crate::options::Options;
use crate::pages;
use crate::problem::{self, Problem};
use crate::route::{self, Route};
use crate::webhook;

/// What of all requests is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    All,
    /// What those who are served may send themselves, and what other systems sign.
    Public,
}

impl Part {
    pub(crate) fn serves(self, def: &RequestDef) -> bool {
        match self {
            Self::All => true,
            Self::Public => def.is_public || def.webhook.is_some(),
        }
    }
}

/// What all requests share.
pub(crate) struct Front {
    pub(crate) door: Door,
    pub(crate) options: Options,
    pub(crate) admission: Admission,
    pub(crate) metrics: Arc<HttpMetrics>,
    pub(crate) openapi: Bytes,
    /// The paths to which webhooks are posted.
    pub(crate) webhooks: Vec<&'static str>,
}

/// Serves every request that the domains of `door` declare, and what goes with them.
///
/// # Panics
/// Two requests or pages have the same method and path, a path has a syntax of its own, or a list is not the
/// only one of its request, needs more than a body takes, or would stand in a query string; or a webhook
/// is no POST, or does not give each field that it needs, once; or what is no webhook asks for a signature.
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
    (of(Part::Public, public), of(Part::All, all))
}

fn serving(part: Part, door: Door, options: Options, metrics: Arc<HttpMetrics>) -> Router {
    let is_secured = options.credentials.is_some();
    let document = document(door.domains(), &options.version, part, is_secured);
    let front = Arc::new(Front {
        admission: Admission::new(options.requests_in_flight_max),
        metrics,
        openapi: document.to_string().into(),
        webhooks: webhooks(&door),
        door,
        options,
    });
    open(&front)
        .merge(guarded(&front, part))
        .layer(from_fn_with_state(Arc::clone(&front), guard::count))
        .with_state(front)
}

/// What holds no data, and is answered to everyone under every name of the server: a probe has no
/// credentials, and neither has a browser before it shows the page with the field for them.
fn open(front: &Front) -> Router<Arc<Front>> {
    docs::routes()
        .merge(pages::routes(&front.options.pages))
        .route("/healthz", get(health::health))
        .route("/readyz", get(health::ready))
        .method_not_allowed_fallback(wrong_method)
}

/// All else, unknown paths among it.
fn guarded(front: &Arc<Front>, part: Part) -> Router<Arc<Front>> {
    let mut router = match part {
        Part::All => Router::new()
            .route("/metrics", get(metrics::metrics))
            .route("/backup", get(backup::backup)),
        Part::Public => Router::new(),
    };
    for route in routes(&front.door).filter(|route| part.serves(route.def)) {
        router = declared(router, route, front);
    }
    router
        .fallback(|| async { Problem::plain(problem::UNKNOWN_PATH) })
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(front), guard::admit))
}

async fn wrong_method() -> Problem {
    Problem::plain(problem::WRONG_METHOD)
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

fn webhooks(door: &Door) -> Vec<&'static str> {
    let webhooks = routes(door).filter(|route| route.def.webhook.is_some());
    webhooks.map(|route| route.def.http.path).collect()
}

fn latencies(door: &Door) -> Vec<(&'static str, Latency)> {
    let named = routes(door).map(|route| (route.def.resp, Latency::default()));
    named.collect()
}

/// Adds one declared request.
fn declared(router: Router<Arc<Front>>, route: Route, front: &Arc<Front>) -> Router<Arc<Front>> {
    let RequestDef { http, fields, .. } = *route.def;
    let mut lists = fields.iter().filter_map(|field| match field.kind {
        FieldKind::List { fields, max } => Some((fields.len(), max)),
        FieldKind::Name
        | FieldKind::Id
        | FieldKind::Payload
        | FieldKind::Address
        | FieldKind::Integer { .. }
        | FieldKind::Word(_) => None,
    });
    if let Some((width, max)) = lists.next() {
        let is_bounded = max <= ITEMS_MAX && width <= ITEM_MEMBERS_MAX;
        let is_well = is_bounded && http.method != Method::Get && lists.next().is_none();
        assert!(is_well, "{}: one list, in a body, of few items", http.path);
    }
    webhook::check(route.def);
    let filter = match http.method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Delete => MethodFilter::DELETE,
    };
    let (front, route) = (Arc::clone(front), Arc::new(route));
    let handler = move |request: Request| {
        let (front, route) = (Arc::clone(&front), Arc::clone(&route));
        async move {
            if route.def.streams {
                events::answer(front, &route, request).await
            } else {
                route::answer(&front, &route, request).await
            }
        }
    };
    router.route(http.path, on(filter, handler))
}
