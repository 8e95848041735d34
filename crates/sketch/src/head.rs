//! The part that every sketch has: its coupons while they are few, and then that there are chunks.

use std::collections::BTreeMap;

use crate::chunk::Chunk;
use crate::coupon::Coupon;
use crate::list;
use crate::part::{self, Malformed};

/// Most coupons of a head: as much as one row should be.
pub(crate) const COUPONS_MAX: usize = 64;

/// Coupons of all chunks, or nothing but the word that chunks are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head(pub(crate) Form);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Coupons(Vec<Coupon>),
    Split,
}

/// What is to be done about one that was put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// Nothing: it is known.
    Known,
    /// Store the head.
    Changed,
    /// Store the head and these chunks, by their numbers: it had grown too long.
    Split(BTreeMap<usize, Chunk>),
    /// Put it into its chunk.
    IntoChunk,
}

impl Default for Head {
    fn default() -> Head {
        Head(Form::Coupons(Vec::new()))
    }
}

impl Head {
    /// Puts one in, or says where that is done.
    pub fn put(&mut self, coupon: Coupon) -> Put {
        let Form::Coupons(coupons) = &mut self.0 else {
            return Put::IntoChunk;
        };
        let changed = list::put(coupons, coupon);
        if coupons.len() > COUPONS_MAX {
            return Put::Split(self.split());
        }
        if changed { Put::Changed } else { Put::Known }
    }

    /// Has its coupons go into chunks, by their numbers; none if that was done before.
    pub(crate) fn split(&mut self) -> BTreeMap<usize, Chunk> {
        match std::mem::replace(&mut self.0, Form::Split) {
            Form::Coupons(coupons) => chunks_of(&coupons),
            Form::Split => BTreeMap::new(),
        }
    }

    /// Whether the sketch has chunks.
    pub fn is_split(&self) -> bool {
        self.0 == Form::Split
    }

    /// Its stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Form::Coupons(coupons) => part::of_coupons(coupons),
            Form::Split => vec![part::SPLIT],
        }
    }

    /// The head that was stored so.
    pub fn from_bytes(bytes: &[u8]) -> Result<Head, Malformed> {
        match bytes.split_first() {
            Some((&part::COUPONS, rest)) => {
                Ok(Head(Form::Coupons(part::coupons(rest, COUPONS_MAX)?)))
            }
            Some((&part::SPLIT, [])) => Ok(Head(Form::Split)),
            Some((&part::SPLIT, _)) | None => Err(Malformed::Length),
            Some(_) => Err(Malformed::Form),
        }
    }
}

fn chunks_of(coupons: &[Coupon]) -> BTreeMap<usize, Chunk> {
    let mut chunks: BTreeMap<usize, Chunk> = BTreeMap::new();
    for coupon in coupons {
        chunks.entry(coupon.chunk()).or_default().put(*coupon);
    }
    chunks
}
