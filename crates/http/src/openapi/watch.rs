//! Queries that are watched, and their streams, as OpenAPI tells of them.

use serde_json::{Map, Value, json};
use tidegate_engine::contract::{Domain, Field, RequestDef, WorkClass};
use tidegate_engine::limits::WAIT_MS_MAX;

use super::{operation, problems, schema};
use crate::watch::seen::{WAIT_MS, may_wait};
use crate::watch::stream::required;

/// The streams of a domain's requests: of each its path and its queries, in order.
pub(super) fn streams<'a>(
    served: impl Iterator<Item = &'a RequestDef>,
) -> Vec<(&'static str, Vec<&'a RequestDef>)> {
    let mut all: Vec<(&'static str, Vec<&RequestDef>)> = Vec::new();
    for def in served {
        let Some(watched) = def.watched else { continue };
        match all.iter_mut().find(|(path, _)| *path == watched.path) {
            Some((_, queries)) => queries.push(def),
            None => all.push((watched.path, vec![def])),
        }
    }
    all
}

/// The operation of a stream.
pub(super) fn stream(domain: &Domain, path: &str, queries: &[&RequestDef]) -> Value {
    let name = operation::operation_id(queries[0]);
    let names: Vec<_> = queries
        .iter()
        .map(|def| format!("`{}`", def.resp))
        .collect();
    let names = names.join(" and ");
    let replies: Vec<_> = queries
        .iter()
        .map(|def| schema::reply(&def.reply))
        .collect();
    let told = json!({ "text/event-stream": { "schema": { "anyOf": replies } } });
    let mut responses = Map::new();
    let over = "A WebSocket, if the request asks for one: each of its messages is \
        `{\"event\": …, \"data\": …}`.";
    responses.insert("101".into(), json!({ "description": over }));
    responses.insert(
        "200".into(),
        json!({ "description": SENT, "content": told }),
    );
    responses.extend(problems::responses(queries));
    json!({
        "operationId": format!("{name}_stream"),
        "tags": [domain.name],
        "summary": format!("The answers of {names}, as they change."),
        "description": format!(
            "The answers of {names}, as far as their fields are given: first those of now, then each that says \
             something else. {PACED}"
        ),
        "parameters": parameters(path, queries),
        "x-work-class": queries.iter().map(|def| def.work_class).max().map(WorkClass::word),
        "responses": responses,
    })
}

const SENT: &str = "Server-Sent Events, until one of both sides ends it: the type of each is the name of the \
    query, its `data` what that answers. A last one of the type `problem` says why nothing more comes.";

const PACED: &str = "At most one answer a second of each, and always the newest: who reads slowly is told less. \
    After a break the answer of now comes first again.";

/// The fields that its queries require: those of all, and those without which one of them is left out.
fn parameters(path: &str, queries: &[&RequestDef]) -> Vec<Value> {
    let mut fields: Vec<&Field> = Vec::new();
    for field in queries.iter().flat_map(|def| required(def)) {
        if !fields.iter().any(|known| known.name == field.name) {
            fields.push(field);
        }
    }
    let is_of_first = |field: &Field| required(queries[0]).any(|it| it.name == field.name);
    let parameter = |field: &&Field| {
        let is_in_path = path.contains(&format!("{{{}}}", field.name));
        let place = if is_in_path { "path" } else { "query" };
        operation::parameter(field.name, place, is_of_first(field), field)
    };
    fields.iter().map(parameter).collect()
}

/// What a query that is watched takes beside its fields.
pub(super) fn beside(def: &RequestDef) -> Vec<Value> {
    if def.watched.is_none() {
        return Vec::new();
    }
    let wait = may_wait(def).then(|| {
        json!({
            "name": WAIT_MS,
            "in": "query",
            "required": false,
            "description": "Wait so long, at most, for an answer that says something else than the one of \
                `If-None-Match`; without that header it is answered at once.",
            "schema": { "type": "integer", "format": "int64", "minimum": 0, "maximum": WAIT_MS_MAX, "default": 0 },
        })
    });
    let seen = json!({
        "name": "If-None-Match",
        "in": "header",
        "required": false,
        "description": "The `ETag` of the answer that is known already.",
        "schema": { "type": "string" },
    });
    wait.into_iter().chain([seen]).collect()
}

/// What it is answered if nothing is new.
pub(super) fn nothing_new() -> Value {
    json!({ "description": "It says what the answer of `If-None-Match` says.", "headers": tag() })
}

/// The header by which an answer is known.
pub(super) fn tag() -> Value {
    json!({ "ETag": {
        "description": "Weak: another one if the answer says something else.",
        "schema": { "type": "string" },
    } })
}
