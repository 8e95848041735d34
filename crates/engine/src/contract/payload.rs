//! A payload: what a caller hands over to be kept, which nobody here looks into.

use super::field::{FieldKind, FieldType, Hasher, InvalidKind, Raw, text_of};
use crate::limits::PAYLOAD_BYTES_MAX;

/// Up to `MAX` bytes of UTF-8, 900 KiB unless it says, perhaps none; control characters may be among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload<const MAX: usize = PAYLOAD_BYTES_MAX>(Box<str>);

impl<const MAX: usize> Payload<MAX> {
    /// The payload as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> FieldType for Payload<MAX> {
    const KIND: FieldKind = FieldKind::Payload { max: MAX };

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let bytes = text_of(raw)?;
        let length = bytes.len();
        if length > MAX {
            let message = format!("must be at most {MAX} bytes long, not {length}");
            return Err((InvalidKind::OutOfRange, message));
        }
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|_| (InvalidKind::Unreadable, "must be UTF-8".to_owned()))?;
        Ok(Self(text.into()))
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(&(self.0.len() as u64).to_le_bytes());
        hasher.update(self.0.as_bytes());
    }

    fn heap_bytes(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_bounded_utf8_of_any_characters() {
        let longest = "x".repeat(PAYLOAD_BYTES_MAX);
        for text in ["", "{\"a\":\n1}\0", longest.as_str()] {
            let payload = <Payload>::read(Raw::Text(text.as_bytes())).expect("it is one");
            assert_eq!((payload.as_str(), payload.heap_bytes()), (text, text.len()));
        }
        let longer = "x".repeat(PAYLOAD_BYTES_MAX + 1);
        for bytes in [&b"\xff"[..], longer.as_bytes()] {
            assert!(<Payload>::read(Raw::Text(bytes)).is_err());
        }
        assert!(Payload::<2>::read(Raw::Text(b"ab")).is_ok());
        assert!(Payload::<2>::read(Raw::Text(b"abc")).is_err());
    }
}
