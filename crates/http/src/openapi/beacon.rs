//! Beacons, as OpenAPI tells of them: the same request by POST and by GET.

use serde_json::{Map, Value, json};
use tidegate_engine::contract::{Beacon, Domain, Field, FieldKind, RequestDef};

use super::{operation, problems, schema};
use crate::body::{FORM, TEXT};
use crate::limits::BEACON_BYTES_MAX;
use crate::prose::prose;

const POSTED: &str = "Done, and durable. Nothing is told.";

const SHOWN: &str = "A transparent image of one pixel: it is done, and durable. What is refused is a problem as \
    everywhere, and no image.";

/// What a beacon of this path may be asked.
pub(super) fn operations(domain: &Domain, def: &RequestDef, beacon: &Beacon) -> Value {
    let gif = json!({ "image/gif": { "schema": { "type": "string", "format": "binary" } } });
    let shown = json!({ "200": { "description": SHOWN, "content": gif } });
    let posted = json!({ "204": { "description": POSTED } });
    let mut post = one(domain, def, beacon, "beacon", posted);
    let mut get = one(domain, def, beacon, "pixel", shown);
    post["requestBody"] = body(def, beacon);
    let in_query = fields(def, beacon);
    let in_query = in_query.map(|it| operation::parameter(it.name, "query", is_needed(it), it));
    if let Some(parameters) = get["parameters"].as_array_mut() {
        parameters.extend(in_query);
    }
    json!({ "post": post, "get": get })
}

fn one(domain: &Domain, def: &RequestDef, beacon: &Beacon, kind: &str, done: Value) -> Value {
    let of_path = def.fields.iter();
    let of_path = of_path.filter(|it| beacon.path.contains(&format!("{{{}}}", it.name)));
    let of_path = of_path.map(|it| operation::parameter(it.name, "path", true, it));
    let mut responses = Map::new();
    responses.extend(done.as_object().cloned().unwrap_or_default());
    responses.extend(problems::responses(&[def]));
    json!({
        "operationId": format!("{}_{kind}", operation::operation_id(def)),
        "tags": [domain.name],
        "summary": format!("`{}` as a page sends it.", def.resp),
        "description": format!("{} As a page sends it, which reads no answer. {WHOSE}", prose(def.doc)),
        "parameters": of_path.collect::<Vec<_>>(),
        "x-work-class": def.work_class.word(),
        "x-resp": def.syntax(),
        "responses": responses,
    })
}

const WHOSE: &str = "Pages of this server may, and those of other sites that it was told of.";

fn fields<'a>(
    def: &RequestDef,
    beacon: &'a Beacon,
) -> impl Iterator<Item = &'static Field> + use<'a> {
    let fields = def.fields.iter();
    fields.filter(|field| beacon.fields.contains(&field.name))
}

/// An id that is not sent is minted.
fn is_needed(field: &Field) -> bool {
    field.required && field.kind != FieldKind::Id
}

/// The body that a page posts. Fields may stand in the query string as well.
fn body(def: &RequestDef, beacon: &Beacon) -> Value {
    let mut properties = Map::new();
    for field in fields(def, beacon) {
        properties.extend(schema::members(field, prose(field.doc).into_owned()));
    }
    let required = fields(def, beacon).filter(|field| is_needed(field));
    let required: Vec<_> = required.map(|field| field.name).collect();
    let of = json!({ "schema": schema::object(properties, &required) });
    json!({
        "description": format!(
            "JSON, which may say that it is text, or a form, of up to {BEACON_BYTES_MAX} bytes. Fields may stand in the query \
             string instead."
        ),
        "required": false,
        "content": { "application/json": of, TEXT: of, FORM: of },
    })
}
