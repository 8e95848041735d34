//! `COUNTER.GETALL`: what was counted of some keys.

use crate::command::{Get, GetAll, OneKey};
use crate::refusal::UNKNOWN_COUNTER;
use crate::reply::CountsInfo;
use crate::scan::Each;

asks_shards!(GetAll, CountsInfo, [UNKNOWN_COUNTER], GetAll::each);

impl GetAll {
    /// The same, asked for one key after the other.
    fn each(&self) -> Each<Get, CountsInfo> {
        let of = |item: &OneKey| Get {
            name: self.name.clone(),
            key: item.key.clone(),
        };
        Each {
            asked: self.keys.items().iter().map(of).collect(),
            check: |_, _, _| Ok(()),
            told: |items, as_of_ms| CountsInfo { items, as_of_ms },
        }
    }
}
