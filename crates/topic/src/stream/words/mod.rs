//! The arguments of stream commands, as Redis writes them.

mod add;
mod group;
mod info;
mod pending;
mod range;
mod read;

use tidegate_engine::contract::{FieldType as _, Name, Raw};

pub(crate) use add::{Add, Del, NewId, Trim, TrimBy, TrimOnly};
pub(crate) use group::{Ack, GroupDo, GroupWords};
pub(crate) use info::{Info, Len};
pub(crate) use pending::{AutoClaim, Claim, PendingList, PendingWords};
pub(crate) use range::{Range, RevRange};
pub(crate) use read::{From, Read, ReadGroup};

use super::id::{StreamId, number};

const SYNTAX: &str = "syntax error";
const NOT_AN_INTEGER: &str = "value is not an integer or out of range";
const INVALID_ID: &str = "Invalid stream ID specified as stream command argument";

/// What is left of the arguments.
pub(super) struct Args<'a>(&'a [&'a [u8]]);

impl<'a> Args<'a> {
    pub(super) fn new(args: &'a [&'a [u8]]) -> Self {
        Self(args)
    }

    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Result<&'a [u8], String> {
        let (first, rest) = self.0.split_first().ok_or(SYNTAX)?;
        self.0 = rest;
        Ok(first)
    }

    /// All that are left.
    pub(super) fn rest(&mut self) -> &'a [&'a [u8]] {
        std::mem::take(&mut self.0)
    }

    /// Takes the next one if it is this word.
    pub(super) fn takes(&mut self, word: &str) -> bool {
        let is_next = self
            .0
            .first()
            .is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()));
        if is_next {
            self.0 = &self.0[1..];
        }
        is_next
    }

    pub(super) fn end(&self) -> Result<(), String> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(SYNTAX.to_owned())
    }

    pub(super) fn name(&mut self, what: &str) -> Result<Name, String> {
        let name = Name::read(Raw::Text(self.next()?));
        name.map_err(|(_, message)| format!("the name of a {what} {message}"))
    }

    /// A number that is not negative.
    pub(super) fn number(&mut self) -> Result<u64, String> {
        let value = std::str::from_utf8(self.next()?).ok().and_then(number);
        let value = value.filter(|value| i64::try_from(*value).is_ok());
        value.ok_or_else(|| NOT_AN_INTEGER.to_owned())
    }

    /// A number, of which one that is negative counts as none.
    pub(super) fn number_or_less(&mut self) -> Result<u64, String> {
        let value = std::str::from_utf8(self.next()?).ok();
        let value = value.and_then(|value| value.parse::<i64>().ok());
        let value = value.ok_or(NOT_AN_INTEGER)?;
        Ok(u64::try_from(value).unwrap_or(0))
    }

    /// An id; if only its milliseconds are given, with this behind.
    pub(super) fn id(&mut self, seq: u64) -> Result<StreamId, String> {
        id_of(self.next()?, seq)
    }
}

pub(super) fn id_of(arg: &[u8], seq: u64) -> Result<StreamId, String> {
    StreamId::parse(arg, seq).ok_or_else(|| INVALID_ID.to_owned())
}

pub(super) fn ids_of(args: &[&[u8]]) -> Result<Vec<StreamId>, String> {
    if args.is_empty() {
        return Err(SYNTAX.to_owned());
    }
    args.iter().map(|arg| id_of(arg, 0)).collect()
}
