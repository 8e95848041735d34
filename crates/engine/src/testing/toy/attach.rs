//! Attachments of notes: payloads, which are as large as a request may be, and letters at their limit.

use compact_str::CompactString;
use minicbor::{Decode, Encode};

use super::{NUMBER, Refusal, UNKNOWN};
use crate::contract::{Apply, Mail, Name, Payload, RefusalDef, Status};
use crate::limits::{LETTER_BYTES_MAX, PAYLOAD_BYTES_MAX};
use crate::row::Row;
use crate::table::{Missing, Table};
use crate::tx::{Reads, Stop, Tx};
use crate::{reply, request};

pub(super) const ATTACHED: Table<Attached> = Table::keyed(NUMBER, 3, "note.attached");

pub(super) const TOO_LONG: RefusalDef = RefusalDef {
    code: "too_long",
    status: Status::Conflict,
    doc: "A letter carries at most `bytes` of it.",
};

/// Bytes of an attachment that a letter carries: its own head and the name of its field go off.
pub const FORWARDED_BYTES_MAX: usize = LETTER_BYTES_MAX - 8;

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Attached {
    #[n(0)]
    text: String,
}

impl Row for Attached {}

request! {
    /// Attaches a text to a note.
    pub(super) struct Attach {
        /// The note.
        key: Name,
        /// What is attached, in place of what was.
        text: Payload,
    }
}

request! {
    /// Reads what is attached to a note.
    pub(super) struct ReadAttached {
        /// The note.
        key: Name,
    }
}

request! {
    /// Attaches a text behind what is attached, which goes if both are longer than one may be.
    pub(super) struct Extend {
        /// The note.
        key: Name,
        /// What comes behind.
        text: Payload,
    }
}

request! {
    /// Sends a text to another note, to be attached there behind what is.
    pub(super) struct Forward {
        /// The note.
        key: Name,
        /// The other.
        with: Name,
        /// What is sent.
        text: Payload,
    }
}

reply! {
    /// What was attached.
    pub(super) struct AttachedInfo {
        /// The note.
        key: CompactString,
        /// How many bytes.
        bytes: u64,
    }
}

reply! {
    /// What is attached.
    pub(super) struct AttachedText {
        /// The note.
        key: CompactString,
        /// The text.
        text: String,
    }
}

fn info(key: &Name, text: &Payload) -> AttachedInfo {
    AttachedInfo {
        key: key.compact(),
        bytes: text.as_str().len() as u64,
    }
}

impl Apply for Attach {
    type Reply = AttachedInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<AttachedInfo, Stop<Refusal>> {
        let text = self.text.as_str().to_owned();
        tx.put(&ATTACHED, self.key.as_str(), Attached { text });
        Ok(info(&self.key, &self.text))
    }
}

impl Apply for ReadAttached {
    type Reply = AttachedText;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&ATTACHED, self.key.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<AttachedText, Stop<Refusal>> {
        let attached = tx.get(&ATTACHED, self.key.as_str())?;
        let Attached { text } = attached.ok_or(Refusal::Unknown)?;
        let key = self.key.compact();
        Ok(AttachedText { key, text })
    }
}

impl Apply for Forward {
    type Reply = AttachedInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[TOO_LONG];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn letters(&self) -> usize {
        1
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<AttachedInfo, Stop<Refusal>> {
        if self.text.as_str().len() > FORWARDED_BYTES_MAX {
            return Err(Refusal::TooLong.into());
        }
        let text = self.text.as_str().to_owned();
        tx.send(self.with.as_str(), &Forwarded { text });
        Ok(info(&self.key, &self.text))
    }
}

/// Writes a row that is larger than what its command or letter carries.
fn extend(tx: &mut Tx<'_>, key: &str, text: &str) -> Result<u64, Missing> {
    let before = tx.get(&ATTACHED, key)?.map(|attached| attached.text);
    let before = before.filter(|before| before.len() + text.len() <= PAYLOAD_BYTES_MAX);
    let text = before.unwrap_or_default() + text;
    let bytes = text.len() as u64;
    tx.put(&ATTACHED, key, Attached { text });
    Ok(bytes)
}

impl Apply for Extend {
    type Reply = AttachedInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&ATTACHED, self.key.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<AttachedInfo, Stop<Refusal>> {
        let bytes = extend(tx, self.key.as_str(), self.text.as_str())?;
        let key = self.key.compact();
        Ok(AttachedInfo { key, bytes })
    }
}

/// A text for the addressee.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Forwarded {
    #[n(0)]
    text: String,
}

impl Row for Forwarded {}

impl Mail for Forwarded {
    const NUMBERS: (u8, u8) = (NUMBER, 3);
    const NAME: &'static str = "forwarded";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&ATTACHED, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        extend(tx, to, &self.text).map(drop)
    }
}
