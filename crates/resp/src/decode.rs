//! The arguments of a request as the values of its fields: positions first, then pairs of a word and a value in any
//! order. A list is the number of its items and then these; it may stand behind a word, or be left out if it is
//! the last of all and not required. A request in the words of another system reads its arguments itself. Where a request comes from is its peer's address, unless it says otherwise: peers
//! speak for many people.

use std::net::IpAddr;

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
pub(crate) fn decode<'a>(
    plan: &Plan,
    args: Args<'a>,
    peer: Option<IpAddr>,
) -> Result<Work, Error<'a>> {
    if plan.def.is_spoken() {
        return decode_spoken(plan, args);
    }
    let mut list = Items::default();
    let mut values = [None; FIELDS_MAX];
    let fields = plan.def.fields;
    let mut args = args.iter().skip(1);
    for (at, field) in fields[..plan.positions].iter().enumerate() {
        let arg = match args.next() {
            Some(arg) => arg,
            None if !field.required => continue,
            None => return Err(Error::Arity(plan.shown())),
        };
        if let FieldKind::List { fields, max } = field.kind {
            let items = count(field.name, arg, max)?;
            list.read(at, &mut args, items * fields.len(), plan)?;
        } else {
            values[at] = of_text(arg);
        }
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
        let (Some(at), Some(value)) = (named.map(|at| plan.positions + at), args.next()) else {
            return Err(Error::Option(word, plan.def.syntax()));
        };
        let is_twice = if let FieldKind::List { fields: of, max } = fields[at].kind {
            let items = count(fields[at].name, value, max)?;
            list.at.is_some() || list.read(at, &mut args, items * of.len(), plan)?
        } else {
            values[at].replace(Raw::Text(value)).is_some()
        };
        if is_twice {
            return Err(Error::Option(word, plan.def.syntax()));
        }
    }
    if let Some(at) = list.at {
        values[at] = Some(Raw::List(&list.values));
    }
    if let Some(at) = plan.address {
        values[at] = values[at].or(peer.map(Raw::Address));
    }
    let values = Values(&values[..fields.len()]);
    plan.def
        .read(&values)
        .map_err(|invalid| Error::of_field(plan.def, invalid))
}

/// Reads a request in the words of another system: all of its arguments are one field.
fn decode_spoken<'a>(plan: &Plan, args: Args<'a>) -> Result<Work, Error<'a>> {
    if !plan.takes(args.len()) {
        return Err(Error::Arity(plan.shown()));
    }
    let behind: Vec<_> = args.iter().skip(1).map(of_text).collect();
    let values = [Some(Raw::List(&behind))];
    let work = plan.def.read(&Values(&values));
    work.map_err(|invalid| Error::of_field(plan.def, invalid))
}

/// The values of the items of a request's list.
#[derive(Default)]
struct Items<'a> {
    /// Which field it is, once it was found.
    at: Option<usize>,
    values: Vec<Option<Raw<'a>>>,
}

impl<'a> Items<'a> {
    /// Reads so many; not twice.
    fn read(
        &mut self,
        at: usize,
        args: &mut impl Iterator<Item = &'a [u8]>,
        count: usize,
        plan: &Plan,
    ) -> Result<bool, Error<'a>> {
        self.at = Some(at);
        self.values.extend(args.by_ref().take(count).map(of_text));
        if self.values.len() < count {
            return Err(Error::Arity(plan.shown()));
        }
        Ok(false)
    }
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
