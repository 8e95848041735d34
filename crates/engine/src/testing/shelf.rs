//! Books: rows that go to an archive when nobody has asked for a while, as finished things do.

use std::collections::BTreeMap;

use compact_str::CompactString;
use minicbor::{Decode, Encode};

use super::toy::NUMBER;
use crate::archive::{Retention, Slice};
use crate::contract::{
    Apply, Audit, Books, Limit, Name, Page, PageItem, RefusalDef, Refuse, Scan, ScanContext,
    Status, Timer, Writer,
};
use crate::key::KeyReader;
use crate::row::Row;
use crate::table::{Missing, Table};
use crate::tx::{Reads, Stop, Tx};
use crate::{reply, request};

/// By key and id. Once a book is in the archive, what is left of it says where.
pub(super) const BOOKS: Table<Book> = Table::keyed(NUMBER, 11, "note.books");
/// By slice, key and id.
pub(super) const SHELF: Table<Book> = Table::archive(NUMBER, 10, "note.shelf", SHELVES);
pub(super) const SHELVE: Timer = Timer::idle(NUMBER, 2, shelve, shelve_reads);

/// How books are kept.
pub const SHELVES: Retention = Retention {
    after_ms: 10_000,
    slice_ms: 10_000,
    keep_ms: 60_000,
};

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Book {
    #[cbor(n(0), with = "crate::text")]
    text: CompactString,
    #[n(1)]
    slice: Option<Slice>,
}

impl Row for Book {}

const UNKNOWN: RefusalDef = RefusalDef {
    code: "unknown_book",
    status: Status::NotFound,
    doc: "No such book.",
};
const DROPPED: RefusalDef = RefusalDef {
    code: "book_dropped",
    status: Status::Conflict,
    doc: "There was such a book; its text is kept no more.",
};

/// Why there is no book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBook {
    /// There was none.
    Unknown,
    /// Its slice is dropped.
    Dropped,
}

impl Refuse for NoBook {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::Unknown => &UNKNOWN,
            Self::Dropped => &DROPPED,
        }
    }

    fn facts(&self, _out: &mut dyn Writer) {}
}

request! {
    /// Stores a book, unless the id is taken.
    pub struct Store {
        /// The key.
        key: Name,
        /// The id of the book.
        book: Name,
        /// The text.
        text: Name,
    }
}

request! {
    /// Reads a book.
    pub struct Stored {
        /// The key.
        key: Name,
        /// The id of the book.
        book: Name,
    }
}

request! {
    /// Lists the books of a key that are in the archive, in the order of their ids.
    pub struct Shelf {
        /// The key.
        key: Name,
        /// Only ids behind this one.
        ["AFTER"] after: Option<Name>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

reply! {
    /// A book.
    pub struct BookInfo {
        /// Its id.
        book: CompactString,
        /// The text.
        text: CompactString,
        /// Whether it was read from the archive.
        is_shelved: bool,
    }
}

impl PageItem for BookInfo {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.book.clone()
    }
}

fn info(book: &str, text: CompactString, is_shelved: bool) -> BookInfo {
    let book = book.into();
    BookInfo {
        book,
        text,
        is_shelved,
    }
}

/// A book, wherever it is.
fn find(tx: &mut Tx<'_>, key: &str, id: &str) -> Result<BookInfo, Stop<NoBook>> {
    let book = tx.get(&BOOKS, (key, id))?.ok_or(NoBook::Unknown)?;
    let Some(slice) = book.slice else {
        return Ok(info(id, book.text, false));
    };
    let book = tx.get(&SHELF, (slice, key, id))?.ok_or(NoBook::Dropped)?;
    Ok(info(id, book.text, true))
}

impl Apply for Store {
    type Reply = BookInfo;
    type Refusal = NoBook;
    const REFUSALS: &'static [RefusalDef] = &[DROPPED];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&BOOKS, (self.key.as_str(), self.book.as_str()));
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<BookInfo, Stop<NoBook>> {
        let key = (self.key.as_str(), self.book.as_str());
        if tx.get(&BOOKS, key)?.is_none() {
            let text = self.text.compact();
            tx.put(&BOOKS, key, Book { text, slice: None });
            let at_ms = tx.archive_at_ms(&SHELF, tx.now_ms());
            tx.wake_at(&SHELVE, at_ms, key);
        }
        find(tx, key.0, key.1)
    }
}

impl Apply for Stored {
    type Reply = BookInfo;
    type Refusal = NoBook;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN, DROPPED];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&BOOKS, (self.key.as_str(), self.book.as_str()));
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<BookInfo, Stop<NoBook>> {
        find(tx, self.key.as_str(), self.book.as_str())
    }
}

impl Scan for Shelf {
    type Item = BookInfo;
    type Refusal = NoBook;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[SHELF.id()];

    fn key(&self) -> Option<&str> {
        Some(self.key.as_str())
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<BookInfo>, NoBook> {
        let key = self.key.as_str();
        let after = self.after.as_ref().map(|after| (key, after.as_str()));
        let rows = context.archived(&SHELF, &key, after.as_ref());
        let books = rows.take(self.limit() + 1).map(|(row, book)| {
            let mut parts = row.parts();
            let (_slice, _key) = (parts.slice(), parts.text());
            info(parts.text().unwrap_or_default(), book.text, true)
        });
        Ok(Page::cut(books.collect(), self.limit()))
    }
}

fn owner_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, &'a str) {
    let parts = owner.text().zip(owner.text());
    parts.expect("because the timer is set with a key and an id")
}

fn shelve_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    reads.row(&BOOKS, owner_of(&mut owner));
}

fn shelve(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (key, id) = owner_of(&mut owner);
    let Some(book) = tx.get(&BOOKS, (key, id))? else {
        return Ok(());
    };
    let slice = tx.slice(&SHELF);
    let stub = Book {
        text: CompactString::default(),
        slice: Some(slice),
    };
    tx.put(&BOOKS, (key, id), stub);
    tx.put(&SHELF, (slice, key, id), book);
    Ok(())
}

/// Every book has a timer or is in the archive, unless its slice is dropped.
pub(super) fn audit(books: &Books<'_>, audit: &mut Audit) {
    let mut timers: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    for timer in books.timers(&SHELVE) {
        *timers.entry(timer.owner().rest().to_vec()).or_default() += 1;
    }
    let shelved = books.rows(&SHELF);
    let on_shelf = |key: &str, id: &str, slice: Slice| {
        shelved.iter().any(|(row, _)| {
            let mut parts = row.parts();
            parts.slice() == Some(slice) && parts.text() == Some(key) && parts.text() == Some(id)
        })
    };
    let mut expected = 0;
    for (row, book) in books.rows(&BOOKS) {
        let (key, id) = owner_of(&mut row.parts());
        let sound = match (book.slice, timers.remove(row.parts().rest())) {
            (None, Some(1)) => true,
            (Some(slice), None) if books.keeps(&SHELF, slice) => {
                expected += 1;
                on_shelf(key, id, slice)
            }
            (Some(_), None) => true,
            (_, _) => false,
        };
        if !sound {
            let fault = format!("book {key} {id} is lost, or its timer");
            audit.faults.push(fault);
        }
    }
    if expected != shelved.len() || !timers.is_empty() {
        let (rows, timers) = (shelved.len(), timers.len());
        audit.faults.push(format!(
            "{rows} books in the archive instead of {expected}, {timers} timers of none"
        ));
    }
}
