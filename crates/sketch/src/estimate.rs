//! How many there were, from coupons and registers.
//!
//! Chunks of coupons are counted; those of registers are together one HyperLogLog over the part of all hashes
//! that falls to them. Both are added up: the error is that of the second part only, so it grows from nothing
//! to [`STANDARD_ERROR`] as chunks go over.

use crate::chunk::{Chunk, Form};
use crate::coupon::{CHUNKS, PLACE_BITS, RANK_MAX};
use crate::registers::{self, Registers};

/// The relative standard error of a sketch whose chunks are all registers: 1.04/√16384, which is 0.8125%. No
/// sketch has a greater one.
pub const STANDARD_ERROR: f64 = ERROR_OF_ONE / 128.0;

const _: () = assert!(
    CHUNKS * registers::COUNT == 128 * 128,
    "the error is said of another number of registers"
);

/// Of one register; m of them have it divided by √m. √(3 ln 2 − 1) = 1.03896 (Flajolet and others, 2007).
const ERROR_OF_ONE: f64 = 1.04;

/// How many there were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// How many different ones.
    pub count: u64,
    /// The relative standard error: two of three answers are off by no more than this part of the true
    /// number, nineteen of twenty by no more than twice this.
    pub standard_error: f64,
}

/// Of so many coupons of different places.
pub(crate) fn of_coupons(count: usize) -> Estimate {
    of(count as f64, 0.0, 0)
}

/// Of the chunks that are not empty.
pub(crate) fn of_chunks<'a>(chunks: impl Iterator<Item = &'a Chunk>) -> Estimate {
    let (mut counted, mut dense) = (0, Vec::new());
    for chunk in chunks {
        match &chunk.0 {
            Form::Coupons(coupons) => counted += coupons.len(),
            Form::Registers(registers) => dense.push(registers),
        }
    }
    of(counted as f64, of_registers(&dense), dense.len())
}

fn of(counted: f64, estimated: f64, dense: usize) -> Estimate {
    let count = counted + estimated;
    // Two of n share a place of 2^26 about n²/2^27 times, and are then counted as one.
    let lost = counted * counted / (1_u64 << (PLACE_BITS + 1)) as f64;
    let off = match dense {
        0 => 0.0,
        dense => estimated * ERROR_OF_ONE / ((dense * registers::COUNT) as f64).sqrt(),
    };
    let standard_error = if count == 0.0 {
        0.0
    } else {
        (off * off + lost).sqrt() / count
    };
    Estimate {
        count: count.round() as u64,
        standard_error,
    }
}

/// Ertl's algorithm 6: from how many registers have which rank.
fn of_registers(dense: &[&Registers]) -> f64 {
    let mut of_rank = [0_u32; RANK_MAX as usize + 1];
    for rank in dense.iter().flat_map(|registers| registers.ranks()) {
        of_rank[usize::from(rank)] += 1;
    }
    if dense.is_empty() {
        return 0.0;
    }
    let all = (dense.len() * registers::COUNT) as f64;
    let last = usize::from(RANK_MAX);
    let mut sum = all * tau(1.0 - f64::from(of_rank[last]) / all);
    for rank in (1..last).rev() {
        sum = 0.5 * (sum + f64::from(of_rank[rank]));
    }
    sum += all * sigma(f64::from(of_rank[0]) / all);
    all * all / (2.0 * std::f64::consts::LN_2 * sum)
}

/// x + Σ x^(2^k)·2^(k−1): what the registers that are zero add. Not finite for 1, where all are.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut weight, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

/// ⅓·(1 − x − Σ (1 − x^(2^−k))²·2^−k): what the registers of the highest rank add.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut weight, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}
