//! Schemas of payloads: a part of JSON Schema (2020-12) that is checked in a time which is bounded, and of which it
//! can be decided whether another one accepts all that it accepts.
//!
//! What is not part of it is refused where a topic is declared, and not passed over. `read.rs` says which keywords
//! there are, `check.rs` what they mean, `compare.rs` when one schema takes the place of another.

mod check;
mod compare;
mod number;
#[cfg(test)]
mod random;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use serde_json::{Number, Value};

/// Schemas within a schema, one in the other.
const DEPTH_MAX: usize = 32;

/// Schemas that are asked about one value, one because of the other: `$ref`, `allOf`, `anyOf` and `oneOf`.
const CHAIN_MAX: usize = 8;

/// Bytes of a pattern, once it is compiled.
const PATTERN_BYTES_MAX: usize = 4 * 1024;

/// Schemas of a root, with those in one another.
const NODES_MAX: usize = 500;

/// Patterns of a schema.
const PATTERNS_MAX: usize = 32;

/// Steps that checking the payloads of a command may take: a schema that is asked about a value is one, and so is each value that it
/// may be. That is a tenth of a second at most.
pub(crate) const CHECK_STEPS_MAX: u64 = 4_000_000;

/// Steps of each byte that a pattern looks at.
const PATTERN_STEPS: usize = 32;

/// Bytes whose characters are counted in one step.
const LENGTH_BYTES: usize = 256;

/// Steps that comparing two schemas may take: those of each value that is tried, and these of each schema that is held
/// against another one.
const COMPARE_STEPS_MAX: u64 = 4_000_000;
const PAIR_STEPS: u64 = 32;

/// How deep two schemas are compared.
const COMPARE_DEPTH_MAX: usize = 200;

/// Bytes of a place, and of what is wrong there, as they are told.
const TOLD_BYTES_MAX: usize = 200;

/// Where a schema stands among those of its root.
type At = usize;

/// The schema that accepts everything: of each root the first one.
const ANY: At = 0;

/// A schema, with all that are in it.
#[derive(Debug)]
pub(crate) struct Schema {
    nodes: Vec<Node>,
    root: At,
}

/// One of them. What a keyword says holds for values of its type only, and all that it says holds.
#[derive(Debug)]
struct Node {
    /// It accepts nothing.
    is_never: bool,
    types: Types,
    /// The values that it accepts, of those that all else accepts.
    values: Option<Vec<Value>>,
    minimum: Option<Number>,
    above: Option<Number>,
    maximum: Option<Number>,
    below: Option<Number>,
    /// How many characters texts have.
    length: Span,
    pattern: Option<Regex>,
    /// How many items lists have.
    count: Span,
    first_items: Vec<At>,
    /// Of the items behind these.
    items: At,
    /// How many members objects have.
    size: Span,
    members: BTreeMap<String, At>,
    /// Of the members that are not among these.
    other_members: At,
    required: BTreeSet<String>,
    /// All of them accept a value.
    all_of: Vec<At>,
    /// At least one of them does; none is asked for if there is none.
    any_of: Vec<At>,
    /// Exactly one of them does.
    one_of: Vec<At>,
}

impl Node {
    /// It accepts everything.
    fn any() -> Self {
        Self {
            is_never: false,
            types: Types::ALL,
            values: None,
            minimum: None,
            above: None,
            maximum: None,
            below: None,
            length: Span::ANY,
            pattern: None,
            count: Span::ANY,
            first_items: Vec::new(),
            items: ANY,
            size: Span::ANY,
            members: BTreeMap::new(),
            other_members: ANY,
            required: BTreeSet::new(),
            all_of: Vec::new(),
            any_of: Vec::new(),
            one_of: Vec::new(),
        }
    }

    /// The schema of an item.
    fn item(&self, at: usize) -> At {
        self.first_items.get(at).copied().unwrap_or(self.items)
    }

    /// The schema of a member.
    fn member(&self, name: &str) -> At {
        let member = self.members.get(name).copied();
        member.unwrap_or(self.other_members)
    }

    /// The schemas that it asks about the value that it is asked about.
    fn asked(&self) -> impl Iterator<Item = At> + '_ {
        let lists = [&self.all_of, &self.any_of, &self.one_of];
        lists.into_iter().flatten().copied()
    }
}

/// How much there may be of something.
#[derive(Clone, Copy, Debug)]
struct Span {
    least: u64,
    most: u64,
}

impl Span {
    const ANY: Self = Self {
        least: 0,
        most: u64::MAX,
    };

    fn has(self, many: u64) -> bool {
        (self.least..=self.most).contains(&many)
    }

    /// Whether the bytes of a text say that it has so many characters, so that these need not be counted.
    fn has_surely(self, text: &str) -> bool {
        let bytes = text.len() as u64;
        bytes / 4 >= self.least && bytes <= self.most
    }

    fn is_in(self, other: Self) -> bool {
        self.least >= other.least && self.most <= other.most
    }
}

/// Types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Types(u8);

impl Types {
    const NONE: Self = Self(0);
    const NULL: Self = Self(1);
    const BOOLEAN: Self = Self(2);
    const INTEGER: Self = Self(4);
    const FRACTION: Self = Self(8);
    const STRING: Self = Self(16);
    const ARRAY: Self = Self(32);
    const OBJECT: Self = Self(64);
    const NUMBER: Self = Self(Self::INTEGER.0 | Self::FRACTION.0);
    const ALL: Self = Self(127);

    /// As keywords name them: a number may be an integer.
    const WORDS: [(&'static str, Self); 7] = [
        ("null", Self::NULL),
        ("boolean", Self::BOOLEAN),
        ("number", Self::NUMBER),
        ("integer", Self::INTEGER),
        ("string", Self::STRING),
        ("array", Self::ARRAY),
        ("object", Self::OBJECT),
    ];

    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(one) if number::is_integer(one) => Self::INTEGER,
            Value::Number(_) => Self::FRACTION,
            Value::String(_) => Self::STRING,
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
        }
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is a value of both.
    fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// How people name them.
    fn words(self) -> String {
        let is_in = |(_, types): &(&str, Self)| {
            self.has(*types) && !(*types == Self::INTEGER && self.has(Self::NUMBER))
        };
        let words = Self::WORDS.into_iter().filter(is_in);
        words.map(|(word, _)| word).collect::<Vec<_>>().join(" or ")
    }
}

/// What is wrong with a schema, or with a payload beside one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrong {
    /// Where: a JSON pointer, empty for the whole.
    pub at: String,
    /// What, to follow the name of that.
    pub what: String,
}

impl Wrong {
    fn of(path: &[Step<'_>], what: impl Into<String>) -> Self {
        Self {
            at: cut(pointer(path)),
            what: cut(what.into()),
        }
    }
}

/// A step from a value into one of those in it.
#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Member(&'a str),
    Item(usize),
    /// Any item, or any member.
    Each,
}

/// A JSON pointer, as far as it is told.
fn pointer(path: &[Step<'_>]) -> String {
    let mut told = String::new();
    for step in path {
        match step {
            Step::Member(name) => {
                told.push('/');
                for char in name.chars().take(TOLD_BYTES_MAX) {
                    match char {
                        '~' => told.push_str("~0"),
                        '/' => told.push_str("~1"),
                        other => told.push(other),
                    }
                }
            }
            Step::Item(at) => told.push_str(&format!("/{at}")),
            Step::Each => told.push_str("/*"),
        }
        if told.len() > TOLD_BYTES_MAX {
            break;
        }
    }
    told
}

/// Some values, as far as they are told.
fn told(values: &[Value]) -> String {
    let mut text = String::from("[");
    for value in values {
        if text.len() > TOLD_BYTES_MAX {
            return text;
        }
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&value.to_string());
    }
    text.push(']');
    text
}

/// As much of a text as is told.
fn cut(mut text: String) -> String {
    if text.len() > TOLD_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TOLD_BYTES_MAX));
        text.push('…');
    }
    text
}
