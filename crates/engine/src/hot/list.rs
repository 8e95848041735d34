//! `HOT.LIST`: the keys that make most work.

use std::cmp::Reverse;

use compact_str::CompactString;

use super::AnsweredAt;
use crate::contract::{AtDoor, Bounded, Limit};
use crate::engine::Door;
use crate::{reply, request};

request! {
    /// Keys that make much of their partition's work in the last minute or so, most work first.
    ///
    /// A partition has one writer, so a key that makes most of its work is as fast as one core. Where holds of a
    /// SKU will make so much, `STOCK.SPLIT` divides them, before the first one. What is answered from memory costs the partition
    /// nothing and is listed by itself. These are estimates, of a sample of one request in 31.
    pub(crate) struct ListHot {
        /// Only those that surely have so many thousandths of the work.
        ["SHARE"] share_permille: Bounded<0, 1_000> = 10,
        /// Most items.
        ["LIMIT"] limit: Limit = 100,
    }
}

reply! {
    /// A key, and what is asked about it.
    pub(crate) struct HotInfo {
        /// The key.
        key: CompactString,
        /// Of which structure.
        domain: &'static str,
        /// The number of its partition.
        partition: u64,
        /// Where this is answered: `partition`, or `edge` for what is answered from memory.
        answered: &'static str,
        /// About how many requests, and letters of others, come a second.
        per_second: u64,
        /// How much of the work that is done there for all keys of the partition this one makes, in thousandths.
        share_permille: u64,
        /// By how much that may be too much: other keys may have made so much of it.
        error_permille: u64,
    }
}

reply! {
    /// Hot keys: no page, as the order changes with every request.
    pub(crate) struct HotList {
        /// The keys.
        items: Vec<HotInfo>,
    }
}

impl AtDoor for ListHot {
    type Reply = HotList;

    fn answer(self, door: &Door) -> HotList {
        let now_ms = door.shared.clock.look_ms();
        let mut found = Vec::new();
        for (partition, hot) in (0..).zip(&door.shared.hot) {
            for answered in AnsweredAt::ALL {
                let counts = hot.counts(answered, now_ms);
                let listed = counts.keys.iter();
                let share = self.share_permille.get();
                let listed = listed.filter(|key| counts.sure_permille(key) >= share);
                found.extend(listed.map(|key| {
                    let info = HotInfo {
                        key: key.key.clone(),
                        domain: door.domains()[key.domain].name,
                        partition,
                        answered: answered.word(),
                        per_second: counts.per_second(key),
                        share_permille: counts.permille(key.work),
                        error_permille: counts.permille(key.error),
                    };
                    (Reverse(key.work), info)
                }));
            }
        }
        found.sort_by_key(|(work, _)| *work);
        found.truncate(usize::try_from(self.limit.get()).unwrap_or(usize::MAX));
        let items = found.into_iter().map(|(_, info)| info).collect();
        HotList { items }
    }
}
