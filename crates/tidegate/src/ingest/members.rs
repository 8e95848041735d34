//! JSON lines: one object each, whose members are found by name.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::bad::Fault;
use super::time;

/// The name of a member: `path`, or `url.path` for one within another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member(String);

impl Member {
    pub(super) fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// What the object has there: a member of the whole name comes before one within another.
    fn of<'a>(&self, object: &'a Map<String, Value>) -> Result<&'a Value, Fault> {
        let within = || {
            let mut names = self.0.split('.');
            let first = object.get(names.next()?)?;
            names.try_fold(first, |value, name| value.get(name))
        };
        let found = object.get(&self.0).or_else(within);
        let found = found.filter(|value| !value.is_null());
        found.ok_or_else(|| Fault::Missing(self.0.clone()))
    }

    /// Its text; numbers and truth values are written as JSON writes them.
    pub(super) fn text<'a>(&self, object: &'a Map<String, Value>) -> Result<Cow<'a, str>, Fault> {
        match self.of(object)? {
            Value::String(text) => Ok(Cow::Borrowed(text)),
            Value::Number(number) => Ok(Cow::Owned(number.to_string())),
            Value::Bool(yes) => Ok(Cow::Owned(yes.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                Err(Fault::NotPlain(self.0.clone()))
            }
        }
    }

    /// Its time, in milliseconds since 1970.
    pub(super) fn time(&self, object: &Map<String, Value>) -> Result<u64, Fault> {
        let value = self.of(object)?;
        match (value.as_f64(), value.as_str()) {
            (Some(number), _) => time::of_number(number),
            (None, Some(text)) => time::of_text(text),
            (None, None) => Err(Fault::NotPlain(self.0.clone())),
        }
    }
}

/// The object of a line.
pub(super) fn object(line: &[u8]) -> Result<Map<String, Value>, Fault> {
    serde_json::from_slice(line).map_err(|error| Fault::NotAnObject(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = r#"{"time":1431857103,"url":{"path":"/a","port":80},"a.b":"whole","a":{"b":"within"},"n":null,"l":[1],"ok":true}"#;

    #[test]
    fn members_are_found_by_name_within_others_too() {
        let line = object(LINE.as_bytes()).expect("an object");
        let text = |name: &str| Member::named(name).text(&line).map(Cow::into_owned);
        for (name, expected) in [
            ("url.path", "/a"),
            ("url.port", "80"),
            ("a.b", "whole"),
            ("ok", "true"),
        ] {
            assert_eq!(text(name), Ok(expected.to_owned()));
        }
        for name in ["", "path", "url.host", "url.path.x", "n", "url."] {
            assert_eq!(text(name), Err(Fault::Missing(name.to_owned())));
        }
        for name in ["url", "l"] {
            assert_eq!(text(name), Err(Fault::NotPlain(name.to_owned())));
        }
        assert_eq!(Member::named("time").time(&line), Ok(1_431_857_103_000));
        assert_eq!(
            Member::named("ok").time(&line),
            Err(Fault::NotPlain("ok".to_owned()))
        );
    }

    #[test]
    fn what_is_no_object_is_told_with_why() {
        for line in [&b"7"[..], b"[]", b"{", b"{} {}", b"{\"a\":\xff}", b"null"] {
            assert!(matches!(object(line), Err(Fault::NotAnObject(_))));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn no_bytes_make_the_reader_panic(at in 0..LINE.len(), byte in any::<u8>(), name in "[a-z.]{0,8}") {
            let mut line = LINE.as_bytes().to_vec();
            line[at] = byte;
            if let Ok(line) = object(&line) {
                Member::named(&name).text(&line).ok();
                Member::named(&name).time(&line).ok();
            }
        }
    }
}
