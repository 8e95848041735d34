//! `COUNTER.GETALL`: what was counted of some keys.

use tidegate_engine::contract::{Apply, RefusalDef, ScanCall};
use tidegate_engine::{Reads, Splits, Stop, Tx};

use crate::Refusal;
use crate::command::{Get, GetAll, OneKey};
use crate::refusal::UNKNOWN_COUNTER;
use crate::reply::CountsInfo;
use crate::scan::{Each, of_all_shards};

impl Apply for GetAll {
    type Reply = CountsInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_COUNTER];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        Some(of_all_shards(Each {
            asked: self.each(),
            check: |_, _, _| Ok(()),
            told: |items, as_of_ms| CountsInfo { items, as_of_ms },
        }))
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, _tx: &mut Tx<'_>) -> Result<CountsInfo, Stop<Refusal>> {
        unreachable!("because it is spread, whatever is split")
    }
}

impl GetAll {
    /// The same, asked for one key after the other.
    fn each(&self) -> Vec<Get> {
        let of = |item: &OneKey| Get {
            name: self.name.clone(),
            key: item.key.clone(),
        };
        self.keys.items().iter().map(of).collect()
    }
}
