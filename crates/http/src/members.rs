//! The members of a JSON object, read without copying what need not be copied.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use tidegate_engine::contract::Raw;

use crate::limits::{ITEM_MEMBERS_MAX, ITEMS_MAX, MEMBERS_MAX};

/// The members of a JSON object, in the order in which they were sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, Json<'a>)>);

/// A value as far as a field can take one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Json<'a> {
    String(Cow<'a, str>),
    Integer(i64),
    /// Of a member of the body: how many items it has, and the first of them, as many as are kept.
    List(usize, Vec<Json<'a>>),
    /// In a list.
    Object(Members<'a>),
    /// Anything else, named for the error.
    Other(&'static str),
}

impl Json<'_> {
    /// As the value of a field that takes no list.
    pub(crate) fn raw(&self) -> Raw<'_> {
        match self {
            Self::String(text) => Raw::String(text),
            Self::Integer(value) => Raw::Integer(*value),
            Self::List(..) => Raw::Other("a list"),
            Self::Object(_) => Raw::Other("an object"),
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

    /// Reads a body that is nothing but a list, as the member of this name.
    ///
    /// # Errors
    /// The body is not one JSON array.
    pub(crate) fn read_list(name: &'static str, body: &'a [u8]) -> Result<Self, serde_json::Error> {
        let mut from = serde_json::Deserializer::from_slice(body);
        let list = Place::Body(&Cell::new(ITEMS_MAX)).deserialize(&mut from)?;
        from.end()?;
        Ok(Self(vec![(name.into(), list)]))
    }

    /// Reads a body that has an item of a list on each line, as the member of this name. Lines without anything are
    /// passed over.
    ///
    /// # Errors
    /// A line is not one JSON value; with its number, from 1 on.
    pub(crate) fn read_lines(
        name: &'static str,
        body: &'a [u8],
    ) -> Result<Self, (usize, serde_json::Error)> {
        let (mut count, mut items) = (0, Vec::new());
        let lines = (1..).zip(body.split(|byte| *byte == b'\n'));
        for (number, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
            count += 1;
            if count <= ITEMS_MAX {
                items.push(item(line).map_err(|error| (number, error))?);
            }
        }
        Ok(Self(vec![(name.into(), Json::List(count, items))]))
    }
}

fn item(line: &[u8]) -> Result<Json<'_>, serde_json::Error> {
    let mut from = serde_json::Deserializer::from_slice(line);
    let item = Place::List.deserialize(&mut from)?;
    from.end().map(|()| item)
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Members<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        members(map, MEMBERS_MAX, Place::Body(&Cell::new(ITEMS_MAX)))
    }
}

fn members<'de, A: MapAccess<'de>>(
    mut map: A,
    most: usize,
    of: Place<'_>,
) -> Result<Members<'de>, A::Error> {
    let mut members = Vec::new();
    while let Some(name) = map.next_key_seed(Place::Item)? {
        let Json::String(name) = name else {
            return Err(A::Error::custom("a name is a string"));
        };
        if members.len() == most {
            return Err(A::Error::custom(format!("more than {most} members")));
        }
        members.push((name, map.next_value_seed(of)?));
    }
    Ok(Members(members))
}

/// Where a value stands, which bounds what it may hold: a body has lists, a list has objects, and what
/// else holds something is passed over.
#[derive(Clone, Copy)]
enum Place<'r> {
    /// A member of the body, of whose lists so many items more are kept.
    Body(&'r Cell<usize>),
    /// In a list.
    List,
    /// A member of an object in a list.
    Item,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Json<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::String(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        let value = i64::try_from(value);
        Ok(value.map_or(Json::Other("a number beyond 64 bits"), Json::Integer))
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Self::Value, E> {
        Ok(Json::Other(
            "a number with a fraction or an exponent, or beyond 64 bits",
        ))
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Self::Value, E> {
        Ok(Json::Other("true or false"))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        let Self::Body(room) = self else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Json::Other("a list"));
        };
        while room.get() > 0
            && let Some(item) = list.next_element_seed(Self::List)?
        {
            room.set(room.get() - 1);
            items.push(item);
        }
        let mut count = items.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Json::List(count, items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        if matches!(self, Self::List) {
            return members(map, ITEM_MEMBERS_MAX, Self::Item).map(Json::Object);
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Json::Other("an object"))
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
    fn list_holds_objects_that_hold_nothing_further() {
        let body = br#"{"l":[{"a":1,"b":[2],"c":{"d":3}},"x"]}"#;
        let Members(members) = Members::read(body).expect("because it is an object");
        let object = Members(vec![
            ("a".into(), Json::Integer(1)),
            ("b".into(), Json::Other("a list")),
            ("c".into(), Json::Other("an object")),
        ]);
        let list = vec![Json::Object(object), Json::String("x".into())];
        assert_eq!(members, [("l".into(), Json::List(2, list))]);
    }

    #[test]
    fn items_of_all_lists_are_counted_and_few_are_kept() {
        let list = format!("[{}]", vec!["1"; ITEMS_MAX - 1].join(","));
        let body = format!("{{\"a\":{list},\"b\":{list}}}");
        let Members(members) = Members::read(body.as_bytes()).expect("because it is an object");
        let kept = members.iter().map(|(_, value)| match value {
            Json::List(count, items) => (*count, items.len()),
            Json::String(_) | Json::Integer(_) | Json::Object(_) | Json::Other(_) => {
                panic!("{value:?}")
            }
        });
        let expected = [(ITEMS_MAX - 1, ITEMS_MAX - 1), (ITEMS_MAX - 1, 1)];
        assert_eq!(kept.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn list_is_the_same_as_a_member_as_a_body_and_as_lines() {
        let member = Members::read(br#"{"l":[{"a":1},"x"]}"#).expect("it is an object");
        let list = Members::read_list("l", br#" [{"a":1},"x"]"#).expect("it is a list");
        assert_eq!(list, member);
        let lines = Members::read_lines("l", b"{\"a\":1}\r\n\n \"x\"\n").expect("they are two");
        assert_eq!(lines, member);
        assert!(Members::read_list("l", b"[] []").is_err());
        assert!(Members::read_list("l", b"[").is_err());
        fn at(body: &[u8]) -> Result<Members<'_>, usize> {
            Members::read_lines("l", body).map_err(|(line, _)| line)
        }
        assert_eq!(at(b"{}\n\n{} {}\n"), Err(3));
        assert_eq!(at(b"{\n}"), Err(1));
        let many = b"{}\n".repeat(ITEMS_MAX + 1);
        let Ok(Members(many)) = at(&many) else {
            panic!("all are counted")
        };
        assert!(matches!(&many[0].1, Json::List(count, kept)
            if (*count, kept.len()) == (ITEMS_MAX + 1, ITEMS_MAX)));
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
        let members = vec!["\"a\":1"; ITEM_MEMBERS_MAX + 1].join(",");
        let wide = format!("{{\"a\":[{{{members}}}]}}");
        assert!(Members::read(wide.as_bytes()).is_err());
        let many = format!("{{{}}}", vec!["\"a\":1"; MEMBERS_MAX + 1].join(","));
        assert!(Members::read(many.as_bytes()).is_err());
        assert!(Members::read(b"").is_ok_and(|Members(members)| members.is_empty()));
    }
}
