//! Payloads and results: in the row of their job, or beside it where they are long.

use minicbor::bytes::ByteVec;
use tidegate_engine::{Missing, Tx};

use crate::INLINE_BYTES_MAX;
use crate::table::{BODIES, Body, Kept, Which};

/// Keeps bytes in the row of a job, or beside it.
pub(crate) fn keep(tx: &mut Tx<'_>, (name, id, which): (&str, &str, Which), bytes: &[u8]) -> Kept {
    let kept = ByteVec::from(bytes.to_vec());
    if bytes.len() <= INLINE_BYTES_MAX {
        return Kept::Here(kept);
    }
    tx.put(&BODIES, (name, id, which.key()), Body { bytes: kept });
    Kept::Beside(bytes.len() as u64)
}

/// The bytes that were kept so.
pub(crate) fn kept(
    tx: &mut Tx<'_>,
    (name, id, which): (&str, &str, Which),
    row: Option<&Kept>,
) -> Result<Option<ByteVec>, Missing> {
    Ok(match row {
        None => None,
        Some(Kept::Here(bytes)) => Some(bytes.clone()),
        Some(Kept::Beside(_)) => {
            let body = tx.get(&BODIES, (name, id, which.key()))?;
            let body =
                body.expect("because the row says that it lies there, and is written with it");
            Some(body.bytes)
        }
    })
}

impl Kept {
    /// How many bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Here(bytes) => bytes.len() as u64,
            Self::Beside(bytes) => *bytes,
        }
    }
}
