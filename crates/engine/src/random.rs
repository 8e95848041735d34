//! Random numbers from a seed (SplitMix64: G. Steele, D. Lea, C. Flood, OOPSLA 2014), and those that
//! nobody can guess.

use std::fmt;

/// Where secrets come from.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Fills `bytes` with what nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's own.
#[derive(Debug)]
pub struct MachineEntropy;

impl Entropy for MachineEntropy {
    fn fill(&self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let flags = rustix::rand::GetRandomFlags::empty();
            match rustix::rand::getrandom(&mut *bytes, flags) {
                Ok(filled) => bytes = &mut bytes[filled..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("the system gives no random bytes: {error}"),
            }
        }
    }
}

/// A generator that gives the same numbers for the same seed, for ever.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// A number below `bound`, or 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Multiply-shift; the bias is far below anything a test or a salt could notice.
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// True `n` times out of `of`.
    pub fn chance(&mut self, n: u64, of: u64) -> bool {
        self.below(of) < n
    }
}
