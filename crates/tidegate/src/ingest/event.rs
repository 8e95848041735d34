//! From a line to the event that is counted.

use std::borrow::Cow;
use std::convert::Infallible;

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
    /// `name=value`, with a line feed between two; nothing if it has none.
    pub(super) dims: Box<str>,
}

/// An event that is to be counted once.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// The same for the same line, wherever it stands: see [`super::occurrence`].
    pub(super) id: u128,
    pub(super) event: Event,
    pub(super) origin: Origin,
}

/// A dimension and the field that is its value.
pub(super) type Dim = (String, String);

/// What of a line is its key, who it is by, and what its dimensions are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picks<F> {
    key: F,
    by: Option<F>,
    dims: Vec<(String, F)>,
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
    pub(super) fn common(key: &str, by: Option<&str>, dims: &[Dim]) -> Result<Self, String> {
        let named = |name: &str| match Field::named(name)? {
            field if field.is_combined() => {
                Err(format!("{name:?} is a field of the combined format only"))
            }
            field => Ok(field),
        };
        Ok(Self::Common(picks(key, by, dims, named)?))
    }

    /// Lines of the combined log format.
    pub(super) fn combined(key: &str, by: Option<&str>, dims: &[Dim]) -> Result<Self, String> {
        Ok(Self::Combined(picks(key, by, dims, Field::named)?))
    }

    /// JSON lines.
    pub(super) fn json(key: &str, by: Option<&str>, dims: &[Dim], time: &str) -> Self {
        let named = |name: &str| Ok::<_, Infallible>(Member::named(name));
        let Ok(picks) = picks(key, by, dims, named);
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

fn picks<F, E>(
    key: &str,
    by: Option<&str>,
    dims: &[Dim],
    named: impl Fn(&str) -> Result<F, E>,
) -> Result<Picks<F>, E> {
    let dims = dims.iter();
    Ok(Picks {
        key: named(key)?,
        by: by.map(&named).transpose()?,
        dims: dims
            .map(|(name, field)| Ok((name.clone(), named(field)?)))
            .collect::<Result<_, E>>()?,
    })
}

impl Picks<Field> {
    fn of_access(&self, access: &Access<'_>) -> Result<Event, Fault> {
        let text = |field| shown(access.get(field));
        let at_ms = time::of_access(access.time)?;
        let dims = self.dims.iter();
        let dims = dims.map(|(name, field)| (name.as_str(), text(*field)));
        Ok(event(text(self.key), at_ms, self.by.map(text), dims))
    }
}

impl Picks<Member> {
    fn of_json(&self, line: &[u8], time: &Member) -> Result<Event, Fault> {
        let object = members::object(line)?;
        let text = |member: &Member| match member.text(&object) {
            Err(Fault::Missing(_)) => Ok(None),
            text => text.map(shown_text).map(Some),
        };
        let mut dims = Vec::new();
        for (name, member) in &self.dims {
            dims.extend(text(member)?.map(|text| (name.as_str(), text)));
        }
        let by = self.by.as_ref().map(text).transpose()?.flatten();
        let key = shown_text(self.key.text(&object)?);
        Ok(event(key, time.time(&object)?, by, dims.into_iter()))
    }
}

fn shown_text(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => shown(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(shown(text.as_bytes()).into_owned()),
    }
}

/// `-` is nobody, and no value.
fn event<'a>(
    key: Cow<'_, str>,
    at_ms: u64,
    by: Option<Cow<'_, str>>,
    dims: impl Iterator<Item = (&'a str, Cow<'a, str>)>,
) -> Event {
    let by = by.filter(|by| is_known(by));
    // All keys together are `*` to the server.
    let key = if key == "*" {
        Cow::Borrowed("\\x2A")
    } else {
        key
    };
    let dims = dims.filter(|(_, value)| is_known(value));
    let dims: Vec<_> = dims
        .map(|(of, value)| format!("{of}={}", name(&value)))
        .collect();
    Event {
        key: Box::from(&*name(&key)),
        at_ms,
        by: by.map(|by| Box::from(&*name(&by))),
        dims: dims.join("\n").into(),
    }
}

fn is_known(text: &str) -> bool {
    !text.is_empty() && text != NONE
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
            let form = Form::combined(key, by, &[]).expect("fields");
            assert_eq!(
                counted(&form, LINE),
                (expected.0.to_owned(), expected.1.map(str::to_owned))
            );
        }
        let common = Form::common("path", Some("host"), &[]).expect("fields");
        assert_eq!(
            counted(&common, LINE),
            ("/a".to_owned(), Some("10.0.0.1".to_owned()))
        );
    }

    fn dims(of: &[(&str, &str)]) -> Vec<Dim> {
        let own = |(name, field): &(&str, &str)| ((*name).to_owned(), (*field).to_owned());
        of.iter().map(own).collect()
    }

    #[test]
    fn fields_are_dimensions_under_names_of_their_own_and_what_is_unknown_is_none() {
        let chosen = dims(&[("m", "method"), ("ref", "referer"), ("status", "status")]);
        let form = Form::combined("path", None, &chosen).expect("fields");
        let event = form.read(LINE.as_bytes()).expect("an event");
        assert_eq!(&*event.dims, "m=GET\nstatus=200");
        let form = Form::json("k", None, &dims(&[("a", "x.y"), ("b", "z")]), "t");
        let dims = |line: &[u8]| form.read(line).map(|event| event.dims.into_string());
        let told = dims(br#"{"k":"k","t":1,"x":{"y":"1=\n2"},"z":true}"#);
        assert_eq!(told, Ok("a=1=\\x0A2\nb=true".to_owned()));
        assert_eq!(dims(br#"{"k":"k","t":1,"z":""}"#), Ok(String::new()));
        let not_plain = Err(Fault::NotPlain("z".to_owned()));
        assert_eq!(dims(br#"{"k":"k","t":1,"z":{}}"#), not_plain);
    }

    #[test]
    fn only_fields_of_the_format_can_be_chosen() {
        assert!(Form::common("agent", None, &[]).is_err());
        assert!(Form::common("path", Some("referer"), &[]).is_err());
        assert!(Form::combined("url.path", None, &[]).is_err());
        assert!(Form::common("path", None, &dims(&[("a", "agent")])).is_err());
    }

    #[test]
    fn a_json_line_is_counted_by_any_member() {
        let form = Form::json("url.path", Some("who"), &[], "at");
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
        let form = Form::json("k", None, &[], "t");
        let event = form.read(br#"{"k":"*","t":1}"#).expect("an event");
        assert_eq!(&*event.key, "\\x2A");
    }

    #[test]
    fn a_line_of_nothing_but_blanks_is_empty() {
        let form = Form::combined("path", None, &[]).expect("a field");
        for line in [&b""[..], b" \r", b"\t"] {
            assert_eq!(form.read(line), Err(Fault::Empty));
        }
    }
}
