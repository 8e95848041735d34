//! Everything that is served, put together.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, get, on};
use tidegate_engine::Door;
use tidegate_engine::contract::Method;

use crate::admission::Admission;
use crate::docs;
use crate::guard::guard;
use crate::health::{self, HEALTH_PATH, READY_PATH};
use crate::metrics::{self, HttpMetrics};
use crate::openapi::{openapi, secured};
use crate::options::Options;
use crate::problem::{self, Problem};
use crate::route::{self, Route};

/// What all requests share.
pub(crate) struct Front {
    pub(crate) door: Door,
    pub(crate) options: Options,
    pub(crate) admission: Admission,
    pub(crate) metrics: HttpMetrics,
    pub(crate) openapi: Bytes,
}

/// Serves every request that the domains of `door` declare, and what goes with them.
///
/// # Panics
/// Two requests declare the same method and path, or a path has a syntax of its own.
pub fn router(door: Door, options: Options) -> Router {
    let mut document = openapi(door.domains(), &options.version);
    if options.credentials.is_some() {
        document = secured(document);
    }
    let front = Arc::new(Front {
        admission: Admission::new(options.requests_in_flight_max),
        metrics: HttpMetrics::default(),
        openapi: document.to_string().into(),
        door,
        options,
    });
    let mut router = Router::new()
        .route(docs::INDEX_PATH, get(docs::index))
        .route(docs::PAGE_PATH, get(docs::page))
        .route(docs::PROBLEMS_PATH, get(docs::page))
        .route(docs::OPENAPI_PATH, get(docs::openapi))
        .route(HEALTH_PATH, get(health::health))
        .route(READY_PATH, get(health::ready))
        .route("/metrics", get(metrics::metrics));
    for route in routes(&front.door) {
        router = declared(router, route, &front);
    }
    router
        .fallback(|| async { Problem::plain(problem::UNKNOWN_PATH) })
        .method_not_allowed_fallback(|| async { Problem::plain(problem::WRONG_METHOD) })
        .layer(from_fn_with_state(Arc::clone(&front), guard))
        .with_state(front)
}

fn routes(door: &Door) -> impl Iterator<Item = Route> {
    let domains = door.domains().iter().enumerate();
    domains.flat_map(|(domain, def)| def.requests.iter().map(move |def| Route { domain, def }))
}

/// Adds one declared request.
fn declared(router: Router<Arc<Front>>, route: Route, front: &Arc<Front>) -> Router<Arc<Front>> {
    let http = route.def.http;
    let filter = match http.method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Delete => MethodFilter::DELETE,
    };
    let (front, route) = (Arc::clone(front), Arc::new(route));
    let handler = move |request: Request| {
        let (front, route) = (Arc::clone(&front), Arc::clone(&route));
        async move { route::answer(&front, &route, request).await }
    };
    router.route(http.path, on(filter, handler))
}
