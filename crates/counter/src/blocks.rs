//! What was counted of a key, by level and block, and the row in which it lies.
//!
//! Of each level the newest block of a key is *open*. All that are open lie in one row of the key, so who counts an event
//! gets and puts one row, not one for each level. A block gets a row of its own when a newer one opens: what comes late for
//! it is counted there. An open block whose time is over stays where it is until the key counts again, or until that of the
//! widest level goes: its row goes with that.

use tidegate_engine::contract::ScanContext;
use tidegate_engine::{Missing, Reads, Tx};

use crate::counts::Counts;
use crate::leaders::Of;
use crate::levels::Level;
use crate::table::{BLOCKS, Block, OPEN, OpenBlock, OpenBlocks};

impl OpenBlocks {
    fn find(&self, level: u8) -> Option<&OpenBlock> {
        self.blocks.iter().find(|open| open.level == level)
    }

    /// What was counted in a block of a level, which is read if it has a row of its own.
    pub(crate) fn counts<E>(
        &self,
        (level, block): (u8, u64),
        own: impl FnOnce() -> Result<Option<Block>, E>,
    ) -> Result<Option<Counts>, E> {
        match self.find(level) {
            Some(open) if open.block == block => Ok(Some(open.counts.clone())),
            Some(open) if open.block > block => Ok(own()?.map(|row| row.counts)),
            Some(_) | None => Ok(None),
        }
    }
}

/// The blocks of a key, while it is counted in some.
pub(crate) struct KeyBlocks<'k> {
    /// The counter, and the key.
    of: (&'k str, &'k str),
    open: OpenBlocks,
    has_changed: bool,
}

impl<'k> KeyBlocks<'k> {
    pub(crate) fn of(tx: &mut Tx<'_>, of: (&'k str, &'k str)) -> Result<Self, Missing> {
        let open = tx.get(&OPEN, of)?.unwrap_or_default();
        let has_changed = false;
        Ok(Self {
            of,
            open,
            has_changed,
        })
    }

    /// Takes out what was counted in a block, for [`Self::set`]; `None` if the key is not there.
    pub(crate) fn take(
        &mut self,
        tx: &mut Tx<'_>,
        (level, block): (u8, u64),
    ) -> Result<Option<Counts>, Missing> {
        let open = self.open.blocks.iter_mut().find(|open| open.level == level);
        match open {
            Some(open) if open.block == block => {
                Ok(Some(std::mem::replace(&mut open.counts, Counts::NONE)))
            }
            Some(_) | None => self.open.counts((level, block), || {
                tx.get(&BLOCKS, (self.of.0, level, block, self.of.1))
            }),
        }
    }

    /// Says what is counted in a block. What was open gets a row of its own if this one is newer.
    pub(crate) fn set(
        &mut self,
        tx: &mut Tx<'_>,
        (number, level): (u8, Level),
        block: u64,
        counts: Counts,
    ) {
        let (name, key) = self.of;
        self.has_changed = true;
        let at = self.open.blocks.partition_point(|open| open.level < number);
        match self
            .open
            .blocks
            .get_mut(at)
            .filter(|open| open.level == number)
        {
            Some(open) if block < open.block => {
                tx.put(&BLOCKS, (name, number, block, key), Block { counts });
            }
            Some(open) => {
                let before = std::mem::replace(&mut open.counts, counts);
                let (counts, was) = (before, std::mem::replace(&mut open.block, block));
                if was < block && tx.now_ms() < level.block_gone_ms(was) {
                    tx.put(&BLOCKS, (name, number, was, key), Block { counts });
                }
            }
            None => self.open.blocks.insert(
                at,
                OpenBlock {
                    level: number,
                    block,
                    counts,
                },
            ),
        }
    }

    /// Puts the row of those that are open.
    pub(crate) fn close(self, tx: &mut Tx<'_>) {
        if self.has_changed {
            tx.put(&OPEN, self.of, self.open);
        }
    }
}

/// What was counted of a key in a block.
pub(crate) fn counts(
    tx: &mut Tx<'_>,
    (name, level, block): Of<'_>,
    key: &str,
) -> Result<Option<Counts>, Missing> {
    let open = tx.get(&OPEN, (name, key))?.unwrap_or_default();
    let own = || tx.get(&BLOCKS, (name, level, block, key));
    open.counts((level, block), own)
}

/// An open block of a key goes: that of the widest level, whose time is over the last, or one of a counter of which all goes, one
/// level after the other. What is open of the levels before it is of no use any more.
pub(crate) fn drop_open(
    tx: &mut Tx<'_>,
    (name, level, block): Of<'_>,
    key: &str,
) -> Result<(), Missing> {
    let mut row = tx.get(&OPEN, (name, key))?.unwrap_or_default();
    if row.find(level).is_none_or(|open| open.block != block) {
        return Ok(());
    }
    row.blocks.retain(|open| open.level > level);
    if row.blocks.is_empty() {
        tx.remove(&OPEN, (name, key));
    } else {
        tx.put(&OPEN, (name, key), row);
    }
    Ok(())
}

/// What memory knows of the blocks of a key.
pub(crate) struct KnownBlocks<'k> {
    /// The counter, and the key.
    of: (&'k str, &'k str),
    /// `None` if memory does not know.
    open: Option<OpenBlocks>,
}

impl<'k> KnownBlocks<'k> {
    /// Names the row of those that are open.
    pub(crate) fn of(reads: &mut Reads<'_>, of: (&'k str, &'k str)) -> Self {
        let open = reads.find(&OPEN, of).map(Option::unwrap_or_default);
        Self {
            of,
            open: open.ok(),
        }
    }

    /// Names the row in which a block lies, if it has one of its own, and gives what was counted as far as memory knows. While
    /// it does not know what is open, that is taken to be the block of now.
    pub(crate) fn reads(
        &self,
        reads: &mut Reads<'_>,
        (number, level): (u8, Level),
        block: u64,
    ) -> Option<Counts> {
        let (name, key) = self.of;
        let own = |reads: &mut Reads<'_>| reads.get(&BLOCKS, (name, number, block, key));
        match &self.open {
            Some(open) => {
                let counts = open.counts((number, block), || Ok::<_, Missing>(own(reads)));
                counts.ok().flatten()
            }
            None if block < level.bucket(reads.now_ms()).block() => {
                own(reads).map(|row| row.counts)
            }
            None => None,
        }
    }
}

/// What a reader finds of a key, in one block of a level after the other.
pub(crate) fn scanned<'c>(
    context: &'c ScanContext,
    (name, key): (&'c str, &'c str),
) -> impl Fn(u8, u64) -> Option<Counts> + 'c {
    let open = context.get(&OPEN, (name, key)).unwrap_or_default();
    move |level, block| {
        let own = || Ok::<_, Missing>(context.get(&BLOCKS, (name, level, block, key)));
        open.counts((level, block), own).ok().flatten()
    }
}

/// Open blocks as they lie in a row: an array of them.
pub(crate) mod stored {
    use minicbor::decode::{Decoder, Error};
    use minicbor::encode::{self, Encoder, Write};
    use smallvec::SmallVec;

    use crate::table::OpenBlock;

    pub(crate) fn encode<C, W: Write>(
        blocks: &SmallVec<[OpenBlock; 3]>,
        out: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        out.array(blocks.len() as u64)?;
        let mut blocks = blocks.iter();
        blocks.try_for_each(|open| out.encode_with(open, context)?.ok())
    }

    pub(crate) fn decode<'b, C>(
        from: &mut Decoder<'b>,
        context: &mut C,
    ) -> Result<SmallVec<[OpenBlock; 3]>, Error> {
        let many = from.array()?;
        let many = many.ok_or_else(|| Error::message("an array of no length"))?;
        let mut blocks = SmallVec::new();
        for _ in 0..many {
            blocks.push(from.decode_with(context)?);
        }
        Ok(blocks)
    }
}
