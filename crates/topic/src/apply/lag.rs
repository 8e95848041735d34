//! Whether a group is further behind than it is to be: looked at now and then, and told when it changes.
//!
//! Each part looks for itself, and tells the first one when it comes to be behind, or no longer. The first one knows of
//! which parts that is so, and emits what changes for all of them together.

use std::mem;

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::contract::{Mail, Timer};
use tidegate_engine::{KeyReader, Missing, Reads, Row, Shard, Tx};

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
    } else if mem::take(&mut group.is_lagging)
        && let Some(shard) = Shard::named(of.0)
    {
        tell_first(tx, of, shard, (false, Behind::default()));
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

/// How far a group is behind in a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Behind {
    /// Messages that are not settled.
    #[n(0)]
    lag: u64,
    /// How long ago the oldest of them was published.
    #[n(1)]
    lag_ms: u64,
}

/// Another part than the first tells that one whether it is further behind than it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Lags {
    /// Which part.
    #[n(0)]
    at: u16,
    #[cbor(n(1), with = "tidegate_engine::text")]
    group: CompactString,
    #[n(2)]
    is_lagging: bool,
    #[n(3)]
    behind: Behind,
}

impl Row for Lags {}

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
    let behind = Behind {
        lag: part.lag(&group),
        lag_ms: at_ms.map_or(0, |at_ms| tx.now_ms().saturating_sub(at_ms)),
    };
    note(tx, of, &mut group, behind);
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

/// Notes whether a part is further behind than it is to be, and has it told when that changes.
fn note(tx: &mut Tx<'_>, of: Of<'_>, group: &mut Group, behind: Behind) {
    let is_lagging = behind.lag_ms > group.max_lag_ms;
    if is_lagging == group.is_lagging {
        return;
    }
    match Shard::named(of.0) {
        Some(shard) => {
            group.is_lagging = is_lagging;
            tell_first(tx, of, shard, (is_lagging, behind));
        }
        None => change(tx, of, (group, behind), |group| {
            group.is_lagging = is_lagging;
        }),
    }
}

/// A part that is not the first tells that one whether it is further behind than it is to be.
fn tell_first(
    tx: &mut Tx<'_>,
    (name, group): Of<'_>,
    shard: Shard,
    (is_lagging, behind): (bool, Behind),
) {
    let lags = Lags {
        at: shard.at,
        group: CompactString::new(group),
        is_lagging,
        behind,
    };
    tx.send(Shard::whole_of(name), &lags);
}

/// Something changes of which parts are further behind: what comes of that for all of them together is an event.
fn change(
    tx: &mut Tx<'_>,
    (name, of): Of<'_>,
    (group, behind): (&mut Group, Behind),
    change: impl FnOnce(&mut Group),
) {
    let was_lagging = group.lags();
    change(group);
    let (is_lagging, max_lag_ms) = (group.lags(), group.max_lag_ms);
    if is_lagging == was_lagging || max_lag_ms == 0 {
        return;
    }
    let Behind { lag, lag_ms } = behind;
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

impl Mail for Lags {
    const NUMBERS: (u8, u8) = (DOMAIN, 4);
    const NAME: &'static str = "lags";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&GROUPS, (to, self.group.as_str()));
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let of = (to, self.group.as_str());
        let Some(mut group) = tx.get(&GROUPS, of)? else {
            return Ok(());
        };
        let bit = 1 << self.at;
        change(tx, of, (&mut group, self.behind), |group| {
            if self.is_lagging {
                group.others_lag |= bit;
            } else {
                group.others_lag &= !bit;
            }
        });
        tx.put(&GROUPS, of, group);
        Ok(())
    }
}
