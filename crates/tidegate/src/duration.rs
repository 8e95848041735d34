//! Durations on the command line.

use std::time::Duration;

/// A duration with its unit, up to a day.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let number = |digits: &str| digits.parse::<u64>().ok();
    let parsed = match (
        text.strip_suffix("ms"),
        text.strip_suffix('s'),
        text.strip_suffix('m'),
    ) {
        (Some(ms), _, _) => number(ms).map(Duration::from_millis),
        (None, Some(s), _) => number(s).map(Duration::from_secs),
        (None, None, Some(m)) => number(m).map(|m| Duration::from_secs(m.saturating_mul(60))),
        (None, None, None) => None,
    };
    let parsed = parsed.filter(|parsed| !parsed.is_zero() && parsed.as_secs() <= 86_400);
    parsed.ok_or_else(|| "a duration is 500ms, 60s or 5m, up to a day".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units() {
        assert_eq!(parse("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        for text in ["", "60", "0s", "s", "-1s", "2d", "18446744073709551615m"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
