//! Timers and letters that stopped the process.
//!
//! Domain code that panics ends the process. A client may ask again or not; but a timer or a letter
//! comes again with every start. So what was running is noted in a file before the process ends, and
//! what has stopped it twice is set aside as a dead letter, where people can see it, and the partition
//! goes on.
//!
//! The file `strikes` is a list of `length 2 │ identity │ crc32c 4`; an identity is `kind 1 │ key`: a
//! timer by its row's key, a letter by its number. What is torn at its end counts as not written.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use compact_str::CompactString;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::contract::{Bounded, Limit, Never, Page, PageItem, RefusalDef, Scan, ScanContext};
use crate::disk::{Disk, File};
use crate::row::Row;
use crate::running::Running;
use crate::table::Table;
use crate::{reply, request};

const NAME: &str = "strikes";

/// How often something may stop the process before it is set aside.
const STRIKES_MAX: u32 = 2;

/// Bytes of the file that are read.
const BYTES_MAX: usize = 1024 * 1024;

/// Which timer or letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity(Vec<u8>);

impl Identity {
    /// A timer, by its row's key.
    pub(crate) fn of_timer(key: &[u8]) -> Self {
        Self([&b"T"[..], key].concat())
    }

    /// A letter, by its number.
    pub(crate) fn of_letter(number: u64) -> Self {
        Self([&b"L"[..], &number.to_be_bytes()].concat())
    }
}

/// Where it is noted what stopped the process.
#[derive(Clone)]
pub struct Strikes {
    pub(crate) disk: Arc<dyn Disk>,
}

impl Strikes {
    /// Notes what was running, if it comes again with every start. Durable when it returns.
    ///
    /// # Errors
    /// It could not be written.
    pub fn note(&self, running: &Running) -> io::Result<()> {
        let Some(Identity(identity)) = &running.identity else {
            return Ok(());
        };
        let (mut file, end) = match self.disk.open(NAME) {
            Ok(file) => {
                // Behind the last sound entry: what is torn would hide what comes behind it.
                let end = entries(&*file)?.1;
                (file, end)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (self.disk.create(NAME, 0)?, 0)
            }
            Err(error) => return Err(error),
        };
        let mut entry = Vec::new();
        let length = u16::try_from(identity.len()).unwrap_or(u16::MAX);
        entry.extend_from_slice(&length.to_le_bytes());
        entry.extend_from_slice(identity);
        entry.extend_from_slice(&crc32c::crc32c(identity).to_le_bytes());
        file.write_at(end, &entry)?;
        file.sync()?;
        self.disk.sync_folder()
    }
}

/// What has stopped the process too often.
pub(crate) fn set_aside(disk: &dyn Disk) -> io::Result<HashSet<Identity>> {
    let file = match disk.open(NAME) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashSet::new()),
        file => file?,
    };
    let mut counts: HashMap<Identity, u32> = HashMap::new();
    for identity in entries(&*file)?.0 {
        *counts.entry(identity).or_default() += 1;
    }
    let often = counts
        .into_iter()
        .filter(|(_, count)| *count >= STRIKES_MAX);
    Ok(often.map(|(identity, _)| identity).collect())
}

/// The sound entries of the file, and where they end.
fn entries(file: &dyn File) -> io::Result<(Vec<Identity>, u64)> {
    let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
    let mut bytes = vec![0; size.min(BYTES_MAX)];
    file.read_at(0, &mut bytes)?;
    let mut rest = bytes.as_slice();
    let mut sound = Vec::new();
    while let Some(identity) = take(&mut rest) {
        sound.push(Identity(identity.to_vec()));
    }
    Ok((sound, (bytes.len() - rest.len()) as u64))
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (identity, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    *bytes = rest;
    (crc32c::crc32c(identity) == u32::from_le_bytes(*crc)).then_some(identity)
}

/// Timers and letters that were set aside, by number, in the slot in which they would have run.
pub(crate) const DEAD: Table<DeadRow> = Table::ordered(0, 4, "engine.dead_letters");

/// A timer or a letter that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct DeadRow {
    #[n(0)]
    pub(crate) at_ms: u64,
    /// The number of the timer or of the kind of mail.
    #[n(1)]
    pub(crate) kind: u16,
    #[n(2)]
    pub(crate) is_letter: bool,
    /// What the timer was set with, as a key; or to whom the letter went.
    #[n(3)]
    pub(crate) key: ByteVec,
    /// What the letter says.
    #[n(4)]
    pub(crate) body: ByteVec,
}

impl Row for DeadRow {}

request! {
    /// Timers and mail that were set aside, oldest first.
    ///
    /// Each has stopped the process twice. They are kept.
    pub(crate) struct ListDead {
        /// Only those behind this number.
        ["AFTER"] after: Option<Bounded<0, { i64::MAX }>>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

reply! {
    /// A timer or a letter that was set aside.
    pub(crate) struct DeadInfo {
        /// Its number.
        number: CompactString,
        /// When it was set aside, in milliseconds since 1970.
        at_ms: u64,
        /// `timer` or `letter`.
        what: &'static str,
        /// Which timer, or which kind of mail: domain and number.
        kind: CompactString,
        /// What it is about.
        key: CompactString,
    }
}

impl PageItem for DeadInfo {
    type Place = u64;

    fn place(&self) -> u64 {
        self.number.parse().unwrap_or(0)
    }
}

impl Scan for ListDead {
    type Item = DeadInfo;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[DEAD.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<DeadInfo>, Never> {
        let from = self.after.map_or(0, |after| after.get() + 1);
        let rows = context.numbered(&DEAD, &(from..u64::MAX));
        let items = rows.take(self.limit() + 1).map(info).collect();
        Ok(Page::cut(items, self.limit()))
    }
}

fn info((number, dead): (u64, DeadRow)) -> DeadInfo {
    use compact_str::{ToCompactString, format_compact};
    DeadInfo {
        number: number.to_compact_string(),
        at_ms: dead.at_ms,
        what: if dead.is_letter { "letter" } else { "timer" },
        kind: format_compact!("{}.{}", dead.kind >> 8, dead.kind & 255),
        key: format_compact!("{}", dead.key.escape_ascii()),
    }
}
