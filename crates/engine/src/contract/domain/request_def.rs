//! Requests as every front sees them.

use crate::contract::{
    AtDoor, Beacon, Field, FieldKind, Invalid, OfProcess, Page, RefusalDef, ReplyType, ReplyValue,
    Request, Values, Watched, Webhook, WorkClass,
};

use super::{Apply, Scan, Subscribe, Work};

/// HTTP method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or acts.
    Post,
    /// Declares.
    Put,
    /// Removes.
    Delete,
}

/// Where a request stands in HTTP. Path parameters are field names in braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Http {
    /// The method.
    pub method: Method,
    /// The path, from `/v1` on.
    pub path: &'static str,
}

/// What admission and documentation need to know of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Opens work: told BUSY when room is short.
    Opens,
    /// Finishes or frees something: has the rest of the room.
    Finishes,
    /// Changes nothing.
    Reads,
}

/// A request as every front sees it.
#[derive(Clone, Copy)]
pub struct RequestDef {
    /// Its name in capitals: that in RESP, if it is answered there.
    pub resp: &'static str,
    /// Its place in HTTP.
    pub http: Http,
    /// How it is admitted.
    pub class: Class,
    /// What it is worth when there is too much to do.
    pub work_class: WorkClass,
    /// What it does: first line a summary.
    pub doc: &'static str,
    /// Its fields, those by position first.
    pub fields: &'static [Field],
    /// The type of its reply.
    pub reply: ReplyType,
    /// Every "no" that it can give, in the order in which they are checked.
    pub refusals: &'static [RefusalDef],
    /// It may be answered `pending`: what comes of it may not be known yet when its time is over.
    pub pends: bool,
    /// It is answered with events, until one of both sides ends it. For fronts that can do so.
    pub streams: bool,
    /// It arrives in HTTP as a webhook of another system.
    pub webhook: Option<Webhook>,
    /// Its other place in HTTP, for pages, if it has one.
    pub beacon: Option<Beacon>,
    /// How its answers are told as they change, if they are.
    pub watched: Option<Watched>,
    /// Whoever is served may send it themselves; everything else is for whoever runs the service.
    pub is_public: bool,
    make: fn(&Values<'_>) -> Result<Work, Invalid>,
}

impl RequestDef {
    /// A request of a type, normal work that reads, with nothing said of it that only some requests are.
    const fn of<R: Request>(
        (resp, http): (&'static str, Http),
        reply: ReplyType,
        refusals: &'static [RefusalDef],
        make: fn(&Values<'_>) -> Result<Work, Invalid>,
    ) -> Self {
        Self {
            resp,
            http,
            class: Class::Reads,
            work_class: WorkClass::Normal,
            doc: R::DOC,
            fields: R::FIELDS,
            reply,
            refusals,
            pends: false,
            streams: false,
            webhook: None,
            beacon: None,
            watched: None,
            is_public: false,
            make,
        }
    }

    /// A command or point query, from its type: normal work.
    #[must_use]
    pub const fn call<C: Apply>(
        resp: &'static str,
        method: Method,
        path: &'static str,
        class: Class,
    ) -> Self {
        let make = |values: &Values<'_>| Ok(Work::Call(Box::new(C::read(values)?)));
        let place = (resp, Http { method, path });
        Self {
            class,
            pends: C::PENDS,
            ..Self::of::<C>(place, C::Reply::TYPE, C::REFUSALS, make)
        }
    }

    /// A scan, from its type: optional work.
    #[must_use]
    pub const fn scan<S: Scan>(resp: &'static str, path: &'static str) -> Self {
        let make = |values: &Values<'_>| Ok(Work::Scan(Box::new(S::read(values)?)));
        let method = Method::Get;
        let place = (resp, Http { method, path });
        Self::of::<S>(place, Page::<S::Item>::TYPE, S::REFUSALS, make).optional()
    }

    /// A subscription to events, from its type: optional work.
    #[must_use]
    pub(crate) const fn stream<S: Subscribe>(resp: &'static str, path: &'static str) -> Self {
        let make = |values: &Values<'_>| Ok(Work::Subscribe(S::read(values)?.wanted()));
        let method = Method::Get;
        let place = (resp, Http { method, path });
        Self {
            streams: true,
            ..Self::of::<S>(place, S::Event::TYPE, S::REFUSALS, make).optional()
        }
    }

    /// A request about the process itself, from its type: core work.
    #[must_use]
    pub(crate) const fn at_door<A: AtDoor>(
        resp: &'static str,
        method: Method,
        path: &'static str,
        class: Class,
    ) -> Self {
        let make = |values: &Values<'_>| Ok(Work::AtDoor(OfProcess::new(A::read(values)?)));
        let place = (resp, Http { method, path });
        Self {
            class,
            ..Self::of::<A>(place, A::Reply::TYPE, &[], make).core()
        }
    }

    /// A command or point query in the words of another system, from its type: normal work. Its one field reads all of
    /// its arguments ([`crate::contract::Spoken`]), so it has no place in HTTP.
    #[must_use]
    pub const fn spoken<C: Apply>(resp: &'static str, class: Class) -> Self {
        let def = Self::call::<C>(resp, Method::Post, "", class);
        assert!(def.is_spoken(), "its one field has a grammar");
        def
    }

    /// Whether it is in the words of another system: for fronts that have arguments.
    #[must_use]
    pub const fn is_spoken(&self) -> bool {
        matches!(
            self.fields,
            [Field {
                kind: FieldKind::Grammar(_),
                ..
            }]
        )
    }

    /// The same request, which is never shed.
    #[must_use]
    pub const fn core(self) -> Self {
        Self {
            work_class: WorkClass::Core,
            ..self
        }
    }

    /// The same request, which is shed behind what is optional.
    #[must_use]
    pub const fn normal(self) -> Self {
        Self {
            work_class: WorkClass::Normal,
            ..self
        }
    }

    /// The same request, which is the first to be shed.
    #[must_use]
    const fn optional(self) -> Self {
        Self {
            work_class: WorkClass::Optional,
            ..self
        }
    }

    /// The same request, which arrives in HTTP as a webhook of another system.
    #[must_use]
    pub const fn as_webhook(self, webhook: Webhook) -> Self {
        Self {
            webhook: Some(webhook),
            ..self
        }
    }

    /// The same request, which has another place in HTTP, for pages.
    #[must_use]
    pub const fn with_beacon(self, beacon: Beacon) -> Self {
        Self {
            beacon: Some(beacon),
            ..self
        }
    }

    /// The same query, whose answers are told as they change.
    #[must_use]
    pub const fn watched(self, watched: Watched) -> Self {
        Self {
            watched: Some(watched),
            ..self
        }
    }

    /// The same request, which those who are served may send themselves.
    #[must_use]
    pub const fn public(self) -> Self {
        Self {
            is_public: true,
            ..self
        }
    }

    /// How it is written in RESP: `STOCK.HOLDS sku [STATE held|confirmed] [LIMIT limit]`.
    #[must_use]
    pub fn syntax(&self) -> String {
        let mut syntax = self.resp.to_owned();
        for field in self.fields {
            let value = match field.kind {
                FieldKind::Word(words) => words.join("|"),
                FieldKind::List { fields, .. } => {
                    let of_item: Vec<_> = fields.iter().map(|field| field.name).collect();
                    let of_item = of_item.join(" ");
                    format!("{} {of_item} [{of_item} ...]", count_of(field))
                }
                FieldKind::Grammar(grammar) => grammar.syntax.to_owned(),
                FieldKind::Name
                | FieldKind::Id
                | FieldKind::Payload { .. }
                | FieldKind::Bytes { .. }
                | FieldKind::Address
                | FieldKind::Integer { .. } => field.name.to_owned(),
            };
            let given = match field.word {
                Some(word) => format!("{word} {value}"),
                None => value,
            };
            if field.required {
                syntax.extend([" ", &given]);
            } else {
                syntax.extend([" [", &given, "]"]);
            }
        }
        syntax
    }

    /// Builds the request from one value per field.
    ///
    /// # Errors
    /// The first field that is missing or wrong.
    pub fn read(&self, values: &Values<'_>) -> Result<Work, Invalid> {
        (self.make)(values)
    }
}

/// The name of a list's number of items in RESP, as Redis names it: `numkeys`.
#[must_use]
pub fn count_of(list: &Field) -> String {
    format!("num{}", list.name)
}
