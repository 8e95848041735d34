//! Every message beside those before it, its id and its key.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use tidegate_engine::KeyReader;
use tidegate_engine::contract::Books;

use super::Fault;
use super::rows::{GroupRows, Rows, no_key, split};
use crate::stream::StreamId;
use crate::table::{MESSAGES, Message, Part, Published};

/// What the messages of a topic have said, one after the other.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) last: u64,
    bytes: u64,
    at_ms: u64,
    first_at_ms: u64,
    /// The id of the last one as an entry, and how that is kept.
    id: StreamId,
    kept_id: StreamId,
    deleted: u64,
    /// The last position of each key.
    keys: BTreeMap<CompactString, u64>,
    /// Ids that were chosen.
    ids: BTreeSet<CompactString>,
    /// The one before it of its key, of each message that is open in some group.
    pub(super) before: BTreeMap<u64, u64>,
}

/// Looks at each message once.
pub(super) fn look_at_all(
    books: &Books<'_>,
    topics: &mut BTreeMap<CompactString, Rows>,
    faults: &mut Vec<String>,
) {
    let number = |key: &mut KeyReader<'_>| key.number();
    for (key, message) in books.each(&MESSAGES) {
        let Some((name, position)) = split(books, key.parts(), number) else {
            faults.push(no_key(MESSAGES.def().name(), &key));
            continue;
        };
        let rows = topics.entry(name.clone()).or_default();
        let mut fault =
            |what: String| faults.push(format!("topic {name} message {position}{what}"));
        look_at(books, rows, (position, &message), &mut fault);
    }
}

fn look_at(
    books: &Books<'_>,
    rows: &mut Rows,
    (position, message): (u64, &Message),
    fault: Fault<'_>,
) {
    let groups = &mut rows.groups.values();
    if groups.any(|group| group.is_open(position)) {
        rows.seen.before.insert(position, message.before);
    }
    let first = rows.part().map_or(1, |part| part.first);
    if position < first {
        if !rows.pins.contains_key(&position) {
            fault(format!(": it lies before {first}, and nothing pins it"));
        }
        return;
    }
    rows.seen
        .look_at_kept(books, first, (position, message), fault);
    check_id(rows, (position, message), fault);
}

impl Seen {
    fn look_at_kept(
        &mut self,
        books: &Books<'_>,
        first: u64,
        (position, message): (u64, &Message),
        fault: Fault<'_>,
    ) {
        let due = if self.last == 0 { first } else { self.last + 1 };
        if position != due {
            fault(format!(": {due} was due"));
        }
        if message.at_ms < self.at_ms || message.at_ms > books.clock_up_to_ms() {
            fault(format!(
                ": published at {}, behind one of {}, with the clock before {}",
                message.at_ms,
                self.at_ms,
                books.clock_up_to_ms()
            ));
        }
        let id = message.id_at(position);
        if id <= self.id {
            fault(format!(": entry {id}, behind {}", self.id));
        }
        if message.is_deleted
            && (message.bytes() > 0 || !message.is_expired(books.clock_up_to_ms()))
        {
            fault(": it is deleted, and there is something of it".to_owned());
        }
        (self.id, self.kept_id) = (id, message.id);
        self.deleted += u64::from(message.is_deleted);
        self.check_before(first, (position, message), fault);
        if self.last == 0 {
            self.first_at_ms = message.at_ms;
        }
        self.last = position;
        self.bytes += message.bytes() as u64;
        self.at_ms = message.at_ms;
    }

    /// It is behind the last one of its key, or behind one that is not kept.
    fn check_before(&mut self, first: u64, (position, message): (u64, &Message), fault: Fault<'_>) {
        let key = &message.key;
        let last = (!key.is_empty()).then(|| self.keys.insert(key.clone(), position));
        let is_right = match last {
            Some(Some(last)) => message.before == last,
            Some(None) => message.before < first,
            None => message.before == 0,
        };
        if !is_right {
            let last = last.flatten().unwrap_or(0);
            fault(format!(
                ": behind {} in its key, it is behind {last}",
                message.before
            ));
        }
    }
}

/// A message has one id, and if that was chosen it is known under it.
fn check_id(rows: &mut Rows, (position, message): (u64, &Message), fault: Fault<'_>) {
    if message.chosen.is_empty() != (message.minted > 0) {
        fault(format!(
            ": its ids are {:?} and {}",
            message.chosen, message.minted
        ));
    }
    if message.chosen.is_empty() {
        return;
    }
    let id = &message.chosen;
    let known = rows.ids.get(id);
    let is_known = known.is_some_and(|known| is_of(known, position, message.at_ms));
    if !is_known || !rows.seen.ids.insert(id.clone()) {
        fault(format!(": under its id {id} there is {known:?}"));
    }
}

fn is_of(known: &Published, position: u64, at_ms: u64) -> bool {
    (known.position, known.at_ms) == (position, at_ms)
}

/// What the messages add up to, beside what the topic says.
pub(super) fn check(rows: &Rows, part: &Part, fault: Fault<'_>) {
    let seen = &rows.seen;
    let is_none = seen.last == 0;
    let has = Part {
        last: if is_none { part.first - 1 } else { seen.last },
        bytes: seen.bytes,
        delayed: rows.delayed.len() as u64,
        last_at_ms: if is_none { part.last_at_ms } else { seen.at_ms },
        first_at_ms: seen.first_at_ms,
        pins: rows.pins.len() as u64,
        id: if is_none { part.id } else { seen.kept_id },
        deleted: seen.deleted,
        ..*part
    };
    if *part != has {
        fault(format!(
            ": it says {part:?}, its messages add up to {has:?}"
        ));
    }
    if rows.keys != seen.keys {
        let differ = rows
            .keys
            .iter()
            .find(|(key, at)| seen.keys.get(*key) != Some(at));
        let (says, has) = (rows.keys.len(), seen.keys.len());
        fault(format!(
            ": {says} keys, its messages have {has}; of these differs {differ:?}"
        ));
    }
    check_delayed(rows, part, fault);
    check_retained(rows, part, fault);
    check_pins(rows, fault);
}

/// What need not be kept has a timer.
fn check_retained(rows: &Rows, part: &Part, fault: Fault<'_>) {
    let due = Some(part.retains_at_ms).filter(|at_ms| *at_ms > 0);
    rows.retains
        .check(due.into_iter().map(|at_ms| (0, at_ms)), "retention", fault);
    let is_late = part.drops_at_ms(0).is_some() && due.is_none();
    if is_late {
        fault(": it has what need not be kept, and looks at it never".to_owned());
    }
}

/// Every dead letter, and every one that is replayed, pins its message.
fn check_pins(rows: &Rows, fault: Fault<'_>) {
    let mut due: BTreeMap<u64, u64> = BTreeMap::new();
    for position in rows.groups.values().flat_map(GroupRows::pinned) {
        *due.entry(position).or_default() += 1;
    }
    if due != rows.pins {
        fault(format!(
            ": pinned are {:?}, and are to be {due:?}",
            rows.pins
        ));
    }
}

fn check_delayed(rows: &Rows, part: &Part, fault: Fault<'_>) {
    let mut ids = rows.seen.ids.clone();
    for (number, message) in &rows.delayed {
        let id = &message.chosen;
        let known = rows.ids.get(id);
        let is_known = known.is_some_and(|known| is_of(known, 0, message.at_ms));
        let is_right = if id.is_empty() {
            message.minted > 0
        } else {
            is_known && message.minted == 0 && ids.insert(id.clone())
        };
        if !is_right || *number > part.delays {
            fault(format!(
                ": delayed {number} of {}: under its id {id} there is {known:?}",
                part.delays
            ));
        }
    }
    for id in rows.ids.keys().filter(|id| !ids.contains(*id)) {
        fault(format!(": the id {id} is of no message"));
    }
    let due = rows.delayed.iter();
    let due = due.map(|(number, message)| (*number, message.at_ms));
    rows.appears.check(due, "delayed", fault);
}
