//! Time zones, in which days begin. They are compiled in: what is answered rests on nothing but what is asked.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use tidegate_engine::contract::{FieldKind, FieldType, Hasher, InvalidKind, Name, Raw};

use crate::Refusal;

/// A time zone by its name, as `Europe/Berlin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl FieldType for Zone {
    const KIND: FieldKind = FieldKind::Name;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let zone = TimeZone::get(Name::read(raw)?.as_str());
        zone.map(Self).map_err(|_| {
            let message = "must be a time zone, as Europe/Berlin".to_owned();
            (InvalidKind::OutOfRange, message)
        })
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(self.0.iana_name().unwrap_or_default().as_bytes());
        hasher.update(b";");
    }
}

impl Zone {
    /// When steps of so many days begin, from the day of a time on until another one, and when the last one ends; as
    /// soon as there is one more step it is checked whether there are too many.
    pub(crate) fn days(
        &self,
        (from_ms, to_ms): (u64, u64),
        days: u64,
        check: impl Fn(u64) -> Result<(), Refusal>,
    ) -> Result<Vec<u64>, Refusal> {
        let mut day = self.day_of(from_ms).ok_or(Refusal::EmptySpan)?;
        let mut edges_ms = Vec::new();
        loop {
            let begins_ms = self.begins_ms(day).ok_or(Refusal::EmptySpan)?;
            edges_ms.push(begins_ms);
            if begins_ms >= to_ms {
                return Ok(edges_ms);
            }
            check(edges_ms.len() as u64)?;
            let days = i64::try_from(days).unwrap_or(i64::MAX);
            let next = Span::new()
                .try_days(days)
                .and_then(|days| day.checked_add(days));
            day = next.map_err(|_| Refusal::EmptySpan)?;
        }
    }

    fn day_of(&self, at_ms: u64) -> Option<Date> {
        let at = Timestamp::from_millisecond(i64::try_from(at_ms).ok()?).ok()?;
        Some(at.to_zoned(self.0.clone()).date())
    }

    /// When a day begins; where a zone skips midnight, when that has passed. No day begins before 1970.
    fn begins_ms(&self, day: Date) -> Option<u64> {
        let begins = day.to_zoned(self.0.clone()).ok()?;
        let begins_ms = begins.timestamp().as_millisecond();
        Some(u64::try_from(begins_ms).unwrap_or(0))
    }
}
