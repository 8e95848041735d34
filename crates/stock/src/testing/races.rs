//! Many at once at one SKU: what they were told, and whether a "no" was one.

use std::collections::BTreeMap;

use tidegate_engine::Random;

/// Holds that are asked about.
const HOLDS: u64 = 200;

/// Names that lie in every shard of a SKU, into however many it is split.
const BUYERS: [&str; 8] = ["mia", "tom", "ann", "bo", "eve", "jon", "lea", "max"];

/// What is asked about a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Hold,
    Release,
    Confirm,
}

/// A request, when it was sent, and what came of it, and when.
#[derive(Clone, Debug)]
struct Asked {
    does: Does,
    hold: u64,
    sent: u64,
    told: Option<(u64, String)>,
}

/// All that was asked about a SKU and answered, in a time that counts what was noted here.
#[derive(Clone, Debug)]
pub struct Races {
    sku: String,
    units: u64,
    now: u64,
    /// By token.
    asked: BTreeMap<u64, Asked>,
    /// Sent before a crash, or answered.
    over: Vec<Asked>,
}

fn quantity(hold: u64) -> u64 {
    1 + hold % 5
}

impl Races {
    /// A SKU that has so many units all the time, whose holds do not expire.
    #[must_use]
    pub fn new(sku: &str, units: u64) -> Self {
        Self {
            sku: sku.to_owned(),
            units,
            now: 0,
            asked: BTreeMap::new(),
            over: Vec::new(),
        }
    }

    /// Sends something about some hold, by what gives it a token.
    pub fn ask(&mut self, random: &mut Random, send: impl FnOnce(&str) -> u64) {
        let hold = random.below(HOLDS);
        let does = match random.below(8) {
            0..4 => Does::Hold,
            // Little is sold, or nothing would move for long.
            4 if hold.is_multiple_of(20) => Does::Confirm,
            _ => Does::Release,
        };
        let (sku, who) = (&self.sku, BUYERS[(hold % 8) as usize]);
        let command = match does {
            Does::Hold => format!("STOCK.HOLD {sku} h{hold} {} BUYER {who}", quantity(hold)),
            Does::Release => format!("STOCK.RELEASE {sku} h{hold} BUYER {who}"),
            Does::Confirm => format!("STOCK.CONFIRM {sku} h{hold} BUYER {who}"),
        };
        self.now += 1;
        let sent = self.now;
        let token = send(&command);
        let asked = Asked {
            does,
            hold,
            sent,
            told: None,
        };
        self.asked.insert(token, asked);
    }

    /// What waits for an answer.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.asked.len()
    }

    /// Takes note of what was answered since, of each token; gives these answers.
    pub fn collect(&mut self, answer: impl Fn(u64) -> Option<String>) -> Vec<String> {
        self.now += 1;
        let mut answers = Vec::new();
        for (token, mut asked) in std::mem::take(&mut self.asked) {
            match answer(token) {
                Some(told) => {
                    answers.push(told.clone());
                    asked.told = Some((self.now, told));
                    self.over.push(asked);
                }
                None => drop(self.asked.insert(token, asked)),
            }
        }
        answers
    }

    /// The process has ended: what was not answered will not be, and may have been done.
    pub fn break_off(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        self.over.extend(asked.into_values());
    }

    fn all(&self) -> impl Iterator<Item = &Asked> {
        self.over.iter().chain(self.asked.values())
    }

    /// From when on a hold may have been there, and until when it may have been at the latest.
    fn life(&self, hold: u64) -> Option<(u64, u64)> {
        let of_hold = |does| {
            let all = self.all();
            all.filter(move |one| one.hold == hold && one.does == does)
        };
        let may_hold = |one: &&Asked| {
            let told = one.told.as_ref();
            told.is_none_or(|(_, told)| told.contains("state="))
        };
        let held = of_hold(Does::Hold).filter(may_hold);
        let from = held.map(|one| one.sent).min()?;
        let released = of_hold(Does::Release).filter_map(|one| one.told.as_ref());
        let released = released.filter(|(_, told)| told.contains("state=released"));
        let until = released.map(|(at, _)| *at).min();
        Some((from, until.unwrap_or(u64::MAX)))
    }

    /// A `sold_out` for which there were enough units from when they were asked for until it was told, whatever
    /// became of what was under way.
    #[must_use]
    pub fn wrong_no(&self) -> Option<String> {
        let lives = (0..HOLDS).filter_map(|hold| Some((hold, self.life(hold)?)));
        let lives: Vec<_> = lives.collect();
        let most = |at: u64| -> u64 {
            let there = lives
                .iter()
                .filter(|(_, (from, until))| *from <= at && at <= *until);
            there.map(|(hold, _)| quantity(*hold)).sum()
        };
        let refused = self.all().filter_map(|one| {
            let (at, told) = one.told.as_ref()?;
            told.contains("sold_out").then_some((one, *at))
        });
        let mut wrong = refused.filter(|(one, at)| {
            let wants = quantity(one.hold);
            (one.sent..=*at).all(|then| most(then) + wants <= self.units)
        });
        let told = wrong.next();
        told.map(|(one, at)| format!("{}: {one:?} until {at}", self.sku))
    }
}
