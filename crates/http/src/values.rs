//! The values of a request's fields, gathered from path, query string, body and header.

use std::borrow::Cow;
use std::net::IpAddr;

use hyper::header::{HeaderMap, HeaderName};
use tidegate_engine::contract::{BASE64_SUFFIX, Field, FieldKind, Raw, RequestDef, Values};

use crate::paths::Decoded;
use crate::problem::Problem;

/// The header that gives a request's id where its body does not.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// An id that is minted.
const MINT: &[u8] = b"*";

/// Characters of a name that is not a field's which the problem repeats.
const ECHOED_CHARS_MAX: usize = 64;

/// One value per field, as far as they are given.
pub(crate) struct Given<'a> {
    fields: &'static [Field],
    values: Vec<Option<Raw<'a>>>,
}

impl<'a> Given<'a> {
    /// Starts with what the path gives.
    pub(crate) fn new(def: &RequestDef, path: &'a Decoded<'_>) -> Self {
        let mut given = Self {
            fields: def.fields,
            values: vec![None; def.fields.len()],
        };
        for (name, value) in path {
            let value = Raw::Text(value.as_bytes());
            if let Some((at, value)) = place_of(def.fields, name.as_bytes(), value) {
                given.values[at] = Some(value);
            }
        }
        given
    }

    /// Fills in the address of who asks, if it is known and the request wants it.
    pub(crate) fn address(&mut self, of: Option<IpAddr>) {
        if let Some(at) = address_index(self.fields) {
            self.values[at] = of.map(Raw::Address);
        }
    }

    /// Adds what a query string or a body gives.
    ///
    /// # Errors
    /// The request has no such field, or the field has a value already.
    pub(crate) fn put(&mut self, name: &[u8], value: Raw<'a>) -> Result<(), Problem> {
        let Some((at, value)) = place_of(self.fields, name, value) else {
            return Err(self.unknown(name));
        };
        let field = self.fields[at].name;
        let place = &mut self.values[at];
        if place.is_some() {
            let detail = format!("`{field}` is given twice, or stands in the path already");
            return Err(Problem::field(field, detail));
        }
        *place = Some(value);
        Ok(())
    }

    fn unknown(&self, name: &[u8]) -> Problem {
        let name = shown(name);
        let sent = self.fields.iter().filter(|field| is_sent(field));
        let fields: Vec<_> = sent.map(|field| field.name).collect();
        let detail = match fields.as_slice() {
            [] => format!("`{name}` is not a field of this request, which takes none"),
            known => {
                format!(
                    "`{name}` is not a field of this request; it takes {}",
                    known.join(", ")
                )
            }
        };
        Problem::field(name, detail)
    }

    /// Fills the id from the header `Idempotency-Key`, if the request has an id.
    ///
    /// # Errors
    /// The header and the request name different ids, or the request needs an id and has none.
    pub(crate) fn idempotency_key(&mut self, headers: &'a HeaderMap) -> Result<(), Problem> {
        let Some(at) = id_index(self.fields) else {
            return Ok(());
        };
        let Field { name, required, .. } = self.fields[at];
        let mut keys = headers
            .get_all(IDEMPOTENCY_KEY)
            .iter()
            .map(|key| unquoted(key.as_bytes()));
        let key = keys.next();
        if keys.any(|other| Some(other) != key) {
            return Err(Problem::field(
                name,
                "`Idempotency-Key` is given twice and differs",
            ));
        }
        match (self.values[at], key) {
            (None, Some(key)) => self.values[at] = Some(Raw::Text(key)),
            (None, None) if required => return Err(no_id(name)),
            (Some(Raw::Text(id)), Some(key)) if id != key => return Err(differs(name)),
            (Some(Raw::String(id)), Some(key)) if id.as_bytes() != key => {
                return Err(differs(name));
            }
            (Some(_) | None, Some(_) | None) => {}
        }
        Ok(())
    }

    /// Has the id minted, if the request has one that is not given.
    pub(crate) fn mint(&mut self) {
        if let Some(at) = id_index(self.fields) {
            self.values[at].get_or_insert(Raw::Text(MINT));
        }
    }

    pub(crate) fn values(&self) -> Values<'_> {
        Values(&self.values)
    }
}

/// Where among the fields that can be sent one of this name stands, and what it is sent: bytes may come in base64,
/// under a name that says so.
pub(crate) fn place_of<'a>(
    fields: &[Field],
    name: &[u8],
    value: Raw<'a>,
) -> Option<(usize, Raw<'a>)> {
    let named = |name: &[u8]| {
        let is_named = |field: &Field| field.name.as_bytes() == name && is_sent(field);
        fields.iter().position(is_named)
    };
    if let Some(at) = named(name) {
        return Some((at, value));
    }
    let at = named(name.strip_suffix(BASE64_SUFFIX.as_bytes())?)?;
    let is_bytes = matches!(fields[at].kind, FieldKind::Bytes { .. });
    is_bytes.then(|| (at, in_base64(value)))
}

/// A value whose name says that it is base64.
fn in_base64(value: Raw<'_>) -> Raw<'_> {
    match value {
        Raw::String(text) => Raw::Base64(text),
        Raw::Text(text) => std::str::from_utf8(text).map_or(Raw::Other("no text"), Raw::Base64),
        Raw::Base64(_) | Raw::Integer(_) | Raw::Address(_) | Raw::List(_) | Raw::Other(_) => value,
    }
}

/// A name that is no field's, as a problem repeats it.
pub(crate) fn shown(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    name.chars().take(ECHOED_CHARS_MAX).collect()
}

/// Where among its fields a request has its id.
pub(crate) fn id_index(fields: &[Field]) -> Option<usize> {
    fields.iter().position(|field| field.kind == FieldKind::Id)
}

/// Whether a client sends it: the address of who asks it does not.
fn is_sent(field: &Field) -> bool {
    field.kind != FieldKind::Address
}

/// Where among its fields a request has the address of who asks.
pub(crate) fn address_index(fields: &[Field]) -> Option<usize> {
    fields.iter().position(|field| !is_sent(field))
}

fn no_id(name: &'static str) -> Problem {
    let detail = format!(
        "`{name}` is required: send it in the body or as the header `Idempotency-Key`; \
         with `*` one is minted, and a retry then acts twice"
    );
    Problem::field(name, detail)
}

fn differs(name: &'static str) -> Problem {
    let detail: Cow<'_, _> = format!("`{name}` and the header `Idempotency-Key` differ").into();
    Problem::field(name, detail)
}

/// Without the quotes that a structured header puts around a string.
fn unquoted(key: &[u8]) -> &[u8] {
    key.strip_prefix(b"\"")
        .and_then(|key| key.strip_suffix(b"\""))
        .unwrap_or(key)
}
