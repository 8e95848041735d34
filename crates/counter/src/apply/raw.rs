//! `COUNTER.RAW`: what was sent to the topic that keeps the events of a counter, which its shards are asked for.

use tidegate_engine::contract::{Apply, RefusalDef, ScanCall};
use tidegate_engine::{Reads, Splits, Stop, Tx};

use crate::Refusal;
use crate::command::Raw;
use crate::refusal::{NO_RAW, UNKNOWN_COUNTER};
use crate::reply::RawInfo;
use crate::scan::of_all_shards;

impl Apply for Raw {
    type Reply = RawInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_COUNTER, NO_RAW];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        Some(of_all_shards(self.clone()))
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, _tx: &mut Tx<'_>) -> Result<RawInfo, Stop<Refusal>> {
        unreachable!("because it is spread, whatever is split")
    }
}
