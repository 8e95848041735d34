//! A request that looks in several places.

use compact_str::{CompactString, format_compact};

use super::{FADE, NOTES};
use crate::contract::{Apply, Bounded, List, Name, Never, RefusalDef};
use crate::key::Slot;
use crate::round::Place;
use crate::splits::Splits;
use crate::tx::{Reads, Stop, Tx};
use crate::{reply, request};

request! {
    /// A key.
    pub(super) struct Key {
        /// The key.
        key: Name,
    }
}

request! {
    /// Takes the note away of the first of these keys that has one, or waits for one.
    pub(super) struct Seize {
        /// The keys, in the order in which they are looked at.
        keys: List<Key, 4>,
        /// How long one is waited for.
        ["WAIT"] wait_ms: Bounded<0, 1_000> = 0,
    }
}

reply! {
    /// A note that was taken away, if there was one.
    pub(super) struct Seized {
        /// Its key.
        key: Option<CompactString>,
        /// Its text.
        text: Option<CompactString>,
    }
}

/// What those wait for who would take a note away.
pub(super) fn seizable(key: &str) -> CompactString {
    format_compact!("{key}\u{1}")
}

impl Seize {
    fn key_at(&self, place: u16) -> &str {
        self.keys.items()[usize::from(place)].key.as_str()
    }
}

impl Apply for Seize {
    type Reply = Seized;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.key_at(0)
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn round(&self, _splits: &Splits, _nth: u64) -> Option<Vec<Place>> {
        let places = (0..).zip(self.keys.items()).map(|(number, item)| Place {
            slot: Slot::of(item.key.as_str().as_bytes()),
            number,
            awaits: seizable(item.key.as_str()),
        });
        Some(places.collect())
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Seized, Stop<Never>> {
        let key = self.key_at(tx.place());
        let Some(note) = tx.get(&NOTES, key)? else {
            return if tx.may_wait() {
                Err(Stop::Wait)
            } else {
                Ok(Seized {
                    key: None,
                    text: None,
                })
            };
        };
        tx.cancel(&FADE, note.fades_at_ms, key);
        tx.remove(&NOTES, key);
        Ok(Seized {
            key: Some(CompactString::new(key)),
            text: Some(note.text),
        })
    }
}
