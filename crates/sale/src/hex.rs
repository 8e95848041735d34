//! Bytes as text: in tickets, and in what is told of a draw.

use std::fmt::Write as _;

use compact_str::CompactString;

/// Two digits a byte, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> CompactString {
    let mut hex = CompactString::default();
    for byte in bytes {
        write!(hex, "{byte:02x}").expect("because writing to memory does not fail");
    }
    hex
}

/// The bytes that [`hex`] has written so, in lower case; none if it cannot have.
#[must_use]
pub fn from_hex<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits = hex.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_they_are_written_and_nothing_else_is() {
        let bytes = [0x00, 0x0f, 0xa9];
        assert_eq!(hex(&bytes), "000fa9");
        assert_eq!(from_hex("000fa9"), Some(bytes));
        for other in [
            "000fa",
            "000fa90",
            "000fA9",
            "000fag",
            "+00fa9",
            "000f\u{e9}",
        ] {
            assert_eq!(from_hex::<3>(other), None, "{other}");
        }
    }
}
