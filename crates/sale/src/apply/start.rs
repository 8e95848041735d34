//! The start: the list is closed, the nonce made, and what is sold put on sale.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::draw::begin;
use super::shelf::open_soon;
use crate::edge::show;
use crate::table::{DOMAIN, SALES, Sale, Start};

/// Set with a sale, due at its start.
pub(crate) const START: Timer = Timer::new(DOMAIN, 1, start, start_reads);

fn sale_in<'a>(owner: &mut KeyReader<'a>) -> &'a str {
    let name = owner.text();
    name.expect("because the timer is set with a sale")
}

fn start_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    reads.row(&SALES, sale_in(&mut owner));
}

fn start(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let name = sale_in(&mut owner);
    let Some(mut sale) = tx.get(&SALES, name)? else {
        return Ok(());
    };
    if sale.start.is_none() {
        close(tx, name, &mut sale);
        tx.put(&SALES, name, sale);
    }
    Ok(())
}

/// Closes the list, and begins the draw unless that waits for its beacon.
pub(super) fn close(tx: &mut Tx<'_>, name: &str, sale: &mut Sale) {
    tx.cancel(&START, sale.starts_ms, name);
    sale.start = Some(Start {
        at_ms: tx.now_ms(),
        nonce: tx.secret().into(),
        listed: sale.entrants,
    });
    open_soon(tx, name, sale);
    if sale.beacon_name.is_none() {
        begin(tx, name, sale);
    }
    show(tx, name, sale);
}
