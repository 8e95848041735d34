//! Counts replies in a stream of RESP2 bytes, without building them.

use std::collections::BTreeMap;

/// What came of the commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    /// Carried out.
    pub(crate) done: u64,
    /// How many of those were confirms.
    pub(crate) confirmed: u64,
    /// Refused or failed, by the first word of the error.
    pub(crate) refused: BTreeMap<String, u64>,
}

impl Outcomes {
    /// Commands that were answered for good.
    pub(crate) fn answered(&self) -> u64 {
        self.done + self.refused.values().sum::<u64>()
    }

    /// Counts an answer, of which an error is given in its words.
    pub(crate) fn count(&mut self, error: Option<&[u8]>, is_confirm: bool) {
        let Some(error) = error else {
            self.done += 1;
            self.confirmed += u64::from(is_confirm);
            return;
        };
        let word = error.split(|byte| *byte == b' ').next().unwrap_or_default();
        let word = String::from_utf8_lossy(word);
        match self.refused.get_mut(&*word) {
            Some(times) => *times += 1,
            None => drop(self.refused.insert(word.into_owned(), 1)),
        }
    }
}

/// Reads replies as they come in pieces.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    /// Elements of the running reply that are still to come.
    open: u64,
    /// Bytes of a bulk string that are still to come, its line end included.
    bulk: usize,
    /// The piece of a line whose end has not come.
    line: Vec<u8>,
}

impl Counter {
    /// Takes bytes in; gives how many replies they complete. Each reply that begins is told, an
    /// error with its words.
    pub(crate) fn take(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Option<&[u8]>)) -> u64 {
        let mut complete = 0;
        while !bytes.is_empty() {
            if self.bulk > 0 {
                let some = self.bulk.min(bytes.len());
                self.bulk -= some;
                bytes = &bytes[some..];
            } else {
                let Some(end) = memchr::memchr(b'\n', bytes) else {
                    self.line.extend_from_slice(bytes);
                    break;
                };
                let (line, rest) = bytes.split_at(end + 1);
                bytes = rest;
                if self.line.is_empty() {
                    self.header(line, &mut tell);
                } else {
                    self.line.extend_from_slice(line);
                    let line = std::mem::take(&mut self.line);
                    self.header(&line, &mut tell);
                }
            }
            if self.open == 0 && self.bulk == 0 {
                complete += 1;
            }
        }
        complete
    }

    fn header(&mut self, line: &[u8], tell: &mut impl FnMut(Option<&[u8]>)) {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        let (kind, rest) = text.split_first().unwrap_or((&b'-', b""));
        if self.open == 0 {
            self.open = 1;
            tell((*kind == b'-').then_some(rest));
        }
        self.open -= 1;
        match kind {
            b'*' => self.open += number(rest).unwrap_or(0),
            b'$' => self.bulk = number(rest).map_or(0, |n| usize::try_from(n).unwrap_or(0) + 2),
            _ => {}
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_counted_wherever_the_stream_is_cut() {
        let stream =
            b"+OK\r\n*4\r\n$3\r\nabc\r\n:5\r\n*1\r\n$-1\r\n$0\r\n\r\n-SOLDOUT available=0\r\n\
            -BUSY retry_after_ms=50\r\n*0\r\n:1\r\n-SOLDOUT available=0\r\n";
        let refused = BTreeMap::from([("BUSY".to_owned(), 1), ("SOLDOUT".to_owned(), 2)]);
        let expected = Outcomes {
            done: 4,
            confirmed: 0,
            refused,
        };
        for cut in 1..stream.len() {
            let (mut counter, mut outcomes) = (Counter::default(), Outcomes::default());
            let complete: u64 = stream
                .chunks(cut)
                .map(|piece| counter.take(piece, |error| outcomes.count(error, false)))
                .sum();
            assert_eq!(
                (complete, &outcomes),
                (7, &expected),
                "cut every {cut} bytes"
            );
        }
    }
}
