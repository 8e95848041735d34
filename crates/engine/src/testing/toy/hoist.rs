//! What a note tells the edge.

use std::sync::Arc;

use compact_str::CompactString;
use minicbor::{Decode, Encode};

use super::{NUMBER, Refusal};
use crate::contract::{Apply, Bounded, Name, RefusalDef};
use crate::edge::{Edge, Flag, Told};
use crate::row::Row;
use crate::table::Table;
use crate::tx::{Reads, Stop, Tx};
use crate::{reply, request};

/// What a note says, by its key.
pub(super) const HOISTED: Table<Says> = Table::keyed(NUMBER, 9, "note.hoisted").known_at_edge();

const FLAG: Flag<Says> = Flag::new(NUMBER, 1);

#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Says {
    #[cbor(n(0), with = "crate::text")]
    what: CompactString,
}

impl Row for Says {}

impl Told for Says {
    fn bytes(&self) -> usize {
        self.what.len()
    }
}

request! {
    /// Has a note say something, at the edge too. `down` takes the flag down; `no` is refused once it was
    /// raised, and so is `surely`, whose flag goes up all the same.
    pub(super) struct Hoist {
        /// The key.
        key: Name,
        /// What it says.
        what: Name,
        /// For how long the edge knows it.
        ["FOR"] for_ms: Bounded<1, 1_000_000_000> = 1_000,
    }
}

request! {
    /// What a note says.
    pub(super) struct Hoisted {
        /// The key.
        key: Name,
    }
}

reply! {
    /// What a note says.
    pub(super) struct Said {
        /// It.
        what: CompactString,
        /// Who tells it: the edge or the partition.
        by: &'static str,
    }
}

impl Apply for Hoist {
    type Reply = Said;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[super::FULL];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Said, Stop<Refusal>> {
        let what = self.what.compact();
        let says = Says { what: what.clone() };
        let key = self.key.as_str();
        let (told, for_ms) = (Arc::new(says.clone()), self.for_ms.get());
        match what.as_str() {
            "down" => tx.lower(&FLAG, key),
            "surely" => tx.raise_though_refused(&FLAG, key, told, for_ms),
            _ => tx.raise(&FLAG, key, told, for_ms),
        }
        if matches!(what.as_str(), "no" | "surely") {
            return Err(Refusal::Full.into());
        }
        tx.put(&HOISTED, key, says);
        Ok(Said {
            what,
            by: "partition",
        })
    }
}

impl Apply for Hoisted {
    type Reply = Said;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&HOISTED, self.key.as_str());
    }

    fn glance(&self, edge: &Edge<'_>) -> Option<Result<Said, Refusal>> {
        let key = self.key.as_str();
        let what = match edge.get(&FLAG, key, key) {
            Some(says) => says.what.clone(),
            None if edge.may_have(&HOISTED, key, key) => return None,
            None => CompactString::default(),
        };
        Some(Ok(Said { what, by: "edge" }))
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Said, Stop<Refusal>> {
        let says = tx.get(&HOISTED, self.key.as_str())?.unwrap_or_default();
        Ok(Said {
            what: says.what,
            by: "partition",
        })
    }
}
