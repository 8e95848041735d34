//! What of a URI is percent-encoded: query strings, taken apart without losing a byte.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// The names and values of a query string, percent-decoded. Bytes stay bytes: what is not UTF-8 is
/// found where the field is read, and never turned into something else on the way.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
}

/// Whether two hexadecimal digits follow each `%`. What does not would be taken as it stands, and be
/// another name than the one that was meant.
pub(crate) fn is_encoded(path: &str) -> bool {
    let mut behind = path.split('%').skip(1).map(str::as_bytes);
    behind.all(|rest| {
        let digits = rest.get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn decoded(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode(spaced.as_bytes()).collect());
    }
    percent_decode(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_sign_without_two_digits_is_noticed() {
        for path in ["", "/v1/a", "/%41", "/%e2%82%AC/%25"] {
            assert!(is_encoded(path), "{path}");
        }
        for path in ["%", "/%zz", "/%4", "/%4/1", "/%41%g0", "/%+1"] {
            assert!(!is_encoded(path), "{path}");
        }
    }

    #[test]
    fn pairs_are_decoded_and_bytes_that_are_no_text_survive() {
        let found: Vec<_> = pairs("a=1&&b=%2F+%C3%B6&c&d=%FF%2B&=x").collect();
        let expected: [(&[u8], &[u8]); 5] = [
            (b"a", b"1"),
            (b"b", "/ ö".as_bytes()),
            (b"c", b""),
            (b"d", b"\xFF+"),
            (b"", b"x"),
        ];
        let found: Vec<_> = found
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(found, expected);
    }
}
