//! One request as an OpenAPI operation.

use serde_json::{Map, Value, json};
use tidegate_engine::contract::{Domain, Field, FieldKind, Method, RequestDef};

use super::{problems, schema, watch, webhook};
use crate::body::LINES;
use crate::lists;
use crate::prose::{prose, summary};
use crate::values::id_index;

/// What the description of a required id in a body goes on to say.
const OR_HEADER: &str = "Required here or as the header `Idempotency-Key`.";

/// How a body may be sent.
const PACKED: &str = "May be packed, with `Content-Encoding: gzip` or `deflate`.";

/// What a stream of events answers.
const STREAM: &str = "Server-Sent Events, until one of both sides ends it: the `data` of each is this, \
    its `id` the cursor. A last one of the type `fell_behind` has a problem for its data.";

/// The method as OpenAPI names it.
pub(super) fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Delete => "delete",
    }
}

pub(super) fn operation(domain: &Domain, def: &RequestDef) -> Value {
    let mut operation = json!({
        "operationId": operation_id(def),
        "tags": [domain.name],
        "summary": summary(def.doc),
        "description": prose(def.doc),
        "parameters": parameters(def),
        "x-work-class": def.work_class.word(),
    });
    if !def.streams {
        operation["x-resp"] = def.syntax().into();
    }
    let body = fields(def, Place::Body);
    match &def.webhook {
        Some(webhook) => operation["requestBody"] = webhook::body(def, webhook),
        None if body.is_empty() => {}
        None => operation["requestBody"] = request_body(def, &body),
    }
    let mut responses = Map::new();
    let (description, media_type) = match def.streams {
        true => (STREAM, "text/event-stream"),
        false => ("Done.", "application/json"),
    };
    let reply = json!({ media_type: { "schema": schema::reply(&def.reply) } });
    responses.insert(
        "200".into(),
        json!({ "description": description, "content": reply }),
    );
    if def.watched.is_some() {
        responses["200"]["headers"] = watch::tag();
        responses.insert("304".into(), watch::nothing_new());
    }
    if def.pends {
        responses.insert("202".into(), pending());
    }
    responses.extend(problems::responses(&[def]));
    operation["responses"] = responses.into();
    operation
}

/// What is told while it is not known what came of a request.
fn pending() -> Value {
    let doc = "Begun, and what comes of it is not known yet: ask again, the same or about `id`.";
    json!({
        "description": doc,
        "content": { "application/json": { "schema": {
            "type": "object",
            "required": ["code", "id"],
            "properties": { "code": { "const": "pending" }, "id": { "type": "string" } },
        } } },
        "x-codes": [{
            "code": "pending", "resp": "PENDING", "status": 202, "doc": doc, "refusal": true,
        }],
    })
}

/// The RESP name as an identifier: `STOCK.HOLD` → `stock_hold`.
pub(super) fn operation_id(def: &RequestDef) -> String {
    let plain = |char: char| {
        if char.is_ascii_alphanumeric() {
            char
        } else {
            '_'
        }
    };
    def.resp.to_ascii_lowercase().chars().map(plain).collect()
}

/// Where a field travels, if it is sent and not one of a webhook's own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    Query,
    Body,
}

fn place(def: &RequestDef, field: &Field) -> Option<Place> {
    if def.http.path.contains(&format!("{{{}}}", field.name)) {
        return Some(Place::Path);
    }
    if def.webhook.is_some() || field.kind == FieldKind::Address {
        return None;
    }
    match def.http.method {
        Method::Get => Some(Place::Query),
        Method::Post | Method::Put | Method::Delete => Some(Place::Body),
    }
}

fn fields(def: &RequestDef, wanted: Place) -> Vec<&'static Field> {
    def.fields
        .iter()
        .filter(|field| place(def, field) == Some(wanted))
        .collect()
}

/// A field as a parameter of this name.
pub(super) fn parameter(name: &str, place: &str, required: bool, field: &Field) -> Value {
    json!({
        "name": name,
        "in": place,
        "required": required,
        "description": prose(field.doc),
        "schema": schema::field(field),
    })
}

fn parameters(def: &RequestDef) -> Vec<Value> {
    let mut all: Vec<_> = fields(def, Place::Path)
        .iter()
        .map(|f| parameter(f.name, "path", true, f))
        .collect();
    let query = fields(def, Place::Query);
    all.extend(
        query
            .iter()
            .map(|f| parameter(f.name, "query", f.required && !may_be_header(f), f)),
    );
    if let Some(webhook) = &def.webhook {
        all.extend(webhook::headers(def, webhook));
    }
    let id = id_index(def.fields).map(|at| &def.fields[at]);
    let elsewhere = [Some(Place::Query), Some(Place::Body)];
    if let Some(id) = id.filter(|id| elsewhere.contains(&place(def, id))) {
        all.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": format!(
                "Gives `{}` where it is not sent otherwise; if both are sent, they must agree.",
                id.name
            ),
            "schema": schema::field(id),
        }));
    }
    if def.streams {
        all.push(json!({
            "name": "Last-Event-ID",
            "in": "header",
            "required": false,
            "description": "Takes the place of `after`. A client that reconnects adds it by itself.",
            "schema": { "type": "string" },
        }));
    }
    all.extend(watch::beside(def));
    all
}

/// An id may be given by the header `Idempotency-Key` instead.
fn may_be_header(field: &Field) -> bool {
    field.kind == FieldKind::Id
}

fn request_body(def: &RequestDef, body: &[&Field]) -> Value {
    let mut properties = Map::new();
    for field in body {
        let description = match field.required && may_be_header(field) {
            true => format!("{} {OR_HEADER}", prose(field.doc)),
            false => prose(field.doc).into_owned(),
        };
        properties.extend(schema::members(field, description));
    }
    let needed = |field: &&&Field| schema::is_required(field) && !may_be_header(field);
    let required: Vec<_> = body.iter().filter(needed).map(|field| field.name).collect();
    let needs_body = body
        .iter()
        .any(|field| field.required && !may_be_header(field));
    let mut schema = schema::object(properties, &required);
    let (mut description, mut content) = (PACKED.to_owned(), Map::new());
    if let Some(list) = lists::bare(def) {
        let items = schema::field(list);
        description = format!("{description} {}", or_lines(list.name));
        schema = json!({ "anyOf": [schema, items] });
        content.insert(LINES[0].into(), json!({ "schema": items["items"] }));
    }
    content.insert("application/json".into(), json!({ "schema": schema }));
    json!({ "description": description, "required": needs_body, "content": content })
}

fn or_lines(list: &str) -> String {
    format!(
        "Where nothing but `{list}` is sent, its array may be the whole body, or with `Content-Type: {}` an item of it \
         stand on each line.",
        LINES[0]
    )
}
