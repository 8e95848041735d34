//! Answers as clients of Redis expect them: what stands where is what it is.

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{ReplyType, ReplyValue, Writer};

use super::entry::Flat;
use super::id::StreamId;

/// An answer, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing.
    Null,
    /// A number.
    Number(u64),
    /// A text.
    Text(CompactString),
    /// Any bytes.
    Bytes(Vec<u8>),
    /// Answers in their order.
    List(Vec<Answer>),
    /// Answers by names.
    Map(Vec<(&'static str, Answer)>),
    /// What was read of a stream, by its name.
    Stream(CompactString, Vec<Answer>),
}

impl Answer {
    pub(super) fn ok() -> Self {
        Self::Text(CompactString::const_new("OK"))
    }

    pub(super) fn id(id: StreamId) -> Self {
        Self::Text(id.to_compact_string())
    }

    /// An id, or nothing if it is none.
    pub(super) fn some_id(id: Option<StreamId>) -> Self {
        id.map_or(Self::Null, Self::id)
    }

    /// An entry; without fields and values if its message is not kept any more.
    pub(super) fn entry(id: StreamId, flat: Option<Flat>) -> Self {
        let fields = flat.map_or(Self::Null, |flat| {
            Self::List(flat.into_iter().map(Self::Bytes).collect())
        });
        Self::List(vec![Self::id(id), fields])
    }
}

impl ReplyValue for Answer {
    /// In its place anything may stand; documentation of shapes is that of Redis.
    const TYPE: ReplyType = ReplyType::Text;

    fn write(&self, out: &mut dyn Writer) {
        match self {
            Self::Null => out.null(),
            Self::Number(number) => number.write(out),
            Self::Text(text) => out.text(text),
            Self::Bytes(bytes) => out.bytes(bytes),
            Self::List(items) => {
                out.list(items.len());
                items.iter().for_each(|item| item.write(out));
                out.end();
            }
            Self::Map(entries) => {
                out.map(entries.len());
                for (name, value) in entries {
                    out.name(name);
                    value.write(out);
                }
                out.end();
            }
            Self::Stream(name, entries) => {
                out.pairs(1);
                out.pair(name);
                out.list(entries.len());
                entries.iter().for_each(|entry| entry.write(out));
                out.end();
                out.end();
            }
        }
    }
}
