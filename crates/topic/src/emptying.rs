//! What a topic has left when it is deleted goes in steps of bounded size, in each part by itself, when nothing else is
//! to be done.
//!
//! One kind of rows goes after the other, as [`Left`] has them: groups of the stream one at a time, dead letters and
//! audit lists by their numbers, delayed messages by theirs, and messages from the first one on, with their ids and
//! keys. What is not there of these numbers the tables' filters in memory answer.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use crate::GONE_MS;
use crate::apply::{APPEAR, drop_delayed, drop_first, end, reads_of_first, unpin_of};
use crate::stream;
use crate::table::{DEAD, DELAYED, DOMAIN, GONE, Gone, IDS, Left, PINS, STEERED};

/// Set with (topic) when it is deleted, until nothing of it is left: nobody waits for it.
pub(crate) const EMPTY: Timer = Timer::idle(DOMAIN, 8, empty, reads_of_empty);

/// Set with (topic) when nothing of it is left, due when none of its leases and rests is either.
pub(crate) const FORGET: Timer = Timer::idle(DOMAIN, 9, forget, reads_of_forget);

/// Dead letters, entries of an audit list or messages that go in one step, at most.
const STEP_ROWS: u64 = 256;

/// Numbers of delayed messages at which one step looks: each that is there is read with its payload.
const STEP_DELAYED: u64 = 64;

fn name_of<'a>(owner: &mut KeyReader<'a>) -> &'a str {
    let name = owner.text();
    name.expect("because the timer is set with a topic")
}

/// The numbers behind one, up to the last one, at which a step looks.
fn next(from: u64, last: u64, most: u64) -> std::ops::RangeInclusive<u64> {
    from + 1..=last.min(from + most)
}

fn reads_of_empty(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let name = name_of(&mut owner);
    let Some(gone) = reads.get(&GONE, name) else {
        return;
    };
    match gone.left() {
        Left::StreamGroups => stream::reads_of_last_group(reads, name),
        Left::Groups => reads_of_dead(reads, name, &gone),
        Left::Delayed => {
            for number in next(gone.from, gone.part.delays, STEP_DELAYED) {
                if let Some(message) = reads.get(&DELAYED, (name, number))
                    && !message.chosen.is_empty()
                {
                    reads.row(&IDS, (name, message.chosen.as_str()));
                }
            }
        }
        Left::Messages => reads_of_first(reads, name, &gone.part, gone.part.at_once(STEP_ROWS)),
        Left::Nothing => {}
    }
}

fn reads_of_dead(reads: &mut Reads<'_>, name: &str, gone: &Gone) {
    let Some(group) = gone.groups.last().filter(|group| group.dead > 0) else {
        return;
    };
    for number in next(gone.from, group.died, STEP_ROWS) {
        if let Some(dead) = reads.get(&DEAD, (name, group.name.as_str(), number)) {
            reads.row(&PINS, (name, dead.position));
        }
    }
}

/// Some rows of a topic that was deleted go; a further timer goes on with the rest.
fn empty(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let name = name_of(&mut owner);
    let Some(mut gone) = tx.get(&GONE, name)?.filter(|gone| !gone.is_free()) else {
        return Ok(());
    };
    match gone.left() {
        Left::StreamGroups => gone.part.stream_groups = stream::drop_last_group(tx, name)?,
        Left::Groups => drop_of_group(tx, name, &mut gone)?,
        Left::Delayed => drop_all_delayed(tx, name, &mut gone)?,
        Left::Messages => drop_messages(tx, name, &mut gone)?,
        Left::Nothing => {}
    }
    if gone.left() == Left::Nothing {
        return end(tx, name, gone);
    }
    tx.put(&GONE, name, gone);
    tx.wake_at(&EMPTY, tx.now_ms(), name);
    Ok(())
}

/// Dead letters of the last group go, and then entries of its audit list.
fn drop_of_group(tx: &mut Tx<'_>, name: &str, gone: &mut Gone) -> Result<(), Missing> {
    let Some(group) = gone.groups.last_mut() else {
        return Ok(());
    };
    let of = group.name.as_str();
    if group.dead > 0 {
        for number in next(gone.from, group.died, STEP_ROWS) {
            if let Some(dead) = tx.get(&DEAD, (name, of, number))? {
                tx.remove(&DEAD, (name, of, number));
                unpin_of(tx, (name, &mut gone.part), dead.position)?;
                group.dead -= 1;
            }
            gone.from = number;
        }
        return Ok(());
    }
    for _ in 0..group.entries.min(STEP_ROWS) {
        tx.remove(&STEERED, (name, of, group.steered));
        group.steered -= 1;
        group.entries -= 1;
    }
    if group.entries == 0 {
        gone.groups.pop();
        gone.from = 0;
    }
    Ok(())
}

fn drop_all_delayed(tx: &mut Tx<'_>, name: &str, gone: &mut Gone) -> Result<(), Missing> {
    for number in next(gone.from, gone.part.delays, STEP_DELAYED) {
        if let Some(message) = tx.get(&DELAYED, (name, number))? {
            tx.cancel(&APPEAR, message.at_ms, (name, number));
            drop_delayed(tx, (name, number), &message);
            gone.part.delayed -= 1;
        }
        gone.from = number;
    }
    Ok(())
}

fn drop_messages(tx: &mut Tx<'_>, name: &str, gone: &mut Gone) -> Result<(), Missing> {
    let end = gone.part.first + gone.part.at_once(STEP_ROWS);
    while gone.part.first < end.min(gone.up_to + 1) {
        drop_first(tx, name, &mut gone.part)?;
    }
    Ok(())
}

fn reads_of_forget(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    reads.row(&GONE, name_of(&mut owner));
}

/// Nothing is left of a topic that was deleted, also of what its groups had open: nobody need know what it was. If a
/// timer of that was set aside, it is asked again later.
fn forget(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let name = name_of(&mut owner);
    let Some(gone) = tx.get(&GONE, name)? else {
        return Ok(());
    };
    if gone.part.pins == 0 {
        tx.remove(&GONE, name);
        return Ok(());
    }
    let forgets_at_ms = tx.now_ms() + GONE_MS;
    tx.wake_at(&FORGET, forgets_at_ms, name);
    let gone = Gone {
        forgets_at_ms,
        ..gone
    };
    tx.put(&GONE, name, gone);
    Ok(())
}
