//! What was brought, what was said of it, and what must not come any more.

use std::collections::{BTreeMap, BTreeSet};

use super::AGAIN_MS_MIN;
use super::process::CONCURRENCY;
use super::receiver::{Act, Brought};
use super::thing::{GROUPS, TRIES, Thing};

/// What is known of a thing.
#[derive(Debug, Default)]
struct Known {
    webhook_id: Option<String>,
    /// The try as which it came last.
    attempt: u64,
    /// What was said of it last, and heard.
    said: Option<Said>,
    /// What it was taken with, whenever it was.
    results: BTreeSet<String>,
    /// It was answered 409 at some time.
    was_refused: bool,
}

#[derive(Debug)]
struct Said {
    status: u16,
    at_us: u64,
    /// In which life of the process: what it heard and had not recorded when it ended is forgotten.
    life: u64,
    rest_ms: u64,
}

impl Said {
    fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

#[derive(Default)]
pub(super) struct Ledger {
    life: u64,
    known: BTreeMap<Thing, Known>,
    /// Of messages, by id.
    pub(super) positions: BTreeMap<u64, u64>,
    /// What the engine has as done.
    recorded: BTreeSet<Thing>,
    /// By group: what was taken before it was looked at last, and how much of that it had not recorded then.
    in_doubt: [(BTreeSet<Thing>, u64); GROUPS.len()],
    /// What must be a dead letter, as what is behind it came.
    passed_over: BTreeSet<Thing>,
    /// How often something came that had come before.
    pub(super) again: u64,
}

impl Ledger {
    /// The process has ended, or could do nothing for so long that its leases may have.
    pub(super) fn begin_life(&mut self) {
        self.life += 1;
    }

    /// Something is brought, while its receiver and the other one have these in hand.
    pub(super) fn came(
        &mut self,
        one: &Brought,
        in_hand: &[Brought],
        now_us: u64,
    ) -> Result<(), String> {
        if let (Thing::Message { id, .. }, Some(position)) = (one.thing, one.position) {
            let known = self.positions.insert(id, position);
            if known.is_some_and(|known| known != position) {
                return Err(format!("it was at {known:?}, and is at {position}"));
            }
        }
        check_alone(one, in_hand)?;
        self.check_before(one)?;
        if self.recorded.contains(&one.thing) {
            return Err("it was recorded as done".to_owned());
        }
        self.check_doubt(one.thing)?;
        let life = self.life;
        let known = self.known.entry(one.thing).or_default();
        self.again += u64::from(known.attempt > 0);
        let said = known.said.take().filter(|said| said.life == life);
        if let Some(said) = said {
            known.check_again(one, &said, now_us)?;
        }
        known.attempt = one.attempt;
        let id = known.webhook_id.get_or_insert(one.webhook_id.clone());
        if *id != one.webhook_id {
            return Err(format!("it had the id {id}"));
        }
        self.check_id(one)
    }

    /// What is before it in its key is done, or has to be a dead letter.
    fn check_before(&mut self, one: &Brought) -> Result<(), String> {
        if !(1..=TRIES).contains(&one.attempt) {
            return Err(format!("try {} of {TRIES}", one.attempt));
        }
        let Some((line, position)) = one.thing.line().zip(one.position) else {
            return Ok(());
        };
        let earlier = self.positions.iter().filter(|(_, at)| **at < position);
        let things = earlier.map(|(id, _)| Thing::Message { group: 0, id: *id });
        let of_line = things.filter(|thing| thing.line() == Some(line));
        let open: Vec<_> = of_line.filter(|thing| !self.is_taken(*thing)).collect();
        self.passed_over.extend(open);
        Ok(())
    }

    /// Of what was taken no more comes again than the engine had not recorded.
    fn check_doubt(&mut self, thing: Thing) -> Result<(), String> {
        let Thing::Message { group, .. } = thing else {
            return Ok(());
        };
        let (taken, not_recorded) = &mut self.in_doubt[group];
        if taken.remove(&thing) {
            let left = not_recorded.checked_sub(1);
            *not_recorded = left.ok_or("the engine had all that was taken, and it was")?;
        }
        Ok(())
    }

    fn check_id(&self, one: &Brought) -> Result<(), String> {
        let others = self.known.iter().filter(|(thing, _)| **thing != one.thing);
        let mut same =
            others.filter(|(_, known)| known.webhook_id.as_ref() == Some(&one.webhook_id));
        match same.next() {
            Some((other, _)) => Err(format!("{other:?} has its id")),
            None => Ok(()),
        }
    }

    /// It was answered, and that was heard.
    pub(super) fn said(&mut self, thing: Thing, act: &Act, at_us: u64) {
        let life = self.life;
        let known = self.known.entry(thing).or_default();
        let (status, rest_ms) = match act {
            Act::Break => (0, 0),
            Act::Answer(status, body, rest) => {
                if (200..300).contains(status) {
                    known.results.insert(body.clone());
                }
                known.was_refused |= *status == 409;
                (*status, rest.unwrap_or(0) * 1_000)
            }
        };
        known.said = Some(Said {
            status,
            at_us,
            life,
            rest_ms,
        });
    }

    /// Whether its receiver has taken it at some time.
    pub(super) fn is_taken(&self, thing: Thing) -> bool {
        let known = self.known.get(&thing);
        known.is_some_and(|known| !known.results.is_empty())
    }

    /// A job is done with this result.
    pub(super) fn is_done(&mut self, thing: Thing, result: &str) -> Result<(), String> {
        let known = self.known.get(&thing);
        if !known.is_some_and(|known| known.results.contains(result)) {
            return Err(format!("it is done with {result}: {known:?}"));
        }
        self.recorded.insert(thing);
        Ok(())
    }

    /// A job is dead after so many tries.
    pub(super) fn is_dead(&self, thing: Thing, tries: u64) -> Result<(), String> {
        let known = self.known.get(&thing);
        let was_refused = known.is_some_and(|known| known.was_refused);
        if tries < TRIES && !was_refused {
            return Err(format!("it is dead after {tries} tries: {known:?}"));
        }
        self.check_not_taken(thing)
    }

    /// Something is dead, or was not taken: so it was not before, and the process has lived on.
    pub(super) fn check_not_taken(&self, thing: Thing) -> Result<(), String> {
        let said = self.known.get(&thing).and_then(|known| known.said.as_ref());
        match said.filter(|said| said.life == self.life && said.is_taken()) {
            Some(said) => Err(format!("it was taken, and is not done: {said:?}")),
            None => Ok(()),
        }
    }

    /// In a group so many messages were acknowledged, and those at these positions are dead letters.
    pub(super) fn settled(
        &mut self,
        group: usize,
        acked: u64,
        dead: &BTreeSet<u64>,
    ) -> Result<(), String> {
        let thing = |id: &u64| Thing::Message { group, id: *id };
        let is_dead = |id: &u64| {
            let position = self.positions.get(id);
            position.is_some_and(|position| dead.contains(position))
        };
        let passed_over = self.passed_over.iter().find(|thing| match thing {
            Thing::Message { group: of, id } => *of == group && !is_dead(id),
            Thing::Job { .. } => false,
        });
        if let Some(thing) = passed_over {
            return Err(format!(
                "{thing:?} was passed over, and is not dead: {dead:?}"
            ));
        }
        let ids = self.positions.keys();
        let dead_ids = ids.clone().filter(|id| is_dead(id));
        for id in dead_ids {
            self.check_not_taken(thing(id))
                .map_err(|what| format!("m{id} is dead: {what}"))?;
        }
        let taken = ids.filter(|id| !is_dead(id) && self.is_taken(thing(id)));
        let taken: BTreeSet<_> = taken.map(thing).collect();
        let not_recorded = (taken.len() as u64).checked_sub(acked);
        let not_recorded = not_recorded
            .ok_or_else(|| format!("{acked} are acknowledged, and {taken:?} were taken"))?;
        self.in_doubt[group] = (taken, not_recorded);
        Ok(())
    }
}

impl Known {
    /// It comes again though the process has heard what was said of it, and has lived on.
    fn check_again(&self, one: &Brought, said: &Said, now_us: u64) -> Result<(), String> {
        let is_job = matches!(one.thing, Thing::Job { .. });
        let rest_ms = match said.status {
            200..300 => return Err(format!("it was taken: {said:?}")),
            409 if is_job => return Err(format!("it was refused for good: {said:?}")),
            425 if is_job && one.attempt != self.attempt => {
                return Err(format!("it was worked on as try {}", self.attempt));
            }
            425 if is_job => AGAIN_MS_MIN,
            _ if one.attempt <= self.attempt => {
                return Err(format!("it failed as try {}: {said:?}", self.attempt));
            }
            _ => said.rest_ms,
        };
        if now_us < said.at_us + rest_ms * 1_000 {
            return Err(format!("it was to come {rest_ms} ms later: {said:?}"));
        }
        Ok(())
    }
}

/// A thing is brought once at a time, as is a key where the order is kept; and no host is asked more than it bears.
fn check_alone(one: &Brought, in_hand: &[Brought]) -> Result<(), String> {
    let line = one.thing.line();
    let mut same = in_hand
        .iter()
        .filter(|other| other.thing == one.thing || (line.is_some() && other.thing.line() == line));
    if let Some(other) = same.next() {
        return Err(format!("{:?} is not answered yet", other.thing));
    }
    let at_host = in_hand.iter().filter(|other| other.host == one.host);
    if at_host.count() >= CONCURRENCY {
        return Err(format!("{} has {CONCURRENCY} in hand", one.host));
    }
    Ok(())
}
