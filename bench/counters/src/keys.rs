//! Which keys events are for.

/// Numbers that look random (Vigna's splitmix64).
pub(crate) struct Random(u64);

impl Random {
    /// Not a multiple of the step by seed: then one sequence would be another one, a step ahead.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95).rotate_left(32))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// How events are spread over keys.
#[derive(Clone)]
pub(crate) enum Spread {
    /// Key `k` (from 0 on) as often as `1 / (k + 1)`: Walker's table of aliases.
    Zipf(Vec<(f64, u32)>),
    /// All alike; half of all events for the first one if so.
    Uniform { keys: usize, half_for_one: bool },
}

impl Spread {
    pub(crate) fn zipf(keys: usize) -> Self {
        let sum: f64 = (1..=keys).map(|rank| 1.0 / rank as f64).sum();
        let mut shares: Vec<f64> = (1..=keys)
            .map(|rank| keys as f64 / (rank as f64 * sum))
            .collect();
        let mut table = vec![(1.0, 0); keys];
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..keys).partition(|key| shares[*key] < 1.0);
        while let (Some(less), Some(more)) = (small.pop(), large.last().copied()) {
            table[less] = (shares[less], more as u32);
            shares[more] -= 1.0 - shares[less];
            if shares[more] < 1.0 {
                large.pop();
                small.push(more);
            }
        }
        Self::Zipf(table)
    }

    pub(crate) fn keys(&self) -> usize {
        match self {
            Self::Zipf(table) => table.len(),
            Self::Uniform { keys, .. } => *keys,
        }
    }

    pub(crate) fn key(&self, random: &mut Random) -> usize {
        match self {
            Self::Zipf(table) => {
                let at = random.below(table.len());
                let (share, alias) = table[at];
                if random.unit() < share {
                    at
                } else {
                    alias as usize
                }
            }
            Self::Uniform { keys, half_for_one } => {
                if *half_for_one && random.next() & 1 == 0 {
                    return 0;
                }
                random.below(*keys)
            }
        }
    }
}

/// The name of a key.
pub(crate) fn name(key: usize) -> String {
    format!("video-{key}")
}
