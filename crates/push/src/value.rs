//! Replies as values: what comes back from the engine is bytes, which are written and read here and nowhere else.

use serde_json::Value as Json;
use tidegate_engine::contract::{Fault, Outcome, Renderer, Writer};

/// A part of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing, where there may be something.
    Null,
    /// Whether something is so.
    Boolean(bool),
    /// A number.
    Integer(i64),
    /// A text.
    Text(String),
    /// Any bytes.
    Bytes(Vec<u8>),
    /// Items.
    List(Vec<Self>),
    /// Fields, in the order in which a reply has them.
    Map(Vec<(String, Self)>),
}

impl From<Value> for Json {
    /// As JSON; bytes that are no text are not what they were.
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => value.into(),
            Value::Integer(value) => value.into(),
            Value::Text(text) => text.into(),
            Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into(),
            Value::List(items) => items.into_iter().map(Self::from).collect(),
            Value::Map(fields) => {
                let fields = fields.into_iter();
                Self::Object(fields.map(|(name, value)| (name, value.into())).collect())
            }
        }
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Reply(Value),
    /// The domain's "no", by its code.
    Refused(String),
    /// Nothing was done: ask again, after so long if that is said.
    Later(u64),
}

/// When what is not served now is asked for again, if nothing is said of that.
const LATER_MS: u64 = 500;

impl Value {
    /// A field of a map; nothing if there is none, or no map.
    pub(crate) fn field(&self, name: &str) -> &Self {
        let Self::Map(fields) = self else {
            return &Self::Null;
        };
        let named = fields.iter().find(|(own, _)| own == name);
        named.map_or(&Self::Null, |(_, value)| value)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        if let Self::Text(text) = self.field(name) {
            return Some(text);
        }
        None
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        if let Self::Integer(number) = self.field(name) {
            return u64::try_from(*number).ok();
        }
        None
    }

    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        if let Self::Bytes(bytes) = self.field(name) {
            return bytes;
        }
        &[]
    }

    pub(crate) fn list(&self, name: &str) -> &[Self] {
        if let Self::List(items) = self.field(name) {
            return items;
        }
        &[]
    }
}

/// Writes outcomes as one byte that says what they are, and what they say behind it.
pub(crate) struct Plain;

const REPLY: u8 = b'r';
const REFUSED: u8 = b'n';
const LATER: u8 = b'l';

/// What a value begins with. Integers have 8 bytes behind it, little endian; texts and bytes so their length, and
/// themselves; maps and lists what they consist of, up to an end.
const NULL: u8 = b'0';
const FALSE: u8 = b'f';
const TRUE: u8 = b't';
const INTEGER: u8 = b'i';
const TEXT: u8 = b's';
const BYTES: u8 = b'b';
const LIST: u8 = b'[';
const MAP: u8 = b'{';
const END: u8 = b'.';

impl Renderer for Plain {
    fn render(&self, outcome: &Outcome<'_>, out: &mut Vec<u8>) {
        match outcome {
            Outcome::Reply(reply) => {
                out.push(REPLY);
                reply.write_to(&mut PlainWriter(out));
            }
            Outcome::Refused(refusal) => {
                out.push(REFUSED);
                PlainWriter(out).text(refusal.def().code);
            }
            Outcome::Fault(Fault::Busy { retry_after_ms } | Fault::Shed { retry_after_ms, .. }) => {
                later(*retry_after_ms, out);
            }
            Outcome::Fault(Fault::DiskFull | Fault::Stopping) | Outcome::Pending(_) => {
                later(LATER_MS, out);
            }
        }
    }
}

fn later(after_ms: u64, out: &mut Vec<u8>) {
    out.push(LATER);
    PlainWriter(out).integer(i64::try_from(after_ms).unwrap_or(i64::MAX));
}

struct PlainWriter<'a>(&'a mut Vec<u8>);

impl PlainWriter<'_> {
    fn long(&mut self, kind: u8, bytes: &[u8]) {
        self.0.push(kind);
        self.0
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }
}

impl Writer for PlainWriter<'_> {
    fn map(&mut self, _len: usize) {
        self.0.push(MAP);
    }

    fn name(&mut self, name: &str) {
        self.text(name);
    }

    fn list(&mut self, _len: usize) {
        self.0.push(LIST);
    }

    fn end(&mut self) {
        self.0.push(END);
    }

    fn text(&mut self, text: &str) {
        self.long(TEXT, text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.long(BYTES, bytes);
    }

    fn integer(&mut self, value: i64) {
        self.0.push(INTEGER);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn boolean(&mut self, value: bool) {
        self.0.push(if value { TRUE } else { FALSE });
    }

    fn null(&mut self) {
        self.0.push(NULL);
    }
}

/// Why what was rendered reads back.
const WRITTEN: &str = "because the renderer wrote it";

impl Answer {
    /// What [`Plain`] wrote.
    pub(crate) fn read(rendered: &[u8]) -> Self {
        let (kind, rest) = rendered.split_first().expect(WRITTEN);
        let value = Reader(rest).value().expect(WRITTEN);
        match (*kind, value) {
            (REFUSED, Value::Text(code)) => Self::Refused(code),
            (LATER, Value::Integer(after_ms)) => {
                Self::Later(u64::try_from(after_ms).unwrap_or_default())
            }
            (_, value) => Self::Reply(value),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, many: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at_checked(many).expect(WRITTEN);
        self.0 = rest;
        taken
    }

    fn eight(&mut self) -> [u8; 8] {
        let (eight, rest) = self.0.split_first_chunk().expect(WRITTEN);
        self.0 = rest;
        *eight
    }

    fn long(&mut self) -> &'a [u8] {
        let bytes = usize::try_from(u64::from_le_bytes(self.eight()));
        self.take(bytes.expect(WRITTEN))
    }

    /// The next value; none where a map or a list ends.
    fn value(&mut self) -> Option<Value> {
        Some(match self.take(1)[0] {
            END => return None,
            NULL => Value::Null,
            FALSE => Value::Boolean(false),
            TRUE => Value::Boolean(true),
            INTEGER => Value::Integer(i64::from_le_bytes(self.eight())),
            TEXT => Value::Text(String::from_utf8_lossy(self.long()).into_owned()),
            BYTES => Value::Bytes(self.long().to_vec()),
            LIST => Value::List(std::iter::from_fn(|| self.value()).collect()),
            MAP => {
                let mut fields = Vec::new();
                while let Some(Value::Text(name)) = self.value() {
                    fields.push((name, self.value().expect(WRITTEN)));
                }
                Value::Map(fields)
            }
            other => unreachable!("because the renderer writes no {other}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::contract::Shape;
    use tidegate_engine::reply;

    use super::*;

    reply! {
        /// Something small.
        struct Part {
            /// A number.
            number: u64,
        }
    }

    reply! {
        /// Something.
        struct Thing {
            /// A text.
            name: String,
            /// A number.
            number: u64,
            /// Perhaps a number.
            none: Option<u64>,
            /// Whether.
            is: bool,
            /// Some of the same kind.
            parts: Vec<Part>,
        }
    }

    #[test]
    fn reply_reads_back_as_it_was() {
        let whole = Thing {
            name: "n".to_owned(),
            number: 70_000,
            none: None,
            is: true,
            parts: vec![Part { number: 1 }, Part { number: 2 }],
        };
        let mut out = Vec::new();
        Plain.render(&Outcome::Reply(&whole as &dyn Shape), &mut out);
        let Answer::Reply(value) = Answer::read(&out) else {
            panic!("it is a reply");
        };
        assert_eq!(value.text("name"), Some("n"));
        assert_eq!(value.number("number"), Some(70_000));
        assert_eq!(value.field("none"), &Value::Null);
        assert_eq!(value.field("is"), &Value::Boolean(true));
        let numbers: Vec<_> = value
            .list("parts")
            .iter()
            .map(|one| one.number("number"))
            .collect();
        assert_eq!(numbers, [Some(1), Some(2)]);
    }

    #[test]
    fn fault_says_when_to_ask_again() {
        let mut out = Vec::new();
        let busy = Fault::Busy { retry_after_ms: 7 };
        Plain.render(&Outcome::Fault(&busy), &mut out);
        assert_eq!(Answer::read(&out), Answer::Later(7));
    }
}
