//! Files of trees that are needed no more.
//!
//! The library removes a file when nobody holds it any more: those that a merge has read, all at once,
//! while it keeps everybody from the tree. A file system that tells the device what is free takes its
//! time for that: 0.8 ms a MiB were seen, which of ten GiB is eight seconds. So whoever merges holds
//! these files too, lets go of one after another when the library is done, and frees each bit by bit.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lsm_tree::{AbstractTree, AnyTree, Table};

use crate::disk::free;

/// The files that a merge reads.
pub(super) struct Inputs {
    tables: PathBuf,
    files: Vec<Table>,
}

impl Inputs {
    /// Those of some levels of the tree in a folder.
    pub(super) fn of(folder: &Path, tree: &AnyTree, levels: [usize; 2]) -> Self {
        let version = tree.current_version();
        let of_merge = version.iter_levels().enumerate();
        let of_merge = of_merge.filter(|(number, _)| levels.contains(number));
        let runs = of_merge.flat_map(|(_, level)| level.iter());
        Self {
            tables: folder.join("tables"),
            files: runs.flat_map(|run| run.iter().cloned()).collect(),
        }
    }

    /// Lets go of them: those that the tree does not have any more are removed.
    pub(super) fn let_go(self) {
        for file in self.files {
            let path = self.tables.join(file.id().to_string());
            // One that cannot be opened goes all the same, only less gently.
            let open = fs::OpenOptions::new().write(true).open(path).ok();
            drop(file);
            open.iter().for_each(free_if_gone);
        }
    }
}

/// Frees the room of a file, unless the tree has it still, or somebody else holds it.
fn free_if_gone(file: &fs::File) {
    if let Ok(about) = file.metadata()
        && about.nlink() == 0
    {
        free(about.len(), |left| file.set_len(left));
    }
}

/// Removes a folder and all that is in it.
pub(super) fn remove_folder(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder.join("tables")).into_iter().flatten() {
        let path = entry?.path();
        let file = fs::OpenOptions::new().write(true).open(&path).ok();
        fs::remove_file(&path)?;
        file.iter().for_each(free_if_gone);
    }
    fs::remove_dir_all(folder)
}
