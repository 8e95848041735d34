//! What is counted is what was sent, once nothing is under way.

use std::collections::BTreeSet;

use tidegate_counter::testing::Expected;
use tidegate_engine::testing::Stepper;

use super::event::{Event, Fate};
use super::{
    BRIEF, COUNTERS, Counters, KEYS, LEVELS, VALUES, check_within, count_of, numbers_in, totals,
};
use crate::sales::word;
use crate::topics::{first_number, items};

impl Counters {
    /// Nothing is under way: whoever was not answered sends once more, and then all is counted as it was sent.
    pub(crate) fn check(&mut self, engine: &mut Stepper) -> Result<(), String> {
        self.send_again(engine)?;
        for (counter, (name, _)) in COUNTERS.into_iter().enumerate() {
            let checked = self.check_counter(engine, counter);
            checked.map_err(|what| format!("counter {name}: {what}"))?;
        }
        let answer = engine.call(&format!("COUNTER.GET {BRIEF} *"));
        check_within(&answer, self.brief).map_err(|what| format!("counter {BRIEF}: {what}"))?;
        let count = count_of(&answer);
        self.brief = (count, count);
        self.facts.check(engine)?;
        self.drops.check(engine)
    }

    /// What is moved and dropped comes to its end.
    pub(crate) fn drain(&mut self, engine: &mut Stepper) -> Result<(), String> {
        self.facts.drain(engine)?;
        self.drops.drain(engine)
    }

    fn send_again(&mut self, engine: &mut Stepper) -> Result<(), String> {
        let in_doubt = |number: &usize| self.events[*number].is_in_doubt;
        let numbers: Vec<usize> = (0..self.events.len()).filter(in_doubt).collect();
        let mut survived = BTreeSet::new();
        for number in &numbers {
            let is_known = self.events[*number].heard_at.is_some();
            let (_, command) = self.one(*number);
            let answer = engine.call(&command);
            let was_there = answer.contains("repeated=true");
            if is_known && !was_there {
                return Err(format!("{command}\n  was lost: {answer}"));
            }
            if was_there {
                survived.insert(*number);
            }
            let at = self.at;
            self.told(*number, at, &answer)
                .map_err(|what| format!("{command}\n  {answer}\n  {what}"))?;
        }
        self.fresh.clear();
        self.check_lost(&numbers, &survived)?;
        for number in numbers {
            let event = &mut self.events[number];
            (event.is_in_doubt, event.told_before) = (false, None);
        }
        Ok(())
    }

    /// Of each key what was lost came last: nothing that was sent behind its answer is there.
    fn check_lost(&self, numbers: &[usize], survived: &BTreeSet<usize>) -> Result<(), String> {
        let lost = numbers.iter().filter(|number| !survived.contains(number));
        for lost in lost.map(|number| &self.events[*number]) {
            let later = survived.iter().map(|number| &self.events[*number]);
            let mut of_key = later.filter(|later| later.is_of(lost.counter, lost.key));
            let is_behind = |later: &&Event| lost.told_before.is_some_and(|at| at <= later.sent_at);
            if let Some(later) = of_key.find(is_behind) {
                return Err(format!("{lost:?} was lost, and {later:?} was not"));
            }
        }
        Ok(())
    }

    fn check_counter(&self, engine: &mut Stepper, counter: usize) -> Result<(), String> {
        let (name, _) = COUNTERS[counter];
        for key in 0..KEYS {
            let count = self.sum(|event| event.is_of(counter, key));
            let answer = engine.call(&format!("COUNTER.GET {name} k{key}"));
            check_within(&answer, (count, count))?;
        }
        let one = (counter, self.at % KEYS);
        self.check_steps(engine, one)?;
        self.check_values(engine, one)?;
        let all = self.sum(|event| event.counter == counter);
        let answer = engine.call(&format!("COUNTER.GET {name} *"));
        check_within(&answer, (all, all))?;
        let of_it = self.events.iter().filter(|event| event.counter == counter);
        let late = of_it.filter(|event| event.fate == Fate::Late).count();
        let answer = engine.call(&format!("COUNTER.LATE {name} LIMIT 1000"));
        if items(&answer, "{place=").count() != late {
            return Err(format!("{late} events were late: {answer}"));
        }
        self.check_raw(engine, counter)?;
        self.check_leading(engine, counter)
    }

    /// The topic has the events that were counted, each once.
    fn check_raw(&self, engine: &mut Stepper, counter: usize) -> Result<(), String> {
        let (name, _) = COUNTERS[counter];
        let answer = engine.call(&format!("TOPIC.BROWSE {name}-raw LIMIT 1000"));
        for key in 0..KEYS {
            let begin = format!("\\\"key\\\":\\\"k{key}\\\",\\\"amount\\\":");
            let amounts = items(&answer, &begin).filter_map(first_number);
            let (kept, count) = (
                amounts.sum::<u64>(),
                self.sum(|event| event.is_of(counter, key)),
            );
            if kept != count {
                return Err(format!("k{key} has {count}, its topic {kept}: {answer}"));
            }
        }
        Ok(())
    }

    /// Each level has in each bucket what happened then: of one key, another one each time.
    fn check_steps(&self, engine: &mut Stepper, of: (usize, u64)) -> Result<(), String> {
        let (counter, key) = of;
        let (name, _) = COUNTERS[counter];
        for (width_ms, keep_ms) in LEVELS {
            let now_ms = engine.now_ms();
            let from_ms = (now_ms - keep_ms.min(3 * 600_000)) / width_ms * width_ms;
            let to_ms = now_ms + 2_000;
            let command =
                format!("COUNTER.RANGE {name} k{key} FROM {from_ms} TO {to_ms} STEP {width_ms}");
            let answer = engine.call(&command);
            let begins_ms = (from_ms..to_ms).step_by(width_ms as usize);
            let expected = begins_ms.map(|begins_ms| {
                let within = begins_ms..begins_ms + width_ms;
                Some(self.sum(|event| event.is_of(counter, key) && within.contains(&event.at_ms)))
            });
            let expected: Vec<_> = expected.collect();
            if numbers_in(&answer, " counts=[") != expected {
                return Err(format!(
                    "{command}\n  answered {answer}\n  not {expected:?}"
                ));
            }
        }
        Ok(())
    }

    /// By the values of the dimension there is as much as events had with one, and of each that is named all of it.
    fn check_values(&self, engine: &mut Stepper, of: (usize, u64)) -> Result<(), String> {
        let (counter, key) = of;
        let (name, _) = COUNTERS[counter];
        let (width_ms, keep_ms) = LEVELS[2];
        let from_ms = (engine.now_ms() - keep_ms) / width_ms * width_ms;
        let to_ms = engine.now_ms() + 2_000;
        let command =
            format!("COUNTER.RANGE {name} k{key} FROM {from_ms} TO {to_ms} STEP {width_ms} BY d");
        let answer = engine.call(&command);
        let totals = totals(&answer);
        let has_value = |event: &Event| event.is_of(counter, key) && event.value.is_some();
        let mut is_right = totals.values().sum::<u64>() == self.sum(has_value);
        for value in 0..VALUES {
            let sum = self.sum(|event| event.is_of(counter, key) && event.value == Some(value));
            let told = totals.get(&format!("x{value}"));
            is_right &= told.is_none_or(|told| *told == sum);
        }
        if is_right {
            return Ok(());
        }
        Err(format!("{command}\n  answered {answer}"))
    }

    /// The keys that lead in the present bucket of the widest level, and how many there were.
    fn check_leading(&self, engine: &mut Stepper, counter: usize) -> Result<(), String> {
        let (name, _) = COUNTERS[counter];
        let (width_ms, _) = LEVELS[2];
        let from_ms = engine.now_ms() / width_ms * width_ms;
        let to_ms = from_ms + width_ms;
        let is_within =
            |event: &Event| event.counter == counter && (from_ms..to_ms).contains(&event.at_ms);
        let counts = (0..KEYS).map(|key| {
            let count = self.sum(|event| event.key == key && is_within(event));
            (format!("k{key}"), count)
        });
        let counts = counts.filter(|(_, count)| *count > 0).collect();
        let command = format!("COUNTER.TOP {name} FROM {from_ms} TO {to_ms} COUNT 2");
        let answer = engine.call(&command);
        let leads = Expected::Leads(counts, 2).check(&answer);
        leads.map_err(|what| format!("{command}\n  answered {answer}\n  {what}"))?;
        let came = self.events.iter();
        let came = came.filter(|event| event.fate == Fate::Counted && is_within(event));
        let people: BTreeSet<_> = came.map(|event| event.by).collect();
        let answer = engine.call(&format!(
            "COUNTER.UNIQUE {name} 1 * FROM {from_ms} TO {to_ms}"
        ));
        let unique = word(&answer, "unique").and_then(first_number);
        if unique == Some(people.len() as u64) {
            return Ok(());
        }
        Err(format!("{} were there: {answer}", people.len()))
    }
}
