//! Claims: several things taken for one owner, all or nothing, each in a slot of its own.
//!
//! ```text
//! owner ─ Claim ─▶ thing 1 ─ Claim ─▶ thing 2 ─ Claim ─▶ thing 3 ─ Whole ─▶ owner
//!                     └───────────── Answer: it has none ───────────▶ owner
//! owner ─ Settle ─▶ thing 1 ─ Settle ─▶ thing 2 … ─ Settled ─▶ owner, if it has asked for that
//!                                                                  kept, taken or released
//! ```
//!
//! One letter goes from thing to thing, in the order of their keys, so that two owners never end up
//! refusing each other. What has taken its part belongs to the owner from then on and has no time of its
//! own: it waits for the owner's word. The word takes the same way, behind the claim, so it never comes
//! before it.
//!
//! This crate is the letters and what they do between things; it holds nothing. What can be claimed
//! ([`Thing`]) takes in [`Claim`] and [`Settle`] as two kinds of its mail, numbered [`CLAIM`] and
//! [`SETTLE`]; who claims takes in [`Answer`] and [`Whole`], and [`Settled`] if it asks for it.

use std::collections::VecDeque;

use compact_str::CompactString;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use tidegate_engine::{Address, Row, Tx};

/// The number of the mail by which a domain takes claims in.
pub const CLAIM: u8 = 1;

/// The number of the mail by which it is told what becomes of what was claimed.
pub const SETTLE: u8 = 2;

/// Most things of one claim: a letter names them all, and is much smaller than it may be. Who claims more
/// does so in several claims, one behind the other.
pub const THINGS_MAX: usize = 64;

/// Who claims, and for which time: a later attempt of the same owner is another claim.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Owner {
    /// Where it is told what becomes of the claim.
    #[n(0)]
    pub address: Address,
    /// Which of its attempts this is, from 1 on; 0 if what is taken makes the owner.
    #[n(1)]
    pub attempt: u64,
}

impl Owner {
    /// The id under which a thing keeps what it has taken for this claim. No caller can choose it.
    #[must_use]
    pub fn hold_id(&self) -> CompactString {
        let (domain, _) = self.address.numbers();
        let (to, attempt) = (self.address.to(), self.attempt);
        compact_str::format_compact!("{OWNED}{to}{OWNED}{domain}.{attempt}")
    }

    /// What an audit calls the claim: whoever holds something for it needs its owner, or a letter that
    /// will tell the owner or be told by it.
    #[must_use]
    pub fn label(&self) -> CompactString {
        compact_str::format_compact!("the owner {} or its mail", self.named())
    }

    /// What an audit calls it that a thing holds its part for the claim.
    #[must_use]
    pub fn part_label(&self, part: &Thing) -> CompactString {
        let Thing { domain, key, units } = part;
        compact_str::format_compact!("{units} of {domain}/{key} for the owner {}", self.named())
    }

    /// What an audit calls it that the owner, who was asked whether all is taken, will answer that thing.
    #[must_use]
    pub fn answer_label(&self, part: &Thing) -> CompactString {
        let label = self.part_label(part);
        compact_str::format_compact!("the answer that will come to who has {label}")
    }

    /// What an audit calls it that the owner will hear that all things of one letter have heard its word.
    #[must_use]
    pub fn settled_label(&self, part: u64) -> CompactString {
        let named = self.named();
        compact_str::format_compact!("the word that letter {part} of {named} was heard by all")
    }

    fn named(&self) -> CompactString {
        let (domain, mail) = self.address.numbers();
        let (to, attempt) = (self.address.to(), self.attempt);
        compact_str::format_compact!("{domain}.{mail}/{to}/{attempt}")
    }

    /// How people see it: the owner's key, and which attempt beyond the first.
    #[must_use]
    pub fn shown(&self) -> CompactString {
        shown(&self.hold_id())
    }
}

/// What an id begins with that belongs to an owner: control characters are in no caller's id.
const OWNED: char = '\u{1}';

/// The key of the owner to whom an id belongs; none for a caller's id.
#[must_use]
pub fn owner_of(id: &str) -> Option<&str> {
    split(id).map(|(to, _)| to)
}

/// The owner's key, and its domain and attempt.
fn split(id: &str) -> Option<(&str, &str)> {
    id.strip_prefix(OWNED)?.split_once(OWNED)
}

/// How people see an id under which a thing keeps what it has taken, or any other id: which attempt it is beyond
/// the first, or the one before there was an owner. A caller may have
/// chosen one that looks the same: whose it is [`owner_of`] tells.
#[must_use]
pub fn shown(id: &str) -> CompactString {
    let Some((to, rest)) = split(id) else {
        return CompactString::new(id);
    };
    match rest.split_once('.') {
        Some((_, "0" | "1")) | None => CompactString::new(to),
        Some((_, attempt)) => compact_str::format_compact!("{to} ({attempt})"),
    }
}

/// What an audit calls it that a thing has sold its part to the claim for which it keeps it under this id, or
/// will have.
#[must_use]
pub fn sold_label(id: &str, part: &Thing) -> CompactString {
    let Thing { domain, key, units } = part;
    let owner = shown(id);
    let (_, claim) = split(id).unwrap_or_default();
    compact_str::format_compact!("{units} of {domain}/{key} sold to {owner}, claim {claim}")
}

/// Something of which units can be claimed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct Thing {
    /// The number of its domain.
    #[n(0)]
    pub domain: u8,
    /// Its key there.
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub key: CompactString,
    /// How many.
    #[n(2)]
    pub units: u64,
}

impl Thing {
    fn send<R: Row>(&self, tx: &mut Tx<'_>, number: u8, letter: &R) {
        tx.send_to(&Address::new(self.domain, number, &self.key), letter);
    }
}

/// Asks a thing for its part, and then the next one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Claim {
    /// For whom.
    #[n(0)]
    pub owner: Owner,
    /// Those that have not been asked, in the order of their keys; the first is the addressee.
    #[n(1)]
    pub things: VecDeque<Thing>,
    /// Nothing else is claimed after it: whoever has the last part knows that all is taken.
    #[n(2)]
    pub is_last: bool,
    /// Where it is told that all is taken, and what is told there.
    #[n(3)]
    pub whole: Address,
    /// What is told there.
    #[n(4)]
    pub note: ByteVec,
}

impl Row for Claim {}

impl Claim {
    /// Sends it to its first thing.
    pub fn send(&self, tx: &mut Tx<'_>) {
        if let Some(thing) = self.things.front() {
            thing.send(tx, CLAIM, self);
        }
    }

    /// The units that are asked for here.
    #[must_use]
    pub fn units(&self) -> u64 {
        self.things.front().map_or(0, |thing| thing.units)
    }

    /// Whether all is taken once this part is.
    #[must_use]
    pub fn is_whole_here(&self) -> bool {
        self.is_last && self.things.len() == 1
    }

    /// This part is taken: asks the next thing, or says that all is.
    pub fn go_on(mut self, tx: &mut Tx<'_>) {
        self.things.pop_front();
        if self.things.is_empty() {
            let Self { owner, note, .. } = self;
            tx.send_to(&self.whole, &Whole { owner, note });
        } else {
            self.send(tx);
        }
    }

    /// This part cannot be had: nobody else is asked, and what others have is for the owner to release.
    pub fn fail(self, tx: &mut Tx<'_>, why: Why) {
        if let Some(thing) = self.things.into_iter().next() {
            Answer::send(&self.owner, thing, Word::Failed(why), tx);
        }
    }
}

/// All things of a claim are taken.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Whole {
    /// For whom.
    #[n(0)]
    pub owner: Owner,
    /// What the owner has had told here.
    #[n(1)]
    pub note: ByteVec,
}

impl Row for Whole {}

/// The code of a thing that has no room or no time: no "no", but a word to ask again.
pub const BUSY: &str = "busy";

/// Why a thing has no part to give.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Why {
    /// The code of the refusal, as a caller of the thing would be told.
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub code: CompactString,
    /// How many units there are.
    #[n(1)]
    pub available: u64,
}

/// What a thing has to say to an owner.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Word {
    /// It has no part to give.
    #[n(0)]
    Failed(#[n(0)] Why),
    /// Others wait for what was taken: it wants to hear whether all is.
    #[n(1)]
    Asked,
}

/// A word of a thing to an owner.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Answer {
    /// To whom.
    #[n(0)]
    pub owner: Owner,
    /// From which thing, with the units that were asked for.
    #[n(1)]
    pub thing: Thing,
    /// What it says.
    #[n(2)]
    pub word: Word,
}

impl Row for Answer {}

impl Answer {
    fn send(owner: &Owner, thing: Thing, word: Word, tx: &mut Tx<'_>) {
        let owner = owner.clone();
        let address = owner.address.clone();
        tx.send_to(&address, &Self { owner, thing, word });
    }

    /// Asks an owner whether all that it claims is taken: others wait for this part.
    pub fn ask(owner: &Owner, thing: Thing, tx: &mut Tx<'_>) {
        Self::send(owner, thing, Word::Asked, tx);
    }
}

/// What becomes of what was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Verdict {
    /// All is taken: it stays with its owner.
    #[n(0)]
    Keep,
    /// It is the owner's for good.
    #[n(1)]
    Take,
    /// It goes back.
    #[n(2)]
    Release,
    /// So many units of what was taken for good come back.
    #[n(3)]
    Return,
}

/// Tells things what becomes of what was claimed, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Settle {
    /// For whom it was claimed.
    #[n(0)]
    pub owner: Owner,
    /// Those that have not heard it, in the order of their keys; the first is the addressee.
    #[n(1)]
    pub things: VecDeque<Thing>,
    /// What they hear.
    #[n(2)]
    pub verdict: Verdict,
    /// Who wants to hear that all of them have.
    #[n(3)]
    pub then: Option<Then>,
}

impl Row for Settle {}

/// Who is told once all things of a letter have heard what becomes of them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Then {
    /// Where: the owner.
    #[n(0)]
    pub to: Address,
    /// Which of several letters of the claim it was.
    #[n(1)]
    pub part: u64,
}

/// All things of a letter have heard what becomes of them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Settled {
    /// For whom.
    #[n(0)]
    pub owner: Owner,
    /// Which of several letters it was.
    #[n(1)]
    pub part: u64,
}

impl Row for Settled {}

impl Settle {
    /// Sends it to its first thing, if there is one.
    pub fn send(&self, tx: &mut Tx<'_>) {
        if let Some(thing) = self.things.front() {
            thing.send(tx, SETTLE, self);
        }
    }

    /// This thing has done what it was told: tells the next one, or who wants to hear that it was the last.
    pub fn go_on(mut self, tx: &mut Tx<'_>) {
        self.things.pop_front();
        if self.things.is_empty() {
            self.end(tx);
        } else {
            self.send(tx);
        }
    }

    /// There is nobody behind this thing to be told.
    pub fn end(self, tx: &mut Tx<'_>) {
        if let Some(Then { to, part }) = self.then {
            let owner = self.owner;
            tx.send_to(&to, &Settled { owner, part });
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    fn owner(attempt: u64) -> Owner {
        Owner {
            address: Address::new(2, 1, "o1"),
            attempt,
        }
    }

    #[test]
    fn id_of_what_is_claimed_is_no_callers_and_people_see_the_owners() {
        assert_eq!(owner(1).hold_id(), "\u{1}o1\u{1}2.1");
        assert_eq!(owner(1).shown(), "o1");
        assert_eq!(owner(3).shown(), "o1 (3)");
        assert_eq!(shown("o1"), "o1");
        assert_eq!(owner_of(&owner(3).hold_id()), Some("o1"));
        assert_eq!(owner_of("o1"), None);
    }

    #[test]
    fn letters_are_frozen() {
        let thing = Thing {
            domain: 1,
            key: "s".into(),
            units: 3,
        };
        let claim = Claim {
            owner: owner(1),
            things: [thing.clone()].into(),
            is_last: true,
            whole: Address::new(2, 2, "b"),
            note: vec![7].into(),
        };
        let failed = Answer {
            owner: owner(1),
            thing: thing.clone(),
            word: Word::Failed(Why {
                code: "sold_out".into(),
                available: 2,
            }),
        };
        let asked = Answer {
            word: Word::Asked,
            ..failed.clone()
        };
        let settle = Settle {
            owner: owner(1),
            things: [thing].into(),
            verdict: Verdict::Release,
            then: None,
        };
        let told = Settle {
            then: Some(Then {
                to: Address::new(2, 7, "o1"),
                part: 1,
            }),
            ..settle.clone()
        };
        let settled = Settled {
            owner: owner(1),
            part: 1,
        };
        let whole = Whole {
            owner: owner(1),
            note: vec![7].into(),
        };
        let rows = [
            hex(&claim),
            hex(&failed),
            hex(&asked),
            hex(&settle),
            hex(&told),
            hex(&settled),
            hex(&whole),
        ];
        let expected = [
            "a500a200a20019020101626f3101010181a30001016173020302f503a200190202016162044107",
            "a300a200a20019020101626f31010101a30001016173020302820081a20068736f6c645f6f75740102",
            "a300a200a20019020101626f31010101a30001016173020302820180",
            "a300a200a20019020101626f3101010181a3000101617302030202",
            "a400a200a20019020101626f3101010181a300010161730203020203a200a20019020701626f310101",
            "a200a200a20019020101626f3101010101",
            "a200a200a20019020101626f310101014107",
        ];
        assert_eq!(rows, expected);
    }
}
