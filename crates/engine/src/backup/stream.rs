//! The bytes of a backup.
//!
//! ```text
//! stream   magic "TIDECOPY" 8 │ version 2 │ zero 6 │ frames: one head, rows by table and key, one end
//! frame    kind 1 (1 head, 2 rows, 3 end) │ zero 1 │ table 2 (rows only) │ length 4 │ crc32c 4 │ body
//! head     checkpoint 8 │ clock up to 8 │ taken at 8 │ partitions 2 │ position 8 of each
//!          length 2 │ version of the program
//!          tables 2 │ for each: number 2 │ length 2 │ name
//! rows     key length 4 │ key │ row length 4 │ row (CBOR), as often as they fit
//! end      for each table of the head: rows 8 │ bytes 8
//!          frames 8 │ crc32c 4 over the crc32c of every frame before this one
//! ```
//!
//! Numbers are little endian. A frame's crc is CRC32C over its first eight bytes and its body. Bytes
//! of a table are those of its keys and rows. A reader refuses rows whose keys do not ascend and
//! whatever follows the end, so no frame can be missing, twice there, or out of its place.

use std::io::{self, Read, Write};

use super::BackupError;
use crate::base::{BaseSnapshot, Stored};
use crate::limits::{BACKUP_FRAME_BYTES, BACKUP_FRAME_BYTES_MAX, PARTITIONS_MAX};
use crate::log::Lsn;
use crate::version;

const MAGIC: &[u8; 8] = b"TIDECOPY";
/// Of these bytes, and of the rows in them: 2 since finished holds have a timer that archives them.
const VERSION: u16 = 2;
const START_BYTES: usize = 16;
const FRAME_HEAD_BYTES: usize = 12;

const HEAD: u8 = 1;
const ROWS: u8 = 2;
const END: u8 = 3;

/// What a backup begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The number of the checkpoint that it is of.
    pub checkpoint: u64,
    /// No row rests on a later moment of engine time; in milliseconds since 1970.
    pub clock_up_to_ms: u64,
    /// Engine time when the checkpoint ended; in milliseconds since 1970.
    pub taken_at_ms: u64,
    /// Up to which position it holds each partition.
    pub positions: Vec<Lsn>,
    /// The version of the program that has written it.
    pub version: String,
    /// Number and name of each table.
    pub tables: Vec<(u16, String)>,
}

/// What of one table is in a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableContents {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Bytes of their keys and of the rows themselves.
    pub bytes: u64,
}

/// What is in a whole backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// What it begins with.
    pub head: Head,
    /// Each table of the head.
    pub tables: Vec<TableContents>,
    /// Its frames.
    pub frames: u64,
    /// Bytes of the stream.
    pub bytes: u64,
}

/// A backup that is not what was written.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Its bytes are not, or not all there.
    #[error("the backup is damaged in frame {frame}, at byte {offset}: {what}")]
    Bytes {
        /// The frame; the head is frame 1.
        frame: u64,
        /// Where the frame begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// It is none, or of another version.
    #[error("{0}")]
    Format(String),
    /// The machine failed a read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Head {
    fn contents(&self) -> Vec<TableContents> {
        let tables = self.tables.iter().map(|(number, name)| TableContents {
            number: *number,
            name: name.clone(),
            ..TableContents::default()
        });
        tables.collect()
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for number in [self.checkpoint, self.clock_up_to_ms, self.taken_at_ms] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        put_short(&mut out, self.positions.len());
        for position in &self.positions {
            out.extend_from_slice(&position.0.to_le_bytes());
        }
        put_text(&mut out, &self.version);
        put_short(&mut out, self.tables.len());
        for (number, name) in &self.tables {
            out.extend_from_slice(&number.to_le_bytes());
            put_text(&mut out, name);
        }
        out
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let from = &mut bytes;
        let mut head = Self {
            checkpoint: take_u64(from)?,
            clock_up_to_ms: take_u64(from)?,
            taken_at_ms: take_u64(from)?,
            ..Self::default()
        };
        let partitions = take_u16(from)?;
        (1..=PARTITIONS_MAX).contains(&partitions).then_some(())?;
        for _ in 0..partitions {
            head.positions.push(Lsn(take_u64(from)?));
        }
        head.version = take_text(from)?;
        for _ in 0..take_u16(from)? {
            head.tables.push((take_u16(from)?, take_text(from)?));
        }
        from.is_empty().then_some(head)
    }
}

fn put_short(out: &mut Vec<u8>, count: usize) {
    let count = u16::try_from(count).expect("because tables, partitions and names are few");
    out.extend_from_slice(&count.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_short(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("because rows are far smaller than 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}

fn take<'a>(from: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(bytes)?;
    *from = rest;
    Some(taken)
}

fn take_u16(from: &mut &[u8]) -> Option<u16> {
    Some(u16::from_le_bytes(*take(from, 2)?.first_chunk()?))
}

fn take_u32(from: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(*take(from, 4)?.first_chunk()?))
}

fn take_u64(from: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*take(from, 8)?.first_chunk()?))
}

fn take_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_u32(from)?).ok()?;
    take(from, length)
}

fn take_text(from: &mut &[u8]) -> Option<String> {
    let length = take_u16(from)?;
    let text = str::from_utf8(take(from, usize::from(length))?);
    text.ok().map(str::to_owned)
}

/// The checksum of a frame.
fn crc_of(head: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&head[..8]), body)
}

/// What writer and reader count alike.
#[derive(Default)]
struct Sums {
    frames: u64,
    bytes: u64,
    /// Over the checksums of all frames so far.
    crc: u32,
}

impl Sums {
    fn add(&mut self, frame_bytes: usize, crc: u32) {
        self.frames += 1;
        self.bytes += frame_bytes as u64;
        self.crc = crc32c::crc32c_append(self.crc, &crc.to_le_bytes());
    }

    fn end(&self, tables: &[TableContents]) -> Vec<u8> {
        let mut body = Vec::new();
        for table in tables {
            body.extend_from_slice(&table.rows.to_le_bytes());
            body.extend_from_slice(&table.bytes.to_le_bytes());
        }
        body.extend_from_slice(&self.frames.to_le_bytes());
        body.extend_from_slice(&self.crc.to_le_bytes());
        body
    }
}

/// Writes a backup of a snapshot, one write a frame; asks `may_go_on` before each.
pub(super) fn write(
    head: Head,
    snapshot: &dyn BaseSnapshot,
    out: &mut dyn Write,
    may_go_on: &dyn Fn() -> Result<(), BackupError>,
) -> Result<Contents, BackupError> {
    let mut frames = Frames {
        out,
        frame: Vec::with_capacity(BACKUP_FRAME_BYTES),
        sums: Sums::default(),
    };
    frames.start()?;
    frames.frame.extend_from_slice(&head.encode());
    frames.flush(HEAD, 0)?;
    let mut tables = head.contents();
    for table in &mut tables {
        for stored in snapshot.range(table.number, b"", b"") {
            let (key, row): Stored = stored?;
            put_bytes(&mut frames.frame, &key);
            put_bytes(&mut frames.frame, &row);
            table.rows += 1;
            table.bytes += (key.len() + row.len()) as u64;
            if frames.frame.len() >= BACKUP_FRAME_BYTES {
                may_go_on()?;
                frames.flush(ROWS, table.number)?;
            }
        }
        if frames.frame.len() > FRAME_HEAD_BYTES {
            may_go_on()?;
            frames.flush(ROWS, table.number)?;
        }
    }
    frames.frame.extend_from_slice(&frames.sums.end(&tables));
    frames.flush(END, 0)?;
    frames.out.flush()?;
    Ok(Contents {
        head,
        tables,
        frames: frames.sums.frames,
        bytes: frames.sums.bytes,
    })
}

struct Frames<'a> {
    out: &'a mut dyn Write,
    /// The next frame: room for its head, and its body so far.
    frame: Vec<u8>,
    sums: Sums,
}

impl Frames<'_> {
    fn start(&mut self) -> io::Result<()> {
        let mut start = MAGIC.to_vec();
        start.extend_from_slice(&VERSION.to_le_bytes());
        start.resize(START_BYTES, 0);
        self.sums.bytes += start.len() as u64;
        self.frame.resize(FRAME_HEAD_BYTES, 0);
        self.out.write_all(&start)
    }

    fn flush(&mut self, kind: u8, table: u16) -> io::Result<()> {
        let (head, body) = self.frame.split_at_mut(FRAME_HEAD_BYTES);
        let length = u32::try_from(body.len()).expect("because a frame is flushed when it is full");
        head[0] = kind;
        head[2..4].copy_from_slice(&table.to_le_bytes());
        head[4..8].copy_from_slice(&length.to_le_bytes());
        let crc = crc_of(head, body);
        head[8..].copy_from_slice(&crc.to_le_bytes());
        self.out.write_all(&self.frame)?;
        self.sums.add(self.frame.len(), crc);
        self.frame.clear();
        self.frame.resize(FRAME_HEAD_BYTES, 0);
        Ok(())
    }
}

/// Rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The number of the table.
    pub table: u16,
    body: Vec<u8>,
}

impl Frame {
    /// Keys and rows, in the order of the keys.
    pub fn rows(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = self.body.as_slice();
        std::iter::from_fn(move || Some((take_bytes(&mut rest)?, take_bytes(&mut rest)?)))
    }

    /// Bytes of the frame's body.
    pub(super) fn bytes(&self) -> usize {
        self.body.len()
    }
}

/// Reads a backup, frame by frame; what it has given is what was written.
pub struct BackupReader<R> {
    from: R,
    contents: Contents,
    sums: Sums,
    /// Where the frame begins that is read.
    frame_at: u64,
    /// The place of the table of the last rows.
    table: usize,
    last_key: Option<Vec<u8>>,
    is_over: bool,
}

impl<R: Read> BackupReader<R> {
    /// Reads what a backup begins with.
    ///
    /// # Errors
    /// It is none, damaged, of another version, or cannot be read.
    pub fn open(mut from: R) -> Result<Self, Damage> {
        let mut start = [0; START_BYTES];
        let read = fill(&mut from, &mut start)?;
        if !start[..read].starts_with(MAGIC) {
            return Err(Damage::Format("this is no backup of a tidegate".to_owned()));
        }
        let version = u16::from_le_bytes([start[8], start[9]]);
        if read == START_BYTES && version != VERSION {
            return Err(Damage::Format(format!(
                "backup format {version} is not known, this version reads {VERSION}"
            )));
        }
        let mut reader = Self {
            from,
            contents: Contents {
                head: Head::default(),
                tables: Vec::new(),
                frames: 0,
                bytes: 0,
            },
            sums: Sums {
                bytes: START_BYTES as u64,
                ..Sums::default()
            },
            frame_at: 0,
            table: 0,
            last_key: None,
            is_over: false,
        };
        if read < START_BYTES || start[10..] != [0; 6] {
            return Err(reader.damage("it does not begin as a backup does"));
        }
        let (kind, _, body) = reader.frame()?;
        let head = (kind == HEAD).then(|| Head::decode(&body)).flatten();
        let head = head.ok_or_else(|| reader.damage("it is no head"))?;
        if version::is_newer(&head.version) {
            return Err(Damage::Format(format!(
                "tidegate {newer} has written the backup, and this is {}, which would lose what is \
                 new in its rows; restore it with {newer} or a newer one",
                version::OWN,
                newer = head.version
            )));
        }
        reader.contents.tables = head.contents();
        reader.contents.head = head;
        Ok(reader)
    }

    /// What the backup begins with.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.contents.head
    }

    /// The next rows; none at the sound end of the backup.
    ///
    /// # Errors
    /// The backup is damaged or cut off, or cannot be read.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Damage> {
        if self.is_over {
            return Ok(None);
        }
        let end = self.sums.end(&self.contents.tables);
        let (kind, table, body) = self.frame()?;
        match kind {
            ROWS => {
                let frame = Frame { table, body };
                self.count(&frame)?;
                Ok(Some(frame))
            }
            END if body == end => {
                self.is_over = true;
                self.contents.frames = self.sums.frames;
                self.contents.bytes = self.sums.bytes;
                match fill(&mut self.from, &mut [0])? {
                    0 => Ok(None),
                    _ => Err(self.damage("something follows the end")),
                }
            }
            END => Err(self.damage("frames before the end are missing or not what was written")),
            _ => Err(self.damage("it is neither rows nor the end")),
        }
    }

    /// What the whole backup holds, once its end was read.
    #[must_use]
    pub fn into_contents(self) -> Option<Contents> {
        self.is_over.then_some(self.contents)
    }

    /// Adds rows up, and looks whether they are in their place.
    fn count(&mut self, frame: &Frame) -> Result<(), Damage> {
        let places = &self.contents.tables[self.table..];
        let Some(ahead) = places.iter().position(|of| of.number == frame.table) else {
            return Err(self.damage("its table is not in its place"));
        };
        if ahead > 0 {
            self.table += ahead;
            self.last_key = None;
        }
        let (mut rows, mut bytes, mut framing) = (0, 0, 0);
        for (key, row) in frame.rows() {
            if self.last_key.as_deref().is_some_and(|last| last >= key) {
                return Err(self.damage("its keys do not ascend"));
            }
            self.last_key = Some(key.to_vec());
            rows += 1;
            bytes += key.len() + row.len();
            framing += 8;
        }
        if bytes + framing != frame.bytes() || rows == 0 {
            return Err(self.damage("its rows are cut short"));
        }
        let table = &mut self.contents.tables[self.table];
        table.rows += rows;
        table.bytes += bytes as u64;
        Ok(())
    }

    /// The next frame's kind, table and body.
    fn frame(&mut self) -> Result<(u8, u16, Vec<u8>), Damage> {
        self.frame_at = self.sums.bytes;
        let mut head = [0; FRAME_HEAD_BYTES];
        let read = fill(&mut self.from, &mut head)?;
        let mut rest = head.as_slice();
        let parts = (take_u16(&mut rest), take_u16(&mut rest));
        let numbers = (take_u32(&mut rest), take_u32(&mut rest));
        let ((Some(kind), Some(table)), (Some(length), Some(crc))) = (parts, numbers) else {
            unreachable!("because a head has twelve bytes");
        };
        if read < head.len() {
            return Err(self.damage_of_next("the backup ends here, and not with its end"));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > BACKUP_FRAME_BYTES_MAX {
            return Err(self.damage_of_next("it says that it is longer than a frame can be"));
        }
        let mut body = vec![0; length];
        if fill(&mut self.from, &mut body)? < length {
            return Err(self.damage_of_next("the backup ends within it"));
        }
        if crc_of(&head, &body) != crc {
            return Err(self.damage_of_next("its checksum is wrong"));
        }
        self.sums.add(head.len() + length, crc);
        let kind = u8::try_from(kind); // The second byte is zero.
        let kind = kind.map_err(|_| self.damage("it is of no known kind"))?;
        Ok((kind, table, body))
    }

    /// Of the frame that was read last.
    fn damage(&self, what: &str) -> Damage {
        self.damaged(self.sums.frames, what)
    }

    /// Of the frame behind it.
    fn damage_of_next(&self, what: &str) -> Damage {
        self.damaged(self.sums.frames + 1, what)
    }

    fn damaged(&self, frame: u64, what: &str) -> Damage {
        Damage::Bytes {
            frame,
            offset: self.frame_at,
            what: what.to_owned(),
        }
    }
}

/// Reads until `into` is full or nothing more comes; gives how much it was.
fn fill(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < into.len() {
        match from.read(&mut into[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{BaseError, StoredRows};

    /// Rows by table.
    struct Rows(Vec<(u16, Stored)>);

    impl BaseSnapshot for Rows {
        fn get(&self, _: u16, _: &[u8]) -> Result<Option<Vec<u8>>, BaseError> {
            Ok(None)
        }

        fn range(&self, table: u16, _: &[u8], _: &[u8]) -> StoredRows<'_> {
            let rows = self.0.iter().filter(move |(of, _)| *of == table);
            Box::new(rows.map(|(_, stored)| Ok(stored.clone())))
        }
    }

    fn head() -> Head {
        Head {
            checkpoint: 3,
            clock_up_to_ms: 5_000,
            taken_at_ms: 4_000,
            positions: vec![Lsn(7), Lsn(0)],
            version: "0.1.0".to_owned(),
            tables: vec![(0, "none".to_owned()), (16, "some".to_owned())],
        }
    }

    fn write_rows(rows: &[(u16, &[u8], &[u8])]) -> Vec<u8> {
        write_with(head(), rows)
    }

    fn write_with(head: Head, rows: &[(u16, &[u8], &[u8])]) -> Vec<u8> {
        let rows = rows
            .iter()
            .map(|(table, key, row)| (*table, (key.to_vec(), row.to_vec())));
        let mut bytes = Vec::new();
        let written = write(head, &Rows(rows.collect()), &mut bytes, &|| Ok(()));
        assert_eq!(written.expect("a Vec takes it").bytes, bytes.len() as u64);
        bytes
    }

    fn sample() -> Vec<u8> {
        write_rows(&[(16, b"\0\x01a", b"\xa0"), (16, b"\0\x01b", b"\xa1")])
    }

    fn read(bytes: &[u8]) -> Result<Contents, Damage> {
        let mut reader = BackupReader::open(bytes)?;
        while reader.next_frame()?.is_some() {}
        Ok(reader.into_contents().expect("because its end was read"))
    }

    #[test]
    fn bytes_are_frozen() {
        let hex: String = sample().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "54494445434f50590200000000000000010000004300000047d5caea03000000000000008813000000000000a00f0000\
             000000000200070000000000000000000000000000000500302e312e300200000004006e6f6e6510000400736f6d6502\
             00100018000000fa59eeab0300000000016101000000a00300000000016201000000a1030000002c00000081c0171600\
             000000000000000000000000000000020000000000000008000000000000000200000000000000099d7dfc"
        );
    }

    #[test]
    fn what_was_written_is_read() {
        let big = vec![7; BACKUP_FRAME_BYTES];
        let bytes = write_rows(&[
            (0, b"\0\0a", &big),
            (0, b"\0\0b", b"1"),
            (16, b"\0\0a", b"2"),
        ]);
        let mut reader = BackupReader::open(&*bytes).expect("it is sound");
        assert_eq!(*reader.head(), head());
        let mut rows = Vec::new();
        while let Some(frame) = reader.next_frame().expect("it is sound") {
            rows.extend(
                frame
                    .rows()
                    .map(|(key, row)| (frame.table, key[2], row.len())),
            );
        }
        assert_eq!(rows, [(0, b'a', big.len()), (0, b'b', 1), (16, b'a', 1)]);
        let contents = reader.into_contents().expect("because its end was read");
        assert_eq!(contents.frames, 5);
        let counts = contents
            .tables
            .iter()
            .map(|table| (table.rows, table.bytes));
        let big = big.len() as u64;
        assert_eq!(counts.collect::<Vec<_>>(), [(2, big + 7), (1, 4)]);
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_noticed() {
        let mut bytes = sample();
        assert!(read(&bytes).is_ok());
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "cut at {end}");
        }
        bytes.push(0);
        let told = read(&bytes).expect_err("it is too long").to_string();
        assert!(told.ends_with("something follows the end"), "{told}");
    }

    #[test]
    fn frame_left_out_or_twice_there_is_noticed() {
        let big = vec![7; BACKUP_FRAME_BYTES];
        let bytes = write_rows(&[(0, b"a", &big), (0, b"b", &big), (16, b"a", &big)]);
        let span = FRAME_HEAD_BYTES + 9 + big.len();
        let end = bytes.len() - (FRAME_HEAD_BYTES + 2 * 16 + 12);
        let starts = [end - 3 * span, end - 2 * span, end - span];
        for start in starts {
            let without = [&bytes[..start], &bytes[start + span..]].concat();
            let twice = [&bytes[..start + span], &bytes[start..]].concat();
            assert!(read(&without).is_err() && read(&twice).is_err(), "{start}");
        }
        let told = read(&bytes[..end - 1]).expect_err("it is cut").to_string();
        let at = end - span;
        let expected = format!("damaged in frame 4, at byte {at}: the backup ends within it");
        assert!(told.ends_with(&expected), "{told}");
    }

    #[test]
    fn backup_of_a_newer_program_is_refused_and_one_of_an_older_is_not() {
        let by = |version: &str| {
            let version = version.to_owned();
            read(&write_with(Head { version, ..head() }, &[]))
        };
        assert!(by("0.0.9").is_ok() && by("0.1.9").is_ok());
        let told = by("0.2.0").expect_err("it is newer").to_string();
        assert!(
            told.starts_with("tidegate 0.2.0 has written the backup"),
            "{told}"
        );
    }

    #[test]
    fn other_version_is_refused_by_its_number() {
        let mut bytes = sample();
        bytes[8] = 9;
        let told = read(&bytes).expect_err("it is newer").to_string();
        assert_eq!(told, "backup format 9 is not known, this version reads 2");
    }
}
