//! What all of a crowd see and leave behind: the shelf, what they were told, and what of it cannot be right.

use std::rc::Rc;

use super::answer::Bought;
use super::ask::Ask;
use super::shelf::Shelf;
use super::tally::Tally;

/// An order that somebody was told they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) buyer: Rc<str>,
    pub(super) order: Rc<str>,
    pub(super) sku: Rc<str>,
    pub(super) quantity: u64,
    pub(super) total: u64,
}

/// What a purchase is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Purchase {
    pub(super) sku: Rc<str>,
    pub(super) token: Rc<str>,
    pub(super) nonce: Rc<str>,
}

/// What a crowd shares.
#[derive(Debug, Default)]
pub(super) struct World {
    /// The server's clock, in milliseconds since 1970.
    pub(super) now_ms: u64,
    pub(super) shelf: Shelf,
    /// Units that a buyer may have over all goods.
    pub(super) max: u64,
    pub(super) tally: Tally,
    pub(super) told: Vec<Told>,
    /// The latest purchase that is about to be made: somebody is watching over a shoulder.
    pub(super) overheard: Option<Rc<Purchase>>,
}

impl World {
    /// Somebody is told that they have an order.
    pub(super) fn tell(&mut self, buyer: &Rc<str>, sku: &Rc<str>, bought: Bought) {
        self.tally.bought += 1;
        self.tally.units += bought.quantity;
        self.told.push(Told {
            buyer: Rc::clone(buyer),
            order: bought.order,
            sku: Rc::clone(sku),
            quantity: bought.quantity,
            total: bought.total,
        });
    }
}

impl Purchase {
    /// The request that makes it.
    pub(super) fn ask(&self, buyer: Rc<str>) -> Ask {
        Ask::Buy {
            buyer,
            sku: Rc::clone(&self.sku),
            token: Rc::clone(&self.token),
            nonce: Rc::clone(&self.nonce),
        }
    }
}
