//! What the tests ask about stock.

use super::{Client, Reply};

/// `[total, available, held, sold]` of a SKU.
pub(crate) fn units_of(client: &mut Client, sku: &str) -> [i64; 4] {
    let reply = client.ask(&format!("STOCK.GET {sku}"));
    ["total", "available", "held", "sold"].map(|name| reply.field(name).integer())
}

/// The items of all pages of a scan.
pub(crate) fn all_pages(client: &mut Client, scan: &str) -> Vec<Reply> {
    let mut items = Vec::new();
    let mut after = String::new();
    loop {
        let page = client.ask_for_optional(&format!("{scan} {after} LIMIT 1000"));
        items.extend_from_slice(page.field("items").items());
        let next = page.field("next");
        if *next == Reply::Null {
            return items;
        }
        after = format!("AFTER {}", next.text());
    }
}
