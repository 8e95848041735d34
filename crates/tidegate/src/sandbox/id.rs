//! The merchant's ids of payments and refunds: decimal digits as text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

/// Digits of an id: those of the largest number of 64 bits.
const DIGITS_MAX: usize = 20;

/// 1 to 20 digits, kept in place: there is one for each of millions of payments. `7` and `07` differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Id {
    length: u8,
    digits: [u8; DIGITS_MAX],
}

/// A text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a text of 1 to {DIGITS_MAX} decimal digits")]
pub(super) struct NotAnId;

impl Id {
    pub(super) fn as_str(&self) -> &str {
        let digits = &self.digits[..usize::from(self.length)];
        str::from_utf8(digits).expect("because digits are ASCII")
    }
}

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let is_sound = (1..=DIGITS_MAX).contains(&text.len());
        if !is_sound || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAnId);
        }
        let mut digits = [0; DIGITS_MAX];
        digits[..text.len()].copy_from_slice(text.as_bytes());
        let length = u8::try_from(text.len()).map_err(|_| NotAnId)?;
        Ok(Self { length, digits })
    }
}

impl TryFrom<String> for Id {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_text_that_was_given() {
        for text in ["0", "07", "12345678901234567890"] {
            let id: Id = text.parse().expect("an id");
            assert_eq!(id.as_str(), text);
        }
        for text in ["", "a", "-1", "1 ", "123456789012345678901", "١"] {
            assert_eq!(text.parse::<Id>(), Err(NotAnId), "{text}");
        }
    }
}
