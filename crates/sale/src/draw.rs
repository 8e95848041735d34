//! The draw, as anybody can compute it again.
//!
//! ```text
//! ticket     number "." first 16 bytes of HMAC-SHA256(key, "ticket" ‖ 0 ‖ sale ‖ 0 ‖ number), in hex
//! entry      first 16 bytes of SHA-256(ticket)
//! list 0     SHA-256("tidegate draw 1" ‖ 0 ‖ sale)
//! list n     SHA-256(list n−1 ‖ entry n)
//! commitment SHA-256(secret)
//! lot n      first 8 bytes of HMAC-SHA256(secret ‖ list N ‖ beacon, entry n)
//! ```
//!
//! The order is that of the lots, and of the numbers where two are the same. The commitment is public
//! before anybody can enter; the list before the beacon, if one was named, is known; and secret and list
//! are public afterwards. Who has a ticket finds its entry in the list; nobody finds a ticket from it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Bytes of the secret of a draw, and of hashes.
pub const HASH_BYTES: usize = 32;

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = 16;

/// A hash, or a secret.
pub type Hash = [u8; HASH_BYTES];

/// What stands for an entrant in the public list.
pub type Entry = [u8; ENTRY_BYTES];

/// The hash of a secret that is told later.
#[must_use]
pub fn commitment(secret: &Hash) -> Hash {
    Sha256::digest(secret).into()
}

/// The entry of a ticket.
#[must_use]
pub fn entry_of(ticket: &str) -> Entry {
    first(&Sha256::digest(ticket))
}

/// The hash of a list that has no entry yet.
#[must_use]
pub fn empty_list(sale: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"tidegate draw 1\0");
    hash.update(sale);
    hash.finalize().into()
}

/// The hash of a list with one more entry.
#[must_use]
pub fn longer_list(list: &Hash, entry: &Entry) -> Hash {
    let mut hash = Sha256::new();
    hash.update(list);
    hash.update(entry);
    hash.finalize().into()
}

/// Draws lots for entries.
#[derive(Clone)]
pub struct Lots(Hmac<Sha256>);

impl Lots {
    /// The lots of this secret, list and beacon.
    #[must_use]
    pub fn new(secret: &Hash, list: &Hash, beacon: &str) -> Self {
        let key = [secret, list, beacon.as_bytes()].concat();
        Self(keyed(&key))
    }

    /// The lot of an entry.
    #[must_use]
    pub fn of(&self, entry: &Entry) -> u64 {
        let mut mac = self.0.clone();
        mac.update(entry);
        u64::from_be_bytes(first(&mac.finalize().into_bytes()))
    }
}

/// What is public about a draw that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The sale.
    pub sale: String,
    /// What was told beforehand.
    pub commitment: Hash,
    /// What was told when the list was closed.
    pub list: Hash,
    /// The public value that the draw has taken in; empty if none was named.
    pub beacon: String,
    /// What was told afterwards.
    pub secret: Hash,
    /// The entries by number, from 1 on, each with the position that was told.
    pub entries: Vec<(Entry, u64)>,
}

/// What is told and what is computed are not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The secret is not the one that was committed to.
    Commitment,
    /// The entries are not those of the list that was closed.
    List,
    /// An entry stands elsewhere than it should.
    Position {
        /// Its number.
        number: u64,
        /// The position that was told.
        told: u64,
        /// The one that its lot gives it.
        drawn: u64,
    },
}

/// Computes a draw again, and compares.
///
/// # Errors
/// The first thing that is not as it was told.
pub fn check(draw: &Published) -> Result<(), Mismatch> {
    if commitment(&draw.secret) != draw.commitment {
        return Err(Mismatch::Commitment);
    }
    let entries = draw.entries.iter();
    let list = entries.fold(empty_list(&draw.sale), |list, (entry, _)| {
        longer_list(&list, entry)
    });
    if list != draw.list {
        return Err(Mismatch::List);
    }
    let lots = Lots::new(&draw.secret, &draw.list, &draw.beacon);
    let numbered = (1..).zip(&draw.entries);
    let mut order: Vec<(u64, u64, u64)> = numbered
        .map(|(number, (entry, told))| (lots.of(entry), number, *told))
        .collect();
    order.sort_unstable();
    for (drawn, (_, number, told)) in (1..).zip(order) {
        if drawn != told {
            return Err(Mismatch::Position {
                number,
                told,
                drawn,
            });
        }
    }
    Ok(())
}

pub(crate) fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("because HMAC takes a key of any length")
}

pub(crate) fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let first = bytes.first_chunk();
    *first.expect("because SHA-256 gives 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: Entry = [
        166, 143, 72, 67, 211, 198, 209, 130, 217, 187, 36, 57, 232, 169, 60, 141,
    ];
    const LIST: Hash = [
        144, 133, 174, 80, 16, 190, 193, 2, 167, 165, 84, 33, 116, 20, 191, 231, 117, 26, 64, 91,
        191, 187, 234, 68, 113, 233, 155, 121, 131, 175, 210, 35,
    ];
    const COMMITMENT: [u8; 4] = [75, 176, 111, 142];
    const LOT: u64 = 0xe77021e5a17612b5;

    /// Computed with Python's hashlib and hmac: who checks a draw relies on these bytes.
    #[test]
    fn bytes_are_frozen() {
        let secret = [7; HASH_BYTES];
        let list = longer_list(&empty_list("s"), &entry_of("1.ab"));
        assert_eq!(entry_of("1.ab"), ENTRY);
        assert_eq!(list, LIST);
        assert_eq!(commitment(&secret)[..4], COMMITMENT);
        assert_eq!(Lots::new(&secret, &list, "beacon").of(&ENTRY), LOT);
    }

    /// Positions in many draws of ten people, each with a secret of its own.
    #[test]
    fn positions_are_uniform() {
        const PEOPLE: u64 = 10;
        const DRAWS: u64 = 2_000;
        // Chi-square with 9 degrees of freedom: 99.9% are below.
        const CRITICAL: f64 = 27.88;
        let mut random = tidegate_engine::Random::new(1);
        let entries: Vec<_> = (1..=PEOPLE).map(|n| entry_of(&format!("{n}.x"))).collect();
        let mut counts = [[0u64; PEOPLE as usize]; PEOPLE as usize];
        for _ in 0..DRAWS {
            let mut secret = [0; HASH_BYTES];
            secret[..8].copy_from_slice(&random.next_u64().to_le_bytes());
            let lots = Lots::new(&secret, &[1; HASH_BYTES], "");
            let mut order: Vec<_> = (0..)
                .zip(&entries)
                .map(|(who, entry)| (lots.of(entry), who))
                .collect();
            order.sort_unstable();
            for (position, (_, who)) in order.into_iter().enumerate() {
                let who: usize = who;
                counts[who][position] += 1;
            }
        }
        let expected = (DRAWS / PEOPLE) as f64;
        for (who, counts) in counts.iter().enumerate() {
            let off = counts
                .iter()
                .map(|count| (*count as f64 - expected).powi(2) / expected);
            let chi_square: f64 = off.sum();
            assert!(
                chi_square < CRITICAL,
                "entrant {who}: {chi_square}, {counts:?}"
            );
        }
    }
}
