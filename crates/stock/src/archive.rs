//! Rows of what has left for the archives, and what stays in its place.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::{Retention, Row, Slice, Table};

use crate::table::{Change, DOMAIN, Held, HoldState, Kind};

const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// Holds that are finished, and changes of a SKU, stay where commands and pages find them at once for
/// a week; after a year and some weeks their details are kept no more.
const RETENTION: Retention = Retention {
    after_ms: 7 * DAY_MS,
    slice_ms: DAY_MS,
    keep_ms: 400 * DAY_MS,
};

/// By slice, SKU and the hold's position.
pub(crate) const HOLDS_ARCHIVE: Table<ArchivedHold> =
    Table::archive(DOMAIN, 7, "stock.holds_archive", RETENTION);
/// By slice, SKU and position.
pub(crate) const FLOW_ARCHIVE: Table<Change> =
    Table::archive(DOMAIN, 8, "stock.flow_archive", RETENTION);
/// By SKU: sums of all that has left for the archives, dropped by now or not.
pub(crate) const LEFT: Table<Left> = Table::ordered(DOMAIN, 9, "stock.left");

/// A hold in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ArchivedHold {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) id: CompactString,
    #[n(1)]
    pub(crate) hold: Held,
}

impl Row for ArchivedHold {}

impl Held {
    /// What stays of a hold that leaves for this slice: what its id, the laws and a receipt need.
    pub(crate) fn stub(&self, slice: Slice) -> Self {
        Self {
            buyer: None,
            created_at_ms: 0,
            steps: Vec::new(),
            archived: Some(slice),
            claimed: None,
            ..self.clone()
        }
    }
}

/// Sums of what has left for the archives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Left {
    #[n(0)]
    pub(crate) confirmed: HoldSums,
    #[n(1)]
    pub(crate) released: HoldSums,
    #[n(2)]
    pub(crate) expired: HoldSums,
    #[n(3)]
    pub(crate) returned: HoldSums,
    #[n(4)]
    pub(crate) flow: FlowSums,
    /// Units that holds of a buyer have.
    #[n(5)]
    pub(crate) bought: u64,
    /// The slice of the last change that has left.
    #[n(6)]
    pub(crate) flow_slice: Option<Slice>,
}

impl Row for Left {}

/// Sums over holds of one state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct HoldSums {
    #[n(0)]
    pub(crate) holds: u64,
    #[n(1)]
    pub(crate) units: u64,
    /// Units that were returned of them.
    #[n(2)]
    pub(crate) returned: u64,
}

/// What changes add up to, from the first one on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct FlowSums {
    #[n(0)]
    pub(crate) total: u64,
    #[n(1)]
    pub(crate) held: u64,
    #[n(2)]
    pub(crate) sold: u64,
    /// How often the SKU was declared, restocked or written off.
    #[n(3)]
    pub(crate) versions: u64,
    #[n(4)]
    pub(crate) holds: u64,
    #[n(5)]
    pub(crate) adds: u64,
}

impl Left {
    /// The sums of a state; held ones do not leave.
    pub(crate) fn of(&mut self, state: HoldState) -> Option<&mut HoldSums> {
        match state {
            HoldState::Held => None,
            HoldState::Confirmed => Some(&mut self.confirmed),
            HoldState::Released => Some(&mut self.released),
            HoldState::Expired => Some(&mut self.expired),
            HoldState::Returned => Some(&mut self.returned),
        }
    }

    /// A hold leaves.
    pub(crate) fn add(&mut self, hold: &Held) {
        if let Some(sums) = self.of(hold.state) {
            sums.holds += 1;
            sums.units += hold.quantity;
            sums.returned += hold.returned;
        }
        if hold.buyer.is_some() {
            self.bought += hold.has();
        }
    }

    /// A hold comes back.
    pub(crate) fn take(&mut self, hold: &Held) {
        if let Some(sums) = self.of(hold.state) {
            sums.holds -= 1;
            sums.units -= hold.quantity;
            sums.returned -= hold.returned;
        }
        if hold.buyer.is_some() {
            self.bought -= hold.has();
        }
    }
}

impl FlowSums {
    /// The next change leaves.
    pub(crate) fn add(&mut self, change: &Change) {
        let units = change.quantity.unsigned_abs();
        match change.kind {
            Kind::Set => (self.total, self.versions) = (units, self.versions + 1),
            Kind::Add => {
                self.total = self.total.saturating_add_signed(change.quantity);
                (self.versions, self.adds) = (self.versions + 1, self.adds + 1);
            }
            Kind::Lend => self.total = self.total.saturating_add_signed(change.quantity),
            Kind::Hold => (self.held, self.holds) = (self.held + units, self.holds + 1),
            Kind::Confirm => (self.held, self.sold) = (self.held - units, self.sold + units),
            Kind::Release | Kind::Expire => self.held -= units,
            Kind::Return => self.sold -= units,
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;
    use crate::table::{Step, Taken};

    fn hold() -> Held {
        Held {
            content: 7,
            state: HoldState::Confirmed,
            quantity: 3,
            returned: 1,
            buyer: Some("b".into()),
            position: 5,
            created_at_ms: 100,
            expires_at_ms: 200,
            steps: vec![Step {
                kind: Kind::Confirm,
                quantity: 3,
                at_ms: 150,
            }],
            archived: None,
            claimed: None,
        }
    }

    #[test]
    fn rows_are_frozen() {
        let hold = hold();
        let mut left = Left::default();
        left.add(&hold);
        left.flow_slice = Some(Slice::of(0x5168));
        left.flow.add(&Change {
            kind: Kind::Set,
            id: "".into(),
            quantity: 9,
            before: 0,
            after: 9,
            at_ms: 100,
        });
        let taken = Taken {
            units: 3,
            archived: 2,
        };
        let stub = hex(&hold.stub(Slice::of(0x5168)));
        let archived = ArchivedHold {
            id: "h".into(),
            hold,
        };
        let rows = [stub, hex(&archived), hex(&left), hex(&taken)];
        assert_eq!(
            rows,
            [
                "a80007010202050303040106000718c809195168",
                "a200616801a9000701020205030304010561620618640718c80881a300040103021896",
                "a700a300010103020101a300000100020002a300000100020003a300000100020004a6000901000200030104000500050206195168",
                "a200030102",
            ]
        );
    }
}
