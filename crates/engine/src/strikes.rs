//! Timers and letters that stopped the process.
//!
//! Domain code that panics ends the process. A client may ask again or not; but a timer or a letter
//! comes again with every start. So what was running is noted in a file before the process ends, and
//! what has stopped it twice is set aside as a dead letter ([`crate::dead`]), where people can see it,
//! and the partition goes on. A replay of one is set aside again at once.
//!
//! The file `strikes` is a list of `length 2 │ identity │ crc32c 4`; an identity is `kind 1 │ key`: a
//! timer (T) by its row's key, a letter (L) by its number, a replay (R) by the number of what was set
//! aside and which replay of it this is, 4 bytes. Within an identity numbers are big endian. What is torn
//! at its end counts as not written.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use crate::disk::{Disk, File};
use crate::running::Running;

const NAME: &str = "strikes";

/// How often something may stop the process before it is set aside.
const STRIKES_MAX: u32 = 2;

/// The same of a replay: what it runs has stopped the process before.
const REPLAY_STRIKES_MAX: u32 = 1;

/// Bytes of the file that are read.
const BYTES_MAX: usize = 1024 * 1024;

/// Which timer, letter or replay.
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

    /// A replay of what was set aside under a number: the first, the second …
    pub(crate) fn of_replay(number: u64, replay: u32) -> Self {
        Self([&b"R"[..], &number.to_be_bytes(), &replay.to_be_bytes()].concat())
    }

    fn strikes_max(&self) -> u32 {
        if self.0.first() == Some(&b'R') {
            REPLAY_STRIKES_MAX
        } else {
            STRIKES_MAX
        }
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
        .filter(|(identity, count)| *count >= identity.strikes_max());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::FaultDisk;
    use crate::key::PartitionId;
    use crate::log::Lsn;

    fn strike(disk: &FaultDisk, identity: Identity) {
        let strikes = Strikes {
            disk: Arc::new(disk.clone()),
        };
        Running::begin("a timer", b"key", PartitionId(0), Lsn(1));
        Running::comes_again(identity);
        strikes.note(&Running::here().unwrap()).unwrap();
    }

    #[test]
    fn bytes_are_frozen() {
        let disk = FaultDisk::default();
        strike(&disk, Identity::of_timer(b"key"));
        strike(&disk, Identity::of_letter(258));
        strike(&disk, Identity::of_replay(258, 3));
        let file = disk.open(NAME).unwrap();
        let mut bytes = vec![0; usize::try_from(file.size().unwrap()).unwrap()];
        file.read_at(0, &mut bytes).unwrap();
        let identities = [
            &b"Tkey"[..],
            &[b'L', 0, 0, 0, 0, 0, 0, 1, 2],
            &[b'R', 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3],
        ];
        let sums = [TIMER_SUM, LETTER_SUM, REPLAY_SUM];
        let entries = identities.iter().zip(sums).map(|(identity, sum)| {
            let length = u8::try_from(identity.len()).unwrap();
            [&[length, 0][..], identity, &sum.to_le_bytes()].concat()
        });
        assert_eq!(bytes, entries.collect::<Vec<_>>().concat());
    }

    const TIMER_SUM: u32 = 0x5147_42f9;
    const LETTER_SUM: u32 = 0xfe02_890a;
    const REPLAY_SUM: u32 = 0x5ef6_fad4;

    #[test]
    fn each_replay_has_one_strike_and_everything_else_two() {
        let disk = FaultDisk::default();
        let first = Identity::of_replay(1, 1);
        let others = [Identity::of_timer(b"key"), Identity::of_letter(1)];
        let round = || {
            for identity in others.iter().chain([&first]) {
                strike(&disk, identity.clone());
            }
            set_aside(&disk).unwrap()
        };
        assert_eq!(round(), HashSet::from([first.clone()]));
        let all = others.iter().cloned().chain([first.clone()]);
        assert_eq!(round(), all.collect());
    }
}
