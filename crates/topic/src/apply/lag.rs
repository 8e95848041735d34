//! Whether a group is further behind than it is to be: looked at now and then, and told when it changes.

use compact_str::CompactString;
use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::desk::Of;
use crate::event::{TopicCaughtUp, TopicLagging};
use crate::open::chunk_of;
use crate::table::{DOMAIN, GROUPS, Group, MESSAGES, OPEN, PARTS, Part};

/// Set with (topic, group), due when it is looked at.
pub(crate) const LOOK_AT_LAG: Timer = Timer::new(DOMAIN, 7, look, reads_of_look);

/// Chunks that are looked into at once for one that is open.
const CHUNKS_AT_ONCE: u64 = 64;

/// How often it is looked at: so many times until it would be told.
const LOOKS: u64 = 4;

/// And the least and the most that are between two looks.
const LOOK_MS_MIN: u64 = 1_000;
const LOOK_MS_MAX: u64 = 60_000;

/// Sets the timer for a group that may not lag as long as it likes, or takes it back.
pub(super) fn look_later(tx: &mut Tx<'_>, of: Of<'_>, group: &mut Group) {
    if group.looks_at_ms > 0 {
        tx.cancel(&LOOK_AT_LAG, group.looks_at_ms, of);
        group.looks_at_ms = 0;
    }
    if group.max_lag_ms > 0 {
        let rest_ms = (group.max_lag_ms / LOOKS).clamp(LOOK_MS_MIN, LOOK_MS_MAX);
        look_at(tx, of, group, tx.now_ms() + rest_ms);
    } else {
        group.is_lagging = false;
    }
}

fn look_at(tx: &mut Tx<'_>, of: Of<'_>, group: &mut Group, at_ms: u64) {
    tx.wake_at(&LOOK_AT_LAG, at_ms, of);
    group.looks_at_ms = at_ms;
}

fn owner_of<'a>(owner: &mut KeyReader<'a>) -> Of<'a> {
    let owner = owner.text().zip(owner.text());
    owner.expect("because the timer is set with a topic and a group")
}

fn reads_of_look(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, group) = owner_of(&mut owner);
    reads.row(&PARTS, name);
    let Some(row) = reads.get(&GROUPS, (name, group)) else {
        return;
    };
    let work = &*row.work(group);
    let end = chunk_of(row.next).min(row.floor + CHUNKS_AT_ONCE);
    for chunk in row.floor..=end {
        reads.row(&OPEN, (name, work, chunk));
    }
    reads.row(&MESSAGES, (name, row.next));
}

/// How far a search for the oldest message that is not settled has come.
enum Found {
    Position(u64),
    /// There is none.
    None,
    /// Not yet.
    Further,
}

fn look(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let of = owner_of(&mut owner);
    let (Some(mut group), Some(part)) = (tx.get(&GROUPS, of)?, tx.get(&PARTS, of.0)?) else {
        return Ok(());
    };
    group.looks_at_ms = 0;
    let at_ms = match oldest(tx, of, &mut group, &part)? {
        Found::Further => {
            let now_ms = tx.now_ms();
            look_at(tx, of, &mut group, now_ms);
            tx.put(&GROUPS, of, group);
            return Ok(());
        }
        Found::Position(position) => tx.get(&MESSAGES, (of.0, position))?.map(|row| row.at_ms),
        Found::None => None,
    };
    let lag_ms = at_ms.map_or(0, |at_ms| tx.now_ms().saturating_sub(at_ms));
    let lag = part.lag(&group);
    tell(tx, of, &mut group, (lag, lag_ms));
    look_later(tx, of, &mut group);
    tx.put(&GROUPS, of, group);
    Ok(())
}

/// Looks for the oldest message that is not settled, from where nothing before is open.
fn oldest(
    tx: &mut Tx<'_>,
    (name, group): Of<'_>,
    row: &mut Group,
    part: &Part,
) -> Result<Found, Missing> {
    let work = row.work(group);
    let next = row.next.max(part.first);
    for _ in 0..=CHUNKS_AT_ONCE {
        let chunk = tx.get(&OPEN, (name, work.as_str(), row.floor))?;
        if let Some(position) = chunk.and_then(|chunk| chunk.positions(row.floor).next()) {
            return Ok(Found::Position(position.max(part.first).min(next)));
        }
        if row.floor >= chunk_of(row.next) {
            let is_new = next <= part.last;
            return Ok(if is_new {
                Found::Position(next)
            } else {
                Found::None
            });
        }
        row.floor += 1;
    }
    Ok(Found::Further)
}

fn tell(tx: &mut Tx<'_>, (name, of): Of<'_>, group: &mut Group, (lag, lag_ms): (u64, u64)) {
    let is_lagging = lag_ms > group.max_lag_ms;
    if is_lagging == group.is_lagging {
        return;
    }
    group.is_lagging = is_lagging;
    let max_lag_ms = group.max_lag_ms;
    let group = CompactString::new(of);
    if is_lagging {
        let lagging = TopicLagging {
            group,
            lag,
            lag_ms,
            max_lag_ms,
        };
        tx.emit(name, &lagging);
    } else {
        tx.emit(name, &TopicCaughtUp { group, lag });
    }
}
