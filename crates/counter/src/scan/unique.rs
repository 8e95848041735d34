//! `COUNTER.UNIQUE`: how many different ones came to some keys in a span.
//!
//! A span is a few buckets, the widest that fit, and what is told is how many are in the union of their sketches.

use tidegate_engine::Shard;
use tidegate_engine::contract::{Name, ScanContext};
use tidegate_sketch::{CHUNKS, Sketch};

use super::of_shards::OfShards;
use crate::Refusal;
use crate::apply::ALL_KEYS;
use crate::command::Unique;
use crate::reply::{AsOf, UniqueInfo};
use crate::span::{Piece, Pieces};
use crate::table::{COUNTERS, Counter, SKETCH_CHUNKS, SKETCHES};
use crate::uniques::{chunk_of, levels};

/// A millionth.
const PPM: f64 = 1e6;

/// What a shard has: who came to those of the keys that lie in it.
pub(crate) struct Part {
    span: Pieces,
    sketch: Sketch,
}

impl OfShards for Unique {
    type Part = Part;
    type Reply = UniqueInfo;
    const TABLES: &'static [u16] = &[COUNTERS.id(), SKETCHES.id(), SKETCH_CHUNKS.id()];

    fn name(&self) -> &Name {
        &self.name
    }

    fn is_of(&self, shard: Shard) -> bool {
        let mut keys = self.keys.items().iter().map(|item| item.key.as_str());
        keys.any(|key| key == ALL_KEYS || Shard::of_whom(key, shard.of) == shard)
    }

    fn part(&self, context: &ScanContext, counter: &Counter) -> Result<Part, Refusal> {
        if !counter.unique {
            return Err(Refusal::NoUnique);
        }
        let asked = (self.from_ms.get(), self.to_ms.get());
        let span = Pieces::of(&levels(counter), asked, context.asked_ms())?;
        let mut sketch = Sketch::default();
        for item in self.keys.items() {
            for piece in &span.pieces {
                self.merge(context, &mut sketch, *piece, item.key.as_str());
            }
        }
        Ok(Part { span, sketch })
    }

    fn whole(&self, parts: Vec<Part>, as_of: AsOf) -> Result<UniqueInfo, Refusal> {
        let mut parts = parts.into_iter();
        let Part { span, mut sketch } = parts.next().ok_or(Refusal::UnknownCounter)?;
        for part in parts {
            sketch.merge(&part.sketch);
        }
        let estimate = sketch.estimate();
        let keys = self.keys.items().iter().map(|item| item.key.compact());
        Ok(UniqueInfo {
            name: self.name.compact(),
            keys: keys.collect(),
            from_ms: span.from_ms,
            to_ms: span.to_ms,
            unique: estimate.count,
            exact: false,
            standard_error_ppm: (estimate.standard_error * PPM).ceil() as u64,
            rows: as_of.rows.into(),
            as_of_ms: as_of.ms,
        })
    }
}

impl Unique {
    /// Puts in who came to a key in a bucket.
    fn merge(&self, context: &ScanContext, sketch: &mut Sketch, piece: Piece, key: &str) {
        let of = (self.name.as_str(), piece.number, piece.bucket.0, key);
        let Some(head) = context.get(&SKETCHES, of) else {
            return;
        };
        sketch.merge_head(&head.0);
        if head.0.is_split() {
            for at in 0..CHUNKS {
                if let Some(chunk) = context.get(&SKETCH_CHUNKS, chunk_of(of, at)) {
                    sketch.merge_chunk(at, &chunk.0);
                }
            }
        }
    }
}
