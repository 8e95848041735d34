//! Random schemas and values: what follows a schema accepts whatever that has accepted.

use serde_json::{Value, json};
use tidegate_engine::Random;

use super::Schema;

/// Picks one of some.
fn one_of<T: Clone>(random: &mut Random, some: &[T]) -> T {
    let at = random.below(some.len() as u64);
    some[usize::try_from(at).unwrap()].clone()
}

pub(super) fn value(random: &mut Random, depth: u64) -> Value {
    let many = random.below(3);
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 => json!(random.below(4)),
        1 => json!(one_of(random, &[0.5, 1.0, -1.5, 2.5])),
        2 => json!(one_of(random, &["", "a", "b", "ab", "bbb"])),
        3 => Value::Null,
        4 => json!(random.chance(1, 2)),
        5 | 6 => {
            let member = |random: &mut Random| (name(random), value(random, depth - 1));
            Value::Object((0..many).map(|_| member(random)).collect())
        }
        _ => (0..many).map(|_| value(random, depth - 1)).collect(),
    }
}

fn name(random: &mut Random) -> String {
    one_of(random, &["a", "b", "c"]).to_owned()
}

fn schemas(random: &mut Random, depth: u64) -> Value {
    let many = 1 + random.below(2);
    (0..many).map(|_| schema(random, depth)).collect()
}

fn schema(random: &mut Random, depth: u64) -> Value {
    if random.chance(1, 12) {
        return json!(random.chance(2, 3));
    }
    let mut members = serde_json::Map::new();
    for _ in 0..=random.below(3) {
        let (keyword, said) = keyword(random, depth);
        members.insert(keyword.to_owned(), said);
    }
    Value::Object(members)
}

fn keyword(random: &mut Random, depth: u64) -> (&'static str, Value) {
    let types = [
        "null", "boolean", "integer", "number", "string", "array", "object",
    ];
    let bounds = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"];
    let counts = [
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
    ];
    match random.below(if depth == 0 { 7 } else { 15 }) {
        0 => ("type", json!(one_of(random, &types))),
        1 => (
            "type",
            json!([one_of(random, &types), one_of(random, &types)]),
        ),
        2 => (
            one_of(random, &bounds),
            json!(one_of(random, &[0.0, 0.5, 1.0, 2.0])),
        ),
        3 => (one_of(random, &counts), json!(random.below(3))),
        4 => ("pattern", json!(one_of(random, &["^a", "b", "b$"]))),
        5 => (
            "enum",
            json!([value(random, 1), value(random, 1), value(random, 0)]),
        ),
        6 => ("required", json!([name(random)])),
        7 => ("items", schema(random, depth - 1)),
        8 => ("prefixItems", schemas(random, depth - 1)),
        9 | 10 => {
            let member = |random: &mut Random| (name(random), schema(random, depth - 1));
            let members = (0..2).map(|_| member(random)).collect();
            ("properties", Value::Object(members))
        }
        11 => ("additionalProperties", schema(random, depth - 1)),
        12 => ("allOf", schemas(random, depth - 1)),
        13 => ("anyOf", schemas(random, depth - 1)),
        _ => ("oneOf", schemas(random, depth - 1)),
    }
}

/// A schema, some parts of which refer to another one, or to the whole.
pub(super) fn root(random: &mut Random) -> Value {
    let mut root = schema(random, 2);
    let reference = one_of(random, &["#", "#/$defs/a", "#/$defs/b"]);
    if let Value::Object(members) = &mut root
        && random.chance(1, 2)
    {
        let at = one_of(random, &["items", "additionalProperties"]);
        members.insert(at.to_owned(), json!({ "$ref": reference }));
        let within =
            json!({ "type": ["object", "null"], "additionalProperties": { "$ref": "#/$defs/b" } });
        let definitions = json!({ "a": schema(random, 1), "b": within });
        members.insert("$defs".to_owned(), definitions);
    }
    root
}

/// A schema like another one, with one thing said anew.
fn like(random: &mut Random, schema: &Value) -> Value {
    let mut schema = schema.clone();
    let Value::Object(members) = &mut schema else {
        return root(random);
    };
    let names: Vec<_> = members
        .keys()
        .filter(|name| *name != "$defs")
        .cloned()
        .collect();
    if !names.is_empty() && random.chance(1, 2) {
        let name = one_of(random, &names);
        let inner = members.get_mut(&name);
        match inner {
            Some(inner @ Value::Object(_)) if random.chance(1, 2) => *inner = like(random, inner),
            Some(_) | None => drop(members.remove(&name)),
        }
    } else {
        let (keyword, said) = keyword(random, 1);
        members.insert(keyword.to_owned(), said);
    }
    schema
}

#[test]
fn what_follows_a_schema_accepts_all_that_it_has_accepted() {
    let mut random = Random::new(1);
    let (mut followed, mut accepted) = (0, 0);
    for round in 0..30_000 {
        let before = root(&mut random);
        let after = like(&mut random, &before);
        let read = |schema: &Value| Schema::of(&schema.to_string());
        let (Ok(old), Ok(new)) = (read(&before), read(&after)) else {
            continue;
        };
        if new.check_follows(&old).is_err() {
            continue;
        }
        followed += 1;
        for _ in 0..20 {
            let value = value(&mut random, 3);
            let payload = value.to_string();
            if old.check(payload.as_bytes()).is_ok() {
                accepted += 1;
                let checked = new.check(payload.as_bytes());
                assert_eq!(
                    checked,
                    Ok(()),
                    "round {round}: {value} by {before}, then by {after}"
                );
            }
        }
    }
    assert!(
        followed > 5_000 && accepted > 50_000,
        "{followed} followed, and {accepted} values"
    );
}
