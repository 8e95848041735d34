//! Where rows lie together: a table, or one slice of an archive.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Change;
use crate::archive::Slice;
use crate::table::TableDef;

/// A whole table, or one slice of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Keyspace {
    pub(super) table: u16,
    pub(super) slice: Option<Slice>,
}

impl Keyspace {
    /// A table that is no archive.
    pub(super) fn whole(table: u16) -> Self {
        Self { table, slice: None }
    }

    /// That of a row of this table.
    pub(super) fn of(defs: &[TableDef], table: u16, key: &[u8]) -> Self {
        let slice = is_archive(defs, table)
            .then(|| Slice::of_key(key))
            .flatten();
        Self { table, slice }
    }

    /// All of an archive before a slice.
    pub(super) fn before(table: u16, below: Slice) -> Range<Self> {
        let end = Self {
            table,
            slice: Some(below),
        };
        Self::whole(table)..end
    }

    /// The name of its folder or file: the table in hexadecimal, and the slice.
    pub(super) fn name(self) -> String {
        match self.slice {
            Some(Slice(slice)) => format!("{:04x}-{slice:08x}", self.table),
            None => format!("{:04x}", self.table),
        }
    }

    /// That of a name, if the table is known and sliced as the name says.
    pub(super) fn named(defs: &[TableDef], name: &str) -> Option<Self> {
        let (table, slice) = match name.split_once('-') {
            Some((table, slice)) => (table, Some(u32::from_str_radix(slice, 16).ok()?)),
            None => (name, None),
        };
        let keyspace = Self {
            table: u16::from_str_radix(table, 16).ok()?,
            slice: slice.map(Slice),
        };
        let def = defs.iter().find(|def| def.id == keyspace.table)?;
        let is_sound = def.retention.is_some() == keyspace.slice.is_some();
        (is_sound && keyspace.name() == name).then_some(keyspace)
    }
}

/// Whether a table is sliced.
pub(super) fn is_archive(defs: &[TableDef], table: u16) -> bool {
    let mut defs = defs.iter();
    defs.any(|def| def.id == table && def.retention.is_some())
}

/// The keyspaces of a table that may have rows whose keys start with `prefix`.
pub(super) fn within<'a, T>(
    all: &'a BTreeMap<Keyspace, T>,
    table: u16,
    prefix: &[u8],
) -> impl Iterator<Item = (&'a Keyspace, &'a T)> + use<'a, T> {
    let slice = Slice::of_key(prefix);
    let of_slice = slice.into_iter().flat_map(|slice| [None, Some(slice)]);
    let of_slice = of_slice.filter_map(move |slice| all.get_key_value(&Keyspace { table, slice }));
    let of_table = slice.is_none().then(|| all.range(Keyspace::whole(table)..));
    let of_table = of_table.into_iter().flatten();
    of_slice.chain(of_table.take_while(move |(keyspace, _)| keyspace.table == table))
}

/// Changes of an archive by slice, those of slices from `floor` on.
pub(super) fn by_slice<'a>(
    changes: &mut dyn Iterator<Item = Change<'a>>,
    floor: Slice,
) -> BTreeMap<Slice, Vec<Change<'a>>> {
    let mut slices: BTreeMap<Slice, Vec<Change<'a>>> = BTreeMap::new();
    for (key, row) in changes {
        let slice = Slice::of_key(key).filter(|slice| *slice >= floor);
        if let Some(slice) = slice {
            slices.entry(slice).or_default().push((key, row));
        }
    }
    slices
}
