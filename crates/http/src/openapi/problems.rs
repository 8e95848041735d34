//! Problems as OpenAPI responses: one per domain and status, with the codes that it can carry, and
//! one for each code that is found whatever the request.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidegate_engine::contract::{Class, Domain, Method, RequestDef};

use crate::problem::{self, ProblemDef};
use crate::prose::prose;
use crate::render::status_code;

/// What a code means.
struct Code {
    code: &'static str,
    doc: &'static str,
}

/// The members that every problem has. A refusal adds its facts.
pub(super) fn schema() -> Value {
    let string = |doc: &str| json!({ "type": "string", "description": doc });
    let integer = |doc: &str| json!({ "type": "integer", "description": doc });
    json!({
        "type": "object",
        "description": "A problem (RFC 9457). A refusal's facts are further members.",
        "properties": {
            "type": { "type": "string", "format": "uri-reference",
                "description": "Where the code is explained." },
            "title": string("The code as words."),
            "status": integer("The HTTP status."),
            "code": string("Stable; what a program looks at."),
            "detail": string("What was wrong and what to do, for people."),
            "field": string("The field that is wrong, if one is."),
            "retry_after_ms": integer("When to ask again, if the server is busy."),
        },
        "required": ["type", "title", "status", "code", "detail"],
    })
}

/// All problem responses of a domain, by the names under which operations refer to them.
pub(super) fn responses(domain: &Domain) -> Map<String, Value> {
    let named = by_status(domain).into_iter();
    named
        .map(|(status, codes)| (name(domain, status), response(status, &codes)))
        .collect()
}

/// The problem responses of one request.
pub(super) fn references(domain: &Domain, def: &RequestDef) -> Map<String, Value> {
    let refused = |status| {
        domain
            .refusals()
            .iter()
            .any(|refusal| status_code(refusal.status) == status)
    };
    let mut references = Map::new();
    for status in by_status(domain).into_keys() {
        let mut here = problem::ALL
            .iter()
            .filter(|problem| problem.status.as_u16() == status);
        if here.any(|problem| concerns(problem, def)) || refused(status_of(status)) {
            let target = format!("#/components/responses/{}", name(domain, status));
            references.insert(status.to_string(), json!({ "$ref": target }));
        }
    }
    references
}

/// The responses that no request of these domains refers to, by their codes: what is found before
/// it is known which request is meant. They explain a problem's `type`.
pub(super) fn of_no_request(domains: &[Domain]) -> Map<String, Value> {
    let requests = domains.iter().flat_map(|domain| domain.requests);
    let nobodys = problem::ALL
        .iter()
        .filter(|problem| !requests.clone().any(|def| concerns(problem, def)));
    let response = |problem: &ProblemDef| {
        let &ProblemDef { code, status, doc } = problem;
        (
            code.to_owned(),
            response(status.as_u16(), &[Code { code, doc }]),
        )
    };
    nobodys.map(response).collect()
}

fn status_of(status: u16) -> axum::http::StatusCode {
    axum::http::StatusCode::from_u16(status).expect("because it was the number of a status")
}

fn name(domain: &Domain, status: u16) -> String {
    format!("{}_{status}", domain.name)
}

fn by_status(domain: &Domain) -> BTreeMap<u16, Vec<Code>> {
    let mut all: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    let any = |problem: &&ProblemDef| domain.requests.iter().any(|def| concerns(problem, def));
    for problem in problem::ALL.iter().filter(any) {
        let codes = all.entry(problem.status.as_u16()).or_default();
        codes.push(Code {
            code: problem.code,
            doc: problem.doc,
        });
    }
    for refusal in domain.refusals() {
        let codes = all.entry(status_code(refusal.status).as_u16()).or_default();
        codes.push(Code {
            code: refusal.code,
            doc: refusal.doc,
        });
    }
    all
}

/// Whether a problem that the front finds can befall a request that is otherwise well sent.
fn concerns(problem: &ProblemDef, def: &RequestDef) -> bool {
    let has_body = def.http.method != Method::Get;
    match problem.status.as_u16() {
        408 | 413 | 415 => has_body,
        507 => def.class == Class::Opens,
        401 | 403 | 404 | 405 | 421 => false,
        _ => true,
    }
}

fn response(status: u16, codes: &[Code]) -> Value {
    let lines = codes
        .iter()
        .map(|code| format!("- `{}`: {}", code.code, prose(code.doc)));
    let words: Vec<_> = codes.iter().map(|code| code.code).collect();
    let schema = json!({
        "allOf": [
            { "$ref": "#/components/schemas/Problem" },
            { "type": "object", "properties": {
                "status": { "const": status },
                "code": { "enum": words },
            } },
        ],
    });
    let explained = codes
        .iter()
        .map(|code| json!({ "code": code.code, "status": status, "doc": prose(code.doc) }));
    let mut response = json!({
        "description": lines.collect::<Vec<_>>().join("\n"),
        "content": { "application/problem+json": { "schema": schema } },
        "x-codes": explained.collect::<Vec<_>>(),
    });
    if status == problem::BUSY.status.as_u16() {
        response["headers"] = json!({ "Retry-After": {
            "description": "Whole seconds after which to ask again; with the code `busy`.",
            "schema": { "type": "integer", "minimum": 1 },
        } });
    }
    response
}
