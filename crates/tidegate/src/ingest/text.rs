//! What a log says, as a text that a server takes as a name.

use std::borrow::Cow;
use std::fmt::Write;

use tidegate_engine::limits::NAME_BYTES_MAX;
use xxhash_rust::xxh3::xxh3_64;

/// What stands where nothing is known, as in the logs themselves.
pub(super) const NONE: &str = "-";

/// Digits of the hash behind a name that was cut, and the `~` before them.
const TAIL_BYTES: usize = 17;

/// Bytes that are no text, and control characters, as `\xHH`: that is how Apache and nginx write them where
/// they do.
pub(super) fn shown(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.chars().any(char::is_control)
    {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char.is_control() {
                true => escape(&mut shown, char.encode_utf8(&mut [0; 4]).as_bytes()),
                false => shown.push(char),
            }
        }
        escape(&mut shown, chunk.invalid());
    }
    Cow::Owned(shown)
}

fn escape(shown: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(shown, "\\x{byte:02X}").expect("because a String takes any write");
    }
}

/// A name of 1 to 128 bytes: what is longer keeps its beginning and gets a hash of the whole behind a `~`, so that
/// different ones stay different; what is empty is `-`.
pub(super) fn name(text: &str) -> Cow<'_, str> {
    match text.len() {
        0 => Cow::Borrowed(NONE),
        1..=NAME_BYTES_MAX => Cow::Borrowed(text),
        _ => {
            let kept = text.floor_char_boundary(NAME_BYTES_MAX - TAIL_BYTES);
            Cow::Owned(format!(
                "{}~{:016x}",
                &text[..kept],
                xxh3_64(text.as_bytes())
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_shown_as_apache_shows_it() {
        for (bytes, text) in [
            (&b"/plain?a=b"[..], "/plain?a=b"),
            ("/größe".as_bytes(), "/größe"),
            (b"/a\xffb", "/a\\xFFb"),
            (b"\x16\x03\x01", "\\x16\\x03\\x01"),
            (b"a\tb\xc3", "a\\x09b\\xC3"),
            ("\u{85}".as_bytes(), "\\xC2\\x85"),
        ] {
            assert_eq!(shown(bytes), text);
        }
    }

    #[test]
    fn a_name_that_is_too_long_keeps_its_beginning_and_stays_another_one() {
        let (long, other) = ("ü".repeat(65), format!("{}a", "ü".repeat(65)));
        assert_eq!(name(""), "-");
        assert_eq!(name(&long[2..]), long[2..]);
        assert_ne!(name(&long), name(&other));
        for cut in [name(&long), name(&other)] {
            assert!(
                (NAME_BYTES_MAX - 1..=NAME_BYTES_MAX).contains(&cut.len()),
                "{cut}"
            );
            assert!(cut.starts_with(&"ü".repeat(55)), "{cut}");
        }
        assert_eq!(
            name(&"a".repeat(129)),
            format!(
                "{}~{:016x}",
                "a".repeat(111),
                xxh3_64("a".repeat(129).as_bytes())
            )
        );
    }
}
