//! What the tests ask about stock.

use super::{Client, Reply, words};

/// `[total, available, held, sold]` of a SKU.
pub(crate) fn units_of(client: &mut Client, sku: &str) -> [i64; 4] {
    let reply = client.ask(&format!("STOCK.GET {sku}"));
    ["total", "available", "held", "sold"].map(|name| reply.field(name).integer())
}

/// The items of all pages of a scan.
pub(crate) fn all_pages(client: &mut Client, scan: &str) -> Vec<Reply> {
    let mut items = Vec::new();
    let mut next = Reply::Null;
    loop {
        let mut command = words(scan);
        if next != Reply::Null {
            command.extend(["AFTER".to_owned(), next.text().to_owned()]);
        }
        command.extend(words("LIMIT 1000"));
        let page = client.pipeline(&[command]).pop().expect("a page");
        items.extend_from_slice(page.field("items").items());
        next = page.field("next").clone();
        if next == Reply::Null {
            return items;
        }
    }
}
