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

/// Ranks of a register, none included.
const RANKS: usize = RANK_MAX as usize + 1;

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

fn of_registers(dense: &[&Registers]) -> f64 {
    let mut of_rank = [0; RANKS];
    for rank in dense.iter().flat_map(|registers| registers.ranks()) {
        of_rank[usize::from(rank)] += 1;
    }
    of_ranks(&of_rank)
}

/// Ertl's algorithm 6: from how many registers have which rank.
fn of_ranks(of_rank: &[u32; RANKS]) -> f64 {
    let all: f64 = of_rank.iter().copied().map(f64::from).sum();
    if all == 0.0 {
        return 0.0;
    }
    let [none, between @ .., last] = of_rank;
    let mut sum = all * tau(1.0 - f64::from(*last) / all);
    for count in between.iter().rev() {
        sum = 0.5 * (sum + f64::from(*count));
    }
    sum += all * sigma(f64::from(*none) / all);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many registers have which rank, when the set is so large: as many as it is likeliest.
    fn likeliest(registers: u32, size: f64) -> [u32; RANKS] {
        let per_register = size / f64::from(registers);
        let up_to = |rank: usize| match rank {
            rank if rank + 1 == RANKS => f64::from(registers),
            rank => f64::from(registers) * (-per_register / 2_f64.powi(rank as i32)).exp(),
        };
        let below = |rank: usize| {
            if rank == 0 {
                0.0
            } else {
                up_to(rank - 1).round()
            }
        };
        std::array::from_fn(|rank| (up_to(rank).round() - below(rank)) as u32)
    }

    #[test]
    fn registers_as_they_likeliest_are_give_the_size_of_the_set_whatever_it_is() {
        for power in 8..80 {
            let size = 2_f64.powi(power);
            let off = of_ranks(&likeliest(1 << 30, size)) / size - 1.0;
            let allowed = if power < 20 { 0.01 } else { 1e-4 };
            assert!(off.abs() < allowed, "2^{power} is off by {off}");
        }
    }

    #[test]
    fn no_registers_at_all_and_none_that_is_set_are_of_nobody() {
        let mut none = [0; RANKS];
        assert_eq!(of_ranks(&none), 0.0);
        none[0] = 256;
        assert_eq!(of_ranks(&none), 0.0);
    }
}
