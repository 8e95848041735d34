//! Bytes: what a caller hands over to be kept, text or not, which nobody here looks into.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minicbor::bytes::ByteVec;

use super::field::{FieldKind, FieldType, Hasher, InvalidKind, Raw, text_of};
use super::reply::{ReplyType, ReplyValue, Writer};
use crate::limits::PAYLOAD_BYTES_MAX;

/// What a protocol of texts calls bytes that are none, behind the name of their field: `payload_base64`. They
/// are sent, and answered, in base64 (RFC 4648, section 4) under this name, and as they are under that of the field.
pub const BASE64_SUFFIX: &str = "_base64";

/// Up to `MAX` bytes, 900 KiB unless it says, perhaps none, and any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes<const MAX: usize = PAYLOAD_BYTES_MAX>(Box<[u8]>);

impl<const MAX: usize> Bytes<MAX> {
    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// The bytes that are written so.
fn decoded(base64: &str) -> Result<Vec<u8>, (InvalidKind, String)> {
    STANDARD.decode(base64).map_err(|_| {
        let message = "must be base64, padded, of the alphabet with + and /".to_owned();
        (InvalidKind::Unreadable, message)
    })
}

impl<const MAX: usize> FieldType for Bytes<MAX> {
    const KIND: FieldKind = FieldKind::Bytes { max: MAX };

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let bytes: Box<[u8]> = match raw {
            Raw::Base64(text) => decoded(text)?.into(),
            Raw::Text(_)
            | Raw::String(_)
            | Raw::Integer(_)
            | Raw::Address(_)
            | Raw::List(_)
            | Raw::Other(_) => text_of(raw)?.into(),
        };
        let length = bytes.len();
        if length > MAX {
            let message = format!("must be at most {MAX} bytes long, not {length}");
            return Err((InvalidKind::OutOfRange, message));
        }
        Ok(Self(bytes))
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(&(self.0.len() as u64).to_le_bytes());
        hasher.update(&self.0);
    }

    fn heap_bytes(&self) -> usize {
        self.0.len()
    }
}

/// As rows keep them.
impl ReplyValue for ByteVec {
    const TYPE: ReplyType = ReplyType::Bytes;

    fn write(&self, out: &mut dyn Writer) {
        out.bytes(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::content_of;

    fn read(raw: Raw<'_>) -> Result<Vec<u8>, (InvalidKind, String)> {
        Bytes::<4>::read(raw).map(|bytes| bytes.as_slice().to_vec())
    }

    #[test]
    fn bytes_are_taken_as_they_are_and_in_base64() {
        for (raw, bytes) in [
            (Raw::Text(b""), &b""[..]),
            (Raw::Text(b"\xff\0"), b"\xff\0"),
            (Raw::String("\u{f6}"), "\u{f6}".as_bytes()),
            (Raw::Base64(""), b""),
            (Raw::Base64("/wAB+w=="), b"\xff\0\x01\xfb"),
        ] {
            assert_eq!(read(raw).as_deref(), Ok(bytes), "{raw:?}");
        }
    }

    #[test]
    fn what_is_no_base64_or_too_long_is_refused() {
        for raw in [
            Raw::Base64("/w"),
            Raw::Base64("_w=="),
            Raw::Base64(" /w=="),
            Raw::Integer(5),
            Raw::Other("true or false"),
        ] {
            let (kind, told) = read(raw).unwrap_err();
            assert_eq!(kind, InvalidKind::Unreadable, "{told}");
        }
        for raw in [Raw::Text(b"12345"), Raw::Base64("MTIzNDU=")] {
            let (kind, told) = read(raw).unwrap_err();
            assert_eq!(kind, InvalidKind::OutOfRange, "{told}");
            assert_eq!(told, "must be at most 4 bytes long, not 5");
        }
    }

    #[test]
    fn content_is_the_same_however_they_were_sent() {
        let content = |raw: Raw<'_>| {
            let bytes = <Bytes>::read(raw).unwrap();
            assert_eq!(bytes.heap_bytes(), bytes.as_slice().len());
            content_of(|hasher| bytes.hash(hasher))
        };
        let one = content(Raw::Text(b"ab"));
        assert_eq!(content(Raw::String("ab")), one);
        assert_eq!(content(Raw::Base64("YWI=")), one);
        assert_ne!(content(Raw::Text(b"abc")), one);
    }
}
