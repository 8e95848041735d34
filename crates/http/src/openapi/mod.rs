//! The OpenAPI 3.1 document, made from the declarations alone.

mod beacon;
mod operation;
mod problems;
mod schema;
mod watch;
mod webhook;

use serde_json::{Map, Value, json};
use tidegate_engine::contract::{Beacon, Domain, RequestDef};

use crate::prose::prose;
use crate::router::Part;

const DESCRIPTION: &str = "Business structures that hold under load. Every answer, refusals \
    included, leaves only once everything it rests on is durable. The id that a caller chooses is \
    its idempotency key: the same request again returns the first receipt, marked `repeated`. Ids \
    are strings; times and durations are integers in milliseconds and their names end in `_ms`; \
    money is an integer of minor units; pages are `{items, next}`.";

const UNAUTHORIZED: &str = "#/components/responses/unauthorized";

/// The document that describes every request of `domains`.
#[must_use]
pub fn openapi(domains: &[Domain], version: &str) -> Value {
    document(domains, version, Part::All, false)
}

/// The document of a part of them, perhaps of a server that asks for credentials.
pub(crate) fn document(domains: &[Domain], version: &str, part: Part, is_secured: bool) -> Value {
    let document = unsecured(domains, version, part);
    if is_secured {
        secured(document, domains, part)
    } else {
        document
    }
}

/// The requests of a domain that a part serves.
fn served(domain: &Domain, part: Part) -> impl Iterator<Item = &'static RequestDef> {
    let requests = domain.requests.iter();
    requests.filter(move |def| part.serves(def))
}

/// The beacons of a domain's requests that a part serves.
fn beacons(domain: &Domain, part: Part) -> impl Iterator<Item = (&'static RequestDef, Beacon)> {
    let requests = domain.requests.iter();
    requests.filter_map(move |def| Some((def, part.beacon(def)?)))
}

fn unsecured(domains: &[Domain], version: &str, part: Part) -> Value {
    let tags: Vec<_> = domains
        .iter()
        .filter(|domain| {
            served(domain, part).next().is_some() || beacons(domain, part).next().is_some()
        })
        .map(|domain| json!({ "name": domain.name, "description": prose(domain.doc) }))
        .collect();
    let mut paths = Map::new();
    for domain in domains {
        for def in served(domain, part) {
            let path = paths.entry(def.http.path).or_insert_with(|| json!({}));
            path[operation::method(def.http.method)] = operation::operation(domain, def);
        }
        for (def, beacon) in beacons(domain, part) {
            let operations = beacon::operations(domain, def, &beacon);
            paths.insert(beacon.path.to_owned(), operations);
        }
        for (path, queries) in watch::streams(served(domain, part)) {
            paths.insert(
                path.to_owned(),
                json!({ "get": watch::stream(domain, path, &queries) }),
            );
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Tidegate", "version": version, "description": DESCRIPTION },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": { "schemas": { "Problem": problems::schema() }, "responses": problems::of_front() },
    })
}

fn secured(mut document: Value, domains: &[Domain], part: Part) -> Value {
    let components = &mut document["components"];
    components["securitySchemes"] = json!({ "bearer": { "type": "http", "scheme": "bearer" } });
    document["security"] = json!([{ "bearer": [] }]);
    for def in domains.iter().flat_map(|domain| served(domain, part)) {
        let operation = &mut document["paths"][def.http.path][operation::method(def.http.method)];
        match def.webhook {
            Some(_) => operation["security"] = json!([]),
            None => operation["responses"]["401"] = json!({ "$ref": UNAUTHORIZED }),
        }
        if let Some(watched) = def.watched {
            let stream = &mut document["paths"][watched.path]["get"];
            stream["responses"]["401"] = json!({ "$ref": UNAUTHORIZED });
        }
    }
    for (_, beacon) in domains.iter().flat_map(|domain| beacons(domain, part)) {
        for method in ["post", "get"] {
            let operation = &mut document["paths"][beacon.path][method];
            operation["responses"]["401"] = json!({ "$ref": UNAUTHORIZED });
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem;

    #[test]
    fn every_problem_of_the_front_is_explained_whatever_the_domains() {
        let document = openapi(&[], "0.0.0-test");
        for problem in problem::ALL {
            let response = &document["components"]["responses"][problem.code];
            let explained = &response["x-codes"][0];
            assert_eq!(explained["code"], problem.code);
            assert_eq!(explained["status"], problem.status.as_u16());
        }
    }
}
