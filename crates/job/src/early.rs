//! Children that have ended before their parent was added: they are counted for it, for a while.

use minicbor::{Decode, Encode};
use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Row, Tx};

use crate::EARLY_MS;
use crate::table::{DOMAIN, EARLY};

/// What is known of a job that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Early {
    /// Children of it that have ended.
    #[n(0)]
    pub(crate) ended: u64,
    /// When that is forgotten, if it has not come by then.
    #[n(1)]
    pub(crate) until_ms: u64,
}

impl Row for Early {}

/// Set with (queue, id) when the first child ends, due when it counts no longer.
pub(crate) const FORGET_EARLY: Timer = Timer::idle(DOMAIN, 9, forget, reads_of);

/// A child of a job that is not there has ended.
pub(crate) fn note(tx: &mut Tx<'_>, queue: &str, id: &str) -> Result<(), Missing> {
    let row = match tx.get(&EARLY, (queue, id))? {
        Some(row) => Early {
            ended: row.ended + 1,
            ..row
        },
        None => {
            let until_ms = tx.now_ms() + EARLY_MS;
            tx.wake_at(&FORGET_EARLY, until_ms, (queue, id));
            Early { ended: 1, until_ms }
        }
    };
    tx.put(&EARLY, (queue, id), row);
    Ok(())
}

/// A job is there from now on; how many of its children have ended before.
pub(crate) fn take(tx: &mut Tx<'_>, queue: &str, id: &str) -> Result<u64, Missing> {
    let Some(Early { ended, until_ms }) = tx.get(&EARLY, (queue, id))? else {
        return Ok(0);
    };
    tx.cancel(&FORGET_EARLY, until_ms, (queue, id));
    tx.remove(&EARLY, (queue, id));
    Ok(ended)
}

fn key_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, &'a str) {
    let key = owner.text().zip(owner.text());
    key.expect("because the timer is set with a queue and an id")
}

fn reads_of(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    reads.row(&EARLY, key_of(&mut owner));
}

fn forget(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let key = key_of(&mut owner);
    let row = tx.get(&EARLY, key)?;
    if row.is_some_and(|row| row.until_ms <= tx.now_ms()) {
        tx.remove(&EARLY, key);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn row_is_frozen() {
        let row = Early {
            ended: 1,
            until_ms: 300,
        };
        assert_eq!(hex(&row), "a200010119012c");
    }
}
