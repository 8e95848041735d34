//! `TOPIC.BROWSE`: messages in the order of their positions.

use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};
use tidegate_engine::{Shard, Slot, Splits};

use super::most;
use crate::command::Browse;
use crate::parts::{InWhole as _, in_all, up_to};
use crate::refusal::{Refusal, UNKNOWN_TOPIC};
use crate::reply::MessageInfo;
use crate::table::{DOMAIN, MESSAGES, Message, PARTS};
use crate::{PASSED_OVER_MAX, READ_BYTES_MAX};

/// Rows that are read at once: few, or a page of large messages would be read for nothing.
const ROWS_AT_ONCE: usize = 64;

impl Scan for Browse {
    type Item = MessageInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_TOPIC];
    const TABLES: &'static [u16] = &[PARTS.id(), MESSAGES.id()];

    fn key(&self) -> Option<&str> {
        Some(self.name.as_str())
    }

    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        Some(splits.slots(DOMAIN, self.name.as_str()))
    }

    fn limit(&self) -> usize {
        most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<MessageInfo>, Refusal> {
        let shard = context.shard(DOMAIN, self.name.as_str());
        let key = &*shard.key_of(self.name.as_str());
        let part = context.get(&PARTS, key).ok_or(Refusal::UnknownTopic)?;
        let after = self.after.map_or(0, |after| up_to(after.get(), shard));
        let after = after.max(self.before_since(context, key, (part.first, part.last)));
        Ok(self.page_behind(context, (key, shard), after, part.last))
    }
}

impl Browse {
    /// The position of the last message that is not kept, or was published before the time asked for: times ascend with
    /// positions.
    fn before_since(&self, context: &ScanContext, key: &str, (first, last): (u64, u64)) -> u64 {
        let Some(since_ms) = self.since_ms else {
            return first - 1;
        };
        let at_ms = |position: u64| {
            let message = context.get(&MESSAGES, (key, position));
            message.map_or(0, |message| message.at_ms)
        };
        let (mut low, mut high) = (first - 1, last);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if at_ms(middle) < since_ms.get() {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        low
    }

    /// A page of one part, with its share of what an answer has room for.
    fn page_behind(
        &self,
        context: &ScanContext,
        (key, shard): (&str, Shard),
        after: u64,
        last: u64,
    ) -> Page<MessageInfo> {
        let bytes_max = READ_BYTES_MAX / usize::from(shard.of);
        let (mut items, mut bytes, mut at) = (Vec::new(), 0, after);
        let end = after.saturating_add(PASSED_OVER_MAX as u64).min(last);
        while at < end {
            for (position, message) in rows_behind(context, key, at) {
                bytes += message.bytes();
                let is_full = bytes > bytes_max && !items.is_empty();
                if is_full || items.len() == self.limit() {
                    return Page::of(items, true);
                }
                at = position;
                if !message.is_expired(context.asked_ms()) {
                    let message = MessageInfo::of(position, message);
                    items.push(message.in_whole(&self.name, shard));
                }
            }
        }
        let next = (at < last).then_some(in_all(at, shard));
        Page { items, next }
    }
}

/// Some messages behind a position, which has some behind it.
fn rows_behind(
    context: &ScanContext,
    key: &str,
    after: u64,
) -> impl Iterator<Item = (u64, Message)> {
    let rows = context.rows(&MESSAGES, key, Some((key, after)), ROWS_AT_ONCE);
    (after + 1..).zip(rows.into_iter().map(|(_, message)| message))
}
