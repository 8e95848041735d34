//! What somebody solves before they enter: a puzzle that costs a machine some time, or a question.
//!
//! ```text
//! puzzle   first 16 bytes of HMAC-SHA256(key, "puzzle" ‖ 0 ‖ sale ‖ 0 ‖ buyer ‖ 0 ‖ address ‖ window), in hex
//! address  1 and 16 bytes (IPv4 as it is mapped into IPv6, IPv6 by its first 64 bits), or 0 if it is not known
//! window   the time in ms, divided by 120,000: 8 bytes, big endian
//! proof    a text such that SHA-256(puzzle ‖ proof) begins with so many zero bits
//! ```
//!
//! In the proof both are bytes as they are told and sent: the puzzle its 32 digits in lower case, the proof UTF-8,
//! nothing between them. Bits are counted from the highest one of the first byte on.
//!
//! Nothing of a puzzle is kept: it is computed again from who shows a proof. So it is good for one buyer at one
//! address, until the window behind its own is over; and as a buyer enters once, for one entry.

use compact_str::CompactString;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use tidegate_engine::contract::{Address, Writer};

use crate::draw::{HASH_BYTES, Hash, keyed};
use crate::hex::hex;

/// For how long all puzzles of a buyer at an address are the same; one is good for as long again.
pub(crate) const WINDOW_MS: u64 = 120_000;

/// Bytes of a puzzle.
const PUZZLE_BYTES: usize = 16;

/// Who is to solve something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) sale: &'a str,
    pub(crate) buyer: &'a str,
    pub(crate) from: Option<Address>,
}

/// What is to be solved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A puzzle.
    Work {
        /// The puzzle.
        puzzle: CompactString,
        /// How many zero bits the hash begins with.
        bits: u64,
        /// Until when a proof is taken.
        valid_until_ms: u64,
    },
    /// A question.
    Question {
        /// The question.
        question: CompactString,
    },
}

impl Asked {
    /// What somebody is told who has to solve it.
    pub(crate) fn facts(&self, out: &mut dyn Writer) {
        let mut text = |name: &str, value: &str| {
            out.name(name);
            out.text(value);
        };
        match self {
            Self::Work {
                puzzle,
                bits,
                valid_until_ms,
            } => {
                text("kind", "work");
                text("puzzle", puzzle);
                out.name("bits");
                out.integer(bits.cast_signed());
                out.name("valid_until_ms");
                out.integer(valid_until_ms.cast_signed());
            }
            Self::Question { question } => {
                text("kind", "question");
                text("question", question);
            }
        }
    }
}

/// Whether this is a proof of work by who asks; what is to be solved if it is not.
pub(crate) fn check_proof(
    key: &Hash,
    of: Asker<'_>,
    bits: u64,
    proof: Option<&str>,
    now_ms: u64,
) -> Result<(), Asked> {
    let window = now_ms / WINDOW_MS;
    let puzzles = [window, window.saturating_sub(1)].map(|window| puzzle_of(key, of, window));
    let is_solved = |proof: &str| {
        puzzles
            .iter()
            .any(|puzzle| zero_bits(puzzle, proof) >= bits)
    };
    if proof.is_some_and(is_solved) {
        return Ok(());
    }
    let [puzzle, _] = puzzles;
    Err(Asked::Work {
        puzzle,
        bits,
        valid_until_ms: (window + 2) * WINDOW_MS,
    })
}

fn puzzle_of(key: &Hash, of: Asker<'_>, window: u64) -> CompactString {
    let mut mac = keyed(key);
    mac.update(b"puzzle\0");
    for name in [of.sale, of.buyer] {
        mac.update(name.as_bytes());
        mac.update(&[0]);
    }
    mac.update(&[of.from.is_some().into()]);
    if let Some(from) = of.from {
        mac.update(&from.bytes());
    }
    mac.update(&window.to_be_bytes());
    hex(&mac.finalize().into_bytes()[..PUZZLE_BYTES])
}

/// With how many zero bits the hash of both begins.
fn zero_bits(puzzle: &str, proof: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(puzzle);
    hash.update(proof);
    let hash: Hash = hash.finalize().into();
    let zeros = hash.iter().take_while(|byte| **byte == 0).count();
    let next = hash.get(zeros).map_or(0, |byte| byte.leading_zeros());
    zeros as u64 * 8 + u64::from(next)
}

/// What is kept of an answer: nobody reads it from there. None if nothing is left of it.
pub(crate) fn hash_of_answer(key: &Hash, answer: &str) -> Option<Hash> {
    let is_empty = answer.chars().all(char::is_whitespace);
    let hash: [u8; HASH_BYTES] = mac_of_answer(key, answer).finalize().into_bytes().into();
    (!is_empty).then_some(hash)
}

/// Whether this is the answer, in constant time: letters in whatever case, and spaces wherever they are.
pub(crate) fn is_answer(key: &Hash, kept: &Hash, answer: &str) -> bool {
    mac_of_answer(key, answer).verify_slice(kept).is_ok()
}

fn mac_of_answer(key: &Hash, answer: &str) -> Hmac<Sha256> {
    let mut mac = keyed(key);
    mac.update(b"answer\0");
    let letters = answer.chars().filter(|char| !char.is_whitespace());
    let lower: String = letters.flat_map(char::to_lowercase).collect();
    mac.update(lower.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const KEY: Hash = [3; 32];
    const NOW_MS: u64 = 1_800_000_000_000;
    const BITS: u64 = 8;
    const PUZZLE: &str = "f80b914ddc7ffd711c0bd105f399f1a6";
    const PUZZLE_OF_NOBODY: &str = "0ea8e79d3b8701ecfbe9a5de148c795d";
    const PROOF: &str = "213960";
    const ZERO_BITS: u64 = 18;

    fn at(ip: &str) -> Option<Address> {
        let ip: IpAddr = ip.parse().expect("an address");
        Some(ip.into())
    }

    fn mia() -> Asker<'static> {
        Asker {
            sale: "s",
            buyer: "mia",
            from: at("192.0.2.7"),
        }
    }

    fn puzzle(of: Asker<'_>, now_ms: u64) -> (CompactString, u64) {
        match check_proof(&KEY, of, BITS, None, now_ms) {
            Err(Asked::Work {
                puzzle,
                valid_until_ms,
                ..
            }) => (puzzle, valid_until_ms),
            other => panic!("{other:?}"),
        }
    }

    /// The first proof that solves a puzzle.
    fn solve(puzzle: &str) -> String {
        let proofs = (0..).map(|number: u64| number.to_string());
        let mut solved = proofs.filter(|proof| zero_bits(puzzle, proof) >= BITS);
        solved.next().expect("there are proofs without end")
    }

    fn is_taken(of: Asker<'_>, proof: &str, now_ms: u64) -> bool {
        check_proof(&KEY, of, BITS, Some(proof), now_ms).is_ok()
    }

    /// Computed with Python's hashlib and hmac: pages that solve puzzles rely on these bytes.
    #[test]
    fn bytes_are_frozen() {
        assert_eq!(puzzle(mia(), NOW_MS).0, PUZZLE);
        let unknown = Asker {
            from: None,
            ..mia()
        };
        assert_eq!(puzzle(unknown, NOW_MS).0, PUZZLE_OF_NOBODY);
        assert_eq!(zero_bits(PUZZLE, PROOF), ZERO_BITS);
    }

    #[test]
    fn zero_bits_are_counted_from_the_highest_bit_of_the_first_byte_on() {
        for proof in (0..200).map(|number: u64| number.to_string()) {
            let hash = Sha256::digest(format!("p{proof}"));
            let bits: String = hash.iter().map(|byte| format!("{byte:08b}")).collect();
            assert_eq!(zero_bits("p", &proof), bits.find('1').expect("one") as u64);
        }
    }

    #[test]
    fn proof_is_good_for_its_buyer_sale_and_address_alone() {
        let proof = solve(&puzzle(mia(), NOW_MS).0);
        assert!(is_taken(mia(), &proof, NOW_MS));
        for other in [
            Asker {
                buyer: "tom",
                ..mia()
            },
            Asker { sale: "t", ..mia() },
            Asker {
                from: at("192.0.2.8"),
                ..mia()
            },
            Asker {
                from: None,
                ..mia()
            },
            // The same letters, cut elsewhere.
            Asker {
                sale: "sm",
                buyer: "ia",
                ..mia()
            },
        ] {
            assert_ne!(
                puzzle(other, NOW_MS).0,
                puzzle(mia(), NOW_MS).0,
                "{other:?}"
            );
        }
        assert!(check_proof(&[4; 32], mia(), BITS, Some(&proof), NOW_MS).is_err());
        assert!(!is_taken(mia(), "", NOW_MS) && !is_taken(mia(), "x", NOW_MS));
    }

    #[test]
    fn proof_is_taken_until_the_moment_that_was_told() {
        for now_ms in [NOW_MS, NOW_MS + 1, NOW_MS + WINDOW_MS - 1] {
            let (puzzle, valid_until_ms) = puzzle(mia(), now_ms);
            let proof = solve(&puzzle);
            assert!(
                valid_until_ms - now_ms > WINDOW_MS,
                "there is time to solve it"
            );
            assert!(is_taken(mia(), &proof, valid_until_ms - 1));
            assert!(!is_taken(mia(), &proof, valid_until_ms));
        }
    }

    #[test]
    fn fewer_bits_than_asked_for_are_not_enough() {
        let proof = solve(&puzzle(mia(), NOW_MS).0);
        let bits = zero_bits(&puzzle(mia(), NOW_MS).0, &proof);
        assert!(check_proof(&KEY, mia(), bits, Some(&proof), NOW_MS).is_ok());
        assert!(check_proof(&KEY, mia(), bits + 1, Some(&proof), NOW_MS).is_err());
    }

    #[test]
    fn answer_is_compared_without_regard_to_case_and_spaces() {
        let kept = hash_of_answer(&KEY, "Bad Ems").expect("it is one");
        for same in ["Bad Ems", " bad  EMS ", "bad\u{a0}ems", "BADEMS"] {
            assert!(is_answer(&KEY, &kept, same), "{same}");
        }
        for other in ["", "Bad", "Bad Em", "Bad-Ems"] {
            assert!(!is_answer(&KEY, &kept, other), "{other}");
        }
        assert!(!is_answer(&[4; 32], &kept, "Bad Ems"));
        assert_eq!(hash_of_answer(&KEY, " \u{a0} "), None);
    }
}
