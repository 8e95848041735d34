//! The version of the program, and whether another one is newer.
//!
//! One with a higher major or minor number may add fields to rows. Whoever does not know them reads such
//! rows all the same, and loses what is new when it writes them again: so an older program goes no
//! further where a newer one has been at work.

pub(crate) const OWN: &str = env!("CARGO_PKG_VERSION");

/// Whether a program of that version may have written what this one would lose.
pub(crate) fn is_newer(version: &str) -> bool {
    numbers(version) > numbers(OWN)
}

/// The major and the minor number of a version.
fn numbers(version: &str) -> Option<(u64, u64)> {
    let (major, rest) = version.split_once('.')?;
    let minor = rest.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_first_two_numbers() {
        assert!(numbers("0.10.0") > numbers("0.9.7"));
        assert!(numbers("1.0.0") > numbers("0.10.0"));
        assert_eq!(numbers("0.1.9"), numbers("0.1.0"));
        assert!(numbers("what") < numbers("0.0.0"));
        assert!(!is_newer(OWN));
    }
}
