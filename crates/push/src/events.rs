//! What a message says, as items of the list that a request takes: a JSON object, several of them on lines, or an array.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value as Json};
use tidegate_engine::contract::{Field, FieldKind, Raw};

/// Items of one message: more are not taken, whatever room its payload has for them.
pub(crate) const ITEMS_MAX: usize = 10_000;

/// What fills in what an item does not say.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    /// The same however often it is brought, and of nothing else.
    pub(crate) id: &'a str,
    /// When it was published.
    pub(crate) at_ms: u64,
}

/// An item of a message: one value for each field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Item(Vec<Option<Given>>);

/// A value as far as a field can take one.
#[derive(Debug, PartialEq, Eq)]
enum Given {
    Text(String),
    Integer(i64),
    /// Named for the error.
    Other(&'static str),
}

impl Item {
    pub(crate) fn raws(&self) -> impl Iterator<Item = Option<Raw<'_>>> {
        let given = self.0.iter();
        given.map(|given| given.as_ref().map(Given::raw))
    }
}

impl Given {
    fn raw(&self) -> Raw<'_> {
        match self {
            Self::Text(text) => Raw::String(text),
            Self::Integer(value) => Raw::Integer(*value),
            Self::Other(what) => Raw::Other(what),
        }
    }

    fn of(value: Json) -> Self {
        match value {
            Json::String(text) => Self::Text(text),
            Json::Number(number) => {
                let integer = number.as_i64().map(Self::Integer);
                integer.unwrap_or(Self::Other("a number with a fraction, or beyond 64 bits"))
            }
            Json::Object(members) => {
                let lines = lines(members).map(Self::Text);
                lines.unwrap_or(Self::Other("an object of other than plain texts"))
            }
            Json::Null => Self::Other("null"),
            Json::Bool(_) => Self::Other("true or false"),
            Json::Array(_) => Self::Other("a list"),
        }
    }
}

/// An object of texts as `name=value`, with a line feed between two of them: events say dimensions so, and those that a
/// topic keeps of a counter say them as an object.
fn lines(members: Map<String, Json>) -> Option<String> {
    let mut lines = Vec::new();
    for (name, value) in members {
        let Json::String(value) = value else {
            return None;
        };
        let is_plain = !name.contains(['=', '\n']) && !value.contains('\n');
        lines.push(is_plain.then(|| format!("{name}={value}"))?);
    }
    Some(lines.join("\n"))
}

/// The items of a message, or why it has none. Those without an id have one of the message's and their place in it; those
/// that do not say when have its time.
pub(crate) fn items(
    fields: &[Field],
    message: Message<'_>,
    payload: &[u8],
) -> Result<Vec<Item>, String> {
    let objects = objects(payload).map_err(|error| format!("is no JSON of events: {error}"))?;
    if !(1..=ITEMS_MAX).contains(&objects.len()) {
        let many = objects.len();
        return Err(format!("must have 1 to {ITEMS_MAX} events, not {many}"));
    }
    let numbered = (1..).zip(objects);
    let item = |(place, object): (usize, Object)| {
        let item = item(fields, object).map_err(|why| told(place, &why))?;
        Ok(filled(fields, item, (message, place)))
    };
    numbered.map(item).collect()
}

/// What is said of one event of a message.
pub(crate) fn told(place: usize, why: &str) -> String {
    format!("event {place}: {why}")
}

fn objects(payload: &[u8]) -> Result<Vec<Object>, serde_json::Error> {
    if payload.trim_ascii_start().starts_with(b"[") {
        return serde_json::from_slice(payload);
    }
    serde_json::Deserializer::from_slice(payload)
        .into_iter()
        .collect()
}

fn item(fields: &[Field], object: Object) -> Result<Item, String> {
    let mut values: Vec<_> = fields.iter().map(|_| None).collect();
    for (name, value) in object.0 {
        let Some(at) = fields.iter().position(|field| field.name == name) else {
            let names: Vec<_> = fields.iter().map(|field| field.name).collect();
            let name: String = name.chars().take(64).collect();
            return Err(format!("`{name}` is none of {}", names.join(", ")));
        };
        if values[at].is_some() {
            return Err(format!("{name} is given twice"));
        }
        values[at] = Some(Given::of(value));
    }
    Ok(Item(values))
}

fn filled(fields: &[Field], mut item: Item, (message, place): (Message<'_>, usize)) -> Item {
    for (field, value) in fields.iter().zip(&mut item.0) {
        let is_minted = matches!(value, Some(Given::Text(text)) if text == "*");
        if field.kind == FieldKind::Id && (value.is_none() || is_minted) {
            *value = Some(Given::Text(format!("{}.{place}", message.id)));
        }
        if field.name == "at_ms" && value.is_none() {
            *value = Some(Given::Integer(message.at_ms.cast_signed()));
        }
    }
    item
}

/// The members of an object, as they were sent: one that stands there twice is seen.
struct Object(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Object(members))
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::contract::{Bounded, Id, Name, Request};
    use tidegate_engine::request;

    use super::*;

    request! {
        /// An event.
        struct Event {
            /// Its id.
            event: Id,
            /// Its key.
            key: Name,
            /// When.
            at_ms: Option<Bounded<0, 1_000>>,
            /// Dimensions.
            dims: Option<Name>,
        }
    }

    const MESSAGE: Message<'_> = Message {
        id: "msg",
        at_ms: 7,
    };

    fn read(payload: &str) -> Result<Vec<Item>, String> {
        items(Event::FIELDS, MESSAGE, payload.as_bytes())
    }

    /// Id, key, time and dimensions of each.
    fn said(payload: &str) -> Vec<[String; 4]> {
        let items = read(payload).expect("they are events").into_iter();
        let text = |given: Option<Given>| match given {
            Some(Given::Text(text)) => text,
            Some(Given::Integer(value)) => value.to_string(),
            Some(Given::Other(what)) => format!("<{what}>"),
            None => "-".to_owned(),
        };
        let four = |item: Item| item.0.into_iter().map(text).collect::<Vec<_>>();
        items
            .map(|item| four(item).try_into().expect("there are four fields"))
            .collect()
    }

    #[test]
    fn object_lines_and_array_are_the_same_events() {
        let array = said(r#"[{"event":"a","key":"k","at_ms":5},{"key":"l","event":"*"}]"#);
        let expected = [["a", "k", "5", "-"], ["msg.2", "l", "7", "-"]];
        assert_eq!(array, expected.map(|item| item.map(str::to_owned)));
        let lines = "{\"event\":\"a\",\"key\":\"k\",\"at_ms\":5}\r\n\n{\"key\":\"l\"}\n";
        assert_eq!(said(lines), array);
        let one = said("{\n \"event\":\"a\",\n \"key\":\"k\", \"at_ms\":5\n}");
        assert_eq!(one, array[..1]);
    }

    #[test]
    fn dimensions_may_be_an_object_of_texts() {
        let dims = |dims: &str| said(&format!("{{\"key\":\"k\",\"dims\":{dims}}}"))[0][3].clone();
        assert_eq!(dims(r#"{"c":"de","d":"x=y"}"#), "c=de\nd=x=y");
        assert_eq!(dims(r#""c=de""#), "c=de");
        for other in [r#"{"c":1}"#, r#"{"c":"x\ny=z"}"#, r#"{"a=b":"c"}"#] {
            assert_eq!(dims(other), "<an object of other than plain texts>");
        }
    }

    #[test]
    fn what_is_no_events_says_why() {
        let many = format!("[{}]", vec!["{}"; ITEMS_MAX + 1].join(","));
        for (payload, why) in [
            ("", "must have 1 to 10000 events, not 0"),
            ("[]", "must have 1 to 10000 events, not 0"),
            (many.as_str(), "must have 1 to 10000 events, not 10001"),
            ("nonsense", "is no JSON of events: expected ident"),
            ("[1]", "is no JSON of events: invalid type: integer `1`"),
            ("{\"key\":\"k\"} x", "is no JSON of events: expected value"),
            ("[{}] []", "is no JSON of events: trailing characters"),
            (
                "[{},{\"kez\":\"k\"}]",
                "event 2: `kez` is none of event, key, at_ms, dims",
            ),
            (
                "{\"key\":\"k\",\"key\":\"l\"}",
                "event 1: key is given twice",
            ),
        ] {
            let told = read(payload).expect_err("they are none");
            assert!(told.starts_with(why), "{payload:.30}: {told}");
        }
    }
}
