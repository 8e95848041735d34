//! What jobs say to each other, from queue to queue.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::contract::Mail;
use tidegate_engine::{Missing, Reads, Row, Tx};

use crate::early;
use crate::hand::{Hand, To};
use crate::table::{DOMAIN, EARLY, Stand};

/// A child of this job has ended, or was dropped.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ChildEnded {
    /// The parent.
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) id: CompactString,
}

impl Row for ChildEnded {}

impl Mail for ChildEnded {
    const NUMBERS: (u8, u8) = (DOMAIN, 1);
    const NAME: &'static str = "child_ended";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        Hand::reads(reads, to, &self.id);
        reads.row(&EARLY, (to, self.id.as_str()));
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Some(mut hand) = Hand::of(tx, to, &self.id)? else {
            return early::note(tx, to, &self.id);
        };
        if let Stand::Waiting(_) = hand.job.stand {
            hand.job.waits_for -= 1;
            if hand.job.waits_for == 0 {
                hand.go(tx, To::Line)?;
            }
            hand.put(tx);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn letters_are_frozen() {
        assert_eq!(hex(&ChildEnded { id: "i".into() }), "a1006169");
    }
}
