//! An entry's fields and values as the payload of a message, which whoever reads the topic gets.
//!
//! If all of them are UTF-8 and no field stands twice it is a JSON object of texts, in the order in which they were sent;
//! else a RESP array of bulk strings, `*4\r\n$1\r\na\r\n…`, of fields and values by turns. A message that is neither has
//! one field, `payload`.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};

/// The field of a message that no stream command has published.
const PAYLOAD: &[u8] = b"payload";

/// Fields and values by turns.
pub(crate) type Flat = Vec<Vec<u8>>;

/// The payload of an entry.
pub(crate) fn payload_of(flat: &[&[u8]]) -> Vec<u8> {
    as_object(flat).unwrap_or_else(|| as_array(flat))
}

fn as_object(flat: &[&[u8]]) -> Option<Vec<u8>> {
    let mut fields = BTreeSet::new();
    let mut out = vec![b'{'];
    for pair in flat.chunks_exact(2) {
        let (field, value) = (
            std::str::from_utf8(pair[0]).ok()?,
            std::str::from_utf8(pair[1]).ok()?,
        );
        if !fields.insert(field) {
            return None;
        }
        if out.len() > 1 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, field).ok()?;
        out.push(b':');
        serde_json::to_writer(&mut out, value).ok()?;
    }
    out.push(b'}');
    Some(out)
}

fn as_array(flat: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", flat.len()).into_bytes();
    for text in flat {
        out.extend_from_slice(format!("${}\r\n", text.len()).as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// The fields and values of a message.
pub(crate) fn flat_of(payload: &[u8]) -> Flat {
    let flat = match payload.first() {
        Some(b'{') => of_object(payload),
        Some(b'*') => of_array(payload),
        Some(_) | None => None,
    };
    flat.unwrap_or_else(|| vec![PAYLOAD.to_vec(), payload.to_vec()])
}

fn of_object(payload: &[u8]) -> Option<Flat> {
    let mut json = serde_json::Deserializer::from_slice(payload);
    let flat = json.deserialize_map(Texts).ok()?;
    json.end().ok().map(|()| flat)
}

/// Takes a JSON object of texts, which has a member.
struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = Flat;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Flat, A::Error> {
        let mut flat = Vec::new();
        while let Some((field, value)) = map.next_entry::<String, String>()? {
            flat.extend([field.into_bytes(), value.into_bytes()]);
        }
        if flat.is_empty() {
            return Err(serde::de::Error::custom("an entry has a field"));
        }
        Ok(flat)
    }
}

fn of_array(payload: &[u8]) -> Option<Flat> {
    let (count, mut rest) = line(payload.strip_prefix(b"*")?)?;
    let mut flat = Vec::new();
    while !rest.is_empty() {
        let (length, behind) = line(rest.strip_prefix(b"$")?)?;
        let (text, behind) = behind.split_at_checked(length)?;
        flat.push(text.to_vec());
        rest = behind.strip_prefix(b"\r\n")?;
    }
    let is_whole = flat.len() == count && count > 0 && count.is_multiple_of(2);
    is_whole.then_some(flat)
}

/// A number, and what stands behind the end of its line.
fn line(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\r')?;
    let number = std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?;
    Some((number, bytes[end..].strip_prefix(b"\r\n")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(flat: &[&[u8]]) -> String {
        let payload = payload_of(flat);
        assert_eq!(flat_of(&payload), flat);
        payload.escape_ascii().to_string()
    }

    #[test]
    fn entries_of_text_are_objects_and_others_arrays() {
        assert_eq!(
            round_trip(&[b"b", b"1", b"a", b"\"\n"]),
            r#"{\"b\":\"1\",\"a\":\"\\\"\\n\"}"#
        );
        assert_eq!(round_trip(&[b"a", b""]), r#"{\"a\":\"\"}"#);
        assert_eq!(
            round_trip(&[b"a", b"1", b"a", b"2"]),
            r"*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\n2\r\n"
        );
        assert_eq!(
            round_trip(&[b"\xff", b"\r\n"]),
            r"*2\r\n$1\r\n\xff\r\n$2\r\n\r\n\r\n"
        );
    }

    #[test]
    fn what_is_no_entry_has_one_field() {
        for payload in [
            &b""[..],
            b"x",
            b"{}",
            b"{\"a\":1}",
            b"{\"a\":\"1\"} ",
            b"{\"a\":\"1\"}x",
            b"*0\r\n",
            b"*1\r\n$1\r\na\r\n",
            b"*2\r\n$1\r\na\r\n",
            b"*2\r\n$1\r\na\r\n$9\r\nb\r\n",
        ] {
            let is_entry = payload == b"{\"a\":\"1\"} ";
            let expected = if is_entry {
                [&b"a"[..], b"1"]
            } else {
                [PAYLOAD, payload]
            };
            assert_eq!(flat_of(payload), expected, "{}", payload.escape_ascii());
        }
    }
}
