//! What a replay does not touch: another server than its journal's, and stock that is there otherwise.

use std::collections::HashMap;

use super::asker::Asker;
use super::books::{self, Units};
use super::plan::Sku;
use super::{Error, Options};

/// A journal tells what one server has answered. With another server behind the address, going on
/// would mix the two, and no figure would be right. It is known by a SKU that it was told of, if any.
pub(super) fn refuse_another_server(
    options: &Options,
    declared: Option<&Sku>,
) -> Result<(), Error> {
    let Some(sku) = declared else {
        return Ok(());
    };
    let total = Asker::new(options).ask(&[b"STOCK.GET", sku.name.as_bytes()], |reply| {
        reply.field("total").and_then(crate::client::Reply::count)
    })?;
    if total == Some(sku.total) {
        return Ok(());
    }
    let (addr, journal) = (options.addr.clone(), options.journal.clone());
    Err(Error::AnotherServer {
        addr,
        journal,
        sku: sku.name.clone(),
    })
}

/// Whoever names a server may not know what it has: to declare a SKU that it has otherwise would change
/// what others rely on. A run that was killed has declared some that its journal does not know of, and has
/// held nothing of them.
pub(super) fn refuse_to_overwrite<'p>(
    options: &Options,
    undeclared: impl Iterator<Item = &'p Sku>,
) -> Result<(), Error> {
    let totals: HashMap<_, _> = undeclared.map(|sku| (&*sku.name, sku.total)).collect();
    if options.overwrite || totals.is_empty() {
        return Ok(());
    }
    let rows = books::rows(&mut Asker::new(options), |sku| totals.contains_key(sku))?;
    let is_other = |sku: &str, units: Units| {
        let total = totals.get(sku);
        total.is_some_and(|total| units != Units::fresh(*total))
    };
    let others: Vec<_> = rows
        .into_iter()
        .filter(|(sku, units)| is_other(sku, *units))
        .collect();
    let count = others.len();
    let first = others.into_iter().min_by(|a, b| a.0.cmp(&b.0));
    first.map_or(Ok(()), |(sku, units)| {
        Err(Error::Known {
            addr: options.addr.clone(),
            count,
            sku,
            total: units.total,
        })
    })
}
