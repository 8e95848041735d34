//! Types of fields and replies as JSON Schema.

use serde_json::{Map, Value, json};
use tidegate_engine::contract::{BASE64_SUFFIX, Field, FieldKind, ReplyType};
use tidegate_engine::limits::NAME_BYTES_MAX;

use crate::prose::prose;

/// No control characters.
const NAME_PATTERN: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$";

/// What a field takes.
pub(super) fn field(field: &Field) -> Value {
    let mut schema = match field.kind {
        FieldKind::Name | FieldKind::Id => name(),
        FieldKind::Address | FieldKind::Grammar(_) => json!({ "type": "string" }),
        FieldKind::Payload { max } | FieldKind::Bytes { max } => {
            json!({ "type": "string", "maxLength": max })
        }
        FieldKind::Integer { min, max } => integer(min, max),
        FieldKind::Word(words) => json!({ "type": "string", "enum": words }),
        FieldKind::List { fields, max } => list(fields, max),
    };
    if let Some(default) = field.default.and_then(|text| default(field.kind, text)) {
        schema["default"] = default;
    }
    schema
}

/// The members of a body by which a field can be sent: bytes have two, of which one is.
pub(super) fn members(it: &Field, description: String) -> Vec<(String, Value)> {
    let mut schema = field(it);
    schema["description"] = description.into();
    let of_field = (it.name.to_owned(), schema);
    match it.kind {
        FieldKind::Bytes { max } => vec![of_field, base64(it.name, Some(max))],
        FieldKind::Name
        | FieldKind::Id
        | FieldKind::Payload { .. }
        | FieldKind::Integer { .. }
        | FieldKind::Word(_)
        | FieldKind::Address
        | FieldKind::Grammar(_)
        | FieldKind::List { .. } => vec![of_field],
    }
}

/// An object that has these members and no other.
pub(super) fn object(properties: Map<String, Value>, required: &[&str]) -> Value {
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

/// Whether the member of this name must be there.
pub(super) fn is_required(field: &Field) -> bool {
    field.required && !matches!(field.kind, FieldKind::Bytes { .. })
}

/// The other member of bytes.
fn base64(name: &str, max: Option<usize>) -> (String, Value) {
    let mut schema = json!({
        "type": "string",
        "contentEncoding": "base64",
        "description": format!("`{name}`, where it is no UTF-8: instead of it."),
    });
    if let Some(max) = max {
        schema["maxLength"] = max.div_ceil(3).saturating_mul(4).into();
    }
    (format!("{name}{BASE64_SUFFIX}"), schema)
}

fn list(fields: &[Field], max: usize) -> Value {
    let mut properties = Map::new();
    for it in fields {
        properties.extend(members(it, prose(it.doc).into_owned()));
    }
    let required = fields.iter().filter(|it| is_required(it));
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
        FieldKind::Name
        | FieldKind::Id
        | FieldKind::Payload { .. }
        | FieldKind::Bytes { .. }
        | FieldKind::Word(_) => Some(text.trim_matches('"').into()),
        FieldKind::Address | FieldKind::Grammar(_) | FieldKind::List { .. } => None,
    }
}

/// What a reply holds.
pub(super) fn reply(kind: &ReplyType) -> Value {
    match kind {
        ReplyType::Text | ReplyType::Bytes => json!({ "type": "string" }),
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
                if is_bytes(&field.kind) {
                    properties.extend([base64(field.name, None)]);
                }
            }
            let required = fields.iter().filter(|field| !is_bytes(&field.kind));
            let required: Vec<_> = required.map(|field| field.name).collect();
            json!({ "type": "object", "properties": properties, "required": required })
        }
    }
}

/// Whether they may be answered under another name.
fn is_bytes(kind: &ReplyType) -> bool {
    match kind {
        ReplyType::Bytes => true,
        ReplyType::Optional(inner) => is_bytes(inner),
        ReplyType::Text
        | ReplyType::Integer
        | ReplyType::Boolean
        | ReplyType::List(_)
        | ReplyType::Map(_) => false,
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
    fn bytes_are_sent_and_answered_as_one_of_two_members() {
        let bytes = Field {
            name: "payload",
            word: None,
            kind: FieldKind::Bytes { max: 4 },
            required: true,
            default: None,
            doc: "It.",
        };
        let members = members(&bytes, "It.".to_owned());
        let names = members.iter().map(|(name, schema)| {
            let length = schema["maxLength"].as_u64();
            (name.as_str(), length.unwrap_or_default())
        });
        let expected = [("payload", 4), ("payload_base64", 8)];
        assert_eq!(names.collect::<Vec<_>>(), expected);
        assert!(!is_required(&bytes));
        const BYTES: ReplyType = ReplyType::Bytes;
        let fields = &[tidegate_engine::contract::ReplyField {
            name: "result",
            kind: ReplyType::Optional(&BYTES),
            doc: "It.",
        }];
        let schema = reply(&ReplyType::Map(fields));
        let properties = schema["properties"].as_object().map(Map::len);
        assert_eq!((properties, &schema["required"]), (Some(2), &json!([])));
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
