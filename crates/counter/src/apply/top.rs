//! `COUNTER.TOP`: the leading keys of a span, which all shards are asked for.

use tidegate_engine::contract::{Apply, RefusalDef, ScanCall};
use tidegate_engine::{Reads, Splits, Stop, Tx};

use crate::Refusal;
use crate::command::Top;
use crate::refusal::{EMPTY_SPAN, NO_TOP, TOO_MANY_BUCKETS, UNKNOWN_COUNTER, UNKNOWN_DIMENSION};
use crate::reply::TopInfo;
use crate::scan::of_all_shards;

impl Apply for Top {
    type Reply = TopInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        UNKNOWN_COUNTER,
        NO_TOP,
        UNKNOWN_DIMENSION,
        EMPTY_SPAN,
        TOO_MANY_BUCKETS,
    ];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        Some(of_all_shards(self.clone()))
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, _tx: &mut Tx<'_>) -> Result<TopInfo, Stop<Refusal>> {
        unreachable!("because it is spread, whatever is split")
    }
}
