//! A message whose time has come is published.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::put::append;
use super::tell_all_groups;
use crate::table::{DELAYED, DOMAIN, GONE, IDS, KEYS, Message, PARTS};

/// Set with (topic, number), due when the message is to be published.
pub(crate) const APPEAR: Timer = Timer::new(DOMAIN, 1, appear, reads_of_appear);

fn owner_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, u64) {
    let owner = owner.text().zip(owner.number());
    owner.expect("because the timer is set with a topic and a number")
}

fn reads_of_appear(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, number) = owner_of(&mut owner);
    reads.row(&PARTS, name);
    let Some(message) = reads.get(&DELAYED, (name, number)) else {
        return;
    };
    if !message.chosen.is_empty() {
        reads.row(&IDS, (name, message.chosen.as_str()));
    }
    if !message.key.is_empty() {
        reads.row(&KEYS, (name, message.key.as_str()));
    }
}

fn appear(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, number) = owner_of(&mut owner);
    let Some(message) = tx.get(&DELAYED, (name, number))? else {
        return Ok(());
    };
    let Some(mut part) = tx.get(&PARTS, name)? else {
        return go(tx, (name, number), &message);
    };
    let content = content_of(tx, name, &message)?;
    let at_ms = tx.now_ms();
    let late_ms = at_ms.saturating_sub(message.at_ms);
    let expires_at_ms = match message.expires_at_ms {
        0 => 0,
        expires_at_ms => expires_at_ms.saturating_add(late_ms),
    };
    let message = Message {
        at_ms,
        expires_at_ms,
        ..message
    };
    tx.remove(&DELAYED, (name, number));
    part.delayed -= 1;
    append(tx, name, &mut part, message, content)?;
    tx.put(&PARTS, name, part);
    tell_all_groups(tx, name, 1);
    Ok(())
}

/// Its topic was deleted: it goes with that.
fn go(tx: &mut Tx<'_>, (name, number): (&str, u64), message: &Message) -> Result<(), Missing> {
    if let Some(mut gone) = tx.get(&GONE, name)? {
        drop_delayed(tx, (name, number), message);
        gone.part.delayed -= 1;
        tx.put(&GONE, name, gone);
    }
    Ok(())
}

/// A message whose time has not come is none any more.
pub(crate) fn drop_delayed(tx: &mut Tx<'_>, (name, number): (&str, u64), message: &Message) {
    tx.remove(&DELAYED, (name, number));
    if !message.chosen.is_empty() {
        tx.remove(&IDS, (name, message.chosen.as_str()));
    }
}

/// The hash of all that was sent of it, which stands with its id; one that was minted has none.
fn content_of(tx: &mut Tx<'_>, name: &str, message: &Message) -> Result<u64, Missing> {
    if message.chosen.is_empty() {
        return Ok(0);
    }
    let published = tx.get(&IDS, (name, message.chosen.as_str()))?;
    Ok(published.map_or(0, |published| published.content))
}
