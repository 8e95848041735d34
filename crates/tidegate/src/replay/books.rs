//! Whether the books balance: the server's rows against the tally of acknowledged answers.

use std::collections::HashMap;

use serde::Serialize;

use super::Error;
use super::asker::Asker;
use crate::client::Reply;

/// Differing SKUs that are shown; the rest is only counted.
const SHOWN_MAX: usize = 5;

/// Rows of one page of the server's list.
const PAGE_ROWS: &[u8] = b"1000";

/// The units of a SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Units {
    pub(crate) total: u64,
    pub(crate) available: u64,
    pub(crate) held: u64,
    pub(crate) sold: u64,
}

impl Units {
    /// Of a SKU with so many units, of which nothing is held or sold.
    pub(super) fn fresh(total: u64) -> Self {
        Self {
            total,
            available: total,
            held: 0,
            sold: 0,
        }
    }
}

/// A SKU whose row is not what the answers add up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    pub(crate) sku: String,
    /// By the answers.
    pub(crate) expected: Units,
    /// The server's row; nothing if it has none.
    pub(crate) server: Option<Units>,
}

/// The comparison of all SKUs of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Books {
    /// Whether every row is what the answers add up to, and all answers are this replay's own.
    pub(crate) balance: bool,
    /// Answers that show that the server had seen ids of this file before this replay sent them.
    /// With any, the rows are not those of this replay, and cannot be compared with it.
    pub(crate) known_before: u64,
    /// SKUs compared.
    pub(crate) skus: u64,
    /// SKUs whose rows differ.
    pub(crate) differing: u64,
    /// The first few of them.
    pub(crate) differences: Vec<Difference>,
}

impl Books {
    /// Compares the rows of SKUs with what the answers add up to.
    pub(super) fn compare(
        expected: &[(&str, Units)],
        known_before: u64,
        rows: &HashMap<String, Units>,
    ) -> Self {
        let mut books = Self {
            balance: known_before == 0,
            known_before,
            skus: expected.len() as u64,
            ..Self::default()
        };
        if known_before == 0 {
            expected
                .iter()
                .for_each(|(sku, expected)| books.look(sku, *expected, rows.get(*sku)));
        }
        books
    }

    fn look(&mut self, sku: &str, expected: Units, server: Option<&Units>) {
        if server == Some(&expected) {
            return;
        }
        self.balance = false;
        self.differing += 1;
        if self.differences.len() < SHOWN_MAX {
            self.differences.push(Difference {
                sku: sku.to_owned(),
                expected,
                server: server.copied(),
            });
        }
    }
}

/// The server's rows of the SKUs for which `wanted` says yes.
pub(super) fn rows(
    asker: &mut Asker,
    wanted: impl Fn(&str) -> bool,
) -> Result<HashMap<String, Units>, Error> {
    let rows = pages(asker, &[b"STOCK.LIST"], row)?;
    Ok(rows.into_iter().filter(|(sku, _)| wanted(sku)).collect())
}

/// All items of a list of the server, over all of its pages.
pub(super) fn pages<T>(
    asker: &mut Asker,
    list: &[&[u8]],
    read: impl Fn(&Reply<'_>) -> Option<T>,
) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let mut parts = list.to_vec();
        parts.extend([&b"LIMIT"[..], PAGE_ROWS]);
        if let Some(after) = &after {
            parts.extend([&b"AFTER"[..], after]);
        }
        let page = asker.ask(&parts, |reply| {
            page(reply, &read).ok_or_else(|| format!("{reply:?}"))
        })?;
        let (items, next) = page.map_err(|reply| asker.stopped(&reply))?;
        all.extend(items);
        if next.is_none() {
            return Ok(all);
        }
        after = next;
    }
}

type Page<T> = (Vec<T>, Option<Vec<u8>>);

fn page<T>(reply: &Reply<'_>, read: impl Fn(&Reply<'_>) -> Option<T>) -> Option<Page<T>> {
    let Some(Reply::Array(items)) = reply.field("items") else {
        return None;
    };
    let items: Option<Vec<_>> = items.iter().map(read).collect();
    let next = reply.field("next")?;
    // A cursor is a name or a number.
    let number = next.count().map(|number| number.to_string().into_bytes());
    Some((items?, next.text().map(<[u8]>::to_vec).or(number)))
}

fn row(item: &Reply<'_>) -> Option<(String, Units)> {
    let count = |name| item.field(name).and_then(Reply::count);
    let sku = String::from_utf8_lossy(item.field("sku")?.text()?).into_owned();
    let (total, available) = (count("total")?, count("available")?);
    Some((
        sku,
        Units {
            total,
            available,
            held: count("held")?,
            sold: count("sold")?,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_with_its_cursor() {
        let bytes =
            b"*4\r\n$5\r\nitems\r\n*1\r\n*10\r\n+sku\r\n+X\r\n+total\r\n:9\r\n+available\r\n:2\r\n\
            +held\r\n:3\r\n+sold\r\n:4\r\n$4\r\nnext\r\n+X\r\n";
        let (reply, _) = Reply::parse(bytes).expect("well-formed").expect("complete");
        let (rows, next) = page(&reply, row).expect("a page");
        assert_eq!(
            rows,
            [(
                "X".to_owned(),
                Units {
                    total: 9,
                    available: 2,
                    held: 3,
                    sold: 4
                }
            )]
        );
        assert_eq!(next, Some(b"X".to_vec()));
        assert_eq!(page(&Reply::Error(b"ERR unknown command"), row), None);
    }
}
