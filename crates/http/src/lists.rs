//! Lists of objects in a body, as the values of a field's items.

use std::borrow::Cow;

use tidegate_engine::contract::{Field, FieldKind, Invalid, InvalidKind, Raw, RequestDef};

use crate::members::{Json, Members};
use crate::problem::Problem;
use crate::values::{place_of, shown};

/// The values of one list's items, one item's behind the other's.
pub(crate) type Items<'a> = Vec<Option<Raw<'a>>>;

/// The list that may be all of a body: everything else that the request needs stands in the path, or in a header.
pub(crate) fn bare(def: &RequestDef) -> Option<&'static Field> {
    let is_list = |field: &&Field| matches!(field.kind, FieldKind::List { .. });
    let list = def.fields.iter().find(is_list)?;
    let is_elsewhere = |field: &Field| {
        let of_path = def.http.path.contains(&format!("{{{}}}", field.name));
        of_path || !field.required || field.kind == FieldKind::Id
    };
    let mut others = def.fields.iter().filter(|field| field.name != list.name);
    others.all(is_elsewhere).then_some(list)
}

/// For each member of a body, the values of its items if its field is a list and it is one.
///
/// # Errors
/// There are too many items or none, or one is no object, has a member that is none of its fields, or
/// one twice.
pub(crate) fn lists<'a>(
    def: &RequestDef,
    body: &'a Members<'a>,
) -> Result<Vec<Option<Items<'a>>>, Problem> {
    let of_member = |(name, value): &'a (Cow<'a, str>, Json<'a>)| {
        let field = def.fields.iter().find(|field| field.name == *name);
        match (field.map(|field| (field.name, field.kind)), value) {
            (Some((list, FieldKind::List { fields, max })), Json::List(count, items)) => {
                let room = if items.len() < *count {
                    items.len()
                } else {
                    max
                };
                check(list, *count, room.min(max))?;
                read(list, fields, items).map(Some)
            }
            _ => Ok(None),
        }
    };
    body.0.iter().map(of_member).collect()
}

/// There are some items, and not more than so many.
fn check(list: &'static str, count: usize, max: usize) -> Result<(), Problem> {
    if (1..=max).contains(&count) {
        return Ok(());
    }
    Err(Problem::from(Invalid {
        field: list,
        kind: InvalidKind::OutOfRange,
        message: format!("must have 1 to {max} items, not {count}"),
    }))
}

fn read<'a>(
    list: &'static str,
    fields: &'static [Field],
    items: &'a [Json<'a>],
) -> Result<Items<'a>, Problem> {
    let mut values = vec![None; items.len() * fields.len()];
    let places = values.chunks_exact_mut(fields.len());
    for (number, (item, values)) in (1..).zip(items.iter().zip(places)) {
        let wrong = |what: &str| {
            let detail = format!("`{list}` item {number}: {what}");
            Problem::field(list, detail)
        };
        let Json::Object(Members(members)) = item else {
            return Err(wrong("must be an object"));
        };
        for (name, value) in members {
            let Some((at, value)) = place_of(fields, name.as_bytes(), value.raw()) else {
                let (name, known) = (shown(name.as_bytes()), names(fields));
                let what = format!("`{name}` is not a field of an item; it takes {known}");
                return Err(wrong(&what));
            };
            if values[at].replace(value).is_some() {
                return Err(wrong(&format!("`{name}` is given twice")));
            }
        }
    }
    Ok(values)
}

fn names(fields: &[Field]) -> String {
    let names: Vec<_> = fields.iter().map(|field| field.name).collect();
    names.join(", ")
}
