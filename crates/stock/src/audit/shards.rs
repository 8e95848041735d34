//! Shards of SKUs that are split: no unit is lost between them, and who asks is answered.

use compact_str::{CompactString, format_compact};
use tidegate_engine::Shard;
use tidegate_engine::contract::{Audit, Books};

use super::Fault;
use super::rows::Rows;
use crate::apply::{Back, ToHome, ToShard, Word, home_of};
use crate::table::{DOMAIN, Home, Moved, Share, Sku};

pub(super) fn check(name: &str, sku: &Sku, rows: &Rows, fault: Fault<'_>) {
    let Some(share) = &sku.share else {
        if Shard::named(name).is_some() || !rows.shards.is_empty() || !rows.asks.is_empty() {
            fault(": rows of a SKU that is split, and it is not".to_owned());
        }
        return;
    };
    let is_named = *name == share.shard().key_of(Shard::whole_of(name));
    if !is_named || share.at >= share.of || share.home.is_some() != (share.at == 0) {
        fault(format!(": it is no shard {} of {}", share.at, share.of));
    }
    if share.answered > share.asked || share.asked - share.answered > 1 {
        let Share {
            asked, answered, ..
        } = **share;
        fault(format!(": {asked} asks, and {answered} answered"));
    }
    match &share.home {
        Some(home) => check_home(sku, share, home, rows, fault),
        None => check_lent(name, sku, share, rows, fault),
    }
}

/// What a shard has is what it was lent and has not given back.
fn check_lent(name: &str, sku: &Sku, share: &Share, rows: &Rows, fault: Fault<'_>) {
    let has = share.lent.units.checked_sub(share.given.units);
    if has != Some(sku.total) {
        fault(format!(
            ": {} units, it was lent {} and has given back {}",
            sku.total, share.lent.units, share.given.units
        ));
    }
    if sku.watchers != [home_of(name)] || sku.alert.is_some() {
        fault(": the first shard is not told of its units".to_owned());
    }
    if !rows.shards.is_empty() || !rows.asks.is_empty() {
        fault(": it lends, as the first shard only does".to_owned());
    }
}

/// What the first shard has, and what it has lent to others, is all there is.
fn check_home(sku: &Sku, share: &Share, home: &Home, rows: &Rows, fault: Fault<'_>) {
    let sum = |of: fn(&crate::table::Lent) -> u64| -> u128 {
        rows.shards.values().map(|row| u128::from(of(row))).sum()
    };
    let (lent, given) = (sum(|row| row.lent.units), sum(|row| row.given.units));
    if u128::from(sku.total) + lent != u128::from(home.units) + given {
        fault(format!(
            ": {} units in all, {} here, {lent} lent and {given} given back",
            home.units, sku.total
        ));
    }
    let told = (sum(|row| row.held), sum(|row| row.sold));
    if told != (home.held.into(), home.sold.into()) {
        fault(format!(
            ": {} held and {} sold elsewhere, its shards have told {told:?}",
            home.held, home.sold
        ));
    }
    if !rows.shards.keys().copied().eq(1..u64::from(share.of)) {
        fault(format!(": it is lent to {:?}", rows.shards.keys()));
    }
    let heard_of = 64 - home.heard.leading_zeros();
    if heard_of > share.of.into()
        || home.heard & 1 != 0
        || home.line_ask > share.asked
        || home.round_for > home.asks_to
    {
        fault(format!(": {home:?}"));
    }
    if home.is_dry && sku.held.saturating_add(sku.sold) < sku.total {
        fault(": it has units, and says that there are none".to_owned());
    }
    check_asks(sku, share, home, rows, fault);
}

/// Who asks stands where it is said, and is served soon, or others were asked for it.
fn check_asks(sku: &Sku, share: &Share, home: &Home, rows: &Rows, fault: Fault<'_>) {
    let waiting = rows.asks.len() as u64;
    let wanted: u128 = rows.asks.values().map(|ask| u128::from(ask.units)).sum();
    let mut places = rows.asks.keys();
    let is_between = |place: &u64| (home.asks_from..=home.asks_to).contains(place);
    if (waiting, wanted) != (home.waiting, home.wanted.into()) || !places.all(is_between) {
        fault(format!(": {:?} ask, it says {home:?}", rows.asks));
    }
    let is_gathering = home.unheard(share.of).next().is_some() || sku.in_doubt() > 0;
    let is_served = rows.serves > 0 || rows.set_aside.serves;
    if waiting > 0 && !is_served && !is_gathering {
        fault(": who asks first is not served".to_owned());
    }
}

/// What shards say of each other: units on their way, and who is to be answered.
pub(super) fn add_words(audit: &mut Audit, books: &Books<'_>, name: &str, rows: &Rows) {
    let Some(share) = rows.sku.as_ref().and_then(|sku| sku.share.as_ref()) else {
        return;
    };
    if share.home.is_some() {
        audit.is_split(DOMAIN, name, share.of, || format!("stock {name}"));
        add_home(audit, books, name, rows);
    } else {
        add_shard(audit, books, name, (share, rows));
    }
    if let Some(ask) = Some(share.asked).filter(|_| share.is_asking()) {
        let label = ask_label(name, ask);
        audit.needs(label, || format!("stock {name}"));
    }
}

/// A shard asks under this number: it waits for its turn, or a letter says so.
fn ask_label(shard: &str, number: u64) -> CompactString {
    format_compact!("the answer to what {shard} asks for the {number}. time")
}

/// A shard gives back what lies idle for this gathering: it was told so, or has said so.
fn give_label(shard: &str, round: u64) -> CompactString {
    format_compact!("what {shard} gives back for gathering {round}")
}

/// So many letters have taken so many units to a shard, or back from it.
fn moved_label(shard: &str, way: &str, moved: Moved) -> CompactString {
    let Moved { letters, units } = moved;
    format_compact!("{units} units in {letters} letters {way} {shard}")
}

/// Says what the receiver of these letters may have got, of which the last ones are perhaps on their way still.
fn has_sent(audit: &mut Audit, shard: &str, way: &str, sent: Moved, on_their_way: &[u64]) {
    let mut moved = sent;
    audit.has(moved_label(shard, way, moved));
    for units in on_their_way.iter().rev() {
        let letters = moved.letters.checked_sub(1);
        let Some((letters, units)) = letters.zip(moved.units.checked_sub(*units)) else {
            return;
        };
        moved = Moved { letters, units };
        audit.has(moved_label(shard, way, moved));
    }
}

/// What somebody has got, and letters that were set aside there.
fn needs_got(audit: &mut Audit, shard: &str, way: &str, mut got: Moved, set_aside: &[u64]) {
    for units in set_aside {
        got.letters = got.letters.saturating_add(1);
        got.units = got.units.saturating_add(*units);
    }
    audit.needs(moved_label(shard, way, got), || format!("stock {shard}"));
}

fn add_home(audit: &mut Audit, books: &Books<'_>, name: &str, rows: &Rows) {
    let of = rows.sku.as_ref().and_then(|sku| sku.share.as_ref());
    let of = of.map_or(0, |share| share.of);
    let shard_of = |at: u64| {
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        Shard { at, of }.key_of(name)
    };
    for (at, row) in &rows.shards {
        let shard = shard_of(*at);
        let lent: Vec<_> = lent_to(books, &shard);
        has_sent(audit, &shard, "to", row.lent, &lent);
        let set_aside = given_by(books, name, *at);
        needs_got(audit, &shard, "from", row.given, &set_aside);
    }
    if let Some(home) = rows.sku.as_ref().and_then(Sku::home) {
        for shard in home.unheard(of) {
            let label = give_label(&shard.key_of(name), home.round);
            audit.needs(label, || format!("stock {name}"));
        }
    }
    for ask in rows.asks.values() {
        audit.has(ask_label(&shard_of(ask.at.into()), ask.number));
    }
    for (to, ToHome { at, word }) in books.letters_to::<ToHome>() {
        if to == name {
            has_word(audit, &shard_of(at.into()), &word); // It was set aside.
        }
    }
    for (to, ToShard(word)) in books.letters_to::<ToShard>() {
        has_answer(audit, &to, &word);
    }
}

/// Somebody is to hear this of a shard.
fn has_word(audit: &mut Audit, shard: &str, word: &Back) {
    match *word {
        Back::Ask { number, .. } => audit.has(ask_label(shard, number)),
        Back::Units { round, .. } => audit.has(give_label(shard, round)),
    }
}

/// A shard is to hear this.
fn has_answer(audit: &mut Audit, shard: &str, word: &Word) {
    match *word {
        Word::Lend { answers, .. } | Word::None { answers, .. } => {
            audit.has(ask_label(shard, answers));
        }
        Word::Recall { round } => audit.has(give_label(shard, round)),
    }
}

fn add_shard(audit: &mut Audit, books: &Books<'_>, name: &str, (share, rows): (&Share, &Rows)) {
    let home = Shard::whole_of(name);
    let given = given_by(books, home, share.at.into());
    has_sent(audit, name, "from", share.given, &given);
    let set_aside = lent_to(books, name);
    needs_got(audit, name, "to", share.lent, &set_aside);
    for (to, ToHome { at, word }) in books.letters_to::<ToHome>() {
        if (&*to, at) == (home, share.at) {
            has_word(audit, name, &word);
        }
    }
    for (to, ToShard(word)) in books.letters_to::<ToShard>() {
        if to == name {
            has_answer(audit, name, &word); // It was set aside.
        }
    }
    for round in &rows.gives {
        audit.has(give_label(name, *round));
    }
}

/// Units of each letter here that takes some to a shard.
fn lent_to(books: &Books<'_>, shard: &str) -> Vec<u64> {
    let letters = books.letters_to::<ToShard>().into_iter();
    let lent = letters.filter_map(|(to, ToShard(word))| match word {
        Word::Lend { units, .. } => (to == shard).then_some(units),
        Word::None { .. } | Word::Recall { .. } => None,
    });
    lent.collect()
}

/// Units of each letter here that takes some back from a shard.
fn given_by(books: &Books<'_>, home: &str, from: u64) -> Vec<u64> {
    let letters = books.letters_to::<ToHome>().into_iter();
    let given = letters.filter_map(|(to, ToHome { at, word })| match word {
        Back::Units { units, .. } => (to == home && u64::from(at) == from).then_some(units),
        Back::Ask { .. } => None,
    });
    given.collect()
}
