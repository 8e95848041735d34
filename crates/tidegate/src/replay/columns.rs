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
    /// The header lacks a column.
    #[error(
        "the file has no column {name:?} for the {field}; it has: {present}. Name it with --columns {field}=…"
    )]
    Missing {
        field: &'static str,
        name: String,
        present: String,
    },
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
    pub(super) fn find(&self, header: &ByteRecord) -> Result<Positions, Error> {
        let mut found = [usize::MAX; FIELDS.len()];
        for (index, (field, name)) in FIELDS.iter().zip(&self.names).enumerate() {
            let position = header.iter().position(|column| column == name.as_bytes());
            match position {
                Some(position) => found[index] = position,
                None if READ.contains(field) || name != field => {
                    return Err(missing(field, name, header));
                }
                None => {}
            }
        }
        let [invoice, _, customer, sku, _, quantity, _] = found;
        Ok(Positions {
            invoice,
            customer,
            sku,
            quantity,
            count: header.len(),
        })
    }
}

fn missing(field: &'static str, name: &str, header: &ByteRecord) -> Error {
    let present: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
    Error::Missing {
        field,
        name: name.to_owned(),
        present: present.join(", "),
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
        let found = columns.find(&header).expect("all there");
        assert_eq!(
            (found.invoice, found.customer, found.sku, found.quantity),
            (2, 3, 1, 0)
        );
        assert_eq!(found.count, 4);
    }

    #[test]
    fn a_column_that_is_needed_or_named_must_be_there() {
        let header = ByteRecord::from(vec!["invoice", "customer", "sku"]);
        let error = Columns::default().find(&header).expect_err("no quantity");
        assert!(
            matches!(
                error,
                Error::Missing {
                    field: "quantity",
                    ..
                }
            ),
            "{error}"
        );
        let header = ByteRecord::from(vec!["invoice", "customer", "sku", "quantity"]);
        let named: Columns = "time=When".parse().expect("ok");
        let error = named.find(&header).expect_err("no When");
        assert!(
            matches!(error, Error::Missing { field: "time", .. }),
            "{error}"
        );
        assert!(
            Columns::default().find(&header).is_ok(),
            "what is not read may be missing"
        );
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
