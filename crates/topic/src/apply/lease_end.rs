//! A lease is over: its messages go back, and are given again at once.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::desk::Desk;
use super::give_back::{How, give_back};
use super::owner_of;
use crate::table::{DOMAIN, GROUPS, LEASES};

/// Set with (topic, group, number), due when the lease ends.
pub(crate) const LEASE_END: Timer = Timer::new(DOMAIN, 2, end, reads_of_end);

/// They have waited as long as the lease has lasted.
const OVER: How<'_> = How {
    rest_ms: Some(0),
    cause: "the lease ended",
};

fn reads_of_end(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, group, number) = owner_of(&mut owner);
    reads.row(&GROUPS, (name, group));
    reads.row(&LEASES, (name, group, number));
}

fn end(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, group, number) = owner_of(&mut owner);
    let lease = tx.get(&LEASES, (name, group, number))?;
    let desk = Desk::of(tx, (name, group))?;
    let (Some(mut lease), Some(mut desk)) = (lease, desk) else {
        return Ok(());
    };
    if tx.now_ms() < lease.until_ms {
        return Ok(());
    }
    let had = lease.items.len();
    give_back(tx, &mut desk, &mut lease, |_| true, &OVER)?;
    desk.shrink(tx, number, &lease, had);
    desk.put(tx);
    Ok(())
}
