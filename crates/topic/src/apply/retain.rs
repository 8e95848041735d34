//! What need not be kept of a topic is dropped, oldest first, some at a time, when nothing else is to be done.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use crate::table::{DOMAIN, IDS, KEYS, MESSAGES, Message, PARTS, PINS, Part};

/// Set with (topic), due when the first message need not be kept.
pub(crate) const RETAIN: Timer = Timer::idle(DOMAIN, 4, retain, reads_of_retain);

/// Messages that are dropped at once, at most.
const DROPPED_AT_ONCE: u64 = 256;

/// How long messages stay that are too many: those of a moment go together.
const LINGER_MS: u64 = 500;

/// Sets the timer, if it is not set for then or before.
pub(crate) fn retain_later(tx: &mut Tx<'_>, name: &str, part: &mut Part) {
    let now_ms = tx.now_ms();
    let due_ms = part.drops_at_ms(now_ms);
    let due_ms = due_ms.map(|due_ms| due_ms.max(now_ms + LINGER_MS));
    let is_set = part.retains_at_ms > 0;
    match due_ms {
        Some(due_ms) if !is_set || due_ms < part.retains_at_ms => {
            if is_set {
                tx.cancel(&RETAIN, part.retains_at_ms, name);
            }
            tx.wake_at(&RETAIN, due_ms, name);
            part.retains_at_ms = due_ms;
        }
        None if is_set => {
            tx.cancel(&RETAIN, part.retains_at_ms, name);
            part.retains_at_ms = 0;
        }
        Some(_) | None => {}
    }
}

fn name_of<'a>(owner: &mut KeyReader<'a>) -> &'a str {
    let name = owner.text();
    name.expect("because the timer is set with a topic")
}

fn reads_of_retain(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let name = name_of(&mut owner);
    let Some(part) = reads.get(&PARTS, name) else {
        return;
    };
    reads_of_first(reads, name, &part, part.at_once(DROPPED_AT_ONCE));
}

/// Names the rows that dropping so many messages reads.
pub(crate) fn reads_of_first(reads: &mut Reads<'_>, name: &str, part: &Part, most: u64) {
    let end = part.last.min(part.first + most);
    for position in part.first..=end {
        let message = reads.get(&MESSAGES, (name, position));
        if let Some(message) = message.filter(|message| !message.key.is_empty()) {
            reads.row(&KEYS, (name, message.key.as_str()));
        }
        if part.pins > 0 {
            reads.row(&PINS, (name, position));
        }
    }
}

fn retain(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let name = name_of(&mut owner);
    let Some(mut part) = tx.get(&PARTS, name)? else {
        return Ok(());
    };
    let now_ms = tx.now_ms();
    let end = part.first + part.at_once(DROPPED_AT_ONCE);
    while part.first < end
        && let Some(due_ms) = part.drops_at_ms(now_ms)
        && due_ms <= now_ms
    {
        drop_first(tx, name, &mut part)?;
    }
    part.retains_at_ms = 0;
    if part
        .drops_at_ms(now_ms)
        .is_some_and(|due_ms| due_ms <= now_ms)
    {
        part.retains_at_ms = now_ms; // There is more: it goes on at once.
        tx.wake_at(&RETAIN, now_ms, name);
    } else {
        retain_later(tx, name, &mut part);
    }
    tx.put(&PARTS, name, part);
    Ok(())
}

fn message_at(tx: &mut Tx<'_>, name: &str, position: u64) -> Result<Message, Missing> {
    let message = tx.get(&MESSAGES, (name, position))?;
    Ok(message.expect("because messages are kept from the first one on"))
}

/// Drops the first message, with its id, and its key if that has no other; it stays if it is pinned.
pub(crate) fn drop_first(tx: &mut Tx<'_>, name: &str, part: &mut Part) -> Result<(), Missing> {
    let position = part.first;
    let message = message_at(tx, name, position)?;
    let is_pinned = part.pins > 0 && tx.get(&PINS, (name, position))?.is_some();
    if !is_pinned {
        tx.remove(&MESSAGES, (name, position));
    }
    if !message.chosen.is_empty() {
        tx.remove(&IDS, (name, message.chosen.as_str()));
    }
    if !message.key.is_empty() {
        let key = (name, message.key.as_str());
        let last = tx.get(&KEYS, key)?;
        if last.is_some_and(|last| last.position == position) {
            tx.remove(&KEYS, key);
        }
    }
    part.bytes -= message.bytes() as u64;
    part.deleted -= u64::from(message.is_deleted);
    part.first += 1;
    part.first_at_ms = if part.count() == 0 {
        0
    } else {
        message_at(tx, name, part.first)?.at_ms
    };
    Ok(())
}
