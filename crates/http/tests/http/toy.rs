//! A toy domain: things are put into boxes, and listed.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::contract::{
    self, Apply, Audit, Beacon, Bounded, Class, Content, Domain, Event, EventDef, Id, Limit,
    Method, Name, Page, PageItem, Payload, RefusalDef, Refuse, Request, RequestDef, Scan,
    ScanContext, Status, Watched, Webhook, Writer,
};
use tidegate_engine::{Reads, Row, Stop, Table, Tx, reply, request, words};

use crate::bytes::Echo;
use crate::glance::{Lamp, One, Second};
use crate::whence::Whence;

/// Things that a box holds.
const BOX_ROOM: u64 = 10;

pub(crate) const THINGS: Table<Thing> = Table::ordered(200, 0, "toy.thing");

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Thing {
    #[cbor(n(0), with = "tidegate_engine::text")]
    id: CompactString,
    #[n(1)]
    pub(crate) quantity: u64,
    #[n(2)]
    content: u64,
}

impl Row for Thing {}

const LAMP: &str = "/v1/boxes/{box_name}/lamp";
const ONE: &str = "/v1/boxes/{box_name}/one";
const SECOND: &str = "/v1/boxes/{box_name}/second";

/// Two queries share a stream.
const WATCHED: Watched = Watched {
    path: "/v1/boxes/{box_name}/stream",
    aside: &["now_ms"],
    moves: false,
};

/// The toy.
pub(crate) const TOY: Domain = Domain {
    name: "toy",
    number: 200,
    doc: "Boxes of things, to play with.",
    tables: &[THINGS.def()],
    timers: &[],
    takes: &[],
    sends: &[],
    events: &[ThingPut::DEF, Painted::DEF],
    counts: &[],
    requests: &[
        RequestDef::call::<Echo>(
            "TOY.ECHO",
            Method::Post,
            "/v1/boxes/{box_name}/echo",
            Class::Finishes,
        ),
        RequestDef::call::<Put>(
            "TOY.PUT",
            Method::Post,
            "/v1/boxes/{box_name}/things",
            Class::Opens,
        )
        .with_beacon(Beacon {
            path: "/v1/boxes/{box_name}/beacon",
            fields: &["id", "quantity", "note"],
        }),
        RequestDef::call::<Fill>(
            "TOY.FILL",
            Method::Put,
            "/v1/boxes/{box_name}/things",
            Class::Opens,
        ),
        RequestDef::scan::<List>("TOY.LIST", "/v1/boxes/{box_name}/things").public(),
        RequestDef::call::<Tell>(
            "TOY.TELL",
            Method::Post,
            "/v1/boxes/{box_name}/told",
            Class::Opens,
        )
        .as_webhook(Webhook {
            body: "payload",
            headers: &[
                ("webhook-id", "id"),
                ("webhook-timestamp", "timestamp"),
                ("webhook-signature", "signature"),
            ],
            unsigned: &Refusal::FORGED,
        }),
        RequestDef::call::<Whence>(
            "TOY.WHENCE",
            Method::Post,
            "/v1/boxes/{box_name}/whence",
            Class::Reads,
        ),
        RequestDef::call::<Lamp>("TOY.LAMP", Method::Get, LAMP, Class::Reads)
            .watched(WATCHED)
            .public(),
        RequestDef::call::<One>("TOY.ONE", Method::Get, ONE, Class::Reads).watched(WATCHED),
        RequestDef::call::<Second>("TOY.SECOND", Method::Get, SECOND, Class::Reads).watched(
            Watched {
                path: "/v1/boxes/{box_name}/seconds",
                aside: &[],
                moves: true,
            },
        ),
        RequestDef::scan::<List>("TOY.TOLD", "/v1/boxes/{box_name}/told"),
    ],
    audit: |_| Audit::default(),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Red,
    Blue,
}

words!(Colour { "red" => Colour::Red, "blue" => Colour::Blue });

request! {
    /// Puts a thing into a box.
    ///
    /// A box holds ten
    /// of them.
    pub struct Put {
        /// The box.
        box_name: Name,
        /// The caller's id of the thing.
        id: Id,
        /// How many of it.
        quantity: Bounded<1, 1_000>,
        /// How long it stays, in milliseconds.
        ["TTL"] ttl_ms: i64 = 60_000,
        /// Its colour.
        ["COLOUR"] colour: Option<Colour>,
        /// A note for people.
        ["NOTE"] note: Option<Name>,
    }
}

reply! {
    /// What was put.
    pub struct Receipt {
        /// The thing.
        id: CompactString,
        /// The box.
        box_name: CompactString,
        /// How many of it.
        quantity: u64,
        /// Whether this is the answer to a retry.
        repeated: bool,
        /// The note.
        note: Option<CompactString>,
    }
}

reply! {
    /// A thing was put into a box.
    pub struct ThingPut {
        /// The thing.
        id: CompactString,
        /// How many of it.
        quantity: u64,
    }
}

impl Event for ThingPut {
    const DEF: EventDef = EventDef::new("toy", "put", "A thing was put into a box.");
}

reply! {
    /// Something red was put into a box.
    pub struct Painted {
        /// How many of it.
        quantity: u64,
    }
}

impl Event for Painted {
    const DEF: EventDef = EventDef {
        keep_ms: 1,
        ..EventDef::new("toy", "painted", "Something red was put into a box.")
    };
}

/// Every "no" of the toy.
#[derive(Debug)]
pub enum Refusal {
    Unknown,
    Conflict,
    Full { room: u64 },
    Storm,
    Forged,
}

impl Refusal {
    pub(crate) const UNKNOWN: RefusalDef = RefusalDef {
        code: "unknown_box",
        status: Status::NotFound,
        doc: " No such box.\n",
    };
    const CONFLICT: RefusalDef = RefusalDef {
        code: "id_conflict",
        status: Status::Conflict,
        doc: "The id means another.",
    };
    pub(crate) const FULL: RefusalDef = RefusalDef {
        code: "box_full",
        status: Status::Conflict,
        doc: "The box is full.",
    };
    const STORM: RefusalDef = RefusalDef {
        code: "storm",
        status: Status::Busy,
        doc: "Too many at this box.",
    };
    const FORGED: RefusalDef = RefusalDef {
        code: "forged",
        status: Status::Unauthorized,
        doc: "Its signature is another's.",
    };
}

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::Unknown => &Self::UNKNOWN,
            Self::Conflict => &Self::CONFLICT,
            Self::Full { .. } => &Self::FULL,
            Self::Storm => &Self::STORM,
            Self::Forged => &Self::FORGED,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        match self {
            Self::Full { room } => {
                out.name("room");
                out.integer(i64::try_from(*room).unwrap());
            }
            Self::Unknown | Self::Conflict | Self::Storm | Self::Forged => {}
        }
    }
}

impl Apply for Put {
    type Reply = Receipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        Refusal::UNKNOWN,
        Refusal::STORM,
        Refusal::CONFLICT,
        Refusal::FULL,
    ];

    fn key(&self) -> &str {
        self.box_name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Receipt, Stop<Refusal>> {
        match self.key() {
            "nowhere" => return Err(Refusal::Unknown.into()),
            "storm" => return Err(Refusal::Storm.into()),
            _ => {}
        }
        let id = match &self.id {
            Id::Chosen(name) => name.compact(),
            Id::Mint => tx.mint().to_string().into(),
        };
        let Content(content) = self.content();
        let before = tx.get(&THINGS, (self.key(), &*id))?;
        if before
            .as_ref()
            .is_some_and(|thing| thing.content != content)
        {
            return Err(Refusal::Conflict.into());
        }
        let quantity = self.quantity.get();
        if quantity > BOX_ROOM {
            return Err(Refusal::Full { room: BOX_ROOM }.into());
        }
        tx.put(
            &THINGS,
            (self.key(), &*id),
            Thing {
                id: id.clone(),
                quantity,
                content,
            },
        );
        let told = ThingPut {
            id: id.clone(),
            quantity,
        };
        tx.emit(self.key(), &told);
        if self.colour == Some(Colour::Red) {
            tx.emit(self.key(), &Painted { quantity });
        }
        Ok(Receipt {
            id,
            box_name: self.box_name.compact(),
            quantity,
            repeated: before.is_some(),
            note: self.note.as_ref().map(Name::compact),
        })
    }
}

request! {
    /// A thing of several.
    pub struct OneOf {
        /// The thing.
        id: Name,
        /// How many of it.
        quantity: Bounded<1, 1_000>,
    }
}

request! {
    /// Puts several things into a box.
    pub struct Fill {
        /// The box.
        box_name: Name,
        /// The things.
        things: contract::List<OneOf, 3>,
        /// Their colour.
        ["COLOUR"] colour: Option<Colour>,
    }
}

reply! {
    /// What was put.
    pub struct Filled {
        /// The things.
        ids: Vec<CompactString>,
        /// How many of all.
        quantity: u64,
    }
}

impl Apply for Fill {
    type Reply = Filled;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.box_name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Filled, Stop<Refusal>> {
        let things = self.things.items();
        for thing in things {
            let row = Thing {
                id: thing.id.compact(),
                quantity: thing.quantity.get(),
                content: thing.content().0,
            };
            tx.put(&THINGS, (self.key(), thing.id.as_str()), row);
        }
        Ok(Filled {
            ids: things.iter().map(|thing| thing.id.compact()).collect(),
            quantity: things.iter().map(|thing| thing.quantity.get()).sum(),
        })
    }
}

request! {
    /// Lists the things of a box.
    pub struct List {
        /// The box.
        box_name: Name,
        /// Goes on behind this id.
        ["AFTER"] after: Option<Name>,
        /// The most things of a page.
        ["LIMIT"] limit: Limit = 100,
    }
}

reply! {
    /// A thing in a box.
    pub struct Listed {
        /// The thing.
        id: CompactString,
        /// How many of it.
        quantity: u64,
    }
}

impl PageItem for Listed {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.id.clone()
    }
}

impl Scan for List {
    type Item = Listed;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[THINGS.id()];

    fn key(&self) -> Option<&str> {
        Some(self.box_name.as_str())
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap()
    }

    fn page(&self, context: &ScanContext) -> Result<Page<Listed>, Refusal> {
        let key = self.box_name.as_str();
        let after = self.after.as_ref().map(|after| (key, after.as_str()));
        let rows = context.rows(&THINGS, key, after, self.limit() + 1);
        let items = rows
            .into_iter()
            .map(|(_, thing)| Listed {
                id: thing.id.clone(),
                quantity: thing.quantity,
            })
            .collect();
        Ok(Page::cut(items, self.limit()))
    }
}

request! {
    /// Takes in what another system tells of a box.
    pub struct Tell {
        /// The box.
        box_name: Name,
        /// The id of what is told.
        id: Id,
        /// When it was sent, in seconds.
        timestamp: Bounded<0, 9_999_999_999>,
        /// Who sent it.
        signature: Name,
        /// What is told.
        payload: Payload,
    }
}

reply! {
    /// What was told.
    pub struct Told {
        /// The box.
        box_name: CompactString,
        /// The id of what is told.
        id: CompactString,
        /// When it was sent.
        timestamp: u64,
        /// Who sent it.
        signature: CompactString,
        /// What is told.
        payload: CompactString,
    }
}

impl Apply for Tell {
    type Reply = Told;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[Refusal::FORGED];

    fn key(&self) -> &str {
        self.box_name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Told, Stop<Refusal>> {
        if self.signature.as_str() == "v1,Zm9yZ2Vk" {
            return Err(Refusal::Forged.into());
        }
        Ok(Told {
            box_name: self.box_name.compact(),
            id: match &self.id {
                Id::Chosen(id) => id.compact(),
                Id::Mint => tx.mint().to_string().into(),
            },
            timestamp: self.timestamp.get(),
            signature: self.signature.compact(),
            payload: self.payload.as_str().into(),
        })
    }
}
