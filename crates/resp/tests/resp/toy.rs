//! A toy domain of two commands: words are kept in boxes, and boxes are looked into.

use compact_str::{CompactString, ToCompactString};
use minicbor::{Decode, Encode};
use tidegate_engine::contract::{
    Address, Apply, Audit, Bounded, Class, Domain, Grammar, InWords, List, Method, Name, Never,
    RefusalDef, Refuse, ReplyType, ReplyValue, RequestDef, Spoken, Status, Writer,
};
use tidegate_engine::{Reads, Row, Stop, Table, Tx, reply, request, words};

/// Words that a box holds.
const BOX_ROOM: u64 = 3;

const BOXES: Table<Words> = Table::ordered(201, 0, "toy.boxes");

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
struct Words {
    #[cbor(n(0), with = "tidegate_engine::text")]
    last: CompactString,
    #[n(1)]
    count: u64,
}

impl Row for Words {}

/// The toy.
pub(crate) const TOY: Domain = Domain {
    name: "toy",
    number: 201,
    doc: "Words in boxes, to play with.",
    tables: &[BOXES.def()],
    timers: &[],
    takes: &[],
    sends: &[],
    events: &[],
    counts: &[],
    requests: &[
        RequestDef::call::<Put>("TOY.PUT", Method::Post, "/v1/boxes/{name}", Class::Opens),
        RequestDef::call::<Fill>("TOY.FILL", Method::Put, "/v1/boxes/{name}", Class::Opens),
        RequestDef::call::<Whence>("TOY.WHENCE", Method::Get, "/v1/whence/{name}", Class::Reads),
        RequestDef::call::<Look>("TOY.LOOK", Method::Get, "/v1/boxes/{name}", Class::Reads),
        RequestDef::spoken::<Spell>("SPELL", Class::Reads),
    ],
    audit: |_| Audit::default(),
};

const EMPTY: RefusalDef = RefusalDef {
    code: "unknown_box",
    status: Status::NotFound,
    doc: "No such box.",
};
const FULL: RefusalDef = RefusalDef {
    code: "box_full",
    status: Status::Conflict,
    doc: "The box holds all it can.",
};

/// Every "no" of the toy.
#[derive(Debug)]
pub enum Refusal {
    Empty,
    Full { last: CompactString },
}

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::Empty => &EMPTY,
            Self::Full { .. } => &FULL,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        if let Self::Full { last } = self {
            out.name("room");
            out.integer(0);
            out.name("last");
            out.text(last);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Red,
    Blue,
}

words!(Colour { "red" => Colour::Red, "blue" => Colour::Blue });

request! {
    /// Puts a word into a box.
    /// A box holds three.
    pub struct Put {
        /// The box.
        name: Name,
        /// The word.
        word: Name,
        /// How often it is said.
        times: Bounded<1, 1_000>,
        /// Its colour.
        ["COLOUR"] colour: Option<Colour>,
        /// How loud, in percent.
        ["LOUD"] loud: i64 = 100,
    }
}

request! {
    /// A word of several.
    pub struct Said {
        /// The word.
        word: Name,
        /// How often it is said.
        times: Bounded<1, 1_000>,
    }
}

request! {
    /// Puts several words into an empty box.
    pub struct Fill {
        /// The box.
        name: Name,
        /// The words.
        words: List<Said, 3>,
        /// Their colour.
        ["COLOUR"] colour: Option<Colour>,
    }
}

request! {
    /// Looks into a box.
    pub struct Look {
        /// The box.
        name: Name,
    }
}

reply! {
    /// What is in a box.
    pub struct Inside {
        /// The box.
        name: CompactString,
        /// The last word.
        last: Option<CompactString>,
        /// How many words there are.
        count: u64,
        /// Whether no more fit.
        full: bool,
    }
}

request! {
    /// Where a request comes from.
    pub struct Whence {
        /// The box.
        name: Name,
        /// Where it comes from.
        ["FROM"] from: Option<Address>,
    }
}

reply! {
    /// Where a request comes from.
    pub struct From {
        /// The address; null if it is not known.
        from: Option<CompactString>,
    }
}

impl Apply for Whence {
    type Reply = From;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, _tx: &mut Tx<'_>) -> Result<From, Stop<Never>> {
        Ok(From {
            from: self.from.map(|from| from.to_compact_string()),
        })
    }
}

impl Apply for Put {
    type Reply = Inside;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[FULL];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Inside, Stop<Refusal>> {
        let before = tx.get(&BOXES, self.key())?;
        let count = before.as_ref().map_or(0, |words| words.count) + 1;
        if let Some(words) = before
            && count > BOX_ROOM
        {
            return Err(Refusal::Full {
                last: words.last.clone(),
            }
            .into());
        }
        tx.put(
            &BOXES,
            self.key(),
            Words {
                last: self.word.compact(),
                count,
            },
        );
        Ok(Inside {
            name: self.name.compact(),
            last: Some(self.word.compact()),
            count,
            full: count == BOX_ROOM,
        })
    }
}

impl Apply for Fill {
    type Reply = Inside;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Inside, Stop<Refusal>> {
        let words = self.words.items();
        let last = words.last().map(|said| said.word.compact());
        let count = words.iter().map(|said| said.times.get()).sum();
        let row = Words {
            last: last.clone().unwrap_or_default(),
            count,
        };
        tx.put(&BOXES, self.key(), row);
        Ok(Inside {
            name: self.name.compact(),
            last,
            count,
            full: count == BOX_ROOM,
        })
    }
}

impl Apply for Look {
    type Reply = Inside;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[EMPTY];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Inside, Stop<Refusal>> {
        let name = self.name.compact();
        match tx.get(&BOXES, self.key())? {
            Some(words) => Ok(Inside {
                name,
                last: Some(words.last.clone()),
                count: words.count,
                full: words.count == BOX_ROOM,
            }),
            None if self.key() == "void" => Err(Refusal::Empty.into()),
            None => Ok(Inside {
                name,
                last: None,
                count: 0,
                full: false,
            }),
        }
    }
}

/// A word, as another system has it spelt: by its letters, unless it is `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spelling {
    name: CompactString,
    words: Vec<CompactString>,
}

impl Spoken for Spelling {
    const GRAMMAR: Grammar = Grammar {
        syntax: "OF key word [word …]",
        arity: -4,
        key: Some(1),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let text = |arg: &&[u8]| CompactString::from_utf8(arg).map_err(|_| "no text".to_owned());
        let args = args.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        match &args[..] {
            [of, name, words @ ..] if of == "OF" => Ok(Self {
                name: name.clone(),
                words: words.to_vec(),
            }),
            _ => Err("syntax error, say OF".to_owned()),
        }
    }
}

request! {
    /// Spells words.
    struct Spell {
        /// Its arguments.
        says: InWords<Spelling>,
    }
}

/// Words by the name that they are spelt for.
pub struct Spelt(Spelling);

impl ReplyValue for Spelt {
    const TYPE: ReplyType = ReplyType::Text;

    fn write(&self, out: &mut dyn Writer) {
        out.pairs(1);
        out.pair(&self.0.name);
        out.list(self.0.words.len());
        self.0.words.iter().for_each(|word| out.text(word));
        out.end();
        out.end();
    }
}

const UNSPEAKABLE: RefusalDef = RefusalDef {
    code: "unspeakable",
    status: Status::Conflict,
    doc: "Nobody can spell that.",
};

/// The "no" of another system.
#[derive(Debug)]
pub struct Unspeakable(String);

impl Refuse for Unspeakable {
    fn def(&self) -> &'static RefusalDef {
        &UNSPEAKABLE
    }

    fn words(&self) -> Option<&str> {
        Some(&self.0)
    }
}

impl Apply for Spell {
    type Reply = Spelt;
    type Refusal = Unspeakable;
    const REFUSALS: &'static [RefusalDef] = &[UNSPEAKABLE];

    fn key(&self) -> &str {
        &self.says.name
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, _tx: &mut Tx<'_>) -> Result<Spelt, Stop<Unspeakable>> {
        if self.says.words.iter().any(|word| word == "?") {
            return Err(Unspeakable("SPELLING of '?' is not known".to_owned()).into());
        }
        Ok(Spelt((*self.says).clone()))
    }
}
