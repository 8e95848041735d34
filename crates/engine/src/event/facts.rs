//! What an event says: a flat map of named values.

use compact_str::CompactString;
use minicbor::{Decode, Encode};

use crate::contract::{ReplyType, ReplyValue, Writer};

/// A named value of an event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Fact {
    #[cbor(n(0), with = "crate::text")]
    pub(crate) name: CompactString,
    #[n(1)]
    pub(crate) value: FactValue,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum FactValue {
    #[n(0)]
    Text(#[cbor(n(0), with = "crate::text")] CompactString),
    #[n(1)]
    Integer(#[n(0)] i64),
    #[n(2)]
    Boolean(#[n(0)] bool),
    #[n(3)]
    Null,
}

impl Fact {
    /// Bytes of its value, if that is a text.
    pub(crate) fn text_bytes(&self) -> usize {
        match &self.value {
            FactValue::Text(text) => text.len(),
            FactValue::Integer(_) | FactValue::Boolean(_) | FactValue::Null => 0,
        }
    }
}

/// The facts of an event, which must be a flat map.
pub(crate) fn facts_of(event: &impl ReplyValue) -> Vec<Fact> {
    let mut flat = Flat {
        facts: Vec::new(),
        name: CompactString::default(),
    };
    event.write(&mut flat);
    flat.facts
}

struct Flat {
    facts: Vec<Fact>,
    name: CompactString,
}

impl Flat {
    fn push(&mut self, value: FactValue) {
        self.facts.push(Fact {
            name: std::mem::take(&mut self.name),
            value,
        });
    }
}

impl Writer for Flat {
    fn map(&mut self, _len: usize) {
        assert!(self.facts.is_empty(), "an event is one flat map");
    }
    fn name(&mut self, name: &str) {
        self.name = CompactString::new(name);
    }
    fn list(&mut self, _len: usize) {
        panic!("an event is one flat map; it holds no list");
    }
    fn end(&mut self) {}
    fn text(&mut self, text: &str) {
        self.push(FactValue::Text(CompactString::new(text)));
    }
    fn bytes(&mut self, _bytes: &[u8]) {
        panic!("an event is for people to read; it holds no bytes");
    }
    fn integer(&mut self, value: i64) {
        self.push(FactValue::Integer(value));
    }
    fn boolean(&mut self, value: bool) {
        self.push(FactValue::Boolean(value));
    }
    fn null(&mut self) {
        self.push(FactValue::Null);
    }
}

/// The facts of an event, as a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts(pub(crate) Vec<Fact>);

impl ReplyValue for Facts {
    const TYPE: ReplyType = ReplyType::Map(&[]);

    fn write(&self, out: &mut dyn Writer) {
        out.map(self.0.len());
        for fact in &self.0 {
            out.name(&fact.name);
            match &fact.value {
                FactValue::Text(text) => out.text(text),
                FactValue::Integer(value) => out.integer(*value),
                FactValue::Boolean(value) => out.boolean(*value),
                FactValue::Null => out.null(),
            }
        }
        out.end();
    }
}
