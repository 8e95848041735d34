//! What adds up, and is done as one.

use minicbor::{Decode, Encode};

use super::{FULL, NUMBER, Refusal};
use crate::contract::{Apply, Bounded, Ends, Name, RefusalDef};
use crate::row::Row;
use crate::table::Table;
use crate::tx::{Reads, Stop, Tx};
use crate::{reply, request};

/// By key and item: what was added up.
pub(super) const TALLIES: Table<Sum> = Table::keyed(NUMBER, 20, "note.tallies");

#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Sum {
    #[n(0)]
    sum: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    padding: Vec<u8>,
}

impl Row for Sum {}

/// Of this item it writes so many bytes, whatever it says.
const VAST: (&str, usize) = ("vast", 500_000);

/// An amount that is refused, and one that is not done with others.
const NEVER: u64 = 13;
const ALONE: u64 = 99;

request! {
    /// Adds up. 13 is refused, 99 is done by itself only. It says that it writes as many bytes, and of an item that begins
    /// with `vast` writes half a record.
    pub(super) struct Tally {
        /// The key.
        key: Name,
        /// Of what.
        item: Name,
        /// How much.
        amount: Bounded<1, 1_000_000>,
    }
}

reply! {
    /// What was added up.
    pub(super) struct Tallied {
        /// All of it so far.
        sum: u64,
        /// How many were done as one.
        together: u64,
    }
}

impl Tally {
    fn add(&self, tx: &mut Tx<'_>, together: usize) -> Result<Tallied, Stop<Refusal>> {
        let of = (self.key.as_str(), self.item.as_str());
        let mut sum = tx.get(&TALLIES, of)?.unwrap_or_default();
        if self.amount.get() == NEVER {
            return Err(Refusal::Full.into());
        }
        sum.sum += self.amount.get();
        if self.item.as_str().starts_with(VAST.0) {
            sum.padding = vec![0; VAST.1];
        }
        tx.put(&TALLIES, of, &sum);
        Ok(Tallied {
            sum: sum.sum,
            together: together as u64,
        })
    }
}

impl Apply for Tally {
    type Reply = Tallied;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[FULL];
    const JOINS: bool = true;

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&TALLIES, (self.key.as_str(), self.item.as_str()));
    }

    fn writes(&self) -> usize {
        self.amount.get() as usize
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Tallied, Stop<Refusal>> {
        self.add(tx, 1)
    }

    fn apply_joined(these: &[&Self], tx: &mut Tx<'_>) -> Result<Ends<Self>, Stop<Refusal>> {
        let mut ends = Vec::new();
        for one in these {
            ends.push(match one.add(tx, these.len()) {
                Ok(tallied) => Ok(tallied),
                Err(Stop::Refused(no)) => Err(no),
                Err(stop) => return Err(stop),
            });
        }
        if these.iter().any(|one| one.amount.get() == ALONE) {
            return Err(Stop::Busy);
        }
        Ok(ends)
    }
}
