//! Many at once at a split SKU, with crashes between any two steps: nobody is told `sold_out` while there was enough
//! the whole time, and no unit is lost or sold twice.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_stock::STOCK;

const BUYERS: [&str; 8] = ["mia", "tom", "ann", "bo", "eve", "jon", "lea", "max"];
const TOTAL: u64 = 17;

/// What is asked about a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Hold,
    Release,
    Confirm,
}

/// A request, when it was sent, and what came of it, and when.
#[derive(Debug)]
struct Asked {
    does: Does,
    hold: u64,
    sent: u64,
    told: Option<(u64, String)>,
}

/// All that was asked, in a time that counts events.
#[derive(Default)]
struct History {
    now: u64,
    asked: BTreeMap<u64, Asked>,
    /// Sent before a crash, and never answered.
    lost: Vec<Asked>,
}

fn quantity(hold: u64) -> u64 {
    1 + hold % 5
}

fn buyer(hold: u64) -> &'static str {
    BUYERS[(hold % 8) as usize]
}

impl History {
    fn ask(&mut self, engine: &mut Stepper, does: Does, hold: u64) {
        self.now += 1;
        let who = buyer(hold);
        let command = match does {
            Does::Hold => format!("STOCK.HOLD a h{hold} {} BUYER {who}", quantity(hold)),
            Does::Release => format!("STOCK.RELEASE a h{hold} BUYER {who}"),
            Does::Confirm => format!("STOCK.CONFIRM a h{hold} BUYER {who}"),
        };
        let (sent, told) = (self.now, None);
        let token = engine.submit(&command).unwrap();
        let asked = Asked {
            does,
            hold,
            sent,
            told,
        };
        self.asked.insert(token, asked);
        self.look(engine);
    }

    fn look(&mut self, engine: &Stepper) {
        self.now += 1;
        for (token, asked) in self
            .asked
            .iter_mut()
            .filter(|(_, asked)| asked.told.is_none())
        {
            let told = engine.answer(*token);
            asked.told = told.map(|(_, told)| (self.now, told));
        }
    }

    /// The engine is another one: tokens begin anew, and what was not answered will not be.
    fn forget(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        self.lost.extend(asked.into_values());
    }

    fn all(&self) -> impl Iterator<Item = &Asked> {
        self.lost.iter().chain(self.asked.values())
    }

    /// From when on a hold may have been there, and from when on it certainly was not any more.
    fn life(&self, hold: u64) -> Option<(u64, u64)> {
        let of_hold = |does| {
            self.all()
                .filter(move |one| one.hold == hold && one.does == does)
        };
        let may_hold = |one: &&Asked| {
            let told = one.told.as_ref();
            told.is_none_or(|(_, told)| told.contains("state="))
        };
        let from = of_hold(Does::Hold)
            .filter(may_hold)
            .map(|one| one.sent)
            .min()?;
        let released = of_hold(Does::Release).filter_map(|one| one.told.as_ref());
        let released = released.filter(|(_, told)| told.contains("state=released"));
        let until = released.map(|(at, _)| *at).min();
        Some((from, until.unwrap_or(u64::MAX)))
    }

    /// A "no" for which there were enough units from when it was asked for to when it was told.
    fn wrong_no(&self) -> Option<String> {
        let holds: Vec<_> = (0..200)
            .filter_map(|hold| Some((hold, self.life(hold)?)))
            .collect();
        let most = |at: u64| -> u64 {
            let there = holds
                .iter()
                .filter(|(_, (from, until))| *from <= at && at <= *until);
            there.map(|(hold, _)| quantity(*hold)).sum()
        };
        let refused = self.all().filter_map(|one| {
            let (at, told) = one.told.as_ref()?;
            told.contains("sold_out").then_some((one, *at))
        });
        let mut wrong = refused.filter(|(one, at)| {
            (one.sent..=*at).all(|then| most(then) + quantity(one.hold) <= TOTAL)
        });
        wrong.next().map(|(one, at)| format!("{one:?} until {at}"))
    }
}

fn one_run(seed: u64, tally: &mut BTreeMap<&'static str, u64>) {
    let mut random = Random::new(seed);
    let mut engine = Stepper::fresh(&[STOCK]);
    engine.call(&format!("STOCK.SET a {TOTAL}"));
    let of = 2 + random.below(5);
    engine.call(&format!("STOCK.SPLIT a {of}"));
    let mut history = History::default();
    for _ in 0..300 {
        match random.below(20) {
            0..=7 => {
                let does = [Does::Hold, Does::Hold, Does::Release, Does::Confirm];
                let does = does[random.below(4) as usize];
                // Little is sold, or nothing would move for long.
                let hold = random.below(200);
                let is_sold = does == Does::Confirm && !hold.is_multiple_of(20);
                let does = if is_sold { Does::Release } else { does };
                history.ask(&mut engine, does, hold);
            }
            8..=13 => drop(engine.execute()),
            14..=17 => drop(engine.write().unwrap()),
            18 => engine.clock.advance_ms(random.below(60)),
            _ if random.chance(1, 4) => {
                engine.disk.crash(&mut random);
                engine = engine.reopen().unwrap();
                history.forget();
            }
            _ => {}
        }
        history.look(&engine);
    }
    engine.settle();
    for _ in 0..3 {
        engine.pass_ms(600);
        history.look(&engine);
    }
    assert_eq!(history.wrong_no(), None, "seed {seed}");
    let faults = engine.audit().faults;
    assert_eq!(faults, Vec::<String>::new(), "seed {seed}");
    for (_, told) in history.all().filter_map(|one| one.told.as_ref()) {
        for word in ["state=held", "sold_out", "state=released", "busy"] {
            if told.contains(word) {
                *tally.entry(word).or_default() += 1;
            }
        }
    }
    assert!(
        history.asked.values().all(|one| one.told.is_some()),
        "seed {seed}"
    );
}

#[test]
fn nobody_is_told_that_nothing_is_left_while_there_is_enough() {
    let mut tally = BTreeMap::new();
    for seed in 0..300 {
        one_run(seed, &mut tally);
    }
    for word in ["state=held", "sold_out", "state=released"] {
        assert!(
            tally.get(word).is_some_and(|often| *often > 300),
            "{tally:?}"
        );
    }
    println!("{tally:?}");
}
