//! `COUNTER.RANGEALL`: what was counted of some keys over a span of time.

use tidegate_engine::contract::{Apply, RefusalDef, ScanCall};
use tidegate_engine::{Reads, Splits, Stop, Tx};

use crate::Refusal;
use crate::command::{OneKey, Range, RangeAll};
use crate::limits::NUMBERS_MAX;
use crate::refusal::{EMPTY_SPAN, TOO_MANY_STEPS, UNKNOWN_COUNTER, WRONG_STEP};
use crate::reply::RangesInfo;
use crate::scan::{Each, of_all_shards};
use crate::span::Span;
use crate::table::Counter;

impl Apply for RangeAll {
    type Reply = RangesInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] =
        &[UNKNOWN_COUNTER, EMPTY_SPAN, WRONG_STEP, TOO_MANY_STEPS];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        Some(of_all_shards(Each {
            asked: self.each(),
            check: check_numbers,
            told: |items, as_of_ms| RangesInfo { items, as_of_ms },
        }))
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, _tx: &mut Tx<'_>) -> Result<RangesInfo, Stop<Refusal>> {
        unreachable!("because it is spread, whatever is split")
    }
}

impl RangeAll {
    /// The same, asked for one key after the other.
    fn each(&self) -> Vec<Range> {
        let of = |item: &OneKey| Range {
            name: self.name.clone(),
            key: item.key.clone(),
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            step_ms: self.step_ms,
            zone: self.zone.clone(),
            by: None,
        };
        self.keys.items().iter().map(of).collect()
    }
}

/// Ranges of one span have as many steps each.
fn check_numbers(asked: &[Range], counter: &Counter, now_ms: u64) -> Result<(), Refusal> {
    let first = asked.first().expect("because a list has an item");
    let steps = Span::asked(first, counter, now_ms)?.steps() * asked.len() as u64;
    if steps > NUMBERS_MAX {
        let max = NUMBERS_MAX;
        return Err(Refusal::TooManySteps { steps, max });
    }
    Ok(())
}
