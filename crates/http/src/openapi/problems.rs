//! Problems as OpenAPI responses: one per domain and status, with the codes that it can carry, and
//! one for each code that is found whatever the request.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidegate_engine::contract::{Class, Method, RequestDef, resp_word};

use crate::problem::{self, ProblemDef};
use crate::prose::prose;
use crate::render::status_code;

/// What a code means.
struct Code {
    code: &'static str,
    doc: &'static str,
    /// Of the request itself; otherwise any such request can meet it.
    is_refusal: bool,
}

impl Code {
    fn of(problem: &ProblemDef) -> Self {
        Self {
            code: problem.code,
            doc: problem.doc,
            is_refusal: false,
        }
    }
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
            "shed": string("The class of work that is shed, if the request is of one."),
        },
        "required": ["type", "title", "status", "code", "detail"],
    })
}

/// The problem responses of one request, or of several together, by status.
pub(super) fn responses(defs: &[&RequestDef]) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    let mut add = |status: u16, code: Code| {
        let codes = by_status.entry(status).or_default();
        if !codes.iter().any(|known| known.code == code.code) {
            codes.push(code);
        }
    };
    for refusal in defs.iter().flat_map(|def| def.refusals) {
        let code = Code {
            code: refusal.code,
            doc: refusal.doc,
            is_refusal: true,
        };
        add(status_code(refusal.status).as_u16(), code);
    }
    let concerns = |problem: &&ProblemDef| defs.iter().any(|def| concerns(problem, def));
    for problem in problem::ALL.iter().filter(concerns) {
        add(problem.status.as_u16(), Code::of(problem));
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status.to_string(), response(status, &codes)))
        .collect()
}

/// The problems of the front, each by its code: where a problem's `type` is explained.
pub(super) fn of_front() -> Map<String, Value> {
    let response = |problem: &ProblemDef| {
        let codes = [Code::of(problem)];
        let response = response(problem.status.as_u16(), &codes);
        (problem.code.to_owned(), response)
    };
    problem::ALL.iter().map(response).collect()
}

/// Whether a problem that the front finds can befall a request that is otherwise well sent.
fn concerns(problem: &ProblemDef, def: &RequestDef) -> bool {
    let has_body = def.http.method != Method::Get;
    match problem.status.as_u16() {
        415 => has_body && def.webhook.is_none(),
        408 | 413 => has_body,
        507 => def.class != Class::Reads,
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
    let explained = codes.iter().map(|code| {
        json!({
            "code": code.code,
            "resp": resp_word(code.code).map(char::from).collect::<String>(),
            "status": status,
            "doc": prose(code.doc),
            "refusal": code.is_refusal,
        })
    });
    let mut response = json!({
        "description": lines.collect::<Vec<_>>().join("\n"),
        "content": { "application/problem+json": { "schema": schema } },
        "x-codes": explained.collect::<Vec<_>>(),
    });
    let retry_after = match status {
        429 => Some("Whole seconds after which to ask again."),
        503 => Some("Whole seconds after which to ask again; with the code `busy`."),
        _ => None,
    };
    if let Some(description) = retry_after {
        response["headers"] = json!({ "Retry-After": {
            "description": description,
            "schema": { "type": "integer", "minimum": 1 },
        } });
    }
    response
}
