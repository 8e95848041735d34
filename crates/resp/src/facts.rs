//! The facts of a refusal behind the code of its error: `available=0 buyer="a b"`.

use tidegate_engine::contract::Writer;

/// Writes each fact as ` name=value`. Lists stand in brackets, maps in braces, with commas between.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    out: &'a mut Vec<u8>,
    /// What closes the maps and lists that are open.
    closers: Vec<u8>,
    /// A name was written, and its value comes next.
    named: bool,
    /// What comes next within a map or list is not its first.
    follows: bool,
}

impl<'a> Facts<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            closers: Vec::new(),
            named: false,
            follows: false,
        }
    }

    fn value(&mut self, bytes: &[u8]) {
        self.separate();
        self.out.extend_from_slice(bytes);
        self.follows = true;
    }

    fn separate(&mut self) {
        if self.follows && !self.named && !self.closers.is_empty() {
            self.out.push(b',');
        }
        self.named = false;
    }

    fn open(&mut self, opener: u8, closer: u8) {
        self.value(&[opener]);
        self.closers.push(closer);
        self.follows = false;
    }
}

impl Writer for Facts<'_> {
    fn map(&mut self, _len: usize) {
        self.open(b'{', b'}');
    }

    fn name(&mut self, name: &str) {
        if self.closers.is_empty() {
            self.out.push(b' ');
        } else {
            self.separate();
        }
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'=');
        self.named = true;
    }

    fn list(&mut self, _len: usize) {
        self.open(b'[', b']');
    }

    fn end(&mut self) {
        self.out.extend(self.closers.pop());
        self.follows = true;
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if bytes.iter().all(|byte| is_plain(*byte)) && !bytes.is_empty() {
            self.value(bytes);
        } else {
            self.value(b"\"");
            bytes.iter().for_each(|byte| escape(*byte, self.out));
            self.out.push(b'"');
        }
    }

    fn integer(&mut self, value: i64) {
        self.value(itoa::Buffer::new().format(value).as_bytes());
    }

    fn boolean(&mut self, value: bool) {
        self.value(if value { b"true" } else { b"false" });
    }

    fn null(&mut self) {
        self.value(b"null");
    }
}

/// Whether a text with this byte needs no quotes.
fn is_plain(byte: u8) -> bool {
    !matches!(
        byte,
        0..=b' ' | b'"' | b'\\' | b',' | b'[' | b']' | b'{' | b'}' | 0x7f
    )
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => out.extend([b'\\', byte]),
        b'\n' => out.extend(b"\\n"),
        b'\r' => out.extend(b"\\r"),
        b'\t' => out.extend(b"\\t"),
        0..b' ' | 0x7f => {
            let [high, low] = [byte >> 4, byte & 15].map(|half| HEX[usize::from(half)]);
            out.extend([b'\\', b'x', high, low]);
        }
        _ => out.push(byte),
    }
}
