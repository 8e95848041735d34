//! Which column of the file holds what.

use std::fmt;
use std::str::FromStr;

use csv::ByteRecord;

/// The names that `--columns` can map, in the order of the data that Tidegate ships.
const FIELDS: [&str; 7] = [
    "invoice",
    "time",
    "customer",
    "sku",
    "description",
    "quantity",
    "unit_price",
];

/// The fields a replay reads. The others may be missing.
const READ: [&str; 4] = ["invoice", "customer", "sku", "quantity"];

/// The field that a replay of orders reads as well.
const PRICE: &str = "unit_price";

/// What stands between columns in files of other makers.
const SEPARATORS: [char; 3] = [';', '\t', '|'];

/// Characters of a header that are shown.
const PRESENT_MAX: usize = 80;

/// The file's name for each field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    names: [String; FIELDS.len()],
}

/// Where the fields that a replay reads stand in a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Positions {
    pub(super) invoice: usize,
    pub(super) customer: usize,
    pub(super) sku: usize,
    pub(super) quantity: usize,
    /// Only where prices are read.
    pub(super) unit_price: Option<usize>,
    /// Columns of the header.
    pub(super) count: usize,
}

/// A mapping that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// `--columns` names a field that a replay does not know.
    #[error("unknown field {0:?}: the fields are {fields}", fields = FIELDS.join(", "))]
    UnknownField(String),
    /// `--columns` is no list of `field=name`.
    #[error("{0:?} is not of the form field=name")]
    NoPair(String),
    /// The header lacks columns.
    #[error(transparent)]
    Missing(#[from] Missing),
}

/// The fields whose columns a header lacks, and what it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Field and name.
    lacking: Vec<(&'static str, String)>,
    /// The header as text, safe to be printed, and cut.
    present: String,
    /// A character that separates the columns in place of commas, as it seems.
    separator: Option<char>,
}

impl std::error::Error for Missing {}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = |(field, name): &(&str, String)| format!("{name:?} for the {field}");
        let lacking: Vec<_> = self.lacking.iter().map(column).collect();
        let way = |(field, _): &(&str, String)| format!("{field}=…");
        let ways: Vec<_> = self.lacking.iter().map(way).collect();
        let (lacking, ways) = (lacking.join(", "), ways.join(","));
        write!(
            f,
            "the file has no column {lacking}; its header is: {}. ",
            self.present
        )?;
        match self.separator {
            Some(separator) => write!(
                f,
                "Its columns seem to be separated by {separator:?}: they must be by commas"
            ),
            None => write!(f, "Name them with --columns {ways}"),
        }
    }
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            names: FIELDS.map(str::to_owned),
        }
    }
}

impl FromStr for Columns {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut columns = Self::default();
        for pair in text.split(',').filter(|pair| !pair.is_empty()) {
            let (field, name) = pair
                .split_once('=')
                .ok_or_else(|| Error::NoPair(pair.into()))?;
            let index = FIELDS.iter().position(|known| *known == field);
            let index = index.ok_or_else(|| Error::UnknownField(field.into()))?;
            columns.names[index] = name.to_owned();
        }
        Ok(columns)
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<_> = FIELDS
            .iter()
            .zip(&self.names)
            .map(|(field, name)| format!("{field}={name}"))
            .collect();
        f.write_str(&pairs.join(","))
    }
}

impl Columns {
    /// Finds the fields in a header. A field that was given another name must be there, read or
    /// not: a name that fits nothing is a mistake.
    pub(super) fn find(&self, header: &ByteRecord, with_price: bool) -> Result<Positions, Error> {
        let is_read = |field: &str| READ.contains(&field) || with_price && field == PRICE;
        let mut found = [usize::MAX; FIELDS.len()];
        let mut lacking = Vec::new();
        for (index, (field, name)) in FIELDS.into_iter().zip(&self.names).enumerate() {
            match position(header, name) {
                Some(position) => found[index] = position,
                None if is_read(field) || name != field => {
                    lacking.push((field, name.clone()));
                }
                None => {}
            }
        }
        if !lacking.is_empty() {
            return Err(missing(lacking, header).into());
        }
        let [invoice, _, customer, sku, _, quantity, unit_price] = found;
        Ok(Positions {
            invoice,
            customer,
            sku,
            quantity,
            unit_price: with_price.then_some(unit_price),
            count: header.len(),
        })
    }
}

/// Where a name stands: as it is written, or else in another case.
fn position(header: &ByteRecord, name: &str) -> Option<usize> {
    let exactly = header.iter().position(|column| column == name.as_bytes());
    let alike = |column: &[u8]| column.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
    exactly.or_else(|| header.iter().position(alike))
}

fn missing(lacking: Vec<(&'static str, String)>, header: &ByteRecord) -> Missing {
    let separator = match header.get(0) {
        Some(only) if header.len() == 1 => SEPARATORS
            .into_iter()
            .find(|separator| only.contains(&(*separator as u8))),
        Some(_) | None => None,
    };
    Missing {
        lacking,
        present: present(header),
        separator,
    }
}

/// The header, whatever bytes it is of.
fn present(header: &ByteRecord) -> String {
    let columns: Vec<_> = header
        .iter()
        .map(|column| column.escape_ascii().to_string())
        .collect();
    let text = columns.join(", ");
    // Escaped text is ASCII, so that any byte is a place to cut at.
    match text.get(..PRESENT_MAX) {
        Some(cut) => format!("{cut}…"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names_wherever_they_stand() {
        let header = ByteRecord::from(vec!["Qty", "StockCode", "InvoiceNo", "customer"]);
        let columns: Columns = "invoice=InvoiceNo,sku=StockCode,quantity=Qty"
            .parse()
            .expect("ok");
        let found = columns.find(&header, false).expect("all there");
        assert_eq!(
            (found.invoice, found.customer, found.sku, found.quantity),
            (2, 3, 1, 0)
        );
        assert_eq!(found.count, 4);
    }

    fn lacking(columns: &Columns, header: &[&str]) -> Missing {
        match columns.find(&ByteRecord::from(header.to_vec()), false) {
            Err(Error::Missing(missing)) => missing,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_columns_that_are_needed_or_named_and_not_there_are_told_at_once() {
        let missing = lacking(&Columns::default(), &["Invoice", "customer"]);
        let text = "the file has no column \"sku\" for the sku, \"quantity\" for the quantity; \
            its header is: Invoice, customer. Name them with --columns sku=…,quantity=…";
        assert_eq!(missing.to_string(), text);
        let header = ["invoice", "customer", "sku", "quantity"];
        let named: Columns = "time=When".parse().expect("ok");
        assert_eq!(
            lacking(&named, &header).lacking,
            [("time", "When".to_owned())]
        );
        assert!(
            Columns::default()
                .find(&ByteRecord::from(header.to_vec()), false)
                .is_ok(),
            "what is not read may be missing"
        );
    }

    #[test]
    fn names_are_found_in_any_case_the_exact_one_first() {
        let header = ByteRecord::from(vec!["SKU", " Invoice ", "Customer", "QUANTITY", "sku"]);
        let found = Columns::default().find(&header, false).expect("all there");
        assert_eq!((found.sku, found.invoice, found.quantity), (4, 1, 3));
    }

    #[test]
    fn prices_are_missed_only_where_they_are_read() {
        let columns = ["invoice", "customer", "sku", "quantity", "unit_price"];
        let without = ByteRecord::from(columns[..4].to_vec());
        let found = Columns::default().find(&without, false).expect("all there");
        assert_eq!(found.unit_price, None);
        let missing = Columns::default().find(&without, true).expect_err("none");
        assert!(missing.to_string().contains("unit_price=…"), "{missing}");
        let with = ByteRecord::from(columns.to_vec());
        let found = Columns::default().find(&with, true).expect("all there");
        assert_eq!(found.unit_price, Some(4));
    }

    #[test]
    fn another_separator_is_recognized() {
        let missing = lacking(&Columns::default(), &["invoice;customer;sku;quantity"]);
        assert!(
            missing.to_string().contains("separated by ';'"),
            "{missing}"
        );
    }

    #[test]
    fn a_header_of_any_bytes_is_escaped_and_cut() {
        let header = ByteRecord::from(vec![b"\x1b[2J\xff".repeat(1_000)]);
        let refused = Columns::default()
            .find(&header, false)
            .expect_err("no header");
        let text = refused.to_string();
        assert!(text.contains("its header is: \\x1b[2J\\xff\\x1b"), "{text}");
        assert!(!text.contains('\x1b') && text.len() < 400, "{text}");
    }

    #[test]
    fn a_mapping_reads_back_as_it_was_written() {
        let columns: Columns = "sku=Stock Code,customer=Who".parse().expect("ok");
        assert_eq!(columns.to_string().parse(), Ok(columns));
        assert_eq!(
            "shape=x".parse::<Columns>(),
            Err(Error::UnknownField("shape".into()))
        );
        assert_eq!("sku".parse::<Columns>(), Err(Error::NoPair("sku".into())));
    }
}
