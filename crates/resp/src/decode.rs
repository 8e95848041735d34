//! The arguments of a request as the values of its fields: positions first, a list among them behind
//! the number of its items, which may be left out if it stands last and is not required; then pairs of a word and a value in any order.

use tidegate_engine::contract::{FieldKind, FieldType, Invalid, InvalidKind, Raw, Values, Work};

use crate::errors::Error;
use crate::limits::FIELDS_MAX;
use crate::parse::Args;
use crate::table::Plan;

/// Reads a request.
///
/// # Errors
/// Too few or too many arguments, a word that is none of its options or stands twice, or a field
/// that cannot be taken.
pub(crate) fn decode<'a>(plan: &Plan, args: Args<'a>) -> Result<Work, Error<'a>> {
    let mut list = Vec::new();
    let mut values = [None; FIELDS_MAX];
    let fields = plan.def.fields;
    let (by_position, options) = values[..fields.len()].split_at_mut(plan.positions);
    let mut args = args.iter().skip(1);
    let mut has_list = false;
    for (value, field) in by_position.iter_mut().zip(fields) {
        let arg = match args.next() {
            Some(arg) => arg,
            None if !field.required => continue,
            None => return Err(Error::Arity(plan.shown())),
        };
        if let FieldKind::List { fields, max } = field.kind {
            has_list = true;
            let items = count(field.name, arg, max)?;
            list.extend(args.by_ref().take(items * fields.len()).map(of_text));
            if list.len() < items * fields.len() {
                return Err(Error::Arity(plan.shown()));
            }
        } else {
            *value = of_text(arg);
        }
    }
    if let Some(at) = plan.list.filter(|_| has_list) {
        by_position[at] = Some(Raw::List(&list));
    }
    let words = &fields[plan.positions..];
    while let Some(word) = args.next() {
        if words.is_empty() {
            return Err(Error::Arity(plan.shown()));
        }
        let named = words.iter().position(|field| {
            field
                .word
                .is_some_and(|own| own.as_bytes().eq_ignore_ascii_case(word))
        });
        let (Some(at), Some(value)) = (named, args.next()) else {
            return Err(Error::Option(word, plan.def.syntax()));
        };
        if options[at].replace(Raw::Text(value)).is_some() {
            return Err(Error::Option(word, plan.def.syntax()));
        }
    }
    let values = Values(&values[..fields.len()]);
    plan.def
        .read(&values)
        .map_err(|invalid| Error::of_field(plan.def, invalid))
}

fn of_text(arg: &[u8]) -> Option<Raw<'_>> {
    Some(Raw::Text(arg))
}

/// How many items a list is to have. Of none, or too many, none is read.
fn count<'a>(list: &'static str, arg: &[u8], max: usize) -> Result<usize, Error<'a>> {
    let count = i64::read(Raw::Text(arg)).map_err(|_| Error::NotAnInteger)?;
    let items = usize::try_from(count).ok();
    let items = items.filter(|items| (1..=max).contains(items));
    items.ok_or_else(|| {
        Error::Invalid(Invalid {
            field: list,
            kind: InvalidKind::OutOfRange,
            message: format!("must have 1 to {max} items, not {count}"),
        })
    })
}
