//! Times as logs write them, in milliseconds since 1970.

use jiff::Timestamp;

use super::bad::Fault;
use super::text::shown;

/// As Apache and nginx write it.
const ACCESS: &str = "%d/%b/%Y:%H:%M:%S %z";

const ACCESS_LIKE: &str = "17/May/2015:10:05:03 +0000";
const JSON_LIKE: &str =
    "2015-05-17T10:05:03.123Z, 17/May/2015:10:05:03 +0000, or seconds or milliseconds since 1970";

/// Numbers below are seconds, others milliseconds: as seconds it is the year 5138, as milliseconds March 1973.
const SECONDS_BELOW: f64 = 100e9;

/// The time of a line of an access log.
pub(super) fn of_access(text: &[u8]) -> Result<u64, Fault> {
    let parsed = std::str::from_utf8(text)
        .ok()
        .and_then(|text| Timestamp::strptime(ACCESS, text).ok());
    let none = || Fault::NotATime(shown(text).into_owned(), ACCESS_LIKE);
    since_1970(parsed.ok_or_else(none)?.as_millisecond(), || {
        shown(text).into_owned()
    })
}

/// The time of a JSON line that has it as a text.
pub(super) fn of_text(text: &str) -> Result<u64, Fault> {
    let parsed = text
        .parse()
        .ok()
        .or_else(|| Timestamp::strptime(ACCESS, text).ok());
    match (parsed, text.parse()) {
        (Some(time), _) => since_1970(time.as_millisecond(), || text.to_owned()),
        (None, Ok(number)) => of_number(number),
        (None, Err(_)) => Err(Fault::NotATime(text.to_owned(), JSON_LIKE)),
    }
}

/// The time of a JSON line that has it as a number.
pub(super) fn of_number(number: f64) -> Result<u64, Fault> {
    let ms = if number.abs() < SECONDS_BELOW {
        number * 1_000.0
    } else {
        number
    };
    let max = Timestamp::MAX.as_millisecond();
    if ms.is_nan() || ms > max as f64 {
        return Err(Fault::NotATime(number.to_string(), JSON_LIKE));
    }
    since_1970(ms.round() as i64, || number.to_string())
}

fn since_1970(ms: i64, text: impl FnOnce() -> String) -> Result<u64, Fault> {
    u64::try_from(ms).map_err(|_| Fault::BeforeTimes(text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAY_17: u64 = 1_431_857_103_000;

    #[test]
    fn a_time_of_an_access_log_has_its_zone() {
        for (text, ms) in [
            ("17/May/2015:10:05:03 +0000", MAY_17),
            ("17/May/2015:12:05:03 +0200", MAY_17),
            ("16/May/2015:23:35:03 -1030", MAY_17),
            ("29/Feb/2000:00:00:00 +0000", 951_782_400_000),
            ("01/Jan/1970:00:00:00 +0000", 0),
        ] {
            assert_eq!(of_access(text.as_bytes()), Ok(ms), "{text}");
        }
        for text in [
            "",
            "-",
            "17/May/2015",
            "31/Feb/2015:10:05:03 +0000",
            "17/Mai/2015:10:05:03 +0000",
            "17/May/2015:10:05:03",
        ] {
            assert!(
                matches!(of_access(text.as_bytes()), Err(Fault::NotATime(..))),
                "{text}"
            );
        }
        assert!(matches!(
            of_access(b"17/May/2015:10:05:03 \xff"),
            Err(Fault::NotATime(..))
        ));
        let before = of_access(b"31/Dec/1969:23:59:59 +0000");
        assert!(matches!(before, Err(Fault::BeforeTimes(_))), "{before:?}");
    }

    #[test]
    fn a_time_of_a_json_line_is_a_text_or_a_number_of_seconds_or_milliseconds() {
        for text in [
            "2015-05-17T10:05:03Z",
            "2015-05-17T12:05:03+02:00",
            "17/May/2015:10:05:03 +0000",
            "1431857103",
            "1431857103.000",
            "1431857103000",
        ] {
            assert_eq!(of_text(text), Ok(MAY_17), "{text}");
        }
        assert_eq!(of_number(1_431_857_103.123), Ok(MAY_17 + 123));
        assert_eq!(of_number(MAY_17 as f64), Ok(MAY_17));
        for number in [f64::NAN, f64::INFINITY, 1e300, 254e15] {
            assert!(
                matches!(of_number(number), Err(Fault::NotATime(..))),
                "{number}"
            );
        }
        for number in [-1.0, -1e300, f64::NEG_INFINITY] {
            assert!(
                matches!(of_number(number), Err(Fault::BeforeTimes(_))),
                "{number}"
            );
        }
        for text in ["", "noon", "2015-05-17", "2015-05-17T10:05:03"] {
            assert!(matches!(of_text(text), Err(Fault::NotATime(..))), "{text}");
        }
    }
}
