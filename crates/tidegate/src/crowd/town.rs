//! All people and bots of a crowd, and when each does something next. No IO.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use super::answer::Answer;
use super::arrival::Arrivals;
use super::ask::Ask;
use super::bot::Bot;
use super::dice::dice;
use super::habits::Habits;
use super::person::{Person, Sent};
use super::world::World;

/// Somebody, by number: people first, then bots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Who(u32);

/// Who comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Population {
    pub(super) people: u32,
    pub(super) bots: u32,
    pub(super) seed: u64,
}

/// A crowd.
#[derive(Debug)]
pub(super) struct Town {
    pub(super) world: World,
    people: Vec<Person>,
    bots: Vec<Bot>,
    timers: BinaryHeap<Reverse<(u64, Who)>>,
}

impl Town {
    pub(super) fn new(population: Population, arrivals: Arrivals, world: World) -> Self {
        let Population { people, bots, seed } = population;
        let timer = |number: u32| {
            let at_ms = arrivals.draw(&mut dice(seed, "arrival", number));
            Reverse((at_ms, Who(number)))
        };
        let person = |number: u32| {
            let habits = Habits::draw(&mut dice(seed, "habits", number));
            let buyer = format!("crowd-{seed}-{number}").into();
            Person::new(buyer, habits, dice(seed, "acts", number))
        };
        let bot = |number: u32| {
            let buyer: Rc<str> = format!("bot-{seed}-{number}").into();
            Bot::new(buyer, dice(seed, "bot", number))
        };
        Self {
            world,
            people: (0..people).map(person).collect(),
            bots: (0..bots).map(bot).collect(),
            timers: (0..people + bots).map(timer).collect(),
        }
    }

    /// Whether this one is a bot.
    pub(super) fn is_bot(&self, who: Who) -> bool {
        self.bot(who).is_some()
    }

    /// Whether all people have come and gone.
    pub(super) fn is_over(&self) -> bool {
        self.world.tally.gone.in_all() == self.people.len() as u64
    }

    /// When the next one does something.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.timers.peek().map(|Reverse((at_ms, _))| *at_ms)
    }

    /// The next one whose time has come, and what it sends.
    pub(super) fn act(&mut self) -> Option<(Who, Sent)> {
        while let Some(who) = self.pop() {
            let sent = match self.bot(who) {
                Some(place) => Some(self.bots[place].act(&mut self.world)),
                None => self.person_acts(who),
            };
            if let Some(sent) = sent {
                return Some((who, sent));
            }
        }
        None
    }

    fn person_acts(&mut self, Who(number): Who) -> Option<Sent> {
        let sent = self.people[number as usize].act(&mut self.world)?;
        for _ in 0..sent.copies {
            self.world.tally.ask(&sent.ask);
        }
        Some(sent)
    }

    /// Sends everybody home who has not bought and is not just about to.
    pub(super) fn close(&mut self) {
        for person in &mut self.people {
            person.leave(&mut self.world);
        }
    }

    /// Something came back to one of them.
    pub(super) fn hear(&mut self, who: Who, ask: &Ask, answer: Answer) {
        let at_ms = match self.bot(who) {
            Some(place) => self.bots[place].hear(ask, answer, &mut self.world),
            None => {
                self.world.tally.answer(&answer);
                self.people[who.0 as usize].hear(ask, answer, &mut self.world)
            }
        };
        if let Some(at_ms) = at_ms {
            self.timers.push(Reverse((at_ms, who)));
        }
    }

    /// Tickets that people were given, of which at most so many, evenly spread.
    pub(super) fn tickets(&self, most: usize) -> Vec<Rc<str>> {
        let step = self.people.len().div_ceil(most.max(1)).max(1);
        let spread = self.people.iter().step_by(step);
        spread
            .filter_map(|person| person.ticket().cloned())
            .collect()
    }

    fn pop(&mut self) -> Option<Who> {
        let Reverse((at_ms, who)) = *self.timers.peek()?;
        if at_ms > self.world.now_ms {
            return None;
        }
        self.timers.pop();
        Some(who)
    }

    fn bot(&self, Who(number): Who) -> Option<usize> {
        (number as usize).checked_sub(self.people.len())
    }
}
