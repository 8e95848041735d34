//! Entity tags: by which it is seen that an answer says what another one has said.

use tidegate_engine::contract::Writer;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::json::JsonWriter;

/// Writes JSON, and makes a tag of it, but for fields of the outermost map that say nothing new by themselves.
/// A tag is never 0, and the same in every run of every server of one version.
pub(crate) struct Tagging<'a> {
    json: JsonWriter<'a>,
    aside: &'static [&'static str],
    /// Maps and lists that are open.
    depth: usize,
    /// Up to here its bytes are in the tag, or stay out of it.
    seen: usize,
    /// What stands there now stays out.
    is_aside: bool,
    tag: u64,
}

impl<'a> Tagging<'a> {
    /// Writes behind what a buffer already holds.
    pub(crate) fn new(out: &'a mut Vec<u8>, aside: &'static [&'static str]) -> Self {
        let json = JsonWriter::new(out);
        Self {
            seen: json.written().len(),
            json,
            aside,
            depth: 0,
            is_aside: false,
            tag: 0,
        }
    }

    /// Takes in what has been written since.
    fn take_in(&mut self) {
        let written = self.json.written();
        if !self.is_aside {
            self.tag = xxh3_64_with_seed(&written[self.seen..], self.tag);
        }
        self.seen = written.len();
    }

    /// The tag of all that was written.
    pub(crate) fn tag(mut self) -> u64 {
        self.take_in();
        self.tag.max(1)
    }
}

impl Writer for Tagging<'_> {
    fn map(&mut self, len: usize) {
        self.depth += 1;
        self.json.map(len);
    }

    fn name(&mut self, name: &str) {
        if self.depth == 1 {
            let is_aside = self.aside.contains(&name);
            if is_aside != self.is_aside {
                self.take_in();
                self.is_aside = is_aside;
            }
        }
        self.json.name(name);
    }

    fn list(&mut self, len: usize) {
        self.depth += 1;
        self.json.list(len);
    }

    fn end(&mut self) {
        self.depth -= 1;
        if self.depth == 0 && self.is_aside {
            self.take_in();
            self.is_aside = false;
        }
        self.json.end();
    }

    fn text(&mut self, text: &str) {
        self.json.text(text);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.json.bytes(bytes);
    }

    fn integer(&mut self, value: i64) {
        self.json.integer(value);
    }

    fn boolean(&mut self, value: bool) {
        self.json.boolean(value);
    }

    fn null(&mut self) {
        self.json.null();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three fields, of which the one in the middle stays out.
    fn tagged([before, aside, behind]: [i64; 3]) -> (String, u64) {
        let mut out = b"ahead".to_vec();
        let mut tagging = Tagging::new(&mut out, &["now_ms"]);
        tagging.map(3);
        tagging.name("list");
        tagging.list(1);
        tagging.map(1);
        tagging.name("now_ms");
        tagging.integer(before);
        tagging.end();
        tagging.end();
        tagging.name("now_ms");
        tagging.integer(aside);
        tagging.name("n");
        tagging.integer(behind);
        tagging.end();
        let tag = tagging.tag();
        (String::from_utf8(out).unwrap(), tag)
    }

    #[test]
    fn only_what_is_set_aside_in_the_outermost_map_leaves_a_tag_as_it_was() {
        let (json, tag) = tagged([1, 2, 3]);
        assert_eq!(json, r#"ahead{"list":[{"now_ms":1}],"now_ms":2,"n":3}"#);
        assert_eq!(tagged([1, 99, 3]).1, tag);
        assert_ne!(tagged([9, 2, 3]).1, tag);
        assert_ne!(tagged([1, 2, 9]).1, tag);
    }

    #[test]
    fn a_field_that_is_set_aside_may_stand_last() {
        let tag = |n, now| {
            let mut out = Vec::new();
            let mut tagging = Tagging::new(&mut out, &["now_ms"]);
            tagging.map(2);
            tagging.name("n");
            tagging.integer(n);
            tagging.name("now_ms");
            tagging.integer(now);
            tagging.end();
            tagging.tag()
        };
        assert_eq!(tag(1, 2), tag(1, 3));
        assert_ne!(tag(1, 2), tag(2, 2));
    }
}
