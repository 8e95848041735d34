//! The arguments of a request as the values of its fields: positions first, then pairs of a word
//! and a value in any order.

use tidegate_engine::contract::{Raw, Values, Work};

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
    let mut values = [None; FIELDS_MAX];
    let fields = plan.def.fields;
    let (by_position, options) = values[..fields.len()].split_at_mut(plan.positions);
    let mut args = args.iter().skip(1);
    for value in by_position {
        *value = Some(Raw::Text(
            args.next().ok_or_else(|| Error::Arity(plan.shown()))?,
        ));
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
