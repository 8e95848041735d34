//! An event, and what is known of it.

use super::COUNTERS;

/// What is known of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody has said.
    Unknown,
    Counted,
    Late,
}

#[derive(Debug)]
pub(super) struct Event {
    pub(super) counter: usize,
    pub(super) key: u64,
    pub(super) amount: u64,
    pub(super) at_ms: u64,
    pub(super) value: Option<u64>,
    pub(super) by: u64,
    /// It came too late when it was sent for the first time.
    pub(super) is_late: bool,
    pub(super) fate: Fate,
    /// When it was sent for the first time.
    pub(super) sent_at: u64,
    /// How often it was sent.
    pub(super) sent: u64,
    /// When it was heard of that it was taken in, since it was last in doubt.
    pub(super) heard_at: Option<u64>,
    /// It was heard of, and a crash may have taken it.
    pub(super) told_before: Option<u64>,
    /// Some of those who have sent it were never answered.
    pub(super) is_in_doubt: bool,
}

impl Event {
    pub(super) fn is_of(&self, counter: usize, key: u64) -> bool {
        (self.counter, self.key) == (counter, key)
    }

    /// What becomes of it when it is taken in soon: a batch does not tell of each.
    pub(super) fn expected(&self) -> Fate {
        match self.fate {
            Fate::Unknown if self.is_late => Fate::Late,
            Fate::Unknown => Fate::Counted,
            known @ (Fate::Counted | Fate::Late) => known,
        }
    }

    fn dims(&self) -> Option<String> {
        self.value.map(|value| format!("d=x{value}"))
    }

    pub(super) fn as_command(&self, number: usize) -> String {
        let (name, _) = COUNTERS[self.counter];
        let Self {
            key,
            amount,
            at_ms,
            by,
            ..
        } = self;
        let dims = self
            .dims()
            .map_or(String::new(), |dims| format!(" DIMS {dims}"));
        format!("COUNTER.ADD {name} e{number} k{key} AMOUNT {amount} AT {at_ms} BY p{by}{dims}")
    }

    pub(super) fn as_item(&self, number: usize) -> String {
        let Self {
            key,
            amount,
            at_ms,
            by,
            ..
        } = self;
        let dims = self.dims().unwrap_or_else(|| "\"\"".to_owned());
        format!(" e{number} k{key} {amount} {at_ms} p{by} {dims}")
    }
}
