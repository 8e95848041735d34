//! Reading a file of order lines: plain or gzipped, told apart by its first bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};
use flate2::bufread::MultiGzDecoder;
use xxhash_rust::xxh3::Xxh3;

use super::columns::{self, Columns, Positions};
use super::malformed::Fault;
use super::plan::{Builder, Fields, Plan, TooLarge};
use super::share::Share;

/// The first bytes of a gzip stream.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A file that cannot be replayed at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It cannot be read, or its compression is broken.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is cut in a way that leaves no records.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// There is nothing in it, not even a header.
    #[error("the file is empty")]
    Empty,
    /// Its columns are others.
    #[error(transparent)]
    Columns(#[from] columns::Error),
    /// It asks for more than a server can hold.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Reads the whole file into a plan, and the hash of its text, by which a journal knows it again:
/// packed or not makes no difference. Prices are read only where they are wanted.
pub(super) fn read(
    path: &Path,
    columns: &Columns,
    share: Share,
    with_price: bool,
) -> Result<(Plan, String), Error> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let packed = file.fill_buf()?.starts_with(&GZIP_MAGIC);
    let text: &mut dyn Read = if packed {
        &mut MultiGzDecoder::new(file)
    } else {
        &mut file
    };
    let mut hashed = Hashed {
        text,
        hash: Xxh3::new(),
    };
    let plan = read_text(&mut hashed, columns, share, with_price)?;
    Ok((plan, format!("{:032x}", hashed.hash.digest128())))
}

fn read_text(
    text: impl Read,
    columns: &Columns,
    share: Share,
    with_price: bool,
) -> Result<Plan, Error> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text);
    let header = reader.byte_headers()?;
    if header.is_empty() {
        return Err(Error::Empty);
    }
    let positions = columns.find(header, with_price)?;
    let mut builder = Builder::default();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        let at = record.position().map_or(0, csv::Position::line);
        builder.record(at, fields(&record, positions), fault(&record, positions))?;
    }
    Ok(builder.finish(share)?)
}

fn fields(record: &ByteRecord, positions: Positions) -> Fields<'_> {
    let field = |position: usize| record.get(position).unwrap_or_default();
    Fields {
        invoice: field(positions.invoice),
        customer: field(positions.customer),
        sku: field(positions.sku),
        quantity: field(positions.quantity),
        unit_price: positions.unit_price.map(field),
    }
}

fn fault(record: &ByteRecord, positions: Positions) -> Option<Fault> {
    if record.len() != positions.count {
        return Some(Fault::ColumnCount {
            found: record.len(),
            expected: positions.count,
        });
    }
    record
        .iter()
        .any(|field| std::str::from_utf8(field).is_err())
        .then_some(Fault::NotUtf8)
}

/// A reader that hashes what passes through.
struct Hashed<'a> {
    text: &'a mut dyn Read,
    hash: Xxh3,
}

impl Read for Hashed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(into)?;
        self.hash.update(&into[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const TEXT: &[u8] = b"invoice,time,customer,sku,description,quantity,unit_price\n\
        1,t,a,X,\"one, two\",5,1.0\n\
        1,t,a,X,short\n\
        1,t,a,X,\xff,5,1.0\n\
        \n\
        2,t,,POST,,2,0\n";

    fn share() -> Share {
        "1".parse().expect("a share")
    }

    #[test]
    fn broken_records_are_counted_with_their_lines_and_the_rest_is_read() {
        let plan = read_text(TEXT, &Columns::default(), share(), false).expect("readable");
        assert_eq!(plan.lines.len(), 2);
        let shown: Vec<_> = plan.malformed.first.iter().collect();
        let columns = "5 columns instead of 7".to_owned();
        assert_eq!(shown, [(&3, &columns), (&4, &"not UTF-8".to_owned())]);
        assert_eq!(plan.hold_id(&plan.lines[1]), "2:1");
    }

    #[test]
    fn prices_are_read_where_they_are_wanted_and_lines_without_one_are_malformed_there() {
        let text = b"invoice,customer,sku,quantity,unit_price\n1,a,X,5,2.55\n1,a,Y,1,free\n";
        let read = |with_price| read_text(&text[..], &Columns::default(), share(), with_price);
        let prices = |plan: Plan| plan.lines.iter().map(|line| line.price).collect::<Vec<_>>();
        assert_eq!(prices(read(false).expect("readable")), [0, 0]);
        let plan = read(true).expect("readable");
        assert_eq!(plan.malformed.lines, 1);
        assert_eq!(prices(plan), [255]);
    }

    #[test]
    fn an_empty_file_is_told_apart_from_one_without_lines() {
        let read = |text: &[u8]| read_text(text, &Columns::default(), share(), false);
        for empty in [&b""[..], b"\n\n"] {
            assert!(matches!(read(empty), Err(Error::Empty)));
        }
        let plan = read(b"invoice,customer,sku,quantity\n").expect("a header is enough");
        assert_eq!(plan.records, 0);
    }

    #[test]
    fn a_packed_file_has_the_same_plan_and_hash_as_the_plain_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let (plain, packed) = (folder.path().join("a.csv"), folder.path().join("b"));
        std::fs::write(&plain, TEXT).expect("written");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(TEXT).expect("packed");
        std::fs::write(&packed, encoder.finish().expect("packed")).expect("written");
        let (plain_plan, plain_hash) =
            read(&plain, &Columns::default(), share(), false).expect("plain");
        let (packed_plan, packed_hash) =
            read(&packed, &Columns::default(), share(), false).expect("packed");
        assert_eq!(plain_hash, packed_hash);
        assert_eq!(plain_plan.lines, packed_plan.lines);
    }

    #[test]
    fn a_gzip_stream_cut_short_is_an_error_and_not_a_shorter_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cut.csv.gz");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&TEXT.repeat(100)).expect("packed");
        let packed = encoder.finish().expect("packed");
        std::fs::write(&path, &packed[..packed.len() - 9]).expect("written");
        assert!(read(&path, &Columns::default(), share(), false).is_err());
    }
}
