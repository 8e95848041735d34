//! Kinds of mail.

use crate::row::Row;
use crate::table::Missing;
use crate::tx::{Reads, Tx};

/// A kind of mail: what it says, and what the domain that takes it in does about it.
pub trait Mail: Row {
    /// The number of the domain that takes it in, and its own within it: stored and for ever.
    const NUMBERS: (u8, u8);
    /// What it says, in lower case.
    const NAME: &'static str;
    /// Most letters that taking it in sends in turn.
    const LETTERS: usize;

    /// Names the rows that taking it in reads: asked once one was missing.
    fn reads(&self, to: &str, reads: &mut Reads<'_>);

    /// Takes it in. There is no refusing: a "no" is a letter back.
    ///
    /// # Errors
    /// A row has to be fetched first.
    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing>;
}

/// A kind of mail without its type.
#[derive(Clone, Copy)]
pub struct MailDef {
    pub(crate) id: u16,
    pub(crate) name: &'static str,
    pub(crate) letters: usize,
    /// Whether these bytes are a letter of this kind.
    pub(crate) is_letter: fn(&[u8]) -> bool,
    pub(crate) reads: fn(&[u8], &str, &mut Reads<'_>),
    pub(crate) take_in: fn(&[u8], &str, &mut Tx<'_>) -> Result<(), Missing>,
}

impl MailDef {
    /// The kind of mail of a type.
    #[must_use]
    pub const fn of<M: Mail>() -> Self {
        let (domain, number) = M::NUMBERS;
        Self {
            id: (domain as u16) << 8 | number as u16,
            name: M::NAME,
            letters: M::LETTERS,
            is_letter: |body| minicbor::decode::<M>(body).is_ok(),
            reads: |body, to, reads| letter::<M>(body).reads(to, reads),
            take_in: |body, to, tx| letter::<M>(body).take_in(to, tx),
        }
    }
}

fn letter<M: Mail>(body: &[u8]) -> M {
    let letter = minicbor::decode(body);
    letter.expect("because it was encoded when it was sent, and kept in a row with a checksum")
}
