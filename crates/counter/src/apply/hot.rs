//! `COUNTER.HOT`: what leads now, which all shards are asked for.

use tidegate_engine::contract::{Apply, RefusalDef, ScanCall};
use tidegate_engine::{Reads, Splits, Stop, Tx};

use crate::Refusal;
use crate::command::Hot;
use crate::refusal::{NO_TOP, UNKNOWN_COUNTER, UNKNOWN_DIMENSION};
use crate::reply::HotInfo;
use crate::scan::of_all_shards;

impl Apply for Hot {
    type Reply = HotInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_COUNTER, NO_TOP, UNKNOWN_DIMENSION];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        Some(of_all_shards(self.clone()))
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, _tx: &mut Tx<'_>) -> Result<HotInfo, Stop<Refusal>> {
        unreachable!("because it is spread, whatever is split")
    }
}
