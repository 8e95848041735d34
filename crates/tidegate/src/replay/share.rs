//! The share of demand that is put on the shelf, as an exact decimal.
//!
//! `0.9 × 70` is 63, and by floating point 63.000000000000007, whose ceiling is 64: one unit too
//! many on the shelf, and every figure behind it differs. So the share is never a float.

use std::fmt;
use std::str::FromStr;

/// Digits behind the point. Keeps `demand × share` far inside 128 bits.
const DECIMALS_MAX: usize = 9;

/// Largest share: a shelf with a thousand times the demand is a slip of the keyboard.
const SHARE_MAX: u64 = 1_000;

/// A decimal from 0 to 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// The value times ten to the power of `decimals`; its last digit is not 0.
    digits: u64,
    decimals: u32,
}

/// A text that is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share is a decimal from 0 to 1000 with at most 9 digits behind the point, like 0.9")]
pub(crate) struct NotAShare;

impl Share {
    /// All that is asked for.
    pub(crate) const WHOLE: Self = Self {
        digits: 1,
        decimals: 0,
    };

    /// `ceil(share × demand)`.
    pub(crate) fn of(self, demand: u64) -> u128 {
        (u128::from(demand) * u128::from(self.digits)).div_ceil(10_u128.pow(self.decimals))
    }
}

impl FromStr for Share {
    type Err = NotAShare;

    fn from_str(text: &str) -> Result<Self, NotAShare> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let fraction = fraction.trim_end_matches('0');
        let readable = !whole.is_empty() && whole.len() <= 4 && fraction.len() <= DECIMALS_MAX;
        if !readable || !all_digits(whole) || !all_digits(fraction) {
            return Err(NotAShare);
        }
        let digits: u64 = format!("{whole}{fraction}")
            .parse()
            .map_err(|_| NotAShare)?;
        let decimals = u32::try_from(fraction.len()).map_err(|_| NotAShare)?;
        if digits > SHARE_MAX * 10_u64.pow(decimals) {
            return Err(NotAShare);
        }
        Ok(Self { digits, decimals })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u64.pow(self.decimals);
        write!(f, "{}", self.digits / unit)?;
        if self.decimals > 0 {
            write!(
                f,
                ".{:0width$}",
                self.digits % unit,
                width = self.decimals as usize
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(text: &str) -> Share {
        text.parse().expect("a share")
    }

    #[test]
    fn the_ceiling_is_exact_where_floats_are_not() {
        assert_eq!(share("0.9").of(70), 63);
        assert_eq!(share("0.07").of(100), 7);
        assert_eq!(share("0.9").of(1), 1);
        assert_eq!(share("0.9").of(10), 9);
        assert_eq!(share("0.9").of(11), 10);
        assert_eq!(share("1").of(u64::MAX), u128::from(u64::MAX));
        assert_eq!(share("0").of(5), 0);
        assert_eq!(share("0.000000001").of(1), 1);
    }

    #[test]
    fn a_share_is_written_in_one_way_only() {
        for (text, written) in [
            ("0.90", "0.9"),
            ("1.000", "1"),
            ("1000", "1000"),
            ("01.05", "1.05"),
        ] {
            assert_eq!(share(text).to_string(), written);
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in [
            "",
            ".",
            ".9",
            "-1",
            "+1",
            "1e3",
            "0.1234567891",
            "1000.1",
            "0.9 ",
            "nan",
        ] {
            assert_eq!(text.parse::<Share>(), Err(NotAShare), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_ceiling_is_the_least_number_not_below(demand in 0_u64..1 << 50, digits in 0_u64..2_000) {
            let units = share(&format!("{}.{:03}", digits / 1000, digits % 1000)).of(demand);
            let thousandths = u128::from(demand) * u128::from(digits);
            prop_assert!(units * 1000 >= thousandths);
            prop_assert!(units == 0 || (units - 1) * 1000 < thousandths);
        }
    }
}
