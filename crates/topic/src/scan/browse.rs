//! `TOPIC.BROWSE`: messages in the order of their positions.

use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};

use super::most;
use crate::command::Browse;
use crate::refusal::{Refusal, UNKNOWN_TOPIC};
use crate::reply::MessageInfo;
use crate::table::{MESSAGES, Message, PARTS};
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

    fn limit(&self) -> usize {
        most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<MessageInfo>, Refusal> {
        let name = self.name.as_str();
        let part = context.get(&PARTS, name).ok_or(Refusal::UnknownTopic)?;
        let after = self.after.map_or(0, |after| after.get());
        let after = after.max(self.before_since(context, part.first, part.last));
        Ok(self.page_behind(context, after, part.last))
    }
}

impl Browse {
    /// The position of the last message that is not kept, or was published before the time asked for: times ascend with
    /// positions.
    fn before_since(&self, context: &ScanContext, first: u64, last: u64) -> u64 {
        let Some(since_ms) = self.since_ms else {
            return first - 1;
        };
        let at_ms = |position: u64| {
            let message = context.get(&MESSAGES, (self.name.as_str(), position));
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

    /// Some messages behind a position, which has some behind it.
    fn rows_behind(
        &self,
        context: &ScanContext,
        after: u64,
    ) -> impl Iterator<Item = (u64, Message)> {
        let name = self.name.as_str();
        let rows = context.rows(&MESSAGES, name, Some((name, after)), ROWS_AT_ONCE);
        (after + 1..).zip(rows.into_iter().map(|(_, message)| message))
    }

    fn page_behind(&self, context: &ScanContext, after: u64, last: u64) -> Page<MessageInfo> {
        let (mut items, mut bytes, mut at) = (Vec::new(), 0, after);
        let end = after.saturating_add(PASSED_OVER_MAX as u64).min(last);
        while at < end {
            for (position, message) in self.rows_behind(context, at) {
                bytes += message.bytes();
                let is_full = bytes > READ_BYTES_MAX && !items.is_empty();
                if is_full || items.len() == self.limit() {
                    return Page::of(items, true);
                }
                at = position;
                if !message.is_expired(context.asked_ms()) {
                    items.push(MessageInfo::of(position, message));
                }
            }
        }
        let next = (at < last).then_some(at);
        Page { items, next }
    }
}
