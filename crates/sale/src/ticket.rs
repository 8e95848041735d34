//! Tickets: the number of an entrant, and that it is theirs. The edge checks them without a row.

use compact_str::CompactString;
use hmac::Mac;

use crate::draw::{Hash, first, keyed};
use crate::hex::{from_hex, hex};

/// Bytes by which a ticket is known to be none of its holder's making.
const TAG_BYTES: usize = 16;

/// The ticket of an entrant.
pub(crate) fn ticket_of(key: &Hash, sale: &str, number: u64) -> CompactString {
    let mac = mac_of(key, sale, number).finalize().into_bytes();
    let tag: [u8; TAG_BYTES] = first(&mac);
    compact_str::format_compact!("{number}.{}", hex(&tag))
}

/// The number of a ticket, if it is one of this sale.
pub(crate) fn number_of(key: &Hash, sale: &str, ticket: &str) -> Option<u64> {
    let (number, tag) = ticket.split_once('.')?;
    let is_usual = !number.starts_with(['0', '+']);
    let number = number.parse().ok().filter(|_| is_usual)?;
    let tag: [u8; TAG_BYTES] = from_hex(tag)?;
    // In constant time.
    let checked = mac_of(key, sale, number).verify_truncated_left(&tag);
    checked.ok().map(|()| number)
}

fn mac_of(key: &Hash, sale: &str, number: u64) -> hmac::Hmac<sha2::Sha256> {
    let mut mac = keyed(key);
    mac.update(b"ticket\0");
    mac.update(sale.as_bytes());
    mac.update(&[0]);
    mac.update(compact_str::format_compact!("{number}").as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Hash = [3; 32];
    /// As Python's hmac computes it.
    const TICKET: &str = "12.5a9d91bf114ed1899520097c44d24b16";

    #[test]
    fn ticket_is_known_by_its_sale_and_key_alone() {
        let ticket = ticket_of(&KEY, "s", 12);
        assert_eq!(ticket, TICKET);
        assert_eq!(number_of(&KEY, "s", &ticket), Some(12));
        assert_eq!(number_of(&KEY, "t", &ticket), None);
        assert_eq!(number_of(&[4; 32], "s", &ticket), None);
    }

    #[test]
    fn what_was_changed_by_one_character_is_no_ticket() {
        let ticket = ticket_of(&KEY, "s", 12);
        for at in 0..ticket.len() {
            let mut bytes = ticket.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            let changed = std::str::from_utf8(&bytes).expect("ASCII");
            assert_eq!(number_of(&KEY, "s", changed), None, "{changed}");
        }
        for other in ["", ".", "12", "012.", "+12.", "12.é", &format!("{ticket}0")] {
            assert_eq!(number_of(&KEY, "s", other), None, "{other}");
        }
        let (_, tag) = ticket.split_once('.').expect("it has one");
        for number in ["012", "+12", "12 "] {
            assert_eq!(number_of(&KEY, "s", &format!("{number}.{tag}")), None);
        }
    }
}
