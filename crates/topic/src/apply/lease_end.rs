//! A lease is over: its messages go back, and are given again at once.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::give_back::{How, give_back};
use super::moved::{Place, reads_of_group};
use super::owner_of;
use crate::table::{DOMAIN, LEASES};

/// Set with (topic, work, number), due when the lease ends.
pub(crate) const LEASE_END: Timer = Timer::new(DOMAIN, 2, end, reads_of_end);

/// They have waited as long as the lease has lasted.
const OVER: How<'_> = How {
    rest_ms: Some(0),
    cause: "the lease ended",
};

fn reads_of_end(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, work, number) = owner_of(&mut owner);
    reads_of_group(reads, (name, work));
    reads.row(&LEASES, (name, work, number));
}

fn end(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, work, number) = owner_of(&mut owner);
    let Some(mut lease) = tx.get(&LEASES, (name, work, number))? else {
        return Ok(());
    };
    if tx.now_ms() < lease.until_ms {
        return Ok(());
    }
    match Place::of(tx, (name, work))? {
        Some(Place::Here(mut desk)) => {
            let had = lease.items.len();
            give_back(tx, &mut desk, &mut lease, |_| true, &OVER)?;
            lease.is_torn = false; // Nothing of it need be known any more.
            desk.shrink(tx, number, &lease, had);
            desk.put(tx);
        }
        Some(Place::Moved(mut moved)) => {
            for item in &lease.items {
                moved.let_go(tx, item.of)?;
            }
            tx.remove(&LEASES, (name, work, number));
            moved.put(tx);
        }
        None => {}
    }
    Ok(())
}
