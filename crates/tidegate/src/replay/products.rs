//! What a file's orders ask for most, with prices: goods for a sale.

use std::cmp::Reverse;
use std::path::Path;

use super::columns::Columns;
use super::plan::{Kind, Plan, Sku};
use super::share::Share;
use super::{Error, input};

/// A SKU of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) sku: String,
    /// What one cost when it was ordered first, in minor units; more than nothing.
    pub(crate) unit_price: u64,
}

/// So many SKUs of the file, at most, that were ordered most often, the first one most.
pub(crate) fn most_ordered(file: &Path, count: usize) -> Result<Vec<Product>, Error> {
    let read = input::read(file, &Columns::default(), Share::WHOLE, true);
    let (plan, _) = read.map_err(|source| Error::Input {
        file: file.to_owned(),
        source,
    })?;
    let orders = |sku: &&Sku| Reverse(ordered(&plan, sku).count());
    let mut skus: Vec<_> = plan.skus.iter().collect();
    // Those that were ordered as often as each other stay in the order of the file.
    skus.sort_by_key(orders);
    let products = skus.into_iter().filter_map(|sku| {
        let unit_price = ordered(&plan, sku).find(|price| *price > 0)?;
        let sku = sku.name.to_string();
        Some(Product { sku, unit_price })
    });
    Ok(products.take(count).collect())
}

/// The prices of all lines that order a SKU.
fn ordered<'p>(plan: &'p Plan, sku: &'p Sku) -> impl Iterator<Item = u64> + 'p {
    let lines = sku.lines.iter().map(|line| &plan.lines[*line as usize]);
    lines
        .filter(|line| line.kind == Kind::Order)
        .map(|line| line.price)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ordered_most_often_comes_first_and_gifts_are_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("orders.csv");
        let text = "invoice,customer,sku,quantity,unit_price\n\
            1,a,X,500,1.00\n2,a,FREE,1,0\n3,a,FREE,1,0\n4,a,FREE,1,0\n\
            5,a,Y,1,0\n6,a,Y,2,2.55\nC7,a,X,-1,1.00\nC8,a,X,-1,1.00\n";
        std::fs::write(&file, text).expect("written");
        let product = |sku: &str, unit_price| Product {
            sku: sku.to_owned(),
            unit_price,
        };
        let all = [product("Y", 255), product("X", 100)];
        assert_eq!(most_ordered(&file, 9).expect("readable"), all);
        assert_eq!(most_ordered(&file, 1).expect("readable"), all[..1]);
    }
}
