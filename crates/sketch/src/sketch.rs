//! The parts together: for asking, and for unions.

use std::collections::BTreeMap;

use crate::chunk::Chunk;
use crate::coupon::{CHUNKS, Coupon};
use crate::estimate::{self, Estimate};
use crate::head::{self, Head, Put};

/// A set of which is known how many are in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    head: Head,
    /// None are empty, and there are none before the head is split.
    chunks: BTreeMap<usize, Chunk>,
}

impl Sketch {
    /// Puts one in. Whether the sketch is another one afterwards.
    pub fn put(&mut self, coupon: Coupon) -> bool {
        match self.head.put(coupon) {
            Put::Known => false,
            Put::Changed => true,
            Put::Split(chunks) => {
                self.chunks = chunks;
                true
            }
            Put::IntoChunk => self.chunks.entry(coupon.chunk()).or_default().put(coupon),
        }
    }

    /// Puts in who is in another sketch's head. Its chunks come by [`Self::merge_chunk`].
    pub fn merge_head(&mut self, other: &Head) {
        match &other.0 {
            head::Form::Split => self.be_split(),
            head::Form::Coupons(coupons) => {
                for coupon in coupons {
                    self.put(*coupon);
                }
            }
        }
    }

    /// Puts in who is in this chunk of another sketch, which is split.
    ///
    /// # Panics
    /// If no chunk has this number.
    pub fn merge_chunk(&mut self, number: usize, other: &Chunk) {
        assert!(number < CHUNKS, "there is no chunk {number} among {CHUNKS}");
        self.be_split();
        if !other.is_empty() {
            self.chunks.entry(number).or_default().merge(other);
        }
    }

    /// Puts in who is in another sketch: this one is the union afterwards.
    pub fn merge(&mut self, other: &Sketch) {
        self.merge_head(&other.head);
        for (number, chunk) in &other.chunks {
            self.merge_chunk(*number, chunk);
        }
    }

    /// The part that is stored first.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The other parts with their numbers; none is empty.
    pub fn chunks(&self) -> &BTreeMap<usize, Chunk> {
        &self.chunks
    }

    /// How many different ones were put in.
    pub fn estimate(&self) -> Estimate {
        match &self.head.0 {
            head::Form::Coupons(coupons) => estimate::of_coupons(coupons.len()),
            head::Form::Split => estimate::of_chunks(self.chunks.values()),
        }
    }

    fn be_split(&mut self) {
        self.chunks.append(&mut self.head.split());
    }
}

impl Extend<Coupon> for Sketch {
    fn extend<T: IntoIterator<Item = Coupon>>(&mut self, coupons: T) {
        for coupon in coupons {
            self.put(coupon);
        }
    }
}

impl FromIterator<Coupon> for Sketch {
    fn from_iter<T: IntoIterator<Item = Coupon>>(coupons: T) -> Sketch {
        let mut sketch = Sketch::default();
        sketch.extend(coupons);
        sketch
    }
}
