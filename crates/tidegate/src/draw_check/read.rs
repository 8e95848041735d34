//! What a server tells of a draw.

use std::io::{self, Read};
use std::time::Duration;

use serde_json::Value;
use tidegate_sale::ENTRANTS_MAX;
use tidegate_sale::draw::{Entry, Published};
use tidegate_sale::hex::from_hex;

use super::Args;
use crate::client::{HttpError, get, path_segment};
use crate::password::Password;

/// Entries of one page.
const PAGE: usize = 1_000;

/// Bytes of an answer: a page of entries has less.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

const WAIT: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("{from}: {error}")]
    Server { from: String, error: String },
    #[error("the draw of {0} is not over: its secret is told then")]
    NotOver(String),
    #[error("the server's answer has no {0} that can be read")]
    Unreadable(&'static str),
    #[error("the server lists more entries than may enter a sale: {ENTRANTS_MAX}")]
    TooMany,
    #[error("the server's pages do not follow each other: behind entry {behind} comes {next}")]
    OutOfOrder { behind: u64, next: u64 },
}

/// Asks a server.
pub(super) struct Source<'a> {
    args: &'a Args,
    password: Option<&'a Password>,
    /// The path of the sale.
    path: String,
}

impl<'a> Source<'a> {
    pub(super) fn new(args: &'a Args, password: Option<&'a Password>) -> Self {
        let path = format!("/v1/sales/{}", path_segment(&args.sale));
        Self {
            args,
            password,
            path,
        }
    }

    /// All that is public about the draw.
    pub(super) fn draw(&self) -> Result<Published, ReadError> {
        let sale = self.ask("")?;
        if sale["secret"].is_null() {
            return Err(ReadError::NotOver(self.args.sale.clone()));
        }
        Ok(Published {
            sale: self.args.sale.clone(),
            commitment: bytes(&sale, "commitment")?,
            list: bytes(&sale, "list_hash")?,
            beacon: sale["beacon"].as_str().unwrap_or_default().to_owned(),
            secret: bytes(&sale, "secret")?,
            entries: entries(ENTRANTS_MAX, |after| {
                self.ask(&format!("/entries?limit={PAGE}&after={after}"))
            })?,
        })
    }

    /// The position of a ticket, if the server takes it for one.
    pub(super) fn position(&self, ticket: &str) -> Result<Option<u64>, ReadError> {
        match self.get(&format!("/position?ticket={}", path_segment(ticket))) {
            Ok(told) => Ok(told["position"].as_u64()),
            Err(HttpError::No {
                status: 409 | 422, ..
            }) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn ask(&self, path: &str) -> Result<Value, ReadError> {
        self.get(path).map_err(|error| self.failed(&error))
    }

    fn get(&self, path: &str) -> Result<Value, HttpError> {
        let path = format!("{}{path}", self.path);
        let body = get(&self.args.from, &path, self.password, WAIT)?;
        let answer = serde_json::from_reader(body.take(ANSWER_BYTES_MAX));
        answer.map_err(|error| {
            let words = format!("its answer cannot be read: {error}");
            HttpError::Io(io::Error::other(words))
        })
    }

    fn failed(&self, error: &HttpError) -> ReadError {
        ReadError::Server {
            from: self.args.from.to_string(),
            error: error.told(self.password.is_some()),
        }
    }
}

/// The entries by number, from 1 on, page by page: the next begins behind the last entry of the one before.
fn entries(
    most: u64,
    mut page_behind: impl FnMut(u64) -> Result<Value, ReadError>,
) -> Result<Vec<(Entry, u64)>, ReadError> {
    let mut entries = Vec::new();
    loop {
        let before = entries.len() as u64;
        let page = page_behind(before)?;
        let items = page["items"].as_array();
        for item in items.ok_or(ReadError::Unreadable("items"))? {
            entries.push(entry(item, entries.len() as u64)?);
        }
        let behind = entries.len() as u64;
        if behind > most {
            return Err(ReadError::TooMany);
        }
        if page["next"].is_null() {
            return Ok(entries);
        }
        let next = page["next"].as_str().and_then(|next| next.parse().ok());
        let next = next.ok_or(ReadError::Unreadable("next"))?;
        if next != behind || behind == before {
            return Err(ReadError::OutOfOrder { behind, next });
        }
    }
}

/// The entry behind so many others, and its position.
fn entry(item: &Value, behind: u64) -> Result<(Entry, u64), ReadError> {
    let number = |name| item[name].as_u64().ok_or(ReadError::Unreadable(name));
    let next = number("number")?;
    if next != behind + 1 {
        return Err(ReadError::OutOfOrder { behind, next });
    }
    Ok((bytes(item, "entry")?, number("position")?))
}

fn bytes<const N: usize>(of: &Value, name: &'static str) -> Result<[u8; N], ReadError> {
    let bytes = of[name].as_str().and_then(from_hex);
    bytes.ok_or(ReadError::Unreadable(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A page of the entries of these numbers.
    fn page(numbers: std::ops::RangeInclusive<u64>, next: Value) -> Value {
        let entry = "0123456789abcdef0123456789abcdef";
        let items: Vec<_> = numbers
            .map(|number| json!({ "number": number, "entry": entry, "position": 7 }))
            .collect();
        json!({ "items": items, "next": next })
    }

    /// What is read of pages, each behind so many entries.
    fn read(pages: &[(u64, Value)]) -> Result<usize, String> {
        let mut pages = pages.iter();
        let read = entries(5, |after| {
            let (behind, page) = pages.next().expect("a page that is asked for");
            assert_eq!(*behind, after);
            Ok(page.clone())
        });
        read.map(|entries| entries.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn pages_are_read_one_behind_the_other() {
        let pages = [
            (0, page(1..=2, json!("2"))),
            (2, page(3..=3, json!("3"))),
            (3, page(4..=5, Value::Null)),
        ];
        assert_eq!(read(&pages), Ok(5));
        assert_eq!(read(&[(0, json!({ "items": [], "next": null }))]), Ok(0));
    }

    #[test]
    fn pages_that_do_not_follow_each_other_are_an_error() {
        let order =
            |behind: u64, next: u64| Err(ReadError::OutOfOrder { behind, next }.to_string());
        let empty = json!({ "items": [], "next": "0" });
        assert_eq!(read(&[(0, empty)]), order(0, 0), "it does not advance");
        assert_eq!(read(&[(0, page(1..=2, json!("1")))]), order(2, 1));
        assert_eq!(read(&[(0, page(1..=2, json!("3")))]), order(2, 3));
        assert_eq!(read(&[(0, page(2..=3, Value::Null))]), order(0, 2));
        let again = [(0, page(1..=2, json!("2"))), (2, page(2..=3, Value::Null))];
        assert_eq!(read(&again), order(2, 2));
    }

    #[test]
    fn next_is_a_number_and_no_part_of_a_request() {
        let unreadable = Err(ReadError::Unreadable("next").to_string());
        for next in [json!("2&limit=1"), json!(" 2"), json!(2), json!("")] {
            assert_eq!(read(&[(0, page(1..=2, next))]), unreadable);
        }
    }

    #[test]
    fn more_entries_than_may_enter_are_an_error() {
        let pages = [(0, page(1..=5, json!("5"))), (5, page(6..=6, json!("6")))];
        assert_eq!(read(&pages), Err(ReadError::TooMany.to_string()));
    }
}
