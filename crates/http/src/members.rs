//! The members of a JSON object, read without copying what need not be copied.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tidegate_engine::contract::Raw;

use crate::limits::MEMBERS_MAX;

/// The members of a JSON object, in the order in which they were sent.
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, Scalar<'a>)>);

/// A value as far as a field can take one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scalar<'a> {
    String(Cow<'a, str>),
    Integer(i64),
    /// Anything else, named for the error.
    Other(&'static str),
}

impl Scalar<'_> {
    pub(crate) fn raw(&self) -> Raw<'_> {
        match self {
            Self::String(text) => Raw::String(text),
            Self::Integer(value) => Raw::Integer(*value),
            Self::Other(what) => Raw::Other(what),
        }
    }
}

impl<'a> Members<'a> {
    /// Reads a whole body; an empty one has no members.
    ///
    /// # Errors
    /// The body is not one JSON object.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        if body.is_empty() {
            return Ok(Self(Vec::new()));
        }
        serde_json::from_slice(body)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(name)) = map.next_key()? {
            if members.len() == MEMBERS_MAX {
                return Err(A::Error::custom(format!("more than {MEMBERS_MAX} members")));
            }
            members.push((name, map.next_value()?));
        }
        Ok(Members(members))
    }
}

/// A text that borrows from the body where it holds no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(from)? {
            Scalar::String(text) => Ok(Self(text)),
            Scalar::Integer(_) | Scalar::Other(_) => Err(D::Error::custom("a name is a string")),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::String(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        let value = i64::try_from(value);
        Ok(value.map_or(Scalar::Other("a number beyond 64 bits"), Scalar::Integer))
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Other(
            "a number with a fraction or an exponent, or beyond 64 bits",
        ))
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Other("true or false"))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_json_type_is_told_apart() {
        let body = br#"{"s":"x","e":"\u00f6","n":-3,"big":9223372036854775808,"f":1.0,"x":1e3,
            "b":true,"z":null,"l":[1,[2]],"o":{"a":{}}}"#;
        let Members(members) = Members::read(body).expect("because it is an object");
        let kinds: Vec<_> = members
            .iter()
            .map(|(name, value)| (&**name, value.raw()))
            .collect();
        let fraction = Raw::Other("a number with a fraction or an exponent, or beyond 64 bits");
        let expected = [
            ("s", Raw::String("x")),
            ("e", Raw::String("ö")),
            ("n", Raw::Integer(-3)),
            ("big", Raw::Other("a number beyond 64 bits")),
            ("f", fraction),
            ("x", fraction),
            ("b", Raw::Other("true or false")),
            ("z", Raw::Other("null")),
            ("l", Raw::Other("a list")),
            ("o", Raw::Other("an object")),
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        for body in [
            "[]",
            "1",
            "null",
            "{} {}",
            "{\"a\":}",
            "{\"a\":1",
            "\u{feff}{}",
            &deep,
        ] {
            assert!(Members::read(body.as_bytes()).is_err(), "{body:.20}");
        }
        assert!(Members::read(b"{\"a\":\"\xFF\"}").is_err());
        let many = format!("{{{}}}", vec!["\"a\":1"; MEMBERS_MAX + 1].join(","));
        assert!(Members::read(many.as_bytes()).is_err());
        assert!(Members::read(b"").is_ok_and(|Members(members)| members.is_empty()));
    }
}
