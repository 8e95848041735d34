//! Letters: what things answer, what buyers' lists are told and say.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_claim::{Answer, Owner, Settled, Thing, Whole, Word};
use tidegate_engine::contract::Mail;
use tidegate_engine::{CallEnd, Missing, Reads, Row, Tx};

use crate::apply::{all_claimed, keep, refused, released, said, segment_claimed};
use crate::payments::PAYMENTS;
use crate::table::{DOMAIN, InPart, LISTED, Listed, ORDERS, PLACES, State};

/// The number of the mail by which things answer to an order.
pub(crate) const ANSWERS: u8 = 1;
/// By which all things that one claim names are said to be taken, and others are to be claimed.
pub(crate) const SEGMENT: u8 = 2;
/// By which the buyer's list is told that all things are taken.
pub(crate) const WHOLE: u8 = 3;
/// By which it says that it has the order.
const IN_LIST: u8 = 4;
/// By which it is told of the order's state.
const CHANGED: u8 = 5;
/// By which an order is told what came of a call to a provider.
pub(crate) const SAID: u8 = 6;
/// By which it is told that all things of a letter have let go what it had.
pub(crate) const RELEASED: u8 = 7;
/// By which units are said to be taken for an order that is to be made.
pub(crate) const BOUGHT: u8 = 8;

/// A thing answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Answered(Answer);

impl Row for Answered {}

impl Mail for Answered {
    const NUMBERS: (u8, u8) = (DOMAIN, ANSWERS);
    const NAME: &'static str = "answered";
    const LETTERS: usize = crate::apply::LETTERS_MAX;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Self(Answer { owner, thing, word }) = self;
        match word {
            Word::Failed(why) => refused(tx, to, &owner, &thing, why),
            Word::Asked => keep(tx, to, &owner, thing),
        }
    }
}

impl Answered {
    pub(crate) fn owner(&self) -> &Owner {
        &self.0.owner
    }

    /// Which thing wants to hear whether all is taken, if that is what it says.
    pub(crate) fn asks(&self) -> Option<&Thing> {
        match self.0.word {
            Word::Asked => Some(&self.0.thing),
            Word::Failed(_) => None,
        }
    }
}

/// All things that one claim names are taken; there are others.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct SegmentClaimed(Whole);

impl Row for SegmentClaimed {}

impl Mail for SegmentClaimed {
    const NUMBERS: (u8, u8) = (DOMAIN, SEGMENT);
    const NAME: &'static str = "segment_claimed";
    const LETTERS: usize = crate::apply::LETTERS_MAX;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        segment_claimed(tx, to, &self.0.owner)
    }
}

impl SegmentClaimed {
    pub(crate) fn owner(&self) -> &Owner {
        &self.0.owner
    }
}

/// What a buyer's list is told of an order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Entry {
    #[n(0)]
    pub(crate) number: u64,
    #[n(1)]
    pub(crate) row: Listed,
}

impl Entry {
    /// Puts it into the list, unless what stands there is newer. An order that is being placed stands in no
    /// list: what does is of an earlier attempt.
    fn list(self, buyer: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Self { number, row } = self;
        if let Some(before) = tx.get(&PLACES, (buyer, number))? {
            if before.version >= row.version {
                return Ok(());
            }
            tx.remove(&PLACES, (buyer, number));
            tx.remove(&LISTED, (buyer, before.part, number));
        }
        if row.state != State::Placing {
            let (version, part) = (row.version, row.state.part());
            tx.put(&PLACES, (buyer, number), InPart { version, part });
            tx.put(&LISTED, (buyer, part, number), row);
        }
        Ok(())
    }

    fn reads(&self, buyer: &str, reads: &mut Reads<'_>) {
        reads.row(&PLACES, (buyer, self.number));
    }
}

/// What the buyer's list is told once all things are taken.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Note {
    #[n(0)]
    pub(crate) entry: Entry,
    /// How long it is reserved from then on.
    #[n(1)]
    pub(crate) ttl_ms: u64,
}

/// All things are taken: the buyer's list is to have the order, and to say so. From now on it is reserved:
/// the list and the order end that at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct AllClaimed(Whole);

impl Row for AllClaimed {}

impl AllClaimed {
    fn note(&self) -> Note {
        let note = minicbor::decode(&self.0.note);
        note.expect("because the order has written it, and it came back as it was")
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.0.owner
    }
}

impl Mail for AllClaimed {
    const NUMBERS: (u8, u8) = (DOMAIN, WHOLE);
    const NAME: &'static str = "all_claimed";
    const LETTERS: usize = 1;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        self.note().entry.reads(to, reads);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Note { mut entry, ttl_ms } = self.note();
        let since_ms = tx.now_ms();
        entry.row.until_ms = Some(since_ms.saturating_add(ttl_ms));
        let id = entry.row.id.clone();
        entry.list(to, tx)?;
        let owner = self.0.owner;
        tx.send(&id, &InList { owner, since_ms });
        Ok(())
    }
}

/// The buyer's list has the order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct InList {
    #[n(0)]
    pub(crate) owner: Owner,
    /// Since when.
    #[n(1)]
    pub(crate) since_ms: u64,
}

impl Row for InList {}

impl Mail for InList {
    const NUMBERS: (u8, u8) = (DOMAIN, IN_LIST);
    const NAME: &'static str = "in_list";
    const LETTERS: usize = crate::apply::LETTERS_MAX;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        all_claimed(tx, to, &self.owner, self.since_ms)
    }
}

/// An order's state has changed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Changed {
    #[n(0)]
    pub(crate) entry: Entry,
}

impl Row for Changed {}

impl Mail for Changed {
    const NUMBERS: (u8, u8) = (DOMAIN, CHANGED);
    const NAME: &'static str = "order_changed";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        self.entry.reads(to, reads);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        self.entry.list(to, tx)
    }
}

/// All things of a letter have let go what an order had.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Released(Settled);

impl Row for Released {}

impl Mail for Released {
    const NUMBERS: (u8, u8) = (DOMAIN, RELEASED);
    const NAME: &'static str = "units_released";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        released(tx, to, &self.0)
    }
}

impl Released {
    pub(crate) fn settled(&self) -> &Settled {
        &self.0
    }
}

/// What a provider was asked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Asked {
    /// To make a payment.
    #[n(0)]
    Creation,
    /// What became of one.
    #[n(1)]
    Payment,
    /// To make a refund.
    #[n(2)]
    Refund {
        /// Its id.
        #[cbor(n(0), with = "tidegate_engine::text")]
        refund: CompactString,
    },
}

/// What comes back with a call to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PayNote {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) payment: CompactString,
    #[n(1)]
    pub(crate) asked: Asked,
}

/// A call to a provider has ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct ProviderSaid(CallEnd);

impl Row for ProviderSaid {}

impl Mail for ProviderSaid {
    const NUMBERS: (u8, u8) = (DOMAIN, SAID);
    const NAME: &'static str = "provider_said";
    const LETTERS: usize = crate::apply::LETTERS_MAX;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, to);
        if let Ok(PayNote { payment, .. }) = minicbor::decode(&self.0.note) {
            reads.row(&PAYMENTS, (to, payment.as_str()));
        }
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        said(tx, to, self.0)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::Address;
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn letters_are_frozen() {
        let entry = Entry {
            number: 300,
            row: Listed {
                id: "o".into(),
                state: State::Cancelled,
                version: 3,
                total: 15,
                currency: "EUR".into(),
                placed_at_ms: 100,
                until_ms: None,
            },
        };
        let owner = Owner {
            address: Address::new(DOMAIN, ANSWERS, "o"),
            attempt: 2,
        };
        let note = Note {
            entry: entry.clone(),
            ttl_ms: 900,
        };
        let in_list = InList {
            owner,
            since_ms: 400,
        };
        let rows = [
            hex(&entry),
            hex(&note),
            hex(&Changed { entry }),
            hex(&in_list),
        ];
        let expected = [
            "a20019012c01a600616f01040203030f0463455552051864",
            "a200a20019012c01a600616f01040203030f046345555205186401190384",
            "a100a20019012c01a600616f01040203030f0463455552051864",
            "a200a200a20019020101616f010201190190",
        ];
        assert_eq!(rows, expected);
    }
}
