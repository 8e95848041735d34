//! Events that were taken in, by their ids.
//!
//! An id lies in the *generation* in which it came, each as long as ids are remembered; so it is in the present one or in
//! the one before, and a generation goes as a whole when the one behind it is over. When it came is kept with it, so the
//! window is exact: an id is known for as long as was declared, and from then on is a new one.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};
use xxhash_rust::xxh3::xxh3_128;

use crate::limits::{PAGE_IDS, STEP_PAGES};
use crate::table::{DOMAIN, GENERATIONS, Generation, Hashes, ID_PAGES, IDS, Seen, halves};

/// Set with a generation, due when none of its ids is remembered: nobody waits for it.
pub(crate) const FORGET: Timer = Timer::idle(DOMAIN, 1, forget, forget_reads);

/// The hash of an id: its scope is the key, so wherever that lies the answer is the same.
pub(crate) fn hash_of(key: &str, id: &str) -> u128 {
    let mut bytes = [0; 260];
    let (key, id) = (key.as_bytes(), id.as_bytes());
    let behind = key.len() + 1;
    bytes[..key.len()].copy_from_slice(key);
    bytes[behind..behind + id.len()].copy_from_slice(id);
    xxh3_128(&bytes[..behind + id.len()])
}

/// Whether an event came before.
pub(crate) enum Came {
    /// It did not, and is remembered now.
    Never,
    /// It did.
    Before {
        /// It was late then.
        was_late: bool,
    },
    /// Another one did that had its id.
    Another,
}

/// The ids that one command brings to a counter.
pub(crate) struct Ids<'a> {
    name: &'a str,
    window_ms: u64,
    now_ms: u64,
    new: Vec<u128>,
}

impl<'a> Ids<'a> {
    pub(crate) fn new(name: &'a str, window_ms: u64, now_ms: u64) -> Self {
        Self {
            name,
            window_ms,
            now_ms,
            new: Vec::new(),
        }
    }

    fn generation(&self) -> u64 {
        self.now_ms / self.window_ms
    }

    /// Whether an event came before; from now on it has.
    pub(crate) fn take(
        &mut self,
        tx: &mut Tx<'_>,
        hash: u128,
        (content, is_late): (u64, bool),
    ) -> Result<Came, Missing> {
        if let Some(earlier) = self.earlier(tx, hash)? {
            if earlier.content != content {
                return Ok(Came::Another);
            }
            let was_late = earlier.is_late;
            return Ok(Came::Before { was_late });
        }
        let generation = self.generation();
        let since_ms = self.now_ms - generation * self.window_ms;
        let (high, low) = halves(hash);
        let seen = Seen {
            since_ms,
            content,
            is_late,
        };
        tx.put(&IDS, (self.name, generation, high, low), seen);
        self.new.push(hash);
        Ok(Came::Never)
    }

    /// The event that had this id, if it is remembered.
    fn earlier(&self, tx: &mut Tx<'_>, hash: u128) -> Result<Option<Seen>, Missing> {
        let generation = self.generation();
        let (high, low) = halves(hash);
        if let Some(seen) = tx.get(&IDS, (self.name, generation, high, low))? {
            return Ok(Some(seen));
        }
        let Some(before) = generation.checked_sub(1) else {
            return Ok(None);
        };
        let seen = tx.get(&IDS, (self.name, before, high, low))?;
        Ok(seen.filter(|seen| {
            let came_ms = before * self.window_ms + seen.since_ms;
            self.now_ms - came_ms < self.window_ms
        }))
    }

    /// Names the rows that an id needs.
    pub(crate) fn reads(&self, reads: &mut Reads<'_>, hash: u128) {
        let generation = self.generation();
        let (high, low) = halves(hash);
        for generation in generation.saturating_sub(1)..=generation {
            reads.row(&IDS, (self.name, generation, high, low));
        }
    }

    /// Names the rows that all of them need.
    pub(crate) fn reads_of_pages(&self, reads: &mut Reads<'_>) {
        let generation = self.generation();
        let row = reads.get(&GENERATIONS, (self.name, generation));
        let ids = row.unwrap_or_default().ids;
        reads.row(&ID_PAGES, (self.name, generation, ids / PAGE_IDS));
    }

    /// Notes those that are new in the pages of their generation.
    pub(crate) fn note(self, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Some(mut hashes) = Some(self.new.iter()).filter(|hashes| hashes.len() > 0) else {
            return Ok(());
        };
        let (name, number) = (self.name, self.generation());
        let row = tx.get(&GENERATIONS, (name, number))?;
        if row.is_none() {
            let over_ms = over_ms(number, self.window_ms);
            tx.wake_at(&FORGET, over_ms, (name, number));
        }
        let mut generation = row.unwrap_or_default();
        while hashes.len() > 0 {
            let (page, has) = (generation.ids / PAGE_IDS, generation.ids % PAGE_IDS);
            let mut row = Hashes::default();
            if has > 0 {
                row = tx.get(&ID_PAGES, (name, number, page))?.unwrap_or_default();
            }
            for hash in hashes.by_ref().take((PAGE_IDS - has) as usize) {
                row.push(*hash);
                generation.ids += 1;
            }
            tx.put(&ID_PAGES, (name, number, page), row);
        }
        tx.put(&GENERATIONS, (name, number), generation);
        Ok(())
    }
}

fn owner_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, u64) {
    let owner = owner.text().zip(owner.number());
    owner.expect("because the timer is set with both")
}

/// The pages that go next.
pub(crate) fn next_pages(generation: &Generation) -> std::ops::Range<u64> {
    let pages = generation.ids.div_ceil(PAGE_IDS);
    let first = generation.pages_gone;
    first..pages.min(first + STEP_PAGES)
}

fn forget_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, number) = owner_of(&mut owner);
    if let Some(generation) = reads.get(&GENERATIONS, (name, number)) {
        for page in next_pages(&generation) {
            reads.row(&ID_PAGES, (name, number, page));
        }
    }
}

/// Some ids of a generation go; a further timer goes on with the rest.
fn forget(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, number) = owner_of(&mut owner);
    let Some(mut generation) = tx.get(&GENERATIONS, (name, number))? else {
        return Ok(());
    };
    if !drop_pages(tx, (name, number), &mut generation)? {
        tx.wake_at(&FORGET, tx.now_ms(), (name, number));
    }
    Ok(())
}

/// The next pages of a generation go, with their ids. Whether nothing is left of it.
pub(crate) fn drop_pages(
    tx: &mut Tx<'_>,
    (name, number): (&str, u64),
    generation: &mut Generation,
) -> Result<bool, Missing> {
    for page in next_pages(generation) {
        let hashes = tx.get(&ID_PAGES, (name, number, page))?;
        for hash in hashes.unwrap_or_default().iter() {
            let (high, low) = halves(hash);
            tx.remove(&IDS, (name, number, high, low));
        }
        tx.remove(&ID_PAGES, (name, number, page));
        generation.pages_gone += 1;
    }
    let is_gone = next_pages(generation).is_empty();
    if is_gone {
        tx.remove(&GENERATIONS, (name, number));
    } else {
        tx.put(&GENERATIONS, (name, number), *generation);
    }
    Ok(is_gone)
}

/// When a generation is over: none of its ids is remembered from then on.
pub(crate) fn over_ms(number: u64, window_ms: u64) -> u64 {
    (number + 2) * window_ms
}
