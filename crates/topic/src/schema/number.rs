//! Numbers of JSON, compared by what they say: 1 and 1.0 are the same.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Beyond this a number with a fraction is none: each of its kind is an integer.
const INTEGERS_MAX: f64 = 1e30;

fn integer(number: &Number) -> Option<i128> {
    if let Some(integer) = number.as_i128() {
        return Some(integer);
    }
    let float = number.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it has no fraction, and is not as large as that"
    )]
    let integer = (float.fract() == 0.0 && float.abs() < INTEGERS_MAX).then_some(float as i128);
    integer
}

pub(super) fn is_integer(number: &Number) -> bool {
    let float = number.as_f64();
    number.as_i128().is_some() || float.is_some_and(|float| float.fract() == 0.0)
}

/// Integers exactly. One that is none lies between two that a float tells exactly, or beyond all that are exact.
pub(super) fn compare(one: &Number, other: &Number) -> Ordering {
    if let (Some(one), Some(other)) = (integer(one), integer(other)) {
        return one.cmp(&other);
    }
    let float = |number: &Number| number.as_f64().unwrap_or_default();
    float(one).total_cmp(&float(other))
}

/// Whether two values are the same.
pub(super) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => compare(one, other).is_eq(),
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_there = |(name, value): (&String, &Value)| {
                other.get(name).is_some_and(|other| is_same(value, other))
            };
            one.len() == other.len() && one.iter().all(is_there)
        }
        (
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
            _,
        ) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_what_they_say() {
        let number = |text: &str| serde_json::from_str::<Number>(text).unwrap();
        let ascending = [
            "-1e300",
            "-9223372036854775808",
            "-0.5",
            "0",
            "0.1",
            "1",
            "1.5",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
            "1e29",
            "1e300",
        ];
        for (at, one) in ascending.iter().enumerate() {
            for (behind, other) in ascending.iter().enumerate() {
                let order = compare(&number(one), &number(other));
                assert_eq!(order, at.cmp(&behind), "{one} and {other}");
            }
        }
        for same in [["1", "1.0"], ["0", "-0.0"], ["100", "1e2"]] {
            assert!(
                compare(&number(same[0]), &number(same[1])).is_eq(),
                "{same:?}"
            );
        }
        assert!(is_integer(&number("1e300")) && is_integer(&number("2.0")));
        assert!(!is_integer(&number("2.5")));
    }

    #[test]
    fn values_are_the_same_if_all_in_them_is() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let one = value(r#"{"a":[1,{"b":2.0}],"c":null}"#);
        assert!(is_same(&one, &value(r#"{"c":null,"a":[1.0,{"b":2}]}"#)));
        for other in [
            r#"{"a":[1,{"b":3}],"c":null}"#,
            r#"{"a":[1],"c":null}"#,
            r#"{"a":[1,{"b":2}]}"#,
            r#"{"a":[1,{"b":2}],"d":null}"#,
            "1",
        ] {
            assert!(!is_same(&one, &value(other)), "{other}");
        }
    }
}
