//! `COUNTER.UNIQUEALL`: how many different ones came to some keys, to each for itself.

use tidegate_engine::contract::{Apply, RefusalDef, ScanCall};
use tidegate_engine::{Piece, Reads, Splits, Stop, Tx};

use crate::Refusal;
use crate::command::{Unique, UniqueAll};
use crate::refusal::{EMPTY_SPAN, NO_UNIQUE, TOO_MANY_BUCKETS, UNKNOWN_COUNTER};
use crate::reply::UniquesInfo;
use crate::scan::{Each, of_all_shards};

impl Apply for UniqueAll {
    type Reply = UniquesInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] =
        &[UNKNOWN_COUNTER, NO_UNIQUE, EMPTY_SPAN, TOO_MANY_BUCKETS];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        Some(of_all_shards(Each {
            asked: self.each(),
            check: |_, _, _| Ok(()),
            told: |items, as_of_ms| UniquesInfo { items, as_of_ms },
        }))
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, _tx: &mut Tx<'_>) -> Result<UniquesInfo, Stop<Refusal>> {
        unreachable!("because it is spread, whatever is split")
    }
}

impl UniqueAll {
    /// The same, asked for one key after the other.
    fn each(&self) -> Vec<Unique> {
        let mut nth = 0..;
        let lists = self.keys.clone().divide_all(|_| nth.next());
        let of = |list: Piece<_>| Unique {
            name: self.name.clone(),
            keys: list.what,
            from_ms: self.from_ms,
            to_ms: self.to_ms,
        };
        lists.into_values().map(of).collect()
    }
}
