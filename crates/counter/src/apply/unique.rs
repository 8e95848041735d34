//! `COUNTER.UNIQUE`: how many different ones came, which the shards of the keys are asked for.

use tidegate_engine::contract::{Apply, RefusalDef, ScanCall};
use tidegate_engine::{Reads, Splits, Stop, Tx};

use crate::Refusal;
use crate::command::Unique;
use crate::refusal::{EMPTY_SPAN, NO_UNIQUE, TOO_MANY_BUCKETS, UNKNOWN_COUNTER};
use crate::reply::UniqueInfo;
use crate::scan::of_all_shards;

impl Apply for Unique {
    type Reply = UniqueInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] =
        &[UNKNOWN_COUNTER, NO_UNIQUE, EMPTY_SPAN, TOO_MANY_BUCKETS];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        Some(of_all_shards(self.clone()))
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, _tx: &mut Tx<'_>) -> Result<UniqueInfo, Stop<Refusal>> {
        unreachable!("because it is spread, whatever is split")
    }
}
