//! Damages of the base, told file by file, whether it can be opened or not.

use std::fmt::{self, Display};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsm_tree::{Cache, Checksum, Table};
use xxhash_rust::xxh3::Xxh3;

use super::keyspace::Keyspace;
use super::listing::{Listed, Listing, Lost, NoListing};
use super::name_of;
use crate::key::Slot;
use crate::table::TableDef;

/// Something of the base that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseDamage {
    /// The table, if it is about one.
    pub table: Option<&'static str>,
    /// The file.
    pub path: String,
    /// The first and the last key of the rows that it holds, if that can be told.
    pub keys: Option<(Vec<u8>, Vec<u8>)>,
    /// How many rows it holds, removed ones included, if that can be told.
    pub rows: Option<u64>,
    /// What is wrong with it.
    pub what: String,
}

impl BaseDamage {
    /// The slots of the first and the last row.
    #[must_use]
    pub fn slots(&self) -> Option<(Slot, Slot)> {
        let slot = |key: &[u8]| {
            key.first_chunk()
                .map(|slot| Slot(u16::from_be_bytes(*slot)))
        };
        let (first, last) = self.keys.as_ref()?;
        Some((slot(first)?, slot(last)?))
    }

    /// The first and the last key behind their slots, as people can read them.
    #[must_use]
    pub fn shown_keys(&self) -> Option<(String, String)> {
        let shown = |key: &[u8]| key.get(2..).map(|parts| parts.escape_ascii().to_string());
        let (first, last) = self.keys.as_ref()?;
        Some((shown(first)?, shown(last)?))
    }
}

impl Display for BaseDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(table) = self.table {
            write!(f, ": table {table}")?;
        }
        if let (Some((from, to)), Some((first, last))) = (self.slots(), self.shown_keys()) {
            write!(f, ", slots {} to {}, keys {first} to {last}", from.0, to.0)?;
        }
        if let Some(rows) = self.rows {
            write!(f, ", {rows} rows")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// How much of each file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// What opening it reads.
    Ends,
    /// All of it.
    Whole,
}

/// A damage of one tree, and what a repair sets aside for it.
pub(super) struct Found {
    pub(super) damage: BaseDamage,
    /// The file to be taken off the list; none if there is no list any more.
    pub(super) file: Option<(u64, PathBuf)>,
}

/// Looks at every file of a tree, which need not be open.
pub(super) fn of_tree(
    defs: &[TableDef],
    base: &Path,
    keyspace: Keyspace,
    depth: Depth,
) -> io::Result<Vec<Found>> {
    let named = |path: &Path, what: String| BaseDamage {
        table: name_of(defs, keyspace.table),
        path: path.display().to_string(),
        keys: None,
        rows: None,
        what,
    };
    let listing = match Listing::read(&base.join(keyspace.name())) {
        Ok(listing) => listing,
        Err(NoListing::Fresh) => return Ok(Vec::new()),
        Err(NoListing::Lost(Lost { path, what })) => {
            let what = format!("{what}, so that no row of the table can be told from older ones");
            let damage = named(&path, what);
            return Ok(vec![Found { damage, file: None }]);
        }
        Err(NoListing::Io(error)) => return Err(error),
    };
    let mut found = Vec::new();
    for (file, path) in listing.files() {
        let Some(what) = what_is_wrong(file, &path, depth)? else {
            continue;
        };
        let mut damage = named(&path, what);
        if let Some(opened) = open(file, &path).ok().filter(|_| path.exists()) {
            let range = &opened.metadata.key_range;
            damage.keys = Some((range.min().to_vec(), range.max().to_vec()));
            damage.rows = Some(opened.metadata.item_count);
        }
        let file = Some((file.id, path));
        found.push(Found { damage, file });
    }
    Ok(found)
}

fn what_is_wrong(file: &Listed, path: &Path, depth: Depth) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some("the file is missing".to_owned()));
        }
        found => found?,
    };
    if depth == Depth::Whole {
        let is_sound = sum_of(path)? == file.sum;
        return Ok((!is_sound).then(|| "the file is not what was written".to_owned()));
    }
    match open(file, path) {
        Ok(_) => Ok(None),
        Err(lsm_tree::Error::Io(error)) if !is_of_bytes(&error) => Err(error),
        Err(error) => Ok(Some(format!("the file is not what was written: {error:?}"))),
    }
}

/// Whether the machine could do what it was asked, and the bytes are to blame.
pub(super) fn is_of_bytes(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, NotFound, UnexpectedEof};
    [InvalidData, InvalidInput, NotFound, UnexpectedEof].contains(&error.kind())
}

/// Opens one file, apart from its tree.
fn open(file: &Listed, path: &Path) -> lsm_tree::Result<Table> {
    let cache = Arc::new(Cache::with_capacity_bytes(0));
    let sum = Checksum::from_raw(file.sum);
    Table::recover(
        path.to_owned(),
        sum,
        file.seqno,
        0,
        cache,
        None,
        false,
        false,
    )
}

/// The checksum over a file, as its tree remembers it.
fn sum_of(path: &Path) -> io::Result<u128> {
    let mut file = fs::File::open(path)?;
    let mut sum = Xxh3::new();
    let mut some = vec![0; 1 << 20];
    loop {
        match file.read(&mut some)? {
            0 => return Ok(sum.digest128()),
            read => sum.update(&some[..read]),
        }
    }
}
