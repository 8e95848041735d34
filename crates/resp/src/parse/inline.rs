//! A request written as a line: words between blanks, quoted where they hold some.

use super::{Malformed, Span};

/// Splits a line into words, whose text goes to `text`. `"…"` takes `\n`, `\r`, `\t`, `\b`, `\a`,
/// `\xHH` and `\` before any other character; `'…'` takes `\'` only. A closing quote ends its word.
pub(super) fn split(
    line: &[u8],
    text: &mut Vec<u8>,
    spans: &mut Vec<Span>,
) -> Result<(), Malformed> {
    text.clear();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Ok(());
        }
        let start = text.len();
        rest = word(rest, text)?;
        spans.push(Span::new(start, text.len()));
    }
}

/// Reads one word and gives what follows it.
fn word<'a>(mut rest: &'a [u8], text: &mut Vec<u8>) -> Result<&'a [u8], Malformed> {
    while let Some((&byte, behind)) = rest.split_first() {
        match byte {
            b'"' => return ended(double_quoted(behind, text)?),
            b'\'' => return ended(single_quoted(behind, text)?),
            _ if byte.is_ascii_whitespace() => return Ok(rest),
            _ => text.push(byte),
        }
        rest = behind;
    }
    Ok(rest)
}

/// Nothing but a blank may follow a closing quote.
fn ended(rest: &[u8]) -> Result<&[u8], Malformed> {
    match rest.first() {
        Some(byte) if !byte.is_ascii_whitespace() => Err(Malformed::InlineQuotes),
        Some(_) | None => Ok(rest),
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], text: &mut Vec<u8>) -> Result<&'a [u8], Malformed> {
    loop {
        rest = match rest {
            [b'\\', b'\'', behind @ ..] => {
                text.push(b'\'');
                behind
            }
            [b'\'', behind @ ..] => return Ok(behind),
            [byte, behind @ ..] => {
                text.push(*byte);
                behind
            }
            [] => return Err(Malformed::InlineQuotes),
        };
    }
}

fn double_quoted<'a>(mut rest: &'a [u8], text: &mut Vec<u8>) -> Result<&'a [u8], Malformed> {
    loop {
        rest = match rest {
            [b'\\', b'x', high, low, behind @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                text.push(hex(*high) << 4 | hex(*low));
                behind
            }
            [b'\\', byte, behind @ ..] => {
                text.push(unescaped(*byte));
                behind
            }
            [b'"', behind @ ..] => return Ok(behind),
            [byte, behind @ ..] => {
                text.push(*byte);
                behind
            }
            [] => return Err(Malformed::InlineQuotes),
        };
    }
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}
