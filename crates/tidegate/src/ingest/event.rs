//! From a line to the event that is counted.

use std::borrow::Cow;

use super::access::{Access, Field};
use super::bad::{Fault, Origin};
use super::members::{self, Member};
use super::text::{NONE, name, shown};
use super::time;

/// What a line says, as the server counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) key: Box<str>,
    /// Milliseconds since 1970.
    pub(super) at_ms: u64,
    pub(super) by: Option<Box<str>>,
}

/// An event that is to be counted once.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// The same for the same line, wherever it stands: see [`super::occurrence`].
    pub(super) id: u128,
    pub(super) event: Event,
    pub(super) origin: Origin,
}

/// What of a line is its key, and who it is by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picks<F> {
    key: F,
    by: Option<F>,
}

/// How lines are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Common(Picks<Field>),
    Combined(Picks<Field>),
    Json { picks: Picks<Member>, time: Member },
}

impl Form {
    /// Lines of the common log format.
    pub(super) fn common(key: &str, by: Option<&str>) -> Result<Self, String> {
        let named = |name: &str| match Field::named(name)? {
            field if field.is_combined() => {
                Err(format!("{name:?} is a field of the combined format only"))
            }
            field => Ok(field),
        };
        Ok(Self::Common(picks(key, by, named)?))
    }

    /// Lines of the combined log format.
    pub(super) fn combined(key: &str, by: Option<&str>) -> Result<Self, String> {
        Ok(Self::Combined(picks(key, by, Field::named)?))
    }

    /// JSON lines.
    pub(super) fn json(key: &str, by: Option<&str>, time: &str) -> Self {
        let picks = Picks {
            key: Member::named(key),
            by: by.map(Member::named),
        };
        Self::Json {
            picks,
            time: Member::named(time),
        }
    }

    /// The event of a line, without the end of the line.
    pub(super) fn read(&self, line: &[u8]) -> Result<Event, Fault> {
        if line.trim_ascii().is_empty() {
            return Err(Fault::Empty);
        }
        match self {
            Self::Common(picks) => picks.of_access(&Access::read(line, false)?),
            Self::Combined(picks) => picks.of_access(&Access::read(line, true)?),
            Self::Json { picks, time } => picks.of_json(line, time),
        }
    }
}

fn picks(
    key: &str,
    by: Option<&str>,
    named: impl Fn(&str) -> Result<Field, String>,
) -> Result<Picks<Field>, String> {
    Ok(Picks {
        key: named(key)?,
        by: by.map(named).transpose()?,
    })
}

impl Picks<Field> {
    fn of_access(&self, access: &Access<'_>) -> Result<Event, Fault> {
        let by = self.by.map(|by| shown(access.get(by)));
        Ok(event(
            shown(access.get(self.key)),
            time::of_access(access.time)?,
            by,
        ))
    }
}

impl Picks<Member> {
    fn of_json(&self, line: &[u8], time: &Member) -> Result<Event, Fault> {
        let object = members::object(line)?;
        let by = self.by.as_ref().map(|by| by.text(&object));
        let by = match by {
            Some(Err(Fault::Missing(_))) | None => None,
            Some(by) => Some(shown_text(by?)),
        };
        Ok(event(
            shown_text(self.key.text(&object)?),
            time.time(&object)?,
            by,
        ))
    }
}

fn shown_text(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => shown(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(shown(text.as_bytes()).into_owned()),
    }
}

/// `-` is nobody.
fn event(key: Cow<'_, str>, at_ms: u64, by: Option<Cow<'_, str>>) -> Event {
    let by = by.and_then(|by| {
        let by = name(&by);
        (*by != *NONE).then(|| Box::from(&*by))
    });
    // All keys together are `*` to the server.
    let key = if key == "*" {
        Cow::Borrowed("\\x2A")
    } else {
        key
    };
    Event {
        key: Box::from(&*name(&key)),
        at_ms,
        by,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        r#"10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b HTTP/1.1" 200 42 "-" "curl""#;

    fn counted(form: &Form, line: &str) -> (String, Option<String>) {
        let event = form.read(line.as_bytes()).expect("an event");
        assert_eq!(event.at_ms, 1_431_857_103_000);
        (event.key.into(), event.by.map(String::from))
    }

    #[test]
    fn a_line_is_counted_by_the_field_that_was_chosen() {
        for (key, by, expected) in [
            ("path", None, ("/a", None)),
            ("status", Some("host"), ("200", Some("10.0.0.1"))),
            ("agent", Some("user"), ("curl", None)),
        ] {
            let form = Form::combined(key, by).expect("fields");
            assert_eq!(
                counted(&form, LINE),
                (expected.0.to_owned(), expected.1.map(str::to_owned))
            );
        }
        let common = Form::common("path", Some("host")).expect("fields");
        assert_eq!(
            counted(&common, LINE),
            ("/a".to_owned(), Some("10.0.0.1".to_owned()))
        );
    }

    #[test]
    fn only_fields_of_the_format_can_be_chosen() {
        assert!(Form::common("agent", None).is_err());
        assert!(Form::common("path", Some("referer")).is_err());
        assert!(Form::combined("url.path", None).is_err());
    }

    #[test]
    fn a_json_line_is_counted_by_any_member() {
        let form = Form::json("url.path", Some("who"), "at");
        let line =
            |who: &str| format!(r#"{{"at":"2015-05-17T10:05:03Z","url":{{"path":"/a\nb"}}{who}}}"#);
        assert_eq!(
            counted(&form, &line(r#","who":7"#)),
            ("/a\\x0Ab".to_owned(), Some("7".to_owned()))
        );
        assert_eq!(counted(&form, &line("")), ("/a\\x0Ab".to_owned(), None));
        let wrong = form.read(line(r#","who":[]"#).as_bytes());
        assert_eq!(wrong, Err(Fault::NotPlain("who".to_owned())));
        assert_eq!(
            form.read(br#"{"at":1}"#),
            Err(Fault::Missing("url.path".to_owned()))
        );
    }

    #[test]
    fn the_name_of_all_keys_is_none_of_one() {
        let form = Form::json("k", None, "t");
        let event = form.read(br#"{"k":"*","t":1}"#).expect("an event");
        assert_eq!(&*event.key, "\\x2A");
    }

    #[test]
    fn a_line_of_nothing_but_blanks_is_empty() {
        let form = Form::combined("path", None).expect("a field");
        for line in [&b""[..], b" \r", b"\t"] {
            assert_eq!(form.read(line), Err(Fault::Empty));
        }
    }
}
