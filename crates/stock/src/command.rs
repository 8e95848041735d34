//! Every request of the domain: its fields, their limits and their meaning.

use tidegate_engine::contract::{Bounded, Hint, Id, Limit, Millis, Name};
use tidegate_engine::limits::SHARDS_MAX;
use tidegate_engine::request;

use crate::table::HoldState;

/// A position within the holds or the flow of a SKU, or a version.
type Position = Bounded<0, { i64::MAX }>;

request! {
    /// Declares a SKU, or changes how many units it has in all.
    /// Declaring it again as it already is changes nothing.
    pub struct Set {
        /// The SKU.
        sku: Name,
        /// Units in all, 0 to 1,000,000,000; at least what is held and sold.
        total: i64,
        /// Only if the SKU has this version; 0 means that it must not exist yet.
        ["IF"] if_version: Option<Position>,
        /// Emit `stock_low` when what is available falls to this. Without it, no alert.
        ["ALERT"] alert: Option<Bounded<0, 1_000_000_000>>,
    }
}

request! {
    /// Restocks (a positive delta) or writes off (a negative one), once per id.
    pub struct Add {
        /// The SKU.
        sku: Name,
        /// The caller's id of this change, or `*`.
        id: Id,
        /// Units to add, -1,000,000,000 to 1,000,000,000, not 0.
        delta: i64,
    }
}

request! {
    /// Splits a hot SKU into shards of which each lies in another partition, for ever. Each has a share of the
    /// units; what one lacks others lend. From then on a hold needs `BUYER`, and whoever names a hold by an id of
    /// their own names its buyer: such an id is one of each shard's. What is placed by orders and sales comes from the
    /// first shard, which the others help out; so it is holds that a split spreads. Positions of the flow and of holds
    /// count for all shards together, so a cursor from before the split goes on at another place.
    pub struct Split {
        /// The SKU: no hold of it was made yet.
        sku: Name,
        /// How many shards: about as many as there are cores, up to 64.
        shards: Bounded<2, { SHARDS_MAX as i64 }>,
    }
}

request! {
    /// The units of a SKU now.
    pub struct Get {
        /// The SKU.
        sku: Name,
    }
}

request! {
    /// All SKUs, in the order of their bytes.
    pub struct List {
        /// Only SKUs that start with this.
        ["PREFIX"] prefix: Option<Name>,
        /// Only SKUs behind this one.
        ["AFTER"] after: Option<Name>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// Holds units until they are confirmed, released or expired.
    pub struct Hold {
        /// The SKU.
        sku: Name,
        /// The caller's id of this hold, or `*`.
        id: Id,
        /// Units to hold, 1 to 1,000,000,000.
        quantity: i64,
        /// Who holds them: needed if the SKU is split.
        ["BUYER"] buyer: Option<Name>,
        /// How long they are held, in milliseconds.
        ["TTL"] ttl_ms: Millis = 900_000,
        /// Most units that the buyer may have of this SKU: held and sold, less returned.
        ["MAX"] max: Option<Bounded<1, 1_000_000_000>>,
    }
}

request! {
    /// Sells what a hold holds.
    pub struct Confirm {
        /// The SKU.
        sku: Name,
        /// The hold.
        id: Name,
        /// Whose hold it is: needed if the SKU is split and the id was not issued.
        ["BUYER"] buyer: Option<Name>,
    }
}

request! {
    /// Gives back what a hold holds.
    pub struct Release {
        /// The SKU.
        sku: Name,
        /// The hold.
        id: Name,
        /// Whose hold it is: needed if the SKU is split and the id was not issued.
        ["BUYER"] buyer: Option<Name>,
    }
}

request! {
    /// Takes sold units back, wholly or in part, once per hold and id.
    pub struct Return {
        /// The SKU.
        sku: Name,
        /// The hold under which they were sold.
        hold: Name,
        /// The caller's id of this return, unique within the hold, or `*`.
        id: Id,
        /// Units to take back; all that are left without it.
        ["QTY"] quantity: Option<i64>,
        /// Whose hold it is: needed if the SKU is split and the hold's id was not issued.
        ["BUYER"] buyer: Hint,
    }
}

request! {
    /// One hold, with its history.
    /// Long after it is finished, by default 400 days, the details of a hold are dropped.
    pub struct HoldInfo {
        /// The SKU.
        sku: Name,
        /// The hold.
        id: Name,
        /// Whose hold it is: needed if the SKU is split and the id was not issued.
        ["BUYER"] buyer: Option<Name>,
    }
}

request! {
    /// The holds of a SKU, oldest first, but for those whose details are dropped.
    pub struct Holds {
        /// The SKU.
        sku: Name,
        /// Only holds in this state.
        ["STATE"] state: Option<HoldState>,
        /// Only holds behind this position.
        ["AFTER"] after: Option<Position>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// Every change of a SKU, in order, but for those that are dropped.
    pub struct Flow {
        /// The SKU.
        sku: Name,
        /// Only changes behind this position.
        ["AFTER"] after: Option<Position>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}
