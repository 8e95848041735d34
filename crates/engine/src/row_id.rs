//! The id of a row that is found by a number alone: `slot-number`, which says where it lies.

use compact_str::{CompactString, format_compact};

use crate::contract::{
    FieldKind, FieldType, Hasher, InvalidKind, Name, Raw, ReplyType, ReplyValue, Writer,
};
use crate::key::Slot;
use crate::limits::SLOTS;

/// Which row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowId {
    pub(crate) slot: Slot,
    /// Unique, whatever the slot.
    pub(crate) number: u64,
    text: CompactString,
}

impl RowId {
    pub(crate) fn new(slot: Slot, number: u64) -> Self {
        let text = format_compact!("{}-{number}", slot.0);
        Self { slot, number, text }
    }

    /// As it is written; in no other way.
    fn of(text: &str) -> Option<Self> {
        let (slot, number) = text.split_once('-')?;
        let id = Self::new(Slot(slot.parse().ok()?), number.parse().ok()?);
        (id.slot.0 < SLOTS && id.text == text).then_some(id)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl FieldType for RowId {
    const KIND: FieldKind = FieldKind::Name;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let name = Name::read(raw)?;
        let message = || "must be `slot-number`, as its list tells it".to_owned();
        Self::of(name.as_str()).ok_or_else(|| (InvalidKind::Unreadable, message()))
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(&self.slot.0.to_le_bytes());
        hasher.update(&self.number.to_le_bytes());
    }
}

impl ReplyValue for RowId {
    const TYPE: ReplyType = ReplyType::Text;

    fn write(&self, out: &mut dyn Writer) {
        out.text(&self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written_and_in_no_other_way() {
        let id = RowId::new(Slot(4095), 7);
        assert_eq!(RowId::of(id.as_str()), Some(id));
        for text in [
            "", "7", "1-", "-7", "4096-7", "01-7", "1-07", "1-+7", "1-7-7", "1- 7",
        ] {
            assert_eq!(RowId::of(text), None, "{text:?}");
        }
    }
}
