//! A base goes on without its damaged files.

use std::io;
use std::path::Path;

use super::BaseError;
use super::damage::{BaseDamage, Depth, Found, of_tree};
use super::listing::{Listing, NoListing};
use super::lsm::{folders_in, io_error};
use crate::table::TableDef;

/// Every damaged file of a base in a folder, which need not be open, and is not changed.
///
/// # Errors
/// A file cannot be read.
pub fn damages_in(folder: &Path, defs: &[TableDef]) -> Result<Vec<BaseDamage>, BaseError> {
    let fail = |error| io_error(folder, error);
    let mut damages = Vec::new();
    for keyspace in folders_in(folder, defs).map_err(fail)?.keyspaces {
        let found = of_tree(defs, folder, keyspace, Depth::Whole).map_err(fail)?;
        damages.extend(found.into_iter().map(|found| found.damage));
    }
    Ok(damages)
}

/// Takes every damaged file of a base out of use, durably, and gives what it has taken out: files, or
/// the whole folder of a table whose list of files is lost. `set_aside` moves them elsewhere. Rows
/// that an older file holds under the same keys count again.
///
/// A file is moved before it leaves the list: what is on no list is removed when the tree is opened.
///
/// # Errors
/// A file cannot be read, moved or written. It may be run again then.
pub(crate) fn drop_damaged(
    folder: &Path,
    defs: &[TableDef],
    set_aside: &mut dyn FnMut(&Path) -> io::Result<()>,
) -> Result<Vec<BaseDamage>, BaseError> {
    let fail = |error| io_error(folder, error);
    let mut dropped = Vec::new();
    for keyspace in folders_in(folder, defs).map_err(fail)?.keyspaces {
        let tree = folder.join(keyspace.name());
        let found = of_tree(defs, folder, keyspace, Depth::Whole).map_err(fail)?;
        if found.is_empty() {
            continue;
        }
        drop_of_tree(&tree, &found, set_aside).map_err(fail)?;
        dropped.extend(found.into_iter().map(|found| found.damage));
    }
    Ok(dropped)
}

fn drop_of_tree(
    tree: &Path,
    found: &[Found],
    set_aside: &mut dyn FnMut(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let mut files = Vec::new();
    for Found { file, .. } in found {
        match file {
            None => return set_aside(tree),
            Some((id, path)) => {
                if path.exists() {
                    set_aside(path)?;
                }
                files.push(*id);
            }
        }
    }
    match Listing::read(tree) {
        Ok(listing) => listing.write_without(&files),
        Err(NoListing::Io(error)) => Err(error),
        Err(NoListing::Fresh | NoListing::Lost(_)) => {
            Err(io::Error::other("its list of files was there a moment ago"))
        }
    }
}
