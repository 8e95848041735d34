//! Where a command about a split SKU runs: in the shard of its buyer, so that what a buyer has is known there.

use std::borrow::Cow;

use compact_str::{CompactString, format_compact};
use tidegate_engine::contract::Name;
use tidegate_engine::{Shard, Slot, Splits};

use crate::table::DOMAIN;

/// Whom a command is about.
#[derive(Clone, Copy)]
pub(crate) enum Whose<'a> {
    /// A buyer.
    Buyer(&'a Name),
    /// A hold, which tells its shard if its id was issued here.
    Hold(&'a Name),
    /// Nobody that is named.
    Nobody,
}

impl<'a> Whose<'a> {
    /// The buyer who is named, or else the hold.
    pub(crate) fn of(buyer: Option<&'a Name>, hold: &'a Name) -> Self {
        buyer.map_or(Self::Hold(hold), Self::Buyer)
    }

    fn shard(self, of: u16) -> Option<Shard> {
        match self {
            Self::Buyer(buyer) => Some(Shard::of_whom(buyer.as_str(), of)),
            Self::Hold(id) => shard_of_issued(id.as_str(), of),
            Self::Nobody => None,
        }
    }
}

/// The key of the shard of a SKU in which lies what is about somebody: the SKU itself if it is not split. `None` if
/// that does not say which one.
pub(crate) fn key_of<'a>(splits: &Splits, sku: &'a Name, whose: Whose<'_>) -> Option<Cow<'a, str>> {
    let sku = sku.as_str();
    let Some(of) = splits.of(DOMAIN, sku) else {
        return Some(Cow::Borrowed(sku));
    };
    match whose.shard(of)? {
        Shard { at: 0, .. } => Some(Cow::Borrowed(sku)),
        shard => Some(Cow::Owned(shard.key_of(sku).into())),
    }
}

/// The slot in which a command runs. One that does not say which shard it is about is told so by the first.
pub(crate) fn slot_of(splits: &Splits, sku: &Name, whose: Whose<'_>) -> Slot {
    let key = key_of(splits, sku, whose);
    let key = key.unwrap_or(Cow::Borrowed(sku.as_str()));
    Slot::of(key.as_bytes())
}

/// The position that people see of what has this one in its shard: of a split SKU, each shard counts for itself.
pub(crate) fn in_all(position: u64, shard: Shard) -> u64 {
    position * u64::from(shard.of) + u64::from(shard.at)
}

/// Behind which position in a shard that lies which is behind this one in all.
pub(crate) fn behind(position: u64, shard: Shard) -> u64 {
    position.saturating_sub(shard.at.into()) / u64::from(shard.of)
}

/// An id that is issued for a hold of a split SKU names its shard.
pub(crate) fn issued(minted: CompactString, shard: Option<Shard>) -> CompactString {
    match shard {
        Some(Shard { at, .. }) => format_compact!("{minted}.{at}"),
        None => minted,
    }
}

fn shard_of_issued(id: &str, of: u16) -> Option<Shard> {
    let (minted, at) = id.split_once('.')?;
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let at = Some(at).filter(|at| !minted.is_empty() && is_number(minted) && is_number(at))?;
    let at = at.parse().ok().filter(|at| *at < of)?;
    Some(Shard { at, of })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issued_id_names_its_shard_and_no_other_id_does() {
        let shard = Shard { at: 3, of: 4 };
        assert_eq!(issued("77".into(), Some(shard)), "77.3");
        assert_eq!(issued("77".into(), None), "77");
        assert_eq!(shard_of_issued("77.3", 4), Some(shard));
        for id in ["77", "77.4", "a.3", "77.x", ".3", "77.", "77.3.3", "77.+3"] {
            assert_eq!(shard_of_issued(id, 4), None, "{id}");
        }
    }
}
