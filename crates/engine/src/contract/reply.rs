//! Replies: values with named fields, which a front's renderer turns into bytes.

use std::fmt::Display;

use compact_str::{CompactString, ToCompactString};

use super::refusal::{Fault, Refuse, Status};

/// Where a reply is written to. A front implements it for its encoding.
pub trait Writer {
    /// Begins a map of `len` entries.
    fn map(&mut self, len: usize);
    /// The name of the next entry of a map.
    fn name(&mut self, name: &str);
    /// Begins a list of `len` items.
    fn list(&mut self, len: usize);
    /// Begins a map of `len` entries, each with [`Writer::pair`], which a protocol without maps may write as a list of
    /// pairs.
    fn pairs(&mut self, len: usize) {
        self.map(len);
    }
    /// The name of the next entry of such a map; its value is ended as a list is.
    fn pair(&mut self, name: &str) {
        self.name(name);
    }
    /// Ends the map or list begun last.
    fn end(&mut self);
    /// A text.
    fn text(&mut self, text: &str);
    /// Bytes, as the value of a name.
    fn bytes(&mut self, bytes: &[u8]);
    /// An integer.
    fn integer(&mut self, value: i64);
    /// A truth value.
    fn boolean(&mut self, value: bool);
    /// Nothing.
    fn null(&mut self);
}

/// What a front makes bytes of.
pub enum Outcome<'a> {
    /// The reply.
    Reply(&'a dyn Shape),
    /// The domain's "no".
    Refused(&'a dyn Refuse),
    /// The engine's.
    Fault(&'a Fault),
    /// What was asked about this has begun, and its end is not known yet.
    Pending(&'a str),
}

/// Turns outcomes into a front's bytes. Called on the executor, so that nothing but bytes crosses
/// threads.
pub trait Renderer: Send + Sync {
    /// Appends the bytes of an outcome.
    fn render(&self, outcome: &Outcome<'_>, out: &mut Vec<u8>);
}

impl Outcome<'_> {
    /// How the outcome is classed.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Reply(_) => Status::Done,
            Self::Refused(refusal) => refusal.def().status,
            Self::Fault(fault) => fault.status(),
            Self::Pending(_) => Status::Pending,
        }
    }
}

/// The type of a field of a reply, for documentation.
#[derive(Clone, Copy, Debug)]
pub enum ReplyType {
    /// A string.
    Text,
    /// Bytes: in a protocol that has texts only, a string, or in base64 under another name if they are none. See
    /// [`super::BASE64_SUFFIX`].
    Bytes,
    /// An integer.
    Integer,
    /// True or false.
    Boolean,
    /// The type, or null.
    Optional(&'static ReplyType),
    /// A list of them.
    List(&'static ReplyType),
    /// A map with these fields.
    Map(&'static [ReplyField]),
}

/// A named field of a reply.
#[derive(Clone, Copy, Debug)]
pub struct ReplyField {
    /// Its name in every front.
    pub name: &'static str,
    /// Its type.
    pub kind: ReplyType,
    /// What it means.
    pub doc: &'static str,
}

/// Anything that can be written to a [`Writer`].
pub trait ReplyValue {
    /// Its type, for documentation.
    const TYPE: ReplyType;
    /// Writes it.
    fn write(&self, out: &mut dyn Writer);
}

/// A whole reply, whatever its type.
pub trait Shape {
    /// Writes it.
    fn write_to(&self, out: &mut dyn Writer);
}

impl<T: ReplyValue> Shape for T {
    fn write_to(&self, out: &mut dyn Writer) {
        self.write(out);
    }
}

impl ReplyValue for CompactString {
    const TYPE: ReplyType = ReplyType::Text;
    fn write(&self, out: &mut dyn Writer) {
        out.text(self);
    }
}

impl ReplyValue for String {
    const TYPE: ReplyType = ReplyType::Text;
    fn write(&self, out: &mut dyn Writer) {
        out.text(self);
    }
}

impl ReplyValue for &'static str {
    const TYPE: ReplyType = ReplyType::Text;
    fn write(&self, out: &mut dyn Writer) {
        out.text(self);
    }
}

impl ReplyValue for i64 {
    const TYPE: ReplyType = ReplyType::Integer;
    fn write(&self, out: &mut dyn Writer) {
        out.integer(*self);
    }
}

impl ReplyValue for u64 {
    const TYPE: ReplyType = ReplyType::Integer;
    fn write(&self, out: &mut dyn Writer) {
        out.integer(i64::try_from(*self).unwrap_or(i64::MAX));
    }
}

impl ReplyValue for bool {
    const TYPE: ReplyType = ReplyType::Boolean;
    fn write(&self, out: &mut dyn Writer) {
        out.boolean(*self);
    }
}

impl<T: ReplyValue> ReplyValue for Option<T> {
    const TYPE: ReplyType = ReplyType::Optional(&T::TYPE);
    fn write(&self, out: &mut dyn Writer) {
        match self {
            Some(value) => value.write(out),
            None => out.null(),
        }
    }
}

impl<T: ReplyValue> ReplyValue for Vec<T> {
    const TYPE: ReplyType = ReplyType::List(&T::TYPE);
    fn write(&self, out: &mut dyn Writer) {
        out.list(self.len());
        for item in self {
            item.write(out);
        }
        out.end();
    }
}

/// An item of a page, with the place from which the next page goes on.
pub trait PageItem: ReplyValue + Send {
    /// What orders items. Pages of several partitions are merged in this order. As a text it is what
    /// the caller passes as `AFTER` to go on behind the item.
    type Place: Ord + Display + Send;

    /// Where the item stands.
    fn place(&self) -> Self::Place;
}

/// A page of a scan: `{items, next}`.
pub struct Page<T: PageItem> {
    /// The items, which may be fewer than asked for though there are more.
    pub items: Vec<T>,
    /// Where to go on, behind all of them; nothing when this was the last page.
    pub next: Option<T::Place>,
}

impl<T: PageItem> Page<T> {
    /// A page of at most `limit` items, out of some that were looked for one beyond it.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: usize) -> Self {
        let is_more = items.len() > limit;
        items.truncate(limit);
        Self::of(items, is_more)
    }

    /// A page of these items.
    #[must_use]
    pub fn of(items: Vec<T>, is_more: bool) -> Self {
        let last = items.last().filter(|_| is_more);
        let next = last.map(PageItem::place);
        Self { items, next }
    }
}

impl<T: PageItem> ReplyValue for Page<T> {
    const TYPE: ReplyType = ReplyType::Map(&[
        ReplyField {
            name: "items",
            kind: ReplyType::List(&T::TYPE),
            doc: "The items.",
        },
        ReplyField {
            name: "next",
            kind: ReplyType::Optional(&ReplyType::Text),
            doc: "What to pass as `after` for the next page; null after the last one.",
        },
    ]);

    fn write(&self, out: &mut dyn Writer) {
        out.map(2);
        out.name("items");
        self.items.write(out);
        out.name("next");
        let next = self.next.as_ref();
        next.map(ToCompactString::to_compact_string).write(out);
        out.end();
    }
}

/// Declares a reply: a struct whose fields are documented and written by name.
#[macro_export]
macro_rules! reply {
    (
        $(#[doc = $doc:literal])+
        $vis:vis struct $name:ident {
            $($(#[doc = $field_doc:literal])+ $field:ident : $type:ty),* $(,)?
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis struct $name {
            $($(#[doc = $field_doc])+ $vis $field: $type,)*
        }

        impl $crate::contract::ReplyValue for $name {
            const TYPE: $crate::contract::ReplyType = $crate::contract::ReplyType::Map(&[$(
                $crate::contract::ReplyField {
                    name: stringify!($field),
                    kind: <$type as $crate::contract::ReplyValue>::TYPE,
                    doc: concat!($($field_doc, "\n"),+),
                },
            )*]);

            fn write(&self, out: &mut dyn $crate::contract::Writer) {
                out.map([$(stringify!($field)),*].len());
                $(
                    out.name(stringify!($field));
                    $crate::contract::ReplyValue::write(&self.$field, out);
                )*
                out.end();
            }
        }
    };
}
