//! `COUNTER.RANGEALL`: what was counted of some keys over a span of time.

use crate::Refusal;
use crate::command::{OneKey, Range, RangeAll};
use crate::limits::NUMBERS_MAX;
use crate::refusal::{EMPTY_SPAN, TOO_MANY_STEPS, UNKNOWN_COUNTER, WRONG_STEP};
use crate::reply::RangesInfo;
use crate::scan::Each;
use crate::span::Span;
use crate::table::Counter;

asks_shards!(
    RangeAll,
    RangesInfo,
    [UNKNOWN_COUNTER, EMPTY_SPAN, WRONG_STEP, TOO_MANY_STEPS],
    RangeAll::each
);

impl RangeAll {
    /// The same, asked for one key after the other.
    fn each(&self) -> Each<Range, RangesInfo> {
        let of = |item: &OneKey| Range {
            name: self.name.clone(),
            key: item.key.clone(),
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            step_ms: self.step_ms,
            zone: self.zone.clone(),
            by: None,
        };
        Each {
            asked: self.keys.items().iter().map(of).collect(),
            check: check_numbers,
            told: |items, as_of_ms| RangesInfo { items, as_of_ms },
        }
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
