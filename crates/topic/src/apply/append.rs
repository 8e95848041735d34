//! What another domain publishes by mail, in the transaction that does what the message tells of.

use compact_str::CompactString;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use tidegate_engine::contract::Mail;
use tidegate_engine::{Missing, Reads, Row, Tx};

use super::delete::declare_again;
use super::put::append;
use super::tell_all_groups;
use super::told::LETTERS_MAX;
use crate::stream::StreamId;
use crate::table::{DOMAIN, GONE, Gone, Message, PARTS, Part, TOPICS};

/// A message that another domain publishes: it is sent to the topic, and lies in its first part. A topic that is not
/// there is declared by it, so there is no "no". The topic's schema is not asked: what is told has happened.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Append {
    /// The text of a JSON object whose values are texts.
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub headers: CompactString,
    /// Any bytes; without any the topic is there, and no message is published.
    #[n(1)]
    pub payload: ByteVec,
}

impl Row for Append {}

impl Mail for Append {
    const NUMBERS: (u8, u8) = (DOMAIN, 3);
    const NAME: &'static str = "append";
    /// It may declare a topic of several parts, which was deleted.
    const LETTERS: usize = LETTERS_MAX;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&PARTS, to);
        reads.row(&TOPICS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let mut kept = Kept::of(tx, to)?;
        if !self.payload.is_empty() {
            let message = self.message(tx);
            append(tx, to, kept.part(), message, 0)?;
            tell_all_groups(tx, to, 1);
        }
        kept.put(tx, to);
        Ok(())
    }
}

impl Append {
    fn message(self, tx: &mut Tx<'_>) -> Message {
        Message {
            chosen: CompactString::default(),
            minted: tx.mint(),
            key: CompactString::default(),
            at_ms: tx.now_ms(),
            expires_at_ms: 0,
            before: 0,
            headers: self.headers,
            payload: self.payload,
            id: StreamId::NONE,
            is_deleted: false,
        }
    }
}

/// Where a message is kept that another domain publishes.
enum Kept {
    /// In a topic that is there, or is declared by it.
    There(Part),
    /// Beside what goes of a topic that was deleted. It is declared again once that has gone.
    Beside(Gone),
}

impl Kept {
    fn of(tx: &mut Tx<'_>, name: &str) -> Result<Self, Missing> {
        if let Some(part) = tx.get(&PARTS, name)? {
            return Ok(Self::There(part));
        }
        match tx.get(&GONE, name)? {
            Some(gone) if !gone.is_free() => Ok(Self::Beside(gone)),
            Some(_) | None => {
                declare_again(tx, name)?;
                let part = tx.get(&PARTS, name)?;
                Ok(Self::There(part.unwrap_or_else(Part::fresh)))
            }
        }
    }

    fn part(&mut self) -> &mut Part {
        match self {
            Self::There(part) => part,
            Self::Beside(gone) => &mut gone.part,
        }
    }

    fn put(self, tx: &mut Tx<'_>, name: &str) {
        match self {
            Self::There(part) => tx.put(&PARTS, name, part),
            Self::Beside(mut gone) => {
                gone.is_wanted = true;
                tx.put(&GONE, name, gone);
            }
        }
    }
}
