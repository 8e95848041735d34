//! JSON, written straight into the bytes that go out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidegate_engine::contract::{BASE64_SUFFIX, Writer};

/// What ends a name.
const NAMED: &[u8] = b"\":";

/// Writes one JSON value behind what a buffer already holds.
pub(crate) struct JsonWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Where the value begins.
    start: usize,
    /// What ends the maps and lists that are open, outermost first.
    closers: Vec<u8>,
}

impl<'a> JsonWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self {
            out,
            start,
            closers: Vec::new(),
        }
    }

    /// All that the buffer holds.
    pub(crate) fn written(&self) -> &[u8] {
        self.out
    }

    /// Puts the comma that is due before a name or an item. The last byte tells: a text ends in a
    /// quote, so an opening bracket or a colon at the end is structure.
    fn separate(&mut self) {
        match self.out[self.start..].last() {
            None | Some(b'{' | b'[' | b':') => {}
            Some(_) => self.out.push(b','),
        }
    }

    fn open(&mut self, opener: u8, closer: u8) {
        self.separate();
        self.out.push(opener);
        self.closers.push(closer);
    }
}

impl Writer for JsonWriter<'_> {
    fn map(&mut self, _len: usize) {
        self.open(b'{', b'}');
    }

    fn name(&mut self, name: &str) {
        self.text(name);
        self.out.push(b':');
    }

    fn list(&mut self, _len: usize) {
        self.open(b'[', b']');
    }

    fn end(&mut self) {
        let closer = self.closers.pop();
        self.out
            .push(closer.expect("because `end` ends a map or list that was begun"));
    }

    fn text(&mut self, text: &str) {
        self.separate();
        let escaped = serde_json::to_writer(&mut *self.out, text);
        escaped.expect("because a buffer in memory takes every byte");
    }

    /// A text if they are one; else in base64, under a name that says so.
    fn bytes(&mut self, bytes: &[u8]) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return self.text(text);
        }
        debug_assert!(self.out.ends_with(NAMED), "bytes are the value of a name");
        self.out.truncate(self.out.len() - NAMED.len());
        self.out.extend_from_slice(BASE64_SUFFIX.as_bytes());
        self.out.extend_from_slice(NAMED);
        self.text(&STANDARD.encode(bytes));
    }

    fn integer(&mut self, value: i64) {
        self.separate();
        self.out
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    fn boolean(&mut self, value: bool) {
        self.separate();
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn null(&mut self) {
        self.separate();
        self.out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_values_are_json_as_serde_reads_it() {
        let mut out = b"ahead{".to_vec();
        let mut json = JsonWriter::new(&mut out);
        json.map(5);
        json.name("a\"\u{1}");
        json.text("[");
        json.name("n");
        json.integer(i64::MIN);
        json.name("empty");
        json.list(0);
        json.end();
        json.name("list");
        json.list(3);
        json.boolean(true);
        json.map(0);
        json.end();
        json.null();
        json.end();
        json.name("last");
        json.text("{");
        json.end();
        assert_eq!(
            std::str::from_utf8(&out),
            Ok(concat!(
                r#"ahead{{"a\"\u0001":"[","n":-9223372036854775808,"#,
                r#""empty":[],"list":[true,{},null],"last":"{"}"#
            ))
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_base64_under_a_name_of_their_own() {
        let mut out = Vec::new();
        let mut json = JsonWriter::new(&mut out);
        json.map(3);
        for (name, bytes) in [("a", &b"\"x"[..]), ("b", b"\xff\0"), ("c", b"")] {
            json.name(name);
            json.bytes(bytes);
        }
        json.end();
        let expected = r#"{"a":"\"x","b_base64":"/wA=","c":""}"#;
        assert_eq!(std::str::from_utf8(&out), Ok(expected));
    }

    #[test]
    fn a_bare_value_needs_no_map() {
        let mut out = Vec::new();
        JsonWriter::new(&mut out).text("ö");
        assert_eq!(out, "\"ö\"".as_bytes());
    }
}
