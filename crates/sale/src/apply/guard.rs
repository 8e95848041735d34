//! What stands before an entry: too many from one address are challenged, and everybody is where the sale says so.

use hmac::Mac;
use tidegate_engine::contract::Address;
use tidegate_engine::{Missing, Stop, Tx};

use crate::challenge::{Asked, Asker, check_proof, is_answer};
use crate::command::Join;
use crate::draw::{Hash, first, keyed};
use crate::guard::{Arrival, Challenge, Guard};
use crate::table::{ARRIVALS, Sale};
use crate::{ADDRESS_CELLS, Refusal};

impl Join {
    /// Whether who asks may enter, as far as limits and challenges go. A refusal undoes that it was counted.
    pub(super) fn pass(&self, tx: &mut Tx<'_>, sale: &Sale) -> Result<(), Stop<Refusal>> {
        let Some(guard) = &sale.guard else {
            return Ok(());
        };
        let is_over = !self.arrive(tx, &sale.key, guard)?;
        let asks_work = match &guard.challenge {
            Challenge::None => is_over,
            Challenge::Work => true,
            Challenge::Question(question, answer) => {
                self.check_answer(&sale.key, question, answer)?;
                is_over
            }
        };
        if asks_work {
            let proof = self.proof.as_ref().map(|proof| proof.as_str());
            let checked = check_proof(&sale.key, self.asker(), guard.bits, proof, tx.now_ms());
            checked.map_err(Refusal::Challenge)?;
        }
        Ok(())
    }

    /// Counts an entry from an address; whether it is within the limit.
    fn arrive(&self, tx: &mut Tx<'_>, key: &Hash, guard: &Guard) -> Result<bool, Missing> {
        let Some((rate, from)) = guard.of_address().zip(self.from) else {
            return Ok(true);
        };
        let cell = (self.id.as_str(), cell_of(key, from));
        let earlier = tx.get(&ARRIVALS, cell)?;
        let next_us = rate.arrive(earlier.map(|arrival| arrival.next_us), tx.now_ms());
        if let Ok(next_us) = next_us {
            tx.put(&ARRIVALS, cell, Arrival { next_us });
        }
        Ok(next_us.is_ok())
    }

    fn check_answer(&self, key: &Hash, question: &str, kept: &Hash) -> Result<(), Refusal> {
        let answer = self.answer.as_ref();
        if answer.is_some_and(|answer| is_answer(key, kept, answer.as_str())) {
            return Ok(());
        }
        let question = question.into();
        Err(Refusal::Challenge(Asked::Question { question }))
    }

    fn asker(&self) -> Asker<'_> {
        Asker {
            sale: self.id.as_str(),
            buyer: self.buyer.as_str(),
            from: self.from,
        }
    }
}

/// Which cell an address falls into: known to nobody, so that nobody can fill that of somebody else.
fn cell_of(key: &Hash, from: Address) -> u64 {
    let mut mac = keyed(key);
    mac.update(b"address\0");
    mac.update(&from.bytes());
    u64::from_be_bytes(first(&mac.finalize().into_bytes())) % ADDRESS_CELLS
}
