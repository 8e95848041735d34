//! Units go from shard to shard of a SKU that is split.
//!
//! ```text
//! shard ─ Ask ─▶ home ─ Lend ─▶ shard               home has them
//!                 └─ Recall ─▶ all others ─ Back ─▶ home: what lies idle comes together
//!                 └─ None ─▶ shard                  all were heard, and there are not so many
//! ```
//!
//! The first shard, which is home, lends to all others. It serves who asks one after the other, and gathers for one
//! at a time. Only it says that there are too few units, once it has heard every other shard: each has answered
//! behind all that it had sent home before, and has kept nothing.

use minicbor::{Decode, Encode};
use tidegate_engine::contract::{Mail, Timer};
use tidegate_engine::{Address, KeyReader, Missing, Reads, Row, Shard, Stop, Tx};

use super::claim::{Offer, offer};
use super::line::{ask_in_doubt, ask_owners, serve_soon};
use super::{edge, put_sku};
use crate::table::{ASKS, Ask, DOMAIN, Home, Kind, Lent, SHARDS, SKUS, Share, Sku};
use crate::within::Level;

/// Set with a shard that is asked for its idle units: due at once, so that those who were told of units a moment
/// ago have them first.
pub(crate) const GIVE_BACK: Timer = Timer::new(DOMAIN, 6, give_back, give_back_reads);

/// A shard that gets units gets this part of what is left beside, for those who come next: one by
/// so many shards.
const EXTRA_PART: u64 = 2;

/// Who is served in one transaction: each gets a letter.
const ASKS_AT_ONCE: usize = 16;

/// A word of the first shard to another one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct ToShard(pub(crate) Word);

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Word {
    /// Takes units there, for what was asked under this number; 0 if nobody has asked.
    #[n(0)]
    Lend {
        #[n(0)]
        units: u64,
        #[n(1)]
        answers: u64,
    },
    /// There are not so many: only these, in all.
    #[n(1)]
    None {
        #[n(0)]
        answers: u64,
        #[n(1)]
        available: u64,
    },
    /// Somebody needs what lies idle.
    #[n(2)]
    Recall {
        #[n(0)]
        round: u64,
    },
}

/// A word of a shard to the first one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ToHome {
    /// Which shard.
    #[n(0)]
    pub(crate) at: u16,
    #[n(1)]
    pub(crate) word: Back,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Back {
    /// It wants units.
    #[n(0)]
    Ask {
        #[n(0)]
        number: u64,
        #[n(1)]
        units: u64,
    },
    /// What lay idle, for the gathering of this number.
    #[n(1)]
    Units {
        #[n(0)]
        round: u64,
        #[n(1)]
        units: u64,
    },
}

/// How many units a shard holds and has sold.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct ToldLevel(Level);

impl Row for ToShard {}
impl Row for ToHome {}
impl Row for ToldLevel {}

/// What came of wanting units.
pub(crate) enum Wanted {
    /// They are here.
    Here,
    /// There are not so many in all.
    None { available: u64 },
}

/// A command wants units, of which nobody who came before it is deprived.
///
/// Others stand in line, or units may come back of claims that are not whole: who wants them waits for a moment, and
/// those who claim are asked. Then there is no room, and no "no" either.
pub(crate) fn units_for<R>(
    tx: &mut Tx<'_>,
    name: &str,
    sku: &Sku,
    units: u64,
) -> Result<Wanted, Stop<R>> {
    match offer(sku, units) {
        Offer::Units if !sku.is_awaited() => Ok(Wanted::Here),
        Offer::SoldOut if !sku.is_awaited() => {
            edge::tell_refused(tx, name, sku);
            Ok(Wanted::None {
                available: sku.available(),
            })
        }
        Offer::Elsewhere => want(tx, name, sku.clone(), units),
        Offer::Units | Offer::SoldOut | Offer::Perhaps if tx.is_last_run() => Err(Stop::Busy),
        Offer::Units | Offer::SoldOut | Offer::Perhaps => {
            ask_owners(tx, name, sku.clone())?;
            Err(Stop::Wait)
        }
    }
}

/// A command wants units that its shard has not: they are asked for, and it waits for the answer. It is told that
/// there are too few only by an answer to what was asked after it had come.
pub(crate) fn want<R>(
    tx: &mut Tx<'_>,
    name: &str,
    mut sku: Sku,
    units: u64,
) -> Result<Wanted, Stop<R>> {
    if units <= sku.free() {
        return Ok(Wanted::Here);
    }
    let Some(share) = &sku.share else {
        return Ok(Wanted::None {
            available: sku.available(),
        });
    };
    let (waits_for, asked) = (tx.remembered(), share.asked);
    if waits_for > 0
        && waits_for <= share.answered
        && let Some(available) = share.none.filter(|none| units > *none)
    {
        return Ok(Wanted::None { available });
    }
    if tx.is_last_run() {
        return Err(Stop::Busy);
    }
    if waits_for <= share.answered {
        tx.remember(asked + 1);
    }
    if !share.is_asking() {
        ask(tx, name, &mut sku, units);
        tx.put(&SKUS, name, sku);
    }
    Err(Stop::Wait)
}

/// Asks for units, which is not under way; gives the number under which that is answered.
pub(super) fn ask(tx: &mut Tx<'_>, name: &str, sku: &mut Sku, units: u64) -> u64 {
    let Some(share) = &mut sku.share else {
        return 0;
    };
    share.asked += 1;
    let (at, number) = (share.at, share.asked);
    if let Some(home) = &mut share.home {
        queue(tx, name, home, Ask { at, number, units });
    } else {
        let word = Back::Ask { number, units };
        tx.send(Shard::whole_of(name), &ToHome { at, word });
    }
    number
}

/// Somebody asks, behind all others.
fn queue(tx: &mut Tx<'_>, name: &str, home: &mut Home, ask: Ask) {
    home.asks_to += 1;
    home.waiting += 1;
    home.wanted += ask.units;
    if home.waiting == 1 {
        home.asks_from = home.asks_to;
    }
    tx.put(&ASKS, (name, home.asks_to), ask);
    serve_soon(tx, name);
}

/// Who asks first, and where it stands.
fn first(tx: &mut Tx<'_>, name: &str, sku: &mut Sku) -> Result<Option<(u64, Ask)>, Missing> {
    let Some(home) = sku.home_mut().filter(|home| home.waiting > 0) else {
        return Ok(None);
    };
    loop {
        let place = home.asks_from;
        if let Some(ask) = tx.get(&ASKS, (name, place))? {
            return Ok(Some((place, ask)));
        }
        assert!(place < home.asks_to, "who asks stands in line");
        home.asks_from += 1;
    }
}

/// Serves shards that ask, as far as that goes now.
pub(super) fn serve_asks(tx: &mut Tx<'_>, name: &str, sku: &mut Sku) -> Result<(), Missing> {
    for _ in 0..ASKS_AT_ONCE {
        let Some((place, ask)) = first(tx, name, sku)? else {
            return Ok(());
        };
        if ask.units <= sku.available() {
            leave(tx, name, sku, (place, ask));
            lend(tx, name, sku, ask)?;
        } else if !has_gathered(tx, name, sku, (place, ask))? {
            return Ok(());
        } else {
            leave(tx, name, sku, (place, ask));
            deny(tx, name, sku, ask);
        }
    }
    serve_soon(tx, name);
    Ok(())
}

fn leave(tx: &mut Tx<'_>, name: &str, sku: &mut Sku, (place, ask): (u64, Ask)) {
    tx.remove(&ASKS, (name, place));
    if let Some(home) = sku.home_mut() {
        home.waiting -= 1;
        home.wanted -= ask.units;
    }
}

/// Gives a shard what it asks for, and something beside.
fn lend(tx: &mut Tx<'_>, name: &str, sku: &mut Sku, ask: Ask) -> Result<(), Missing> {
    let Ask { at, number, units } = ask;
    let Some(share) = &mut sku.share else {
        return Ok(());
    };
    let of = share.of;
    if at == share.at {
        share.answer(number, None);
        tx.tell(name);
        return Ok(());
    }
    let left = sku.free().saturating_sub(units);
    let units = units + left / (EXTRA_PART * u64::from(of));
    let key = (name, u64::from(at));
    let mut row = tx.get(&SHARDS, key)?.unwrap_or_default();
    row.lent.count(units);
    tx.put(&SHARDS, key, row);
    move_units(tx, name, sku, -units.cast_signed());
    let word = Word::Lend {
        units,
        answers: number,
    };
    ToShard(word).send(tx, name, Shard { at, of });
    Ok(())
}

/// Tells a shard that there are not so many units.
fn deny(tx: &mut Tx<'_>, name: &str, sku: &mut Sku, Ask { at, number, .. }: Ask) {
    let (available, is_in_doubt) = (sku.available(), sku.in_doubt() > 0);
    let Some(share) = &mut sku.share else {
        return;
    };
    let shard = Shard { at, of: share.of };
    if at == share.at {
        share.answer(number, Some(available));
        tx.tell(name);
    } else {
        let word = Word::None {
            answers: number,
            available,
        };
        ToShard(word).send(tx, name, shard);
    }
    if let Some(home) = &mut share.home {
        home.is_dry = available == 0 && !is_in_doubt;
    }
    edge::tell_dry(tx, name, sku);
}

/// Whether all that lies idle anywhere has come here for somebody who asks.
fn has_gathered(
    tx: &mut Tx<'_>,
    name: &str,
    sku: &mut Sku,
    (place, ask): (u64, Ask),
) -> Result<bool, Missing> {
    let of = sku.share.as_ref().map_or(1, |share| share.of);
    let may_come_back = ask.units <= sku.available() + sku.in_doubt();
    let Some(home) = sku.home_mut() else {
        return Ok(true);
    };
    let is_over = home.is_stale && !may_come_back;
    if home.round_for != place || is_over {
        home.round += 1;
        home.round_for = place;
        (home.heard, home.is_stale) = (0, false);
        let round = home.round;
        for shard in Shard::all(of).skip(1) {
            ToShard(Word::Recall { round }).send(tx, name, shard);
        }
        return Ok(false);
    }
    if home.unheard(of).next().is_some() {
        return Ok(false);
    }
    if may_come_back {
        home.is_stale = true;
        ask_in_doubt(tx, name, sku)?;
        return Ok(false);
    }
    Ok(true)
}

/// Units come to a shard, or go from it.
fn move_units(tx: &mut Tx<'_>, name: &str, sku: &mut Sku, units: i64) {
    if units == 0 {
        return;
    }
    let total = sku.total.checked_add_signed(units);
    let after = Sku {
        total: total.expect("because only what is available is moved"),
        ..sku.clone()
    };
    *sku = put_sku(tx, name, sku, after, (Kind::Lend, "", units));
}

impl ToShard {
    /// Sends it to a shard of this SKU.
    pub(super) fn send(&self, tx: &mut Tx<'_>, name: &str, to: Shard) {
        tx.send(&to.key_of(name), self);
    }
}

impl Mail for ToShard {
    const NUMBERS: (u8, u8) = (DOMAIN, 4);
    const NAME: &'static str = "to_shard";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SKUS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Some(shard) = Shard::named(to) else {
            return Ok(());
        };
        let row = tx.get(&SKUS, to)?;
        let mut sku = row.unwrap_or_else(|| Sku::lent(to, shard));
        let Some(share) = &mut sku.share else {
            return Ok(());
        };
        match self.0 {
            Word::Lend { units, answers } => {
                share.lent.count(units);
                if answers > 0 {
                    share.answer(answers, None);
                }
                move_units(tx, to, &mut sku, units.cast_signed());
            }
            Word::None { answers, available } => share.answer(answers, Some(available)),
            Word::Recall { round } => tx.wake_at(&GIVE_BACK, tx.now_ms(), (to, round)),
        }
        tx.tell(Shard::whole_of(to));
        tx.put(&SKUS, to, sku);
        Ok(())
    }
}

fn owner_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, u64) {
    let (name, round) = (owner.text(), owner.number());
    name.zip(round)
        .expect("because the timer is set with a shard and a number")
}

fn give_back_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    reads.row(&SKUS, owner_of(&mut owner).0);
}

/// Gives back all that lies idle.
fn give_back(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, round) = owner_of(&mut owner);
    let Some(mut sku) = tx.get(&SKUS, name)? else {
        return Ok(());
    };
    let units = sku.available();
    let Some(share) = &mut sku.share else {
        return Ok(());
    };
    let at = share.at;
    share.given.count(units);
    if units > 0 {
        share.emptied = round;
    }
    let emptied = share.emptied;
    move_units(tx, name, &mut sku, -units.cast_signed());
    edge::tell_empty(tx, name, emptied);
    tx.put(&SKUS, name, sku);
    let word = Back::Units { round, units };
    tx.send(Shard::whole_of(name), &ToHome { at, word });
    Ok(())
}

impl Mail for ToHome {
    const NUMBERS: (u8, u8) = (DOMAIN, 3);
    const NAME: &'static str = "to_home";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SKUS, to);
        reads.row(&SHARDS, (to, u64::from(self.at)));
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Some(mut sku) = tx.get(&SKUS, to)? else {
            return Ok(());
        };
        let Some(home) = sku.home_mut() else {
            return Ok(());
        };
        let at = self.at;
        match self.word {
            Back::Ask { number, units } => queue(tx, to, home, Ask { at, number, units }),
            Back::Units { round, units } => {
                if round == home.round {
                    home.hear(at);
                }
                let key = (to, u64::from(at));
                let mut row = tx.get(&SHARDS, key)?.unwrap_or_default();
                row.given.count(units);
                tx.put(&SHARDS, key, row);
                move_units(tx, to, &mut sku, units.cast_signed());
                serve_soon(tx, to);
            }
        }
        tx.put(&SKUS, to, sku);
        Ok(())
    }
}

impl Mail for ToldLevel {
    const NUMBERS: (u8, u8) = (DOMAIN, LEVEL);
    const NAME: &'static str = "told_level";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SKUS, to);
        if let Some(shard) = Shard::named(&self.0.sku) {
            reads.row(&SHARDS, (to, u64::from(shard.at)));
        }
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let Self(Level {
            sku: from,
            held,
            sold,
            ..
        }) = self;
        let (Some(sku), Some(shard)) = (tx.get(&SKUS, to)?, Shard::named(&from)) else {
            return Ok(());
        };
        let key = (to, u64::from(shard.at));
        let row = tx.get(&SHARDS, key)?.unwrap_or_default();
        let mut after = sku.clone();
        if let Some(home) = after.home_mut() {
            home.held = home.held - row.held + held;
            home.sold = home.sold - row.sold + sold;
        }
        tx.put(&SHARDS, key, Lent { held, sold, ..row });
        super::alert(tx, to, &sku, &after, false);
        super::level::tell_level_soon(tx, to, &mut after);
        tx.put(&SKUS, to, after);
        Ok(())
    }
}

/// The number of the mail by which home is told of a shard's units.
const LEVEL: u8 = 5;

/// Where that is told of this shard.
pub(crate) fn home_of(shard: &str) -> Address {
    Address::new(DOMAIN, LEVEL, Shard::whole_of(shard))
}

impl Sku {
    /// A shard, before it is lent anything: home is told what it holds and sells.
    fn lent(name: &str, shard: Shard) -> Self {
        Self {
            watchers: vec![home_of(name)],
            share: Some(Box::new(Share::of(shard))),
            ..super::set::NEW
        }
    }
}
