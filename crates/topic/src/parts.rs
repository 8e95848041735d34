//! Topics of several parts, which lie in slots of several partitions.
//!
//! A part is a topic of its own as its rows and timers know it, under the key of its shard, and numbers its messages
//! from 1 on. The topic numbers them through: message *n* of part *p* (from 0 on) of *k* has the position
//! `(n - 1) * k + p + 1`, so a position tells its part, and where there is one part it is the number. The same holds
//! for the numbers of dead letters.
//!
//! What is asked of one part is sent there; what is asked of all is divided, or looks in one after the other; what is
//! declared is told by the first part to all others (`apply/told.rs`).

use std::borrow::Cow;

use compact_str::format_compact;
use tidegate_engine::contract::{Apply, Id, Name};
use tidegate_engine::{Division, Piece, Shard, Splits, Stop, Tx};

use crate::Refusal;
use crate::lease_id::LeaseId;
use crate::table::DOMAIN;

/// How many parts a topic has, if several.
pub(crate) fn several(splits: &Splits, name: &Name) -> Option<u16> {
    splits.of(DOMAIN, name.as_str())
}

/// The part that has this key.
pub(crate) fn shard_of(splits: &Splits, key: &str) -> Shard {
    Shard::named(key).unwrap_or_else(|| Shard {
        at: 0,
        of: splits.of(DOMAIN, key).unwrap_or(1),
    })
}

/// The part of a message: that of its key, so that those of a key are in order; without one that of its id, so that a
/// retry finds the first try. A minted id is never tried again: these go to one part after the other.
pub(crate) fn part_of_message(id: &Id, key: Option<&Name>, of: u16, nth: u64) -> Shard {
    match (key, id) {
        (Some(key), _) => Shard::of_whom(key.as_str(), of),
        (None, Id::Chosen(id)) => Shard::of_whom(id.as_str(), of),
        (None, Id::Mint) => {
            let at = u16::try_from(nth % u64::from(of));
            let at = at.expect("because a remainder is smaller than what divides");
            Shard { at, of }
        }
    }
}

/// The part of a lease; any one if it says one that is not there, which has no such lease either.
pub(crate) fn part_of_lease(lease: &LeaseId, of: u16) -> Shard {
    let at = lease.part % of;
    Shard { at, of }
}

/// The position in the topic of what has this number in its part; 0 of none.
pub(crate) fn in_all(number: u64, shard: Shard) -> u64 {
    match number.checked_sub(1) {
        Some(before) => before
            .saturating_mul(shard.of.into())
            .saturating_add(u64::from(shard.at) + 1),
        None => 0,
    }
}

/// The part in which something has this position, and its number there; number 0 of the first part if it is 0.
pub(crate) fn place_of(position: u64, of: u16) -> (Shard, u64) {
    let (parts, before) = (u64::from(of), position.saturating_sub(1));
    let at = u16::try_from(before % parts);
    let at = at.expect("because a remainder is smaller than what divides");
    let number = if position == 0 { 0 } else { before / parts + 1 };
    (Shard { at, of }, number)
}

/// The last number in a part of what has this position or one before it in the topic.
pub(crate) fn up_to(position: u64, shard: Shard) -> u64 {
    position
        .checked_sub(u64::from(shard.at) + 1)
        .map_or(0, |behind| behind / u64::from(shard.of) + 1)
}

/// The key of the part that stands at a place of a round: from 1 on, 0 for the only one.
pub(crate) fn key_at<'a>(name: &'a Name, place: u16, splits: &Splits) -> Cow<'a, str> {
    match (several(splits, name), place) {
        (Some(of), 2..) => {
            let shard = Shard { at: place - 1, of };
            Cow::Owned(shard.key_of(name.as_str()).into())
        }
        (Some(_) | None, _) => Cow::Borrowed(name.as_str()),
    }
}

/// The place of a round at which a part stands.
pub(crate) fn place_at(shard: Shard) -> u16 {
    shard.at + 1
}

/// The parts in the order in which somebody looks into them, who begins in another one each time.
pub(crate) fn from_any(of: u16, who: &str, nth: u64) -> impl Iterator<Item = Shard> {
    let first = Shard::of_whom(&format_compact!("{nth} {who}"), of).at;
    (0..of).map(move |behind| Shard {
        at: (first + behind) % of,
        of,
    })
}

/// A command that was on its way when its topic came to have several parts, and was sent to none: it is to be asked again.
pub(crate) fn check_sent<R>(tx: &Tx<'_>, name: &Name) -> Result<(), Stop<R>> {
    let is_sent = tx.is_piece() || tx.place() > 0;
    if !is_sent && several(tx.splits(), name).is_some() {
        return Err(Stop::Busy);
    }
    Ok(())
}

/// What a part has replied, as its topic says it.
pub(crate) trait InWhole: Sized {
    /// With the name of the topic and the positions that hold there.
    fn in_whole(self, name: &Name, shard: Shard) -> Self;
}

/// A command about one part, which is sent there.
pub(crate) fn send<C>(name: Name, shard: Shard, call: C) -> Division<C::Reply, C::Refusal>
where
    C: Apply<Reply: InWhole + Send + 'static, Refusal = Refusal>,
{
    let piece = Piece {
        what: call,
        items: [0].into(),
    };
    let division = Division::new(vec![piece], move |replies| {
        let reply = replies.into_iter().next();
        let Piece { what, .. } = reply.expect("because there was one piece");
        what.in_whole(&name, shard)
    });
    division.retelling(move |refused| refused.what.in_whole(shard))
}

/// A command about all parts, which is sent to each; what they reply is folded into one, in their order.
pub(crate) fn send_to_all<C>(
    name: Name,
    of: u16,
    call: impl Fn(Shard) -> C,
    fold: impl Fn(C::Reply, C::Reply) -> C::Reply + Send + 'static,
) -> Division<C::Reply, C::Refusal>
where
    C: Apply<Reply: InWhole + Send + 'static, Refusal = Refusal>,
{
    let piece = |shard: Shard| Piece {
        what: call(shard),
        items: [shard.at].into(),
    };
    Division::new(Shard::all(of).map(piece).collect(), move |replies| {
        let replies = replies.into_iter().map(|Piece { what, items }| {
            let at = items.first().copied().unwrap_or_default();
            what.in_whole(&name, Shard { at, of })
        });
        let folded = replies.reduce(&fold);
        folded.expect("because a topic has a part")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_tells_the_part_and_the_number_there() {
        for of in [1, 3] {
            for position in 1..20 {
                let (shard, number) = place_of(position, of);
                assert_eq!(in_all(number, shard), position);
                assert_eq!(up_to(position, shard), number);
                let before = up_to(position - 1, shard);
                assert_eq!(before, number - 1, "{position} of {of}");
            }
        }
        assert_eq!(place_of(5, 1), (Shard { at: 0, of: 1 }, 5));
        assert_eq!(place_of(0, 3), (Shard { at: 0, of: 3 }, 0));
        assert_eq!(in_all(0, Shard { at: 2, of: 3 }), 0);
    }
}
