//! Mail: durable messages to other slots, applied exactly once.
//!
//! A transaction that sends puts the letter into the outbox, a table of its own slot. Once its record
//! is durable the letter goes to the inbox of the partition that owns the addressee's slot. There a
//! transaction applies it and notes its number; once that is durable an acknowledgement goes back, and
//! a transaction of the sender's takes the letter out of the outbox. A start sends again whatever is in
//! the outbox; what was applied before is known by its number and only acknowledged.
//!
//! Numbers are ids: those of one partition ascend, and letters from one partition to one slot arrive
//! in their order. So one row for each pair says which of them were applied.
//!
//! No mail is ever refused for want of room, so no two partitions can block each other by being full.
//! What bounds it stands at the door: a command that may send mail runs only while its partition's
//! outbox has room ([`crate::limits::OUTBOX_LETTERS_MAX`] and
//! [`crate::limits::OUTBOX_BYTES_MAX`]), and each kind of mail sends at most a
//! declared number of letters in turn.

use compact_str::CompactString;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::contract::MailDef;
use crate::courier::Try;
use crate::ids;
use crate::inbox::Envelope;
use crate::key::{PartitionId, Slot};
use crate::row::Row;
use crate::table::Table;

/// Letters that were sent and not acknowledged, by sender's slot and number.
pub(crate) const OUTBOX: Table<Sent> = Table::keyed(0, 2, "engine.outbox");

/// By receiving slot and sending partition: up to which number its letters were applied.
pub(crate) const RECEIVED: Table<UpTo> = Table::keyed(0, 3, "engine.received");

/// A letter in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Sent {
    /// Which kind.
    #[n(0)]
    pub(crate) mail: u16,
    /// To whom.
    #[cbor(n(1), with = "crate::text")]
    pub(crate) to: CompactString,
    /// What it says, as it was encoded.
    #[n(2)]
    pub(crate) body: ByteVec,
}

impl Row for Sent {}

/// To whom a letter goes, of whatever domain that is: a kind of mail and a key. Who is written to by
/// domains that do not know it hands out its address.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Address {
    #[n(0)]
    mail: u16,
    #[cbor(n(1), with = "crate::text")]
    to: CompactString,
}

impl Address {
    /// The address of a key, by the numbers of a domain and of the mail that it takes in.
    #[must_use]
    pub fn new(domain: u8, number: u8, to: &str) -> Self {
        Self {
            mail: u16::from(domain) << 8 | u16::from(number),
            to: CompactString::new(to),
        }
    }

    /// The numbers of the domain, and of its mail.
    #[must_use]
    pub fn numbers(&self) -> (u8, u8) {
        let [domain, number] = self.mail.to_be_bytes();
        (domain, number)
    }

    /// The key.
    #[must_use]
    pub fn to(&self) -> &str {
        &self.to
    }

    pub(crate) fn mail(&self) -> u16 {
        self.mail
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct UpTo {
    #[n(0)]
    pub(crate) number: u64,
}

impl Row for UpTo {}

/// A letter on its way.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) number: u64,
    pub(crate) from: Slot,
    pub(crate) sent: Sent,
}

impl Letter {
    /// The slot of the addressee.
    pub(crate) fn to(&self) -> Slot {
        Slot::of(self.sent.to.as_bytes())
    }

    /// Bytes that it takes while it waits, in the outbox as in an inbox.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.sent.to.len() + self.sent.body.len()
    }

    /// The partition that has sent it.
    pub(crate) fn sender(&self) -> PartitionId {
        ids::partition_of(self.number)
    }
}

/// What leaves a partition once what it rests on is durable.
pub(crate) enum Post {
    Letter(Letter),
    Ack(Ack),
    /// A command that goes on in another slot.
    Call(Box<Envelope>),
    /// To the courier.
    Try(Try),
    /// To the courier as well: this call is not to be tried any more.
    Withdrawn(u64),
}

/// This letter of a slot was applied.
pub(crate) struct Ack {
    pub(crate) from: Slot,
    pub(crate) number: u64,
}

/// Asserts that every kind of mail that some domain sends is one that some domain takes in.
pub(crate) fn check_addressees(sends: &[MailDef], takes: &[MailDef]) {
    for sent in sends {
        let is_taken = takes.iter().any(|taken| taken.id == sent.id);
        assert!(is_taken, "nobody takes in the mail {}", sent.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_frozen() {
        let sent = Sent {
            mail: 0xff01,
            to: "k".into(),
            body: vec![0xa0].into(),
        };
        let bytes = minicbor::to_vec(&sent).unwrap();
        let expected = [0xa3, 0, 0x19, 0xff, 1, 1, 0x61, b'k', 2, 0x41, 0xa0];
        assert_eq!(bytes, expected);
        assert_eq!(minicbor::decode::<Sent>(&bytes).unwrap(), sent);
        let received = UpTo { number: 300 };
        let bytes = minicbor::to_vec(&received).unwrap();
        assert_eq!(bytes, [0xa1, 0, 0x19, 1, 44]);
        assert_eq!(minicbor::decode::<UpTo>(&bytes).unwrap(), received);
    }
}
