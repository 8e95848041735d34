//! How lots are kept: in groups of which each holds a stretch of all possible lots, in order.

use minicbor::bytes::ByteVec;

use crate::draw::{Lots, entry_of};
use crate::table::{Drawn, Group, Sale};
use crate::ticket::ticket_of;

/// Entrants of which one step of a draw finds the lots: a few milliseconds of a core.
pub(crate) const STEP: u64 = 4_096;

/// Lots that fall in one group, on average: a group is read and brought in order at once.
const GROUP: u64 = 4_096;

/// Bytes of a lot and of the number of its entrant.
const DRAWN_BYTES: usize = 12;

/// A lot and its entrant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lot {
    pub(crate) lot: u64,
    pub(crate) number: u64,
}

/// In how many groups the lots of so many entrants fall.
pub(crate) fn groups(listed: u64) -> u64 {
    listed.div_ceil(GROUP).max(1)
}

/// In how many steps they are found.
pub(crate) fn steps(listed: u64) -> u64 {
    listed.div_ceil(STEP)
}

/// The group of a lot, of so many.
pub(crate) fn group_of(lot: u64, groups: u64) -> u64 {
    let group = (u128::from(lot) * u128::from(groups)) >> u64::BITS;
    u64::try_from(group).expect("because it is below the number of groups")
}

impl Drawn {
    pub(crate) fn push(&mut self, Lot { lot, number }: Lot) {
        let number = u32::try_from(number).expect("because no more may enter");
        self.0.extend_from_slice(&lot.to_be_bytes());
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    pub(crate) fn lots(&self) -> impl Iterator<Item = Lot> + use<'_> {
        self.0.chunks_exact(DRAWN_BYTES).map(lot_in)
    }

    pub(crate) fn len(&self) -> u64 {
        (self.0.len() / DRAWN_BYTES) as u64
    }

    /// Where a lot stands among these, which are in order, from 0 on.
    fn place_of(&self, lot: Lot) -> Option<u64> {
        let (all, _) = self.0.as_chunks::<DRAWN_BYTES>();
        let found = all.binary_search_by_key(&lot, |bytes| lot_in(bytes));
        found.ok().map(|place| place as u64)
    }
}

fn lot_in(bytes: &[u8]) -> Lot {
    let (lot, number) = bytes.split_at(8);
    let lot = lot.try_into().map(u64::from_be_bytes);
    let number = number.try_into().map(u32::from_be_bytes);
    Lot {
        lot: lot.expect("because it has 8 bytes"),
        number: number.expect("because it has 4 bytes").into(),
    }
}

impl FromIterator<Lot> for Drawn {
    fn from_iter<T: IntoIterator<Item = Lot>>(lots: T) -> Self {
        let mut drawn = Self(ByteVec::from(Vec::new()));
        lots.into_iter().for_each(|lot| drawn.push(lot));
        drawn
    }
}

impl Group {
    /// The position of a lot, from 1 on.
    pub(crate) fn position_of(&self, lot: Lot) -> Option<u64> {
        self.drawn
            .place_of(lot)
            .map(|place| self.before + place + 1)
    }
}

impl Sale {
    /// The lots of its draw, as far as all that decides about them is known.
    pub(crate) fn lots(&self) -> Lots {
        let beacon = self.beacon.as_deref().unwrap_or_default();
        Lots::new(&self.secret, &self.list, beacon)
    }

    /// The lot of an entrant.
    pub(crate) fn lot(&self, lots: &Lots, name: &str, number: u64) -> Lot {
        let lot = lots.of(&entry_of(&ticket_of(&self.key, name, number)));
        Lot { lot, number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_stretches_of_lots_in_order() {
        assert_eq!(groups(0), 1);
        assert_eq!(groups(GROUP), 1);
        assert_eq!(groups(GROUP + 1), 2);
        for groups in [1, 2, 3, 500] {
            let all = (0..1_000u64).map(|n| group_of(n * (u64::MAX / 999), groups));
            let all: Vec<_> = all.collect();
            assert!(all.is_sorted());
            assert_eq!((all[0], all[999]), (0, groups - 1));
        }
    }

    #[test]
    fn lots_read_back_and_are_found_at_their_place() {
        let lots = [(3, 9), (3, 10), (u64::MAX, 1)].map(|(lot, number)| Lot { lot, number });
        let drawn: Drawn = lots.into_iter().collect();
        assert!(drawn.lots().eq(lots));
        let group = Group { before: 5, drawn };
        let positions = lots.map(|lot| group.position_of(lot));
        assert_eq!(positions, [Some(6), Some(7), Some(8)]);
        assert_eq!(group.position_of(Lot { lot: 3, number: 8 }), None);
    }
}
