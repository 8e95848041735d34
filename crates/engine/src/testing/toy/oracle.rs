//! Notes that ask somebody outside.

use compact_str::CompactString;
use minicbor::{Decode, Encode};

use super::{NUMBER, Refusal};
use crate::contract::{Apply, Bounded, Mail, Name, RefusalDef};
use crate::courier::{Call, CallEnd, End, Patience};
use crate::mail::Address;
use crate::row::Row;
use crate::table::{Missing, Table};
use crate::tx::{Reads, Stop, Tx};
use crate::{reply, request};

/// What a note was told, by its key.
pub(super) const ANSWERS: Table<Heard> = Table::keyed(NUMBER, 8, "note.answers");

const TOLD: u8 = 8;

#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Heard {
    #[cbor(n(0), with = "crate::text")]
    last: CompactString,
    #[n(1)]
    times: u64,
}

impl Row for Heard {}

request! {
    /// Asks somebody outside; a note that asks `panic` panics at the answer.
    pub(super) struct Ask {
        /// The key.
        key: Name,
        /// What is asked.
        what: Name,
        /// For how long it is tried, in milliseconds.
        ["FOR"] for_ms: Bounded<1, 1_000_000_000> = 3_600_000,
        /// How often it is tried.
        ["TRIES"] tries: Bounded<1, 100> = 5,
        /// Whether it is kept for people once it is given up.
        ["KEPT"] kept: Bounded<0, 1> = 1,
    }
}

request! {
    /// What the note was told.
    pub(super) struct Answers {
        /// The key.
        key: Name,
    }
}

reply! {
    /// That a note has asked.
    pub(super) struct Asked {
        /// The key.
        key: CompactString,
    }
}

reply! {
    /// What a note was told.
    pub(super) struct Answer {
        /// The last that it was told.
        last: CompactString,
        /// How often it was told something.
        times: u64,
    }
}

impl Apply for Ask {
    type Reply = Asked;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn calls(&self) -> usize {
        1
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Asked, Stop<Refusal>> {
        tx.call(Call {
            service: "oracle".into(),
            action: "ask".into(),
            about: self.what.compact(),
            body: b"?".to_vec(),
            patience: Patience {
                until_ms: tx.now_ms() + self.for_ms.get(),
                tries_max: self.tries.get() as u32,
                is_kept: self.kept.get() == 1,
            },
            answer_to: Address::new(NUMBER, TOLD, self.key.as_str()),
            note: self.what.as_str().as_bytes().to_vec(),
            key: None,
        });
        let key = self.key.compact();
        Ok(Asked { key })
    }
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(super) struct Told(CallEnd);

impl Row for Told {}

impl Mail for Told {
    const NUMBERS: (u8, u8) = (NUMBER, TOLD);
    const NAME: &'static str = "told";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&ANSWERS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Heard { times, .. } = tx.get(&ANSWERS, to)?.unwrap_or_default();
        let Self(CallEnd { note, end, .. }) = self;
        assert_ne!(note.as_slice(), b"panic", "as it was asked to");
        let last = match end {
            End::Answered(said) => {
                let body = String::from_utf8_lossy(&said.body).into_owned();
                compact_str::format_compact!("{}:{body}", said.status)
            }
            End::GivenUp => CompactString::const_new("given_up"),
        };
        let times = times + 1;
        tx.put(&ANSWERS, to, Heard { last, times });
        Ok(())
    }
}

impl Apply for Answers {
    type Reply = Answer;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&ANSWERS, self.key.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<Refusal>> {
        let heard = tx.get(&ANSWERS, self.key.as_str())?.unwrap_or_default();
        Ok(Answer {
            last: heard.last,
            times: heard.times,
        })
    }
}
