//! What the first part of a topic of several tells the others: how the topic and its groups are declared, and what was
//! done about a group. They are told in order, each once; whoever has declared it is answered when all know.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::contract::{Mail, Name};
use tidegate_engine::{Missing, Reads, Row, Shard, Stop, Tx};

use super::create::put_declared;
use super::delete::{begin, reads_of_begin};
use super::place::place_of_move;
use super::set_group::put_group;
use super::steer::go_to;
use super::word_of_readers;
use crate::PARTS_MAX;
use crate::parts::several;
use crate::table::{DOMAIN, GONE, GROUPS, Group, MovedTo, PARTS, Part, TOLD, TOPICS, Told, Topic};

/// Letters of a command that tells all other parts.
pub(super) const LETTERS_MAX: usize = PARTS_MAX.unsigned_abs() as usize - 1;

/// A word of the first part to another one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ToPart {
    /// The how-manieth.
    #[n(0)]
    pub(crate) number: u64,
    #[n(1)]
    pub(crate) word: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Word {
    /// The topic is so now.
    #[n(0)]
    Topic {
        #[n(0)]
        topic: Topic,
        /// What is to be kept.
        #[n(1)]
        keeps: Part,
        #[cbor(n(2), with = "tidegate_engine::text")]
        schema: CompactString,
    },
    /// A group is so now, but for what it has done.
    #[n(1)]
    Group {
        #[cbor(n(0), with = "tidegate_engine::text")]
        name: CompactString,
        #[n(1)]
        group: Group,
    },
    /// A group goes on elsewhere.
    #[n(2)]
    Move {
        #[cbor(n(0), with = "tidegate_engine::text")]
        name: CompactString,
        #[n(1)]
        to: MovedTo,
        /// The version that it has then.
        #[n(2)]
        version: u64,
    },
    /// The topic is deleted.
    #[n(3)]
    Delete,
}

/// A word of a part to the first one: it knows all up to the word of this number.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Knows {
    #[n(0)]
    pub(crate) at: u16,
    #[n(1)]
    pub(crate) number: u64,
}

impl Row for ToPart {}
impl Row for Knows {}

/// Tells all other parts, if there are some.
pub(super) fn tell_parts(tx: &mut Tx<'_>, name: &Name, word: Word) -> Result<(), Missing> {
    let Some(of) = several(tx.splits(), name) else {
        return Ok(());
    };
    tell_so_many(tx, name.as_str(), of, word)
}

/// The same, of a topic that has just come to have so many parts.
pub(super) fn tell_so_many(
    tx: &mut Tx<'_>,
    name: &str,
    of: u16,
    word: Word,
) -> Result<(), Missing> {
    let told = tx.get(&TOLD, name)?;
    let mut told = told.unwrap_or_else(|| Told::nothing(of));
    told.times += 1;
    let number = told.times;
    let letter = ToPart { number, word };
    for shard in Shard::all(of).skip(1) {
        tx.send(&shard.key_of(name), &letter);
    }
    tx.put(&TOLD, name, told);
    Ok(())
}

/// Whoever has declared something waits until all other parts know it.
pub(super) fn until_known<R>(tx: &mut Tx<'_>, name: &str) -> Result<(), Stop<R>> {
    match tx.get(&TOLD, name)? {
        Some(told) if !told.is_known() => Err(Stop::Wait),
        Some(_) | None => Ok(()),
    }
}

impl Mail for ToPart {
    const NUMBERS: (u8, u8) = (DOMAIN, 1);
    const NAME: &'static str = "declared";
    /// That it knows, and that it lags no more.
    const LETTERS: usize = 2;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&TOPICS, to);
        reads.row(&PARTS, to);
        match &self.word {
            Word::Topic { .. } => reads.row(&GONE, to),
            Word::Group { name, .. } | Word::Move { name, .. } => {
                reads.row(&GROUPS, (to, name.as_str()));
            }
            Word::Delete => reads_of_begin(reads, to),
        }
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        match self.word {
            Word::Topic {
                topic,
                keeps,
                schema,
            } => put_declared(tx, to, (topic, keeps), schema)?,
            Word::Group { name, group } => {
                put_group(tx, (to, &name), &group)?;
                tx.tell(&word_of_readers((to, &name)));
            }
            Word::Move {
                name,
                to: at,
                version,
            } => {
                let part = tx.get(&PARTS, to)?.unwrap_or_else(Part::fresh);
                let shard = Shard::named(to).unwrap_or(Shard { at: 0, of: 1 });
                let next = place_of_move(tx, (to, shard), &part, at)?;
                go_to(tx, (to, &name), next, version)?;
            }
            Word::Delete => begin(tx, to)?,
        }
        if let Some(Shard { at, .. }) = Shard::named(to) {
            let number = self.number;
            tx.send(Shard::whole_of(to), &Knows { at, number });
        }
        Ok(())
    }
}

impl Mail for Knows {
    const NUMBERS: (u8, u8) = (DOMAIN, 2);
    const NAME: &'static str = "known";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&TOLD, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Some(mut told) = tx.get(&TOLD, to)? else {
            return Ok(());
        };
        if let Some(known) = told.known.get_mut(usize::from(self.at) - 1) {
            // The next one only: it has not taken in what came before if that was set aside.
            *known += u64::from(*known + 1 == self.number);
        }
        tx.put(&TOLD, to, told);
        tx.tell(to);
        Ok(())
    }
}
