//! Types of fields and replies as JSON Schema.

use serde_json::{Map, Value, json};
use tidegate_engine::contract::{Field, FieldKind, ReplyType};
use tidegate_engine::limits::NAME_BYTES_MAX;

use crate::prose::prose;

/// No control characters.
const NAME_PATTERN: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$";

/// What a field takes.
pub(super) fn field(field: &Field) -> Value {
    let mut schema = match field.kind {
        FieldKind::Name | FieldKind::Id => name(),
        FieldKind::Address => json!({ "type": "string" }),
        FieldKind::Payload { max } => json!({ "type": "string", "maxLength": max }),
        FieldKind::Integer { min, max } => integer(min, max),
        FieldKind::Word(words) => json!({ "type": "string", "enum": words }),
        FieldKind::List { fields, max } => list(fields, max),
    };
    if let Some(default) = field.default.and_then(|text| default(field.kind, text)) {
        schema["default"] = default;
    }
    schema
}

fn list(fields: &[Field], max: usize) -> Value {
    let described = |it: &Field| {
        let mut schema = field(it);
        schema["description"] = prose(it.doc).into();
        (it.name.to_owned(), schema)
    };
    let properties: Map<_, _> = fields.iter().map(described).collect();
    let required = fields.iter().filter(|it| it.required);
    let item = json!({
        "type": "object",
        "properties": properties,
        "required": required.map(|it| it.name).collect::<Vec<_>>(),
        "additionalProperties": false,
    });
    json!({ "type": "array", "minItems": 1, "maxItems": max, "items": item })
}

/// The bound is in bytes of UTF-8; JSON Schema counts characters, of which there are no more.
fn name() -> Value {
    let (min, max) = (1, NAME_BYTES_MAX);
    json!({ "type": "string", "minLength": min, "maxLength": max, "pattern": NAME_PATTERN })
}

fn integer(min: i64, max: i64) -> Value {
    let mut schema = json!({ "type": "integer", "format": "int64" });
    if min > i64::MIN {
        schema["minimum"] = min.into();
    }
    if max < i64::MAX {
        schema["maximum"] = max.into();
    }
    schema
}

/// A default as a value. It is declared as the source writes it: `60_000`, `"asc"`.
fn default(kind: FieldKind, text: &str) -> Option<Value> {
    match kind {
        FieldKind::Integer { .. } => text.replace('_', "").parse::<i64>().ok().map(Value::from),
        FieldKind::Name | FieldKind::Id | FieldKind::Payload { .. } | FieldKind::Word(_) => {
            Some(text.trim_matches('"').into())
        }
        FieldKind::Address | FieldKind::List { .. } => None,
    }
}

/// What a reply holds.
pub(super) fn reply(kind: &ReplyType) -> Value {
    match kind {
        ReplyType::Text => json!({ "type": "string" }),
        ReplyType::Integer => json!({ "type": "integer", "format": "int64" }),
        ReplyType::Boolean => json!({ "type": "boolean" }),
        ReplyType::Optional(inner) => nullable(reply(inner)),
        ReplyType::List(item) => json!({ "type": "array", "items": reply(item) }),
        ReplyType::Map(fields) => {
            let mut properties = Map::new();
            for field in *fields {
                let mut schema = reply(&field.kind);
                schema["description"] = prose(field.doc).into();
                properties.insert(field.name.into(), schema);
            }
            let required: Vec<_> = fields.iter().map(|field| field.name).collect();
            json!({ "type": "object", "properties": properties, "required": required })
        }
    }
}

fn nullable(mut schema: Value) -> Value {
    if let Value::String(kind) = &schema["type"] {
        schema["type"] = json!([kind, "null"]);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_read_as_the_source_writes_them() {
        let integer = FieldKind::Integer {
            min: 0,
            max: i64::MAX,
        };
        assert_eq!(default(integer, "60_000"), Some(json!(60_000)));
        assert_eq!(default(integer, "-1"), Some(json!(-1)));
        assert_eq!(
            default(FieldKind::Word(&["asc"]), "\"asc\""),
            Some(json!("asc"))
        );
    }

    #[test]
    fn what_may_be_absent_may_be_null() {
        const TEXT: ReplyType = ReplyType::Text;
        const OPTIONAL: ReplyType = ReplyType::Optional(&TEXT);
        assert_eq!(reply(&OPTIONAL), json!({ "type": ["string", "null"] }));
        let twice = ReplyType::Optional(&OPTIONAL);
        assert_eq!(reply(&twice), json!({ "type": ["string", "null"] }));
    }
}
