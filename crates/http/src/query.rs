//! Query strings, taken apart without losing a byte.

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
