//! What a tree's folder says of its files, read without opening the tree.
//!
//! The library does not look whether its list of files is what was written, and opening a tree removes
//! every file that is not on the list. So the list is checked before, against the sum that stands in
//! the file `current`; and a repair takes a file off the list by writing the next list.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

const CURRENT: &str = "current";
const FILES: &str = "tables";
const CURRENT_BYTES: usize = 25;

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: u64,
    pub(super) sum: u128,
    pub(super) seqno: u64,
}

/// The files of a tree: levels of runs of files, newest first.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    folder: PathBuf,
    version: u64,
    /// Sections of the list, by name, as they lie in its file.
    sections: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) levels: Vec<Vec<Vec<Listed>>>,
}

/// A list that cannot be used.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) path: PathBuf,
    pub(super) what: String,
}

/// Why a folder has no list.
#[derive(Debug)]
pub(super) enum NoListing {
    /// The tree has not been made to its end: it holds nothing.
    Fresh,
    /// There was one.
    Lost(Lost),
    /// The machine failed a read.
    Io(io::Error),
}

impl From<io::Error> for NoListing {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn lost(path: PathBuf, what: &str) -> NoListing {
    let what = what.to_owned();
    NoListing::Lost(Lost { path, what })
}

impl Listing {
    /// Reads the list of a tree's folder.
    pub(super) fn read(folder: &Path) -> Result<Self, NoListing> {
        let path = folder.join(CURRENT);
        let current = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(if has_files(folder)? {
                    lost(path, "the file is missing")
                } else {
                    NoListing::Fresh
                });
            }
            current => current?,
        };
        let Some((version, sum)) = parse_current(&current) else {
            return Err(lost(path, "the file is not what was written"));
        };
        let path = folder.join(name_of(version));
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let what = "the list of files that `current` names is missing";
                return Err(lost(path, what));
            }
            bytes => bytes?,
        };
        if xxh3_128(&bytes) != sum {
            return Err(lost(
                path,
                "the list of files is not the one that `current` names",
            ));
        }
        let parsed = sections(&path, &bytes).and_then(|sections| {
            let levels = levels(section(&sections, FILES)?)?;
            Some((sections, levels))
        });
        let Some((sections, levels)) = parsed else {
            return Err(lost(path, "the list of files cannot be read"));
        };
        Ok(Self {
            folder: folder.to_owned(),
            version,
            sections,
            levels,
        })
    }

    /// All files, with where each lies.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Listed, PathBuf)> {
        let files = self.levels.iter().flatten().flatten();
        files.map(|file| (file, self.folder.join(FILES).join(file.id.to_string())))
    }

    /// Makes a list without some files the one that counts, durably.
    pub(super) fn write_without(mut self, dropped: &[u64]) -> io::Result<()> {
        for run in self.levels.iter_mut().flatten() {
            run.retain(|file| !dropped.contains(&file.id));
        }
        for level in &mut self.levels {
            level.retain(|run| !run.is_empty());
        }
        let version = self.version + 1;
        let bytes = self.encode()?;
        write_durably(&self.folder, &name_of(version), &bytes)?;
        let mut current = Vec::with_capacity(CURRENT_BYTES);
        current.extend_from_slice(&version.to_le_bytes());
        current.extend_from_slice(&xxh3_128(&bytes).to_le_bytes());
        current.push(0);
        write_durably(&self.folder, CURRENT, &current)
    }

    fn encode(&self) -> io::Result<Vec<u8>> {
        let mut out = sfa::Writer::from_writer(io::Cursor::new(Vec::new()));
        for (name, bytes) in &self.sections {
            out.start(name.as_slice())?;
            if name == FILES.as_bytes() {
                out.write_all(&encode_levels(&self.levels))?;
            } else {
                out.write_all(bytes)?;
            }
        }
        let out = out
            .into_inner()
            .map_err(|error| io::Error::other(format!("{error:?}")))?;
        Ok(out.into_inner())
    }
}

/// The name of a list.
fn name_of(version: u64) -> String {
    format!("v{version}")
}

fn has_files(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder.join(FILES)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        files => Ok(files?.next().transpose()?.is_some()),
    }
}

/// The number of the list that counts, and its sum.
fn parse_current(bytes: &[u8]) -> Option<(u64, u128)> {
    let (version, rest) = bytes.split_first_chunk::<8>()?;
    let (sum, kind) = rest.split_first_chunk::<16>()?;
    (kind == [0]).then(|| (u64::from_le_bytes(*version), u128::from_le_bytes(*sum)))
}

fn sections(path: &Path, bytes: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let reader = sfa::Reader::new(path).ok()?;
    let section = |entry: &sfa::TocEntry| {
        let from = usize::try_from(entry.pos()).ok()?;
        let to = from.checked_add(usize::try_from(entry.len()).ok()?)?;
        Some((entry.name().to_vec(), bytes.get(from..to)?.to_vec()))
    };
    reader.toc().iter().map(section).collect()
}

fn section<'a>(sections: &'a [(Vec<u8>, Vec<u8>)], name: &str) -> Option<&'a [u8]> {
    let found = sections
        .iter()
        .find(|(section, _)| section == name.as_bytes());
    found.map(|(_, bytes)| bytes.as_slice())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn levels(mut bytes: &[u8]) -> Option<Vec<Vec<Vec<Listed>>>> {
    let bytes = &mut bytes;
    let mut levels = Vec::new();
    for _ in 0..u8::from_le_bytes(take(bytes)?) {
        let mut level = Vec::new();
        for _ in 0..u8::from_le_bytes(take(bytes)?) {
            let mut run = Vec::new();
            for _ in 0..u32::from_le_bytes(take(bytes)?) {
                let id = u64::from_le_bytes(take(bytes)?);
                let kind: [u8; 1] = take(bytes)?;
                (kind == [0]).then_some(())?;
                let sum = u128::from_le_bytes(take(bytes)?);
                let seqno = u64::from_le_bytes(take(bytes)?);
                run.push(Listed { id, sum, seqno });
            }
            level.push(run);
        }
        levels.push(level);
    }
    bytes.is_empty().then_some(levels)
}

fn encode_levels(levels: &[Vec<Vec<Listed>>]) -> Vec<u8> {
    let small = |count: usize| u8::try_from(count).expect("because it has only become less");
    let mut out = vec![small(levels.len())];
    for level in levels {
        out.push(small(level.len()));
        for run in level {
            let files = u32::try_from(run.len()).expect("because it has only become less");
            out.extend_from_slice(&files.to_le_bytes());
            for Listed { id, sum, seqno } in run {
                out.extend_from_slice(&id.to_le_bytes());
                out.push(0);
                out.extend_from_slice(&sum.to_le_bytes());
                out.extend_from_slice(&seqno.to_le_bytes());
            }
        }
    }
    out
}

fn write_durably(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = folder.join("new.tmp");
    let mut file = fs::File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, folder.join(name))?;
    fs::File::open(folder)?.sync_all()
}
