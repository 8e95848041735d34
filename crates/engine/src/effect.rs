//! The bytes of effects within a record.
//!
//! An effect is `kind (1) ‖ table (2) ‖ key length (2) ‖ key`, and for a put also
//! `row length (4) ‖ row`; numbers are little endian, a row is CBOR. Effects are absolute, so
//! replaying a record twice ends in the same rows.

use crate::table::ReplayError;
use crate::tables::Tables;

const PUT: u8 = 1;
const REMOVE: u8 = 2;

/// Kind, table and lengths of an effect that puts; one that removes has less.
pub(crate) const HEAD: usize = 9;

/// Appends "this row is now so", or "there is no such row now".
pub(crate) fn write(out: &mut Vec<u8>, table: u16, key: &[u8], row: Option<&[u8]>) {
    let length = u16::try_from(key.len()).expect("because keys are built of bounded names");
    out.push(if row.is_some() { PUT } else { REMOVE });
    out.extend_from_slice(&table.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(key);
    if let Some(row) = row {
        let length = u32::try_from(row.len());
        let length = length.expect("because a record is far smaller than 4 GiB");
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(row);
    }
}

/// A table, a key, and the row that it has now, if any.
pub(crate) type Effect<'a> = (u16, &'a [u8], Option<&'a [u8]>);

/// Reads one effect from the front of `bytes`.
pub(crate) fn read<'a>(bytes: &mut &'a [u8]) -> Option<Effect<'a>> {
    let (kind, rest) = bytes.split_first()?;
    let (table, rest) = rest.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (key, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let (row, rest) = match *kind {
        PUT => {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (row, rest) = rest.split_at_checked(length)?;
            (Some(row), rest)
        }
        REMOVE => (None, rest),
        _ => return None,
    };
    *bytes = rest;
    Some((u16::from_le_bytes(*table), key, row))
}

/// Applies all effects of a record.
pub(crate) fn replay(tables: &mut Tables, mut effects: &[u8]) -> Result<(), ReplayError> {
    while !effects.is_empty() {
        let (table, key, row) = read(&mut effects).ok_or(ReplayError::Cut)?;
        tables.replay(table, key, row)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_frozen() {
        let mut bytes = Vec::new();
        write(&mut bytes, 0x0010, b"\x01\x02key", Some(b"row"));
        write(&mut bytes, 0x0011, b"\x01\x02", None);
        let expected = [
            &[1, 0x10, 0, 5, 0, 1, 2][..],
            b"key",
            &[3, 0, 0, 0],
            b"row",
            &[2, 0x11, 0, 2, 0, 1, 2],
        ];
        assert_eq!(bytes, expected.concat());
        let rest = &mut bytes.as_slice();
        let put = (0x0010, &b"\x01\x02key"[..], Some(&b"row"[..]));
        assert_eq!(read(rest), Some(put));
        assert_eq!(read(rest), Some((0x0011, &b"\x01\x02"[..], None)));
        assert!(rest.is_empty());
    }
}
