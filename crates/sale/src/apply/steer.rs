//! Who is admitted next: so many a second, and no more than there are units and room for.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use crate::edge::show;
use crate::standing::State;
use crate::table::{DOMAIN, Pace, SALES, Sale};
use crate::{AHEAD_MS, STEER_MS};

/// Set with a sale that sells something, while somebody waits and something may change about it.
pub(crate) const STEER: Timer = Timer::new(DOMAIN, 4, steer, steer_reads);

/// What becomes known within such a while is seen to at once.
const SOON_MS: u64 = 5;

fn name_of<'a>(owner: &mut KeyReader<'a>) -> &'a str {
    let name = owner.text();
    name.expect("because the timer is set with a sale")
}

fn steer_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    reads.row(&SALES, name_of(&mut owner));
}

fn steer(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let name = name_of(&mut owner);
    let Some(mut sale) = tx.get(&SALES, name)? else {
        return Ok(());
    };
    if let Some(shop) = &mut sale.shop {
        shop.gate.due_ms = 0;
    }
    let now_ms = tx.now_ms();
    if sale.state_at(now_ms) == State::Running {
        sale.steer(now_ms);
        if let Some(next_ms) = sale.next_steer_ms(now_ms) {
            look_at(tx, name, &mut sale, next_ms);
        }
        show(tx, name, &sale);
    }
    tx.put(&SALES, name, sale);
    Ok(())
}

/// Something has changed by which more may be admitted, if somebody waits.
pub(super) fn look_soon(tx: &mut Tx<'_>, name: &str, sale: &mut Sale) {
    let now_ms = tx.now_ms();
    if sale.state_at(now_ms) == State::Running && sale.is_waited_for() {
        look_at(tx, name, sale, now_ms + SOON_MS);
    }
}

/// It is seen to at this time, or before.
fn look_at(tx: &mut Tx<'_>, name: &str, sale: &mut Sale, at_ms: u64) {
    let Some(shop) = &mut sale.shop else {
        return;
    };
    let due_ms = shop.gate.due_ms;
    if due_ms > 0 && due_ms <= at_ms {
        return;
    }
    if due_ms > 0 {
        tx.cancel(&STEER, due_ms, name);
    }
    shop.gate.due_ms = at_ms;
    tx.wake_at(&STEER, at_ms, name);
}

impl Sale {
    /// Whether somebody has entered who is not sure to be admitted.
    fn is_waited_for(&self) -> bool {
        let shop = self.shop.as_ref();
        shop.is_some_and(|shop| shop.gate.up_to < self.entrants)
    }

    /// Sees to it who may be admitted for the next [`AHEAD_MS`].
    fn steer(&mut self, now_ms: u64) {
        let (Some(pace), Some(shop)) = (self.pace, &mut self.shop) else {
            return;
        };
        let stay_ms = shop.stay_ms();
        let gate = &mut shop.gate;
        let paced = pace.reached(self.rate, now_ms);
        let reached = paced.min(gate.up_to);
        gate.leave(stay_ms, now_ms);
        gate.enter(reached, stay_ms, now_ms);
        let pace = if gate.is_kept && paced > gate.up_to {
            // Nobody saves up what the gate did not let in.
            Pace {
                since_ms: now_ms,
                base: gate.up_to,
            }
        } else {
            pace
        };
        let room = shop.inside.min(shop.units.available);
        let room = room.saturating_sub(gate.inside());
        let soon = pace
            .reached(self.rate, now_ms + AHEAD_MS)
            .min(self.entrants);
        // What was told ahead stays so.
        gate.up_to = gate.up_to.max(soon.min(reached + room));
        gate.is_kept = gate.up_to < soon;
        self.pace = Some(pace);
    }

    /// When it is seen to again, if something may have changed by then without a word of it.
    fn next_steer_ms(&self, now_ms: u64) -> Option<u64> {
        let shop = self.shop.as_ref().filter(|_| self.is_waited_for())?;
        let room = shop.inside.min(shop.units.available);
        if shop.gate.inside() < room {
            Some(now_ms + STEER_MS)
        } else if room > 0 {
            let at_ms = shop.gate.next_leave_ms(shop.stay_ms())?;
            Some(at_ms.max(now_ms + STEER_MS))
        } else {
            None
        }
    }
}
