//! Durations as people write them.

use tidegate_engine::contract::{FieldKind, FieldType, Hasher, InvalidKind, Name, Raw};

use crate::limits::SPAN_MS_MAX;

pub(crate) const MINUTE_MS: u64 = 60_000;
pub(crate) const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
pub(crate) const YEAR_MS: u64 = 365 * DAY_MS;

/// Milliseconds as they are, or with one of the units `ms`, `s`, `m`, `h`, `d`, `w` and `y`, which is 365 days.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" => MINUTE_MS,
        "h" => 60 * MINUTE_MS,
        "d" => DAY_MS,
        "w" => 7 * DAY_MS,
        "y" => YEAR_MS,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    let ms = number.checked_mul(unit_ms);
    ms.filter(|ms| *ms <= SPAN_MS_MAX)
}

/// A duration between two bounds, in milliseconds, both included: a number, or a text with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Duration<MIN, MAX> {
    pub(crate) fn ms(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> FieldType for Duration<MIN, MAX> {
    const KIND: FieldKind = FieldKind::Name;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let ms = match raw {
            Raw::Integer(ms) => u64::try_from(ms).ok(),
            Raw::Text(_)
            | Raw::String(_)
            | Raw::Base64(_)
            | Raw::Address(_)
            | Raw::List(_)
            | Raw::Other(_) => duration_ms(Name::read(raw)?.as_str()),
        };
        let Some(ms) = ms else {
            let message = "must be milliseconds, or a number with one of ms, s, m, h, d, w and y";
            return Err((InvalidKind::Unreadable, message.to_owned()));
        };
        if !(MIN..=MAX).contains(&ms) {
            let message = format!("must be {MIN} to {MAX} ms, not {ms}");
            return Err((InvalidKind::OutOfRange, message));
        }
        Ok(Self(ms))
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(&self.0.to_le_bytes());
    }
}
