//! What another domain publishes by mail, in the transaction that does what the message tells of.

use compact_str::CompactString;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use tidegate_engine::contract::Mail;
use tidegate_engine::{Missing, Reads, Row, Tx};

use super::create::put_declared;
use super::put::append;
use super::tell_all_groups;
use crate::stream::StreamId;
use crate::table::{DOMAIN, Message, PARTS, Part, TOPICS, Topic};

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
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&PARTS, to);
        reads.row(&TOPICS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let mut part = part_of(tx, to)?;
        if self.payload.is_empty() {
            return Ok(());
        }
        let message = Message {
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
        };
        append(tx, to, &mut part, message, 0)?;
        tx.put(&PARTS, to, part);
        tell_all_groups(tx, to, 1);
        Ok(())
    }
}

/// What a topic has, which is declared if it is not there.
fn part_of(tx: &mut Tx<'_>, name: &str) -> Result<Part, Missing> {
    if let Some(part) = tx.get(&PARTS, name)? {
        return Ok(part);
    }
    let topic = Topic {
        version: 1,
        created_at_ms: tx.now_ms(),
        owner: CompactString::default(),
        description: CompactString::default(),
        groups: 0,
    };
    put_declared(tx, name, (topic, Part::fresh()), CompactString::default())?;
    Ok(Part::fresh())
}
